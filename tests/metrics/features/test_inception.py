"""The Inception of published FIDs: against torch-fidelity's, against Keras' own, and what files of weights may be."""

import hashlib
import importlib.util
import re
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features import inception, inception_weights

# Each block of the graph, and what torch-fidelity calls it.
KINDS = {
    "A": {
        "conv": "branch1x1",
        "tower/conv": "branch5x5_1",
        "tower/conv_1": "branch5x5_2",
        "tower_1/conv": "branch3x3dbl_1",
        "tower_1/conv_1": "branch3x3dbl_2",
        "tower_1/conv_2": "branch3x3dbl_3",
        "tower_2/conv": "branch_pool",
    },
    "B": {
        "conv": "branch3x3",
        "tower/conv": "branch3x3dbl_1",
        "tower/conv_1": "branch3x3dbl_2",
        "tower/conv_2": "branch3x3dbl_3",
    },
    "C": {
        "conv": "branch1x1",
        "tower/conv": "branch7x7_1",
        "tower/conv_1": "branch7x7_2",
        "tower/conv_2": "branch7x7_3",
        "tower_1/conv": "branch7x7dbl_1",
        "tower_1/conv_1": "branch7x7dbl_2",
        "tower_1/conv_2": "branch7x7dbl_3",
        "tower_1/conv_3": "branch7x7dbl_4",
        "tower_1/conv_4": "branch7x7dbl_5",
        "tower_2/conv": "branch_pool",
    },
    "D": {
        "tower/conv": "branch3x3_1",
        "tower/conv_1": "branch3x3_2",
        "tower_1/conv": "branch7x7x3_1",
        "tower_1/conv_1": "branch7x7x3_2",
        "tower_1/conv_2": "branch7x7x3_3",
        "tower_1/conv_3": "branch7x7x3_4",
    },
    "E": {
        "conv": "branch1x1",
        "tower/conv": "branch3x3_1",
        "tower/mixed/conv": "branch3x3_2a",
        "tower/mixed/conv_1": "branch3x3_2b",
        "tower_1/conv": "branch3x3dbl_1",
        "tower_1/conv_1": "branch3x3dbl_2",
        "tower_1/mixed/conv": "branch3x3dbl_3a",
        "tower_1/mixed/conv_1": "branch3x3dbl_3b",
        "tower_2/conv": "branch_pool",
    },
}
BLOCKS = zip(
    ["mixed", *(f"mixed_{number}" for number in range(1, 11))],
    ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"],
    "AAABCCCCDEE",
    strict=True,
)
STEM = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
TORCH_NAMES = dict(zip(["conv", "conv_1", "conv_2", "conv_3", "conv_4"], STEM, strict=True)) | {
    f"{block}/{conv}": f"Mixed_{theirs}.{name}" for block, theirs, kind in BLOCKS for conv, name in KINDS[kind].items()
}


@pytest.fixture(scope="module")
def weights():
    """Random constants under the names of the graph, which keep activations of ordinary size."""
    random = np.random.default_rng(0)
    shapes = {name: tuple(variable.shape) for name, variable in inception.constants(inception.build()).items()}

    def draw(name, shape):
        if name.endswith("moving_variance"):
            return random.uniform(0.5, 1.5, shape)
        scale = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1
        return random.normal(0, scale, shape)

    return {name: draw(name, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def model(weights):
    model = inception.build()
    for name, variable in inception.constants(model).items():
        variable.assign(weights[name])
    return model


@pytest.fixture(scope="module")
def spare():
    """A second network, built as in a program that trains in mixed precision."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return inception.build()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.fixture
def built(spare, monkeypatch):
    """`load` fills one and the same model, emptied before, because building takes seconds."""
    for variable in spare.weights:
        variable.assign(np.zeros(variable.shape))
    monkeypatch.setattr(inception, "build", lambda: spare)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def outputs(model, pixels):
    return outputs_of(model, pixels)


@pytest.fixture(scope="module")
def graph_file(weights, tmp_path_factory):
    return write_graph(tmp_path_factory.mktemp("graph") / inception_weights.GRAPH_FILE, weights)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GAN_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def outputs_of(model, pixels):
    return model.predict_on_batch(inception.prepare(pixels))


def write_graph(path, weights, changes=()):
    """A frozen graph as TensorFlow writes one: with a scale beside each offset, and nodes that are no constants."""
    scales = {name.replace("/beta", "/gamma"): value * 0 + 1 for name, value in weights.items() if "beta" in name}
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="pool_3", op="AvgPool")
    for name, value in {**weights, **scales, **dict(changes)}.items():
        if value is not None:
            node = graph.node.add(name=name, op="Const")
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    path.write_bytes(graph.SerializeToString())
    return path


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def relative(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def test_every_weight_of_the_graph_has_its_place(model, weights):
    convolutions = {name.removesuffix("/conv2d_params") for name in weights if name.endswith("/conv2d_params")}
    assert convolutions == set(TORCH_NAMES)
    assert len(weights) == 4 * 94 + 2
    assert len(model.weights) == len(weights)
    # Keras' InceptionV3 has 23,851,784 parameters; 1008 classes instead of 1000 make eight rows of 2048 + 1 more.
    assert model.count_params() == 23_851_784 + 8 * 2049
    assert not model.trainable_weights


@pytest.fixture(scope="module")
def oracle(weights, tmp_path_factory):
    """torch-fidelity's network with the same weights."""
    torch = pytest.importorskip("torch", reason="the oracle is written in PyTorch")
    spec = importlib.util.find_spec("torch_fidelity")
    if spec is None:
        pytest.skip("torch-fidelity is the oracle")
    state = {"fc.weight": weights["softmax/weights"].T, "fc.bias": weights["softmax/biases"]}
    for ours, theirs in TORCH_NAMES.items():
        state |= {
            f"{theirs}.conv.weight": weights[f"{ours}/conv2d_params"].transpose(3, 2, 0, 1),
            f"{theirs}.bn.weight": np.ones_like(weights[f"{ours}/batchnorm/beta"]),
            f"{theirs}.bn.bias": weights[f"{ours}/batchnorm/beta"],
            f"{theirs}.bn.running_mean": weights[f"{ours}/batchnorm/moving_mean"],
            f"{theirs}.bn.running_var": weights[f"{ours}/batchnorm/moving_variance"],
            f"{theirs}.bn.num_batches_tracked": np.array(0),
        }
    path = tmp_path_factory.mktemp("oracle") / "weights.pth"
    torch.save({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()}, path)
    with pytest.MonkeyPatch.context() as patch:
        # Importing the package would import torchvision, which the one module we need does not use.
        package = types.ModuleType("torch_fidelity")
        package.__path__ = list(spec.submodule_search_locations)
        patch.setitem(sys.modules, "torch_fidelity", package)
        module = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    network = module.FeatureExtractorInceptionV3("oracle", ["2048", "logits_unbiased", "logits"], str(path))
    return lambda pixels: [x.numpy() for x in network(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()))]


@pytest.mark.parametrize("side", [64, pytest.param(299, marks=pytest.mark.slow)])
def test_equals_torch_fidelity(model, oracle, side):
    pixels = np.random.default_rng(side).integers(0, 256, (2, side, side, 3), np.uint8)
    features, unbiased, logits = oracle(pixels)
    ours = outputs_of(model, pixels)
    assert relative(ours["features"], features) < 1e-5
    assert relative(ours["logits"], logits) < 1e-5
    assert relative(ours["logits"] - model.get_layer("softmax").bias.numpy(), unbiased) < 1e-5


@pytest.mark.slow
def test_equals_the_inception_of_keras_but_for_the_last_pooling(weights, model, pixels):
    theirs = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(299, 299, 3))

    def as_written(kind):  # conv2d, conv2d_1, ...: the order in which both write their branches
        found = [layer for layer in theirs.layers if type(layer) is kind]
        return sorted(found, key=lambda layer: int(re.search(r"\d*$", layer.name.removeprefix("conv2d"))[0] or 0))

    convolutions, normalizations = as_written(keras.layers.Conv2D), as_written(keras.layers.BatchNormalization)
    for ours, conv, norm in zip(TORCH_NAMES, convolutions, normalizations, strict=True):
        conv.set_weights([weights[f"{ours}/conv2d_params"]])
        norm.set_weights([weights[f"{ours}/batchnorm/{x}"] for x in ("beta", "moving_mean", "moving_variance")])

    def joined(network, *names):
        return keras.Model(network.input, [network.get_layer(name).output for name in names])(inception.prepare(pixels))

    a, b = (joined(model, "mixed_9.join", "mixed_10.join"), joined(theirs, "mixed9", "mixed10"))
    np.testing.assert_allclose(a[0], b[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(a[1][..., :-192], b[1][..., :-192], rtol=1e-4, atol=1e-5)
    assert np.abs(a[1][..., -192:] - b[1][..., -192:]).max() > 0.01  # the branch that takes the maximum


@pytest.mark.parametrize(("height", "width", "side"), [(64, 48, 299), (299, 299, 299), (512, 700, 299), (5, 3, 8)])
def test_resizes_as_tensorflow_1_did(height, width, side):
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, 3)).astype(np.float64)

    def between(size):
        place = np.arange(side, dtype=np.float32) * (np.float32(size) / np.float32(side))  # as exact as TensorFlow is
        low = np.floor(place).astype(int)
        return low, np.minimum(low + 1, size - 1), place - low

    top, bottom, down = between(height)
    left, right, along = between(width)
    rows = images[:, top] + (images[:, bottom] - images[:, top]) * down[:, None, None]
    expected = rows[:, :, left] + (rows[:, :, right] - rows[:, :, left]) * along[:, None]

    result = inception.resize(images, side).numpy()
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-4)
    first = tf.compat.v1.image.resize_bilinear(images.astype(np.float32), (side, side), align_corners=False)
    np.testing.assert_array_equal(result, first)


def test_prepares_pixels_as_the_graph_does():
    pixels = np.full((1, 10, 10, 3), [0, 128, 255], np.uint8)
    np.testing.assert_array_equal(inception.prepare(pixels)[0, 7, 7], [-1, 0, 127 / 128])
    with pytest.raises(InputError, match=r"shape \(n, height, width, 3\). Received: \(1, 28, 28, 1\)"):
        inception.prepare(np.zeros((1, 28, 28, 1)))


def test_precision_is_that_of_the_metric_not_of_the_training(spare, weights, pixels, outputs):
    for name, variable in inception.constants(spare).items():
        variable.assign(weights[name])
    np.testing.assert_array_equal(outputs_of(spare, pixels)["features"], outputs["features"])


def test_reads_the_frozen_graph(built, graph_file, pixels, outputs):
    model, digest = inception_weights.load(graph_file)
    assert digest == sha256_of(graph_file)
    for name, value in outputs_of(model, pixels).items():
        np.testing.assert_array_equal(value, outputs[name])


def test_reads_keras_weights_from_the_cache(built, model, cache, pixels, outputs):
    cache.mkdir()
    model.save_weights(cache / inception_weights.KERAS_FILE)
    loaded, digest = inception_weights.load()
    assert digest == sha256_of(cache / inception_weights.KERAS_FILE)
    np.testing.assert_array_equal(outputs_of(loaded, pixels)["features"], outputs["features"])


def test_other_keras_weights_are_refused(built, cache):
    cache.mkdir()
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(cache / inception_weights.KERAS_FILE)
    with pytest.raises(InputError, match=r"Expected Keras weights .* Received: .*\.weights\.h5 \("):
        inception_weights.load()
    whole = (cache / inception_weights.KERAS_FILE).read_bytes()
    (cache / inception_weights.KERAS_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"Expected Keras weights .* Received: .*\.weights\.h5 \("):
        inception_weights.load()


def test_a_missing_file_is_asked_for_by_name_and_place(cache):
    with pytest.raises(InputError) as caught:
        inception_weights.load()
    for part in ("classify_image_graph_def.pb", str(cache), inception_weights.ARCHIVE_URL):
        assert part in str(caught.value)
    with pytest.raises(InputError, match="where there is no file"):
        inception_weights.load(cache / "nowhere.pb")


def test_the_graph_in_the_cache_must_be_the_published_one(built, cache, graph_file):
    cache.mkdir()
    (cache / inception_weights.GRAPH_FILE).symlink_to(graph_file)
    with pytest.raises(InputError, match=f"SHA-256 {inception_weights.GRAPH_SHA256}. Received"):
        inception_weights.load()
    assert inception_weights.load(sha256=sha256_of(graph_file))[1] == sha256_of(graph_file)


def test_a_url_is_fetched_and_checked(built, cache, graph_file, tmp_path):
    source = tmp_path / "copy.pb"
    source.write_bytes(graph_file.read_bytes())
    url, digest = source.as_uri(), sha256_of(source)
    wrong = digest[::-1]
    with pytest.raises(InputError, match=f"{source} with SHA-256 {wrong}. Received: {digest}"):
        inception_weights.load(url, wrong)
    assert inception_weights.load(url, digest.upper())[1] == digest


@pytest.mark.parametrize(
    ("url", "sha256", "message"),
    [
        ("https://example.org/a.pb", None, "Expected the SHA-256"),
        ("http://example.org/a.pb", "0" * 64, "https:// or file://"),
        ("https://example.org/a.pth", "0" * 64, "Received 'a.pth'"),
        ("weights.pth", None, "Received 'weights.pth'"),
    ],
)
def test_what_may_not_be_fetched_or_read(url, sha256, message):
    with pytest.raises(InputError, match=message):
        inception_weights.load(url, sha256)


@pytest.fixture
def assert_refused(built, tmp_path):
    """Of what is in damaged.pb."""

    def check(message, sha256=None):
        with pytest.raises(InputError, match=message):
            inception_weights.load(tmp_path / "damaged.pb", sha256)

    return check


def test_damage_is_named(assert_refused, weights, tmp_path):
    damaged = tmp_path / "damaged.pb"
    small = {name: value for name, value in weights.items() if name.startswith("conv/")}
    whole = write_graph(damaged, small).read_bytes()
    assert_refused(f"which lacks {378 - len(small)} of 378 constants")
    damaged.write_bytes(whole[:-1000])
    assert_refused(r"the frozen graph of .* Received: .*damaged\.pb \(")
    assert_refused("with SHA-256", hashlib.sha256(whole).hexdigest())
    damaged.write_bytes(b"<html>404</html>")
    assert_refused(r"the frozen graph of .* Received: .*damaged\.pb \(")
    damaged.write_bytes(b"")
    assert_refused("which lacks 378 of 378 constants")


@pytest.mark.slow
def test_a_constant_that_is_not_as_it_should_be_is_named(assert_refused, graph_file, weights, tmp_path):
    damaged = tmp_path / "damaged.pb"
    damaged.write_bytes(graph_file.read_bytes()[:-1000])
    assert_refused(r"the frozen graph of .* Received: .*damaged\.pb \(")
    write_graph(damaged, weights, {"mixed_9/tower/mixed/conv_1/conv2d_params": None})
    assert_refused("which lacks 1 of 378 constants, first 'mixed_9/tower/mixed/conv_1/conv2d_params'")
    write_graph(damaged, weights, {"softmax/biases": np.zeros(1001, np.float32)})
    assert_refused(r"whose 'softmax/biases' has shape \(1001,\) instead of \(1008,\)")
    write_graph(damaged, weights, {"conv/batchnorm/gamma": np.full(32, 2, np.float32)})
    assert_refused("where 'conv/batchnorm/gamma' is not one")
