"""Multilayer perceptrons: those of f-GAN, and a plain pair for points of the plane."""

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.networks import parts


def elu_pair(
    shape: parts.Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    generator_units: int = 1200,
    discriminator_units: int = 240,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The perceptrons of Nowozin et al. (2016) for MNIST.

    The generator has two layers of ReLU units with batch normalisation; the variational function two layers of
    exponential linear units. Inside, pixels are from 0 to 1, as in `maxout_pair`.

    Args:
        shape: Shape of one example: (height, width, channels) or (features,).
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels, one-hot beside their input.
        generator_units: Units of each hidden layer of the generator.
        discriminator_units: Units of each hidden layer of the discriminator.
        packing: Examples that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Example:
        >>> generator, discriminator = elu_pair((28, 28, 1), generator_units=8, discriminator_units=4)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 28, 1), (None, 1))
    """
    latent_dim, generator_units, discriminator_units = parts.counts(
        latent_dim=latent_dim, generator_units=generator_units, discriminator_units=discriminator_units
    )
    seeds = parts.seeds_of(seed)

    def glorot() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=next(seeds))

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    x = parts.with_label(noise, labels, num_classes)
    for _ in range(2):
        x = layers.Dense(generator_units, use_bias=False, kernel_initializer=glorot())(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    generator = parts.network(noise, labels, parts.dense_examples(x, shape, glorot()), "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    x = parts.with_label(parts.from_pixels(examples, shape), labels, num_classes)
    for _ in range(2):
        x = layers.Dense(discriminator_units, activation="elu", kernel_initializer=glorot())(x)
    return generator, parts.network(examples, labels, parts.dense_scores(x, glorot()), "discriminator")


def mlp_pair(
    shape: parts.Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    units: int = 128,
    depth: int = 3,
    activation: str = "relu",
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Two perceptrons of one size without any normalisation, as the toy experiments of Gulrajani et al. (2017) use.

    Args:
        shape: Shape of one example: (features,) or (height, width, channels).
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels, one-hot beside their input.
        units: Units of each hidden layer. The authors' released toy code has 512.
        depth: Number of hidden layers of each network.
        activation: Keras activation of the hidden layers.
        packing: Examples that the discriminator takes at once.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Example:
        >>> generator, discriminator = mlp_pair((2,), latent_dim=2)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 2), (None, 1))
    """
    latent_dim, units = parts.counts(latent_dim=latent_dim, units=units)
    check_count("depth", depth, low=0)
    seeds = parts.seeds_of(seed)

    def initializer() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=next(seeds))

    def hidden(x):
        for _ in range(depth):
            x = layers.Dense(units, activation=activation, kernel_initializer=initializer())(x)
        return x

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    x = hidden(parts.with_label(noise, labels, num_classes))
    generator = parts.network(noise, labels, parts.dense_examples(x, shape, initializer()), "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    x = hidden(parts.with_label(parts.flat(examples), labels, num_classes))
    return generator, parts.network(examples, labels, parts.dense_scores(x, initializer()), "discriminator")
