"""Examples that stay in their files and are read batch by batch, in any order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from keras_gan_zoo.data.dataset import Dataset

THREADS = 4
QUICK = 1e-3  # seconds: what is read faster, one thread reads: several would mostly wait for Python's lock
TOGETHER = 16  # at most so many examples that a thread reads one after the other: to hand over each alone takes time


class OnDiskDataset(Dataset):
    """uint8 images that are read when they are needed, for sets that are too large for memory.

    They come in the order in which they would come from memory, since that is an order of numbers.
    """

    def read_one(self, number: int) -> np.ndarray:
        """The uint8 image of a number (height, width, channels); or an `InputError` that names its file."""
        raise NotImplementedError

    def read(self, indices) -> np.ndarray:
        """uint8 images (len(indices), height, width, channels)."""
        numbers = np.asarray(indices)
        images = np.empty((len(numbers), *self.example_shape), np.uint8)

        def fill(places: range) -> None:
            for place in places:
                images[place] = self.read_one(int(numbers[place]))

        places, begun = range(len(numbers)), perf_counter()
        fill(places[:1])
        if perf_counter() - begun < QUICK:
            fill(places[1:])
            return images
        together = max(1, min(TOGETHER, -(-len(places) // THREADS)))
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            list(pool.map(fill, (places[first : first + together] for first in range(1, len(places), together))))
        return images

    def in_memory(self) -> Dataset:
        facts = {"name": self.name, "class_names": self.class_names, "remarks": self.remarks}
        return Dataset(self.read(range(len(self))), self.labels, **facts)

    def glimpse(self, n: int = 256) -> np.ndarray:
        return self.read(np.unique(np.linspace(0, len(self) - 1, n, dtype=int)))

    def fetch(self, with_conditions: bool) -> Callable:
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        return pipelines.fetch_by_reading(self.read, self.example_shape, self.conditions if with_conditions else None)
