"""Sets of TensorFlow Datasets in other files than TFRecord, or with other pixels than those of 8 bits."""

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_gan_zoo.data.dataset import Dataset, numbers_of
from keras_gan_zoo.data.decoding import fitted
from keras_gan_zoo.data.pipelines import normalised, without_autotune
from keras_gan_zoo.errors import InputError


class StreamedDataset(Dataset):
    """A set that TensorFlow reads in order: shuffled within windows of `WINDOW`, as such files allow no other.

    The order is a function of (seed, epoch) here too, but resuming within an epoch reads all examples before.
    """

    WINDOW = 10_000
    is_streamed = True

    def __init__(self, examples: tf.data.Dataset, length: int, example_shape, *, name, class_names=None):
        self._examples, self._length, self._example_shape = examples, length, example_shape
        self.name, self.class_names = name, class_names
        self.conditions = self.centers = self.std = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index):
        wanted = numbers_of(index, len(self))
        if wanted.ndim == 0:
            return next(iter(self._examples.skip(int(wanted)).take(1).as_numpy_iterator()))
        if not len(wanted):
            raise InputError(f"Expected a slice with at least one of {len(self)} examples. Received: {index}.")
        first, last = int(wanted.min()), int(wanted.max())  # only these are read
        read = self._examples.skip(first).take(last + 1 - first)
        part = StreamedDataset(read, last + 1 - first, self.example_shape, name=self.name, class_names=self.class_names)
        return part.in_memory()[wanted - first]

    def described(self) -> dict:
        return {"examples": len(self), "shape": list(self.example_shape), "set": self.name}

    def in_memory(self) -> Dataset:
        parts = self._examples.batch(256).as_numpy_iterator()
        columns = zip(*parts, strict=True) if self.has_labels else [parts]
        images, *labels = (np.concatenate(list(column)) for column in columns)
        return Dataset(images, *labels, name=self.name, class_names=self.class_names, remarks=self.remarks)

    def glimpse(self, n: int = 256) -> np.ndarray:
        [first] = self._examples.batch(n).take(1).as_numpy_iterator()
        return first[0] if self.has_labels else first

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self._example_shape

    @property
    def condition_shape(self) -> tuple[int, ...] | None:
        return () if isinstance(self._examples.element_spec, tuple) else None

    @property
    def num_classes(self) -> int | None:
        return len(self.class_names) if self.class_names else None

    def batches(self, batch_size, seed, start_step=0, with_conditions=False, shuffle=True):
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
        return self._prepared(batches, with_conditions)

    def batches_in_order(self, batch_size, with_conditions=False):
        return self._prepared(self._examples.batch(batch_size), with_conditions)

    def _prepared(self, batches, with_conditions: bool) -> tf.data.Dataset:
        def prepare(images, labels=None):
            return (normalised(images), labels) if with_conditions else normalised(images)

        return without_autotune(batches.map(prepare, num_parallel_calls=2).prefetch(2))


def _shuffled(window, key):
    """The examples of a window, and their labels, in an order given by the key."""
    size = tf.shape(tf.nest.flatten(window)[0])[0]
    order = tf.random.experimental.stateless_shuffle(tf.range(size), key)
    return tf.nest.map_structure(lambda values: tf.gather(values, order), window)


def examples_of(dataset, image_key: str, label_key: str | None, shape) -> tf.data.Dataset:
    def fit(image):
        return fitted(Image.fromarray(image.squeeze()), shape[:2])

    def select(example):
        image = example[image_key]
        if image.shape != shape:
            image = tf.ensure_shape(tf.numpy_function(fit, [image], tf.uint8, stateful=False), shape)
        return (image, tf.cast(example[label_key], tf.int32)) if label_key else image

    return dataset.map(select, num_parallel_calls=2)
