"""Image sets of TensorFlow Datasets, in memory or streamed."""

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_gan_zoo.data.dataset import Dataset, normalised, without_autotune
from keras_gan_zoo.data.embedded import EMBEDDED
from keras_gan_zoo.data.image_files import fitted
from keras_gan_zoo.errors import InputError, unknown


class StreamedDataset(Dataset):
    """A TensorFlow Datasets set that does not fit into memory: read in order, shuffled within windows of `WINDOW`.

    The order is a function of (seed, epoch) here too, but continuing within an epoch reads what came before.
    """

    WINDOW = 10_000

    def __init__(self, examples: tf.data.Dataset, length: int, example_shape, *, name, class_names=None):
        self._examples, self._length, self._example_shape = examples, length, example_shape
        self.name, self.class_names = name, class_names
        self.labels = self.centers = self.std = None

    def __len__(self) -> int:
        return self._length

    def described(self) -> dict:
        return {"examples": len(self), "shape": list(self.example_shape), "set": self.name}

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self._example_shape

    @property
    def has_labels(self) -> bool:
        return isinstance(self._examples.element_spec, tuple)

    @property
    def num_classes(self) -> int | None:
        return len(self.class_names) if self.class_names else None

    def batches(self, batch_size, seed, start_step=0, with_labels=False, shuffle=True):
        steps_per_epoch = len(self) // batch_size
        first_epoch, skipped_steps = divmod(start_step, steps_per_epoch)

        def epoch(number):
            if not shuffle:
                return self._examples.take(steps_per_epoch * batch_size)
            key = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], tf.int64), number)
            windows = self._examples.batch(self.WINDOW).enumerate()
            shuffled = windows.map(
                lambda i, window: _shuffled(window, tf.random.experimental.stateless_fold_in(key, i))
            )
            return shuffled.unbatch().take(steps_per_epoch * batch_size)

        examples = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).flat_map(epoch)
        batches = examples.skip(skipped_steps * batch_size).batch(batch_size, drop_remainder=True)
        return self._prepared(batches, with_labels)

    def batches_in_order(self, batch_size, with_labels=False):
        return self._prepared(self._examples.batch(batch_size), with_labels)

    def _prepared(self, batches, with_labels: bool) -> tf.data.Dataset:
        def prepare(images, labels=None):
            return (normalised(images), labels) if with_labels else normalised(images)

        return without_autotune(batches.map(prepare, num_parallel_calls=2).prefetch(2))


def _shuffled(window, key):
    """The examples of a window, and their labels, in an order given by the key."""
    size = tf.shape(tf.nest.flatten(window)[0])[0]
    order = tf.random.experimental.stateless_shuffle(tf.range(size), key)
    return tf.nest.map_structure(lambda values: tf.gather(values, order), window)


def load_tfds(name: str, split: str, size, memory_limit: int) -> Dataset:
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if name not in known:
        raise unknown("data set", name, [*EMBEDDED, *known])
    builder = tfds.builder(name)
    image_key, label_key = _image_and_label(builder.info.features, name)
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
        if not length:
            raise ValueError("no examples")
    except (KeyError, ValueError) as error:
        splits = ", ".join(builder.info.splits)
        raise InputError(
            f"Expected a split of {name}: {splits}, or a part such as train[:100]. Received: {split!r}."
        ) from error
    shape = (*(size or shape[:2]), shape[-1])
    class_names = tuple(builder.info.features[label_key].names) if label_key else None
    examples = _tfds_examples(builder.as_dataset(split=split), image_key, label_key, shape)
    if length * int(np.prod(shape)) > memory_limit:
        return StreamedDataset(examples, length, shape, name=name, class_names=class_names)
    whole = next(iter(examples.batch(length)))
    images, labels = whole if label_key else (whole, None)
    return Dataset(images.numpy(), None if labels is None else labels.numpy(), name=name, class_names=class_names)


def _image_and_label(features, name: str) -> tuple[str, str | None]:
    """Keys of the only image and, if there is one, of the class."""
    import tensorflow_datasets as tfds

    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if "image" not in images and len(images) != 1:
        raise InputError(f"Expected a set of labelled or plain images. Received: {name} with {', '.join(features)}.")
    is_class = "label" in features and isinstance(features["label"], tfds.features.ClassLabel)
    return ("image" if "image" in images else images[0]), ("label" if is_class else None)


def _download(builder) -> None:
    try:
        builder.download_and_prepare()
    except Exception as error:  # the downloader's own kinds are not public
        raise InputError(
            f"Expected {builder.name} to be prepared in {builder.data_dir} or to be downloadable. Received: "
            f"{type(error).__name__}: {str(error)[:200]}. Set TFDS_DATA_DIR to a folder that holds it, or go online."
        ) from error


def _tfds_examples(dataset, image_key: str, label_key: str | None, shape) -> tf.data.Dataset:
    def fit(image):
        return fitted(Image.fromarray(image.squeeze()), shape[:2])

    def select(example):
        image = example[image_key]
        if image.shape != shape:
            image = tf.ensure_shape(tf.numpy_function(fit, [image], tf.uint8, stateful=False), shape)
        return (image, tf.cast(example[label_key], tf.int32)) if label_key else image

    return dataset.map(select, num_parallel_calls=2)
