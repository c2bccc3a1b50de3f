"""The networks of R3GAN: residual blocks of grouped convolutions, without normalisation."""

import math
from collections.abc import Iterator

import keras
from keras import layers

from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import convolution, normal
from keras_gan_zoo.networks.layers import Basis, Blur2D, GroupedConv2D
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import as_pictures
from keras_gan_zoo.networks.resnet import channels_at, sides_of

SLOPE = 0.2  # of LeakyReLU


def r3gan_pair(
    shape: Shape,
    latent_dim: int = 64,
    num_classes: int | None = None,
    *,
    width: int = 32,
    residual_blocks: int = 2,
    expansion: int = 2,
    group_size: int = 16,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of Huang et al. (2024), without normalisation, for images of 8 to 128 pixels a side.

    A residual block adds to its input what three convolutions make of it: one of 1x1 to more channels, one of 3x3 in
    groups of channels, and one of 1x1 back, with LeakyReLU (slope 0.2) between them. Between resolutions, maps are
    resampled bilinearly, by the filter [1, 2, 1], and a convolution of 1x1 changes the channels where they change.

    The generator starts from a trained map of 4 to 7 pixels a side in each channel, which is multiplied by a linear
    function of the noise. The discriminator is its mirror image: it ends with a trained weighted sum over the places of
    each channel, and a linear layer. Only the convolutions before a LeakyReLU have biases. The generator ends in a tanh
    here; in the released code, it is linear.

    Initial weights are those of Zhang et al. (2019, Fixup), which replace normalisation: the last convolution of each
    block is 0, so that the block passes its input on, and the other two are smaller by a factor of L^(-1/4), where L is
    the number of blocks of the network.

    Classes enter as in the released code. The generator takes a trained vector of the class beside the noise, as long
    as the noise. The score of the discriminator is the inner product of its features and a trained vector of the class.
    With `packing`, a pack has the sum of such vectors, each from those of its place in the pack.

    For CIFAR-10, the networks of the paper have 64 noise values and `width=768`. Those for larger images have half as
    many channels in maps of 64 pixels, and so on, as here.

    Args:
        shape: (height, width, channels); sides from 8 to 128 that can be halved until the smaller one has 4 to 7
            pixels, such as 28, 32, 48, 64, 96 or 128, with 1 to 4 channels.
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels.
        width: Channels in maps of up to 32 pixels a side; half as many in those of up to 64, and so on.
        residual_blocks: Residual blocks at each resolution.
        expansion: Channels within a block, as a multiple of those between blocks.
        group_size: Channels in each group of the convolutions of 3x3; if it does not divide the channels within a
            block, the greatest common divisor of both.
        packing: Images that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image, or a size is below 1.

    Example:
        >>> generator, discriminator = r3gan_pair((32, 32, 3), 64, 10, width=8, residual_blocks=1)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 32, 32, 3), (None, 1))
    """
    sides = sides_of(shape, "R3GAN")
    sizes = {"residual_blocks": residual_blocks, "expansion": expansion, "group_size": group_size}
    latent_dim, width, *of_stage = parts.counts(latent_dim=latent_dim, width=width, **sizes)
    channels = [channels_at(width, each) for each in sides]
    seeds = parts.seeds_of(seed)

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    x = noise
    if labels is not None:
        x = parts.beside(noise, _linear(parts.one_hot(labels, num_classes), latent_dim, seeds))
    images = _images(x, shape[-1], sides, channels, of_stage, seeds)
    generator = parts.network(noise, labels, images, "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    label = None if labels is None else parts.one_hot(labels, num_classes)
    scores = _scores(_features(examples, channels, of_stage, seeds), label, seeds)
    return generator, parts.network(examples, labels, scores, "discriminator")


def _images(x, colours: int, sides: list[Shape], channels: list[int], of_stage: list[int], seeds: Iterator[int | None]):
    """Images from noise, by the generator."""
    x = Basis(sides[-1], normal(seeds, 1.0))(_linear(x, channels[-1], seeds))
    x = _stage(x, len(sides), *of_stage, seeds)
    for after in reversed(channels[:-1]):
        x = _to_channels(x, after, seeds)
        x = Blur2D()(layers.UpSampling2D(2, data_format=parts.DATA_FORMAT)(x))
        x = _stage(x, len(sides), *of_stage, seeds)
    return as_pictures(_pointwise(x, colours, seeds))


def _features(x, channels: list[int], of_stage: list[int], seeds: Iterator[int | None]):
    """Features of images, a number for each channel of the smallest maps, by the discriminator."""
    x = _pointwise(x, channels[0], seeds)
    for after in channels[1:]:
        x = _stage(x, len(channels), *of_stage, seeds)
        x = layers.AveragePooling2D(2, data_format=parts.DATA_FORMAT)(Blur2D()(x))
        x = _to_channels(x, after, seeds)
    x = _stage(x, len(channels), *of_stage, seeds)
    sides = x.shape[1:3]
    weights = {"depthwise_initializer": normal(seeds, math.prod(sides) ** -0.5), "use_bias": False}
    weighted = layers.DepthwiseConv2D(sides, data_format=parts.DATA_FORMAT, dtype=parts.full_precision(), **weights)
    return parts.flat(weighted(x))


def _scores(features, label, seeds: Iterator[int | None]):
    """Scores from features: linear, or the inner product with a vector of the class."""
    if label is None:
        return _linear(features, 1, seeds, dtype=parts.full_precision(), name="scores")
    units = features.shape[-1]
    features = _linear(features, units, seeds, dtype=parts.full_precision())
    of_class = _linear(label, units, seeds, gain=units**-0.5, dtype=parts.full_precision())
    return layers.Dot(axes=-1, dtype=parts.full_precision(), name="scores")([features, of_class])


def _stage(x, resolutions: int, residual_blocks: int, expansion: int, group_size: int, seeds: Iterator[int | None]):
    """The residual blocks at one of several resolutions."""
    gain = math.sqrt(2 / (1 + SLOPE**2)) * (resolutions * residual_blocks) ** -0.25
    for _ in range(residual_blocks):
        x = _block(x, expansion, group_size, gain, seeds)
    return x


def _block(x, expansion: int, group_size: int, gain: float, seeds: Iterator[int | None]):
    """A map plus what three convolutions make of it."""
    channels = x.shape[-1]
    within = expansion * channels
    groups = within // math.gcd(within, group_size)
    y = layers.LeakyReLU(SLOPE)(convolution(within, 1, kernel_initializer=_initial(seeds, gain))(x))
    grouped = GroupedConv2D(
        within,
        3,
        groups=groups,
        padding="same",
        data_format=parts.DATA_FORMAT,
        kernel_initializer=_initial(seeds, gain),
    )
    y = layers.LeakyReLU(SLOPE)(grouped(y))
    y = convolution(channels, 1, use_bias=False, kernel_initializer="zeros")(y)
    return layers.Add()([x, y])


def _to_channels(x, channels: int, seeds: Iterator[int | None]):
    return x if x.shape[-1] == channels else _pointwise(x, channels, seeds)


def _pointwise(x, channels: int, seeds: Iterator[int | None]):
    return convolution(channels, 1, use_bias=False, kernel_initializer=_initial(seeds))(x)


def _linear(x, units: int, seeds: Iterator[int | None], gain: float = 1.0, **options):
    return layers.Dense(units, use_bias=False, kernel_initializer=_initial(seeds, gain), **options)(x)


def _initial(seeds: Iterator[int | None], gain: float = 1.0) -> keras.initializers.Initializer:
    """A normal distribution that multiplies the root mean square of independent inputs by `gain`."""
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal", seed=next(seeds))
