"""The networks of BigGAN: residual blocks whose normalisation takes a shared class vector and a chunk of the noise."""

import functools
import itertools
from collections.abc import Iterator

import keras
from keras import layers

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import batch_normalization
from keras_gan_zoo.networks.parts import Shape
from keras_gan_zoo.networks.resnet import (
    FULL_WIDTH,
    PLAIN_BLOCKS,
    check_attention,
    halved_sides,
    images_of,
    scores_of,
    sides_of,
)

MOST = 16  # the largest multiple of the width


def biggan_pair(
    shape: Shape,
    latent_dim: int = 120,
    num_classes: int | None = None,
    *,
    width: int = 16,
    embedding_dim: int = 128,
    attention: int | None = None,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The networks of Brock et al. (2019), for images of 8 to 128 pixels a side.

    The blocks are those of `resnet_pair`. Each class has one trained vector, which all blocks of the generator share.
    The noise is split into chunks. The smallest map is linear in the first one, and each block has one of the others.
    Within a block, the scale and the offset after each batch normalisation are linear in the chunk of the block and the
    vector of the class together: no offset and a scale of 1 plus such a function. Without classes, they are linear in
    the chunk alone. If the chunks cannot all be equal, the first ones have one number more.

    In the discriminator, classes enter by projection, as in `resnet_pair`. Each of its blocks has as many channels
    within as after it. With `packing`, a pack has the sum of the vectors of its classes, each from those of its place.

    Both networks start with orthogonal weights. They are without spectral normalisation, which is a matter of the
    model: `BigGAN` applies it to both.

    For images of more than 32 pixels, the blocks of the discriminator halve the sides as often as possible, and the
    last one keeps them. The first one has `width` channels, and each further one twice as many, up to 16 * width. The
    generator begins with as many as the last one has, in the smallest maps and after its first block, and has half as
    many after each further block. Up to 32 pixels, all maps have 4 * width channels, and the blocks of the
    discriminator are as many as in `resnet_pair`.

    The networks of the paper for images of 128 pixels have `width=96`, `attention=64` and 120 noise values. Those of
    the released code for CIFAR-10 have `width=64`.

    Args:
        shape: (height, width, channels); sides from 8 to 128 that can be halved until the smaller one has 4 to 7
            pixels, such as 28, 32, 48, 64, 96 or 128, with 1 to 4 channels.
        latent_dim: Number of noise values, at least one for each block of the generator and one more.
        num_classes: If given, both networks also take labels.
        width: Unit of the numbers of channels in both networks.
        embedding_dim: Length of the vector of a class, which the blocks of the generator share.
        attention: Side of the maps, in pixels, in which both networks attend to all places at once (self-attention,
            Zhang et al., 2019); None for none.
        packing: Images that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image, the noise has fewer values than chunks, or the two networks have
            no maps of such a side in common.

    Example:
        >>> generator, discriminator = biggan_pair((64, 64, 3), 100, 10, width=2, attention=32)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 64, 64, 3), (None, 1))
    """
    sides = sides_of(shape, "BigGAN")
    latent_dim, width, embedding_dim = parts.counts(latent_dim=latent_dim, width=width, embedding_dim=embedding_dim)
    of_generator, of_discriminator, halved = _channels(sides, width)
    check_attention(attention, sides[:-1], halved)
    initial = functools.partial(_orthogonal, parts.seeds_of(seed))

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    first, *chunks = _chunks(noise, len(sides))
    if num_classes:
        shared = layers.Embedding(num_classes, embedding_dim, initial(), name=parts.CLASS_VECTORS)(labels)
        chunks = [parts.beside(chunk, shared) for chunk in chunks]
    normalizations = [functools.partial(_normalized, vector=chunk, initial=initial) for chunk in chunks]
    images = images_of(first, normalizations, shape, sides, of_generator, attention, initial)
    generator = parts.network(noise, labels, images, "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    label = parts.one_hot(labels, num_classes) if num_classes else None
    scores = scores_of(examples, label, halved, of_discriminator, attention, initial, is_wide=True)
    return generator, parts.network(examples, labels, scores, "discriminator")


def _channels(sides: list[Shape], width: int) -> tuple[list[int], list[int], list[Shape]]:
    """Channels of the smallest map and after each block, of both networks, and the sides that the second one halves."""
    if max(sides[0]) <= FULL_WIDTH:
        halved = halved_sides(sides)
        return [4 * width] * len(sides), [4 * width] * (len(halved) + PLAIN_BLOCKS), halved
    multiples = [min(MOST, 2**level) for level in range(len(sides))]
    falling = [multiples[-1] // 2**level for level in range(len(sides) - 1)]
    return [width * each for each in (multiples[-1], *falling)], [width * each for each in multiples], sides[1:]


def _chunks(noise, number: int) -> list:
    """The noise in chunks, of which the first ones have one number more if they cannot all be equal."""
    size, more = divmod(noise.shape[-1], number)
    if not size:
        raise InputError(
            f"Expected a latent_dim of at least {number}, a noise value for each block of the generator and one more. "
            f"Received: {noise.shape[-1]}. Choose more, or smaller images."
        )
    ends = itertools.accumulate(size + (place < more) for place in range(number - 1))
    return list(keras.ops.split(noise, list(ends), axis=-1))  # pyright: ignore[reportArgumentType]


def _normalized(x, vector, initial):
    """A map after batch normalisation, with a scale and an offset that are linear in a vector: x + scale x + offset."""
    plain = batch_normalization(center=False, scale=False)(x)
    scale, offset = (
        layers.Reshape((1, 1, -1))(layers.Dense(x.shape[-1], use_bias=False, kernel_initializer=initial())(vector))
        for _ in range(2)
    )
    return layers.Add()([plain, layers.Multiply()([plain, scale]), offset])


def _orthogonal(seeds: Iterator[int | None], gain: float = 1) -> keras.initializers.Initializer:
    """Orthogonal rows or columns of length 1, whatever the gain that other initial weights would have."""
    return keras.initializers.Orthogonal(seed=next(seeds))
