"""Batches from the user: a `tf.data.Dataset`, a generator, a `PyDataset`, or another iterable of batches.

`fit`, `evaluate` and validation read all of them through `read`, which checks their form and makes what Keras takes.
Every batch is checked like an array; only the first is asked whether its images are in [0, 1]. Batches of a
`tf.data.Dataset` are checked as they flow: a second iterator would fill its buffers twice and change its order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.keras_internals import changed_by
from keras_gan_zoo.core.remedies import in_batches, in_pipeline
from keras_gan_zoo.data.pipelines import without_autotune
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.batches import (
    Look,
    Reading,
    check_length,
    check_specs,
    look_at_first,
    looked_at,
    parts_of,
)

DISTRIBUTED = (tf.distribute.DistributedDataset, tf.distribute.DistributedIterator)


@dataclass(frozen=True)
class Feed:
    """What Keras reads in place of a source.

    Args:
        batches: A source that Keras takes.
        check: To be called after the first epoch; raises an `InputError` if it had no batch.
        begin: To be called with the number of each epoch before it.
    """

    batches: Any
    check: Callable[[], None] = lambda: None
    begin: Callable[[int], None] = lambda epoch: None

    def batches_before(self, epoch: int, steps: int | None) -> int:
        """The number of batches that Keras has read before an epoch since it began the source.

        With `steps` per epoch, it reads on from epoch to epoch until the source ends; otherwise each epoch begins it.
        """
        if steps is None:
            return 0
        length = self._length
        return (epoch if length is None else epoch % math.ceil(length / steps)) * steps

    @property
    def _length(self) -> int | None:
        """The number of batches; None if it is unknown, or there is no end."""
        if isinstance(self.batches, tf.data.Dataset):
            length = int(self.batches.cardinality())
            return None if length < 0 else length
        return getattr(self.batches, "num_batches", None)

    def callback(self) -> keras.callbacks.Callback:
        """Makes these calls during `fit`."""
        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: self.begin(epoch), on_epoch_end=lambda epoch, logs: self.check()
        )


def read(model, source, reading: Reading) -> Feed:
    """Checks a source of batches, and makes what Keras takes in its place.

    Raises:
        InputError: If it is no source of batches, or its batches cannot be used. What is found in the batches of a
            `tf.data.Dataset` is raised when they are read.
    """
    if isinstance(source, DISTRIBUTED):  # already dealt to replicas: only shapes are checked, by `check_batch`
        if model.condition_comes_first:
            raise InputError(
                f"Expected batches that are not dealt to replicas yet. Received: a {type(source).__name__}. Pass the "
                "tf.data.Dataset that it was made of: fit deals it."
            )
        return Feed(source)
    if isinstance(source, tf.data.Dataset):
        return _tf_dataset(model, _examples_first(model, source), reading)
    if isinstance(source, keras.utils.PyDataset):
        return _py_dataset(model, source, reading)
    if hasattr(source, "__iter__") and not hasattr(source, "shape"):
        return _iterable(model, source, reading)
    raise InputError(
        "Expected an array, a data.Dataset, a tf.data.Dataset or another source of batches. Received: "
        f"{type(source).__name__}. Convert it to one of these."
    )


# ---------------------------------------------------------------------------------------------------- kinds of sources


def _tf_dataset(model, source: tf.data.Dataset, reading: Reading) -> Feed:
    parts = parts_of(model, source.element_spec, in_dataset=True)
    look = Look(model, in_pipeline(len(parts) > 1, model.condition_comes_first), reading)
    check_length(int(source.cardinality()), reading)
    check_specs(look, *parts)
    prepared = looked_at(look, source)
    prepared = prepared if reading.limit is None else prepared.take(reading.limit)
    if reading.repeats and not reading.trains:
        for _ in prepared.take(1):  # before an epoch is trained and then cannot be validated
            pass
    return Feed(prepared, look.check_seen)


def _examples_first(model, source: tf.data.Dataset) -> tf.data.Dataset:
    """Batches (examples, conditions) of what may be (conditions, examples)."""
    is_pair = isinstance(source.element_spec, (tuple, list)) and len(source.element_spec) == 2
    return source.map(lambda first, second: (second, first)) if is_pair and model.condition_comes_first else source


def _iterable(model, source, reading: Reading) -> Feed:
    """An iterator, such as a generator, which is read once; or an iterable, such as a torch DataLoader."""
    is_read_once = hasattr(source, "__next__")
    if is_read_once:
        _check_read_once(reading)
    iterator = iter(source)
    beginning = list(itertools.islice(iterator, 1))
    check_length(len(beginning) and tf.data.UNKNOWN_CARDINALITY, reading)
    look = Look(model, in_batches, reading)
    like_first = look_at_first(look, beginning[0])
    once = itertools.chain(beginning, iterator)
    dataset = tf.data.Dataset.from_generator(
        lambda: map(like_first, once if is_read_once else source), output_signature=like_first.specs()
    )
    length = None if is_read_once else _length(source)
    dataset = dataset if length is None else dataset.apply(tf.data.experimental.assert_cardinality(length))
    dataset = dataset if reading.limit is None else dataset.take(reading.limit)
    return Feed(without_autotune(looked_at(look, dataset).prefetch(2)))


def _py_dataset(model, source: keras.utils.PyDataset, reading: Reading) -> Feed:
    length = source.num_batches
    check_length(tf.data.INFINITE_CARDINALITY if length is None else length, reading)
    look = Look(model, in_batches, reading)
    like_first = look_at_first(look, source[0])
    if like_first.rows is not None and length is not None:
        like_first(source[length - 1])  # rather than after an epoch

    def change(dataset):
        shapes = [spec.shape for spec in like_first.specs()]
        return looked_at(look, dataset.map(lambda *parts: tuple(map(tf.ensure_shape, parts, shapes))))

    ordered = OrderedBatches(source, like_first, reading)
    return Feed(changed_by(change, ordered), begin=ordered.begin)


class OrderedBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches come in an order that is a function of (seed, epoch), or in its own order.

    Args:
        source: The user's.
        convert: Converts a batch to a tuple of arrays. It is copied to the workers, so it must not hold the model.
        reading: How the source is read.
    """

    def __init__(self, source: keras.utils.PyDataset, convert: Callable, reading: Reading):
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.source, self.convert, self.reading = source, convert, reading
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Called before each epoch. If `steps_per_epoch` is given, Keras reads on in one order until it ends."""
        length, steps = self.num_batches, self.reading.steps
        self._order = None
        if self.reading.seed is not None and length is not None:
            epochs_in_order = math.ceil(length / min(length, steps or length))
            self._order = np.random.default_rng((self.reading.seed, epoch // epochs_in_order)).permutation(length)

    @property
    def num_batches(self) -> int | None:
        counts = [count for count in (self.source.num_batches, self.reading.limit) if count is not None]
        return min(counts, default=None)

    def __getitem__(self, index: int) -> tuple:
        return self.convert(self.source[index if self._order is None else int(self._order[index])])

    def on_epoch_begin(self):
        self.source.on_epoch_begin()

    def on_epoch_end(self):
        self.source.on_epoch_end()


def _check_read_once(reading: Reading) -> None:
    if reading.repeats and not reading.trains:
        raise InputError(
            "Expected validation_data that can be read after each epoch. Received: a generator, which ends. Pass "
            "arrays, or a tf.data.Dataset, such as tf.data.Dataset.from_generator makes."
        )
    if reading.repeats and reading.steps is None:
        raise InputError(
            "Expected steps_per_epoch beside a generator, which is read only once, for several epochs. Received: none. "
            "Pass steps_per_epoch=, or a tf.data.Dataset."
        )


def _length(source) -> int | None:
    try:
        return len(source)
    except TypeError:  # a torch DataLoader of unknown length has a __len__ too
        return None
