"""The kernel distance: the squared maximum mean discrepancy with a cubic kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.metrics.features.arrays import blocks, check_widths, vectors
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets

BLOCK = 2**22  # numbers at once: more do not fit the caches


def kernel_distance(real, fake, block_size: int | None = 1000, seed: int = 0) -> Result:
    """The mean of unbiased estimates of the squared discrepancy over blocks, with the kernel (x.y / d + 1)^3.

    With the features of the Inception network this is the KID. Unlike the Frechet distance it is unbiased: its
    expectation does not depend on the number of examples, and it may fall below zero. Both sets are shuffled and cut
    into the same number of blocks, so that every example is used once. Source: Binkowski et al. 2018.

    Args:
        real: Features (n, d) of real examples.
        fake: Features (m, d) of generated examples.
        block_size: Minimum number of examples of the smaller set in a block. None uses a single block, which is exact
            but has no standard error.
        seed: Seed of the shuffle.

    Returns:
        A `Result` with `value`, `std` over the blocks and `standard_error` of the mean; both are NaN with one block.

    Example:
        >>> import numpy as np
        >>> halves = np.random.default_rng(0).normal(size=(2, 4000, 8))
        >>> result = kernel_distance(*halves)
        >>> abs(result.value) < 3 * result.standard_error
        True
    """
    real, fake = vectors(real, "real", at_least=2), vectors(fake, "fake", at_least=2)
    check_widths(real=real, fake=fake)
    if block_size is not None:
        check_count("block_size", block_size, low=2)
    number = 1 if block_size is None else max(1, min(len(real), len(fake)) // block_size)
    random = np.random.default_rng(seed)
    parts = zip(*(np.array_split(random.permutation(len(x)), number) for x in (real, fake)), strict=True)
    estimates = np.array([_discrepancy(real[ours], fake[theirs]) for ours, theirs in parts])
    std = float(estimates.std(ddof=1)) if number > 1 else float("nan")
    values = {"value": float(estimates.mean()), "std": std, "standard_error": std / number**0.5}
    protocol = {"real": len(real), "generated": len(fake), "features": real.shape[1]}
    return Result("kernel_distance", values, {**protocol, "block_size": block_size, "blocks": number, "seed": seed})


def of_sets(sets: Sets) -> Result:
    return kernel_distance(sets.real.features, sets.generated.features, seed=sets.seed)


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate: no example is compared with itself."""
    x, y = _lifted(x), _lifted(y)
    n, m = len(x), len(y)
    within = _sum_within(x) / (n * (n - 1)) + _sum_within(y) / (m * (m - 1))
    across = sum(_cubes(x[rows] @ y.T) for rows in blocks(n, m, BLOCK))
    return within - 2 * across / (n * m)


def _lifted(x: np.ndarray) -> np.ndarray:
    """Vectors whose inner products are those of the kernel's base: x.y / d + 1."""
    return np.concatenate([x / math.sqrt(x.shape[1]), np.ones((len(x), 1))], axis=1)


def _sum_within(x: np.ndarray) -> float:
    """The sum over all ordered pairs of different examples; each unordered pair is computed once."""
    total = -_cubes(np.einsum("ij,ij->i", x, x))
    for rows in blocks(len(x), len(x), BLOCK):
        own = x[rows]
        total += _cubes(own @ own.T) + 2 * _cubes(own @ x[rows.stop :].T)
    return total


def _cubes(base: np.ndarray) -> float:
    return float(np.vdot(base * base, base))
