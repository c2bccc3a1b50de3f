"""Which sizes networks from pictures to pictures take, and that they compute the same in a copy for any size."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_gan_zoo.core.free_size import FreeSize
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks.context_encoder import context_encoder_pair
from keras_gan_zoo.networks.free_size import free_size_of, of_any_size
from keras_gan_zoo.networks.layers import ReflectionPadding2D
from keras_gan_zoo.networks.residual import cycle_gan_pair
from keras_gan_zoo.networks.spade import spade_pair
from keras_gan_zoo.networks.super_resolution import srresnet_pair
from keras_gan_zoo.networks.unet import unet_pair

SMALL = {"width": 1, "receptive_field": 1}


def of_dense_layers():
    pictures = keras.Input((4, 4, 1))
    return keras.Model(pictures, layers.Reshape((4, 4, 1))(layers.Dense(16)(layers.Flatten()(pictures))))


def of_one_size_made():
    """A network that makes 8x8 pixels of whatever it is given."""
    pictures = keras.Input((4, 4, 1))
    return keras.Model(pictures, layers.Resizing(8, 8)(pictures))


NETWORKS = {
    "unet": (lambda: unet_pair((16, 24, 1), depth=2, **SMALL)[0], FreeSize(4, 4)),
    "unet of all depth": (lambda: unet_pair((8, 16, 1), normalization="batch", **SMALL)[0], FreeSize(8, 8)),
    "srresnet": (lambda: srresnet_pair((8, 16, 1), scale=2, width=1, residual_blocks=1)[0], FreeSize(1, 1)),
    "cycle_gan": (
        lambda: cycle_gan_pair((12, 16, 1), residual_blocks=1, **SMALL)[0].get_layer("forward"),
        FreeSize(4, 8),
    ),
    "spade": (lambda: spade_pair((8, 16, 1), depth=1, modulation_units=1, **SMALL)[0], FreeSize(2, 2)),
    "context_encoder": (lambda: context_encoder_pair((8, 8, 1), width=1, bottleneck_units=1)[0], None),
    "dense layers": (of_dense_layers, None),
    "one size made": (of_one_size_made, None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_take_the_sizes_in_which_their_maps_meet(name):
    make, expected = NETWORKS[name]
    network = make()
    found = free_size_of(network)
    assert found == expected
    if found is None:
        return
    copy, (height, width, channels) = of_any_size(network), network.input_shape[1:]
    pictures = np.random.default_rng(0).uniform(-1, 1, (1, height, width, channels)).astype(np.float32)
    np.testing.assert_allclose(copy(pictures), network(pictures), atol=1e-6)
    factor = network.output_shape[1] // height
    for sides in ((found.least, found.least), (found.least + found.multiple, found.least)):
        assert copy(np.zeros((1, *sides, channels), np.float32)).shape[1:3] == tuple(factor * side for side in sides)


def test_sizes_say_what_they_are():
    size = FreeSize(4, 8)
    assert [size.fits(sides) for sides in ((8, 12), (4, 12), (8, 10))] == [True, False, False]
    assert str(size) == "whose sides are multiples of 4 from 8 on"
    assert str(FreeSize(4, 4)) == "whose sides are multiples of 4"
    assert str(FreeSize(1, 1)) == "of any height and width"
    assert FreeSize.from_dict(size.to_dict()) == size
    for other in (None, [4, 8], {"multiple": 4}, {"multiple": 4, "least": 0}, {"multiple": 4, "least": "8"}):
        assert FreeSize.from_dict(other) is None


def test_reflections_are_not_wider_than_the_picture():
    assert ReflectionPadding2D(2).compute_output_shape((None, 3, None, 1)) == (None, 7, None, 1)
    with pytest.raises(InputError, match=r"more than 2 pixels a side, to pad them by reflection. Received: \(3, 2\)"):
        ReflectionPadding2D(2).compute_output_shape((None, 3, 2, 1))
