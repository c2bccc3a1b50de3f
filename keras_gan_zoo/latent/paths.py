"""Paths through the noise of a trained generator, from one noise to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.noise import truncated_noise

if TYPE_CHECKING:
    from keras_gan_zoo.latent.sampler import Sampler

PARALLEL = 1e-8  # sine of the angle below which two directions span no plane


def interpolate(start: np.ndarray, end: np.ndarray, steps: int, spherical: bool = False) -> np.ndarray:
    r"""Noise on the way from one to another, both ends included exactly.

    Linear: (1 - t) a + t b. In many dimensions standard normal noise lies near a sphere of radius sqrt(latent_dim), and
    the middle of the straight line lies far inside it, where the generator was never trained. Spherical (White, 2016):
    the direction turns from a to b at a constant rate, by the angle \theta between them, and the length is linear,

    $$z(t) = \left((1 - t)\|a\| + t\|b\|\right)
      \frac{\sin((1 - t)\theta)\,\hat a + \sin(t\theta)\,\hat b}{\sin\theta}$$

    with unit vectors under the hats. Parallel vectors have the straight line as their limit. Opposite ones could turn
    within any plane: it is the one through the axis to which a is most nearly perpendicular.

    Args:
        start: a, of shape (..., latent_dim).
        end: b, of the same shape.
        steps: Number of noises on the way, at least 2.
        spherical: Whether to follow the sphere instead of the line.

    Returns:
        float32 array (..., steps, latent_dim).

    Raises:
        InputError: If the shapes differ, there are fewer than two steps, or a number is not finite.

    Example:
        >>> interpolate([0.0, 0.0], [1.0, 2.0], steps=3).tolist()
        [[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]
        >>> print(interpolate([2.0, 0.0], [0.0, 2.0], steps=3, spherical=True).round(3))
        [[2.    0.   ]
         [1.414 1.414]
         [0.    2.   ]]
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    _check_ends(start, end, steps)
    t = np.linspace(0, 1, steps)[:, None]
    a, b = start[..., None, :], end[..., None, :]
    path = (_along_sphere(a, b, t) if spherical else (1 - t) * a + t * b).astype(np.float32)
    path[..., 0, :], path[..., -1, :] = start, end  # exactly, without rounding
    return path


def walk(
    gan: Sampler,
    rows: int,
    steps: int,
    seed: int | None = None,
    spherical: bool = True,
    labels=None,
    *,
    conditions=None,
    text=None,
) -> np.ndarray:
    """Examples on the way between random noises, each row from one noise to another.

    Args:
        gan: A trained model.
        rows: Number of paths.
        steps: Number of examples on each path, at least 2.
        seed: The same seed gives the same paths; the first paths do not depend on their number.
        spherical: Whether noise goes along the sphere or the straight line, see `interpolate`.
        labels: For networks that take classes: one class for all rows, or one for each, by index or name; by default
            the classes in turn.
        conditions: For networks that take vectors or pictures: one for all rows, or one for each.
        text: For models trained with texts: one for all rows, or one for each.

    Returns:
        float32 array (rows, steps, *example_shape).

    Raises:
        InputError: If an argument is out of range.

    Example:
        >>> import keras_gan_zoo as kgz
        >>> walk(kgz.GAN.for_images((2,)), rows=3, steps=5, seed=0).shape
        (3, 5, 2)
    """
    check_count("rows", rows, low=1)
    check_count("steps", steps, low=2)
    given = gan.condition_of(rows, labels, conditions, text)
    shape = gan.noise_shape()
    ends = truncated_noise(2 * rows, shape, seed=seed).reshape(rows, 2, -1)
    noise = interpolate(ends[:, 0], ends[:, 1], steps, spherical).reshape(rows * steps, *shape)
    repeated = None if given is None else np.repeat(given, steps, axis=0)
    examples = gan.sample_from(noise, conditions=repeated)
    return examples.reshape(rows, steps, *gan.example_shape)


def _along_sphere(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """By cos(t theta) along a and sin(t theta) across it: the formula above without its division by sin(theta)."""
    length_a, length_b = (np.linalg.norm(vector, axis=-1, keepdims=True) for vector in (a, b))
    unit_a, unit_b = _unit(a), _unit(b)
    unit_a, unit_b = np.where(length_a > 0, unit_a, unit_b), np.where(length_b > 0, unit_b, unit_a)
    cosine = (unit_a * unit_b).sum(axis=-1, keepdims=True)
    across = unit_b - cosine * unit_a
    sine = np.linalg.norm(across, axis=-1, keepdims=True)
    without_plane = np.where(cosine < 0, _perpendicular(unit_a), 0.0)
    direction = np.where(sine > PARALLEL, _unit(across), without_plane)
    angle = t * np.arctan2(sine, cosine)
    return ((1 - t) * length_a + t * length_b) * (np.cos(angle) * unit_a + np.sin(angle) * direction)


def _perpendicular(unit: np.ndarray) -> np.ndarray:
    """A unit vector across another, towards the axis along which that one is shortest; zero in one dimension."""
    axis = np.eye(unit.shape[-1])[np.abs(unit).argmin(axis=-1)]
    return _unit(axis - (axis * unit).sum(axis=-1, keepdims=True) * unit)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def _check_ends(start: np.ndarray, end: np.ndarray, steps: int) -> None:
    check_count("steps", steps, low=2)
    if start.shape != end.shape or start.ndim < 1:
        raise InputError(
            f"Expected start and end of one shape (..., latent_dim). Received: {start.shape} and {end.shape}. "
            "Repeat one of them, or cut the other."
        )
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise InputError("Expected finite noise. Received: NaN or infinity. Draw it with truncated_noise.")
