"""TFRecord files of pictures: a folder of them, those that a pattern means, or one."""

import io
import os
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gan_zoo.core.reading import Kind, exists, is_folder
from keras_gan_zoo.core.records import places_of_records
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.decoding import Header, header_of, picture_of
from keras_gan_zoo.data.image_files import form_of, noted
from keras_gan_zoo.data.listing import FOLDER, SUFFIXES, Listing, is_hidden, some
from keras_gan_zoo.data.records import RecordFiles, Records, image_in
from keras_gan_zoo.errors import InputError

RECORDS = Kind("TFRecord files", "whole TFRecord files of pictures", "Write the file again.")
IMAGE_KEYS, LABEL_KEYS = ("image", "image/encoded"), ("label", "image/class/label")
LOOKED_AT = 256  # pictures, which tell size and colours of all
_NAME = re.compile(r"\.tfrecords?(-\d+(-of-\d+)?)?$", re.IGNORECASE)
_PREPARED = "dataset_info.json"  # of TensorFlow Datasets, whose folders have several splits


def shards_of(name: str | os.PathLike) -> list[Path]:
    """The TFRecord files that a name means, in the order of their names: [] if it means something else.

    A folder with pictures or further folders is one of pictures, whatever else is in it.

    Example:
        >>> shards_of("digits")
        []
    """
    path = Path(name)
    if is_folder(path):
        with FOLDER.border(path), os.scandir(path) as entries:
            found = []
            for entry in entries:
                if not is_hidden(entry.name):
                    file = path / entry.name
                    if file.suffix.lower() in SUFFIXES or file.is_dir():
                        return []
                    found.append(file)
    elif exists(path):
        found = [path]
    elif set(path.name) & set("*?[") and is_folder(path.parent):
        with FOLDER.border(path.parent):
            found = [other for other in path.parent.iterdir() if fnmatch(other.name, path.name)]
    else:
        return []
    return sorted(other for other in found if _NAME.search(other.name))


def load_shards(
    name: str | os.PathLike,
    files: Sequence[Path],
    size: tuple[int, int] | None,
    background: str | None,
    channels: int | None,
    memory_limit: int,
) -> Dataset:
    """The pictures of TFRecord files, in memory if they fit; see `data.load`."""
    folder = Path(name) if is_folder(name) else Path(name).parent
    if is_folder(name) and exists(folder / _PREPARED):
        raise InputError(
            f"Expected TFRecord files of one split. Received: {folder}, a set of TensorFlow Datasets. Load it by its "
            f"name, with its folder in TFDS_DATA_DIR, or by a pattern, such as {folder / '*-train.tfrecord*'}."
        )
    records = Records(RECORDS, files, [_places(file) for file in files])
    if not len(records):
        raise RECORDS.refusal(files[0], "without a record")
    keys = records.look(0, lambda features: _keys(features, files[0]))
    headers = _headers(records, keys[0])
    places = [Path(f"example {number:,}") for number in headers]
    form = form_of(Listing(folder, places, None, None, ()), list(headers.values()), size, background, channels)

    def decode(content: bytes) -> np.ndarray:
        image = _opened(content)
        if size is None and sorted(image.size) != sorted(form.size):
            raise ValueError(f"a picture of {image.size[::-1]}, unlike others; give image_size")
        if channels is None and form.mode == "L" and not header_of(image, needs_size=False).is_grey:
            raise ValueError("a picture in colour, unlike others; give channels")
        return picture_of(image, form)

    named = {"name": _NAME.sub("", Path(name).name), "remarks": _remarks(folder, files) if is_folder(name) else ()}
    dataset = RecordFiles(records, keys, decode, form.shape, **named)
    fits = len(records) * int(np.prod(form.shape)) <= memory_limit
    return noted(dataset.in_memory() if fits else dataset)


def _places(file: Path) -> np.ndarray:
    with RECORDS.border(file), RECORDS.check(file).open("rb") as opened:
        return places_of_records(opened)


def _keys(features, file: Path) -> tuple[str, str | None]:
    """The keys of image and label in the features of an example."""
    present = {key: features[key].WhichOneof("kind") for key in sorted(features)}
    image, label = (next((key for key in keys if key in present), None) for keys in (IMAGE_KEYS, LABEL_KEYS))
    if image is None or present[image] != "bytes_list" or (label and present[label] != "int64_list"):
        received = ", ".join(f"{key!r} ({kind})" for key, kind in present.items()) or "no features"
        raise InputError(
            "Expected tf.train.Example with an encoded picture (bytes_list) as 'image' or 'image/encoded', and with "
            f"its class (int64_list), if it has one, as 'label' or 'image/class/label'. Received: {file} with "
            f"{received}. Write the records with these keys, or pass arrays: data.Dataset(images, labels)."
        )
    return image, label


def _headers(records: Records, key: str) -> dict[int, Header]:
    """The headers of some pictures, by their numbers."""
    numbers = np.unique(np.linspace(0, len(records) - 1, LOOKED_AT, dtype=int)).tolist()

    def header(features) -> Header:
        return header_of(_opened(image_in(features, key)), needs_size=True)

    return {number: records.look(number, header) for number in numbers}


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def _remarks(folder: Path, files: Sequence[Path]) -> tuple[str, ...]:
    others = sorted(path for path in folder.iterdir() if path not in files and not is_hidden(path.name))
    return (f"Left out, because they are no TFRecord files, {len(others)}: {some(folder, others)}.",) if others else ()
