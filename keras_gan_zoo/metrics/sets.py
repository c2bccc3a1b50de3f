"""The input of metrics: sets of images, each processed only once by the extractor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import as_pixels
from keras_gan_zoo.metrics.features.extractors import Extractor, batched
from keras_gan_zoo.metrics.manifold import manifold
from keras_gan_zoo.metrics.result import Result


@dataclass
class ImageSet:
    """Images in 8 bits, with optional labels and the outputs of an extractor, which are computed only once.

    Args:
        images: (n, height, width, channels), uint8 or in [-1, 1].
        extractor: The feature extractor.
        labels: Labels (n,), or None.
        tick: Called after each batch of the extractor, with the number of images so far.
    """

    images: np.ndarray
    extractor: Extractor
    labels: np.ndarray | None = None
    tick: Callable[[int], None] | None = None

    def __post_init__(self):
        self.images = as_pixels(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        parts, done = [], 0
        for outputs in self.extractor.stream(batched(self.images, 256)):
            parts.append(outputs)
            done += len(outputs["features"])
            if self.tick is not None:
                self.tick(done)
        return {name: np.concatenate([outputs[name] for outputs in parts]) for name in parts[0]}

    @property
    def features(self) -> np.ndarray:
        return self.outputs["features"]

    @property
    def logits(self) -> np.ndarray:
        return self.extractor.logits_of(self.outputs)

    @property
    def pixels(self) -> np.ndarray:
        """The pixels in [0, 1], (n, pixels)."""
        return self.images.reshape(len(self), -1) / 255.0


@dataclass
class Sets:
    """The input of a metric: generated images, real images to compare with, training images, validation images.

    If the generated images are translations, `pairs` are their sources and their targets.
    """

    generated: ImageSet
    real: ImageSet
    train: ImageSet | None = None
    validation: ImageSet | None = None
    seed: int = 0
    pairs: tuple[np.ndarray, np.ndarray] | None = None

    def __post_init__(self):
        digests = {images.extractor.sha256 for images in (self.generated, self.real)}
        if len(digests) > 1:
            raise InputError("Expected one extractor for generated and real images. Received: two. Use one for both.")

    def of_train(self, metric: str) -> ImageSet:
        if self.train is None:
            raise InputError(f"Expected training images for {metric}. Received: none. Pass train=, or leave it out.")
        return self.train

    def labels(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        if self.generated.labels is None or self.real.labels is None:
            raise no_labels(metric)
        return self.generated.labels, self.real.labels

    @cached_property
    def manifold(self) -> tuple[Result, Result]:
        return manifold(self.real.features, self.generated.features)


def no_labels(metric: str) -> InputError:
    """The error for a metric that compares labels, if a set has none."""
    return InputError(f"Expected labels in both sets for {metric}. Received: a set without labels. Leave {metric} out.")
