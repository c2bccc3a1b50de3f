"""Examples in memory, with checks of their form. TensorFlow is imported only when batches are requested."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo import pictures
from keras_gan_zoo.core import notebooks
from keras_gan_zoo.core.conditions import as_array, check_class_names, checked_conditions, checked_labels
from keras_gan_zoo.core.remedies import Remedy, in_arrays
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

BATCH_SIZE = 64
SHOWN = 16  # examples in a notebook
POINTS = 2500  # of the plane


class Dataset:
    """Examples with optional conditions, held in memory: uint8 images, or float32.

    Args:
        examples: uint8 images (n, height, width[, channels]); or float: images in [-1, 1], or vectors (n, features).
        labels: Classes of the examples, integers (n,), or None.
        conditions: Instead of labels, other conditions: vectors (n, d), or pictures
            (n, height, width, channels) in uint8 or in [-1, 1].
        name: Name in messages and recipes.
        class_names: Names of the labels 0, 1, ..., if known.
        centers: For mixtures of Gaussians, the means (modes, features).
        std: For mixtures of Gaussians, their standard deviation.
        remarks: Sentences about what was noticed on loading, such as files that were left out.

    Raises:
        InputError: If the arrays are empty, malformed, not finite or out of range, if two classes have the same name,
            or if both labels and conditions are given.

    Example:
        >>> from keras_gan_zoo import data
        >>> digits = data.load("digits")
        >>> len(digits), digits.example_shape, digits.examples.dtype
        (1797, (16, 16, 1), dtype('uint8'))
    """

    remarks: tuple[str, ...] = ()
    originals: Dataset | None = None  # whose examples are the sources; None if conditions may be
    is_streamed = False  # whether examples can only be read in order

    def __init__(
        self,
        examples,
        labels=None,
        *,
        conditions=None,
        name="arrays",
        class_names=None,
        centers=None,
        std=None,
        remarks=(),
    ):
        self.examples = _checked_examples(as_array(examples))
        if labels is not None and conditions is not None:
            raise InputError("Expected labels or conditions. Received: both. Leave one of them out.")
        if labels is not None:
            self.conditions = checked_labels(as_array(labels), len(self.examples))
        else:
            self.conditions = None if conditions is None else checked_conditions(conditions, len(self.examples))
        check_class_names(class_names)
        self.name, self.class_names = name, None if class_names is None else tuple(class_names)
        self.centers, self.std = centers, std
        self.remarks = tuple(remarks)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index) -> Dataset | np.ndarray | tuple:
        """One example, or (example, condition); for a slice, or an array of indices, a `Dataset` of these examples.

        Raises:
            IndexError: If there is no example of a number, or the index is another kind of object.
        """
        wanted = numbers_of(index, len(self))
        examples = self.read(np.atleast_1d(wanted))
        conditions = self.conditions_of(wanted)
        if wanted.ndim == 0:
            return examples[0] if conditions is None else (examples[0], conditions)
        facts = {"name": self.name, "class_names": self.class_names, "centers": self.centers, "std": self.std}
        return Dataset(examples, conditions=conditions, **facts)

    def read(self, indices) -> np.ndarray:
        """Examples by their numbers."""
        return self.examples[indices]

    def conditions_of(self, indices: np.ndarray) -> np.ndarray | None:
        """Conditions by their numbers; None if there are none."""
        return None if self.conditions is None else self.conditions[indices]

    def __repr__(self) -> str:
        kind = "" if self.condition_shape is None else f", conditions {self.condition_shape}"
        kind = f", {self.num_classes} classes" if self.known_labels is not None else kind
        return f"<{type(self).__name__} {self.name}: {len(self)} x {self.example_shape}{kind}>"

    def _repr_html_(self) -> str:
        """Facts, and some examples if they can be drawn, as notebooks show them; no set is read whole."""
        facts = notebooks.table(self.facts())
        if not pictures.can_draw(self.example_shape):
            return facts
        if self.example_shape == (2,):
            return facts + notebooks.image_tag(pictures.scatter(real=self.glimpse(POINTS)[:POINTS]))
        seen = self.glimpse(SHOWN)
        some = seen[np.linspace(0, len(seen) - 1, min(SHOWN, len(seen)), dtype=int)]
        return facts + notebooks.image_tag(pictures.grid(some))

    def facts(self) -> list[tuple[str, str]]:
        """What a person wants to know first, as pairs of texts."""
        facts = [("name", self.name), ("examples", f"{len(self):,}"), ("shape", str(self.example_shape))]
        if self.has_labels:
            names = self.class_names or range(self.num_classes or 0)
            facts.append(("classes", ", ".join(map(str, names))))
        elif self.condition_shape is not None:
            facts.append(("conditions", str(self.condition_shape)))
        return facts

    def described(self) -> dict:
        """A description that identifies the examples, in plain values: number, shape, and a checksum of some."""
        some = slice(None, None, max(1, len(self) // 1000))
        parts = [np.ascontiguousarray(part[some]) for part in (self.examples, self.conditions) if part is not None]
        return {
            "examples": len(self),
            "shape": list(self.example_shape),
            "checksum": zlib.crc32(b"".join(part.tobytes() for part in parts)),
        }

    def in_memory(self) -> Dataset:
        """The same examples and labels, held in memory; a data set that is read batch by batch is read completely."""
        return self

    def with_examples(self, examples) -> Dataset:
        """The conditions, names and remarks with other examples, such as the same pictures in grey."""
        facts = {"name": self.name, "class_names": self.class_names, "remarks": self.remarks}
        return Dataset(examples, conditions=self.conditions, **facts)

    def glimpse(self, n: int = 256) -> np.ndarray:
        """Examples as they are stored: all of them if they are in memory, otherwise at most n, which are read."""
        return self.examples

    @property
    def example_shape(self) -> tuple[int, ...]:
        return tuple(self.examples.shape[1:])

    @property
    def condition_shape(self) -> tuple[int, ...] | None:
        """Shape of the condition of one example: () for a class; None if there are no conditions."""
        return None if self.conditions is None else tuple(self.conditions.shape[1:])

    @property
    def labels(self) -> np.ndarray | None:
        """The conditions if they are classes, integers (n,); otherwise None."""
        return self.conditions if self.condition_shape == () else None

    @property
    def known_labels(self) -> np.ndarray | None:
        """The labels, unless the set would have to be read whole to know them."""
        return self.labels

    @property
    def is_paired(self) -> bool:
        """Whether the conditions are pictures."""
        return len(self.condition_shape or ()) == 3

    @property
    def sources(self) -> np.ndarray | None:
        """The pictures that a translator starts from, (n, height, width, channels); None if there are none."""
        if self.originals is not None:
            return self.originals.in_memory().examples
        return self.conditions if self.is_paired else None

    @property
    def source_shape(self) -> tuple[int, ...] | None:
        """Shape of a source; None if there are none."""
        if self.originals is not None:
            return self.originals.example_shape
        return self.condition_shape if self.is_paired else None

    @property
    def targets(self) -> np.ndarray:
        """The pictures that a translator is to make of the sources: the examples, which are read if need be."""
        return self.in_memory().examples

    @property
    def has_labels(self) -> bool:
        return self.condition_shape == ()

    @property
    def num_classes(self) -> int | None:
        if self.labels is None:
            return None
        return len(self.class_names) if self.class_names else int(self.labels.max()) + 1

    def batches(
        self, batch_size: int, seed: int, start_step: int = 0, with_conditions: bool = False, shuffle: bool = True
    ) -> tf.data.Dataset:
        """Endless full batches from `start_step` on; each epoch is a new permutation, given by (seed, epoch).

        Yields examples (batch_size, *example_shape), float32, or (examples, conditions) with `with_conditions`.
        """
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        return pipelines.endless(self.fetch(with_conditions), len(self), batch_size, seed, start_step, shuffle)

    def some(self, n: int, seed: int, with_conditions: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """n examples chosen by the seed, in float32, and their conditions; None if there are none or not requested."""
        with_conditions = with_conditions and self.condition_shape is not None
        batch = next(iter(self.batches(n, seed, with_conditions=with_conditions)))
        return tuple(part.numpy() for part in batch) if with_conditions else (batch.numpy(), None)

    def batches_in_order(self, batch_size: int, with_conditions: bool = False) -> tf.data.Dataset:
        """Every example once, in order; the last batch may be smaller."""
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        return pipelines.in_order(self.fetch(with_conditions), len(self), batch_size)

    def fetch(self, with_conditions: bool) -> Callable:
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        return pipelines.fetch_from_memory(self.examples, self.conditions if with_conditions else None)


class DerivedDataset(Dataset):
    """The examples of another data set, the `source`, with something more, such as captions."""

    source: Dataset

    def __len__(self) -> int:
        return len(self.source)

    def read(self, indices) -> np.ndarray:
        return self.source.read(indices)

    def glimpse(self, n: int = 256) -> np.ndarray:
        return self.source.glimpse(n)

    @property
    def examples(self) -> np.ndarray:
        return self.source.examples

    @property
    def sources(self) -> np.ndarray | None:
        own = super().sources
        return self.source.sources if own is None else own

    @property
    def source_shape(self) -> tuple[int, ...] | None:
        return super().source_shape or self.source.source_shape

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self.source.example_shape


def as_dataset(x, y=None) -> Dataset | None:
    """Converts arrays to a `Dataset`; None for sources of batches, such as a `tf.data.Dataset`.

    Arrays are all that NumPy reads as one: tensors of any framework, tables, data sets of an open HDF5 file.
    """
    if isinstance(x, Dataset):
        return x
    if hasattr(x, "__array__") and hasattr(x, "shape"):
        return Dataset(x, conditions=y)
    return None


def numbers_of(index, n: int) -> np.ndarray:
    """The numbers of the examples that an index means, of n: an array (k,), or (), if it means a single one.

    Raises:
        IndexError: If there is no example of a number, or the index is another kind of object.

    Example:
        >>> numbers_of(-1, 5), numbers_of(slice(3), 5)
        (array(4), array([0, 1, 2]))
    """
    if isinstance(index, (int, np.integer)) and not isinstance(index, bool) and -n <= index < n:
        return np.array(index % n)
    try:
        numbers = np.arange(n)[index]
    except IndexError:
        numbers = None
    if numbers is None or numbers.ndim > 1:
        raise IndexError(
            f"Expected the number of an example, from {-n} to {n - 1}, a slice, or an array of numbers. Received: "
            f"{index!r:.80}."
        )
    return np.array(numbers)


def _checked_examples(examples: np.ndarray) -> np.ndarray:
    """uint8 images (n, h, w, c) or float32 examples, checked; raises an `InputError` otherwise."""
    if examples.dtype.kind in "OSU":
        what = "objects" if examples.dtype.kind == "O" else "texts"
        raise InputError(
            f"Expected images or vectors as numbers. Received: {what} of shape {examples.shape}. If they are names of "
            "files, load their folder: data.load(folder)."
        )
    if examples.dtype.name == "bfloat16":  # which NumPy does not count among the floats
        examples = examples.astype(np.float32)
    if examples.ndim and not len(examples):
        raise InputError(
            f"Expected at least one example. Received: none, an array of shape {examples.shape}. Add some."
        )
    is_uint8, is_float = examples.dtype == np.uint8, np.issubdtype(examples.dtype, np.floating)
    if not (is_uint8 or is_float) or examples.ndim < (3 if is_uint8 else 2):
        raise InputError(
            "Expected uint8 images (n, height, width, channels), or float examples (n, ...). Received: "
            f"{examples.dtype} of shape {examples.shape}. Convert with .astype('uint8') if the values are 0 to 255."
        )
    if is_float:
        examples = examples.astype(np.float32, copy=False)
        remark = check_floats(examples, are_images=examples.ndim > 2)
        if remark is not None:
            warn(remark)
    return examples[..., None] if examples.ndim == 3 else examples


def check_floats(examples: np.ndarray, are_images: bool, remedy: Remedy = in_arrays) -> str | None:
    """Checks that float examples are finite and, if they are images, in [-1, 1].

    Returns:
        What to warn of if images have no value below 0; otherwise None.
    """
    low, high = float(examples.min()), float(examples.max())
    if not np.isfinite([low, high]).all():
        bad = int(np.argwhere(~np.isfinite(examples).reshape(len(examples), -1).all(axis=1))[0, 0])
        raise InputError(
            f"Expected finite numbers. Received: NaN or infinity, first in example {bad}. Correct the data."
        )
    if are_images and (low < -1 or high > 1):
        raise InputError(
            f"Expected float images in [-1, 1]. Received: values from {low:g} to {high:g}. "
            f"Pass uint8 images, or scale them: {remedy('images / 127.5 - 1')} for 0 to 255."
        )
    if are_images and low >= 0:
        return (
            f"Images from {low:g} to {high:g}: black is -1 here. If they were scaled to [0, 1], pass "
            f"{remedy('2 * images - 1')}."
        )
    return None
