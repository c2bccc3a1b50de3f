"""The residual networks of SNGAN, which take classes by conditional batch normalisation and by projection."""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import keras
from keras import layers

from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import batch_normalization, convolution
from keras_gan_zoo.networks.layers import Gain
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.patch import as_pictures

CONDITIONINGS = ("projection", "input")
FULL_WIDTH = 32  # side of the largest maps with all channels: beyond it, they are halved with each doubling
PLAIN_BLOCKS = 2  # of the discriminator, after those that halve the sides


def resnet_pair(
    shape: Shape,
    latent_dim: int = 128,
    num_classes: int | None = None,
    *,
    width: int = 64,
    discriminator_width: int = 64,
    conditioning: str = "projection",
    attention: int | None = None,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The residual networks of Miyato et al. (2018), for images of 8 to 128 pixels a side.

    The generator makes a map of 4 to 7 pixels a side from the noise. Each of its blocks doubles the sides, by repeating
    pixels, with two convolutions of 3x3 after batch normalisation and ReLU. The blocks of the discriminator are
    convolutions of 3x3 after ReLU; the first ones halve the sides by average pooling, until at most 8 pixels are left
    (images of 8 pixels are halved too), and two more keep them. Around each block, its input is passed on, through a
    convolution of 1x1 where the sides change. The score is linear in the sum over all places.

    The discriminator is without normalisation, as critics need it. The spectral normalisation of the paper is a matter
    of the model: `SNGAN` applies it, every other variant with `spectral_normalization=True`.

    Classes enter as in Miyato and Koyama (2018). In the blocks of the generator, the scale and the offset after each
    normalisation depend on the class (Dumoulin et al., 2017). The score of the discriminator has a second part, the
    projection: the inner product of the features of the image and a vector of the class, which is trained. With
    `packing`, a pack has the sum of such vectors, each from those of its place in the pack.

    For images of 32 pixels, the networks of the paper have `width=256` and `discriminator_width=128`. Those for larger
    images have more channels in small maps, up to 1024, and no more than these two in maps of 32 pixels and more.

    Args:
        shape: (height, width, channels); sides from 8 to 128 that can be halved until the smaller one has 4 to 7
            pixels, such as 28, 32, 48, 64, 96 or 128, with 1 to 4 channels.
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels.
        width: Channels of the generator in maps of up to 32 pixels; half as many in those of up to 64, and so on.
        discriminator_width: Channels of the discriminator, in the same way.
        conditioning: How labels enter: "projection", or "input" for one-hot beside the noise and as constant planes
            beside the image, as in `dcgan_pair`.
        attention: Side of the maps, in pixels, in which both networks attend to all places at once (self-attention,
            Zhang et al., 2019); None for none.
        packing: Images that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image, the conditioning is unknown or has no classes, or the two
            networks have no maps of such a side in common.

    Example:
        >>> generator, discriminator = resnet_pair((32, 32, 3), 128, 10, width=8, discriminator_width=8, attention=16)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 32, 32, 3), (None, 1))
    """
    sides = sides_of(shape, "ResNet")
    halved = halved_sides(sides)
    check_attention(attention, sides[:-1], halved)
    if conditioning not in CONDITIONINGS:
        raise unknown("conditioning", conditioning, CONDITIONINGS)
    if conditioning == "input" and not num_classes:
        raise InputError(
            "Expected num_classes with conditioning='input'. Received no classes, so that no labels enter."
        )
    latent_dim, width, discriminator_width = parts.counts(
        latent_dim=latent_dim, width=width, discriminator_width=discriminator_width
    )
    initial = functools.partial(_uniform, parts.seeds_of(seed))

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    x, label = _entering(noise, labels, num_classes, conditioning)
    channels = [channels_at(width, each) for each in reversed(sides)]
    normalizations = [functools.partial(_normalized, label=label)] * (len(sides) - 1)
    images = images_of(x, normalizations, shape, sides, channels, attention, initial)
    generator = parts.network(noise, labels, images, "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    x, label = _entering(examples, labels, num_classes, conditioning)
    channels = [channels_at(discriminator_width, each) for each in halved]
    scores = scores_of(x, label, halved, channels + channels[-1:] * PLAIN_BLOCKS, attention, initial)
    return generator, parts.network(examples, labels, scores, "discriminator")


def _entering(first, labels, num_classes: int | None, conditioning: str) -> tuple:
    """What a network begins with, beside the label if that enters here; and the label, one-hot, if it enters later."""
    if not num_classes:
        return first, None
    label = parts.one_hot(labels, num_classes)
    return (parts.beside(first, label), None) if conditioning == "input" else (first, label)


def images_of(
    x,
    normalizations: Sequence[Callable],
    shape: Shape,
    sides: list[Shape],
    channels: Sequence[int],
    attention: int | None,
    initial: Callable,
):
    """Images from noise, by a generator of residual blocks.

    Args:
        x: The noise that the smallest map is linear in.
        normalizations: What normalises the maps within each block, as functions of a map.
        shape: Shape of the images.
        sides: Sides of the maps, as of `sides_of`.
        channels: Channels of the smallest map, and after each block.
        attention: Side of the maps with self-attention; None for none.
        initial: A function that makes an initialiser, whose variance is multiplied by its argument `gain`.
    """
    base = (*sides[-1], channels[0])
    x = layers.Reshape(base)(layers.Dense(math.prod(base), kernel_initializer=initial())(x))
    for larger, after, normalized in zip(reversed(sides[:-1]), channels[1:], normalizations, strict=True):
        x = _doubled(x, after, normalized, initial)
        x = _attended(x, initial) if min(larger) == attention else x
    x = layers.ReLU()(batch_normalization()(x))
    return as_pictures(convolution(shape[-1], 3, kernel_initializer=initial())(x))


def scores_of(
    x,
    label,
    halved: list[Shape],
    channels: Sequence[int],
    attention: int | None,
    initial: Callable,
    is_wide: bool = False,
):
    """Scores of images, by a discriminator of residual blocks, with a projection if there is a label.

    Args:
        x: The images.
        label: The classes, one-hot; None for none.
        halved: Sides of the maps after each of the first blocks, which halve them.
        channels: Channels after each block.
        attention: As of `images_of`.
        initial: As of `images_of`.
        is_wide: Whether all blocks have as many channels within as after them, not only the first one.
    """
    for number, after in enumerate(channels):
        halves = number < len(halved)
        hidden = after if is_wide or number == 0 else x.shape[-1]
        x = _judged(x, hidden, after, initial, is_first=number == 0, halves=halves)
        x = _attended(x, initial) if halves and min(halved[number]) == attention else x
    x = layers.ReLU(dtype=parts.full_precision())(x)  # before the sum over all places
    features = keras.ops.sum(x, axis=(1, 2))
    scores = parts.dense_scores(features, initial())
    if label is None:
        return scores
    of_class = _of_class(label, features.shape[-1], initial(), dtype=parts.full_precision())
    inner = layers.Dot(axes=-1, dtype=parts.full_precision())([of_class, features])
    return layers.Add(dtype=parts.full_precision())([scores, inner])


def _doubled(x, channels: int, normalized: Callable, initial: Callable):
    """A block of the generator, which doubles the sides."""
    doubled = layers.UpSampling2D(2, data_format=parts.DATA_FORMAT)
    # Repeated before or after a convolution of 1x1, pixels are the same; after it, there are fewer to compute.
    passed = doubled(convolution(channels, 1, kernel_initializer=initial())(x))
    x = doubled(layers.ReLU()(normalized(x)))
    x = convolution(channels, 3, kernel_initializer=initial(gain=2))(x)
    x = layers.ReLU()(normalized(x))
    x = convolution(channels, 3, kernel_initializer=initial(gain=2))(x)
    return layers.Add()([passed, x])


def _judged(x, hidden: int, channels: int, initial: Callable, is_first: bool = False, halves: bool = False):
    """A block of the discriminator, which may halve the sides. The first one begins with the pixels, without ReLU."""
    passed = x
    x = x if is_first else layers.ReLU()(x)
    x = layers.ReLU()(convolution(hidden, 3, kernel_initializer=initial(gain=2))(x))
    x = convolution(channels, 3, kernel_initializer=initial(gain=2))(x)
    if halves:
        pool = layers.AveragePooling2D(2, data_format=parts.DATA_FORMAT)
        x, passed = pool(x), pool(passed)
    if halves or passed.shape[-1] != channels:
        passed = convolution(channels, 1, kernel_initializer=initial())(passed)
    return layers.Add()([passed, x])


def _normalized(x, label):
    """A map after batch normalisation; with a label, its scale and offset are those of the class."""
    if label is None:
        return batch_normalization()(x)
    normalization = batch_normalization(center=False, scale=False)
    plain, name = normalization(x), f"{parts.CLASS_VECTORS}_{normalization.name}"
    scale, offset = (
        layers.Reshape((1, 1, -1))(_of_class(label, x.shape[-1], start, name=f"{name}_{start}"))
        for start in ("ones", "zeros")
    )
    return layers.Add()([layers.Multiply()([plain, scale]), offset])


def _of_class(label, units: int, initializer, **options):
    """A trained vector for each class: the row of a matrix, as in an `Embedding`, by which the label is multiplied.

    One-hot labels enter all such matrices alike, so that between two classes there is a way, which `latent.class_morph`
    goes; and matrices are what is normalised spectrally.
    """
    return layers.Dense(units, use_bias=False, kernel_initializer=initializer, **options)(label)


def _attended(x, initial: Callable):
    """A map plus gamma times what each place finds in all others by dot-product attention; gamma starts at 0.

    As in the code of Zhang et al. (2019), maps of keys and values are halved by max pooling.
    """
    *sides, channels = x.shape[1:]
    few, half = max(1, channels // 8), max(1, channels // 2)

    def linear(y, filters: int):
        return convolution(filters, 1, use_bias=False, kernel_initializer=initial())(y)

    queries = layers.Reshape((-1, few))(linear(x, few))
    keys, values = (
        layers.Reshape((-1, filters))(layers.MaxPooling2D(2, data_format=parts.DATA_FORMAT)(linear(x, filters)))
        for filters in (few, half)
    )
    found = layers.Attention(dtype=parts.full_precision())([queries, values, keys])
    return layers.Add()([x, Gain()(linear(layers.Reshape((*sides, half))(found), channels))])


def _uniform(seeds: Iterator[int | None], gain: float = 1) -> keras.initializers.Initializer:
    """Glorot's uniform distribution, whose variance is multiplied by `gain`."""
    return keras.initializers.VarianceScaling(gain, "fan_avg", "uniform", seed=next(seeds))


def channels_at(width: int, sides: Shape) -> int:
    """Channels of maps: `width` in maps of up to 32 pixels a side; half as many in those of up to 64, and so on."""
    return max(1, width * FULL_WIDTH // max(FULL_WIDTH, *sides))


def sides_of(shape: Shape, networks: str) -> list[Shape]:
    """Sides from the image down to the smallest map: [(32, 32), (16, 16), (8, 8), (4, 4)].

    Args:
        shape: Shape of the image.
        networks: Their name, for the error about other shapes.
    """
    sides = [tuple(shape[:2])]
    while min(sides[-1]) >= 8 and all(side % 2 == 0 for side in sides[-1]):
        sides.append(tuple(side // 2 for side in sides[-1]))
    is_image = len(shape) == 3 and all(8 <= side <= 128 for side in shape[:2]) and 1 <= shape[2] <= 4
    if not is_image or min(sides[-1]) >= 8:
        raise InputError(
            f"{networks} networks expect images of shape (height, width, channels) whose sides, from 8 to 128 pixels, "
            "can be halved until the smaller one has 4 to 7, such as 28, 32, 48, 64 or 128, with 1 to 4 channels. "
            f"Received: {tuple(shape)}. Resize the images (image_size=32), or choose another architecture, such as "
            "'mlp'."
        )
    return sides


def halved_sides(sides: list[Shape]) -> list[Shape]:
    """Sides after each block of a discriminator that halves them, until at most 8 pixels are left; one at least."""
    return [small for large, small in itertools.pairwise(sides) if min(large) > 8] or sides[1:2]


def check_attention(attention: int | None, of_generator: list[Shape], of_discriminator: list[Shape]) -> None:
    """Raises an `InputError` if not both networks have maps of such a side."""
    common = [min(sides) for sides in reversed(of_discriminator) if sides in of_generator]
    if attention is not None and attention not in common:
        sides = f"the side of maps that both networks have: {', '.join(map(str, common))}"
        expected = sides if common else "none, because both networks have no maps of one side for such small images"
        raise InputError(f"Expected attention to be {expected}. Received: {attention!r}. Change it, or leave it out.")
