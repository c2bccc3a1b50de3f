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

from keras_gan_zoo.core.conditions import MOST_CLASSES, as_array, checked_conditions
from keras_gan_zoo.core.keras_internals import changed_by
from keras_gan_zoo.core.remedies import Remedy, in_batches, in_pipeline
from keras_gan_zoo.core.user_line import UserLine
from keras_gan_zoo.data import BATCH_SIZE
from keras_gan_zoo.data.dataset import check_floats
from keras_gan_zoo.data.pipelines import without_autotune
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_divisible, check_example_shape

AS_UINT8 = "images.astype('uint8')"
DISTRIBUTED = (tf.distribute.DistributedDataset, tf.distribute.DistributedIterator)


@dataclass(frozen=True)
class Reading:
    """How a source of batches is read.

    Args:
        steps_argument: The user's argument with the number of batches, such as "steps_per_epoch".
        steps: Its value; None to read to the end.
        trains: Whether batches are cut into minibatches, rather than evaluated.
        repeats: Whether the source is read more than once.
        seed: Seed of the order of a `PyDataset`, a new one in each epoch; None for its own order.
    """

    steps_argument: str
    steps: int | None = None
    trains: bool = False
    repeats: bool = False
    seed: int | None = None

    @property
    def limit(self) -> int | None:
        """The number of batches to cut the source to. Training reads on in a source from epoch to epoch."""
        return None if self.trains else self.steps


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
    parts = _parts(model, source.element_spec, in_dataset=True)
    look = Look(model, in_pipeline(len(parts) > 1, model.condition_comes_first), reading)
    _check_length(int(source.cardinality()), reading)
    _check_specs(look, *parts)
    prepared = _looked_at(look, source)
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
    _check_length(len(beginning) and tf.data.UNKNOWN_CARDINALITY, reading)
    look = Look(model, in_batches, reading)
    like_first = _look_at_first(look, beginning[0])
    once = itertools.chain(beginning, iterator)
    dataset = tf.data.Dataset.from_generator(
        lambda: map(like_first, once if is_read_once else source), output_signature=like_first.specs()
    )
    length = None if is_read_once else _length(source)
    dataset = dataset if length is None else dataset.apply(tf.data.experimental.assert_cardinality(length))
    dataset = dataset if reading.limit is None else dataset.take(reading.limit)
    return Feed(without_autotune(_looked_at(look, dataset).prefetch(2)))


def _py_dataset(model, source: keras.utils.PyDataset, reading: Reading) -> Feed:
    length = source.num_batches
    _check_length(tf.data.INFINITE_CARDINALITY if length is None else length, reading)
    look = Look(model, in_batches, reading)
    like_first = _look_at_first(look, source[0])
    if like_first.rows is not None and length is not None:
        like_first(source[length - 1])  # rather than after an epoch

    def change(dataset):
        shapes = [spec.shape for spec in like_first.specs()]
        return _looked_at(look, dataset.map(lambda *parts: tuple(map(tf.ensure_shape, parts, shapes))))

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


# -------------------------------------------------------------------------------------------------------------- looking


class Look:
    """Looks at batches in NumPy.

    Args:
        model: The model that takes the batches.
        remedy: What to write to change the data, see `core.remedies`.
        reading: How they are read.
    """

    def __init__(self, model, remedy: Remedy, reading: Reading):
        self.model, self.remedy, self.reading = model, remedy, reading
        self.line, self.is_first = UserLine.here(), True  # pipelines run in threads that do not know the line

    def __call__(self, examples: np.ndarray, condition: np.ndarray | None = None) -> None:
        self.check_type(examples.dtype.name)
        self.check_shape(examples.shape)
        self.check_condition(condition, len(examples))
        if examples.dtype != np.uint8:
            remark = check_floats(examples, self.are_images, self.remedy)
            if remark is not None and self.is_first:
                self.line.warn(remark)
        self.is_first = False

    @property
    def are_images(self) -> bool:
        return len(self.model.example_shape) == 3

    def check_type(self, dtype: str) -> None:
        if dtype.startswith(("str", "bytes", "object")):
            raise InputError(
                "Expected batches of uint8 images, or floats. Received: texts. If they are names of files, read these, "
                "or load their folder: data.load(folder)."
            )
        if dtype != "uint8" and not dtype.startswith(("float", "bfloat")):
            raise InputError(
                f"Expected uint8 images, or floats. Received: batches of {dtype}. Convert them: "
                f"{self.remedy(AS_UINT8)} for 0 to 255."
            )

    def check_shape(self, shape: tuple[int | None, ...]) -> None:
        """Checks the shape of a batch, in which None stands for an unknown number."""
        expected, size = self.model.example_shape, BATCH_SIZE * self.model.minibatches_per_step
        if len(shape) <= len(expected) and not _lacks_channels(shape, expected):
            raise InputError(
                f"Expected batches of shape {(None, *expected)}. Received: {tuple(shape)}. Put single examples into "
                f"batches: dataset.batch({size}, drop_remainder=True)."
            )
        if not _fits(shape[1:], expected) and not _lacks_channels(shape, expected):
            check_example_shape(self.model, shape[1:], self.remedy)
        if shape[0] == 0:
            raise InputError("Expected batches of at least one example. Received: an empty batch. Leave it out.")
        if self.reading.trains and shape[0] is None and self.model.minibatches_per_step > 1:
            raise InputError(
                f"Expected batches of a fixed size divisible by discriminator_steps={self.model.minibatches_per_step}. "
                f"Received: batches of varying sizes. Pass dataset.rebatch({size}, drop_remainder=True)."
            )
        if self.reading.trains:
            replicas = self.model.distribute_strategy.num_replicas_in_sync
            check_divisible(shape[0], self.model.minibatches_per_step, self.model.packing, replicas)

    def check_condition(self, condition: np.ndarray | None, rows: int) -> None:
        expected = self.model.data_condition
        if expected is not None:
            given = checked_conditions(condition, rows, self.remedy)
            expected.check_data(given, given.shape[1:], self.remedy)

    def check_seen(self) -> None:
        """Checks, after an epoch, that there was a batch. Only a source whose length is unknown comes so far."""
        if self.is_first:
            _check_length(0, self.reading)


def _looked_at(look: Look, dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same batches, checked as they flow, with the static shapes that the model knows.

    A graph decides whether Python looks at a batch, so that all batches but a few cost nothing.
    """
    example_shape, condition = look.model.example_shape, look.model.data_condition
    is_known = _is_known(dataset.element_spec, example_shape, condition)

    def prepare(number, batch):
        examples, *others = batch if isinstance(batch, tuple) else (batch,)
        given = [] if condition is None else others
        is_suspicious = (number == 0) | (not is_known) | _has_wrong_rows(look, examples)
        is_suspicious |= _has_wrong_numbers(examples, look.are_images)
        if condition is not None and condition.is_class and is_known:
            is_suspicious |= _has_wrong_labels(given[0], condition.num_classes)

        def look_at():
            tf.numpy_function(look, [_readable(examples), *given], [])
            return True

        with tf.control_dependencies([tf.cond(is_suspicious, look_at, lambda: True)]):
            examples = _with_shape(examples, example_shape)
            others = [_with_shape(part, condition.shape) for part in given] or others
        return (examples, *others) if others else examples

    return dataset.enumerate().map(prepare)


def _is_known(spec, example_shape: tuple, condition) -> bool:
    """Whether the form of all batches is known to be right, without a look."""
    parts = spec if isinstance(spec, tuple) else (spec,)
    expected = [example_shape] if condition is None else [example_shape, condition.shape]
    return all(part.shape[1:] == shape for part, shape in zip(parts, expected, strict=False))


def _has_wrong_rows(look: Look, examples) -> tf.Tensor:
    rows, model = tf.shape(examples)[0], look.model
    divisor = model.minibatches_per_step * model.packing * model.distribute_strategy.num_replicas_in_sync
    return (rows == 0) | (look.reading.trains & (rows % divisor != 0))


def _has_wrong_numbers(examples, are_images: bool) -> tf.Tensor | bool:
    """Whether numbers are not finite, or out of the range of images."""
    if not examples.dtype.is_floating:
        return False
    return ~tf.reduce_all(tf.abs(examples) <= (1 if are_images else examples.dtype.max))


def _has_wrong_labels(labels, num_classes: int | None) -> tf.Tensor:
    labels = tf.cast(labels, tf.int64)  # in which uint64 beyond its range is negative
    return tf.reduce_any((labels < 0) | (labels >= (MOST_CLASSES if num_classes is None else num_classes)))


def _readable(examples):
    """Half precision as numbers that NumPy has."""
    return tf.cast(examples, tf.float32) if examples.dtype == tf.bfloat16 else examples


def _with_shape(values, shape: tuple):
    """A batch with the static shape that a look has found it to have, or with an axis of channels more."""
    if None in shape or values.shape[1:] == shape:
        return tf.identity(values)
    rows = values.shape[0] if values.shape.rank else None
    return tf.reshape(values, (-1 if rows is None else rows, *shape))


# ------------------------------------------------------------------------------------------------------ form of batches


@dataclass(frozen=True)
class LikeFirst:
    """Converts batches of a Python source to tuples of arrays, which must have the form of the first batch.

    Args:
        kinds: Shape of one example and type, of each part.
        rows: The number of examples, if all batches must have the same.
        condition_comes_first: Whether the source's batches are (conditions, examples).
    """

    kinds: tuple[tuple[tuple[int, ...], np.dtype], ...]
    rows: int | None
    condition_comes_first: bool = False

    def __call__(self, batch) -> tuple[np.ndarray, ...]:
        arrays = [as_array(part) for part in _as_parts(batch, self.condition_comes_first)]
        alike = [
            array.ndim == 1 + len(shape) and array.shape[1:] == shape and array.dtype.kind == dtype.kind
            for array, (shape, dtype) in zip(arrays, self.kinds, strict=False)
        ]
        if len(arrays) != len(self.kinds) or not all(alike) or self.rows not in (None, len(arrays[0])):
            received = ", ".join(f"{array.dtype} {array.shape}" for array in arrays)
            expected = ", ".join(f"{dtype} {(self.rows, *shape)}" for shape, dtype in self.kinds)
            raise InputError(
                f"Expected batches like the first, {expected}. Received: {received}. Make them alike, or leave it out."
            )
        return tuple(_converted(array, dtype) for array, (_, dtype) in zip(arrays, self.kinds, strict=True))

    def specs(self) -> tuple[tf.TensorSpec, ...]:
        return tuple(tf.TensorSpec((self.rows, *shape), dtype) for shape, dtype in self.kinds)


def _converted(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A part of a batch in the type that it had in the first one, which must have its numbers."""
    converted = array.astype(dtype, copy=False)
    if dtype.kind in "iu" and not np.array_equal(converted, array):
        raise InputError(
            f"Expected batches like the first, in {dtype}. Received: {array.dtype} from {array.min()} to {array.max()}."
            " Convert all batches to a type that has these numbers."
        )
    return converted


def _look_at_first(look: Look, batch) -> LikeFirst:
    condition_comes_first = look.model.condition_comes_first
    arrays = [as_array(part) for part in _parts(look.model, batch, condition_comes_first=condition_comes_first)]
    look(*arrays)
    needs_one_size = look.reading.trains and look.model.minibatches_per_step > 1
    kinds = tuple((array.shape[1:], array.dtype) for array in arrays)
    return LikeFirst(kinds, len(arrays[0]) if needs_one_size else None, condition_comes_first)


def _check_specs(look: Look, examples: tf.TensorSpec, condition: tf.TensorSpec | None = None) -> None:
    """Checks what a `tf.data.Dataset` says of its batches, as far as it does; the rest is seen in the batches."""
    look.check_type(examples.dtype.name)
    if examples.shape.rank is not None:
        look.check_shape(tuple(examples.shape))
    if condition is None or (condition.shape.rank is None and condition.dtype != tf.string):
        return
    of_one = _dims(condition)[1:]
    if None not in of_one:
        dtype = np.str_ if condition.dtype == tf.string else condition.dtype.as_numpy_dtype
        look.check_condition(np.zeros((0, *of_one), dtype), 0)


def _check_length(cardinality: int, reading: Reading) -> None:
    if cardinality == 0:
        raise InputError("Expected at least one batch. Received: a source without any. Check where it reads from.")
    if cardinality == tf.data.INFINITE_CARDINALITY and reading.steps is None:
        raise InputError(
            f"Expected {reading.steps_argument}, because the data repeat without end. Received: none. Pass "
            f"{reading.steps_argument}=, or leave repeat() out."
        )


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


def _parts(model, batch, in_dataset: bool = False, condition_comes_first: bool = False) -> tuple:
    """The one or two parts of a batch, (examples,) or (examples, conditions), of what may be (conditions, examples)."""
    if isinstance(batch, dict):
        change = "Pass dataset.map(lambda row: {})." if in_dataset else "Yield {}."
        raise InputError(
            "Expected batches of examples, or of (examples, labels). Received: dictionaries of "
            f"{', '.join(map(str, batch))}. {change.format(_as_tuple(model, batch))}"
        )
    parts = _as_parts(batch, condition_comes_first)
    if not 1 <= len(parts) <= 2 or any(isinstance(part, (tuple, list, dict)) for part in parts):
        change = (
            "Pass dataset.map(lambda images, labels, *_: (images, labels))" if in_dataset else "Yield (images, labels)"
        )
        raise InputError(
            "Expected batches of examples, or of (examples, labels); a GAN has no use for sample weights. Received: "
            f"{_named(parts)}. {change if len(parts) > 2 else 'Take what you need out of the inner ones'}."
        )
    if model.data_condition is not None and len(parts) == 1:
        model.data_condition.check_data(None, None)
    for part in parts:
        if not hasattr(part, "__array__") and not isinstance(part, tf.TensorSpec):
            raise InputError(
                "Expected batches of dense arrays. Received: a part that is a "
                f"{type(part).__name__.removesuffix('Spec')}. Make all examples the same size, and then batches."
            )
    return parts


def _as_parts(batch, condition_comes_first: bool = False) -> tuple:
    parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
    if len(parts) == 2 and parts[1] is None:
        return parts[:1]
    return parts[::-1] if len(parts) == 2 and condition_comes_first else parts


def _named(parts: tuple) -> str:
    kinds = [type(part).__name__ if isinstance(part, (tuple, list, dict)) else "array" for part in parts]
    return f"({', '.join(kinds)})"


def _as_tuple(model, rows: dict) -> str:
    """What makes a tuple of a dictionary."""
    names = list(rows)
    examples = next((name for name in names if _fits(_dims(rows[name])[1:], model.example_shape)), names[0])
    others = [name for name in names if name != examples]
    if model.data_condition is None or not others:
        return f"row[{examples!r}]"
    condition = next((name for name in others if "label" in str(name)), others[0])
    return f"(row[{examples!r}], row[{condition!r}])"


def _dims(part) -> tuple:
    shape = tf.TensorShape(getattr(part, "shape", ()))
    return () if shape.rank is None else tuple(shape)


def _fits(shape, expected: tuple) -> bool:
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def _lacks_channels(shape, expected: tuple) -> bool:
    """Whether a batch of grey images has no axis of channels, which is then added, as to an array."""
    return len(shape) == len(expected) == 3 and _fits((*shape[1:], 1), expected)
