"""The networks of BigGAN, computed again from their weights by TensorFlow alone."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError
from tests.residual import convolutions, halved, images_of_biggan, of_kind, projected, with_random_weights

CLASSES = 3


@pytest.mark.parametrize("classes", [CLASSES, None])
def test_blocks_take_their_chunk_of_the_noise_and_the_shared_vector_of_the_class(float64, classes):
    generator, _ = with_random_weights(networks.biggan_pair((16, 16, 2), 7, classes, width=1, embedding_dim=3))
    noise, labels = np.random.default_rng(2).normal(size=(4, 7)), classes and np.array([0, 2, 2, 1])
    made = generator([noise, labels] if classes else noise, training=True)
    np.testing.assert_allclose(made, images_of_biggan(generator, noise, labels, (3, 2, 2)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("packing", [1, 2])
def test_blocks_of_the_discriminator_are_as_wide_within_as_after_them(float64, packing):
    pair = networks.biggan_pair((40, 40, 2), 4, CLASSES, width=1, packing=packing)
    _, discriminator = with_random_weights(pair)
    images = np.random.default_rng(2).uniform(-1, 1, (2, 40, 40, 2 * packing))
    labels = np.array([[0, 2], [2, 1]])[:, :packing]
    convolved, relu = convolutions(discriminator), tf.nn.relu
    x = halved(convolved(relu(convolved(images)))) + convolved(halved(images), 1)
    for _ in range(2):
        x = halved(convolved(relu(convolved(relu(x))))) + convolved(halved(x), 1)
    x = convolved(relu(convolved(relu(x)))) + convolved(x, 1)
    expected = projected(discriminator, x, labels, CLASSES)
    given = labels[:, 0] if packing == 1 else labels
    np.testing.assert_allclose(discriminator([images, given]), expected, rtol=1e-10)
    within = [layer.filters for layer in of_kind(discriminator, keras.layers.Conv2D, kernel_size=(3, 3))]
    assert within == [1, 1, 2, 2, 4, 4, 8, 8]


def parameters(width, classes, latent_dim, embedding_dim):
    """Of the networks for 128x128x3, from 4x4 to 128x128 in five blocks, with attention in 64x64."""

    def convolution(kernel, before, after):
        return kernel**2 * before * after + after

    def attention(channels):
        return channels * (channels // 8 * 2 + channels // 2 * 2) + 1

    chunk = latent_dim // 6
    channels = [16 * width, 16 * width, 8 * width, 4 * width, 2 * width, width]
    generator = classes * embedding_dim + (chunk + 1) * 4 * 4 * 16 * width
    for before, after in itertools.pairwise(channels):
        generator += 2 * (chunk + embedding_dim) * (before + after)  # both scales and offsets
        generator += convolution(3, before, after) + convolution(3, after, after) + convolution(1, before, after)
    generator += attention(2 * width) + 2 * width + convolution(3, width, 3)
    discriminator = attention(width) + 16 * width + 1 + classes * 16 * width
    channels = [3, *reversed(channels[1:]), 16 * width]
    for before, after in itertools.pairwise(channels):
        discriminator += convolution(3, before, after) + convolution(3, after, after)
        discriminator += convolution(1, before, after) if before != after else 0  # the last block passes its input on
    return generator, discriminator


def test_the_networks_have_the_parameters_of_the_released_ones():
    """Their code counts 70,433,988 and 87,982,370 for ImageNet, which are too many to build here."""
    assert parameters(96, 1000, 120, 128) == (70_433_988, 87_982_370)
    generator, discriminator = networks.biggan_pair((128, 128, 3), 120, 7, width=8, embedding_dim=16, attention=64)
    trained = sum(int(np.prod(weight.shape)) for weight in generator.trainable_weights)
    assert (trained, discriminator.count_params()) == parameters(8, 7, 120, 16)


@pytest.mark.parametrize(
    ("shape", "of_generator", "of_discriminator"),
    [
        ((8, 8, 1), [(8, 8)], [(4, 8)] * 3),
        ((32, 32, 1), [(8, 8), (16, 8), (32, 8)], [(16, 8), (8, 8), (8, 8), (8, 8)]),
        ((64, 64, 3), [(8, 32), (16, 16), (32, 8), (64, 4)], [(32, 2), (16, 4), (8, 8), (4, 16), (4, 32)]),
    ],
    ids=str,
)
def test_sides_and_channels_of_the_blocks(shape, of_generator, of_discriminator):
    pair = networks.biggan_pair(shape, 5, width=2)
    sums = [of_kind(player, keras.layers.Add) for player in pair]
    blocks = [[layer for layer in of_player if len(layer.input) == 2] for of_player in sums]  # others are of three
    shapes = [[layer.output.shape[1::2] for layer in of_player] for of_player in blocks]
    assert shapes == [of_generator, of_discriminator]


@pytest.mark.parametrize("shape", [(16, 16, 1), (40, 40, 1)], ids=str)
def test_initial_weights_are_orthogonal(shape):
    for player in networks.biggan_pair(shape, 6, 4, width=2, embedding_dim=3, seed=0):
        for weight in (weight for weight in player.trainable_weights if weight.name in ("kernel", "embeddings")):
            matrix = np.array(weight).reshape(-1, weight.shape[-1])
            matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
            np.testing.assert_allclose(matrix.T @ matrix, np.eye(matrix.shape[1]), atol=1e-5)


def test_a_chunk_without_noise_is_refused():
    with pytest.raises(InputError, match=r"Expected a latent_dim of at least 4.*Received: 3\. Choose more"):
        networks.biggan_pair((32, 32, 3), 3)
