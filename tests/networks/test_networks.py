import ast
import inspect
import itertools
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError
from tests.equality import PAIRS, classes_of

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (12, 20, 2), (36, 100, 4), (8, 128, 3), (128, 128, 3)]


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("num_classes", [None, 5])
def test_dcgan_fits_any_allowed_image(shape, num_classes):
    generator, discriminator = networks.dcgan_pair(shape, 7, num_classes, width=2)
    labels = [keras.ops.array([0, 4])] if num_classes else []
    noise = keras.ops.zeros((2, 7))
    images = generator([noise, *labels] if labels else noise)
    assert images.shape == (2, *shape)
    assert discriminator([images, *labels] if labels else images).shape == (2, 1)


def test_dcgan_allows_every_side_that_is_a_multiple_of_four():
    for side in (8, 12, 16, 20, 24, 28, 32, 36, 44, 64, 84, 96, 100, 128):
        generator, discriminator = networks.dcgan_pair((side, 8, 1), 3, width=1)
        assert generator.output_shape[1:] == discriminator.input_shape[1:] == (side, 8, 1)


def test_dcgan_follows_the_guidelines():
    generator, discriminator = networks.dcgan_pair((28, 28, 1))
    for network in (generator, discriminator):
        assert not layers_of(network, (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D))
        assert len(layers_of(network, keras.layers.Dense)) == 1  # the projection of the noise; the scores
    enlarging = layers_of(generator, keras.layers.Conv2DTranspose)
    assert all(layer.strides == (2, 2) for layer in enlarging + layers_of(discriminator, keras.layers.Conv2D))
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds[-2:] == ["Conv2DTranspose", "Activation"]  # no normalisation on the output
    assert generator.layers[-1].activation is keras.activations.tanh
    assert len(layers_of(generator, keras.layers.ReLU)) == len(layers_of(generator, keras.layers.BatchNormalization))
    kinds = [type(layer).__name__ for layer in discriminator.layers]
    assert kinds[:3] == ["InputLayer", "Conv2D", "LeakyReLU"]  # none on the input
    assert len(layers_of(discriminator, keras.layers.BatchNormalization)) == kinds.count("Conv2D") - 1
    assert all(layer.negative_slope == 0.2 for layer in layers_of(discriminator, keras.layers.LeakyReLU))


def test_dcgan_starts_from_a_narrow_gaussian():
    generator, discriminator = networks.dcgan_pair((28, 28, 1), width=32, seed=0)
    for layer in itertools.chain(generator.layers, discriminator.layers):
        if hasattr(layer, "kernel"):
            assert np.std(layer.kernel) == pytest.approx(0.02, rel=0.15)


@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
@pytest.mark.parametrize("packing", [1, 2])
def test_conditional_dcgan_fits_any_allowed_image(shape, packing):
    sizes = {"width": 2, "generator_units": 3, "discriminator_units": 3, "packing": packing}
    generator, discriminator = networks.conditional_dcgan_pair(shape, 7, 5, **sizes)
    images = generator([keras.ops.zeros((2, 7)), keras.ops.array([0, 4])])
    assert images.shape == (2, *shape)
    packed = keras.ops.concatenate([images] * packing, axis=-1)
    labels = keras.ops.array([0, 4] if packing == 1 else [[0, 4], [4, 1]])
    assert discriminator([packed, labels]).shape == (2, 1)


def test_conditional_dcgan_has_the_kernels_of_the_released_model():
    """100 noise values, 10 labels beside every layer's input, 1024 units, 64 and 128 channels, 5x5."""
    shapes = [
        [layer.kernel.shape for layer in player.layers if hasattr(layer, "kernel")]
        for player in networks.conditional_dcgan_pair((28, 28, 1), 100, 10)
    ]
    assert shapes == [
        [(110, 1024), (1034, 7 * 7 * 128), (5, 5, 64, 138), (5, 5, 1, 74)],  # transposed: outputs before inputs
        [(5, 5, 11, 64), (5, 5, 74, 128), (7 * 7 * 128 + 10, 1024), (1034, 1)],
    ]


def test_conditional_dcgan_normalizes_and_bends_as_the_released_model_does():
    generator, discriminator = networks.conditional_dcgan_pair((8, 8, 1), 3, 2, width=2)
    for network, activation in ((generator, keras.layers.ReLU), (discriminator, keras.layers.LeakyReLU)):
        assert len(layers_of(network, activation)) == 3
    assert len(layers_of(generator, keras.layers.BatchNormalization)) == 3
    assert len(layers_of(discriminator, keras.layers.BatchNormalization)) == 2  # none on its first features
    assert all(layer.negative_slope == 0.2 for layer in layers_of(discriminator, keras.layers.LeakyReLU))
    assert generator.layers[-1].activation is keras.activations.tanh


@pytest.mark.parametrize("player", [0, 1])
@pytest.mark.parametrize("heard", range(4))
def test_conditional_dcgan_hears_the_label_in_every_layer(player, heard):
    network = networks.conditional_dcgan_pair((8, 8, 1), 3, 2, width=2, seed=0)[player]
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    for layer in layers:
        kernel = np.array(layer.kernel)
        inputs_first = np.moveaxis(kernel, -1 if isinstance(layer, keras.layers.Conv2DTranspose) else -2, 0)
        inputs_first[-2:] *= layer is layers[heard]  # in place; the labels are the last inputs
        layer.kernel.assign(kernel)
    one, other = np.asarray(network([np.ones((2, *network.input_shape[0][1:])), np.array([0, 1])]))
    assert np.abs(one - other).max() > 0


def test_maxout_pair_is_that_of_the_paper():
    generator, discriminator = networks.maxout_pair((28, 28, 1), seed=0)
    assert [layer.units for layer in layers_of(generator, keras.layers.Dense)] == [1200, 1200, 784]
    assert [(layer.units, layer.pieces) for layer in layers_of(discriminator, networks.Maxout)] == [(240, 5)] * 2
    assert [layer.rate for layer in layers_of(discriminator, keras.layers.Dropout)] == [0.2, 0.5, 0.5]
    limits = [float(np.abs(layer.kernel).max()) for layer in layers_of(generator, keras.layers.Dense)]
    assert limits == pytest.approx([0.05] * 3, rel=1e-3)  # uniform: the largest of many is near the limit
    assert float(np.abs(layers_of(discriminator, networks.Maxout)[0].dense.kernel).max()) == pytest.approx(
        0.005, rel=1e-3
    )


def test_maxout_is_the_largest_piece():
    layer = networks.Maxout(2, pieces=3)
    x = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    layer(x)
    layer.dense.bias.assign(np.arange(6.0))
    pieces = x @ np.asarray(layer.dense.kernel) + np.arange(6.0)
    np.testing.assert_allclose(layer(x), pieces.reshape(4, 3, 2).max(axis=1), rtol=1e-5)
    assert layer.compute_output_shape((None, 5)) == (None, 2)


def test_maxout_survives_its_config():
    layer = networks.Maxout(2, pieces=3, kernel_initializer="zeros")
    again = networks.Maxout.from_config(layer.get_config())
    assert (again.units, again.pieces) == (2, 3)
    assert isinstance(again.kernel_initializer, keras.initializers.Zeros)


@pytest.mark.parametrize("build", [networks.maxout_pair, networks.dcgan_pair, networks.conditional_dcgan_pair])
def test_the_seed_fixes_the_weights_and_nothing_else_does(build):
    keras.utils.set_random_seed(1)
    first = build((8, 8, 1), 3, 2, seed=5)
    keras.utils.set_random_seed(2)
    second, other = build((8, 8, 1), 3, 2, seed=5), build((8, 8, 1), 3, 2, seed=6)
    for player in range(2):
        for a, b in zip(first[player].weights, second[player].weights, strict=True):
            np.testing.assert_array_equal(a, b)
        assert any(not np.array_equal(a, b) for a, b in zip(first[player].weights, other[player].weights, strict=True))


def test_vectors_have_an_unbounded_output():
    generator, discriminator = networks.maxout_pair((2,), 3)
    assert generator.output_shape == (None, 2)
    assert generator.layers[-1].activation is keras.activations.linear
    assert not layers_of(discriminator, keras.layers.Dropout)


def test_output_layers_stay_in_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        pairs = [
            networks.maxout_pair((8, 8, 1), 3, generator_units=4),
            networks.dcgan_pair((8, 8, 1), 3, width=2),
            networks.conditional_dcgan_pair((8, 8, 1), 3, 2, width=2),
        ]
    finally:
        keras.config.set_dtype_policy("float32")
    for generator, discriminator in pairs:
        assert generator.outputs[0].dtype == discriminator.outputs[0].dtype == "float32"


@pytest.mark.parametrize("shape", [(28, 28), (30, 28, 1), (4, 4, 1), (132, 8, 1), (28, 28, 5), (2,)], ids=str)
def test_other_shapes_are_refused_by_name(shape):
    with pytest.raises(InputError, match="multiples of 4 from 8 to 128"):
        networks.dcgan_pair(shape)
    with pytest.raises(InputError, match="multiples of 4 from 8 to 128"):
        networks.conditional_dcgan_pair(shape, num_classes=2)


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def plain(network):
    """The configurations of a network's layers, without the names that Keras numbers."""
    return [
        plain(layer) if isinstance(layer, keras.Model) else {**layer.get_config(), "name": ""}
        for layer in network.layers
    ]


def ones_for(network):
    """Numbers for all inputs of a network, labels among them."""
    given = [np.ones((2, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs]
    return given if len(given) > 1 else given[0]


IMAGES_ONLY = ("dcgan", "conditional_dcgan", "resnet", "biggan", "r3gan", "text_dcgan", "stackgan", "bigan", "vae")
FOR_IMAGES = (*IMAGES_ONLY, *networks.BETWEEN_PICTURES)
FOR_BOTH = [(name, shape) for name in networks.ARCHITECTURES for shape in ((16, 8, 2), (6,))]


@pytest.mark.parametrize(
    ("architecture", "shape"), [each for each in FOR_BOTH if each[0] not in FOR_IMAGES or len(each[1]) == 3]
)
def test_the_data_format_of_keras_json_changes_nothing(architecture, shape, request):
    build = networks.ARCHITECTURES[architecture]
    classes = classes_of(architecture)
    packing = {"packing": 2} if architecture in PAIRS else {}
    usual = build(shape, 64, classes, **packing, seed=0)
    request.getfixturevalue("channels_first")
    others = build(shape, 64, classes, **packing, seed=0)
    for one, other in zip(usual, others, strict=True):
        assert plain(one) == plain(other)
        made = (keras.tree.flatten(network(ones_for(network))) for network in (one, other))
        for first, second in zip(*made, strict=True):
            np.testing.assert_array_equal(first, second)


def test_every_layer_of_the_package_says_its_data_format():
    """A layer that takes a data format and is not given one is found, in whatever file."""
    kinds = [kind for kind in vars(keras.layers).values() if isinstance(kind, type)]
    takers = {kind.__name__ for kind in kinds if "data_format" in inspect.signature(kind).parameters}
    assert {"Flatten", "Conv2D"} <= takers
    found = []
    for path in Path(networks.__file__).parents[1].rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(call.func).rpartition(".") if isinstance(call, ast.Call) else ("", "", "")
            if name[0].endswith("layers") and name[2] in takers:
                said = ast.unparse(call)
                found += [] if "data_format=" in said or "channels_last" in said else [f"{path.name}: {said}"]
    assert not found
