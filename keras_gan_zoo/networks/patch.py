"""Patch discriminators (Isola et al., 2017), and what all networks from pictures to pictures are built of."""

from collections.abc import Callable, Iterator

import keras
from keras import layers

from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import batch_normalization, convolution, normal, transposed_to
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.stacked import resized_to

NORMALIZATIONS = ("instance", "batch", "none")
UPSAMPLINGS = {"nearest": resized_to, "transposed": transposed_to}
STRIDED = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4, 286: 5}  # strided convolutions by the side of the patches in pixels


def normalized(x, normalization: str):
    """A feature map after one of `NORMALIZATIONS`.

    An instance normalisation takes mean and variance over the places of one example, so it computes the same in
    training, in use and in exported files. Of one place alone it would leave zero: there is none.
    """
    if normalization == "batch":
        return batch_normalization()(x)
    if normalization == "instance" and tuple(x.shape[1:3]) != (1, 1):
        return layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)
    return x


def patch_discriminator(
    shape: Shape,
    source_shape: Shape | None,
    width: int,
    receptive_field: int,
    normalization: str,
    packing: int,
    seeds: Iterator[int | None],
) -> keras.Model:
    """A discriminator that gives each patch of a picture a score (Isola et al., 2017): PatchGAN.

    Convolutions of 4x4, strided ones and then two without stride, see squares of `receptive_field` pixels. For 1 pixel
    they are convolutions of 1x1. Channels double from layer to layer, up to 8 * width; normalisation is after all
    convolutions but the first and the last.

    Args:
        shape: (height, width, channels) of the pictures.
        source_shape: Shape of the sources, which it takes beside the pictures; None if it takes none.
        width: Channels of the first layer.
        receptive_field: A key of `STRIDED`.
        normalization: One of `NORMALIZATIONS`.
        packing: Pictures that it takes at once, with as many sources.
        seeds: Seeds of the initial weights.
    """
    if not is_count(receptive_field) or receptive_field not in STRIDED:
        raise InputError(
            f"Expected a receptive_field of {', '.join(map(str, STRIDED))} pixels, which layers of 4x4 can have. "
            f"Received: {receptive_field!r}."
        )
    strided, kernel = STRIDED[receptive_field], 1 if receptive_field == 1 else 4
    examples, _ = parts.discriminator_inputs(shape, None, packing)
    sources = None if source_shape is None else source_input(source_shape, packing)
    x = examples if sources is None else layers.Concatenate()([examples, sources])
    x = convolution(width, kernel, 2 if strided else 1, kernel_initializer=normal(seeds))(x)
    for level in range(1, max(strided, 1) + 1):
        has_bias = normalization == "none"
        channels, strides = min(2**level, 8) * width, 2 if level < strided else 1
        x = convolution(channels, kernel, strides, use_bias=has_bias, kernel_initializer=normal(seeds))(
            layers.LeakyReLU(0.2)(x)
        )
        x = normalized(x, normalization)
    scores = convolution(1, kernel, kernel_initializer=normal(seeds), dtype=parts.full_precision(), name="scores")
    return parts.network(examples, sources, scores(layers.LeakyReLU(0.2)(x)), "discriminator")


def source_input(source_shape: Shape, packing: int = 1):
    """The input for sources, several of which may be joined along the last axis."""
    return keras.Input((*source_shape[:-1], source_shape[-1] * packing), name="condition")


def as_pictures(x, added_to=None):
    """Pixels in [-1, 1], in full precision: x by tanh, or what x adds to pictures, cut off at -1 and 1."""
    full = parts.full_precision()
    if added_to is None:
        return layers.Activation("tanh", dtype=full, name="examples")(x)
    return layers.Activation("hard_tanh", dtype=full, name="examples")(layers.Add(dtype=full)([added_to, x]))


def check_pictures(num_classes: int | None, normalization: str, upsampling: str, **shapes: Shape) -> Callable:
    """Checks what all pairs here take; returns the function that enlarges feature maps."""
    if num_classes is not None:
        raise InputError(
            f"Expected no classes, because these networks take pictures. Received: {num_classes}. Leave "
            "num_classes out."
        )
    for name, shape in shapes.items():
        if len(shape) != 3 or not all(is_count(side) for side in shape):
            raise InputError(
                f"Expected {name} to be that of pictures, (height, width, channels). Received: {tuple(shape)}. Choose "
                "another architecture for other data, such as 'mlp'."
            )
    if normalization not in NORMALIZATIONS:
        raise unknown("normalization", normalization, NORMALIZATIONS)
    if upsampling not in UPSAMPLINGS:
        raise unknown("upsampling", upsampling, UPSAMPLINGS)
    return UPSAMPLINGS[upsampling]


def check_same_sides(shape: Shape, source_shape: Shape) -> None:
    """Checks that sources are as high and wide as what is made of them."""
    if tuple(source_shape[:2]) != tuple(shape[:2]):
        raise InputError(
            f"Expected sources of the height and width of the pictures that are made, {tuple(shape[:2])}. Received: "
            f"{tuple(source_shape)}. Resize them, as by image_size={max(shape[:2])}, which is for both."
        )
