"""The nearest training examples of samples, which reveal copies; and classification by the nearest sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import as_pixels, check_labels, check_ranges, check_widths, vectors
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.pictures import grid

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets

COPY = 1 / 3


@dataclass(frozen=True)
class Neighbours(Result):
    """A `Result` with `indices` (n, k) into the training examples and `distances` (n, k), nearest first."""

    indices: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), int), compare=False)
    distances: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)), compare=False)

    def picture(self, samples, train, rows: int = 8):
        """Triples of images, the likeliest copies first: generated, nearest, next nearest.

        A copy is far nearer to one training image than to the next: the order is that of the ratio of both distances.

        Args:
            samples: Generated images (n, height, width, channels), as they were measured.
            train: The training images.
            rows: Rows of three triples each.
        """
        samples, train = as_pixels(samples), as_pixels(train)
        chosen = np.argsort(_ratios(self.distances), kind="stable")[: 3 * rows]
        triples = [[samples[i], train[self.indices[i, 0]], train[self.indices[i, 1]]] for i in chosen]
        return grid(np.asarray(triples).reshape(-1, *samples.shape[1:]), columns=9)


def nearest_neighbours(samples, train, k: int = 2) -> Neighbours:
    """The nearest training examples of every sample, by Euclidean distance.

    A generator that memorises its training data makes examples that are much nearer to one of them than to any other.
    Compare the figures with those of real test examples, which are not copies.

    Args:
        samples: Generated examples (n, ...), images or features.
        train: Training examples (m, ...), of the same range.
        k: Number of neighbours, at least 2.

    Returns:
        `Neighbours` with `distance`, the mean to the nearest; `smallest`; `ratio`, the median of nearest to next
        nearest; and `copies`, the share of samples less than a third as far from the nearest as from the next.

    Example:
        >>> result = nearest_neighbours([[0.0], [4.1]], [[0.0], [2.0], [4.0]])
        >>> result.indices[:, 0].tolist(), result.copies
        ([0, 2], 1.0)
    """
    check_ranges(samples=samples, train=train)
    samples, train = vectors(samples, "samples"), vectors(train, "train")
    check_widths(samples=samples, train=train)
    check_count("k", k)
    if not 2 <= k <= len(train):
        raise InputError(f"Expected k from 2, for the next nearest, to {len(train)} training examples. Received: {k}.")
    distances, indices = _nearest(samples, train, k)
    ratios = _ratios(distances)
    values = {
        "distance": float(distances[:, 0].mean()),
        "smallest": float(distances[:, 0].min()),
        "ratio": float(np.median(ratios)),
        "copies": float((ratios < COPY).mean()),
    }
    protocol = {"generated": len(samples), "train": len(train), "features": samples.shape[1], "k": k}
    return Neighbours("nearest_neighbours", values, protocol, indices, distances)


def _ratios(distances: np.ndarray) -> np.ndarray:
    """Distance to the nearest divided by that to the next nearest; 0 for copies of two equal training examples."""
    nearest, next_nearest = distances[:, 0], distances[:, 1]
    return np.divide(nearest, next_nearest, out=np.zeros(len(distances)), where=next_nearest > 0)


def neighbour_classification(samples, labels, test, test_labels) -> Result:
    """The test error of real examples that get the label of the nearest generated one.

    Source: the supplementary of Radford et al. 2015, where 50,000 samples of a conditional DCGAN take the place of
    MNIST's training set.

    Args:
        samples: Generated examples (n, ...).
        labels: The labels (n,) that the examples were generated for.
        test: Real examples (m, ...), of the same range.
        test_labels: Their labels, (m,).

    Returns:
        A `Result` with `value`, the error in [0, 1].

    Example:
        >>> neighbour_classification([[0.0], [1.0]], [0, 1], [[0.2], [0.4], [0.9], [0.3]], [0, 0, 1, 1]).value
        0.25
    """
    check_ranges(samples=samples, test=test)
    samples, test = vectors(samples, "samples"), vectors(test, "test")
    check_widths(samples=samples, test=test)
    labels = check_labels(labels, len(samples), "labels")
    test_labels = check_labels(test_labels, len(test), "test_labels")
    _, indices = _nearest(test, samples, 1)
    values = {"value": float((labels[indices[:, 0]] != test_labels).mean())}
    return Result("neighbour_classification", values, {"generated": len(samples), "real": len(test), "k": 1})


def nearest_neighbours_of(sets: Sets) -> Neighbours:
    return nearest_neighbours(sets.generated.pixels, sets.of_train("nearest_neighbours").pixels)


def neighbour_classification_of(sets: Sets) -> Result:
    labels, test_labels = sets.labels("neighbour_classification")
    return neighbour_classification(sets.generated.pixels, labels, sets.real.pixels, test_labels)


def _nearest(queries: np.ndarray, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices (n, k), nearest first."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors(queries)
