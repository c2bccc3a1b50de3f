"""What a data set holds, in numbers: the range of its values, the shares of its classes, and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset

FEW_CLASSES = 10  # up to so many are listed one by one
BALANCED = 1.25  # times as many examples of one class as of another: shares are about equal
UNBALANCED = 10  # times as many examples of one class as of another
NO_CONTRAST = 0.05  # of the range that pictures may have
CHANNELS = {1: "grey", 2: "grey with alpha", 3: "colour", 4: "colour with alpha"}


@dataclass(frozen=True)
class Contents:
    """What a data set holds.

    Args:
        name: Name of the set.
        examples: Number of examples.
        shape: Shape of an example.
        dtype: Type of the values: uint8 or float32.
        low: Smallest value.
        high: Largest value.
        alpha: Smallest and largest value of the alpha channel; None if there is none.
        seen: Number of examples from which the values are known: all of them if they are in memory.
        are_alike: Whether these are all the same.
        num_classes: Number of classes; None if there are no classes.
        counts: Name and number of examples of each class; empty if they are unknown, because the set is streamed.
        condition_shape: Shape of other conditions; None if there are none.
        captions: Those of the first example; empty if there are none.
        remarks: What was left out or changed when the set was loaded, in sentences.
    """

    name: str
    examples: int
    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    alpha: tuple[float, float] | None
    seen: int
    are_alike: bool
    num_classes: int | None
    counts: tuple[tuple[str, int], ...]
    condition_shape: tuple[int, ...] | None
    captions: tuple[str, ...]
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> Contents:
        """Looks at a data set. One that is not in memory is not read whole, but a few hundred examples of it.

        Example:
            >>> from keras_gan_zoo import data
            >>> digits = Contents.of(data.load("digits"))
            >>> digits.values, digits.counts[3]
            ('1,797 images of shape (16, 16, 1), grey, uint8 from 0 to 255', ('3', 183))
        """
        seen = dataset.glimpse()
        has_alpha = seen.ndim == 4 and seen.shape[-1] in (2, 4)
        return cls(
            name=dataset.name,
            examples=len(dataset),
            shape=dataset.example_shape,
            dtype=seen.dtype.name,
            low=float(seen.min()),
            high=float(seen.max()),
            alpha=(float(seen[..., -1].min()), float(seen[..., -1].max())) if has_alpha else None,
            seen=len(seen),
            are_alike=all(np.array_equal(example, seen[0]) for example in seen),
            num_classes=dataset.num_classes,
            counts=_counts(dataset),
            condition_shape=dataset.condition_shape or None,
            captions=dataset.captions[0] if isinstance(dataset, CaptionedDataset) else (),
            remarks=tuple(dataset.remarks),
        )

    @property
    def are_images(self) -> bool:
        return len(self.shape) == 3

    @property
    def values(self) -> str:
        """Number, shape, channels and range in a line."""
        kind = "images" if self.are_images else "examples"
        channels = f", {CHANNELS[self.shape[-1]]}" if self.are_images and self.shape[-1] in CHANNELS else ""
        source = "" if self.seen == self.examples else f" in {self.seen:,} of them"
        values = f"{self.dtype} from {self.low:.4g} to {self.high:.4g}"
        return f"{self.examples:,} {kind} of shape {self.shape}{channels}, {values}{source}"

    @property
    def classes(self) -> str:
        """The classes and their shares in a line; "" if there are none."""
        if self.num_classes is None:
            return ""
        if not self.counts:
            return f"{self.num_classes:,}; their shares are unknown, because the set is not read whole"
        (rare, fewest), (frequent, most) = self._extremes
        if most <= BALANCED * fewest:
            numbers = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
            return f"{self.num_classes:,} of {numbers} examples each"
        if self.num_classes <= FEW_CLASSES:
            shares = (f"{name} {100 * count / self.examples:.2g}%" for name, count in self.counts)
            return f"{self.num_classes:,}: {', '.join(shares)}"
        return f"{self.num_classes:,}; fewest examples in {rare}: {fewest:,}, most in {frequent}: {most:,}"

    @property
    def doubts(self) -> tuple[str, ...]:
        """What looks wrong, in sentences."""
        return tuple(doubt for doubt in (self._doubt_of_values(), *self._doubts_of_classes()) if doubt)

    @property
    def _extremes(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """The rarest and the most frequent class, with their numbers of examples."""
        return min(self.counts, key=lambda each: each[1]), max(self.counts, key=lambda each: each[1])

    def _doubt_of_values(self) -> str:
        where = f"All {self.examples:,} examples" if self.seen == self.examples else f"All {self.seen:,} examples read"
        if self.low == self.high:
            return f"{where} are {self.low:.4g} everywhere: there is nothing to learn. Look at the data."
        if self.are_alike and self.seen > 1:
            return f"{where} are the same: there is nothing to learn. Look at the data."
        low, high = (0, 255) if self.dtype == "uint8" else (-1, 1)
        if self.are_images and self.high - self.low < NO_CONTRAST * (high - low):
            return (
                f"Values from {self.low:.4g} to {self.high:.4g} are pictures almost without contrast. "
                f"Scale them to {low} to {high}."
            )
        return ""

    def _doubts_of_classes(self) -> tuple[str, ...]:
        present = [(name, count) for name, count in self.counts if count]
        absent = [name for name, count in self.counts if not count]
        doubts = ()
        if absent:
            listed = ", ".join(absent[:5]) + (f" and {len(absent) - 5:,} more" if len(absent) > 5 else "")
            doubts += (f"{len(absent):,} of {self.num_classes:,} classes without an example: {listed}.",)
        fewest, most = (choose(present, key=lambda each: each[1], default=("", 0)) for choose in (min, max))
        if most[1] >= UNBALANCED * fewest[1] > 0:
            doubts += (
                f"Unbalanced classes: {most[1]:,} examples of {most[0]}, {fewest[1]:,} of {fewest[0]}. "
                "Rare classes are learned badly.",
            )
        return doubts


def _counts(dataset: Dataset) -> tuple[tuple[str, int], ...]:
    if dataset.known_labels is None:
        return ()
    counts = np.bincount(dataset.known_labels, minlength=dataset.num_classes)
    names = dataset.class_names or [str(number) for number in range(len(counts))]
    return tuple(zip(names, counts.tolist(), strict=True))
