"""The convolutional pair of GAN-INT-CLS, which takes the vector of a text."""

import math
from collections.abc import Iterator

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import (
    check_image,
    check_normalization,
    convolution,
    downwards,
    normal,
    normalized,
    transposed_to,
    upwards,
)
from keras_gan_zoo.networks.layers import Dropout
from keras_gan_zoo.networks.parts import Shape


def text_dcgan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    text_dim: int | None = None,
    text_units: int = 128,
    text_dropout: float = 0.2,
    projection: bool = True,
    width: int = 32,
    discriminator_normalization: str = "none",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Networks that take the vector of a text, after Reed et al. (2016), for images of 8 to 128 pixels a side.

    In both, a fully connected layer compresses the vector. The generator is that of `dcgan_pair`, with the compressed
    vector beside the noise. The discriminator is that of `dcgan_pair` down to 3 or 4 pixels, where the vector joins the
    features in every place, and a convolution of 1x1 follows before the score.

    Four things are not in the paper. The discriminator has no batch normalisation, whose statistics of other images
    hide what a single one shows; `discriminator_normalization="batch"` adds it. Vectors are scaled from length 1, as
    encoders make them, to a variance of 1. With `text_dropout` no single number of a vector decides, which helps with
    words that no training caption has. With `projection` the inner product of vector and features, each after a matrix,
    is added to the score (Miyato and Koyama, 2018): it is large where what the text says and what the image shows
    agree.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of noise values.
        num_classes: None: these networks take no labels.
        text_dim: Length of the vector of a text; None for 512, that of the encoders that come with this package.
        text_units: Length of the compressed vector.
        text_dropout: Dropout rate of the numbers of the vector, in both networks.
        projection: Whether the score has the inner product of text and image.
        width: Number of channels at the highest resolution.
        discriminator_normalization: Normalisation of the discriminator: "none", "batch" or "layer".
        packing: Images that the discriminator takes at once, with as many vectors.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image, a number is out of range, or `num_classes` is given.

    Example:
        >>> generator, discriminator = text_dcgan_pair((16, 16, 3), text_dim=64, width=8)
        >>> generator.input_shape, discriminator.output_shape
        ([(None, 100), (None, 64)], (None, 1))
    """
    check_image(shape, otherwise=None)
    parts.check_no_classes(num_classes)
    latent_dim, text_dim, text_units, width = parts.counts(
        latent_dim=latent_dim, text_dim=text_dim or parts.TEXT_DIM, text_units=text_units, width=width
    )
    check_number("text_dropout", text_dropout, low=0, below=1)
    seeds = parts.seeds_of(seed)
    noise, text = keras.Input((latent_dim,), name="noise"), keras.Input((text_dim,), name="condition")
    condition = _compressed(scaled(text, text_dim, text_dropout, seeds), text_units, seeds)
    images = upwards(parts.beside(noise, condition), shape, width, seeds, transposed_to)
    generator = parts.network(noise, text, images, "generator")
    of_text = text_dim, text_units, text_dropout, projection
    return generator, text_discriminator(shape, *of_text, width, discriminator_normalization, packing, seeds)


def text_discriminator(
    shape: Shape,
    text_dim: int,
    text_units: int,
    text_dropout: float,
    projection: bool,
    width: int,
    normalization: str,
    packing: int,
    seeds: Iterator[int | None],
) -> keras.Model:
    """The discriminator of `text_dcgan_pair`."""
    check_normalization(normalization)
    examples, _ = parts.discriminator_inputs(shape, None, packing)
    text = keras.Input((packing * text_dim,), name="condition")
    vector = scaled(text, text_dim, text_dropout, seeds)
    features = downwards(examples, shape, width, seeds, normalization)
    x = parts.beside(features, _compressed(vector, text_units, seeds))
    has_bias = normalization == "none"
    x = convolution(features.shape[-1], 1, use_bias=has_bias, kernel_initializer=normal(seeds))(x)
    x = layers.LeakyReLU(0.2)(normalized(x, normalization))
    scores = parts.dense_scores(parts.flat(x), normal(seeds))
    if projection:
        inner = _inner_product(parts.flat(features), vector, text_units, seeds)
        scores = layers.Add(dtype=parts.full_precision())([scores, inner])
    return parts.network(examples, text, scores, "discriminator")


def scaled(text, text_dim: int, dropout: float, seeds: Iterator[int | None]):
    """The vector of a text, scaled from length 1 to a variance of 1, with dropout.

    With initial weights of 1 instead, what a text begins with would be as large, but Adam's steps, which are all of one
    size, would hardly change such weights: the network would keep its random projection, and not learn what words mean.
    """
    x = layers.Rescaling(math.sqrt(text_dim))(text)
    return Dropout(dropout, seed=next(seeds))(x) if dropout else x


def _inner_product(features, text, units: int, seeds: Iterator[int | None]):
    """The inner product of the features of an image and the vector of a text, each after a matrix."""
    of_image = layers.Dense(units, kernel_initializer=normal(seeds))(features)
    of_text = layers.Dense(units, use_bias=False, kernel_initializer=normal(seeds))(text)
    return layers.Dot(axes=-1, dtype=parts.full_precision())([of_image, of_text])


def _compressed(text, units: int, seeds: Iterator[int | None]):
    return layers.LeakyReLU(0.2)(layers.Dense(units, kernel_initializer=normal(seeds))(text))
