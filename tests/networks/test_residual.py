import keras
import numpy as np
import pytest

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError


def test_generators_can_add_to_their_sources():
    generator, _ = networks.cycle_gan_pair((8, 8, 3), width=2, residual_blocks=0, add_source=True)
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    for part in ("forward", "backward"):
        network = generator.get_layer(part)
        last = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)][-1]
        last.kernel.assign(np.zeros(last.kernel.shape))
        np.testing.assert_allclose(network(pictures), pictures, atol=1e-6)
    with pytest.raises(InputError, match="as many channels as the targets, 3"):
        networks.cycle_gan_pair((8, 8, 3), source_shape=(8, 8, 1), width=2, add_source=True)


def kernels(network):
    return [layer.kernel.shape for layer in network.layers if hasattr(layer, "kernel")]


def test_the_networks_have_the_kernels_of_the_paper():
    """c7s1-w, d2w, d4w, R4w x blocks, u2w, uw, c7s1-3; Cw, C2w, C4w, C8w and the scores."""
    generator, discriminator = networks.cycle_gan_pair((8, 8, 3), width=2, residual_blocks=2)
    blocks = [(3, 3, 8, 8)] * 4
    expected = [(7, 7, 3, 2), (3, 3, 2, 4), (3, 3, 4, 8), *blocks, (3, 3, 8, 4), (3, 3, 4, 2), (7, 7, 2, 3)]
    for name in ("forward", "backward"):
        assert kernels(generator.get_layer(name)) == expected
    expected = [(4, 4, 3, 2), (4, 4, 2, 4), (4, 4, 4, 8), (4, 4, 8, 16), (4, 4, 16, 1)]
    for name in ("source_discriminator", "target_discriminator"):
        assert kernels(discriminator.get_layer(name)) == expected


def test_the_borders_are_reflected_and_each_picture_is_normalised_by_itself():
    generator, _ = networks.cycle_gan_pair((8, 8, 2), width=2, residual_blocks=1)
    layers = generator.get_layer("forward").layers
    assert [layer.padding for layer in layers if isinstance(layer, networks.ReflectionPadding2D)] == [3, 1, 1, 3]
    assert sum(isinstance(layer, keras.layers.GroupNormalization) for layer in layers) == 7
    x = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 2)).astype("float32")
    forward = generator.get_layer("forward")
    np.testing.assert_allclose(forward(x, training=True)[1:2], forward(x[1:2], training=False), atol=1e-5)


@pytest.mark.parametrize("padding", [1, 3])
def test_reflection_padding_is_that_of_numpy(padding):
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 3)).astype("float32")
    layer = networks.ReflectionPadding2D(padding)
    sides = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    np.testing.assert_array_equal(layer(x), np.pad(x, sides, mode="reflect"))
    assert layer.compute_output_shape((None, 4, None, 3)) == (None, 4 + 2 * padding, None, 3)
    assert networks.ReflectionPadding2D.from_config(layer.get_config()).padding == padding


def test_sources_may_have_other_channels_and_maps_may_be_enlarged_by_transposed_convolutions():
    generator, discriminator = networks.cycle_gan_pair(
        (8, 12, 3), source_shape=(8, 12, 1), width=2, residual_blocks=0, upsampling="transposed", packing=2
    )
    assert generator.output_shape == [(None, 8, 12, 3), (None, 8, 12, 1)]
    assert discriminator.input_shape == [(None, 8, 12, 2), (None, 8, 12, 6)]
    kinds = [type(layer).__name__ for layer in generator.get_layer("backward").layers]
    assert (kinds.count("Conv2DTranspose"), kinds.count("UpSampling2D")) == (2, 0)


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((10, 8, 1), {}, r"multiples of 4 from 8 on. Received: \(10, 8, 1\)"),
        ((4, 8, 1), {}, "multiples of 4 from 8 on"),
        ((8, 8, 1), {"source_shape": (8, 12, 1)}, "of the same height and width"),
        ((8,), {}, "Expected shape to be that of pictures"),
        ((8, 8, 1), {"residual_blocks": -1}, "Expected residual_blocks"),
        ((8, 8, 1), {"receptive_field": 20}, "Expected a receptive_field of 1, 16, 34"),
        ((8, 8, 1), {"num_classes": 3}, "Expected no classes, because these networks take pictures"),
    ],
)
def test_impossible_networks_are_refused(shape, arguments, message):
    with pytest.raises(InputError, match=message):
        networks.cycle_gan_pair(shape, **arguments)


def test_parts_keep_their_names_and_their_weights():
    forward, backward = (keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)]) for _ in range(2))
    both = networks.joined("generator", forward=forward, backward=backward)
    x, y = np.ones((2, 3)), np.zeros((2, 3))
    for made, expected in zip(both([x, y]), (forward(x), backward(y)), strict=True):
        np.testing.assert_array_equal(made, expected)
    assert both.get_layer("forward").weights == forward.weights


def test_parts_are_normalised_spectrally():
    _, discriminator = networks.cycle_gan_pair((8, 8, 1), width=2, residual_blocks=0, receptive_field=16)
    copy = networks.spectrally_normalized(discriminator, seed=0)
    for name in ("source_discriminator", "target_discriminator"):
        part, original = copy.get_layer(name), discriminator.get_layer(name)
        wrapped = [layer for layer in part.layers if isinstance(layer, keras.layers.SpectralNormalization)]
        assert [layer.layer.kernel.shape for layer in wrapped] == kernels(original)
        np.testing.assert_array_equal(wrapped[0].layer.kernel, original.layers[1].kernel)
