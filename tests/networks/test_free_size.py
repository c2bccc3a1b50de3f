"""Which sizes networks from pictures to pictures take, and that they compute the same in a copy for any size."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_gan_zoo as kgz
from keras_gan_zoo.core.free_size import FreeSize
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent import sampler
from keras_gan_zoo.networks.context_encoder import context_encoder_pair
from keras_gan_zoo.networks.free_size import free_size_of, of_any_size, reach_of
from keras_gan_zoo.networks.layers import ReflectionPadding2D
from keras_gan_zoo.networks.residual import cycle_gan_pair
from keras_gan_zoo.networks.spade import spade_pair
from keras_gan_zoo.networks.super_resolution import srresnet_pair
from keras_gan_zoo.networks.unet import unet_pair

SMALL = {"width": 1, "receptive_field": 1}
PLAIN = {"normalization": "none", **SMALL}


def of_dense_layers():
    pictures = keras.Input((4, 4, 1))
    return keras.Model(pictures, layers.Reshape((4, 4, 1))(layers.Dense(16)(layers.Flatten()(pictures))))


def of_one_size_made():
    """A network that makes 8x8 pixels of whatever it is given."""
    pictures = keras.Input((4, 4, 1))
    return keras.Model(pictures, layers.Resizing(8, 8)(pictures))


NETWORKS = {
    "unet": (lambda: unet_pair((16, 24, 1), depth=2, **SMALL)[0], FreeSize(4, 4)),
    "unet of all depth": (lambda: unet_pair((8, 16, 1), normalization="batch", **SMALL)[0], FreeSize(8, 8, 15)),
    "unet without normalisation": (lambda: unet_pair((16, 24, 1), depth=2, **PLAIN)[0], FreeSize(4, 4, 7)),
    "srresnet": (lambda: srresnet_pair((8, 16, 1), scale=2, width=1, residual_blocks=1)[0], FreeSize(1, 1, 10)),
    "srresnet, batch": (
        lambda: srresnet_pair((8, 8, 1), scale=4, width=1, residual_blocks=0, normalization="batch")[0],
        FreeSize(1, 1, 7),
    ),
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
    random = np.random.default_rng(0)
    for weight in network.trainable_variables:  # some of which start at zero
        weight.assign(random.normal(0, 0.3, weight.shape))
    copy, (height, width, channels) = of_any_size(network), network.input_shape[1:]
    pictures = random.uniform(-1, 1, (1, height, width, channels)).astype(np.float32)
    np.testing.assert_allclose(copy(pictures), network(pictures), atol=1e-6)
    factor = network.output_shape[1] // height
    for sides in ((found.least, found.least), (found.least + found.multiple, found.least)):
        assert copy(np.zeros((1, *sides, channels), np.float32)).shape[1:3] == tuple(factor * side for side in sides)


@pytest.mark.parametrize("name", [name for name, (_, size) in NETWORKS.items() if size and size.reach])
def test_the_reach_is_that_of_gradients(name):
    network = of_any_size(NETWORKS[name][0]())
    size = NETWORKS[name][1]
    for weight in network.trainable_variables:  # so that nothing is added to zero, and no unit is switched off
        weight.assign(np.full(weight.shape, 0.01))
    middle = 4 * -(-size.reach // size.multiple) * size.multiple
    block = slice(middle, middle + size.multiple)
    with tf.GradientTape() as tape:
        pictures = tf.fill((1, 2 * middle, size.multiple, 1), 0.1)
        tape.watch(pictures)
        made = network(pictures)
        factor = made.shape[1] // pictures.shape[1]
        total = tf.reduce_sum(made[:, factor * block.start : factor * block.stop])
    rows = np.flatnonzero(np.abs(tape.gradient(total, pictures)).max((0, 2, 3)))
    assert max(block.start - rows[0], rows[-1] + 1 - block.stop) == size.reach


def test_tiles_overlap_by_what_is_looked_at():
    assert FreeSize(4, 4, 6).tiles(28, 10) == [(0, 0, 8, 16), (0, 8, 16, 24), (8, 16, 24, 28), (16, 24, 28, 28)]
    assert FreeSize(4, 8, 0).tiles(12, 3) == [(0, 0, 4, 12), (0, 4, 8, 12), (0, 8, 12, 12)]


@pytest.mark.parametrize("name", ["unet without normalisation", "srresnet"])
def test_tiles_make_what_is_made_of_the_whole(name, monkeypatch):
    make, size = NETWORKS[name]
    variant = kgz.SRGAN if name == "srresnet" else kgz.Pix2Pix
    network, random = make(), np.random.default_rng(1)
    for weight in network.trainable_variables:
        weight.assign(random.normal(0, 0.3, weight.shape))
    judge = keras.Sequential([keras.Input(network.output_shape[1:]), layers.Flatten(), layers.Dense(1)])
    model = variant(network, judge, seed=0)
    most = max(8, *network.input_shape[1:3])
    given = random.uniform(-1, 1, (1, 2 * most + 4, most + 4, 1)).astype(np.float32)
    whole, sizes = model.translate(given), []
    made = model._examples_of
    monkeypatch.setattr(model, "_examples_of", lambda _, tile: sizes.append(tile.shape[1:3]) or made(None, tile))
    monkeypatch.setattr(sampler, "TILE", 8)
    np.testing.assert_allclose(model.translate(given), whole, atol=1e-6)
    assert len(sizes) == 3 * 2
    assert np.max(sizes) <= most + 2 * (size.reach + size.multiple)
    assert np.ptp(whole) > 0.5


def test_what_is_not_known_is_not_cut_into_tiles():
    pictures = keras.Input((None, None, 1))
    scaled = layers.Conv2D(1, 3, padding="same")(pictures)
    for made in (
        layers.GroupNormalization(groups=-1)(scaled),
        layers.Conv2D(1, 3)(scaled),
        layers.Add()([scaled, keras.ops.mean(scaled, axis=(1, 2), keepdims=True)]),
        layers.UpSampling2D(2, interpolation="bilinear")(scaled),
    ):
        assert reach_of(keras.Model(pictures, made), 1, (1, 1)) is None
    assert reach_of(keras.Model(pictures, layers.LeakyReLU()(scaled)), 1, (1, 1)) == 1


def test_sizes_say_what_they_are():
    size = FreeSize(4, 8)
    assert [size.fits(sides) for sides in ((8, 12), (4, 12), (8, 10))] == [True, False, False]
    assert str(size) == "whose sides are multiples of 4 from 8 on"
    assert str(FreeSize(4, 4)) == "whose sides are multiples of 4"
    assert str(FreeSize(1, 1)) == "of any height and width"
    assert FreeSize.from_dict(size.to_dict()) == size
    right = {"multiple": 4, "least": 8, "reach": 0}
    assert FreeSize.from_dict(right) == FreeSize(4, 8, 0)
    for wrong in ({"multiple": 0}, {"least": "8"}, {"reach": -1}, {"other": 1}):
        assert FreeSize.from_dict({**right, **wrong}) is None
    assert FreeSize.from_dict(None) is None


def test_reflections_are_not_wider_than_the_picture():
    assert ReflectionPadding2D(2).compute_output_shape((None, 3, None, 1)) == (None, 7, None, 1)
    with pytest.raises(InputError, match=r"more than 2 pixels a side, to pad them by reflection. Received: \(3, 2\)"):
        ReflectionPadding2D(2).compute_output_shape((None, 3, 2, 1))
