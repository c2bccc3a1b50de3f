"""Prepared sets of TensorFlow Datasets, read without TensorFlow.

Pillow decodes small images in less time than a graph takes, and what needs no TensorFlow is spared its import.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import google_crc32c
import numpy as np
from PIL import Image

from keras_gan_zoo.data.image_files import fitted
from keras_gan_zoo.errors import InputError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's, by the number of channels


def are_readable(builder, image_key: str) -> bool:
    """Whether the set is in TFRecord files and its images are of 8 bits; TensorFlow reads all others."""
    image = builder.info.features[image_key]
    return builder.info.file_format.value == "tfrecord" and image.np_dtype == np.uint8 and image.shape[-1] in MODES


def read(builder, split: str, image_key: str, label_key: str | None, shape) -> tuple[np.ndarray, np.ndarray | None]:
    """uint8 images (n, *shape), resized and cropped where they are of other sizes, and labels (n,).

    Raises:
        InputError: If a file is damaged; the message names it.
    """
    from tensorflow_datasets.proto import tf_example_pb2

    part = builder.info.splits[split]
    images = np.empty((part.num_examples, *shape), np.uint8)
    labels = None if label_key is None else np.empty(len(images), np.int32)
    number = 0
    for file in part.file_instructions:
        try:
            for record in _records(Path(file.filename), file.skip, file.examples_in_shard - file.skip, file.take):
                features = tf_example_pb2.Example.FromString(record).features.feature
                images[number] = _decoded(features[image_key].bytes_list.value[0], shape)
                if labels is not None:
                    labels[number] = features[label_key].int64_list.value[0]
                number += 1
        except Exception as error:  # of struct, protobuf or Pillow, by what was damaged
            raise InputError(
                f"Expected a whole file of {builder.name}. Received: {file.filename}, damaged near example {number} "
                f"({error}). Prepare the set again."
            ) from error
    return images, labels


def _records(path: Path, skip: int, present: int, take: int) -> Iterator[bytes]:
    """Each follows its length in 8 bytes and a checksum of that; a checksum of its own comes last."""
    wanted = present if take < 0 else take
    with path.open("rb") as file:
        for number in range(skip + wanted):
            (length,) = struct.unpack("<Q", _checked(file, 8))
            record = _checked(file, length)
            if number >= skip:
                yield record


def _checked(file, length: int) -> bytes:
    """So many bytes, and that the checksum after them is theirs: a CRC-32C, rotated and shifted by TFRecord's rule."""
    content, checksum = file.read(length), file.read(4)
    if len(content) + len(checksum) != length + 4:
        raise EOFError(f"{len(content) + len(checksum)} bytes of {length + 4}")
    found = google_crc32c.value(content)
    if struct.unpack("<I", checksum)[0] != ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF:
        raise ValueError("wrong checksum")
    return content


def _decoded(content: bytes, shape) -> np.ndarray:
    image = Image.open(io.BytesIO(content))
    mode = MODES[shape[-1]]
    return fitted(image if image.mode == mode else image.convert(mode), shape[:2])
