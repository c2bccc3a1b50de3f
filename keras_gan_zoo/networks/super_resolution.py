"""The networks of SRGAN: SRResNet and a discriminator of whole pictures."""

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_count, is_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import convolution
from keras_gan_zoo.networks.layers import BilinearUpSampling2D
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import as_pictures, check_pictures, normalized, source_input

SCALES = (2, 4, 8)
CONVOLUTIONS = 8  # of the discriminator, every second of which halves the sides


def srresnet_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    scale: int = 4,
    width: int = 32,
    residual_blocks: int = 8,
    add_source: bool = True,
    normalization: str = "none",
    upsampling: str = "nearest",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of Ledig et al. (2017), which enlarge pictures: SRResNet, and a discriminator of large pictures.

    The generator works at the size of the small pictures: a convolution of 9x9, residual blocks with two convolutions
    of 3x3 each and a connection around all of them, then one step of enlargement for each factor of 2, and a
    convolution of 9x9. What it makes is added to the small picture, enlarged bilinearly. The discriminator has eight
    convolutions of 3x3, half of them strided, and a hidden dense layer. It does not see the small pictures.

    Without normalisation, the last convolution of each residual block starts at zero, and with `add_source` that of the
    generator, too (Zhang et al., 2019): untrained, it enlarges bilinearly, and it bears a larger learning rate.

    The paper has `width=64`, `residual_blocks=16`, `normalization="batch"` and `add_source=False`, and enlarges by
    rearranging channels, for which `upsampling="transposed"` comes closest. Later work leaves batch normalisation out:
    its statistics make artefacts.

    Args:
        shape: (height, width, channels) of the large pictures.
        latent_dim: Not used: these networks take no noise.
        num_classes: None: these networks take no labels.
        scale: How many times as high and as wide as the small pictures the large ones are: 2, 4 or 8.
        width: Channels of the generator, and of the discriminator's first layer.
        residual_blocks: Number of residual blocks.
        add_source: Whether the generator makes the difference from the enlarged source (Kim et al., 2016), cut off at
            the darkest and the brightest pixel. It then learns faster than if it makes whole pictures, by a tanh.
        normalization: Normalisation of both networks: "none", "instance" or "batch".
        upsampling: How maps are enlarged: "nearest" repeats pixels, and a convolution of 3x3 follows; "transposed" for
            transposed convolutions of 4x4.
        packing: Pictures that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator, from small pictures to large ones, and the discriminator, from large pictures to scores.

    Raises:
        InputError: If the sides are no multiples of the scale, or an argument is out of range.

    Example:
        >>> generator, discriminator = srresnet_pair((32, 32, 3), scale=4, width=8, residual_blocks=2)
        >>> generator.input_shape, discriminator.output_shape
        ((None, 8, 8, 3), (None, 1))
    """
    enlarge = check_pictures(num_classes, normalization, upsampling, shape=shape)
    [width] = parts.counts(width=width)
    check_count("residual_blocks", residual_blocks, low=0)
    small = small_shape(shape, scale)
    seeds = parts.seeds_of(seed)
    has_bias = normalization == "none"

    def conv(x, channels: int, kernel: int = 3, strides: int = 1, use_bias: bool = True, is_zero: bool = False):
        initializer = keras.initializers.Zeros() if is_zero else keras.initializers.GlorotUniform(next(seeds))
        return convolution(channels, kernel, strides, use_bias=use_bias, kernel_initializer=initializer)(x)

    def prelu(x):
        return layers.PReLU(shared_axes=[1, 2])(x)

    sources = source_input(small)
    first = x = prelu(conv(sources, width, 9))
    for _ in range(residual_blocks):
        inner = prelu(normalized(conv(x, width, use_bias=has_bias), normalization))
        inner = conv(inner, width, use_bias=has_bias, is_zero=normalization == "none")
        x = layers.Add()([x, normalized(inner, normalization)])
    x = layers.Add()([first, normalized(conv(x, width, use_bias=has_bias), normalization)])
    factor = 1
    while factor < scale:
        factor *= 2
        initializer = keras.initializers.GlorotUniform(next(seeds))
        x = prelu(enlarge(x, (small[0] * factor, small[1] * factor), width, kernel_initializer=initializer))
    enlarged = BilinearUpSampling2D(scale)(sources) if add_source else None
    made = as_pictures(conv(x, shape[-1], 9, is_zero=add_source), added_to=enlarged)
    generator = keras.Model(sources, made, name="generator")

    examples, _ = parts.discriminator_inputs(shape, None, packing)
    x = layers.LeakyReLU(0.2)(conv(examples, width))
    for number in range(1, CONVOLUTIONS):
        x = conv(x, 2 ** (number // 2) * width, strides=1 + number % 2, use_bias=has_bias)
        x = layers.LeakyReLU(0.2)(normalized(x, normalization))
    x = layers.Dense(16 * width, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)))(parts.flat(x))
    scores = parts.dense_scores(layers.LeakyReLU(0.2)(x), keras.initializers.GlorotUniform(next(seeds)))
    return generator, parts.network(examples, None, scores, "discriminator")


def small_shape(shape: Shape, scale: int) -> Shape:
    """The shape of small pictures, of which those of a given shape are `scale` times as high and wide."""
    if not is_count(scale) or scale not in SCALES:
        raise InputError(f"Expected a scale of {', '.join(map(str, SCALES))}. Received: {scale!r}. Choose one of them.")
    if any(side % scale for side in shape[:2]):
        raise InputError(
            f"Expected pictures whose sides are multiples of the scale, {scale}. Received: {tuple(shape)}. Resize "
            "them, or choose another scale."
        )
    return (shape[0] // scale, shape[1] // scale, *shape[2:])
