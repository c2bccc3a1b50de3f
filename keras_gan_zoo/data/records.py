"""Reads prepared sets of TensorFlow Datasets without TensorFlow.

For small images, Pillow is faster than a TensorFlow graph, and the import of TensorFlow is avoided.
"""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from keras_gan_zoo.core.reading import is_file
from keras_gan_zoo.core.records import next_record
from keras_gan_zoo.core.remote import is_remote, place
from keras_gan_zoo.data.decoding import MODES, fitted
from keras_gan_zoo.errors import InputError


def are_readable(builder, image_key: str) -> bool:
    """Whether a set has TFRecord files and 8-bit images. All other sets are read with TensorFlow."""
    image = builder.info.features[image_key]
    return builder.info.file_format.value == "tfrecord" and image.np_dtype == np.uint8 and image.shape[-1] in MODES


def read(builder, split: str, image_key: str, label_key: str | None, caption_key: str | None, shape) -> tuple:
    """What a split holds.

    Returns:
        uint8 images (n, *shape), resized and cropped if they have other sizes; labels (n,) and a list of n tuples of
        captions, each None without a key.

    Raises:
        InputError: If a file is damaged; the message names it.
    """
    from tensorflow_datasets.proto import tf_example_pb2

    part = builder.info.splits[split]
    images = np.empty((part.num_examples, *shape), np.uint8)
    labels = None if label_key is None else np.empty(len(images), np.int32)
    captions = None if caption_key is None else []
    number = 0
    for file in part.file_instructions:
        try:
            for record in _records(file.filename, file.skip, file.examples_in_shard - file.skip, file.take):
                features = tf_example_pb2.Example.FromString(record).features.feature
                images[number] = _decoded(features[image_key].bytes_list.value[0], shape)
                if labels is not None:
                    labels[number] = features[label_key].int64_list.value[0]
                if captions is not None:
                    captions.append(
                        tuple(text.decode(errors="replace") for text in features[caption_key].bytes_list.value)
                    )
                number += 1
        except Exception as error:  # by struct, protobuf or Pillow, depending on the damage
            raise InputError(
                f"Expected a whole file of {builder.name}. Received: {file.filename}, damaged near example {number} "
                f"({error}). Prepare the set again."
            ) from error
    return images, labels, captions


def _records(path: str, skip: int, present: int, take: int) -> Iterator[bytes]:
    """The records of a file, of which the first are left out."""
    wanted = present if take < 0 else take
    if not (is_remote(path) or is_file(path)):  # a pipe, say, would be waited for
        raise OSError("it is no regular file")
    with place(path).open("rb") as file:
        for number in range(skip + wanted):
            record = next_record(file)
            if number >= skip:
                yield record


def _decoded(content: bytes, shape) -> np.ndarray:
    image = Image.open(io.BytesIO(content))
    mode = MODES[shape[-1]]
    return fitted(image if image.mode == mode else image.convert(mode), shape[:2])
