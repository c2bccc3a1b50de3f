"""Ways through the noise of a trained generator: truncation, walks from noise to noise, morphs from class to class.

Noise is standard normal everywhere in this package. This module imports neither Keras nor TensorFlow by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.bounds import check_count, is_number
from keras_gan_zoo.errors import InputError

if TYPE_CHECKING:
    import keras

    from keras_gan_zoo.two_player import TwoPlayerModel

PARALLEL = 1e-8  # sine of the angle below which two directions span no plane


# --------------------------------------------------------------------------------------------------------------- noise


def truncated_noise(
    n: int, latent_dim: int | tuple[int, ...], truncation: float | None = None, seed: int | None = None
) -> np.ndarray:
    """Standard normal noise whose every entry beyond a threshold is drawn anew until it falls within.

    The truncation trick of BigGAN (Brock et al., 2018): samples from the middle of the distribution look more typical,
    and vary less. What is drawn anew comes in one go from the inverse of the truncated distribution function, so any
    threshold costs the same, and entries within the threshold are those of the noise without truncation.

    Args:
        n: How many, at least 1.
        latent_dim: Number of noise values, or the shape of the noise of one example.
        truncation: Threshold above 0; None for the whole distribution, the noise of `gan.sample`.
        seed: Same seed, same noise, of which the first rows do not depend on n. None draws afresh.

    Returns:
        float32 array (n, latent_dim) within [-truncation, truncation].

    Raises:
        InputError: If the threshold is not a number above 0.

    Example:
        >>> noise = truncated_noise(1000, 100, truncation=0.5, seed=0)
        >>> noise.shape, bool(abs(noise).max() <= 0.5)
        ((1000, 100), True)
    """
    shape = (n, *latent_dim) if isinstance(latent_dim, tuple) else (n, latent_dim)
    random = np.random.default_rng(seed)
    noise = random.standard_normal(shape, dtype=np.float32)
    if truncation is None:
        return noise
    _check_truncation(truncation)
    [anew] = random.spawn(1)  # a stream of its own, or the first rows would depend on n
    return np.where(np.abs(noise) <= truncation, noise, _truncated(anew.uniform(size=shape), truncation))


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


# --------------------------------------------------------------------------------------------------------------- walks


def interpolate(start: np.ndarray, end: np.ndarray, steps: int, spherical: bool = False) -> np.ndarray:
    r"""Noise on the way from one to another, both ends included exactly.

    Linear: (1 - t) a + t b. In many dimensions standard normal noise lies near a sphere of radius sqrt(latent_dim), and
    the middle of the straight line far within it, where the generator was never trained. Spherical (White, 2016): the
    direction turns from a to b at a constant rate, by the angle \theta between them, and the length goes linearly,

    $$z(t) = \left((1 - t)\|a\| + t\|b\|\right)
      \frac{\sin((1 - t)\theta)\,\hat a + \sin(t\theta)\,\hat b}{\sin\theta}$$

    with unit vectors under the hats. Parallel vectors have the straight line as their limit. Opposite ones could turn
    within any plane: it is the one through the axis to which a is most nearly perpendicular.

    Args:
        start: a, of shape (..., latent_dim).
        end: b, of the same shape.
        steps: How many, at least 2.
        spherical: Along the sphere instead of the line.

    Returns:
        float32 array (..., steps, latent_dim).

    Raises:
        InputError: If the shapes differ, there are no two steps, or a number is not finite.

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
    path[..., 0, :], path[..., -1, :] = start, end  # free of rounding
    return path


def walk(
    gan: TwoPlayerModel,
    rows: int,
    steps: int,
    seed: int | None = None,
    spherical: bool = True,
    labels=None,
) -> np.ndarray:
    """Examples on the way between random noises, each row from one noise to another.

    Args:
        gan: A trained model.
        rows: How many ways.
        steps: Examples on each, at least 2.
        seed: Same seed, same ways, of which the first do not depend on how many there are.
        spherical: Whether noise goes along the sphere or the straight line, see `interpolate`.
        labels: For conditional networks: one class for all rows, or one for each, by index or name; by default the
            classes in turn.

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
    labels = gan.labels_to_sample(rows, labels)
    ends = truncated_noise(2 * rows, gan.latent_shape, seed=seed).reshape(rows, 2, -1)
    noise = interpolate(ends[:, 0], ends[:, 1], steps, spherical).reshape(rows * steps, *gan.latent_shape)
    examples = gan.sample_from(noise, None if labels is None else np.repeat(labels, steps))
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


# -------------------------------------------------------------------------------------------------------------- morphs


def class_morph(gan: TwoPlayerModel, start, end, steps: int, noise: np.ndarray) -> np.ndarray:
    """Examples on the way from one class to another, with the noise fixed.

    What the generator computes from the two labels first, their rows of an `Embedding` or their one-hot vectors, is
    mixed linearly, and the rest of the generator goes on from there. The ends are the examples of `gan.sample_from`.

    Args:
        gan: A trained conditional model.
        start: Class, by index or name.
        end: The same.
        steps: How many, at least 2.
        noise: (n, latent_dim), such as `truncated_noise(n, latent_dim, seed=0)`, which is that of `gan.sample`.

    Returns:
        float32 array (n, steps, *example_shape).

    Raises:
        InputError: If the model is not conditional, a class is unknown, or its generator feeds labels to other layers
            than one that embeds or one-hot encodes them.

    Example:
        >>> import keras_gan_zoo as kgz
        >>> gan = kgz.GAN.for_images((2,), latent_dim=4, num_classes=3)
        >>> class_morph(gan, 0, 2, steps=5, noise=truncated_noise(8, 4, seed=0)).shape
        (8, 5, 2)
    """
    check_count("steps", steps, low=2)
    if not gan.conditional:
        raise InputError(
            "Expected a conditional model to morph from class to class. Received: one whose networks take no labels. "
            "Use walk, from noise to noise."
        )
    noise = gan.checked_noise(noise)
    encode, decode = _around_encoded_label(gan.sampler)
    labels = np.concatenate([gan.labels_to_sample(1, label) for label in (start, end)])
    first, last = np.asarray(encode(labels), np.float32)
    t = np.linspace(0, 1, steps).reshape(-1, *[1] * first.ndim)
    mixed = ((1 - t) * first + t * last).astype(np.float32)
    ways = [decode([np.repeat(each[None], steps, axis=0), mixed], training=False) for each in noise]
    return np.stack([np.asarray(way, np.float32) for way in ways])


def _around_encoded_label(generator: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Two parts of a generator: from labels to their encoding, and from noise and encoding to examples.

    They are parts of a copy, because Keras notes on every layer in which graphs it takes part.
    """
    import keras

    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    noise, labels = copy.inputs
    encoding = _encoding_of(labels, copy)
    return keras.Model(labels, encoding), keras.Model([noise, encoding], copy.outputs[0])


def _encoding_of(labels, generator: keras.Model):
    """The output of the layer that embeds or encodes the labels, through layers that only reshape or cast them."""
    nodes = [node for nodes in generator._nodes_by_depth.values() for node in nodes]
    tensor = labels
    while True:
        consumers = [node for node in nodes if any(tensor is taken for taken in node.input_tensors)]
        if len(consumers) != 1 or len(consumers[0].input_tensors) != 1 or len(consumers[0].outputs) != 1:
            raise _no_encoding(" and ".join(node.operation.name for node in consumers) or "nothing")
        [tensor] = consumers[0].outputs
        if _encodes(consumers[0].operation):
            return tensor
        if _is_learned_or_last(consumers[0].operation, tensor, generator):
            raise _no_encoding(consumers[0].operation.name)


def _encodes(operation) -> bool:
    import keras

    encoders = (keras.layers.Embedding, keras.layers.CategoryEncoding)
    return isinstance(operation, encoders) or type(operation).__name__ == "OneHot"  # keras.ops.one_hot


def _is_learned_or_last(operation, output, generator: keras.Model) -> bool:
    return bool(getattr(operation, "weights", ())) or output is generator.outputs[0]


def _no_encoding(fed: str) -> InputError:
    return InputError(
        "Expected a generator whose labels enter through a single Embedding, CategoryEncoding or one-hot layer. "
        f"Received: one that feeds them to {fed}. Build it with such a layer, or sample each class by itself."
    )


# -------------------------------------------------------------------------------------------------------------- checks


def _check_truncation(truncation: float) -> None:
    if not (is_number(truncation) and truncation > 0):
        raise InputError(
            f"Expected a truncation above 0, such as 1.0, or None for the whole distribution. Received: {truncation!r}."
        )


def _check_ends(start: np.ndarray, end: np.ndarray, steps: int) -> None:
    check_count("steps", steps, low=2)
    if start.shape != end.shape or start.ndim < 1:
        raise InputError(
            f"Expected start and end of one shape (..., latent_dim). Received: {start.shape} and {end.shape}. "
            "Repeat one of them, or cut the other."
        )
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise InputError("Expected finite noise. Received: NaN or infinity. Draw it with truncated_noise.")
