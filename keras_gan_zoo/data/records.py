"""Pictures in TFRecord files, which are read without TensorFlow.

For small images, Pillow is faster than a TensorFlow graph, and the import of TensorFlow is avoided. Records are found
by their places in the files, so that they can be read in any order.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gan_zoo.core.conditions import checked_labels
from keras_gan_zoo.core.reading import Kind, cause_of, is_file
from keras_gan_zoo.core.records import next_record, places_of_records
from keras_gan_zoo.core.remote import is_remote, place
from keras_gan_zoo.data.decoding import MODES, fitted
from keras_gan_zoo.data.on_disk import OnDiskDataset
from keras_gan_zoo.errors import InputError


class Records:
    """Records of tf.train.Example in TFRecord files, in any order. What is held is the place of each.

    Args:
        kind: What to say about files that cannot be read.
        files: The files.
        places: For each file, where its records begin (records,), as `places_of_records` finds them, or some of them.
    """

    def __init__(self, kind: Kind, files: Sequence[Path], places: Sequence[np.ndarray]):
        self.kind, self.files, self._places = kind, files, places
        self._ends = np.cumsum([len(each) for each in places])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def look(self, number: int, use: Callable):
        """What a function returns for the features of a record; its errors become one that names the file."""
        file = int(np.searchsorted(self._ends, number, side="right"))
        path, nth = self.files[file], int(number - self._ends[file])  # counted from the file's end
        with self.kind.border(path):
            try:
                with open(path, "rb") as opened:  # half the time of `path.open`
                    opened.seek(self._places[file][nth])
                    return use(features_in(next_record(opened)))
            except InputError:
                raise
            except Exception as error:  # by struct, protobuf or Pillow, depending on the damage
                raise ValueError(f"{cause_of(error)}; in example {number:,} of the set") from error


class RecordFiles(OnDiskDataset):
    """Images that are read from TFRecord files, for sets that are too large for memory.

    The labels are held once they are asked for, for which the set is read whole.

    Args:
        records: The records.
        keys: Those of an example's encoded image and of its label; None for the latter if there are none.
        decode: Turns the content of an encoded image into uint8 pixels of `shape`.
        shape: (height, width, channels).
    """

    def __init__(
        self,
        records: Records,
        keys: tuple[str, str | None],
        decode: Callable[[bytes], np.ndarray],
        shape: tuple[int, ...],
        *,
        name: str,
        class_names=None,
        remarks=(),
    ):
        self.records, self.keys, self.decode, self._shape = records, keys, decode, shape
        self.name, self.class_names, self.remarks = name, class_names, tuple(remarks)
        self.centers = self.std = None

    def __len__(self) -> int:
        return len(self.records)

    def described(self) -> dict:
        """As if it were in memory, where the same examples come in the same order."""
        some = self[:: max(1, len(self) // 1000)]
        return {**some.described(), "examples": len(self)}

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def condition_shape(self) -> tuple[int, ...] | None:
        return None if self.keys[1] is None else ()

    @cached_property
    def conditions(self) -> np.ndarray | None:
        """The labels (n,), for which all examples are read; None without a key of labels."""
        if self.keys[1] is None:
            return None
        labels = np.fromiter(map(self._label, range(len(self))), np.int64, len(self))
        with self.records.kind.border(self.records.files[0].parent):
            return checked_labels(labels, len(self))

    def conditions_of(self, indices: np.ndarray) -> np.ndarray | None:
        if self.keys[1] is None or "conditions" in vars(self):  # which were read before
            return super().conditions_of(indices)
        return np.array([self._label(int(number)) for number in np.ravel(indices)], np.int32).reshape(indices.shape)

    @property
    def known_labels(self) -> np.ndarray | None:
        return self.labels if "conditions" in vars(self) else None

    @property
    def num_classes(self) -> int | None:
        return len(self.class_names) if self.class_names else super().num_classes

    def read_one(self, number: int) -> np.ndarray:
        return self.records.look(number, lambda features: self.decode(image_in(features, self.keys[0])))

    def _label(self, number: int) -> int:
        return self.records.look(number, lambda features: label_in(features, self.keys[1]))


def features_in(record: bytes):
    """The features of a tf.train.Example by their names."""
    return _example_class().FromString(record).features.feature


@cache
def _example_class():
    from tensorflow_datasets.proto import tf_example_pb2  # takes a moment, and other data do not need it

    return tf_example_pb2.Example


def image_in(features, key: str) -> bytes:
    """The encoded image of an example."""
    return _only(features[key].bytes_list.value, f"encoded image {key!r}")


def label_in(features, key: str) -> int:
    """The class of an example."""
    return _only(features[key].int64_list.value, f"integer {key!r}")


def _only(values, what: str):
    if len(values) != 1:
        raise ValueError(f"it has {len(values)} values as its {what}")
    return values[0]


def are_readable(builder, image_key: str) -> bool:
    """Whether a set has TFRecord files and 8-bit images. All other sets are read with TensorFlow."""
    image = builder.info.features[image_key]
    return builder.info.file_format.value == "tfrecord" and image.np_dtype == np.uint8 and image.shape[-1] in MODES


def of_split(builder, split: str, kind: Kind, keys: tuple[str, str | None], shape, **facts) -> RecordFiles:
    """The examples of a split of TensorFlow Datasets, which stay in their files.

    Raises:
        InputError: If a file is damaged where the lengths of its records are, or has fewer than the split.
    """
    files, places = [], []
    for part in builder.info.splits[split].file_instructions:
        path = Path(part.filename)
        with kind.border(path), kind.check(path).open("rb") as file:
            found = places_of_records(file)
            if len(found) != part.examples_in_shard:
                raise ValueError(f"{len(found):,} records instead of {part.examples_in_shard:,}")
        files.append(path)
        places.append(found[part.skip :] if part.take < 0 else found[part.skip : part.skip + part.take])
    return RecordFiles(Records(kind, files, places), keys, lambda content: _decoded(content, shape), shape, **facts)


def read(builder, split: str, image_key: str, label_key: str | None, caption_key: str | None, shape) -> tuple:
    """What a split holds.

    Returns:
        uint8 images (n, *shape), resized and cropped if they have other sizes; labels (n,) and a list of n tuples of
        captions, each None without a key.

    Raises:
        InputError: If a file is damaged; the message names it.
    """
    part = builder.info.splits[split]
    images = np.empty((part.num_examples, *shape), np.uint8)
    labels = None if label_key is None else np.empty(len(images), np.int32)
    captions = None if caption_key is None else []
    number = 0
    for file in part.file_instructions:
        try:
            for record in _records(file.filename, file.skip, file.examples_in_shard - file.skip, file.take):
                features = features_in(record)
                images[number] = _decoded(image_in(features, image_key), shape)
                if labels is not None:
                    labels[number] = label_in(features, label_key)
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
