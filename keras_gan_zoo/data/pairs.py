"""Pairs of pictures: examples, the targets of a translator, whose conditions are the pictures that it starts from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core.imports import import_keras
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset, DerivedDataset, numbers_of
from keras_gan_zoo.errors import InputError

if TYPE_CHECKING:
    from keras_gan_zoo.data.degradations import Degradation

CODE = "code"  # the attribute of emoji that tells which are the same
CHUNK = 256  # pictures that are degraded at a time


class PairedDataset(DerivedDataset):
    """Pictures with those of another data set as conditions, in the same order.

    Args:
        targets: The examples.
        sources: As many pictures, the conditions.

    Raises:
        InputError: If there are more or fewer sources than targets, if either are no pictures, or can only be read in
            order.

    Example:
        >>> drawings, photos = (Dataset(np.zeros((5, 8, 8, channels), np.uint8)) for channels in (1, 3))
        >>> PairedDataset(photos, drawings)
        <PairedDataset arrays: 5 x (8, 8, 3), conditions (8, 8, 1)>
    """

    def __init__(self, targets: Dataset, sources: Dataset):
        for dataset in (targets, sources):
            if len(dataset.example_shape) != 3 or dataset.is_streamed:
                raise InputError(
                    f"Expected pairs of pictures that can be read in any order. Received: {dataset}. Choose pictures, "
                    "and of a set that is too large for memory a part, such as split='train[:10000]'."
                )
        if len(targets) != len(sources):
            raise InputError(
                f"Expected a source for each of {len(targets)} targets. Received: {len(sources)}. Add or remove some."
            )
        self.source, self.originals = targets, sources
        self.name, self.class_names = targets.name, None
        self.remarks = (*targets.remarks, *(f"Sources: {remark}" for remark in sources.remarks))
        self.centers = self.std = None

    @property
    def condition_shape(self) -> tuple[int, ...]:
        return self.originals.example_shape

    @property
    def conditions(self) -> np.ndarray:
        return self.originals.in_memory().examples

    def __getitem__(self, index):
        wanted = numbers_of(index, len(self))
        pair = self.read(np.atleast_1d(wanted)), self.originals.read(np.atleast_1d(wanted))
        return _part(self, wanted, *pair)

    def described(self) -> dict:
        return {**self.source.described(), "sources": self.originals.described()}

    def in_memory(self) -> PairedDataset:
        return PairedDataset(self.source.in_memory(), self.originals.in_memory())

    def with_examples(self, examples) -> PairedDataset:
        return PairedDataset(self.source.with_examples(examples), self.originals)

    def fetch(self, with_conditions: bool):
        fetch_targets, fetch_sources = self.source.fetch(False), self.originals.fetch(False)

        def fetch(numbers, indices_of):
            import tensorflow as tf  # only when batches are requested

            return tf.data.Dataset.zip(fetch_targets(numbers, indices_of), fetch_sources(numbers, indices_of))

        return fetch if with_conditions else fetch_targets


class DegradedDataset(DerivedDataset):
    """Pictures with their degraded selves as conditions, which are made batch by batch; see `degraded`."""

    def __init__(self, source: Dataset, degradation: Degradation, seed: int):
        self.source, self.degradation, self.seed = source, degradation, seed
        self.condition_shape  # noqa: B018, which checks the pictures
        self.name, self.class_names, self.remarks = source.name, None, source.remarks
        self.centers = self.std = None
        self.is_streamed = source.is_streamed

    @property
    def condition_shape(self) -> tuple[int, ...]:
        return self.degradation.source_shape(self.example_shape)

    @cached_property
    def conditions(self) -> np.ndarray:
        from keras_gan_zoo.data.degradations import levels  # imports TensorFlow

        return np.concatenate([levels(made) for _, made in self.batches_in_order(CHUNK, True)])

    def __getitem__(self, index):
        from keras_gan_zoo.data.degradations import levels, normalised  # imports TensorFlow

        wanted = numbers_of(index, len(self))
        pictures = self.source[np.atleast_1d(wanted)].examples
        made = levels(self.degradation.of(normalised(pictures), self._draws[np.atleast_1d(wanted)]))
        return _part(self, wanted, pictures, made.numpy())

    def described(self) -> dict:
        return {**self.source.described(), "degradation": repr(self.degradation)}

    def in_memory(self) -> DegradedDataset:
        return DegradedDataset(self.source.in_memory(), self.degradation, self.seed)

    def with_examples(self, examples) -> DegradedDataset:
        return DegradedDataset(self.source.with_examples(examples), self.degradation, self.seed)

    def batches(self, batch_size, seed, start_step=0, with_conditions=False, shuffle=True):
        from keras_gan_zoo.data import degradations  # imports TensorFlow

        batches = self.source.batches(batch_size, seed, start_step, shuffle=shuffle)
        draws = degradations.uniform_in_steps(batch_size, self.degradation.draws, self.seed, start_step)
        return degradations.with_sources(batches, draws, self.degradation) if with_conditions else batches

    def batches_in_order(self, batch_size, with_conditions=False):
        import tensorflow as tf  # only when batches are requested

        from keras_gan_zoo.data import degradations  # imports TensorFlow

        batches = self.source.batches_in_order(batch_size)
        draws = tf.data.Dataset.from_tensor_slices(self._draws).batch(batch_size)
        return degradations.with_sources(batches, draws, self.degradation) if with_conditions else batches

    @property
    def _draws(self) -> np.ndarray:
        """The random numbers of each picture outside training."""
        from keras_gan_zoo.data.degradations import uniform  # imports TensorFlow

        return uniform(len(self), self.degradation.draws, [self.seed, 0]).numpy()

    def fetch(self, with_conditions: bool):
        return self.source.fetch(False)  # for data that are derived from these and have other conditions


def paired(dataset: Dataset) -> Dataset:
    """A data set whose conditions are its `sources`, which it may have beside others, such as captions.

    Raises:
        InputError: If it has no sources.

    Example:
        >>> from keras_gan_zoo import data
        >>> paired(data.load("openmoji", split="test")).condition_shape
        (64, 64, 1)
    """
    if dataset.is_paired:
        return dataset
    originals = _originals_of(dataset)
    if originals is None:
        raise InputError(
            f"Expected pairs of pictures. Received: {dataset}, without sources. Name a folder of them where the data "
            "are loaded, sources='folder', or have them made of the pictures, as by degradation='greyed'."
        )
    return PairedDataset(dataset, originals)


def _originals_of(dataset: Dataset) -> Dataset | None:
    """The sources of examples, or of those that they are derived from, as a data set."""
    if dataset.originals is not None:
        return dataset.originals
    if dataset.is_paired:
        return Dataset(dataset.sources, name=dataset.name)
    return _originals_of(dataset.source) if isinstance(dataset, DerivedDataset) else None


def with_sources(
    dataset: Dataset, shape: tuple[int, ...], degradation: Degradation | None = None, seed: int = 0
) -> Dataset:
    """A data set whose conditions are sources of a shape: its own, or else made of its pictures.

    Args:
        dataset: Pictures.
        shape: Shape of the sources.
        degradation: What makes sources of pictures that are given without any; None if nothing does.
        seed: As for `degraded`.

    Raises:
        InputError: If there are none, and nothing makes them, or if those that are given have another shape.

    Example:
        >>> from keras_gan_zoo import data
        >>> with_sources(data.load("avatars", split="test"), (4, 4, 3), data.Downscaled(4)).condition_shape
        (4, 4, 3)
    """
    if dataset.condition_shape == shape:
        return dataset
    if degradation is None or dataset.source_shape == shape:
        return paired(dataset)
    if dataset.is_paired:
        raise InputError(
            f"Expected sources {shape}. Received: {dataset.condition_shape}. Load others, or have them made of the "
            f"targets, as by degradation='{degradation}'."
        )
    return degraded(dataset, degradation, seed)


def in_two_styles(targets: Dataset, sources: Dataset) -> CaptionedDataset:
    """The emoji that two styles have in common, joined by their code points."""
    for dataset in (targets, sources):
        if not isinstance(dataset, CaptionedDataset) or CODE not in dataset.attributes:
            raise InputError(
                f"Expected two styles of emoji, such as 'noto' and 'twemoji'. Received: {dataset}. Choose them, or "
                "leave sources out."
            )
    wanted, found = ({part.attributes[CODE][i]: i for i in range(len(part))} for part in (targets, sources))
    common = [code for code in wanted if code in found]
    if not common:
        raise InputError(f"Expected emoji that {sources.name} has too. Received: none in {targets}. Load more of them.")
    part, others = targets[[wanted[code] for code in common]], sources[[found[code] for code in common]]
    pairs = PairedDataset(part.source, others.source)
    if len(common) < len(targets):
        missing = len(targets) - len(common)
        pairs.remarks += (f"Left out, because {sources.name} lacks them, {missing:,} of {len(targets):,} emoji.",)
    return part.with_source(pairs)


def degraded(dataset: Dataset, degradation, seed: int = 0) -> DegradedDataset:
    """Pictures with their degraded selves as sources, which are made batch by batch, in 8 bits.

    What is random, such as the place of a hole, is a function of the seed and the step in training; otherwise, of the
    seed and the number of the picture.

    Args:
        dataset: Pictures.
        degradation: Such as `Downscaled(4)`, or its name and numbers as in a recipe: "downscaled:4".
        seed: Seed of what is random.

    Raises:
        InputError: If the pictures cannot be degraded in this way.

    Example:
        >>> from keras_gan_zoo import data
        >>> degraded(data.load("avatars"), data.Downscaled(4))
        <DegradedDataset avatars: 23669 x (16, 16, 3), conditions (4, 4, 3)>
    """
    import_keras()  # before a module that needs it, so that it registers the models
    from keras_gan_zoo.data.degradations import as_degradation  # imports TensorFlow

    return DegradedDataset(dataset, as_degradation(degradation), seed)


def _part(dataset: Dataset, wanted: np.ndarray, targets: np.ndarray, sources: np.ndarray):
    """One pair, or a `Dataset` of pairs, as `Dataset` gives its parts."""
    return (targets[0], sources[0]) if wanted.ndim == 0 else Dataset(targets, conditions=sources, name=dataset.name)
