"""The networks between pictures: U-Nets, SRResNet, the painter of holes, and discriminators of patches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import context_encoder_pair, parts, spade_pair, srresnet_pair, unet_pair
from keras_gan_zoo.networks.patch import STRIDED, patch_discriminator


@pytest.mark.parametrize("side", STRIDED)
def test_a_score_depends_on_a_patch_of_the_said_size(side):
    whole = -(-(2 * side + 16) // 32) * 32
    judge = patch_discriminator((whole, whole, 1), None, 1, side, "none", 1, parts.seeds_of(0))
    picture = tf.Variable(np.random.default_rng(0).uniform(-1, 1, (1, whole, whole, 1)).astype(np.float32))
    with tf.GradientTape() as tape:
        scores = judge(picture)
        middle = scores[0, scores.shape[1] // 2, scores.shape[2] // 2, 0]
    slopes = tape.gradient(middle, picture).numpy()[0, ..., 0]
    for axis in range(2):
        touched = np.flatnonzero(np.abs(slopes).max(axis=axis))
        assert touched[-1] - touched[0] + 1 == side


def kinds(network):
    return [type(layer) for layer in network.layers]


def test_a_unet_joins_maps_of_the_same_size():
    generator, judge = unet_pair((32, 16, 3), source_shape=(32, 16, 2), width=4, receptive_field=34, seed=0)
    assert (generator.input_shape, generator.output_shape) == ((None, 32, 16, 2), (None, 32, 16, 3))
    assert [each.shape[1:] for each in judge.inputs] == [(32, 16, 3), (32, 16, 2)]
    joined = [layer.output.shape[1:] for layer in generator.layers if isinstance(layer, layers.Concatenate)]
    assert joined == [(4, 2, 32), (8, 4, 16), (16, 8, 8)]
    smallest = min(layer.output.shape[1] for layer in generator.layers if isinstance(layer, layers.Conv2D))
    assert smallest == 2  # half of 16 four times
    assert kinds(generator).count(layers.GroupNormalization) == 2 + 3


def test_no_instance_is_normalised_where_it_is_one_place():
    generator, judge = unet_pair((8, 8, 1), width=2, receptive_field=70, seed=0)
    for network in (generator, judge):
        normalised = [
            layer.output.shape[1:3] for layer in network.layers if isinstance(layer, layers.GroupNormalization)
        ]
        assert normalised
        assert (1, 1) not in normalised


def test_an_instance_is_normalised_alone():
    generator, _ = unet_pair((8, 8, 1), width=2, depth=2, seed=0)
    pictures = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32)
    together = generator(pictures, training=True)
    np.testing.assert_allclose(together[:1], generator(pictures[:1], training=False), atol=1e-6)


def test_the_papers_unet():
    arguments = {"normalization": "batch", "upsampling": "transposed", "dropout": 0.5}
    generator, judge = unet_pair((256, 256, 3), source_shape=(256, 256, 1), width=4, seed=0, **arguments)
    assert [layer.filters for layer in generator.layers if type(layer) is layers.Conv2D] == [4, 8, 16] + [32] * 5
    upwards = [layer.filters for layer in generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert upwards == [32] * 4 + [16, 8, 4, 3]
    assert min(layer.output.shape[1] for layer in generator.layers) == 1
    names = [kind.__name__ for kind in kinds(generator)]
    assert (names.count("Dropout"), names.count("BatchNormalization")) == (3, 6 + 7)
    convolutions = [layer for layer in judge.layers if isinstance(layer, layers.Conv2D)]
    assert [(layer.filters, layer.strides[0]) for layer in convolutions] == [
        (4, 2),
        (8, 2),
        (16, 2),
        (32, 1),
        (1, 1),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (12, 8, 3), "depth": 3}, r"multiples of 8, because depth=3\. .*, or choose a smaller depth"),
        ({"shape": (9, 8, 3)}, r"multiples of 2, because depth=1\. .*Resize them\.$"),
        ({"shape": (8, 8, 3), "source_shape": (4, 4, 3)}, r"height and width of the pictures that are made, \(8, 8\)"),
        ({"shape": (8,)}, r"Expected shape to be that of pictures, \(height"),
        ({"shape": (8, 8, 3), "receptive_field": 32}, "Expected a receptive_field of 1, 16, 34, 70, 142, 286 pixels"),
        ({"shape": (8, 8, 3), "normalization": "batches"}, "Did you mean 'batch'"),
        ({"shape": (8, 8, 3), "upsampling": "nearest_"}, "Did you mean 'nearest'"),
        ({"shape": (8, 8, 3), "num_classes": 3}, "Expected no classes, because these networks take pictures"),
        ({"shape": (8, 8, 3), "dropout": 1.0}, "Expected dropout to be a number"),
    ],
)
def test_impossible_unets_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        unet_pair(**arguments)


@pytest.mark.parametrize(("scale", "upsampling"), [(2, "nearest"), (4, "transposed"), (8, "nearest")])
def test_an_srresnet_enlarges(scale, upsampling):
    generator, judge = srresnet_pair(
        (16, 24, 3), scale=scale, width=2, residual_blocks=1, upsampling=upsampling, seed=0
    )
    assert generator.input_shape == (None, 16 // scale, 24 // scale, 3)
    assert generator.output_shape == (None, 16, 24, 3)
    assert len(judge.inputs) == 1  # it does not see the small picture
    with pytest.raises(InputError, match=f"multiples of the scale, {scale}"):
        srresnet_pair((16, 25, 3), scale=scale)
    for other in (3, 2.0):
        with pytest.raises(InputError, match=rf"Expected a scale of 2, 4, 8\. Received: {other}"):
            srresnet_pair((24, 24, 3), scale=other)


def test_an_srresnet_adds_to_the_enlarged_picture():
    small = np.random.default_rng(0).uniform(-1, 1, (2, 4, 6, 3)).astype(np.float32)
    enlarged = tf.image.resize(small, (8, 12), "bilinear")
    for is_added in (True, False):
        generator, _ = srresnet_pair((8, 12, 3), scale=2, width=2, residual_blocks=1, add_source=is_added, seed=0)
        if is_added:
            np.testing.assert_allclose(generator(small), enlarged, atol=1e-6)  # untrained
        last = [layer for layer in generator.layers if isinstance(layer, layers.Conv2D)][-1]
        last.kernel.assign(np.zeros(last.kernel.shape))
        last.bias.assign([0.5, 0.0, -0.5])
        shift = np.array([0.5, 0.0, -0.5])
        expected = np.clip(enlarged + shift, -1, 1) if is_added else np.tanh(0 * enlarged + shift)
        np.testing.assert_allclose(generator(small), expected, atol=1e-6)


@pytest.mark.parametrize("normalization", ["none", "batch", "instance"])
def test_residual_blocks_without_normalisation_add_nothing_at_first(normalization):
    generator, _ = srresnet_pair((8, 8, 3), scale=2, width=2, residual_blocks=2, normalization=normalization, seed=0)
    kernels = [layer.kernel for layer in generator.layers if isinstance(layer, layers.Conv2D)]
    is_zero = [not np.any(kernel) for kernel in kernels]  # first, two of each block, after the blocks, enlarging, last
    assert is_zero == [False, *[False, normalization == "none"] * 2, False, False, True]


@pytest.mark.parametrize("region", ["centre", (0, 0, 5, 3), (9, 1, 7, 18)])
def test_a_painter_makes_any_hole(region):
    generator, judge = context_encoder_pair((16, 20, 3), region=region, width=2, bottleneck_units=4, seed=0)
    hole = (8, 10, 3) if region == "centre" else (*region[2:], 3)
    assert generator.output_shape[1:] == judge.input_shape[1:] == hole
    assert keras.ops.shape(judge(np.zeros((2, *hole), np.float32))) == (2, 1)


def test_spade_sees_its_source_at_every_resolution():
    generator, judge = spade_pair((16, 32, 3), source_shape=(16, 32, 5), width=2, modulation_units=2, seed=0)
    pooled = [layer.output.shape[1:] for layer in generator.layers if isinstance(layer, layers.AveragePooling2D)]
    assert sorted(pooled) == [(4, 8, 5), (8, 16, 5)]
    assert generator.output_shape[1:] == (16, 32, 3)
    assert [each.shape[1:] for each in judge.inputs] == [(16, 32, 3), (16, 32, 5)]
    one_label = np.zeros((2, 16, 32, 5), np.float32)
    one_label[0, ..., 1] = one_label[1, ..., 2] = 1
    first, second = np.array(generator(one_label))
    assert np.abs(first - second).max() > 0.01  # which a normalisation after the first layer would make equal
    with pytest.raises(InputError, match="sides are multiples of 8 from 16, so that they can be halved 3 times"):
        spade_pair((8, 16, 3), depth=3)
    with pytest.raises(InputError, match=r"Expected sources of the height and width.*Received: \(8, 8, 1\)"):
        spade_pair((16, 16, 3), source_shape=(8, 8, 1))
