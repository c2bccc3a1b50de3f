"""The networks of R3GAN: their layers by NumPy, and both players computed again from their weights."""

import keras
import numpy as np
import pytest

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError

CLASSES = 3


def of_kind(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def kernels(network):
    return [np.array(layer.kernel) for layer in network.layers if hasattr(layer, "kernel")]


# ------------------------------------------------------------------------------------------------------------- layers


def grouped(x, kernel, groups):
    """A convolution of 3x3 in groups by NumPy: each group of outputs sees its own group of inputs."""
    rows, height, width, channels = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    inputs = padded.reshape(rows, height + 2, width + 2, groups, channels // groups)
    weights = kernel.reshape(3, 3, channels // groups, groups, -1)
    total = sum(
        np.einsum("nhwgc,cgd->nhwgd", inputs[:, i : i + height, j : j + width], weights[i, j])
        for i in range(3)
        for j in range(3)
    )
    return total.reshape(rows, height, width, -1)


def test_a_grouped_convolution_sees_its_own_channels(float64):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 6))
    layer = networks.GroupedConv2D(9, 3, groups=3, padding="same", bias_initializer="ones")
    np.testing.assert_allclose(layer(x), grouped(x, np.array(layer.kernel), 3) + 1, rtol=1e-12)
    assert layer.kernel.shape == (3, 3, 2, 9)


def blurred(x):
    """Rows and columns by the matrix of [1, 2, 1] / 4."""
    height, width = (np.eye(n) / 2 + (np.eye(n, k=1) + np.eye(n, k=-1)) / 4 for n in x.shape[1:3])
    return np.einsum("ih,jw,nhwc->nijc", height, width, x)


def test_resampling_is_bilinear(float64):
    """Three quarters of the nearest pixel and a quarter of the next, in each direction; [1, 3, 3, 1] / 8 back."""
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3))
    np.testing.assert_allclose(networks.Blur2D()(x), blurred(x), rtol=1e-12)
    rows = np.tile(np.array([8.0, 16.0, 0.0, 0.0])[None, None, :, None], (1, 8, 1, 1))
    doubled = networks.Blur2D()(rows.repeat(2, axis=2))
    np.testing.assert_allclose(doubled[0, 3, :, 0], [6, 10, 14, 12, 4, 0, 0, 0])
    halved = keras.layers.AveragePooling2D(2)(networks.Blur2D()(rows))
    np.testing.assert_allclose(halved[0, 1, :, 0], [(3 * 8 + 3 * 16) / 8, 16 / 8])


# ------------------------------------------------------------------------------------------------------------ players


def bent(x):
    return np.where(x > 0, x, float(np.float32(0.2)) * x)  # an attribute of TensorFlow's operation, in float32


@pytest.fixture
def pair(float64):
    """Builds a pair in float64 whose weights are all random: at first, blocks and biases would be 0."""

    def build(shape, **arguments):
        arguments = {"width": 4, "expansion": 3, "group_size": 4, "residual_blocks": 1, "seed": 0, **arguments}
        players = networks.r3gan_pair(shape, 5, CLASSES, **arguments)
        rng = np.random.default_rng(1)
        for weight in (weight for player in players for weight in player.weights):
            weight.assign(rng.normal(0, 0.4, weight.shape))
        return players

    return build


def blocks(network):
    """A function that applies the next residual block, whose convolutions of 3x3 have groups of four channels."""
    convolutions = of_kind(network, keras.layers.Conv2D)
    middle = [place for place, layer in enumerate(convolutions) if layer.kernel_size == (3, 3)]
    parts = iter([convolutions[place - 1 : place + 2] for place in middle])

    def block(x):
        first, second, third = next(parts)
        y = bent(x @ np.array(first.kernel)[0, 0] + np.array(first.bias))
        y = bent(grouped(y, np.array(second.kernel), y.shape[-1] // 4) + np.array(second.bias))
        return x + y @ np.array(third.kernel)[0, 0]

    return block


@pytest.mark.parametrize("packing", [1, 2])
def test_scores_are_inner_products_of_features_and_classes(pair, packing):
    _, discriminator = pair((16, 8, 2), packing=packing)
    images = np.random.default_rng(2).uniform(-1, 1, (2, 16, 8, 2 * packing))
    labels = np.array([[0, 2], [2, 1]])[:, :packing]
    block = blocks(discriminator)
    first, *_, features, of_class = kernels(discriminator)
    [weights] = [np.array(layer.kernel)[..., 0] for layer in of_kind(discriminator, keras.layers.DepthwiseConv2D)]
    x = blurred(block(images @ first[0, 0]))
    x = block(x.reshape(2, 8, 2, 4, 2, 4).mean(axis=(2, 4)))
    vectors = of_class.reshape(packing, CLASSES, 4)
    of_pack = sum(vectors[place, labels[:, place]] for place in range(packing))
    expected = np.sum((np.sum(x * weights, axis=(1, 2)) @ features) * of_pack, axis=1, keepdims=True)
    given = labels[:, 0] if packing == 1 else labels
    np.testing.assert_allclose(discriminator([images, given]), expected, rtol=1e-10)


def test_images_grow_from_a_trained_map(pair):
    generator, _ = pair((8, 8, 2))
    noise, labels = np.random.default_rng(2).normal(size=(4, 5)), np.array([0, 2, 2, 1])
    block = blocks(generator)
    of_class, start, *_, last = kernels(generator)
    [basis] = of_kind(generator, networks.Basis)
    x = np.concatenate([noise, of_class[labels]], axis=1) @ start
    x = block(np.array(basis.maps) * x[:, None, None])
    x = block(blurred(x.repeat(2, axis=1).repeat(2, axis=2)))
    np.testing.assert_allclose(generator([noise, labels]), np.tanh(x @ last[0, 0]), rtol=1e-10)


def test_without_training_every_block_passes_its_input_on():
    for player, expected in zip(networks.r3gan_pair((16, 16, 1), 3, width=4), (6, 6), strict=True):
        added = [layer.input for layer in of_kind(player, keras.layers.Add)]
        assert len(added) == expected
        ends = keras.Model(player.inputs, [tensor for pair in added for tensor in pair])
        given = np.random.default_rng(0).normal(size=(2, *player.input_shape[1:]))
        found = [np.array(tensor) for tensor in ends([given])]
        assert all(
            np.any(passed) and not np.any(change) for passed, change in zip(found[::2], found[1::2], strict=True)
        )


def test_initial_weights_keep_the_scale_of_what_they_multiply():
    """The standard deviation is gain / sqrt(inputs); in a block of L, the gain of LeakyReLU times L^(-1/4)."""
    players = networks.r3gan_pair((32, 32, 3), 64, 10, width=64, seed=0)
    for player in players:
        for layer in (layer for layer in player.layers if hasattr(layer, "kernel")):
            *places, before, after = layer.kernel.shape
            gain = 64**-0.5 if player.name == "discriminator" and before == 10 else 1
            gain = np.sqrt(2 / 1.04) * 8**-0.25 if getattr(layer, "use_bias", False) else gain
            inputs = 16 if isinstance(layer, keras.layers.DepthwiseConv2D) else np.prod(places, dtype=int) * before
            expected = 0 if (places, before, after) == ([1, 1], 128, 64) else gain / np.sqrt(inputs)
            assert np.std(layer.kernel) == pytest.approx(expected, rel=0.2)
    assert np.std(of_kind(players[0], networks.Basis)[0].maps) == pytest.approx(1, rel=0.1)


def test_the_networks_have_the_sizes_of_the_released_configuration():
    """CIFAR-10, a 32nd as wide: four resolutions, two blocks each, twice the channels in between, in groups."""
    generator, discriminator = networks.r3gan_pair((32, 32, 3), 64, 10, width=24, group_size=8)
    block = 24 * 48 + 48 + 9 * 8 * 48 + 48 + 48 * 24
    assert generator.count_params() == 10 * 64 + 128 * 24 + 16 * 24 + 8 * block + 24 * 3
    assert discriminator.count_params() == 3 * 24 + 8 * block + 16 * 24 + 24 * 24 + 10 * 24


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((8, 8, 1), [(4, 8), (8, 8)]),
        ((12, 20, 2), [(6, 8), (12, 8)]),
        ((64, 64, 3), [(4, 8), (8, 8), (16, 8), (32, 8), (64, 4)]),
    ],
    ids=str,
)
def test_sides_and_channels_of_the_blocks(shape, sides):
    pair = networks.r3gan_pair(shape, 3, width=8, residual_blocks=1)
    for player, expected in zip(pair, (sides, sides[::-1]), strict=True):
        shapes = [layer.output.shape for layer in of_kind(player, keras.layers.Add)]
        assert [(side, channels) for _, side, _, channels in shapes] == expected
    assert pair[0].output_shape == pair[1].input_shape == (None, *shape)


@pytest.mark.parametrize(("width", "group_size", "groups"), [(8, 16, 1), (16, 16, 2), (12, 16, 3), (4, 1, 8)])
def test_groups_are_of_a_size_that_divides_the_channels(width, group_size, groups):
    _, discriminator = networks.r3gan_pair((8, 8, 1), 3, width=width, group_size=group_size, residual_blocks=1)
    assert [layer.groups for layer in of_kind(discriminator, networks.GroupedConv2D)] == [groups] * 2


def test_other_arguments_are_refused():
    with pytest.raises(InputError, match=r"R3GAN networks expect images.*such as 'mlp'"):
        networks.r3gan_pair((30, 30, 1))
    with pytest.raises(InputError, match="Expected group_size"):
        networks.r3gan_pair((8, 8, 1), group_size=0)
