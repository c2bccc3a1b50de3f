"""Examples with the vectors of their captions as conditions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from keras_gan_zoo.core.texts import words_of
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import DerivedDataset
from keras_gan_zoo.errors import InputError


class EncodedDataset(DerivedDataset):
    """Captioned examples to train on: the condition of an example is the vector of one of its captions.

    In training, each step draws the captions of its examples anew, as a function of the seed and the step. In order,
    and in `conditions`, it is the first caption.

    Args:
        source: The examples and their captions.
        encoder: Turns texts into vectors; see `encoders.Encoder`.
        seed: Seed of the drawn captions.

    Raises:
        InputError: If the examples can only be read in order.

    Example:
        >>> from keras_gan_zoo import data, encoders
        >>> faces = data.load("avatars")[:100]
        >>> EncodedDataset(faces, encoders.as_encoder("characters")).condition_shape
        (512,)
    """

    def __init__(self, source: CaptionedDataset, encoder, seed: int = 0):
        if source.source.is_streamed:
            raise InputError(
                f"Expected captions of images that can be read in any order. Received: {source}. Load a part of them, "
                "which fits into memory, or a folder."
            )
        self.source, self.encoder, self.seed = source, encoder, seed
        self.name, self.class_names, self.remarks = source.name, None, source.remarks
        self.centers = self.std = None

    @property
    def condition_shape(self) -> tuple[int, ...]:
        return (self.encoder.dim,)

    @cached_property
    def conditions(self) -> np.ndarray:
        vectors, numbers, _ = self._tables
        return vectors[numbers[:, 0]]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words of all captions."""
        return words_of(self._captions)

    @cached_property
    def _captions(self) -> list[Sequence[str]]:
        return list(self.source.captions)  # which may be made when they are read

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The vectors of all different texts; the numbers of each example's texts, filled up with 0; and how many."""
        captions = self._captions
        different = list(dict.fromkeys(text for texts in captions for text in texts))
        vectors, numbers = self.encoder.encode(different), {text: number for number, text in enumerate(different)}
        counts = np.array([len(texts) for texts in captions], np.int32)
        table = np.zeros((len(captions), counts.max()), np.int32)
        for row, texts in zip(table, captions, strict=True):
            row[: len(texts)] = [numbers[text] for text in texts]
        return vectors, table, counts

    def described(self) -> dict:
        some = "\n".join(
            text for i in range(0, len(self), max(1, len(self) // 1000)) for text in self.source.captions[i]
        )
        return {**self.source.described(), "captions": zlib.crc32(some.encode()), "encoder": self.encoder.digest}

    def in_memory(self) -> EncodedDataset:
        return self

    def fetch(self, with_conditions: bool):
        import tensorflow as tf  # only when batches are requested

        fetch_examples = self.source.fetch(False)
        if not with_conditions:
            return fetch_examples
        tables = tf.data.Dataset.from_tensors(self._tables).repeat()

        seed = tf.constant(self.seed, tf.int64)

        def fetch(batches, indices_of):
            def vectors(batch, tables):
                vectors, numbers, counts = tables
                examples = indices_of(batch)
                which = tf.zeros_like(examples, tf.int32)
                if batch.shape.rank == 0:  # the number of a step; of batches in order, it is the examples' numbers
                    key = tf.random.experimental.stateless_fold_in(tf.stack([seed, batch]), 2)  # not that of the noise
                    drawn = tf.random.stateless_uniform(tf.shape(examples), key)
                    which = tf.cast(drawn * tf.cast(tf.gather(counts, examples), drawn.dtype), tf.int32)
                return tf.gather(
                    vectors, tf.gather_nd(numbers, tf.stack([tf.cast(examples, tf.int32), which], axis=-1))
                )

            drawn = tf.data.Dataset.zip(batches, tables).map(vectors, num_parallel_calls=2)
            return tf.data.Dataset.zip(fetch_examples(batches, indices_of), drawn)

        return fetch
