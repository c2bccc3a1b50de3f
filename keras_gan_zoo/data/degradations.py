"""Degradations: from a picture to a poorer one, from which a network is to make the picture again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.bounds import check_count, is_count
from keras_gan_zoo.core.conditions import as_array
from keras_gan_zoo.data.dataset import check_floats
from keras_gan_zoo.data.pipelines import normalised, without_autotune
from keras_gan_zoo.errors import InputError, unknown

LUMA = (0.299, 0.587, 0.114)  # the weights of red, green and blue in grey, by ITU-R BT.601, as Pillow has them
HOLE = 128 / 127.5 - 1  # what a hole is filled with: the grey of 128, which 8 bits hold exactly


@dataclass(frozen=True)
class Degradation:
    """What all degradations have in common; not used itself.

    They are functions of pictures, in NumPy or in a graph, and Keras saves them by their arguments.
    """

    @property
    def draws(self) -> int:
        """How many random numbers a picture takes."""
        return 0

    def __call__(self, pictures, seed: int = 0):
        """Degraded pictures.

        Args:
            pictures: uint8, or floats in [-1, 1]: (n, height, width, channels), or one picture without n; an array or
                a tensor.
            seed: Seed of what is random.

        Returns:
            Pictures (n, *source_shape), or one, of the same type and kind. Those in uint8 are rounded.

        Raises:
            InputError: If the pictures do not fit, or their values are out of range.
        """
        if not tf.is_tensor(pictures):
            array = as_array(pictures)
            if array.size and np.issubdtype(array.dtype, np.floating):
                check_floats(array, are_images=True)
            return self(tf.constant(array), seed).numpy()
        if pictures.shape.rank == 3:
            return self(pictures[None], seed)[0]
        self.source_shape(tuple(pictures.shape[1:]))
        degraded = self.of(normalised(pictures), uniform(tf.shape(pictures)[0], self.draws, [seed, 0]))
        return levels(degraded) if pictures.dtype == tf.uint8 else tf.cast(degraded, pictures.dtype)

    def source_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """The shape that pictures of a shape have once they are degraded.

        Raises:
            InputError: If pictures of this shape cannot be degraded.
        """
        if len(shape) != 3 or None in shape:
            raise InputError(
                f"Expected pictures (height, width, channels) to degrade. Received: examples of shape {shape}. Choose "
                "data of pictures."
            )
        return self._shape(*shape)

    def of(self, pictures, draws):
        """Degraded pictures of a graph.

        Args:
            pictures: Floats in [-1, 1], (n, height, width, channels).
            draws: Floats in [0, 1), (n, `draws`).

        Returns:
            Floats in [-1, 1], (n, *source_shape).
        """
        raise NotImplementedError

    def _shape(self, height: int, width: int, channels: int) -> tuple[int, int, int]:
        raise NotImplementedError

    def __str__(self) -> str:
        """As in a recipe; see `as_degradation`."""
        numbers = np.ravel([*asdict(self).values()])
        return ":".join(filter(None, (type(self).__name__.lower(), ",".join(map(str, numbers)))))

    def get_config(self) -> dict:
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict) -> Degradation:
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan_zoo")
@dataclass(frozen=True)
class Downscaled(Degradation):
    """Smaller pictures, for super-resolution: bicubic with antialiasing.

    The kernel is that of Keys (a = -0.5), as wide as `factor` asks, renormalised at the edges: `tf.image.resize` with
    `antialias=True`. `BICUBIC` of Pillow is the same, but rounds to 8 bits between rows and columns.

    Args:
        factor: How many times smaller height and width become.

    Raises:
        InputError: If the factor is no whole number of at least 2.

    Example:
        >>> Downscaled(4)(np.full((1, 32, 32, 3), 200, np.uint8))[0, 0, 0].tolist()
        [200, 200, 200]
    """

    factor: int

    def __post_init__(self):
        check_count("factor", self.factor, low=2)

    def of(self, pictures, draws):
        height, width, _ = self.source_shape(tuple(pictures.shape[1:]))
        smaller = tf.image.resize(pictures, (height, width), method="bicubic", antialias=True)
        return tf.clip_by_value(smaller, -1, 1)

    def _shape(self, height, width, channels):
        if height % self.factor or width % self.factor:
            fitting = tuple(max(1, side // self.factor) * self.factor for side in (height, width))
            size = fitting[0] if len(set(fitting)) == 1 else fitting
            raise InputError(
                f"Expected pictures whose sides can be divided by {self.factor}, to make them smaller. Received: "
                f"({height}, {width}). Choose another factor, or load them with image_size={size}."
            )
        return height // self.factor, width // self.factor, channels


@keras.saving.register_keras_serializable("keras_gan_zoo")
@dataclass(frozen=True)
class Masked(Degradation):
    """Pictures with a hole, for inpainting. The hole is filled with the grey of 128.

    Args:
        region: (top, left, height, width) of the hole; or (height, width) of a hole whose place is drawn for each
            picture.

    Raises:
        InputError: If the region has no area.

    Example:
        >>> Masked((0, 1, 2, 1))(np.full((2, 3, 1), 9, np.uint8))[..., 0].tolist()
        [[9, 128, 9], [9, 128, 9]]
    """

    region: Sequence[int]

    def __post_init__(self):
        region = tuple(self.region) if isinstance(self.region, (tuple, list, np.ndarray)) else ()
        if len(region) not in (2, 4) or not all(is_count(side) for side in region[-2:]):
            raise InputError(
                "Expected a region (top, left, height, width), or (height, width) for a random place, in whole pixels. "
                f"Received: {self.region!r}. Make it at least one pixel large."
            )
        if not all(is_count(place, low=0) for place in region[:-2]):
            raise InputError(
                f"Expected a region whose top and left are whole pixels from 0. Received: {self.region!r}. Correct it."
            )
        object.__setattr__(self, "region", tuple(int(number) for number in region))

    @property
    def draws(self) -> int:
        return 2 if len(self.region) == 2 else 0

    def of(self, pictures, draws):
        height, width = self.region[-2:]
        if self.draws:
            free = tf.constant([pictures.shape[1] - height + 1, pictures.shape[2] - width + 1], draws.dtype)
            top, left = tf.unstack(tf.cast(draws * free, tf.int32)[:, :, None], axis=1)
        else:
            top, left = self.region[:2]
        rows, columns = tf.range(pictures.shape[1])[None], tf.range(pictures.shape[2])[None]
        rows, columns = (rows >= top) & (rows < top + height), (columns >= left) & (columns < left + width)
        return tf.where((rows[:, :, None] & columns[:, None])[..., None], tf.cast(HOLE, pictures.dtype), pictures)

    def _shape(self, height, width, channels):
        *place, down, across = self.region
        top, left = place or (0, 0)
        if top + down > height or left + across > width:
            raise InputError(
                f"Expected a region inside the pictures of {(height, width)}. Received: {self.region}, which reaches "
                f"row {top + down} and column {left + across}. Make it smaller, or move it."
            )
        if (down, across) == (height, width):
            raise InputError(
                f"Expected a region that leaves something of the pictures of {(height, width)} to see. Received: "
                f"{self.region}, which covers everything. Make it smaller."
            )
        return height, width, channels


@keras.saving.register_keras_serializable("keras_gan_zoo")
@dataclass(frozen=True)
class Greyed(Degradation):
    """Pictures in grey, for colourisation: the luma of ITU-R BT.601, in one channel.

    Example:
        >>> Greyed()(np.array([[[255, 0, 0]]], np.uint8)).tolist()
        [[[76]]]
    """

    def of(self, pictures, draws):
        return tf.reduce_sum(pictures * tf.constant(LUMA, pictures.dtype), axis=-1, keepdims=True)

    def _shape(self, height, width, channels):
        if channels != 3:
            raise InputError(
                f"Expected pictures in colour, of 3 channels, to make them grey. Received: {channels} channels. Choose "
                "other data, or load them with channels=3."
            )
        return height, width, 1


@keras.saving.register_keras_serializable("keras_gan_zoo")
@dataclass(frozen=True)
class Edges(Degradation):
    """The edges of pictures as a drawing in one channel, dark on white.

    The darkness is the length of Sobel's gradient, in the channel where it is largest. Where the values of a channel
    jump by a quarter of their range, it is black.

    Example:
        >>> Edges()(np.full((4, 4, 3), 7, np.uint8)).min()
        np.uint8(255)
    """

    def of(self, pictures, draws):
        gradients = tf.image.sobel_edges((pictures + 1) / 2)  # up to 4, where black meets white
        strength = tf.reduce_max(tf.norm(gradients, axis=-1), axis=-1, keepdims=True)
        return 1 - 2 * tf.minimum(strength, 1)

    def _shape(self, height, width, channels):
        if channels not in (1, 3) or min(height, width) < 2:
            raise InputError(
                "Expected pictures in grey or colour, of 1 or 3 channels and at least 2 pixels high and wide, to draw "
                f"their edges. Received: {(height, width, channels)}. Choose other data, or load them with channels=3."
            )
        return height, width, 1


def as_degradation(degradation) -> Degradation:
    """A degradation from what a user or a recipe gives.

    Args:
        degradation: A `Degradation`, what Keras made of one, or a key of `DEGRADATIONS`, with its numbers behind a
            colon.

    Raises:
        InputError: If it is none.

    Example:
        >>> as_degradation("downscaled:4"), as_degradation("masked:8,8,16,16"), as_degradation("greyed")
        (Downscaled(factor=4), Masked(region=(8, 8, 16, 16)), Greyed())
    """
    if isinstance(degradation, dict):
        degradation = keras.saving.deserialize_keras_object(degradation)
    if isinstance(degradation, str):
        return _from_text(degradation)
    if not isinstance(degradation, Degradation):
        raise InputError(
            "Expected a degradation, such as data.Downscaled(4). Received: a "
            f"{getattr(degradation, '__name__', type(degradation).__name__)}. Create one of "
            f"{', '.join(row.home.partition(':')[2] for row in registry.DEGRADATIONS.values())}."
        )
    return degradation


def _from_text(text: str) -> Degradation:
    name, colon, written = text.partition(":")
    if name not in registry.DEGRADATIONS:
        raise unknown("degradation", name, registry.DEGRADATIONS)
    kind, numbers = registry.DEGRADATIONS[name].load(), written.split(",") if colon else []
    if len(fields(kind)) != bool(numbers) or not all(number.strip().isdecimal() for number in numbers):
        example = {"downscaled": "downscaled:4", "masked": "masked:8,8,16,16"}.get(name, name)
        raise InputError(f"Expected a degradation such as '{example}'. Received: {text!r}. Correct its numbers.")
    values = [int(number) for number in numbers]
    return kind(values if len(values) > 1 else values[0]) if values else kind()


def uniform(n, draws: int, key):
    """Random floats in [0, 1), (n, draws), given by a key of two integers."""
    return tf.random.stateless_uniform((n, draws), tf.cast(key, tf.int64))


def uniform_in_steps(n: int, draws: int, seed: int, first_step: int) -> tf.data.Dataset:
    """`uniform` for each step of training, from the first on, which is a function of the seed and the step."""

    def drawn(step):
        key = tf.stack([tf.constant(seed, tf.int64), step])
        return uniform(n, draws, tf.random.experimental.stateless_fold_in(key, 3))  # that of no other draws

    return tf.data.Dataset.range(first_step, np.iinfo(np.int64).max).map(drawn)


def with_sources(batches: tf.data.Dataset, draws: tf.data.Dataset, degradation: Degradation) -> tf.data.Dataset:
    """Batches of pictures, with their degraded selves in 8 bits, as files would hold them."""

    def degraded(pictures, drawn):
        return pictures, normalised(levels(degradation.of(pictures, drawn)))

    pairs = tf.data.Dataset.zip(batches, draws).map(degraded, num_parallel_calls=2)
    return without_autotune(pairs.prefetch(2))


def levels(pictures):
    """Pictures in [-1, 1] as uint8."""
    return tf.cast(tf.round((pictures + 1) * 127.5), tf.uint8)
