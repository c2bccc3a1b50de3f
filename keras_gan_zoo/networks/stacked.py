"""The networks of StackGAN: a pair for each of its two stages."""

from collections.abc import Iterator

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import (
    batch_normalization,
    check_image,
    convolution,
    cropped,
    halved,
    normal,
    strides_between,
    upwards,
)
from keras_gan_zoo.networks.layers import ConditioningAugmentation
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.text import scaled, text_discriminator

MAP_SIDE = 16  # largest side of the feature maps at which the second stage joins picture and text
FACTORS = (1, 2, 4, 8, 16)  # by which a second stage may enlarge


def stackgan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    text_dim: int | None = None,
    text_units: int = 64,
    text_dropout: float = 0.2,
    kl_weight: float = 2.0,
    projection: bool = True,
    width: int = 32,
    first_shape: Shape | None = None,
    residual_blocks: int = 4,
    discriminator_normalization: str = "none",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of a stage of StackGAN (Zhang et al., 2017), for images of 8 to 128 pixels a side.

    The last `text_units` numbers of the noise are the epsilon of `ConditioningAugmentation`, which makes the condition
    c from the vector of a text.

    In the first stage, a fully connected layer turns the rest of the noise and c into a feature map of 3 or 4 pixels a
    side. Until the map has the size of the image, it is enlarged by repeating pixels (nearest neighbour), and a
    convolution of 3x3 follows. Channels are those of `dcgan_pair`.

    The second stage refines pictures of the first one. Strided convolutions make a map of at most 16 pixels a side, c
    joins it in every place, and residual blocks follow. The map is then enlarged as in the first stage. Batch
    normalisation follows all convolutions but the first and the last.

    The discriminator is that of `text_dcgan_pair`.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of noise values, at least `text_units`.
        num_classes: None: these networks take no labels.
        text_dim: Length of the vector of a text; None for 512, that of the encoders that come with this package.
        text_units: Length of the condition c.
        text_dropout: Dropout rate of the numbers of the vector, in both networks, as in `text_dcgan_pair`.
        kl_weight: Weight of the divergence of c from a standard normal distribution.
        projection: Whether the score has the inner product of text and image, as in `text_dcgan_pair`.
        width: Number of channels at half the resolution of the images.
        first_shape: Shape of the pictures of the first stage, for the networks of the second one: sides are those of
            `shape` or 2, 4, 8 or 16 times smaller. None for the networks of the first stage.
        residual_blocks: Number of residual blocks of the second stage.
        discriminator_normalization: Normalisation of the discriminator: "none", "batch", as in the paper, or "layer".
        packing: Images that the discriminator takes at once, with as many vectors.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator. The generator of the second stage takes [pictures, noise, vectors].

    Raises:
        InputError: If a shape is not such an image, if a number is out of range, or `num_classes` is given.

    Example:
        >>> generator, discriminator = stackgan_pair((16, 16, 3), text_dim=64, width=8)
        >>> generator.input_shape, discriminator.output_shape
        ([(None, 100), (None, 64)], (None, 1))
        >>> refiner, _ = stackgan_pair((64, 64, 3), text_dim=64, width=8, first_shape=(16, 16, 3))
        >>> refiner.input_shape
        [(None, 16, 16, 3), (None, 100), (None, 64)]
    """
    check_image(shape, otherwise=None)
    parts.check_no_classes(num_classes)
    latent_dim, text_dim, text_units, width = parts.counts(
        latent_dim=latent_dim, text_dim=text_dim or parts.TEXT_DIM, text_units=text_units, width=width
    )
    check_count("residual_blocks", residual_blocks, low=0)
    if latent_dim < text_units:
        raise InputError(
            f"Expected a latent_dim of at least text_units={text_units}, which are a part of the noise. Received: "
            f"{latent_dim}. Change one of the two."
        )
    check_number("text_dropout", text_dropout, low=0, below=1)
    seeds = parts.seeds_of(seed)
    noise, text = keras.Input((latent_dim,), name="noise"), keras.Input((text_dim,), name="condition")
    rest, epsilon = keras.ops.split(noise, [latent_dim - text_units], axis=-1)  # pyright: ignore[reportGeneralTypeIssues]
    vector = scaled(text, text_dim, text_dropout, seeds)
    condition = ConditioningAugmentation(text_units, kl_weight, normal(seeds))([vector, epsilon])
    if first_shape is None:
        images = upwards(parts.beside(rest, condition), shape, width, seeds, resized_to)
        generator = parts.network(noise, text, images, "generator")
    else:
        pictures = keras.Input(first_shape, name="pictures")
        images = _refined(pictures, condition, shape, width, residual_blocks, seeds)
        generator = keras.Model([pictures, noise, text], images, name="refiner")
    of_text = text_dim, text_units, text_dropout, projection
    return generator, text_discriminator(shape, *of_text, width, discriminator_normalization, packing, seeds)


def resized_to(x, sides: Shape, channels: int, **kwargs):
    """Repeats pixels to exactly `sides`, and a convolution of 3x3."""
    strides = strides_between(sides, x.shape[1:3])
    return convolution(channels, 3, **kwargs)(
        cropped(layers.UpSampling2D(strides, data_format=parts.DATA_FORMAT)(x), sides)
    )


def _refined(pictures, condition, shape: Shape, width: int, blocks: int, seeds: Iterator[int | None]):
    """Images from pictures of the first stage and the condition, by the generator of the second."""
    sides = _sides(shape, pictures.shape[1:])
    channels = [max(1, min(2**level, 8) * width // 2) for level in range(len(sides))]
    start = sides.index(tuple(pictures.shape[1:3]))
    x = layers.ReLU()(convolution(channels[start], 3, kernel_initializer=normal(seeds))(pictures))
    for level in range(start + 1, len(sides)):
        strides = strides_between(sides[level - 1], sides[level])
        x = _normalized(convolution(channels[level], 4, strides, **_plain(seeds))(x))
    x = _normalized(convolution(channels[-1], 3, **_plain(seeds))(parts.beside(x, condition)))
    for _ in range(blocks):
        inner = _normalized(convolution(channels[-1], 3, **_plain(seeds))(x))
        inner = batch_normalization()(convolution(channels[-1], 3, **_plain(seeds))(inner))
        x = layers.ReLU()(layers.Add()([x, inner]))
    for level in reversed(range(len(sides) - 1)):
        x = _normalized(resized_to(x, sides[level], channels[level], **_plain(seeds)))
    x = convolution(shape[-1], 3, kernel_initializer=normal(seeds))(x)
    return layers.Activation("tanh", dtype=parts.full_precision(), name="examples")(x)


def _sides(shape: Shape, first_shape: Shape) -> list[Shape]:
    """Sides from the image to the picture of the first stage, and on to the smallest map: [(64, 64), (32, 32), ...]."""
    check_image(first_shape, otherwise=None)
    small, large = first_shape[:2], shape[:2]
    factor = large[0] // small[0]
    if factor not in FACTORS or large != tuple(factor * side for side in small) or first_shape[2] != shape[2]:
        raise InputError(
            f"Expected a first stage whose pictures have {shape[2]} channels and the sides {large}, or 2, 4, 8 or 16 "
            f"times smaller. Received: {first_shape}. Change the size of one of the two stages."
        )
    levels = [large]
    while levels[-1] != small:
        levels.append(tuple(side // 2 for side in levels[-1]))
    while max(levels[-1]) > MAP_SIDE:
        levels.append(halved(levels[-1]))
    return levels


def _plain(seeds: Iterator[int | None]) -> dict:
    """The arguments of a convolution that is normalised, and so needs no bias."""
    return {"use_bias": False, "kernel_initializer": normal(seeds)}


def _normalized(x):
    return layers.ReLU()(batch_normalization()(x))
