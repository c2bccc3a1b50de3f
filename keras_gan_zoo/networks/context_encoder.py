"""The networks of Context Encoders: one that fills a hole, and a discriminator of what fills it."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_gan_zoo.core.regions import Region, region_of
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import convolution, levels, normal, strides_between
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import as_pictures, check_pictures, normalized, source_input


def context_encoder_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    region: str | Sequence[int] = "centre",
    width: int = 32,
    bottleneck_units: int = 512,
    normalization: str = "instance",
    upsampling: str = "nearest",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of Pathak et al. (2016): an encoder of pictures, a decoder of the hole, and a discriminator of it.

    The encoder halves each side by strided convolutions of 4x4 until it is at most 4 pixels, doubling its channels up
    to 8 * width. A dense layer, the bottleneck, sees all of it, so that the middle of a large hole can depend on its
    surroundings. The decoder and the discriminator have the same steps for the size of the hole. Weights start as
    N(0, 0.02).

    The paper has `width=64`, `bottleneck_units=4000`, `normalization="batch"` and `upsampling="transposed"`.

    Args:
        shape: (height, width, channels) of whole pictures.
        latent_dim: Not used: these networks take no noise.
        num_classes: None: these networks take no labels.
        region: The hole: "centre", or (top, left, height, width), also as "8,8,16,16".
        width: Channels of the maps of half the resolution.
        bottleneck_units: Units of the bottleneck.
        normalization: Normalisation of all networks: "instance", "batch" or "none".
        upsampling: How maps are enlarged: "nearest" repeats pixels, and a convolution of 3x3 follows; "transposed" for
            transposed convolutions of 4x4.
        packing: Holes that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator, from pictures with a hole to what fills it, and the discriminator, from that to scores.

    Raises:
        InputError: If the hole is not within the pictures, or an argument is out of range.

    Example:
        >>> generator, discriminator = context_encoder_pair((32, 32, 3), width=8)
        >>> generator.input_shape, generator.output_shape, discriminator.input_shape
        ((None, 32, 32, 3), (None, 16, 16, 3), (None, 16, 16, 3))
    """
    enlarge = check_pictures(num_classes, normalization, upsampling, shape=shape)
    width, units = parts.counts(width=width, bottleneck_units=bottleneck_units)
    hole = (*region_of(region, shape)[2:], shape[-1])
    seeds = parts.seeds_of(seed)
    has_bias = normalization == "none"

    def encoded(x, pyramid: list[Shape], channels: list[int]):
        for level in range(1, len(pyramid)):
            strides, is_first = strides_between(pyramid[level - 1], pyramid[level]), level == 1
            use_bias = has_bias or is_first
            x = convolution(channels[level - 1], 4, strides, use_bias=use_bias, kernel_initializer=normal(seeds))(x)
            x = layers.LeakyReLU(0.2)(x if is_first else normalized(x, normalization))
        return parts.flat(x)

    sources = source_input(shape)
    x = layers.Dense(units, kernel_initializer=normal(seeds))(encoded(sources, *levels(shape, width)))
    pyramid, channels = levels(hole, width)
    base = (*pyramid[-1], channels[-1] if channels else width)
    x = layers.Dense(math.prod(base), kernel_initializer=normal(seeds))(layers.LeakyReLU(0.2)(x))
    x = layers.Reshape(base)(x)
    for level in reversed(range(1, len(pyramid) - 1)):
        x = enlarge(
            layers.ReLU()(x), pyramid[level], channels[level - 1], use_bias=has_bias, kernel_initializer=normal(seeds)
        )
        x = normalized(x, normalization)
    x = enlarge(layers.ReLU()(x), pyramid[0], shape[-1], kernel_initializer=normal(seeds))
    generator = keras.Model(sources, as_pictures(x), name="painter")

    examples, _ = parts.discriminator_inputs(hole, None, packing)
    scores = parts.dense_scores(encoded(examples, pyramid, channels), normal(seeds))
    return generator, parts.network(examples, None, scores, "judge")


def pasted(painter: keras.Model, region: Region) -> keras.Model:
    """A network from pictures to the same pictures with other contents of a region, which the painter does not see."""
    top, left, rows, columns = region
    height, width = painter.input_shape[1:3]
    bottom, right = height - top - rows, width - left - columns
    pictures = source_input(painter.input_shape[1:])

    def cut(above: int, below: int, before: int, after: int):
        edges = ((above, below), (before, after))
        return layers.Cropping2D(edges, data_format=parts.DATA_FORMAT, dtype=parts.full_precision())(pictures)

    above = [cut(0, height - top, 0, 0)] if top else []
    below = [cut(height - bottom, 0, 0, 0)] if bottom else []
    before = [cut(top, bottom, 0, width - left)] if left else []
    behind = [cut(top, bottom, width - right, 0)] if right else []

    def around(contents):
        return _joined([*above, _joined([*before, contents, *behind], axis=2), *below], axis=1)

    blank = layers.Rescaling(0.0, dtype=parts.full_precision())(cut(top, bottom, left, right))
    return keras.Model(pictures, around(painter(around(blank))), name="generator")


def _joined(pieces: list, axis: int):
    return pieces[0] if len(pieces) == 1 else layers.Concatenate(axis=axis, dtype=parts.full_precision())(pieces)


def within(judge: keras.Model, region: Region, shape: Shape) -> keras.Model:
    """A discriminator of whole pictures that sees only a region of them, by one of that region."""
    top, left, rows, columns = region
    edges = ((top, shape[0] - top - rows), (left, shape[1] - left - columns))
    examples = keras.Input((*shape[:2], judge.input_shape[-1]), name="examples")
    crop = layers.Cropping2D(edges, data_format=parts.DATA_FORMAT, dtype=parts.full_precision())
    return keras.Model(examples, judge(crop(examples)), name="discriminator")
