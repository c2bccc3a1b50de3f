import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo import networks
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import ConditioningAugmentation

TINY = {"text_dim": 5, "text_units": 3, "width": 2, "seed": 0}


@pytest.fixture
def augmentation():
    """A layer with 2 units whose means and log variances are known: its bias, because the kernel is zero."""
    layer = ConditioningAugmentation(2, weight=3.0)
    layer.build([(None, 4), (None, 2)])
    layer.dense.kernel.assign(np.zeros((4, 4)))
    layer.dense.bias.assign([0.5, -1.0, 0.8, -1.2])
    return layer


def divergence(mean, log_variance):
    """The divergence of a normal distribution from the standard one, by the trapezoidal rule."""
    x = np.linspace(-30, 30, 100_001)
    std = np.exp(log_variance / 2)
    log_q = -0.5 * ((x - mean) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)
    log_p = -0.5 * x**2 - 0.5 * np.log(2 * np.pi)
    return np.trapezoid(np.exp(log_q) * (log_q - log_p), x)


def mean_divergence(bias):
    return np.mean([divergence(bias[0], bias[2]), divergence(bias[1], bias[3])])


def test_conditions_are_drawn_around_the_mean_by_the_given_numbers():
    layer, random = ConditioningAugmentation(3), np.random.default_rng(0)
    h, epsilon = random.standard_normal((5, 4), np.float32), random.standard_normal((5, 3), np.float32)
    layer([h, epsilon])
    layer.dense.set_weights([random.standard_normal((4, 6)), random.standard_normal(6)])
    features = h @ np.array(layer.dense.kernel) + np.array(layer.dense.bias)
    expected = features[:, :3] + np.sqrt(np.exp(features[:, 3:])) * epsilon
    np.testing.assert_allclose(layer([h, epsilon]), expected, rtol=1e-5, atol=1e-6)
    assert not layer.losses


def test_the_divergence_is_the_integral_and_so_is_its_gradient(augmentation):
    with tf.GradientTape() as tape:
        augmentation([np.ones((7, 4), np.float32), np.ones((7, 2), np.float32)], training=True)
        [loss] = augmentation.losses
    bias = np.array(augmentation.dense.bias, np.float64)
    assert float(loss) == pytest.approx(3 * mean_divergence(bias), rel=1e-5)
    steps = 1e-4 * np.eye(4)
    slopes = [(mean_divergence(bias + step) - mean_divergence(bias - step)) / 2e-4 for step in steps]
    np.testing.assert_allclose(tape.gradient(loss, augmentation.dense.bias), 3 * np.array(slopes), rtol=1e-4)


def test_a_layer_that_is_not_trained_has_no_loss(augmentation):
    given = [np.ones((1, 4), np.float32), np.ones((1, 2), np.float32)]
    augmentation(given, training=False)
    assert not augmentation.losses
    augmentation.trainable = False
    augmentation(given, training=True)
    assert not augmentation.losses


def test_augmentation_survives_its_config():
    layer = ConditioningAugmentation(3, weight=0.5, kernel_initializer="zeros")
    again = ConditioningAugmentation.from_config(layer.get_config())
    assert (again.units, again.weight) == (3, 0.5)
    assert isinstance(again.kernel_initializer, keras.initializers.Zeros)


@pytest.mark.parametrize(("arguments", "words"), [((0,), "units"), ((2, -1.0), "weight")])
def test_impossible_arguments_of_the_augmentation_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        ConditioningAugmentation(*arguments)


@pytest.mark.parametrize(("shape", "packing"), [((8, 8, 1), 1), ((28, 28, 1), 2), ((36, 100, 4), 1)])
def test_the_first_stage_fits_any_allowed_image(shape, packing):
    generator, discriminator = networks.stackgan_pair(shape, 7, packing=packing, **TINY)
    assert generator.input_shape == [(None, 7), (None, 5)]
    assert generator.output_shape == (None, *shape)
    assert discriminator.input_shape == [(None, *shape[:-1], packing * shape[-1]), (None, packing * 5)]


@pytest.mark.parametrize(
    ("shape", "first_shape", "smallest"),
    [
        ((64, 64, 3), (16, 16, 3), (16, 16)),
        ((72, 40, 3), (36, 20, 3), (9, 5)),
        ((8, 8, 1), (8, 8, 1), (8, 8)),
    ],
    ids=str,
)
def test_the_second_stage_joins_picture_and_text_at_16_pixels_or_less(shape, first_shape, smallest):
    refiner, discriminator = networks.stackgan_pair(shape, 7, first_shape=first_shape, **TINY)
    assert refiner.input_shape == [(None, *first_shape), (None, 7), (None, 5)]
    assert refiner.output_shape == discriminator.input_shape[0] == (None, *shape)
    maps = [layer.output.shape[1:3] for layer in refiner.layers if isinstance(layer, keras.layers.Conv2D)]
    assert min(maps) == smallest


def test_maps_are_enlarged_by_repeated_pixels_and_3x3_kernels():
    generator, _ = networks.stackgan_pair((32, 32, 3), 7, **TINY)
    refiner, _ = networks.stackgan_pair((64, 64, 3), 7, first_shape=(32, 32, 3), residual_blocks=3, **TINY)
    for network, enlargements in ((generator, 3), (refiner, 2)):
        kinds = [type(layer).__name__ for layer in network.layers]
        assert "Conv2DTranspose" not in kinds
        enlarging = [layer for layer in network.layers if isinstance(layer, keras.layers.UpSampling2D)]
        assert [layer.interpolation for layer in enlarging if layer.size == (2, 2)] == ["nearest"] * enlargements
        kernels = {layer.kernel_size for layer in network.layers if isinstance(layer, keras.layers.Conv2D)}
        assert kernels == ({(3, 3)} if network is generator else {(3, 3), (4, 4)})
        assert network.layers[-1].activation is keras.activations.tanh
    assert len([layer for layer in refiner.layers if isinstance(layer, keras.layers.Add)]) == 3


def test_the_last_numbers_of_the_noise_are_those_of_the_augmentation():
    generator, _ = networks.stackgan_pair((8, 8, 1), 7, **TINY)
    [augmentation] = [layer for layer in generator.layers if isinstance(layer, ConditioningAugmentation)]
    augmentation.dense.bias.assign([0.0] * 3 + [-100.0] * 3)  # a variance of zero: they no longer matter
    noise = np.random.default_rng(0).standard_normal((2, 7))
    other = np.concatenate([noise[:, :4], noise[:, 4:] + 1], axis=1)
    first = np.array(generator([noise, np.ones((2, 5))]))
    np.testing.assert_array_equal(first, generator([other, np.ones((2, 5))]))
    assert np.abs(first - generator([noise + 1, np.ones((2, 5))])).max() > 0


def test_all_noise_may_be_that_of_the_augmentation():
    generator, _ = networks.stackgan_pair((8, 8, 1), 3, **TINY)
    assert generator([np.zeros((2, 3)), np.zeros((2, 5))]).shape == (2, 8, 8, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latent_dim": 2}, "latent_dim of at least text_units=3"),
        ({"num_classes": 4}, "no classes"),
        ({"first_shape": (128, 128, 3)}, r"smaller\. Received: \(128, 128, 3\)"),
        ({"first_shape": (24, 24, 3)}, r"smaller\. Received: \(24, 24, 3\)"),
        ({"first_shape": (32, 16, 3)}, r"smaller\. Received: \(32, 16, 3\)"),
        ({"first_shape": (32, 32, 1)}, "3 channels"),
        ({"first_shape": (9,)}, "multiples of 4"),
        ({"residual_blocks": -1}, "residual_blocks"),
        ({"kl_weight": -1}, "weight"),
    ],
)
def test_impossible_pairs_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        networks.stackgan_pair((64, 64, 3), **{**TINY, **options})


@pytest.mark.parametrize("first_shape", [None, (8, 8, 1)])
def test_output_layers_stay_in_float32_under_mixed_precision(first_shape):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        pair = networks.stackgan_pair((16, 16, 1), 7, first_shape=first_shape, **TINY)
    finally:
        keras.config.set_dtype_policy("float32")
    assert [network.outputs[0].dtype for network in pair] == ["float32"] * 2
    given = [np.zeros((2, *tensor.shape[1:]), np.float32) for tensor in pair[0].inputs]
    pair[0](given, training=True)
    assert [loss.dtype.name for loss in pair[0].losses] == ["float32"]


TEXT_PAIRS = pytest.mark.parametrize("pair", [networks.text_dcgan_pair, networks.stackgan_pair])


def _scaled(network, training=False) -> np.ndarray:
    """What a network makes of vectors of length 1 first."""
    [text] = [tensor for tensor in network.inputs if tensor.name.startswith("condition")]
    vectors = np.random.default_rng(0).standard_normal((2, 64, 512)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    last = next((layer for layer in network.layers if isinstance(layer, networks.Dropout)), None)
    last = last or next(layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling))
    packed = np.concatenate(vectors[: text.shape[-1] // 512], axis=-1)
    return np.array(keras.Model(text, last.output)(packed, training=training))


@TEXT_PAIRS
@pytest.mark.parametrize("packing", [1, 2])
def test_vectors_of_length_1_are_scaled_to_a_variance_of_1(pair, packing):
    generator, discriminator = pair((8, 8, 3), width=2, packing=packing, seed=0)
    assert _scaled(generator).var() == pytest.approx(1, abs=0.01)
    assert _scaled(discriminator).var() == pytest.approx(1, abs=0.01)


@TEXT_PAIRS
def test_dropout_of_texts_is_in_both_networks_and_may_be_left_out(pair):
    for network in pair((8, 8, 3), width=2, text_dropout=0.5, seed=0):
        assert np.mean(_scaled(network, training=True) == 0) == pytest.approx(0.5, abs=0.02)
    for network in pair((8, 8, 3), width=2, text_dropout=0, seed=0):
        assert not any(isinstance(layer, keras.layers.Dropout) for layer in network.layers)
        assert np.all(_scaled(network, training=True) != 0)


@TEXT_PAIRS
def test_dropout_of_texts_is_a_rate(pair):
    with pytest.raises(InputError, match=r"Expected text_dropout .*Received: 1"):
        pair((8, 8, 3), text_dropout=1)


@TEXT_PAIRS
def test_the_discriminator_of_texts_is_normalised_only_if_asked(pair):
    kinds = {"none": (), "batch": keras.layers.BatchNormalization, "layer": keras.layers.LayerNormalization}
    for name, kind in {**kinds, None: ()}.items():
        asked = {} if name is None else {"discriminator_normalization": name}
        _, discriminator = pair((16, 16, 3), width=2, **asked)
        normalizations = [layer for layer in discriminator.layers if "Normalization" in type(layer).__name__]
        assert len(normalizations) == (2 if kind else 0)  # after the second convolution, and that of 1x1
        assert all(isinstance(layer, kind) for layer in normalizations)
        convolutions = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
        assert [layer.use_bias for layer in convolutions] == [True, not kind, not kind]
    with pytest.raises(InputError, match="discriminator_normalization 'instance'"):
        pair((16, 16, 3), discriminator_normalization="instance")


@TEXT_PAIRS
def test_the_score_has_the_inner_product_of_text_and_image(pair):
    _, discriminator = pair((8, 8, 3), **TINY)
    [dot] = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Dot)]
    of_image, of_text = (each._keras_history.operation for each in dot.input)
    parts = {"features": of_image.input, "inner": dot.output, "before": discriminator.get_layer("scores").output}
    random = np.random.default_rng(0)
    images, vectors = random.uniform(-1, 1, (4, 8, 8, 3)), random.standard_normal((4, 5))
    seen = keras.Model(discriminator.inputs, parts)([images, vectors])
    left = np.array(seen["features"]) @ np.array(of_image.kernel) + np.array(of_image.bias)
    right = vectors * np.sqrt(5) @ np.array(of_text.kernel)
    np.testing.assert_allclose(seen["inner"][:, 0], (left * right).sum(axis=1), rtol=1e-4, atol=1e-7)
    scores = discriminator([images, vectors])
    np.testing.assert_allclose(scores, seen["before"] + seen["inner"], rtol=1e-5)
    assert np.abs(seen["inner"]).max() > 0
    _, without = pair((8, 8, 3), projection=False, **TINY)
    assert not [layer for layer in without.layers if isinstance(layer, keras.layers.Dot)]
