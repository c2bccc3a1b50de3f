"""Texts, such as captions: checks, and the words that they consist of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError

WORD = re.compile(r"[^\W_]+")
PUNCTUATION = re.compile(r"[.,;:!?()]")


def words(text: str) -> list[str]:
    """The words of a text, in lower case: runs of letters and digits.

    Example:
        >>> words("A face with long, GREEN hair")
        ['a', 'face', 'with', 'long', 'green', 'hair']
    """
    return WORD.findall(normal(text))


def words_of(captions: Iterable[Sequence[str]]) -> frozenset[str]:
    """The different words of all texts.

    Example:
        >>> sorted(words_of([["a red hat", "a hat"], ["a blue one"]]))
        ['a', 'blue', 'hat', 'one', 'red']
    """
    return frozenset(word for texts in captions for text in texts for word in words(text))


def clauses(text: str) -> list[list[str]]:
    """The words between marks of punctuation.

    Example:
        >>> clauses("Long hair; a red hat")
        [['long', 'hair'], ['a', 'red', 'hat']]
    """
    return [found for part in PUNCTUATION.split(normal(text)) if (found := WORD.findall(part))]


def normal(text: str) -> str:
    """A text in lower case and in Unicode's form NFKC, in which equal characters have equal codes."""
    return unicodedata.normalize("NFKC", text).lower()


def checked_texts(texts) -> list[str]:
    """Texts as a list of strings, each with at least one word.

    Raises:
        InputError: If they are not strings, or one has no word.
    """
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Collection | Sequence):
        raise InputError(f"Expected a list of texts. Received: {texts!r}. Put a single text in a list.")
    listed = list(texts)
    for number, text in enumerate(listed):
        if not isinstance(text, str):
            raise InputError(
                f"Expected texts. Received: {type(text).__name__} {text!r} as number {number}. Pass strings."
            )
        if not WORD.search(text):
            raise InputError(f"Expected texts with words. Received: {text!r} as number {number}. Describe a picture.")
    return [str(text) for text in listed]  # also NumPy's strings


def check_known(text: str, known: Collection[str]) -> None:
    """Checks that a text has known words, and warns of those that are not.

    Args:
        text: A text.
        known: Known words, such as `CaptionedDataset.vocabulary`.

    Raises:
        InputError: If none of its words is known.

    Example:
        >>> check_known("a red hat", {"a", "red", "hat"})
    """
    received = words(text)
    unknown = [word for word in dict.fromkeys(received) if word not in known]
    listed = ", ".join(unknown[:10])
    if len(unknown) == len(set(received)):
        telling = ", ".join(
            sorted(known, key=lambda word: (-len(word), word))[:8]
        )  # long words are seldom "a" or "with"
        raise InputError(
            f"Expected words of the captions of training. Received: {listed}. Use words such as theirs: {telling}."
        )
    if unknown:
        warn(f"No caption of training has: {listed}.")
