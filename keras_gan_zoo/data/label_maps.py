"""Label maps: pictures that say of which part each pixel is, for models that make pictures of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from keras_gan_zoo.core.conditions import as_array
from keras_gan_zoo.data.dataset import Dataset, numbers_of
from keras_gan_zoo.errors import InputError


class LabelMaps(Dataset):
    """Label maps as pictures with a channel for each part: 255 where the part is, 0 elsewhere.

    The numbers of parts have no order, so networks take a channel for each, as they take one-hot classes. Held in
    memory are the numbers; the channels are made batch by batch.

    Args:
        maps: Integers (n, height, width), the number of the part in each pixel.
        parts: The names of the parts 0, 1, ...
        name: Name in messages and recipes.

    Raises:
        InputError: If the maps are no such numbers, or some parts have no name.

    Example:
        >>> halves = LabelMaps(np.array([[[0, 1], [0, 1]]]), ["left", "right"])
        >>> halves.example_shape, halves.read([0])[0, :, :, 1].tolist()
        ((2, 2, 2), [[0, 255], [0, 255]])
    """

    def __init__(self, maps, parts: Sequence[str], *, name: str = "arrays"):
        maps = as_array(maps)
        if maps.ndim != 3 or not len(maps) or not np.issubdtype(maps.dtype, np.integer):
            raise InputError(
                "Expected label maps as integers (n, height, width). Received: "
                f"{maps.dtype} of shape {maps.shape}. For maps with a channel for each part: maps.argmax(axis=-1)."
            )
        if maps.min() < 0 or maps.max() >= len(parts) or len(parts) > 256:
            raise InputError(
                f"Expected label maps from 0 to {min(len(parts), 256) - 1}, of {len(parts)} parts. Received: numbers "
                f"from {maps.min()} to {maps.max()}. Name all parts, or renumber the maps."
            )
        self.maps, self.parts, self.name = maps.astype(np.uint8), tuple(parts), name
        self.conditions = self.class_names = self.centers = self.std = None

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index) -> LabelMaps | np.ndarray:
        """One map, in channels; for a slice, or an array of indices, `LabelMaps` of these."""
        chosen = self.maps[numbers_of(index, len(self))]
        return LabelMaps(chosen, self.parts, name=self.name) if chosen.ndim == 3 else self._in_channels(chosen)

    @property
    def example_shape(self) -> tuple[int, ...]:
        return (*self.maps.shape[1:], len(self.parts))

    @property
    def examples(self) -> np.ndarray:
        return self._in_channels(self.maps)

    def read(self, indices) -> np.ndarray:
        return self._in_channels(self.maps[indices])

    def glimpse(self, n: int = 256) -> np.ndarray:
        return self.read(np.unique(np.linspace(0, len(self) - 1, n, dtype=int)))

    def in_memory(self) -> LabelMaps:
        return self

    def described(self) -> dict:
        return {
            "examples": len(self),
            "shape": list(self.example_shape),
            "checksum": zlib.crc32(self.maps[:: max(1, len(self) // 1000)].tobytes()),
        }

    def _in_channels(self, maps: np.ndarray) -> np.ndarray:
        return (maps[..., None] == np.arange(len(self.parts))) * np.uint8(255)

    def fetch(self, with_conditions: bool):
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        return pipelines.fetch_label_maps(self.maps, len(self.parts))
