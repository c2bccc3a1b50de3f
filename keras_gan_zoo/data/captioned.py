"""Examples with captions, and attributes if they are known."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_gan_zoo.core.texts import checked_texts, words
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.templates import TemplatedCaptions, draws
from keras_gan_zoo.errors import InputError


@dataclass(frozen=True)
class Attribute:
    """One attribute of all examples.

    Args:
        values: The names of its values.
        codes: Integers (n,), the value of each example by its number.

    Example:
        >>> hat = Attribute(("none", "red", "blue"), np.array([2, 0]))
        >>> hat[0]
        'blue'
    """

    values: tuple[str, ...]
    codes: np.ndarray

    def __getitem__(self, example: int) -> str:
        """The value of an example, by name."""
        return self.values[self.codes[example]]


class CaptionedDataset(Dataset):
    """Examples with one or more captions each.

    Args:
        examples: Images as `Dataset` takes them, or a `Dataset`, whose conditions and name stay.
        captions: For each example a text, or several.
        attributes: What is known about the examples, by name.
        paraphrases: Further captions in words in which no training caption is put, to test with; None if there are
            none.
        tags: For each example words that are no sentence; None if there are none.
        name: Name in messages and recipes; for a `Dataset`, it keeps its own.

    Raises:
        InputError: If there are more or fewer captions than examples, or if one is empty.

    Example:
        >>> squares = CaptionedDataset(np.zeros((2, 8, 8, 3), np.uint8), ["a black square", ["black", "a dark square"]])
        >>> squares.captions[1], "square" in squares.vocabulary
        (('black', 'a dark square'), True)
    """

    def __init__(
        self,
        examples,
        captions: Sequence,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        paraphrases: Sequence | None = None,
        tags: Sequence[tuple[str, ...]] | None = None,
        name: str = "arrays",
    ):
        self.source = examples if isinstance(examples, Dataset) else Dataset(examples, name=name)
        self.captions = _checked_captions(captions, len(self.source))
        self.paraphrases = None if paraphrases is None else _checked_captions(paraphrases, len(self.source))
        self.attributes, self.tags = dict(attributes or {}), tags
        self.name, self.class_names = self.source.name, self.source.class_names
        self.conditions = self.source.conditions
        self.centers = self.std = None

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, captions>"

    def described(self) -> dict:
        every = max(1, len(self) // 1000)
        some = "\n".join(text for i in range(0, len(self), every) for text in self.captions[i])
        return {**self.source.described(), "captions": zlib.crc32(some.encode())}

    def in_memory(self) -> CaptionedDataset:
        return self.with_examples(self.source.in_memory())

    def with_examples(self, source: Dataset) -> CaptionedDataset:
        """The captions and attributes with other examples, such as the same pictures on a background."""
        return CaptionedDataset(
            source, self.captions, attributes=self.attributes, paraphrases=self.paraphrases, tags=self.tags
        )

    def subset(self, indices) -> CaptionedDataset:
        """Some of the examples, with all that belongs to them, in memory.

        Args:
            indices: Integers (m,), or a slice.
        """
        chosen = np.arange(len(self))[indices]
        whole = self.source.in_memory()
        conditions = None if whole.conditions is None else whole.conditions[chosen]
        source = Dataset(whole.examples[chosen], conditions=conditions, name=self.name, class_names=self.class_names)
        return CaptionedDataset(
            source,
            _some(self.captions, chosen),
            attributes={name: Attribute(old.values, old.codes[chosen]) for name, old in self.attributes.items()},
            paraphrases=None if self.paraphrases is None else _some(self.paraphrases, chosen),
            tags=None if self.tags is None else _some(self.tags, chosen),
        )

    def texts(self, seed: int = 0) -> list[str]:
        """One caption of each example, chosen by (seed, example)."""
        return [texts[draws(seed, i)(len(texts))] for i, texts in enumerate(self.captions)]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words of all captions."""
        return frozenset(word for texts in self.captions for text in texts for word in words(text))

    @property
    def examples(self) -> np.ndarray:
        return self.source.examples

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self.source.example_shape

    def _fetch(self, with_conditions: bool):
        return self.source._fetch(with_conditions)


def _checked_captions(captions, n: int) -> Sequence[tuple[str, ...]]:
    if len(captions) != n:
        raise InputError(f"Expected captions for each of {n} examples. Received: {len(captions)}. Add or remove some.")
    if isinstance(captions, TemplatedCaptions):
        return captions
    listed = [tuple(texts) if isinstance(texts, (list, tuple)) else (texts,) for texts in captions]
    missing = next((i for i, texts in enumerate(listed) if not texts), None)
    if missing is not None:
        raise InputError(f"Expected captions for each example. Received: none for example {missing}. Add one.")
    checked_texts([text for texts in listed for text in texts])
    return listed


def _some(values: Sequence, indices: np.ndarray) -> Sequence:
    return values.subset(indices) if isinstance(values, TemplatedCaptions) else [values[i] for i in indices]
