"""Precision, recall, density and coverage: each set is covered by balls that reach to a neighbour of their centres."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.metrics.features.arrays import blocks, check_neighbours, check_widths, squared_distances, vectors
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets


def precision_recall(real, fake, k: int = 3) -> Result:
    """The share of generated examples that lie among the real ones, and of real examples among the generated ones.

    An example lies among a set if it lies within the ball of any example of the set, which reaches to that example's
    k-th nearest neighbour in the set. Outliers have large balls: see `density_coverage`. Source: Kynkaanniemi et al.
    2019, equations 1 and 2.

    Args:
        real: Features (n, d) of real examples.
        fake: Features (m, d) of generated examples.
        k: The neighbour that a ball reaches to.

    Returns:
        A `Result` with `precision` and `recall` in [0, 1].

    Example:
        >>> import numpy as np
        >>> real = np.random.default_rng(0).normal(size=(500, 2))
        >>> result = precision_recall(real, real[:50])
        >>> result.precision, result.recall < 1
        (1.0, True)
    """
    return _Balls(real, fake, {k}).precision_recall(k)


def density_coverage(real, fake, k: int = 5) -> Result:
    """How densely the generated examples lie among the real ones, and the share of the real ones that they cover.

    Density is the mean number of balls of real examples that a generated example lies in, divided by k: 1 is expected
    if both come from one distribution, and more if the generated ones crowd together. Coverage is the share of real
    examples with a generated one in their ball; between two sets of n from one distribution about 1 - 2^-k is
    expected. Source: Naeem et al. 2020, equations 3 and 4.

    Args:
        real: Features (n, d) of real examples.
        fake: Features (m, d) of generated examples.
        k: The neighbour that a ball reaches to.

    Returns:
        A `Result` with `density`, at least 0, and `coverage` in [0, 1].

    Example:
        >>> import numpy as np
        >>> real, fake = np.random.default_rng(0).normal(size=(2, 1000, 8))
        >>> result = density_coverage(real, fake)
        >>> round(result.density, 1), round(result.coverage, 1)
        (1.0, 1.0)
    """
    return _Balls(real, fake, {k}).density_coverage(k)


def manifold(real, fake, k_precision: int = 3, k_coverage: int = 5) -> tuple[Result, Result]:
    """Both `precision_recall` and `density_coverage`; each distance is computed once."""
    balls = _Balls(real, fake, {k_precision, k_coverage})
    return balls.precision_recall(k_precision), balls.density_coverage(k_coverage)


def precision_recall_of(sets: Sets) -> Result:
    return sets.manifold[0]


def density_coverage_of(sets: Sets) -> Result:
    return sets.manifold[1]


class _Balls:
    """Which examples of one set lie in which balls of the other, for several k, in one pass over the distances."""

    def __init__(self, real, fake, ks: Iterable[int]):
        self.real, self.fake = vectors(real, "real"), vectors(fake, "fake")
        check_widths(real=self.real, fake=self.fake)
        for k in ks:
            check_neighbours(k, real=self.real, fake=self.fake)
        # Distances are the same from any origin, and their rounding is least from the middle of the data.
        middle = self.real.mean(axis=0)
        self.real, self.fake = self.real - middle, self.fake - middle
        self.of_real, self.of_fake = (squared_radii(x, ks) for x in (self.real, self.fake))
        n, m = len(self.real), len(self.fake)
        self.fake_is_in = {k: np.zeros(m, bool) for k in ks}  # a ball of a real example
        self.real_is_in = {k: np.zeros(n, bool) for k in ks}  # a ball of a generated example
        self.has_fake = {k: np.zeros(n, bool) for k in ks}  # the real example's ball holds a generated one
        self.pairs = dict.fromkeys(ks, 0)
        norms = np.einsum("ij,ij->i", self.fake, self.fake)
        for rows in blocks(n, m):
            squared = squared_distances(self.real[rows], self.fake, norms)
            for k in ks:
                self._count(k, rows, squared)

    def _count(self, k: int, rows: slice, squared: np.ndarray) -> None:
        reached = squared <= self.of_real[k][rows, None]
        self.fake_is_in[k] |= reached.any(axis=0)
        self.has_fake[k][rows] = reached.any(axis=1)
        self.pairs[k] += int(np.count_nonzero(reached))
        self.real_is_in[k][rows] = (squared <= self.of_fake[k]).any(axis=1)

    def precision_recall(self, k: int) -> Result:
        values = {"precision": float(self.fake_is_in[k].mean()), "recall": float(self.real_is_in[k].mean())}
        return Result("precision_recall", values, self._protocol(k))

    def density_coverage(self, k: int) -> Result:
        density = self.pairs[k] / (k * len(self.fake))
        return Result(
            "density_coverage", {"density": density, "coverage": float(self.has_fake[k].mean())}, self._protocol(k)
        )

    def _protocol(self, k: int) -> dict:
        return {"real": len(self.real), "generated": len(self.fake), "features": self.real.shape[1], "k": k}


def squared_radii(x: np.ndarray, ks: Iterable[int]) -> dict[int, np.ndarray]:
    """The squared distance of every example to its k-th nearest other, for each k."""
    radii = {k: np.empty(len(x)) for k in ks}
    norms = np.einsum("ij,ij->i", x, x)
    for rows in blocks(len(x), len(x)):
        squared = squared_distances(x[rows], x, norms)
        own = np.arange(rows.start, rows.start + len(squared))
        squared[np.arange(len(squared)), own] = -1  # the example itself comes first, in spite of rounding
        squared.partition(sorted(radii), axis=1)
        for k in radii:
            radii[k][rows] = squared[:, k]
    return radii
