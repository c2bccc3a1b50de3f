"""Image sets of TensorFlow Datasets, in memory or streamed."""

import contextlib
import logging
import warnings

import numpy as np

from keras_gan_zoo.data import records
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.embedded import EMBEDDED
from keras_gan_zoo.errors import InputError, unknown


def load_tfds(name: str, split: str, size, memory_limit: int) -> Dataset:
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if name not in known:
        raise unknown("data set", name, [*EMBEDDED, *known])
    builder = tfds.builder(name)
    image_key, label_key = _image_and_label(builder.info.features, name)
    caption_key = _captions(builder.info.features)
    if not builder.is_prepared():
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
        splits = ", ".join(builder.info.splits)
        raise InputError(
            f"Expected a split of {name}: {splits}, or a part such as train[:100]. Received: {split!r}."
        ) from error
    shape = (*(size or shape[:2]), shape[-1])
    described = {"name": name, "class_names": tuple(builder.info.features[label_key].names) if label_key else None}
    if length * int(np.prod(shape)) <= memory_limit and records.are_readable(builder, image_key):
        images, labels, captions = records.read(builder, split, image_key, label_key, caption_key, shape)
        dataset = Dataset(images, labels, **described)
        return dataset if captions is None else CaptionedDataset(dataset, captions)
    if caption_key is not None:
        warnings.warn(
            f"The captions of {name} are left out, because its images are read batch by batch. To have them, raise "
            "memory_limit, or load a part, such as train[:10000].",
            stacklevel=4,
        )
    from keras_gan_zoo.data import streamed  # imports TensorFlow

    examples = streamed.examples_of(builder.as_dataset(split=split), image_key, label_key, shape)
    return streamed.StreamedDataset(examples, length, shape, **described)


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
        with _hidden_retry_warnings():
            builder.download_and_prepare()
    except Exception as error:  # the downloader's exceptions are not public
        raise InputError(
            f"Expected {builder.name} to be prepared in {builder.data_dir} or to be downloadable. Received: "
            f"{type(error).__name__}: {str(error)[:200]}. Set TFDS_DATA_DIR to a folder that holds it, or go online."
        ) from error


@contextlib.contextmanager
def _hidden_retry_warnings():
    """Hides the warnings of urllib3, which come at each of a hundred retries without a network."""
    log = logging.getLogger("urllib3.connectionpool")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
