"""The convolutional pairs of DCGAN."""

import functools
import math
from collections.abc import Callable, Iterator

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.layers import Dropout
from keras_gan_zoo.networks.parts import Shape

NORMALIZATIONS = ("batch", "layer", "none")

convolution = functools.partial(layers.Conv2D, padding="same", data_format=parts.DATA_FORMAT)
transposed = functools.partial(layers.Conv2DTranspose, padding="same", data_format=parts.DATA_FORMAT)


def dcgan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    width: int = 32,
    discriminator_normalization: str = "batch",
    dropout: float = 0.0,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The convolutional networks of Radford et al. (2015), for images of 8 to 128 pixels a side.

    Every guideline of their Section 3 holds: strided and transposed convolutions instead of pooling; batch
    normalisation everywhere but on the generator's output and the discriminator's input; no hidden dense layer on top
    of the features; ReLU in the generator with tanh on its output; LeakyReLU (slope 0.2) in the discriminator.
    Weights start as N(0, 0.02). The discriminator halves each side until it is 3 or 4 pixels, doubling its channels up
    to 8 * width; the generator is its mirror image. Kernels are 4x4, which a stride of 2 covers evenly.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels: one-hot beside the noise, and as constant planes beside
            the image.
        width: Number of channels at the highest resolution.
        discriminator_normalization: Normalisation of the discriminator: "batch", as in the paper; "layer" or "none" for
            critics. A critic's score of an
            example must not depend on the rest of the batch.
        dropout: Dropout rate after every convolution of the discriminator.
        packing: Images that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image, or the normalisation unknown.

    Example:
        >>> generator, discriminator = dcgan_pair((28, 20, 3), width=8)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 20, 3), (None, 1))
    """
    check_image(shape)
    check_normalization(discriminator_normalization)
    latent_dim, width = parts.counts(latent_dim=latent_dim, width=width)
    check_number("dropout", dropout, low=0, below=1)
    seeds = parts.seeds_of(seed)

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    images = upwards(parts.with_label(noise, labels, num_classes), shape, width, seeds, transposed_to)
    generator = parts.network(noise, labels, images, "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    x = parts.with_label(examples, labels, num_classes)
    x = downwards(x, shape, width, seeds, discriminator_normalization, dropout)
    scores = parts.dense_scores(parts.flat(x), normal(seeds))
    return generator, parts.network(examples, labels, scores, "discriminator")


def conditional_dcgan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    width: int = 64,
    generator_units: int = 1024,
    discriminator_units: int = 1024,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The class-conditional networks of Radford et al. (2015), as their released MNIST model has them.

    The authors use them to classify MNIST with generated images (Table 3 of the supplement). Every layer of both
    networks takes the label, one-hot with features and as constant planes with feature maps. Unlike `dcgan_pair` they
    have a fully connected hidden layer each, and two strides of 2 with 5x5 kernels whatever the size of the image, so
    that their weights grow with its area: for 28x28 pixels they are 6.8 and 6.7 million by default. Batch
    normalisation, activations and initial weights are as there; the released model's sigmoid for pixels from 0 to 1 is
    a tanh here. A critic, whose score of an example must not depend on the rest of the batch, is better served by
    `dcgan_pair`.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of noise values.
        num_classes: Number of labels, which these networks require.
        width: Channels of the larger feature maps; the smaller ones have twice as many.
        generator_units: Units of the generator's hidden layer.
        discriminator_units: Units of the discriminator's hidden layer.
        packing: Images that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image, or `num_classes` is not given.

    Example:
        >>> generator, discriminator = conditional_dcgan_pair((28, 28, 1), 100, 10, width=8, generator_units=16)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 28, 1), (None, 1))
    """
    check_image(shape)
    parts.check_classes(num_classes)
    latent_dim, width, generator_units, discriminator_units = parts.counts(
        latent_dim=latent_dim,
        width=width,
        generator_units=generator_units,
        discriminator_units=discriminator_units,
    )
    seeds = parts.seeds_of(seed)

    def dense(x, units: int):
        return batch_normalization()(layers.Dense(units, use_bias=False, kernel_initializer=normal(seeds))(x))

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    label = parts.one_hot(labels, num_classes)
    x = layers.ReLU()(dense(parts.beside(noise, label), generator_units))
    base = (shape[0] // 4, shape[1] // 4, 2 * width)
    x = layers.ReLU()(layers.Reshape(base)(dense(parts.beside(x, label), math.prod(base))))
    x = transposed(width, 5, 2, use_bias=False, kernel_initializer=normal(seeds))(parts.beside(x, label))
    x = layers.ReLU()(batch_normalization()(x))
    x = transposed(shape[-1], 5, 2, kernel_initializer=normal(seeds))(parts.beside(x, label))
    x = layers.Activation("tanh", dtype=parts.full_precision(), name="examples")(x)
    generator = parts.network(noise, labels, x, "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    label = parts.one_hot(labels, num_classes)
    x = convolution(width, 5, 2, kernel_initializer=normal(seeds))(parts.beside(examples, label))
    x = parts.beside(layers.LeakyReLU(0.2)(x), label)
    x = convolution(2 * width, 5, 2, use_bias=False, kernel_initializer=normal(seeds))(x)
    x = parts.flat(layers.LeakyReLU(0.2)(batch_normalization()(x)))
    x = layers.LeakyReLU(0.2)(dense(parts.beside(x, label), discriminator_units))
    scores = parts.dense_scores(parts.beside(x, label), normal(seeds))
    return generator, parts.network(examples, labels, scores, "discriminator")


def upwards(x, shape: Shape, width: int, seeds: Iterator[int | None], enlarge: Callable):
    """Images from vectors, by the generator of `dcgan_pair`, with `transposed_to` or another way to enlarge maps."""
    pyramid, channels = levels(shape, width)
    base = (*pyramid[-1], channels[-1])
    x = layers.Dense(math.prod(base), use_bias=False, kernel_initializer=normal(seeds))(x)
    x = layers.ReLU()(batch_normalization()(layers.Reshape(base)(x)))
    for level in reversed(range(1, len(pyramid) - 1)):
        x = enlarge(x, pyramid[level], channels[level - 1], use_bias=False, kernel_initializer=normal(seeds))
        x = layers.ReLU()(batch_normalization()(x))
    x = enlarge(x, pyramid[0], shape[-1], kernel_initializer=normal(seeds))
    return layers.Activation("tanh", dtype=parts.full_precision(), name="examples")(x)


def downwards(
    x, shape: Shape, width: int, seeds: Iterator[int | None], normalization: str = "batch", dropout: float = 0.0
):
    """Features of 3 or 4 pixels a side from images, by the discriminator of `dcgan_pair`."""
    pyramid, channels = levels(shape, width)
    for level in range(1, len(pyramid)):
        strides = strides_between(pyramid[level - 1], pyramid[level])
        kind = "none" if level == 1 else normalization
        has_bias = kind == "none"
        x = convolution(channels[level - 1], 4, strides, use_bias=has_bias, kernel_initializer=normal(seeds))(x)
        x = layers.LeakyReLU(0.2)(normalized(x, kind))
        x = Dropout(dropout, seed=next(seeds))(x) if dropout else x
    return x


def levels(shape: Shape, width: int) -> tuple[list[Shape], list[int]]:
    """The sides of the feature maps from the image inwards, and the channels of all but the image."""
    pyramid = _pyramid(shape[:2])
    return pyramid, [min(2**level, 8) * width for level in range(len(pyramid) - 1)]


def _pyramid(sides: Shape) -> list[Shape]:
    """Sides from the image down to 3 or 4 pixels: [(28, 64), (14, 32), (7, 16), (4, 8), (4, 4)]."""
    levels = [sides]
    while max(levels[-1]) > 4:
        levels.append(halved(levels[-1]))
    return levels


def halved(sides: Shape) -> Shape:
    """Half of each side above 4, rounded up."""
    return tuple(-(-side // 2) if side > 4 else side for side in sides)


def strides_between(larger: Shape, smaller: Shape) -> Shape:
    return tuple(1 if a == b else 2 for a, b in zip(larger, smaller, strict=True))


def transposed_to(x, sides: Shape, channels: int, **kwargs):
    """A transposed convolution to exactly `sides`; an odd side is the result of a ceiling, so its last row is cut."""
    return cropped(transposed(channels, 4, strides_between(sides, x.shape[1:3]), **kwargs)(x), sides)


def cropped(x, sides: Shape):
    """Cuts the last rows and columns of a feature map that has more than `sides`."""
    surplus = [(0, have - want) for have, want in zip(x.shape[1:3], sides, strict=True)]
    return layers.Cropping2D(surplus, data_format=parts.DATA_FORMAT)(x) if any(cut for _, cut in surplus) else x


def normal(seeds: Iterator[int | None], stddev: float = 0.02) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, stddev, seed=next(seeds))


def batch_normalization(**options) -> layers.Layer:
    # Averages over about 10 batches, not Keras' 100: inference must keep up with a generator that never settles.
    return layers.BatchNormalization(momentum=0.9, **options)


def normalized(x, normalization: str):
    if normalization == "batch":
        return batch_normalization()(x)
    return layers.LayerNormalization(axis=[1, 2, 3])(x) if normalization == "layer" else x


def check_normalization(discriminator_normalization: str) -> None:
    if discriminator_normalization not in NORMALIZATIONS:
        raise unknown("discriminator_normalization", discriminator_normalization, NORMALIZATIONS)


def check_image(shape: Shape, otherwise: str | None = "mlp") -> None:
    """Raises an `InputError` for a shape that is not such an image; `otherwise` names an architecture that takes it."""
    right = len(shape) == 3 and all(8 <= side <= 128 and side % 4 == 0 for side in shape[:2]) and 1 <= shape[2] <= 4
    if not right:
        raise InputError(
            "DCGAN networks expect images of shape (height, width, channels) whose sides are multiples of 4 from 8 to "
            f"128, with 1 to 4 channels. Received: {tuple(shape)}. Resize the images (image_size=32)"
            f"{f', or choose another architecture, such as {otherwise!r}' if otherwise else ''}."
        )
