"""The Frechet distance between two sets of features, each modelled as a normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import batches_of, blocks
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets

PIECE = 2**20  # numbers


class Moments:
    """Count, mean and covariance of features that arrive in batches; memory depends on the number of features only.

    Example:
        >>> moments = Moments().update([[0.0, 1.0], [2.0, 1.0]]).update([[4.0, 4.0]])
        >>> moments.count, moments.mean.tolist(), moments.covariance.tolist()
        (3, [2.0, 2.0], [[4.0, 3.0], [3.0, 3.0]])
    """

    def __init__(self):
        self.count = 0
        self.mean = np.zeros(0)
        self.scatter = np.zeros((0, 0))

    @classmethod
    def of(cls, features, name: str = "features") -> Moments:
        """The moments of an array (n, d) or of an iterable of batches; moments are returned unchanged."""
        if isinstance(features, Moments):
            return features
        moments = cls()
        for batch in batches_of(_pieces(features), name):
            moments._take(batch)
        return moments

    def update(self, batch, name: str = "features") -> Moments:
        """Adds a batch (m, d)."""
        (batch,) = batches_of(np.asarray(batch), name)
        self._take(batch)
        return self

    def _take(self, batch: np.ndarray) -> None:
        if not self.count:
            self.mean = np.zeros(batch.shape[1])
            self.scatter = np.zeros((batch.shape[1], batch.shape[1]))
        if batch.shape[1] != len(self.mean):
            raise InputError(f"Expected {len(self.mean)} features, as before. Received: {batch.shape[1]}.")
        if len(batch):
            self._merge(len(batch), batch.mean(axis=0), batch)

    def _merge(self, count: int, mean: np.ndarray, batch: np.ndarray) -> None:
        """The parallel update of Chan, Golub and LeVeque: nothing large is ever subtracted from something large."""
        centred = batch - mean
        shift = mean - self.mean
        total = self.count + count
        self.scatter += centred.T @ centred + np.outer(shift, shift) * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased, (d, d)."""
        return self.scatter / (self.count - 1)


def _pieces(features):
    """Splits an array into pieces that fit the processor's cache; anything else is returned unchanged."""
    if getattr(features, "ndim", 0) != 2 or not len(features):
        return features
    return (features[rows] for rows in blocks(len(features), features.shape[1], PIECE))


def frechet_distance(real, fake) -> Result:
    """|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the means and covariances of two sets of features.

    With the features of the Inception network this is the FID; with others it is on another scale. It is biased: fewer
    examples give a larger value, so compare values of equal numbers only. Source: Heusel et al. 2017, equation 6.

    Args:
        real: Features (n, d) of real examples, an iterable of batches of them, or `Moments`.
        fake: Features of generated examples, in the same form.

    Returns:
        A `Result` with `value`.

    Raises:
        InputError: For NaN, different numbers of features, or no more examples than features: the covariance would be
            singular.

    Example:
        >>> import numpy as np
        >>> real = np.random.default_rng(0).normal(size=(5000, 4))
        >>> round(frechet_distance(real, real + [3, 0, 0, 4]).value, 6)
        25.0
    """
    real, fake = Moments.of(real, "real"), Moments.of(fake, "fake")
    for name, moments in (("real", real), ("fake", fake)):
        if moments.count <= len(moments.mean) or moments.count < 2:
            raise InputError(
                f"Expected at least {max(2, len(moments.mean) + 1)} examples in {name}, because a covariance of "
                f"{len(moments.mean)} features needs more examples than features. Received: {moments.count}. Give more."
            )
    if len(real.mean) != len(fake.mean):
        raise InputError(
            f"Expected the same number of features in both sets. Received: {len(real.mean)} in real, "
            f"{len(fake.mean)} in fake. Use one extractor for both."
        )
    shift = real.mean - fake.mean
    overlap = np.linalg.svd(_root(real.covariance).T @ _root(fake.covariance), compute_uv=False).sum()
    value = shift @ shift + np.trace(real.covariance) + np.trace(fake.covariance) - 2 * overlap
    protocol = {"real": real.count, "generated": fake.count, "features": len(real.mean)}
    return Result("frechet_distance", {"value": max(0.0, float(value))}, protocol)


def of_sets(sets: Sets) -> Result:
    return frechet_distance(sets.real.features, sets.generated.features)


def _root(covariance: np.ndarray) -> np.ndarray:
    """S with S S^T = C. Tr (C1 C2)^(1/2) is the sum of the singular values of S1^T S2, which stays real and exact
    where a matrix root of the product of nearly singular covariances does not."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(eigenvalues, 0))
