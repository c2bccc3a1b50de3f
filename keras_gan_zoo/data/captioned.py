"""Examples with captions, and attributes if they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_gan_zoo.core.texts import checked_texts, words_of
from keras_gan_zoo.data.dataset import Dataset, DerivedDataset, numbers_of
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


class CaptionedDataset(DerivedDataset):
    """Examples with one or more captions each.

    Args:
        examples: Images as `Dataset` takes them, or a `Dataset`, whose conditions and name stay.
        captions: For each example a text, or several.
        attributes: What is known about the examples, by name.
        paraphrases: Further captions in words in which no training caption is put, to test with; None if there are
            none.
        originals: Pictures that are the `sources` of the examples, without being their conditions; None for none.
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
        originals: Dataset | None = None,
        tags: Sequence[tuple[str, ...]] | None = None,
        name: str = "arrays",
    ):
        self.source = examples if isinstance(examples, Dataset) else Dataset(examples, name=name)
        self.captions = _checked_captions(captions, len(self.source))
        self.paraphrases = None if paraphrases is None else _checked_captions(paraphrases, len(self.source))
        self.attributes, self.tags = _checked_attributes(attributes or {}, len(self.source)), tags
        if tags is not None and len(tags) != len(self.source):
            raise InputError(
                f"Expected tags of each of {len(self.source)} examples. Received: {len(tags)}. Add or remove some."
            )
        self.originals = self.source.originals if originals is None else originals
        self.name, self.class_names = self.source.name, self.source.class_names
        self.remarks = self.source.remarks
        self.centers, self.std = self.source.centers, self.source.std

    def __getitem__(self, index) -> Dataset | np.ndarray | tuple:
        """An example as `Dataset` gives it; for a slice, or an array of indices, a `CaptionedDataset` of these."""
        chosen = numbers_of(index, len(self))
        part = self.source[index]
        return part if chosen.ndim == 0 else self.with_source(part, chosen)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, captions>"

    def facts(self) -> list[tuple[str, str]]:
        return [*super().facts(), ("captions", f"{self.captions[0][0]}, ...")]

    def described(self) -> dict:
        """As `Dataset` describes the examples: of what is trained on, captions are no part."""
        return self.source.described()

    def in_memory(self) -> CaptionedDataset:
        return self.with_source(self.source.in_memory())

    def with_examples(self, examples) -> CaptionedDataset:
        return self.with_source(self.source.with_examples(examples))

    def texts(self, seed: int = 0) -> list[str]:
        """One caption of each example, chosen by (seed, example)."""
        return [texts[draws(seed, i)(len(texts))] for i, texts in enumerate(self.captions)]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words of all captions."""
        return words_of(self.captions)

    @property
    def conditions(self) -> np.ndarray | None:
        return self.source.conditions

    @property
    def condition_shape(self) -> tuple[int, ...] | None:
        return self.source.condition_shape

    @property
    def num_classes(self) -> int | None:
        return self.source.num_classes

    def batches(self, *arguments, **options):
        return self.source.batches(*arguments, **options)

    def batches_in_order(self, *arguments, **options):
        return self.source.batches_in_order(*arguments, **options)

    def fetch(self, with_conditions: bool):
        return self.source.fetch(with_conditions)

    def with_source(self, source: Dataset, chosen: np.ndarray | None = None) -> CaptionedDataset:
        """Other examples with the captions and attributes of these, or of the chosen ones."""
        chosen = np.arange(len(self)) if chosen is None else chosen
        return CaptionedDataset(
            source,
            _some(self.captions, chosen),
            attributes={name: Attribute(old.values, old.codes[chosen]) for name, old in self.attributes.items()},
            paraphrases=None if self.paraphrases is None else _some(self.paraphrases, chosen),
            originals=None if self.originals is None or source.is_paired else self.originals[chosen],
            tags=None if self.tags is None else _some(self.tags, chosen),
        )


def _checked_captions(captions, n: int) -> Sequence[tuple[str, ...]]:
    if isinstance(captions, (str, bytes)) or not hasattr(captions, "__len__"):
        raise InputError(
            f"Expected a list with the captions of each example. Received: {type(captions).__name__}. Write list(...)."
        )
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


def _checked_attributes(attributes, n: int) -> dict[str, Attribute]:
    if not isinstance(attributes, Mapping) or not all(isinstance(each, Attribute) for each in attributes.values()):
        raise InputError(
            f"Expected the attributes as a dictionary of kgz.data.Attribute. Received: {attributes!r:.80}. Write "
            "{'hat': kgz.data.Attribute(values, codes)}."
        )
    for name, attribute in attributes.items():
        codes = np.asarray(attribute.codes)
        if codes.shape != (n,) or not np.issubdtype(codes.dtype, np.integer):
            raise InputError(
                f"Expected an integer for each of {n} examples as the codes of {name!r}. Received: {codes.dtype} of "
                f"shape {codes.shape}. Number the values."
            )
        if n and not 0 <= codes.min() <= codes.max() < len(attribute.values):
            raise InputError(
                f"Expected codes of {name!r} from 0 to {len(attribute.values) - 1}, one for each value. Received: "
                f"{codes.min()} to {codes.max()}. Name all values."
            )
    return dict(attributes)


def _some(values: Sequence, indices: np.ndarray) -> Sequence:
    return values.subset(indices) if isinstance(values, TemplatedCaptions) else [values[i] for i in indices]
