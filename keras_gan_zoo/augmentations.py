"""Differentiable augmentation (Zhao et al., 2020): random changes of pictures before the discriminator judges them.

A discriminator that sees few real pictures learns them by heart. It learns less of each if real and generated pictures
are changed alike, and gradients reach the generator through the changes. Pictures in use stay as they are.

Pictures are (n, height, width, channels) in [-1, 1]; random numbers are (n,) from 0 to 1, without 1.
"""

import inspect

import tensorflow as tf

from keras_gan_zoo.core import registry
from keras_gan_zoo.errors import InputError, unknown


def colour(images, brightness, saturation, contrast):
    """Changes brightness by up to 0.5 either way, then saturation by a factor up to 2, and contrast by 0.5 to 1.5.

    Example:
        >>> image = tf.constant([[[[0.0, 0.5]]]])
        >>> colour(image, tf.constant([0.75]), tf.constant([0.75]), tf.constant([0.0])).numpy().ravel().tolist()
        [0.3125, 0.6875]
    """
    images += _for_each(brightness) - 0.5
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = grey + 2 * _for_each(saturation) * (images - grey)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return mean + (_for_each(contrast) + 0.5) * (images - mean)


def translation(images, down, right):
    """Moves pictures by whole pixels, up to an eighth of each side either way; zeros come in.

    Example:
        >>> translation(tf.ones((1, 8, 8, 1)), tf.constant([0.0]), tf.constant([0.5]))[0, :, 0, 0].numpy().tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    """
    rows, columns = (_moving(number, side) for number, side in zip((down, right), images.shape[1:3], strict=True))
    return tf.einsum("nij,njkc,nlk->nilc", tf.cast(rows, images.dtype), images, tf.cast(columns, images.dtype))


def cutout(images, row, column):
    """Sets a rectangle of half of each side to zero; a part of it may be outside.

    Example:
        >>> cutout(tf.ones((1, 4, 4, 1)), tf.constant([0.0]), tf.constant([0.5]))[0, :, :, 0].numpy().tolist()
        [[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    rows, columns = (_covered(number, side) for number, side in zip((row, column), images.shape[1:3], strict=True))
    is_cut = rows[:, :, None, None] & columns[:, None, :, None]
    return tf.where(is_cut, tf.zeros((), images.dtype), images)


AUGMENTATIONS = registry.load_all(registry.AUGMENTATIONS)


def names_in(augmentation: str) -> list[str]:
    """The names in a text such as "colour,translation", keys of `AUGMENTATIONS`.

    Raises:
        InputError: If it is no text, or a name is unknown.
    """
    if not isinstance(augmentation, str):
        raise InputError(
            "Expected augmentation to be names with commas between them, such as 'colour,translation'. Received: "
            f"{augmentation!r}."
        )
    names = [name.strip() for name in augmentation.split(",")]
    for name in names:
        if name not in AUGMENTATIONS:
            raise unknown("augmentation", name, AUGMENTATIONS)
    return names


def draws_of(augmentation: str) -> int:
    """How many random numbers each picture needs."""
    return sum(map(_draws, names_in(augmentation)))


def augmented(images, augmentation: str, numbers: list):
    """Pictures changed in each of the named ways, by `draws_of(augmentation)` random numbers for each."""
    left = iter(numbers)
    for name in names_in(augmentation):
        images = AUGMENTATIONS[name](images, *(next(left) for _ in range(_draws(name))))
    return images


def _draws(name: str) -> int:
    return len(inspect.signature(AUGMENTATIONS[name]).parameters) - 1  # but for the pictures


def _for_each(numbers):
    return numbers[:, None, None, None]


def _whole(numbers, choices: int):
    """Whole numbers from 0, all `choices` equally likely."""
    return tf.minimum(tf.cast(numbers * choices, tf.int32), choices - 1)


def _moving(numbers, side: int):
    """Matrices (n, side, side) that move rows down by whole pixels, at most an eighth of the side either way."""
    most = (side + 4) // 8  # an eighth, halves up
    moves = _whole(numbers, 2 * most + 1) - most
    return tf.one_hot(tf.range(side) - moves[:, None], side)  # rows from outside are zero


def _covered(numbers, side: int):
    """Which places (n, side) are within a window of half the side, whose middle is anywhere."""
    window = (side + 1) // 2  # half, halves up
    first = _whole(numbers, side + 1 - window % 2) - window // 2
    places = tf.range(side) - first[:, None]
    return (places >= 0) & (places < window)
