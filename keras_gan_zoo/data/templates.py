"""Captions that are put together from attributes, each a function of (data set, example, number of the caption)."""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

CAPTIONS = 3  # of each example: the first mentions all attributes, the others some


class Templates:
    """The words of a data set: its attributes, their values, and the phrases that captions are made of.

    Args:
        path: A TOML file such as sets/avatars.toml, which explains its form.
    """

    def __init__(self, path: Path):
        self.words = tomllib.loads(path.read_text(encoding="utf-8"))
        self.attributes = {name: tuple(values) for name, values in self.words["attributes"].items()}
        self.seed = zlib.crc32(path.stem.encode())

    def caption(self, values: Sequence[int], example: int, number: int, wording: str) -> str:
        """A caption.

        Args:
            values: The value of each attribute, by its number.
            example: Number of the example in the whole set.
            number: Number of the caption; the first, 0, mentions every attribute that is present.
            wording: "train", or "held_out" for words in which no training caption is put.
        """
        draw = draws(self.seed, example, number, len(wording))
        said = {name: names[value] for (name, names), value in zip(self.attributes.items(), values, strict=True)}
        phrases = [
            choices[draw(len(choices))].format(**said)
            for name, table in self.words[wording]["phrases"].items()
            if self._is_mentioned(name, said[name], number, draw)
            for choices in [table if isinstance(table, list) else table.get(said[name]) or table["other"]]
        ]
        if not phrases:  # none is drawn for one caption in a hundred
            return self.caption(values, example, 0, wording)
        sentences = self.words[wording]["sentences"]
        sentence = sentences[draw(len(sentences))].format(_listed(_shuffled(phrases, draw)))
        return re.sub(r"\ba (?=[aeiou])", "an ", sentence)

    def _is_mentioned(self, name: str, value: str, number: int, draw: Callable) -> bool:
        """What is absent is mentioned rarely, what may be absent always, and the rest in all captions 0."""
        if value == "none":
            return draw(10) == 0
        return number == 0 or "none" in self.attributes[name] or draw(3) > 0


class TemplatedCaptions(Sequence):
    """The captions of examples, made when they are read: `captions[i]` is a tuple of texts.

    Args:
        templates: The words.
        values: Integers (n, attributes), the values of the examples.
        examples: Integers (n,), their numbers in the whole set.
        wording: "train" or "held_out".
    """

    def __init__(self, templates: Templates, values: np.ndarray, examples: np.ndarray, wording: str):
        self.templates, self.values, self.examples, self.wording = templates, values, examples, wording

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        values, example = self.values[index].tolist(), int(self.examples[index])
        return tuple(self.templates.caption(values, example, i, self.wording) for i in range(CAPTIONS))

    def subset(self, indices) -> TemplatedCaptions:
        return TemplatedCaptions(self.templates, self.values[indices], self.examples[indices], self.wording)


def _listed(phrases: list[str]) -> str:
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def _shuffled(phrases: list[str], draw: Callable) -> list[str]:
    for last in range(len(phrases) - 1, 0, -1):
        other = draw(last + 1)
        phrases[last], phrases[other] = phrases[other], phrases[last]
    return phrases


def draws(*key: int) -> Callable[[int], int]:
    """A function that draws integers below its argument: SplitMix64, the same on every machine and faster than NumPy's
    generators for so few numbers."""
    state = 0
    for part in key:
        state = _mixed(state + part + 0x9E3779B97F4A7C15)

    def draw(below: int) -> int:
        nonlocal state
        state = state + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        return _mixed(state) % below

    return draw


def _mixed(state: int) -> int:
    state &= 0xFFFFFFFFFFFFFFFF
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return state ^ state >> 31
