"""The networks of SNGAN, computed again from their weights by TensorFlow alone, in the order of the released code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError
from tests.residual import convolutions, halved, of_kind, projected, repeated, standardised, with_random_weights

CLASSES = 3


@pytest.fixture
def pair(float64):
    """Builds a pair in float64 with random weights."""

    def build(shape, **arguments):
        arguments = {"width": 4, "discriminator_width": 6, "seed": 0, **arguments}
        return with_random_weights(networks.resnet_pair(shape, 5, CLASSES, **arguments))

    return build


@pytest.mark.parametrize("packing", [1, 2])
def test_scores_are_linear_in_the_sum_over_places_plus_the_projection(pair, packing):
    _, discriminator = pair((32, 32, 2), packing=packing)
    images = np.random.default_rng(2).uniform(-1, 1, (2, 32, 32, 2 * packing))
    labels = np.array([[0, 2], [2, 1]])[:, :packing]
    convolved, relu = convolutions(discriminator), tf.nn.relu
    x = halved(convolved(relu(convolved(images)))) + convolved(halved(images), 1)
    x = halved(convolved(relu(convolved(relu(x))))) + halved(convolved(x, 1))
    for _ in range(2):
        x = convolved(relu(convolved(relu(x)))) + x
    expected = projected(discriminator, x, labels, CLASSES)
    given = labels[:, 0] if packing == 1 else labels
    np.testing.assert_allclose(discriminator([images, given]), expected, rtol=1e-10)


def test_images_are_made_with_the_scales_and_offsets_of_their_class(pair):
    generator, _ = pair((16, 16, 2))
    noise, labels = np.random.default_rng(2).normal(size=(4, 5)), np.array([0, 2, 2, 1])
    [start] = of_kind(generator, keras.layers.Dense, use_bias=True)
    of_class = of_kind(generator, keras.layers.Dense, use_bias=False)
    starts = [type(layer.kernel_initializer).__name__ for layer in of_class]
    scales, offsets = (
        iter([layer for layer, name in zip(of_class, starts, strict=True) if name == kind])
        for kind in ("Ones", "Zeros")
    )

    def conditional(x):
        scale, offset = (tf.gather(next(each).kernel, labels)[:, None, None] for each in (scales, offsets))
        return tf.nn.relu(standardised(x) * scale + offset)

    convolved = convolutions(generator)
    x = tf.reshape(noise @ start.kernel + start.bias, (4, 4, 4, 4))
    for _ in range(2):
        x = convolved(conditional(convolved(repeated(conditional(x))))) + convolved(repeated(x), 1)
    last = of_kind(generator, keras.layers.BatchNormalization)[-1]
    x = tf.nn.relu(standardised(x) * last.gamma + last.beta)  # the same for all classes
    np.testing.assert_allclose(generator([noise, labels], training=True), tf.tanh(convolved(x)), rtol=1e-9, atol=1e-12)


def test_every_place_attends_to_all_places(pair):
    """Softmax of queries and keys, times values, by NumPy; the queries alone are not pooled."""
    _, discriminator = pair((32, 32, 1), discriminator_width=16, attention=16)
    [attention] = of_kind(discriminator, keras.layers.Attention)
    [gain] = of_kind(discriminator, networks.Gain)
    pooled = [pool.input for pool in of_kind(discriminator, keras.layers.MaxPooling2D)]
    linear = of_kind(discriminator, keras.layers.Conv2D, use_bias=False)
    [query] = [each for each in linear if each.filters == 2 and not any(each.output is tensor for tensor in pooled)]
    [key] = [each for each in linear if each.filters == 2 and each is not query]
    [value], [last] = ([each for each in linear if each.filters == filters] for filters in (8, 16))
    ends = [query.input, attention.output, gain.output]
    images, labels = np.random.default_rng(2).uniform(-1, 1, (2, 32, 32, 1)), np.array([0, 1])
    x, found, change = keras.Model(discriminator.inputs, ends)([images, labels])

    def rows(layer, pools):
        y = np.array(x) @ np.array(layer.kernel)[0, 0]
        y = y.reshape(2, 8, 2, 8, 2, -1).max(axis=(2, 4)) if pools else y
        return y.reshape(2, -1, y.shape[-1])

    weights = np.exp(rows(query, False) @ rows(key, True).swapaxes(1, 2))
    expected = weights / weights.sum(axis=-1, keepdims=True) @ rows(value, True)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    expected = float(gain.gamma) * (expected @ np.array(last.kernel)[0, 0]).reshape(x.shape)
    np.testing.assert_allclose(change, expected, rtol=1e-9)


def test_without_training_nothing_is_attended_to():
    for player in networks.resnet_pair((16, 16, 1), 3, width=8, discriminator_width=8, attention=8):
        [gain] = of_kind(player, networks.Gain)
        assert float(gain.gamma) == 0
        assert gain.input.shape[1:3] == (8, 8)


def test_the_networks_have_the_parameters_of_the_papers_table():
    """CIFAR-10: 128 numbers, maps from 4x4x256, three blocks; two blocks of 128 channels that halve, two plain ones."""
    generator, discriminator = networks.resnet_pair((32, 32, 3), width=256, discriminator_width=128)

    def convolution(kernel, before, after):
        return kernel**2 * before * after + after

    block = 2 * (2 * 256 + convolution(3, 256, 256)) + convolution(1, 256, 256)
    expected = 129 * 4 * 4 * 256 + 3 * block + 2 * 256 + convolution(3, 256, 3)
    assert sum(int(np.prod(weight.shape)) for weight in generator.trainable_weights) == expected
    plain = 2 * convolution(3, 128, 128)
    first = convolution(3, 3, 128) + convolution(3, 128, 128) + convolution(1, 3, 128)
    assert discriminator.count_params() == first + plain + convolution(1, 128, 128) + 2 * plain + 129


@pytest.mark.parametrize(
    ("shape", "of_generator", "of_discriminator"),
    [
        ((8, 8, 1), [(8, 8)], [(4, 8)] * 3),
        ((28, 28, 1), [(14, 8), (28, 8)], [(14, 8), (7, 8), (7, 8), (7, 8)]),
        ((48, 48, 3), [(12, 8), (24, 8), (48, 5)], [(24, 8), (12, 8), (6, 8), (6, 8), (6, 8)]),
        (
            (128, 128, 3),
            [(8, 8), (16, 8), (32, 8), (64, 4), (128, 2)],
            [(64, 4), (32, 8), (16, 8), (8, 8), (8, 8), (8, 8)],
        ),
    ],
    ids=str,
)
def test_sides_and_channels_of_the_blocks(shape, of_generator, of_discriminator):
    pair = networks.resnet_pair(shape, 3, width=8, discriminator_width=8)
    blocks = [[layer.output.shape for layer in of_kind(player, keras.layers.Add)] for player in pair]
    assert [[(side, channels) for _, side, _, channels in shapes] for shapes in blocks] == [
        of_generator,
        of_discriminator,
    ]
    assert pair[0].output_shape == pair[1].input_shape == (None, *shape)


def test_initial_weights_are_glorots_with_more_variance_before_sums():
    for player in networks.resnet_pair((32, 32, 3), width=32, discriminator_width=32, seed=0):
        for layer in of_kind(player, (keras.layers.Conv2D, keras.layers.Dense)):
            *places, before, after = layer.kernel.shape
            is_residual = tuple(places) == (3, 3) and layer is not of_kind(player, keras.layers.Conv2D)[-1]
            is_residual |= tuple(places) == (3, 3) and player.name == "discriminator"
            limit = np.sqrt(6 * (2 if is_residual else 1) / (np.prod(places, dtype=int) * (before + after)))
            assert np.abs(layer.kernel).max() == pytest.approx(limit, rel=0.1)  # of many, the largest is near it


def test_labels_at_the_input_are_beside_the_noise_and_the_image():
    generator, discriminator = networks.resnet_pair((8, 8, 1), 5, CLASSES, width=4, conditioning="input", packing=2)
    [dense] = of_kind(generator, keras.layers.Dense)
    assert dense.kernel.shape[0] == 5 + CLASSES
    first = of_kind(discriminator, keras.layers.Conv2D)[0]
    assert first.input.shape[1:] == (8, 8, 2 + 2 * CLASSES)
    assert len(of_kind(discriminator, keras.layers.Dense)) == 1


@pytest.mark.parametrize("shape", [(4, 4, 1), (30, 30, 1), (256, 256, 3), (8, 8, 5), (32, 32), (2,)], ids=str)
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r"ResNet networks expect images.*such as 'mlp'"):
        networks.resnet_pair(shape)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention": 32}, "the side of maps that both networks have: 8, 16. Received: 32"),
        ({"shape": (8, 8, 1), "attention": 8}, "Expected attention to be none.*leave it out"),
        ({"conditioning": "project"}, "Did you mean 'projection'"),
        ({"conditioning": "input"}, "Expected num_classes with conditioning='input'"),
        ({"discriminator_width": 0}, "Expected discriminator_width"),
    ],
)
def test_other_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        networks.resnet_pair(**{"shape": (32, 32, 3), **arguments})
