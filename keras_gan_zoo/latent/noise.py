"""The noise of samples: standard normal everywhere in this package, and truncated on request."""

from __future__ import annotations

import numpy as np

from keras_gan_zoo.core.bounds import check_count, is_number
from keras_gan_zoo.errors import InputError


def truncated_noise(
    n: int, latent_dim: int | tuple[int, ...], truncation: float | None = None, seed: int | None = None
) -> np.ndarray:
    """Standard normal noise in which entries beyond a threshold are drawn again until they fall within it.

    The truncation trick of BigGAN (Brock et al., 2018): samples from the middle of the distribution look more typical
    and vary less. New entries are computed directly from the inverse of the truncated distribution function, so the
    cost does not depend on the threshold. Entries within the threshold are the same as without truncation.

    Args:
        n: Number of examples, at least 1.
        latent_dim: Number of noise values, or the shape of the noise of one example.
        truncation: Threshold above 0; None for the whole distribution, the noise of `gan.sample`.
        seed: The same seed gives the same noise, whose first rows do not depend on n. None draws new noise each time.

    Returns:
        float32 array (n, latent_dim) within [-truncation, truncation].

    Raises:
        InputError: If a size is no whole number of at least 1, the seed is none of at least 0, or the threshold is not
            a number above 0.

    Example:
        >>> noise = truncated_noise(1000, 100, truncation=0.5, seed=0)
        >>> noise.shape, bool(abs(noise).max() <= 0.5)
        ((1000, 100), True)
    """
    shape = (n, *latent_dim) if isinstance(latent_dim, tuple) else (n, latent_dim)
    for name, size in zip(["n", *["latent_dim"] * (len(shape) - 1)], shape, strict=True):
        check_count(name, size)
    if seed is not None:
        check_count("seed", seed, low=0)
    random = np.random.default_rng(seed)
    noise = random.standard_normal(shape, dtype=np.float32)
    if truncation is None:
        return noise
    _check_truncation(truncation)
    [redraws] = random.spawn(1)  # a separate stream, otherwise the first rows would depend on n
    return np.where(np.abs(noise) <= truncation, noise, _truncated(redraws.uniform(size=shape), truncation))


def checked_noise(noise, latent_shape: tuple[int, ...]) -> np.ndarray:
    """Noise as float32 (n, *latent_shape), or an `InputError`."""
    noise = np.asarray(noise, np.float32)
    if noise.shape[1:] != latent_shape or noise.ndim != 1 + len(latent_shape) or len(noise) == 0:
        raise InputError(
            f"Expected noise of shape (n, {', '.join(map(str, latent_shape))}). Received: {noise.shape}. "
            "Draw it with latent.truncated_noise(n, latent_dim)."
        )
    if not np.isfinite(noise).all():
        raise InputError("Expected finite noise. Received: NaN or infinity. Draw it with latent.truncated_noise.")
    return noise


def _truncated(uniform: np.ndarray, truncation: float) -> np.ndarray:
    """The truncated normal distribution at these quantiles."""
    from scipy.special import ndtr, ndtri

    below = ndtr(-truncation)
    values = ndtri(below + uniform * (1 - 2 * below))
    return np.clip(values.astype(np.float32), -truncation, truncation)


def _check_truncation(truncation: float) -> None:
    if not (is_number(truncation) and truncation > 0):
        raise InputError(
            f"Expected a truncation above 0, such as 1.0, or None for the whole distribution. Received: {truncation!r}."
        )
