"""Two sets of pictures without pairs: the sources, and the targets that they are to be translated to."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.errors import InputError


class UnpairedDataset(Dataset):
    """Targets as examples and sources as conditions, which do not belong together.

    In training, both are shuffled independently, and each repeats as a whole: every epoch of the one has all its
    pictures, in an order that is a function of (seed, epoch), whatever the size of the other. There are as many
    examples as in the larger set. In order, example i has target i and source i, where the smaller set begins again.

    Args:
        sources: The pictures that are translated.
        targets: The pictures that they are translated to.

    Raises:
        InputError: If one of the two can only be read in order, or does not hold pictures.

    Example:
        >>> from keras_gan_zoo import data
        >>> dataset = data.unpaired("avatars", "peeps", image_size=16)
        >>> len(dataset), dataset.example_shape, dataset.condition_shape
        (23669, (16, 16, 3), (16, 16, 3))
    """

    def __init__(self, sources: Dataset, targets: Dataset):
        for part in (sources, targets):
            if part.is_streamed or len(part.example_shape) != 3:
                kind = "pictures that can be read in any order" if part.is_streamed else "pictures"
                raise InputError(f"Expected {kind} on both sides. Received: {part}. Choose others, or a part of them.")
        self.source_set, self.target_set = sources, targets
        self.name = f"{sources.name},{targets.name}"
        self.class_names = self.centers = self.std = None
        self.remarks = tuple(f"{part.name}: {remark}" for part in (sources, targets) for remark in part.remarks)

    def __len__(self) -> int:
        return max(len(self.source_set), len(self.target_set))

    def read(self, indices) -> np.ndarray:
        return self.target_set.read(np.asarray(indices) % len(self.target_set))

    @property
    def examples(self) -> np.ndarray:
        return _rows(self.target_set, len(self))

    @property
    def conditions(self) -> np.ndarray:
        return _rows(self.source_set, len(self))

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self.target_set.example_shape

    @property
    def condition_shape(self) -> tuple[int, ...]:
        return self.source_set.example_shape

    @property
    def is_paired(self) -> bool:
        """Never: sources and targets do not belong together."""
        return False

    @property
    def source_shape(self) -> tuple[int, ...]:
        return self.source_set.example_shape

    def described(self) -> dict:
        parts = {"sources": self.source_set.described(), "targets": self.target_set.described()}
        both = repr([part.get("checksum") for part in parts.values()])
        return {"examples": len(self), "shape": list(self.example_shape), "checksum": crc32(both.encode()), **parts}

    def in_memory(self) -> UnpairedDataset:
        return UnpairedDataset(self.source_set.in_memory(), self.target_set.in_memory())

    def glimpse(self, n: int = 256) -> np.ndarray:
        return self.target_set.glimpse(n)

    def batches(self, batch_size, seed, start_step=0, with_conditions=False, shuffle=True):
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        def stream(part: Dataset, seed: int):
            return pipelines.repeated(part.fetch(False), len(part), batch_size, seed, start_step, shuffle)

        targets = stream(self.target_set, seed)
        return pipelines.zipped(targets, stream(self.source_set, _other(seed))) if with_conditions else targets

    def batches_in_order(self, batch_size, with_conditions=False):
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        def stream(part: Dataset):
            return pipelines.in_order(part.fetch(False), len(self), batch_size, repeats_after=len(part))

        targets = stream(self.target_set)
        return pipelines.zipped(targets, stream(self.source_set)) if with_conditions else targets


def _rows(part: Dataset, n: int) -> np.ndarray:
    """The first n pictures of a set, which begins again at its end."""
    return part.examples if len(part) == n else part.read(np.arange(n) % len(part))


def _other(seed: int) -> int:
    """A seed for the sources: with that of the targets, sets of equal size would be shuffled alike, in pairs."""
    return int(np.random.SeedSequence((seed, 1)).generate_state(1)[0])
