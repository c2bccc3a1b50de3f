"""The networks of variational autoencoders: an encoder and a decoder as one player."""

import keras
from keras import layers

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.convolutional import check_image, downwards, normal, transposed_to, upwards
from keras_gan_zoo.networks.parts import Shape


def vae_networks(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    width: int = 32,
    seed: int | None = None,
) -> tuple[keras.Model]:
    """The networks of `dcgan_pair` as a variational autoencoder, for images of 8 to 128 pixels a side.

    The decoder is the generator of that pair, so that both kinds of models can be compared. The encoder is its
    discriminator, with a code's means and log variances in place of the score.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of values of the noise, and of a code.
        num_classes: None: these networks take no labels.
        width: Number of channels at the highest resolution, of both networks.
        seed: Fixes the initial weights.

    Returns:
        The autoencoder alone, in a tuple like the pairs, with the parts `encoder`, from images to means and log
        variances (batch, 2 * latent_dim), and `decoder`, from noise to images.

    Raises:
        InputError: If the shape is not such an image, a size is out of range, or `num_classes` is given.

    Example:
        >>> [autoencoder] = vae_networks((28, 28, 1), latent_dim=50, width=8)
        >>> autoencoder.output_shape
        [(None, 100), (None, 28, 28, 1)]
    """
    check_image(shape, "vae_mlp")
    parts.check_no_classes(num_classes)
    latent_dim, width = parts.counts(latent_dim=latent_dim, width=width)
    seeds = parts.seeds_of(seed)

    examples, _ = parts.discriminator_inputs(shape, None, 1)
    features = parts.flat(downwards(examples, shape, width, seeds))
    encoder = keras.Model(examples, parts.codes(features, 2 * latent_dim, normal(seeds)))

    noise, _ = parts.generator_inputs(latent_dim, None)
    decoder = keras.Model(noise, upwards(noise, shape, width, seeds, transposed_to))
    return (parts.joined("autoencoder", encoder=encoder, decoder=decoder),)


def vae_mlp_networks(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    units: int = 500,
    depth: int = 1,
    seed: int | None = None,
) -> tuple[keras.Model]:
    """The perceptrons of Kingma and Welling (2013): one hidden layer of tanh units in each network.

    Inside, pixels are from 0 to 1, as in the paper. Burda et al. (2016) have two layers of 200 units, and 50 codes.

    Args:
        shape: Shape of one example: (height, width, channels) or (features,).
        latent_dim: Number of values of the noise, and of a code.
        num_classes: None: these networks take no labels.
        units: Units of each hidden layer.
        depth: Number of hidden layers of each network.
        seed: Fixes the initial weights.

    Returns:
        As from `vae_networks`.

    Raises:
        InputError: If a size is out of range, or `num_classes` is given.

    Example:
        >>> [autoencoder] = vae_mlp_networks((2,), latent_dim=3, units=8)
        >>> autoencoder.output_shape
        [(None, 6), (None, 2)]
    """
    parts.check_no_classes(num_classes)
    latent_dim, units = parts.counts(latent_dim=latent_dim, units=units)
    check_count("depth", depth, low=0)
    seeds = parts.seeds_of(seed)

    def glorot() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=next(seeds))

    def hidden(x):
        for _ in range(depth):
            x = layers.Dense(units, activation="tanh", kernel_initializer=glorot())(x)
        return x

    examples, _ = parts.discriminator_inputs(shape, None, 1)
    x = hidden(parts.from_pixels(examples, shape))
    encoder = keras.Model(examples, parts.codes(x, 2 * latent_dim, glorot()))

    noise, _ = parts.generator_inputs(latent_dim, None)
    decoder = keras.Model(noise, parts.dense_examples(hidden(noise), shape, glorot()))
    return (parts.joined("autoencoder", encoder=encoder, decoder=decoder),)
