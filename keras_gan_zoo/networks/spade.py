"""The networks of SPADE, for label maps: a generator that sees its source at every resolution."""

from collections.abc import Iterator

import keras
from keras import layers

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import convolution
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import (
    as_pictures,
    check_pictures,
    check_same_sides,
    patch_discriminator,
    source_input,
)

DEEPEST, SMALLEST = 5, 4  # halvings, and the side of the first map


def spade_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    source_shape: Shape | None = None,
    width: int = 32,
    depth: int | None = None,
    modulation_units: int = 32,
    receptive_field: int = 70,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Networks for label maps, after Park et al. (2019), with a discriminator of patches.

    An ordinary network takes the source once, and its normalisations wash out large areas of one label. Here each
    normalisation is followed by a scale and an offset for each place, which two convolutions make of the source in
    that resolution. The generator starts from the smallest map of the source and doubles it `depth` times, with a
    residual block in each resolution. Labels are best given as one channel each; smaller maps then have their shares.

    The paper has `width=64` and `modulation_units=128`, normalises over the batch, applies spectral normalisation to
    both networks, judges two resolutions, and compares features of the discriminator and of VGG as content. Its loss is
    `loss="hinge"`.

    Args:
        shape: (height, width, channels) of the pictures that are made.
        latent_dim: Not used: these networks take no noise.
        num_classes: None: these networks take no labels of whole pictures.
        source_shape: Shape of the label maps, of the same height and width; None for `shape`.
        width: Channels of the largest maps, which double with each halving, up to 8 times as many.
        depth: Number of halvings, by 2 to the power of which both sides are divisible; None for as many as leave at
            least 4 pixels, at most 5.
        modulation_units: Channels between the source and the scales and offsets.
        receptive_field: Side of the patches that the discriminator judges, in pixels: 1, 16, 34, 70, 142 or 286.
        packing: Pictures that the discriminator takes at once, with as many sources.
        seed: Fixes the initial weights.

    Returns:
        The generator, from label maps to pictures, and the discriminator, from [pictures, sources] to a map of scores.

    Raises:
        InputError: If the shapes do not meet, sides cannot be halved as often, or an argument is out of range.

    Example:
        >>> generator, discriminator = spade_pair((16, 16, 3), source_shape=(16, 16, 9), width=4, modulation_units=4)
        >>> generator.input_shape, generator.output_shape
        ((None, 16, 16, 9), (None, 16, 16, 3))
    """
    source_shape = shape if source_shape is None else source_shape
    check_pictures(num_classes, "instance", "nearest", shape=shape, source_shape=source_shape)
    check_same_sides(shape, source_shape)
    width, units = parts.counts(width=width, modulation_units=modulation_units)
    depth = _depth(shape, depth)
    seeds = parts.seeds_of(seed)
    channels = [min(2**level, 8) * width for level in range(depth + 1)]

    sources = source_input(source_shape)
    pools = [layers.AveragePooling2D(2**level, data_format=parts.DATA_FORMAT) for level in range(1, depth + 1)]
    maps = [sources, *(pool(sources) for pool in pools)]
    x = _conv(maps[-1], channels[-1], seeds)
    for level in reversed(range(depth + 1)):
        x = _residual(x, maps[level], channels[level], units, seeds)
        x = layers.UpSampling2D(2, data_format=parts.DATA_FORMAT)(x) if level else x
    x = _conv(layers.LeakyReLU(0.2)(x), shape[-1], seeds)
    generator = keras.Model(sources, as_pictures(x), name="generator")
    return generator, patch_discriminator(shape, source_shape, width, receptive_field, "instance", packing, seeds)


def _depth(shape: Shape, depth: int | None) -> int:
    """The number of halvings, as given, or as many as leave enough pixels."""
    sides = shape[:2]
    if depth is None:
        fits = [n for n in range(DEEPEST + 1) if all(side % 2**n == 0 and side >= SMALLEST * 2**n for side in sides)]
        return max(fits, default=0)
    [depth] = parts.counts(depth=depth)
    if any(side % 2**depth or side < 2 * 2**depth for side in sides):
        raise InputError(
            f"Expected pictures whose sides are multiples of {2**depth} from {2 * 2**depth}, so that they can be "
            f"halved {depth} times. Received: {tuple(shape)}. Resize them, or choose a smaller depth."
        )
    return depth


def _conv(x, channels: int, seeds: Iterator[int | None], kernel: int = 3, use_bias: bool = True):
    initializer = keras.initializers.GlorotUniform(next(seeds))
    return convolution(channels, kernel, use_bias=use_bias, kernel_initializer=initializer)(x)


def _residual(x, source, channels: int, units: int, seeds: Iterator[int | None]):
    """Two modulated convolutions, around which the map is passed on."""
    passed = x
    if x.shape[-1] != channels:
        passed = _conv(_modulated(x, source, units, seeds), channels, seeds, kernel=1, use_bias=False)
    for _ in range(2):
        x = _conv(layers.LeakyReLU(0.2)(_modulated(x, source, units, seeds)), channels, seeds)
    return layers.Add()([passed, x])


def _modulated(x, source, units: int, seeds: Iterator[int | None]):
    """A normalised map with a scale and an offset for each place, made of the source."""
    plain = layers.GroupNormalization(groups=-1, epsilon=1e-5, center=False, scale=False)(x)
    hidden = layers.ReLU()(_conv(source, units, seeds))
    scale, offset = (_conv(hidden, x.shape[-1], seeds) for _ in range(2))
    return layers.Add()([plain, layers.Multiply()([plain, scale]), offset])
