"""Conditions: what networks take besides noise or examples. Classes, vectors or pictures; this module imports no Keras.

A class is an integer, or a name if the classes have names. A vector is a row of floats, such as attributes or an
embedding. A picture is uint8, or float in [-1, 1], like the examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.core.remedies import NUMBERED, RENUMBERED, Remedy, in_arrays
from keras_gan_zoo.errors import InputError, unknown

TO_INTEGERS = "labels.astype('int64')"  # where no large number becomes another label
TO_UINT8 = "conditions.astype('uint8')"
# A million classes: more than any labelled set has, and one-hot a batch of 64 of them takes 256 MB. It fits into int32.
MOST_CLASSES = 2**20
KINDS = {0: "classes", 1: "vectors", 3: "pictures"}  # by the number of dimensions of one condition


@dataclass(frozen=True)
class Condition:
    """The form of the condition of one example.

    Args:
        shape: () for a class, (d,) for a vector, (height, width, channels) for a picture.
        num_classes: Number of classes; None if it is unknown, and for vectors and pictures.
        class_names: Names of the classes; None if they have none.
        are_sources: Whether they are pictures that a model translates. Users then pass them first, and call them so.

    Example:
        >>> Condition((3,)).to_sample(2, [0.0, 0.5, 1.0]).tolist()
        [[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]]
    """

    shape: tuple[int, ...] = ()
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    are_sources: bool = False

    @classmethod
    def from_input(cls, tensor, num_classes: int | None = None, class_names: Sequence[str] | None = None) -> Condition:
        """The condition that a `keras.Input` of a network takes.

        Raises:
            InputError: If the input is neither an integer, nor a vector or a picture of floats.
        """
        shape, is_integer = tuple(tensor.shape[1:]), "int" in str(tensor.dtype)
        if shape == () or (shape == (1,) and (is_integer or num_classes is not None)):
            return cls((), num_classes, None if class_names is None else tuple(class_names))
        if is_integer or None in shape or len(shape) not in KINDS:
            raise InputError(
                "Expected a condition of integers (), one class for each example, or of floats (d,) or (height, width, "
                f"channels). Received: a keras.Input of {tensor.dtype} {shape}. Change it."
            )
        return cls(shape)

    @property
    def kind(self) -> str:
        """ "classes", "vectors" or "pictures"."""
        return KINDS[len(self.shape)]

    @property
    def is_class(self) -> bool:
        return self.shape == ()

    @property
    def input_name(self) -> str:
        """The name of the input in an exported file."""
        return "labels" if self.is_class else "condition"

    def to_sample(self, n: int, values) -> np.ndarray:
        """The conditions of n samples.

        Args:
            n: Number of samples.
            values: One condition for all samples, or n conditions. Classes are given by index or name; None cycles
                through them.

        Returns:
            int32 array (n,) of classes; float32 array (n, *shape) of vectors, and of pictures in [-1, 1].

        Raises:
            InputError: If the values have another form.
        """
        if self.is_class:
            return labels_to_sample(n, values, self.num_classes, self.class_names)
        if values is None:
            raise InputError(
                f"sample() expects conditions, because the networks take {self.kind} {self.shape}. Received: none. "
                "Pass conditions=, one for all or one for each sample."
            )
        array = _floats(values, self.kind)
        if array.shape not in (self.shape, (n, *self.shape)):
            raise InputError(
                f"sample({n}) expects conditions of shape {self.shape}, or {(n, *self.shape)}, one for each sample. "
                f"Received: {array.shape}."
            )
        return np.broadcast_to(array, (n, *self.shape))

    def check_data(self, values: np.ndarray | None, shape: tuple[int, ...] | None, remedy: Remedy = in_arrays) -> None:
        """Checks that data have such conditions.

        Args:
            values: All conditions, as a `data.Dataset` holds them; None if they are read batch by batch.
            shape: Shape of one condition; None if the data have none.
            remedy: What to write to change the data, see `core.remedies`.

        Raises:
            InputError: If conditions are missing, or of another kind, shape or range.
        """
        if shape is None:
            what = "labels" if self.is_class else f"conditions, {self.kind} {self.shape}"
            given = "labels" if self.is_class else "conditions"
            if self.are_sources:
                raise InputError(
                    f"Expected sources, pictures {self.shape}, and their targets. Received: pictures of one kind only. "
                    "Pass both, as in fit(sources, targets) or batches (sources, targets)."
                )
            raise InputError(
                f"Expected {what}, because the networks take them. Received: examples only. Pass both, as in "
                f"fit(images, {given}) or batches (images, {given}), or build unconditional networks."
            )
        if shape != self.shape:
            expected = "integer labels" if self.is_class else f"{self.kind} {self.shape}"
            hint = f" {_to_integers(shape, remedy)}" if self.is_class and len(shape) == 1 else ""
            role = "sources" if self.are_sources else "conditions"
            raise InputError(
                f"Expected {expected} as {role}, because the networks take them. Received: "
                f"{KINDS.get(len(shape), 'arrays')} {shape}.{hint}"
            )
        if self.is_class and self.num_classes is not None and values is not None:
            check_labels(values, self.num_classes, remedy)

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Conditions to test a network with: the classes in turn, normal vectors, or pictures of noise."""
        random = np.random.default_rng([seed, 1])  # so that they differ from the noise of this seed
        if self.is_class:
            return labels_to_sample(n, None, self.num_classes, None)
        if self.kind == "vectors":
            return random.standard_normal((n, *self.shape), dtype=np.float32)
        return random.uniform(-1, 1, (n, *self.shape)).astype(np.float32)


def checked_conditions(values, n: int, remedy: Remedy = in_arrays) -> np.ndarray:
    """Conditions of n examples as a `data.Dataset` holds them: int32 labels, float32 vectors, or unchanged pictures.

    Raises:
        InputError: If their form or number is wrong, if a number is not finite, or if pictures are out of range.
    """
    array = as_array(values)
    is_integer = np.issubdtype(array.dtype, np.integer) and array.dtype != np.uint8
    if is_integer and array.ndim > 2:
        raise InputError(
            f"Expected pictures as conditions in uint8, or as floats in [-1, 1]. Received: {array.dtype}. Convert "
            f"them: {remedy(TO_UINT8)} for 0 to 255."
        )
    if is_integer or array.ndim < 2:
        return checked_labels(array, n, remedy)
    if array.ndim == 2 and array.shape[1] == 1 and not np.issubdtype(array.dtype, np.floating):
        return checked_labels(array, n, remedy)
    array = array[..., None] if array.ndim == 3 else array
    if len(array) != n and array.ndim == 4:
        raise InputError(f"Expected a source for each of {n} targets. Received: {len(array)}. Add or remove some.")
    if len(array) != n or array.ndim - 1 not in KINDS:
        raise InputError(
            f"Expected one condition for each of {n} examples: integers (n,), floats (n, d), or pictures (n, height, "
            f"width, channels). Received: {array.dtype} of shape {array.shape}."
        )
    is_picture = array.dtype == np.uint8 and array.ndim == 4
    return array if is_picture else _floats(array, KINDS[array.ndim - 1], remedy)


def as_array(values) -> np.ndarray:
    """The values as an array, or an `InputError` if they have no common shape."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(
            f"Expected an array. Received: a {type(values).__name__} of values of different shapes. Give all of them "
            "one shape."
        ) from error
    except (RuntimeError, TypeError) as error:  # tensors of torch that have a gradient, another device or type
        raise InputError(
            f"Expected an array. Received: a {type(values).__name__} that NumPy cannot read ({error}). Convert it, as "
            "in tensor.detach().cpu().float().numpy()."
        ) from error
    if array.dtype == object and array.ndim == 0:
        raise InputError(f"Expected an array. Received: a {type(values).__name__}. Convert it with numpy.asarray.")
    return array


def checked_labels(labels: np.ndarray, n: int, remedy: Remedy = in_arrays) -> np.ndarray:
    """Labels of n examples as int32 (n,), or an `InputError`."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 1 and len(labels) != n:
        raise InputError(
            f"Expected one integer label for each of {n} examples. Received: {len(labels)}. Pass one for each."
        )
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or labels.min(initial=0) < 0:
        each = f" of shape {labels.shape[1:]} for each example" if labels.ndim > 1 else ""
        raise InputError(
            f"Expected one integer label from 0 up for each example. Received: {_described(labels)}{each}. "
            f"{_how_to_label(labels, remedy)}"
        )
    check_labels(labels, None, remedy)
    return labels.astype(np.int32)


def check_labels(labels: np.ndarray, num_classes: int | None, remedy: Remedy = in_arrays) -> None:
    """Raises an `InputError` unless all labels are from 0 to num_classes - 1, or to the largest one if it is None."""
    is_integer = np.issubdtype(labels.dtype, np.integer)
    limit = MOST_CLASSES if num_classes is None else num_classes
    if is_integer and labels.min(initial=0) >= 0 and labels.max(initial=0) < limit:
        return
    if num_classes is None:
        reason = "as networks take a class as one number of a row"
        advice = (
            f"Number them without gaps, by their sorted numbers: {remedy(RENUMBERED)}."
            if is_integer
            else _how_to_label(labels, remedy)
        )
    else:
        from_one = is_integer and labels.min() >= 1 and labels.max() == num_classes
        reason = f"because num_classes={num_classes}"
        shift = f": {remedy('labels - 1')}" if from_one else ""
        advice = f"Renumber the labels{shift}, or build the networks with another num_classes."
    raise InputError(
        f"Expected integer labels from 0 to {limit - 1}, {reason}. Received: {_described(labels)}. {advice}"
    )


def check_num_classes(num_classes: int) -> None:
    """Raises an `InputError` unless this is a number of classes that networks can take."""
    check_count("num_classes", num_classes)
    if num_classes > MOST_CLASSES:
        raise InputError(
            f"Expected num_classes of at most {MOST_CLASSES}, as networks take a class as one number of a row. "
            f"Received: {num_classes}. Number the classes without gaps."
        )


def _described(labels: np.ndarray) -> str:
    """The type of labels, and their range if they are numbers."""
    if is_text(labels):
        return "text"
    if not np.issubdtype(labels.dtype, np.number) or not labels.size or np.iscomplexobj(labels):
        return str(labels.dtype)
    return f"{labels.dtype} from {labels.min()} to {labels.max()}"


def is_text(labels: np.ndarray) -> bool:
    """Whether an array has texts."""
    return labels.dtype.kind in "US" or (labels.size > 0 and isinstance(labels.flat[0], (str, bytes)))


def _how_to_label(labels: np.ndarray, remedy: Remedy) -> str:
    if is_text(labels):
        return f"Number the names: {remedy(NUMBERED)}."
    if labels.ndim == 2:
        return _to_integers(labels.shape[1:], remedy)
    if labels.ndim == 1 and not np.issubdtype(labels.dtype, np.integer):
        return f"Whole numbers: {remedy(TO_INTEGERS)}."
    return "Renumber the labels."


def _to_integers(shape: tuple, remedy: Remedy) -> str:
    """How labels of this shape, that of one label, become integers."""
    if shape == (1,):
        return f"Whole numbers: {remedy(TO_INTEGERS)}."
    return f"One-hot labels: {remedy('labels.argmax(axis=1)')}."


def check_class_names(names: Sequence[str] | None) -> None:
    """Raises an `InputError` if two classes have the same name, or names are one text."""
    if isinstance(names, str):
        raise InputError(f"Expected a list of class names. Received: the text {names!r}. Put it into a list.")
    duplicate = next((name for i, name in enumerate(names or ()) if name in names[:i]), None)
    if duplicate is not None:
        raise InputError(
            f"Expected a different name for each class. Received: {duplicate!r} twice. Rename one of them."
        )


def labels_to_sample(n: int, labels, num_classes: int | None, class_names: Sequence[str] | None) -> np.ndarray:
    """The classes of n examples by index.

    Args:
        n: Number of examples.
        labels: One class for all, or n classes, each by its index or its name; None for the classes in turn.
        num_classes: Number of classes; None if it is unknown.
        class_names: Names of the classes; None if they have none.

    Returns:
        int32 array (n,).

    Raises:
        InputError: If a class does not exist, if there are neither one nor n labels, or if both labels and num_classes
            are None.

    Example:
        >>> labels_to_sample(3, "cat", 2, ["dog", "cat"]).tolist()
        [1, 1, 1]
    """
    if labels is None and num_classes is None:
        raise InputError(
            "sample() expects labels, because the networks take them and num_classes is unknown. Received: none. "
            "Pass labels, or num_classes to the constructor."
        )
    indices = np.arange(n) % num_classes if labels is None else _indices(labels, class_names)
    if indices.shape not in ((), (n,)):
        raise InputError(f"sample({n}) expects one label or {n} labels. Received: shape {indices.shape}.")
    check_labels(indices, num_classes)
    return np.broadcast_to(indices.astype(np.int32), (n,))


def renumbered(labels, names: Sequence[str] | None, others: Sequence[str] | None):
    """Converts labels from the numbering of one list of class names to that of another.

    Returns None if the other list lacks the name of one of them. If either list is unknown, the labels stay as they
    are.

    Example:
        >>> renumbered(np.array([0, 0, 1]), ["cat", "dog"], ["bird", "dog", "cat"]).tolist()
        [2, 2, 1]
    """
    if labels is None or names is None or others is None:
        return labels
    found = _numbers_among(names, others)[labels]
    return None if (found < 0).any() else found


def labels_like(
    n: int, real, num_classes: int | None, names: Sequence[str] | None = None, others: Sequence[str] | None = None
) -> tuple[np.ndarray, bool]:
    """The classes of n samples that are compared with real examples: in the same shares, and evenly mixed.

    Shares are rounded by the largest remainders. If all are equal, the classes come in turn, as `labels_to_sample` has
    them.

    Args:
        n: Number of samples.
        real: The classes (m,) of the real examples, in the numbering of `others`.
        num_classes: Number of classes that samples can have; None if it is unknown.
        names: The names of the classes of samples; None if they have none.
        others: The names of the classes of real examples; None if they have none. If either list is None, equal numbers
            are equal classes.

    Returns:
        int32 array (n,), in the numbering of `names`; empty if samples can have none of the real classes. And whether
        they can have all of them.

    Example:
        >>> labels_like(8, [0, 0, 0, 1], 2)[0].tolist()
        [0, 0, 1, 0, 0, 0, 1, 0]
    """
    real = np.asarray(real)
    real = real if names is None or others is None else _numbers_among(others, names)[real]
    known = real[(real >= 0) & (real < (np.inf if num_classes is None else num_classes))]
    if not len(known):
        return np.empty(0, np.int32), False
    shares = n * np.bincount(known)
    counts, remainders = np.divmod(shares, len(known))
    counts[np.argsort(-remainders, kind="stable")[: n - counts.sum()]] += 1
    ordinals = np.concatenate([np.arange(count) for count in counts])
    places = (ordinals + 0.5) / np.repeat(counts, counts)  # of the examples of each class, evenly between 0 and 1
    labels = np.repeat(np.arange(len(counts)), counts)[np.argsort(places, kind="stable")]
    return labels.astype(np.int32), len(known) == len(real)


def _numbers_among(names: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """The number of each name in another list of names; -1 where it is missing."""
    numbers = {name: number for number, name in enumerate(others)}
    return np.array([numbers.get(name, -1) for name in names])


def _indices(labels, class_names: Sequence[str] | None) -> np.ndarray:
    """Labels with class names replaced by their indices."""

    def index(label):
        if not isinstance(label, str):
            return label
        if not class_names:
            raise InputError(
                f"Expected labels by index, because this model knows no class names. Received: {label!r}. Pass "
                "class_names to the constructor, or an index."
            )
        if label not in class_names:
            raise unknown("class", label, class_names)
        return list(class_names).index(label)

    if isinstance(labels, (list, tuple, np.ndarray)) and np.ndim(labels) == 1:
        return np.array([index(label) for label in labels])
    return np.asarray(index(labels))


def _floats(values, kind: str, remedy: Remedy = in_arrays) -> np.ndarray:
    """Vectors or pictures as float32, checked to be finite; pictures are in [-1, 1], or scaled to it from uint8."""
    array = as_array(values)
    if array.dtype == np.uint8 and kind == "pictures":
        return array.astype(np.float32) / 127.5 - 1
    if not np.issubdtype(array.dtype, np.number):
        how = f" {_to_integers(array.shape[1:], remedy)}" if array.dtype == bool and kind == "vectors" else ""
        raise InputError(f"Expected conditions as arrays of numbers. Received: {array.dtype}.{how or ' Convert them.'}")
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError("Expected finite conditions. Received: NaN or infinity. Correct them.")
    if kind == "pictures" and array.size and (array.min() < -1 or array.max() > 1):
        raise InputError(
            f"Expected pictures as conditions in [-1, 1], or uint8. Received: values from {array.min():g} to "
            f"{array.max():g}. Scale them: {remedy('conditions / 127.5 - 1')} for 0 to 255."
        )
    return array
