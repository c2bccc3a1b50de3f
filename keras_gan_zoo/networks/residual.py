"""The residual generators of CycleGAN, and its discriminators of patches."""

from collections.abc import Callable, Iterator

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import convolution, normal
from keras_gan_zoo.networks.layers import ReflectionPadding2D
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import as_pictures, check_pictures, normalized, patch_discriminator, source_input


def cycle_gan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    source_shape: Shape | None = None,
    width: int = 32,
    residual_blocks: int = 6,
    add_source: bool = False,
    receptive_field: int = 70,
    normalization: str = "instance",
    upsampling: str = "nearest",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of CycleGAN (Zhu et al., 2017): two generators and two discriminators, as parts of two players.

    A generator has a convolution of 7x7, two of 3x3 that halve the sides and double the channels, residual blocks of
    two convolutions of 3x3, two enlargements, and a convolution of 7x7 with a tanh. In the residual blocks and the
    convolutions of 7x7, the borders are padded by reflection. A discriminator judges patches, as that of Isola et al.
    (2017). Normalisation follows all convolutions but the last of each network and the first of the discriminators.
    Weights start as N(0, 0.02).

    The paper has `width=64` and `upsampling="transposed"`, and `residual_blocks=9` for images of 256 pixels.

    Args:
        shape: (height, width, channels) of the targets; sides are multiples of 4 from 8 on.
        latent_dim: Not used: these networks take no noise.
        num_classes: None: these networks take no labels.
        source_shape: Shape of the sources, of the same height and width; None for `shape`.
        width: Channels of the first layer of all networks.
        residual_blocks: Number of residual blocks of each generator.
        add_source: Whether a generator makes the difference from its source, cut off at the darkest and the brightest
            pixel, instead of whole pictures by a tanh. Pictures that change little are then learned sooner.
        receptive_field: Side of the patches that the discriminators judge, in pixels: 1, 16, 34, 70, 142 or 286.
        normalization: Normalisation of all networks: "instance", "batch" or "none".
        upsampling: How maps are enlarged: "nearest" repeats pixels, and a convolution of 3x3 follows; "transposed" for
            transposed convolutions of 4x4.
        packing: Pictures that the discriminators take at once.
        seed: Fixes the initial weights.

    Returns:
        The generator, with the parts `forward`, from sources to targets, and `backward`; and the discriminator, with
        the parts `source_discriminator` and `target_discriminator`, which return maps of raw scores. Both players take
        [sources, targets].

    Raises:
        InputError: If a shape is not such an image, the two do not meet, or an argument is out of range.

    Example:
        >>> generator, discriminator = cycle_gan_pair((32, 32, 3), source_shape=(32, 32, 1), width=4)
        >>> generator.output_shape, discriminator.output_shape
        ([(None, 32, 32, 3), (None, 32, 32, 1)], [(None, 4, 4, 1), (None, 4, 4, 1)])
    """
    source_shape = shape if source_shape is None else source_shape
    enlarge = check_pictures(num_classes, normalization, upsampling, shape=shape, source_shape=source_shape)
    _check_sides(shape, source_shape)
    [width] = parts.counts(width=width)
    check_count("residual_blocks", residual_blocks, low=0)
    if add_source and source_shape[-1] != shape[-1]:
        raise InputError(
            f"Expected sources with as many channels as the targets, {shape[-1]}, to add to them. Received: "
            f"{tuple(source_shape)}. Leave add_source out."
        )
    seeds = parts.seeds_of(seed)

    def generator(source: Shape, target: Shape) -> keras.Model:
        return _residual_generator(
            source, target[-1], width, residual_blocks, add_source, normalization, enlarge, seeds
        )

    def discriminator(of: Shape) -> keras.Model:
        return patch_discriminator(of, None, width, receptive_field, normalization, packing, seeds)

    generators = {"forward": generator(source_shape, shape), "backward": generator(shape, source_shape)}
    judges = {"source_discriminator": discriminator(source_shape), "target_discriminator": discriminator(shape)}
    return parts.joined("generator", **generators), parts.joined("discriminator", **judges)


def _residual_generator(
    shape: Shape,
    channels: int,
    width: int,
    residual_blocks: int,
    add_source: bool,
    normalization: str,
    enlarge: Callable,
    seeds: Iterator[int | None],
) -> keras.Model:
    """A network from pictures of a shape to pictures of the same sides, with other channels."""

    def plain() -> dict:
        return {"use_bias": normalization == "none", "kernel_initializer": normal(seeds)}

    def reflected(x, filters: int, kernel: int):
        x = convolution(filters, kernel, padding="valid", **plain())(ReflectionPadding2D(kernel // 2)(x))
        return normalized(x, normalization)

    pictures = source_input(shape)
    x = layers.ReLU()(reflected(pictures, width, 7))
    for factor in (2, 4):
        x = layers.ReLU()(normalized(convolution(factor * width, 3, 2, **plain())(x), normalization))
    for _ in range(residual_blocks):
        inner = layers.ReLU()(reflected(x, 4 * width, 3))
        x = layers.Add()([x, reflected(inner, 4 * width, 3)])
    for factor in (2, 1):
        sides = [2 * side for side in x.shape[1:3]]
        x = layers.ReLU()(normalized(enlarge(x, sides, factor * width, **plain()), normalization))
    x = convolution(channels, 7, padding="valid", kernel_initializer=normal(seeds))(ReflectionPadding2D(3)(x))
    return keras.Model(pictures, as_pictures(x, added_to=pictures if add_source else None))


def _check_sides(shape: Shape, source_shape: Shape) -> None:
    if not all(side >= 8 and side % 4 == 0 for side in shape[:2]) or tuple(shape[:2]) != tuple(source_shape[:2]):
        raise InputError(
            "CycleGAN networks expect sources and targets of the same height and width, multiples of 4 from 8 on. "
            f"Received: {tuple(source_shape)} and {tuple(shape)}. Resize the images (image_size=32)."
        )
