"""What batches of a source must be: their parts, types, shapes and values.

A `Look` checks one batch in NumPy. `looked_at` lets it look at the batches of a `tf.data.Dataset` as they flow;
`LikeFirst` holds those of a Python source to the form of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.conditions import MOST_CLASSES, as_array, checked_conditions, is_text
from keras_gan_zoo.core.remedies import Remedy, in_arrays
from keras_gan_zoo.core.user_line import UserLine
from keras_gan_zoo.data import BATCH_SIZE
from keras_gan_zoo.data.dataset import check_floats
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_divisible, check_example_shape

AS_UINT8 = "images.astype('uint8')"


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
            if self.model.encoder is not None and condition is not None and is_text(condition):
                raise InputError(
                    "Expected batches with the vectors of texts. Received: texts. Encode them before, with "
                    "gan.encoder.encode(captions), or pass arrays: fit(images, captions)."
                )
            given = checked_conditions(condition, rows, self.remedy)
            expected.check_data(given, given.shape[1:], self.remedy)

    def check_seen(self) -> None:
        """Checks, after an epoch, that there was a batch. Only a source whose length is unknown comes so far."""
        if self.is_first:
            check_length(0, self.reading)


def look_at_arrays(model, examples, condition, trains: bool = False) -> None:
    """Checks a batch that is not of a source."""
    examples = as_array(examples)
    examples = examples.astype("float32") if examples.dtype.name == "bfloat16" else examples  # which NumPy lacks
    Look(model, in_arrays, Reading("", trains=trains))(examples, None if condition is None else as_array(condition))


def looked_at(look: Look, dataset: tf.data.Dataset) -> tf.data.Dataset:
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


def look_at_first(look: Look, batch) -> LikeFirst:
    condition_comes_first = look.model.condition_comes_first
    arrays = [as_array(part) for part in parts_of(look.model, batch, condition_comes_first=condition_comes_first)]
    look(*arrays)
    needs_one_size = look.reading.trains and look.model.minibatches_per_step > 1
    kinds = tuple((array.shape[1:], array.dtype) for array in arrays)
    return LikeFirst(kinds, len(arrays[0]) if needs_one_size else None, condition_comes_first)


def check_specs(look: Look, examples: tf.TensorSpec, condition: tf.TensorSpec | None = None) -> None:
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


def check_length(cardinality: int, reading: Reading) -> None:
    if cardinality == 0:
        raise InputError("Expected at least one batch. Received: a source without any. Check where it reads from.")
    if cardinality == tf.data.INFINITE_CARDINALITY and reading.steps is None:
        raise InputError(
            f"Expected {reading.steps_argument}, because the data repeat without end. Received: none. Pass "
            f"{reading.steps_argument}=, or leave repeat() out."
        )


def parts_of(model, batch, in_dataset: bool = False, condition_comes_first: bool = False) -> tuple:
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
