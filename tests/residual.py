"""Residual networks computed again from their weights by TensorFlow alone, in the order of the released code."""

import keras
import numpy as np
import tensorflow as tf


def of_kind(network, kind, **values):
    """The layers of a kind in the order of the computation, normalised spectrally or not, with given attributes."""
    layers = [getattr(layer, "layer", layer) for layer in network.layers]
    layers = [layer for layer in layers if isinstance(layer, kind)]
    return [layer for layer in layers if all(getattr(layer, name) == value for name, value in values.items())]


def convolutions(network):
    """A function that applies the next convolution of 3x3, or of 1x1."""
    kernels = {side: iter(of_kind(network, keras.layers.Conv2D, kernel_size=(side, side))) for side in (3, 1)}

    def convolved(x, side=3):
        layer = next(kernels[side])
        return tf.nn.conv2d(x, layer.kernel, 1, "SAME") + layer.bias

    return convolved


def halved(x):
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")


def repeated(x):
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)


def standardised(x):
    mean, variance = tf.nn.moments(x, (0, 1, 2))
    return (x - mean) / tf.sqrt(variance + 1e-3)


def projected(discriminator, x, labels, classes):
    """Scores from the last maps: linear in the sum over places, plus the projection on the vectors of the classes."""
    features = tf.reduce_sum(tf.nn.relu(x), axis=(1, 2))
    [score] = of_kind(discriminator, keras.layers.Dense, use_bias=True)
    [vectors] = of_kind(discriminator, keras.layers.Dense, use_bias=False)
    packing = labels.shape[1]
    of_place = np.array(vectors.kernel).reshape(packing, classes, -1)
    of_pack = sum(of_place[place, labels[:, place]] for place in range(packing))
    return features @ score.kernel + score.bias + np.sum(of_pack * features, axis=1, keepdims=True)


def images_of_biggan(generator, noise, labels, sizes, standardised=standardised):
    """Images of a generator of `biggan_pair` without attention, of as many blocks as there are chunks, but one.

    Args:
        generator: The generator, for square images.
        noise: (n, latent_dim).
        labels: (n,); None for none.
        sizes: Lengths of the chunks.
        standardised: What makes the mean of each channel 0 and its variance 1.
    """
    [start] = of_kind(generator, keras.layers.Dense, use_bias=True)
    linear = iter(of_kind(generator, keras.layers.Dense, use_bias=False))
    first, *chunks = np.split(noise, np.cumsum(sizes)[:-1], axis=1)
    vectors = [] if labels is None else [np.array(of_kind(generator, keras.layers.Embedding)[0].embeddings)[labels]]

    def normalised(x, chunk):
        given = np.concatenate([chunk, *vectors], axis=1)
        scale, offset = ((given @ next(linear).kernel)[:, None, None] for _ in range(2))
        return tf.nn.relu(standardised(x) * (1 + scale) + offset)

    convolved = convolutions(generator)
    x = first @ start.kernel + start.bias
    side = generator.output_shape[1] // 2 ** len(chunks)
    x = tf.reshape(x, (len(noise), side, side, -1))
    for chunk in chunks:
        inner = convolved(repeated(normalised(x, chunk)))
        x = convolved(normalised(inner, chunk)) + convolved(repeated(x), 1)
    last = of_kind(generator, keras.layers.BatchNormalization)[-1]
    return tf.tanh(convolved(tf.nn.relu(standardised(x) * last.gamma + last.beta)))


def with_random_weights(players):
    """Players with weights drawn anew, of which the biases and the scales would else start at 0 and 1."""
    rng = np.random.default_rng(1)
    for weight in (weight for player in players for weight in player.trainable_weights):
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return players
