"""Image sets of TensorFlow Datasets, in memory, read from their records, or streamed."""

import contextlib
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from keras_gan_zoo.core.installation import data_folder
from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.core.texts import WORD
from keras_gan_zoo.data import records
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.embedded import EMBEDDED
from keras_gan_zoo.errors import InputError, similar

TFDS = Kind(
    "data set of TensorFlow Datasets",
    "a prepared set of TensorFlow Datasets",
    "Prepare the set again in TFDS_DATA_DIR.",
)
SECONDS_TO_ANSWER = 5
PREPARED = "https://storage.googleapis.com"  # whence TensorFlow Datasets takes prepared sets


def load_tfds(name: str, split: str, size, memory_limit: int, others: Iterable[str] = ()) -> Dataset:
    """Loads a set of TensorFlow Datasets; `others` are further names that could be meant by an unknown one."""
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if name not in known:
        near = similar(name, {*EMBEDDED, *known, *others})
        raise InputError(
            f"Unknown data set {name!r}, and no such folder. Expected {', '.join(EMBEDDED)}, the name of a set of "
            "TensorFlow Datasets, or the path of a folder or of a .npy, .npz or .tfrecord file."
            + (f" Did you mean {' or '.join(map(repr, near))}?" if near else " Check the name.")
        )
    builder = _builder(name)
    image_key, label_key = _image_and_label(builder.info.features, name)
    caption_key = _captions(builder.info.features)
    with _hidden_warnings("absl"):  # of a folder that does not exist yet
        is_prepared = builder.is_prepared()
    if not is_prepared:
        _download(builder)
    shape = builder.info.features[image_key].shape
    if size is None and None in shape:
        raise InputError(
            f"Expected image_size for {name}, whose images are of several sizes. Received: none. "
            "Give image_size, such as image_size=64, to resize and crop them."
        )
    try:
        length = builder.info.splits[split].num_examples
        if length < 1:
            raise ValueError("no examples")
    except (KeyError, ValueError) as error:
        splits = ", ".join(f"{each} ({info.num_examples:,} examples)" for each, info in builder.info.splits.items())
        raise InputError(
            f"Expected a split of {name}: {splits}, or a part such as train[:100]. Received: {split!r}."
        ) from error
    shape = (*(size or shape[:2]), shape[-1])
    described = {"name": name, "class_names": tuple(builder.info.features[label_key].names) if label_key else None}
    are_records = records.are_readable(builder, image_key)
    if are_records and length * int(np.prod(shape)) <= memory_limit:
        images, labels, captions = records.read(builder, split, image_key, label_key, caption_key, shape)
        return _with_captions(Dataset(images, labels, **described), captions)
    if are_records and isinstance(data_folder(), Path):  # remote storage is read in order, by TensorFlow
        dataset = records.of_split(builder, split, TFDS, (image_key, label_key), shape, **described)
    else:
        from keras_gan_zoo.data import streamed  # imports TensorFlow

        examples = streamed.examples_of(builder.as_dataset(split=split), image_key, label_key, shape)
        dataset = streamed.StreamedDataset(examples, length, shape, **described)
    if caption_key is not None:
        dataset.remarks = (
            "Captions left out, because the images are read batch by batch. To have them, raise memory_limit, or load "
            "a part, such as train[:10000].",
        )
    return dataset


def _with_captions(dataset: Dataset, captions: list[tuple[str, ...]] | None) -> Dataset:
    """The examples with their captions; without them if one has none, which a remark says."""
    if captions is None:
        return dataset
    usable = [tuple(text for text in texts if WORD.search(text)) for texts in captions]
    missing = [number for number, texts in enumerate(usable) if not texts]
    if missing:
        dataset.remarks = (f"Captions left out, because {len(missing):,} examples have none, first {missing[0]:,}.",)
        return dataset
    return CaptionedDataset(dataset, usable)


def _builder(name: str):
    """The set as it is prepared, if it is. TensorFlow Datasets would wait for pipes, so its files are checked first."""
    import tensorflow_datasets as tfds

    given = os.environ.get("TFDS_DATA_DIR")  # as it is now: TensorFlow Datasets reads it when it is imported
    folder = data_folder() / name
    for file in folder.rglob("*.json") if isinstance(folder, Path) else []:
        TFDS.check(file)
    with TFDS.border(folder):
        return tfds.builder(name, data_dir=given)


def _image_and_label(features, name: str) -> tuple[str, str | None]:
    """Keys of the only image and, if there is one, of the class."""
    import tensorflow_datasets as tfds

    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if "image" not in images and len(images) != 1:
        raise InputError(f"Expected a set of labelled or plain images. Received: {name} with {', '.join(features)}.")
    is_class = "label" in features and isinstance(features["label"], tfds.features.ClassLabel)
    return ("image" if "image" in images else images[0]), ("label" if is_class else None)


def _captions(features) -> str | None:
    """The key of captions, one or several for an example, as the records spell it; None if there are none."""
    import tensorflow_datasets as tfds

    def is_text(feature) -> bool:
        return isinstance(feature, tfds.features.Text) or isinstance(
            getattr(feature, "feature", None), tfds.features.Text
        )

    for key, feature in features.items():
        if "caption" in key or key in ("text", "description"):  # other texts are the names of files
            parts = getattr(feature, "feature", feature)  # of a sequence, which may be of dictionaries
            inner = [name for name, part in parts.items() if is_text(part)] if hasattr(parts, "items") else []
            if is_text(feature):
                return key
            if inner:
                return f"{key}/{inner[0]}"
    return None


def _download(builder) -> None:
    try:
        _check_network(builder.url_infos)
        with _hidden_warnings("urllib3.connectionpool"):  # at each of a hundred retries
            builder.download_and_prepare()
    except Exception as error:  # the downloader's exceptions are not public
        raise InputError(
            f"Expected {builder.name} to be prepared in {builder.data_dir} or to be downloadable. Received: "
            f"{type(error).__name__}: {str(error)[:200]}. Set TFDS_DATA_DIR to a folder that holds it, or go online."
        ) from error


def _check_network(urls: Iterable[str]) -> None:
    """Raises a `ConnectionError` if no host of a set answers, which a download would try for minutes."""
    hosts = {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, [PREPARED, *urls])}
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        if not any(pool.map(_answers, hosts)):
            raise ConnectionError(f"no answer from {', '.join(sorted(urlsplit(host).netloc for host in hosts))}")


def _answers(host: str) -> bool:
    import requests

    if not host.startswith("http"):
        return True  # is not asked, so that the download itself finds out
    try:
        requests.head(host, timeout=SECONDS_TO_ANSWER)
    except requests.RequestException:
        return False
    return True


@contextlib.contextmanager
def _hidden_warnings(name: str):
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
