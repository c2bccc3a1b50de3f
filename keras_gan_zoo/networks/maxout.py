"""Networks of maxout units: the perceptrons of Goodfellow et al. (2014) and of Mirza and Osindero (2014)."""

import keras
from keras import layers

from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.layers import Dropout, Maxout
from keras_gan_zoo.networks.parts import Shape


def maxout_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    generator_units: int | None = None,
    discriminator_units: int | None = None,
    pieces: int = 5,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The multilayer perceptrons of Goodfellow et al. (2014), Section 5, as their released MNIST model sizes them.

    The generator has two layers of ReLU units, the discriminator two layers of maxout units with dropout (0.2 on its
    input, 0.5 on its hidden layers). Weights start uniform, within 0.05 and 0.005. Inside, pixels are from 0 to 1, as
    in the paper: the generator scales its sigmoids to [-1, 1], and the discriminator scales them back. Vectors, such as
    points of the plane, are not in the paper: they get smaller layers, a linear output, no dropout (few coordinates
    carry no redundancy to drop) and Keras' initialisation.

    Args:
        shape: Shape of one example: (height, width, channels) or (features,).
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels 0 ... num_classes - 1, one-hot encoded beside their input.
        generator_units: Units of each hidden layer of the generator; None for 1200, or 128 for vectors.
        discriminator_units: Units of each hidden layer of the discriminator; None for 240, or 64 for vectors.
        pieces: Number of linear pieces of each maxout unit.
        packing: Examples that the discriminator takes at once.
        seed: Fixes initial weights and dropout.

    Returns:
        The generator and the discriminator.

    Example:
        >>> generator, discriminator = maxout_pair((28, 28, 1), generator_units=8, discriminator_units=4)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 28, 1), (None, 1))
    """
    image = parts.is_image(shape)
    latent_dim, generator_units, discriminator_units, pieces = parts.counts(
        latent_dim=latent_dim,
        generator_units=(1200 if image else 128) if generator_units is None else generator_units,
        discriminator_units=(240 if image else 64) if discriminator_units is None else discriminator_units,
        pieces=pieces,
    )
    uniform, dropout = _drawn(seed, image)

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    x = parts.with_label(noise, labels, num_classes)
    for _ in range(2):
        x = layers.Dense(generator_units, activation="relu", kernel_initializer=uniform(0.05))(x)
    generator = parts.network(noise, labels, parts.dense_examples(x, shape, uniform(0.05)), "generator")

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    x = parts.from_pixels(examples, shape)
    x = dropout(parts.with_label(x, labels, num_classes), 0.2)
    for _ in range(2):
        x = Maxout(discriminator_units, pieces, kernel_initializer=uniform(0.005))(x)
        x = dropout(x, 0.5)
    return generator, parts.network(examples, labels, parts.dense_scores(x, uniform(0.005)), "discriminator")


def conditional_maxout_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    generator_units: int | None = None,
    discriminator_units: int | None = None,
    pieces: int = 5,
    packing: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The label-fed perceptrons of Mirza and Osindero (2014), Section 4.1.

    Noise and label first pass through separate hidden layers (200 and 1000 ReLU units), then through a joint one
    (1200). In the discriminator, image and label first pass through separate maxout layers (240 units of 5 pieces, 50
    units of 5), then through a joint one (240 units of 4). Dropout of 0.5 follows the hidden layers of both networks.
    Pixels and initial weights are as in `maxout_pair`; the paper does not give initial weights. Vectors get smaller
    layers, a linear output and no dropout.

    Args:
        shape: Shape of one example: (height, width, channels) or (features,).
        latent_dim: Number of noise values.
        num_classes: Number of labels, which these networks require.
        generator_units: Units of the generator's joint layer; None for 1200, or 128 for vectors. The others keep the
            paper's proportions.
        discriminator_units: Units of the discriminator's joint layer; None for 240, or 64 for vectors.
        pieces: Linear pieces of the maxout units before the joint layer, which has one fewer.
        packing: Examples that the discriminator takes at once.
        seed: Fixes initial weights and dropout.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If `num_classes` is not given.

    Example:
        >>> generator, discriminator = conditional_maxout_pair((28, 28, 1), 100, 10, generator_units=12)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 28, 1), (None, 1))
    """
    parts.check_classes(num_classes)
    image = parts.is_image(shape)
    latent_dim, generator_units, discriminator_units, pieces = parts.counts(
        latent_dim=latent_dim,
        generator_units=(1200 if image else 128) if generator_units is None else generator_units,
        discriminator_units=(240 if image else 64) if discriminator_units is None else discriminator_units,
        pieces=pieces,
    )
    uniform, dropout = _drawn(seed, image)

    def relu(x, units: int):
        return dropout(layers.Dense(units, activation="relu", kernel_initializer=uniform(0.05))(x), 0.5)

    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    from_noise = relu(noise, -(-generator_units // 6))
    from_label = relu(parts.one_hot(labels, num_classes), -(-generator_units * 5 // 6))
    x = relu(layers.Concatenate()([from_noise, from_label]), generator_units)
    generator = parts.network(noise, labels, parts.dense_examples(x, shape, uniform(0.05)), "generator")

    def maxout(x, units: int, pieces: int):
        return dropout(Maxout(units, pieces, kernel_initializer=uniform(0.005))(x), 0.5)

    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    from_example = maxout(parts.from_pixels(examples, shape), discriminator_units, pieces)
    from_label = maxout(parts.one_hot(labels, num_classes), -(-discriminator_units * 5 // 24), pieces)
    x = maxout(layers.Concatenate()([from_example, from_label]), discriminator_units, max(1, pieces - 1))
    return generator, parts.network(examples, labels, parts.dense_scores(x, uniform(0.005)), "discriminator")


def _drawn(seed: int | None, image: bool):
    """Initializers and dropout, each with a seed of its own; vectors get Keras' initializer and no dropout."""
    seeds = parts.seeds_of(seed)

    def uniform(limit: float) -> keras.initializers.Initializer:
        if image:
            return keras.initializers.RandomUniform(-limit, limit, seed=next(seeds))
        return keras.initializers.GlorotUniform(seed=next(seeds))

    def dropout(x, rate: float):
        return Dropout(rate, seed=next(seeds))(x) if image else x

    return uniform, dropout
