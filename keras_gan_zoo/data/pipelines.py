"""`tf.data` pipelines of batches, in an order that is a function of (seed, step)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from keras_gan_zoo.errors import InputError


def endless(fetch: Callable, length: int, batch_size: int, seed: int, start_step: int, shuffle: bool):
    """Full batches from `start_step` on; each epoch is a new permutation, given by (seed, epoch)."""
    steps_per_epoch = length // batch_size

    def indices_of(step):
        epoch, position = step // steps_per_epoch, step % steps_per_epoch
        indices = position * batch_size + tf.range(batch_size, dtype=tf.int64)
        if shuffle:
            key = tf.stack([tf.cast(seed, tf.int64), epoch])
            indices = tf.random.experimental.index_shuffle(indices, key, tf.cast(length - 1, tf.int64))
        return indices

    steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
    return without_autotune(fetch(steps, indices_of).prefetch(2))


def repeated(fetch: Callable, length: int, batch_size: int, seed: int, start_step: int, shuffle: bool):
    """Full batches from `start_step` on, of permutations of all examples one after the other, given by (seed, epoch).

    Unlike in `endless`, an epoch may end within a batch, so that no example is left out, and a batch may be larger.
    """

    def key_of(epoch):
        """Random bits: keys that differ little, such as seeds themselves, can give the same order."""
        pair = tf.stack([tf.cast(seed, tf.int64), epoch])
        return tf.random.stateless_uniform((3,), pair, minval=0, maxval=2**62, dtype=tf.int64)

    def indices_of(step):
        places = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        indices, epochs = places % length, places // length
        if not shuffle:
            return indices
        keys = [key_of(epochs[0] + later) for later in range((batch_size - 1) // length + 2)]
        last = tf.cast(length - 1, tf.int64)  # `tf.random.experimental.index_shuffle` takes one key for all indices
        return tf.raw_ops.RandomIndexShuffle(index=indices, seed=tf.gather(keys, epochs - epochs[0]), max_index=last)

    steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max // batch_size)
    return without_autotune(fetch(steps, indices_of).prefetch(2))


def in_order(fetch: Callable, length: int, batch_size: int, repeats_after: int | None = None):
    """Every example once; the last batch may be smaller. The examples may begin again after so many."""
    indices = tf.data.Dataset.range(length).batch(batch_size)
    index_of = tf.identity if repeats_after is None else lambda index: index % repeats_after
    return without_autotune(fetch(indices, index_of).prefetch(2))


def zipped(*datasets: tf.data.Dataset) -> tf.data.Dataset:
    """Batches of several datasets at once."""
    return without_autotune(tf.data.Dataset.zip(*datasets))


def fetch_from_memory(examples: np.ndarray, conditions: np.ndarray | None) -> Callable:
    """A function from numbers of batches, and a function from a number to indices, to a dataset of these batches.

    Batches are examples in float32, with their conditions if there are any.
    The arrays are elements of a dataset, not constants that a function captures: TensorFlow's graph of a function is a
    circle of references, which would hold them until Python's next collection.
    """
    held = tf.data.Dataset.from_tensors(examples if conditions is None else (examples, conditions)).repeat()

    def gather(indices, held):
        if conditions is None:
            return normalised(tf.gather(held, indices))
        return normalised(tf.gather(held[0], indices)), as_condition(tf.gather(held[1], indices))

    def fetch(numbers, indices_of):
        batches = tf.data.Dataset.zip(numbers, held)
        return batches.map(lambda number, held: gather(indices_of(number), held), num_parallel_calls=2)

    return fetch


def fetch_by_reading(read: Callable, example_shape, labels: np.ndarray | None) -> Callable:
    """Like `fetch_from_memory`, by `read`, a function from indices to uint8 images."""
    held_labels = None if labels is None else tf.constant(labels)

    def read_batch(indices):
        images = tf.numpy_function(read, [indices], tf.uint8, stateful=False)
        batch = normalised(tf.ensure_shape(images, (indices.shape[0], *example_shape)))
        return batch if held_labels is None else (batch, tf.gather(held_labels, indices))

    # One batch after the other: two at a time would wait for each other, as Python has one lock.
    return lambda numbers, indices_of: numbers.map(lambda number: read_batch(indices_of(number)))


def fetch_label_maps(maps: np.ndarray, parts: int) -> Callable:
    """Like `fetch_from_memory`, from the numbers of parts to floats with a channel for each: 1 there, -1 elsewhere."""
    held = tf.data.Dataset.from_tensors(maps).repeat()

    def fetch(numbers, indices_of):
        batches = tf.data.Dataset.zip(numbers, held)
        return batches.map(
            lambda number, held: tf.one_hot(tf.gather(held, indices_of(number)), parts, on_value=1.0, off_value=-1.0),
            num_parallel_calls=2,
        )

    return fetch


def without_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Disables autotuning, which slows down the end of a `fit` with an unfinished iterator and has no benefit here.

    Also sets the sharding policy: each of several workers takes its rows of every batch, whatever the source.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


@contextmanager
def errors_of_pipelines() -> Iterator[None]:
    """Unwraps an `InputError` or a warning that was raised inside a pipeline, where TensorFlow wraps it in text."""
    try:
        yield
    except tf.errors.OpError as error:
        raised = re.search(r"\b(InputError|UserWarning): (.*)", str(error))
        if raised is None:
            raise
        kind = {"InputError": InputError, "UserWarning": UserWarning}[raised[1]]
        raise kind(raised[2]) from None


def as_condition(batch):
    """Converts uint8 pictures to float32 in [-1, 1]; labels and floats are unchanged."""
    return normalised(batch) if batch.dtype == tf.uint8 and batch.shape.rank == 4 else batch


def normalised(batch):
    """Converts uint8 images to float32 in [-1, 1]; floats are unchanged."""
    if batch.dtype == tf.uint8:
        return tf.cast(batch, tf.float32) / 127.5 - 1
    if not batch.dtype.is_floating:
        raise InputError(f"Expected uint8 images, or floats. Received: batches of {batch.dtype.name}. Convert them.")
    return batch
