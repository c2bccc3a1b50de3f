"""The networks of pix2pix: a U-Net and a patch discriminator."""

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import convolution, normal
from keras_gan_zoo.networks.layers import Dropout
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import (
    as_pictures,
    check_pictures,
    check_same_sides,
    normalized,
    patch_discriminator,
    source_input,
)

DEEPEST = 8  # that of the paper, for 256 x 256 pixels
LEVELS_WITH_DROPOUT = 3


def unet_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    source_shape: Shape | None = None,
    width: int = 32,
    depth: int | None = None,
    receptive_field: int = 70,
    normalization: str = "instance",
    upsampling: str = "nearest",
    dropout: float = 0.0,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of Isola et al. (2017), from pictures to pictures of the same height and width.

    The generator halves each side `depth` times by strided convolutions of 4x4, doubling its channels up to 8 * width,
    and then enlarges it again. Each enlarged map is joined with the one of its size on the way down, so that edges
    need not pass the narrowest place. Normalisation is after all convolutions but the first, the narrowest and the
    last. Weights start as N(0, 0.02). The discriminator judges patches of target and source together.

    The paper has `width=64`, `normalization="batch"`, `upsampling="transposed"` and `dropout=0.5`, and keeps both
    dropout and the statistics of the batch when the model is used. The defaults compute the same in training and in
    use, and do not leave checkerboards.

    Args:
        shape: (height, width, channels) of the pictures that are made.
        latent_dim: Not used: these networks take no noise.
        num_classes: None: these networks take no labels.
        source_shape: Shape of the pictures that are translated, of the same height and width; None for `shape`.
        width: Channels of the first layer of both networks.
        depth: Number of halvings, by 2 to the power of which both sides are divisible; None for as many as the sides
            allow, at most 8.
        receptive_field: Side of the patches that the discriminator judges, in pixels: 1, 16, 34, 70, 142 or 286.
        normalization: Normalisation of both networks: "instance", "batch" or "none".
        upsampling: How maps are enlarged: "nearest" repeats pixels, and a convolution of 3x3 follows; "transposed" for
            transposed convolutions of 4x4.
        dropout: Dropout rate of the first three enlarged maps.
        packing: Pictures that the discriminator takes at once, with as many sources.
        seed: Fixes the initial weights.

    Returns:
        The generator, from sources to pictures, and the discriminator, from [pictures, sources] to a map of scores.

    Raises:
        InputError: If the shapes do not meet, sides cannot be halved as often, or an argument is out of range.

    Example:
        >>> generator, discriminator = unet_pair((64, 64, 3), source_shape=(64, 64, 1), width=8)
        >>> generator.input_shape, generator.output_shape
        ((None, 64, 64, 1), (None, 64, 64, 3))
        >>> discriminator.output_shape
        (None, 8, 8, 1)
    """
    source_shape = shape if source_shape is None else source_shape
    enlarge = check_pictures(num_classes, normalization, upsampling, shape=shape, source_shape=source_shape)
    check_same_sides(shape, source_shape)
    [width] = parts.counts(width=width)
    check_number("dropout", dropout, low=0, below=1)
    depth = _depth(shape, depth)
    seeds = parts.seeds_of(seed)
    has_bias = normalization == "none"

    sources = source_input(source_shape)
    channels = [min(2**level, 8) * width for level in range(depth)]
    maps = [convolution(width, 4, 2, kernel_initializer=normal(seeds))(sources)]
    for level in range(1, depth):
        is_last = level == depth - 1
        x = convolution(channels[level], 4, 2, use_bias=has_bias or is_last, kernel_initializer=normal(seeds))(
            layers.LeakyReLU(0.2)(maps[-1])
        )
        maps.append(x if is_last else normalized(x, normalization))
    x = maps.pop()
    for level in reversed(range(depth - 1)):
        skipped = maps.pop()
        x = enlarge(
            layers.ReLU()(x),
            skipped.shape[1:3],
            channels[level],
            use_bias=has_bias,
            kernel_initializer=normal(seeds),
        )
        x = normalized(x, normalization)
        x = Dropout(dropout, seed=next(seeds))(x) if dropout and depth - level <= LEVELS_WITH_DROPOUT + 1 else x
        x = layers.Concatenate()([x, skipped])
    x = enlarge(layers.ReLU()(x), shape[:2], shape[-1], kernel_initializer=normal(seeds))
    generator = keras.Model(sources, as_pictures(x), name="generator")
    return generator, patch_discriminator(shape, source_shape, width, receptive_field, normalization, packing, seeds)


def _depth(shape: Shape, depth: int | None) -> int:
    """The number of halvings, as given, or as many as the sides allow."""
    if depth is None:
        possible = [n for n in range(1, DEEPEST + 1) if all(side % 2**n == 0 for side in shape[:2])]
        depth = max(possible, default=1)
    check_count("depth", depth)
    factor = 2 ** int(depth)
    if any(side % factor for side in shape[:2]):
        smaller = ", or choose a smaller depth" if depth > 1 else ""
        raise InputError(
            f"Expected pictures whose sides are multiples of {factor}, because depth={depth}. Received: "
            f"{tuple(shape)}. Resize them{smaller}."
        )
    return int(depth)
