"""The networks of BiGAN: a generator and an encoder as one player, and a discriminator of examples with their codes."""

import keras
from keras import layers

from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import (
    batch_normalization,
    check_image,
    check_normalization,
    downwards,
    normal,
    transposed_to,
    upwards,
)
from keras_gan_zoo.networks.parts import Shape


def bigan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    width: int = 32,
    joint_units: int = 512,
    discriminator_normalization: str = "batch",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Convolutional networks for BiGAN (Donahue et al., 2016), for images of 8 to 128 pixels a side.

    The generator is that of `dcgan_pair`. The encoder is its discriminator, with a code in place of the score. The
    discriminator is that of `dcgan_pair` down to 3 or 4 pixels, where the code joins the features of the image, and a
    dense hidden layer follows. In the paper the code is an input of every layer.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of values of the noise, and of a code.
        num_classes: None: these networks take no labels.
        width: Number of channels at the highest resolution, of all three networks.
        joint_units: Units of the hidden layer that sees the image and the code together.
        discriminator_normalization: Normalisation of the discriminator's convolutions: "batch", "layer" or "none".
        packing: Images that the discriminator takes at once, with as many codes.
        seed: Fixes the initial weights.

    Returns:
        The generator, with the parts `generator`, from noise to images, and `encoder`, from images to codes; and the
        discriminator, from [images, codes] to raw scores.

    Raises:
        InputError: If the shape is not such an image, the normalisation is unknown, or `num_classes` is given.

    Example:
        >>> generator, discriminator = bigan_pair((28, 28, 1), latent_dim=50, width=8)
        >>> generator.output_shape, discriminator.output_shape
        ([(None, 28, 28, 1), (None, 50)], (None, 1))
    """
    check_image(shape, "bigan_mlp")
    check_normalization(discriminator_normalization)
    parts.check_no_classes(num_classes)
    latent_dim, width, joint_units = parts.counts(latent_dim=latent_dim, width=width, joint_units=joint_units)
    seeds = parts.seeds_of(seed)

    noise, _ = parts.generator_inputs(latent_dim, None)
    generator = keras.Model(noise, upwards(noise, shape, width, seeds, transposed_to))

    examples, _ = parts.discriminator_inputs(shape, None, 1)
    features = parts.flat(downwards(examples, shape, width, seeds))
    encoder = keras.Model(examples, parts.codes(features, latent_dim, normal(seeds)))

    examples, _ = parts.discriminator_inputs(shape, None, packing)
    code = keras.Input((packing * latent_dim,), name="codes")
    features = parts.flat(downwards(examples, shape, width, seeds, discriminator_normalization))
    x = layers.Dense(joint_units, kernel_initializer=normal(seeds))(parts.beside(features, code))
    scores = parts.dense_scores(layers.LeakyReLU(0.2)(x), normal(seeds))
    discriminator = parts.network(examples, code, scores, "discriminator")
    return parts.joined("generator", generator=generator, encoder=encoder), discriminator


def bigan_mlp_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    units: int = 1024,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The perceptrons of Donahue et al. (2016) for MNIST, as their released code has them.

    Each network has two hidden layers: ReLU in the generator, LeakyReLU (slope 0.2) in the others. Batch normalisation,
    without weights of its own, follows both layers of the generator and the second one of the others. The code joins
    what the discriminator's first layer makes of the example. Weights start as N(0, 0.02). Inside, pixels are from 0
    to 1. In the released code the generator's second layer takes the noise once more, and no layer has a bias; here
    those have one that no normalisation follows.

    Args:
        shape: Shape of one example: (height, width, channels) or (features,).
        latent_dim: Number of values of the noise, and of a code. The paper has 50 for MNIST.
        num_classes: None: these networks take no labels.
        units: Units of each hidden layer.
        packing: Examples that the discriminator takes at once, with as many codes.
        seed: Fixes the initial weights.

    Returns:
        As from `bigan_pair`.

    Raises:
        InputError: If a size is out of range, or `num_classes` is given.

    Example:
        >>> generator, discriminator = bigan_mlp_pair((2,), latent_dim=3, units=8)
        >>> generator.output_shape, discriminator.output_shape
        ([(None, 2), (None, 3)], (None, 1))
    """
    parts.check_no_classes(num_classes)
    latent_dim, units = parts.counts(latent_dim=latent_dim, units=units)
    seeds = parts.seeds_of(seed)

    def dense(x):
        return layers.Dense(units, kernel_initializer=normal(seeds))(x)

    def normalized(x):
        x = layers.Dense(units, use_bias=False, kernel_initializer=normal(seeds))(x)
        return batch_normalization(center=False, scale=False)(x)

    noise, _ = parts.generator_inputs(latent_dim, None)
    x = layers.ReLU()(normalized(noise))
    x = layers.ReLU()(normalized(x))
    generator = keras.Model(noise, parts.dense_examples(x, shape, normal(seeds)))

    examples, _ = parts.discriminator_inputs(shape, None, 1)
    x = layers.LeakyReLU(0.2)(dense(parts.from_pixels(examples, shape)))
    x = layers.LeakyReLU(0.2)(normalized(x))
    encoder = keras.Model(examples, parts.codes(x, latent_dim, normal(seeds)))

    examples, _ = parts.discriminator_inputs(shape, None, packing)
    code = keras.Input((packing * latent_dim,), name="codes")
    x = layers.LeakyReLU(0.2)(dense(parts.from_pixels(examples, shape)))
    x = layers.LeakyReLU(0.2)(normalized(parts.beside(x, code)))
    discriminator = parts.network(examples, code, parts.dense_scores(x, normal(seeds)), "discriminator")
    return parts.joined("generator", generator=generator, encoder=encoder), discriminator
