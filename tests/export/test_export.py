"""Every variant in every format against Keras, what an export refuses, and what sampling from a file refuses."""

import functools
import hashlib
import json
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner
from keras import layers
from onnx import TensorProto, helper

import keras_gan_zoo as kgz
from keras_gan_zoo import InputError
from keras_gan_zoo.cli import main
from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import NotFiniteError, ParityError
from keras_gan_zoo.export import exporting, onnx_graph, parity, readers, tensorflow_formats
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.state.identity import sha256_of_weights
from tests.equality import KINDS, build
from tests.export.generators import NAMES, gan_around, gan_of, upsampling, with_weights_that_matter

FEW = ["gan, conditional", "dcgan, unconditional", "conditional_gan, conditional"]
FROM_NOISE = [kind for kind, (variant, _) in KINDS.items() if not kgz.VARIANTS[variant].takes_pictures]
FEW_OR_SLOW = [kind if kind in FEW else pytest.param(kind, marks=pytest.mark.slow) for kind in FROM_NOISE]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def feed_of(gan, n):
    """Noise and conditions of n examples by the names of the inputs, and the conditions alone."""
    feed = {"noise": np.random.default_rng(n).standard_normal((n, 4), dtype=np.float32)} if gan.latent_shape else {}
    if not gan.conditional:
        return feed, None
    name, given = gan.condition.input_name, gan.condition.draw(n, seed=n)
    if gan.encoder is not None:
        given = gan.encoder.encode([f"text {number}" for number in range(n)])
    assert name == ("labels" if gan.has_classes else "condition")
    return {**feed, name: given}, given


# ----------------------------------------------------------------------------------------- every variant, every format


def test_a_file_may_round_four_times_as_badly_as_keras():
    """What is added and taken away again costs as many bits as it is large; float64 has them to spare."""
    noise = keras.Input((64,))
    x = layers.ReLU()(layers.Rescaling(1.0, offset=1000.0)(noise))  # between the two, or TensorFlow cancels them
    x = layers.Rescaling(1.0, offset=-1000.0)(x)
    generator = Generator.from_model(gan_around(keras.Model(noise, layers.Reshape((8, 8, 1))(x))))
    probe = parity.Probe("noise", generator.feed(7, seed=0))
    images, exact = generator.images(probe.feed), probe.feed["noise"].reshape(7, 8, 8, 1)
    np.testing.assert_allclose(generator.images_in_float64(probe.feed), exact, rtol=0, atol=1e-12)
    error = np.abs(images - exact).max()
    assert 1e-5 * np.abs(images).max() < 3 * error < 1e-3
    compare = functools.partial(parity.compare, generator, [probe])
    assert compare([images + np.float32(3 * error)], parity.Tolerance()) == pytest.approx(3 * error, rel=0.01)
    with pytest.raises(ParityError, match="differs by"):
        compare([images + np.float32(5 * error)], parity.Tolerance())
    with pytest.raises(ParityError, match="differs by"):
        compare([images + np.float32(3 * error)], parity.Tolerance(2e-5))  # of float16, which has its own


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_networks_within_a_network_are_in_its_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        noise, inner = keras.Input((4,)), keras.Sequential([keras.Input((4,)), layers.Dense(64, "tanh")])
        gan = gan_around(keras.Model(noise, layers.Reshape((8, 8, 1))(inner(noise))))
    finally:
        keras.config.set_dtype_policy("float32")
    generator = Generator.from_model(gan)
    assert {layer.compute_dtype for layer in all_layers(generator.network)} == {"float32"}
    feed = generator.feed(5, seed=0)
    kernel, bias = (np.array(weight, np.float64) for weight in gan.generator.weights)
    expected = np.tanh(feed["noise"] @ kernel + bias).reshape(5, 8, 8, 1)
    np.testing.assert_allclose(generator.images(feed), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(generator.images_in_float64(feed), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", FEW_OR_SLOW)
def test_onnx_has_its_names_and_makes_what_keras_makes(kind, tmp_path):
    gan = gan_of(kind)
    done = gan.export(tmp_path / "g.onnx")
    assert (done.format, done.size) == ("onnx", (tmp_path / "g.onnx").stat().st_size)
    assert done.difference <= 1e-5
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    signature = {value.name: (value.type, value.shape) for value in (*session.get_inputs(), *session.get_outputs())}
    expected = {"noise": ("tensor(float)", ["batch", 4])}
    expected |= {"labels": ("tensor(int32)", ["batch"])} if gan.has_classes else {}
    expected |= {"condition": ("tensor(float)", ["batch", 512])} if gan.encoder is not None else {}
    assert signature == {**expected, "images": ("tensor(float)", ["batch", 8, 8, 1])}
    for n in (1, 5):
        feed, given = feed_of(gan, n)
        found = session.run(["images"], feed)[0]
        np.testing.assert_allclose(found, gan.sample_from(feed["noise"], conditions=given), atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["variant"] == type(gan).__name__
    assert metadata["weights_sha256"] == sha256_of_weights(gan.sampler)
    assert metadata.get("num_classes") == ("3" if gan.has_classes else None)
    given = {"conditions": feed_of(gan, 9)[1], "seed": 2}
    np.testing.assert_allclose(OnnxFile(done.path).sample(9, **given), gan.sample(9, **given), atol=1e-5)


@pytest.mark.parametrize("kind", FEW_OR_SLOW)
def test_litert_has_its_names_and_makes_what_keras_makes(kind, tmp_path, capfd):
    gan = gan_of(kind)
    done = gan.export(tmp_path / "g.tflite")
    assert done.difference <= 1e-5
    assert capfd.readouterr().err == ""
    interpreter = Interpreter(str(done.path))
    inputs = sorted(feed_of(gan, 1)[0])
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": inputs, "outputs": ["images"]}}
    run = interpreter.get_signature_runner("serving_default")
    for n in (1, 5):
        feed, given = feed_of(gan, n)
        np.testing.assert_allclose(run(**feed)["images"], gan.sample_from(feed["noise"], conditions=given), atol=1e-5)


def test_a_litert_file_that_was_changed_is_refused_and_one_without_a_digest_is_not(tmp_path):
    gan = upsampling()
    path = gan.export(tmp_path / "g.tflite").path
    probes, whole = _probes(gan)[:1], path.read_bytes()
    [expected] = readers.litert(path, probes)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("keras_gan_zoo.sha256").header_offset
        assert archive.read("keras_gan_zoo.sha256").decode().strip() == hashlib.sha256(whole[:start]).hexdigest()
    kernel = whole.index(gan.generator.get_layer("first").kernel.numpy().T.tobytes())
    sample = runpy.run_path(str(Path(__file__).parents[2] / "export" / "litert" / "sample.py"))["sample"]
    a_bit = whole[:kernel] + bytes([whole[kernel] ^ 1]) + whole[kernel + 1 :]  # the last one of a weight
    for changed in (
        a_bit,
        whole[:start],
        whole[:-1],
        whole + b"\0",
        whole[:start] + whole[start:].replace(b"keras_gan_zoo", b"keras_gan_zop"),
    ):
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"Expected a whole LiteRT model.*g.tflite, whose SHA-256 is wrong"):
            readers.litert(path, probes)
    path.write_bytes(a_bit)
    with pytest.raises(SystemExit, match=r"Not a LiteRT model: .*its SHA-256 is wrong"):
        sample(str(path), 2)
    path.write_bytes(whole[:start].replace(b"keras_gan_zoo 1", b"MLIR Converted."))  # as before there were digests
    np.testing.assert_array_equal(readers.litert(path, probes)[0], expected)
    assert sample(str(path), 2).shape == (2, 8, 8, 1)


@pytest.mark.slow
def test_saved_models_make_what_keras_makes_in_a_process_without_keras(tmp_path):
    generators, asked = [], []
    for number, kind in enumerate(KINDS):
        generators.append(Generator.from_model(gan_of(kind)))
        tensorflow_formats.write_saved_model(generators[-1], tmp_path / str(number))
        asked.append((tmp_path / str(number), parity.probes(generators[-1])))
    for generator, (_, probes), found in zip(generators, asked, readers.saved_models(asked), strict=True):
        assert parity.compare(generator, probes, found, parity.Tolerance()) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", FEW)
def test_saved_models_as_a_user_writes_them(kind, tmp_path):
    done = gan_of(kind).export(tmp_path / "g")
    assert done.difference <= 1e-5


def test_a_saved_model_has_two_signatures_and_replaces_an_earlier_one(tmp_path):
    import tensorflow as tf

    gan = gan_of("dcgan, conditional", ema_decay=0.5)
    path = tmp_path / "g"
    path.mkdir()
    (path / "saved_model.pb").write_text("an earlier one")
    (path / "assets").mkdir()
    done = gan.export(path)
    assert done.difference <= 1e-5
    assert {part.name for part in path.iterdir()} <= exporting.SAVED_MODEL
    assert [part.name for part in tmp_path.iterdir()] == ["g"]
    assert done.size == sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    signatures = tf.saved_model.load(str(path)).signatures
    feed, labels = feed_of(gan, 5)
    served = signatures["serving_default"](**{name: tf.constant(value) for name, value in feed.items()})
    np.testing.assert_allclose(served["images"], gan.sample_from(feed["noise"], labels), atol=1e-5)
    sample = {"seed": tf.constant(3), "labels": tf.constant(labels)}
    five = signatures["sample"](n=tf.constant(5), **sample)["images"].numpy()
    two = signatures["sample"](n=tf.constant(2), seed=tf.constant(3), labels=tf.constant(labels[:2]))["images"]
    np.testing.assert_allclose(five[:2], two, atol=1e-6)
    other = signatures["sample"](n=tf.constant(5), **{**sample, "seed": tf.constant(4)})["images"].numpy()
    assert not np.allclose(five, other)
    for wrong in (-1, gan.num_classes):
        for signature, inputs in (("serving_default", {"noise": tf.constant(feed["noise"])}), ("sample", sample)):
            asked = {**inputs, "labels": tf.constant([*labels[:4], wrong], tf.int32)}
            with pytest.raises(tf.errors.InvalidArgumentError, match=f"labels from 0 to {gan.num_classes - 1}"):
                signatures[signature](**asked, **({"n": tf.constant(5)} if signature == "sample" else {}))


@pytest.mark.parametrize("name", ["g.onnx", "g.tflite"])
def test_vectors_and_labels_are_exported_too(name, tmp_path):
    gan = with_weights_that_matter(kgz.GAN.for_images((5,), latent_dim=3, num_classes=2, seed=0))
    assert gan.export(tmp_path / name).difference <= 1e-5
    if name == "g.onnx":
        generator = OnnxFile(tmp_path / name)
        np.testing.assert_allclose(generator.sample(6, seed=1), gan.sample(6, seed=1), atol=1e-5)
        assert generator.metadata["value_range"] == "null"


def test_the_averaged_generator_is_exported(tmp_path):
    gan = gan_of("dcgan, unconditional", ema_decay=0.9)
    gan.export(tmp_path / "g.onnx")
    found = OnnxFile(tmp_path / "g.onnx").sample(4, seed=0)
    np.testing.assert_allclose(found, gan.ema_generator(kgz.latent.truncated_noise(4, 4, seed=0)), atol=1e-5)
    assert np.abs(found - gan.generator(kgz.latent.truncated_noise(4, 4, seed=0))).max() > 0.01


@pytest.mark.parametrize("policy", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow), "float64"])
def test_other_precisions_are_exported_in_float32(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        gan = gan_of("dcgan, conditional")
    finally:
        keras.config.set_dtype_policy("float32")
    assert gan.export(tmp_path / "g.onnx").difference <= 1e-5


# --------------------------------------------------------------------------------------------------------- onnx's own


def test_an_onnx_file_says_what_it_is(tmp_path):
    gan = upsampling(conditional=True)
    gan.export(tmp_path / "g.onnx", metadata={"licence": "CC0-1.0"})
    model = onnx.load(tmp_path / "g.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert len(metadata.pop("file_sha256")) == 64
    assert metadata == {
        "variant": "GAN",
        "image_shape": "[8, 8, 1]",
        "value_range": "[-1, 1]",
        "latent_dim": "4",
        "num_classes": "3",
        "class_names": json.dumps(NAMES),
        "keras_gan_zoo": kgz.__version__,
        "weights_sha256": sha256_of_weights(gan.generator),
        "licence": "CC0-1.0",
    }


def test_metadata_may_have_64_zeros_as_the_place_of_the_digest_has(tmp_path):
    upsampling().export(tmp_path / "g.onnx")
    content = onnx_graph.to_bytes(onnx.load(tmp_path / "g.onnx"), {"note": "0" * 64})
    found = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
    assert found == {"note": "0" * 64, "file_sha256": onnx_graph.digest_of(content)}


@pytest.mark.parametrize("opset", [15, *(pytest.param(n, marks=pytest.mark.slow) for n in (16, 17, 18))])
def test_opsets(opset, tmp_path):
    upsampling().export(tmp_path / "g.onnx", opset=opset)
    assert onnx.load(tmp_path / "g.onnx").opset_import[0].version == opset


WRITE = """
import sys
import zipfile
from pathlib import Path
from pathlib import Path
import keras_gan_zoo as kgz
from tests.export.generators import gan_of, upsampling

folder = Path(sys.argv[1])
for number, kind in enumerate(sys.argv[2:]):
    gan_of(kind).export(folder / f"{number}.onnx")
for option in ("uint8", "half", "int8"):
    upsampling(conditional=True).export(folder / f"{option}.onnx", **{option: True})
"""


@pytest.mark.slow
def test_bytes_are_the_same_in_every_process(tmp_path):
    writers = []
    for seed in ("0", "12345"):
        (tmp_path / seed).mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", WRITE, str(tmp_path / seed), *KINDS]
        writers.append(subprocess.Popen(command, env=environment))
    assert [writer.wait(900) for writer in writers] == [0, 0]
    first, second = ({p.name: digest(p) for p in (tmp_path / seed).iterdir()} for seed in ("0", "12345"))
    assert first == second
    assert len(first) == len(KINDS) + 3


def test_loops_and_branches_keep_their_meaning_under_new_names():
    def branch(name, operation):
        shape = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(operation, ["noise", "two"], [name])], name, [], [shape])

    nodes = [
        helper.make_node("ReduceSum", ["noise"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["out"], then_branch=branch("a", "Mul"), else_branch=branch("b", "Add")),
        helper.make_node("Identity", ["noise"], ["nobody reads this"]),
    ]
    constants = [helper.make_tensor(n, TensorProto.FLOAT, (), [v]) for n, v in (("two", 2.0), ("zero", 0.0))]
    noise = helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["anything", 3])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["anything", 3])
    graph = helper.make_graph(nodes, "g", [noise], [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    model = onnx_graph.canonical(model, dict.fromkeys(("noise", "images"), ("batch", 3)))
    onnx.checker.check_model(model, full_check=True)
    assert len(model.graph.node) == 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ones = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(session.run(["images"], {"noise": ones})[0], 2 * ones)
    np.testing.assert_array_equal(session.run(["images"], {"noise": -ones})[0], ones)


def test_uint8_rounds_as_pictures_do(tmp_path):
    gan = upsampling(conditional=True)
    done = gan.export(tmp_path / "g.onnx", uint8=True)
    assert done.difference <= 1
    found, expected = OnnxFile(done.path).sample(200, seed=0), kgz.pictures.to_uint8(gan.sample(200, seed=0))
    assert found.dtype == np.uint8
    assert (found != expected).mean() < 1e-3
    assert OnnxFile(done.path).metadata["value_range"] == "[0, 255]"


def test_pixels_at_the_edges_and_between_levels():
    noise = helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["batch", 6])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 6])
    graph = helper.make_graph([helper.make_node("Identity", ["noise"], ["images"])], "g", [noise], [images])
    model = onnx_graph.with_pixels(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = np.array([[-1.5, -1, 0.5 / 127.5 - 1, 0, 1, 1.5], [1.5 / 127.5 - 1, 2.5 / 127.5 - 1, 3, 0.1, 0.2, 0.3]])
    values = values.astype(np.float32)
    np.testing.assert_array_equal(session.run(["images"], {"noise": values})[0], kgz.pictures.to_uint8(values))


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize(("option", "least", "share"), [("half", 60, 0.8), ("int8", 35, 1.0)])
def test_smaller_files_say_what_they_cost(option, least, share, conditional, tmp_path):
    gan = upsampling(conditional=conditional)
    done = gan.export(tmp_path / "g.onnx", **{option: True})
    assert done.size < share * done.float32_size
    assert done.psnr > least
    expected = gan.sample(300, seed=1)
    error = np.mean((OnnxFile(done.path).sample(300, seed=1) - expected) ** 2)
    assert 10 * np.log10(4 / error) == pytest.approx(done.psnr, abs=3)


# -------------------------------------------------------------------------------------------------- what export refuses


@pytest.mark.parametrize("name", ["g.onnx", "g.tflite", "g"])
def test_nothing_is_left_of_a_file_that_makes_something_else(name, tmp_path, monkeypatch):
    gan = gan_of("gan, conditional")
    format = exporting._chosen_format(tmp_path / name, None)
    wrong = [probe.feed["noise"][:, :1, None, None] + np.zeros((1, 8, 8, 1), np.float32) for probe in _probes(gan)]
    monkeypatch.setattr(readers, format, lambda path, probes: wrong)
    with pytest.raises(ParityError, match=r"output images differs by .* \(fixed noise, batch of 1\). Nothing was"):
        gan.export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def _probes(gan):
    return parity.probes(Generator.from_model(gan))


def test_a_small_difference_is_one_too(tmp_path, monkeypatch):
    gan = gan_of("gan, unconditional")
    gan.export(tmp_path / "g.onnx")
    before, read = digest(tmp_path / "g.onnx"), readers.onnx
    for wrong_by, message in ((np.float32(2e-5), "by 2"), (np.float32("nan"), "by nan"), (np.float64(0), "is float64")):
        monkeypatch.setattr(readers, "onnx", lambda *asked, by=wrong_by: [images + by for images in read(*asked)])
        with pytest.raises(ParityError, match=message):
            gan.export(tmp_path / "g.onnx")
    assert digest(tmp_path / "g.onnx") == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_saved_model_that_does_not_run_says_why(tmp_path):
    with pytest.raises(InputError, match=r"that TensorFlow runs by itself\. Received: .*nothing, which is no folder"):
        readers.saved_model(tmp_path / "nothing", _probes(gan_of("gan, unconditional")))


def test_saved_models_are_read_on_the_cpu():
    readers._run(["-c", "import os; assert os.environ['CUDA_VISIBLE_DEVICES'] == '-1'"])
    with pytest.raises(ParityError, match=r"by itself\. Received: a reason"):
        readers._run(["-c", "raise SystemExit('a reason')"])


def test_probes_have_every_class_in_batches_of_one_and_seven():
    gan = with_weights_that_matter(kgz.GAN.for_images((5,), latent_dim=3, num_classes=10, seed=0))
    probes = _probes(gan)
    assert [len(probe.feed["noise"]) for probe in probes] == [1, 7, 7] * 2
    for half in (probes[:3], probes[3:]):
        assert set(np.concatenate([probe.feed["labels"] for probe in half])) == set(range(10))
    np.testing.assert_array_equal(probes[0].feed["noise"], kgz.latent.truncated_noise(1, 3, seed=0))
    assert not np.array_equal(probes[3].feed["noise"], _probes(gan)[3].feed["noise"])


@pytest.mark.parametrize(("value", "message"), [(np.nan, "finite weights"), (1e38, "finite images")])
def test_what_is_not_finite_is_not_exported(value, message, tmp_path):
    gan = kgz.GAN.for_images((5,), latent_dim=4, generator_units=8, seed=0)
    for weight in gan.generator.trainable_variables:
        weight.assign(np.full(weight.shape, value))
    with pytest.raises(NotFiniteError, match=message):
        gan.export(tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layer", ["bent", pytest.param("first", marks=pytest.mark.slow)])
def test_the_exact_gelu_is_named_with_its_substitute(layer, tmp_path):
    gan = upsampling("gelu")
    if layer == "first":
        x = layers.Dense(64, activation="gelu", name="first")(gan.generator.inputs[0])
        gan = gan_around(keras.Model(gan.generator.inputs[0], layers.Reshape((8, 8, 1))(x)))
    with pytest.raises(InputError, match=rf"the layer '{layer}', which computes Erfc. .*approximate=True") as caught:
        gan.export(tmp_path / "g.onnx")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    gan.export(tmp_path / "g.tflite")
    approximate = upsampling(lambda x: keras.activations.gelu(x, approximate=True))
    assert approximate.export(tmp_path / "g.onnx").difference <= 1e-5


@keras.saving.register_keras_serializable("test_export")
class LogGamma(layers.Layer):
    def call(self, x):
        import tensorflow as tf

        return tf.math.lgamma(tf.abs(x) + 1.0)


@pytest.mark.parametrize(("name", "format"), [("g.onnx", "ONNX"), ("g.tflite", "LiteRT")])
def test_layers_that_a_format_cannot_express_are_named(name, format, tmp_path, capfd):
    noise = keras.Input((4,))
    x = LogGamma(name="odd")(layers.Dense(64)(noise))
    gan = gan_around(keras.Model(noise, layers.Reshape((8, 8, 1))(x)))
    with pytest.raises(
        InputError, match=f"layers that {format} can express. Received: the layer 'odd', which computes"
    ):
        gan.export(tmp_path / name)
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_run_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorflow_formats, "write_litert", lambda generator, path: path.write_bytes(b"nothing"))
    with pytest.raises(ParityError, match="that its own runtime runs"):
        upsampling().export(tmp_path / "g.tflite")
    assert list(tmp_path.iterdir()) == []


def test_what_tf2onnx_cannot_trace_is_one_line(tmp_path, monkeypatch):
    import tf2onnx

    def fails(*_, **__):
        raise RuntimeError("no idea\nat all")

    monkeypatch.setattr(tf2onnx.convert, "from_function", fails)
    with pytest.raises(InputError, match=r"Received: no idea\. Export a SavedModel"):
        upsampling().export(tmp_path / "g.onnx")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("g.onnx", {"opset": 14}, "opset from 15 to 18. Received: 14"),
        ("g.onnx", {"opset": 19}, "opset from 15 to 18. Received: 19"),
        ("g.onnx", {"opset": True}, "opset from 15 to 18"),
        ("g.onnx", {"half": True, "int8": True}, "Received: both"),
        ("g.onnx", {"int8": True}, "Conv2DTranspose layers conv2d_transpose"),
        ("g.onnx", {"metadata": {"variant": "GAN"}}, "Received: variant='GAN'"),
        ("g.onnx", {"metadata": {"licence": 3}}, "Received: licence=3"),
        ("g.tflite", {"half": True}, "Expected half with the format onnx only"),
        ("g", {"uint8": True, "opset": 17}, "Expected opset, uint8 with the format onnx only"),
        ("g.pb", {}, "ending in .onnx or .tflite"),
        ("g.onnx", {"format": "onx"}, "Did you mean 'onnx'"),
        ("g.onnx", {"format": "litert"}, "fits the format litert"),
        ("no/g.onnx", {}, "a folder that exists"),
        ("a_folder", {"format": "onnx"}, "which is a folder"),
        ("a_folder", {}, "which holds something else"),
        ("a_file", {}, "a folder. Received: .*, which is a file"),
    ],
)
def test_export_says_what_it_cannot_do(name, options, message, tmp_path):
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "a_folder" / "thesis.tex").write_text("irreplaceable")
    (tmp_path / "a_file").write_text("irreplaceable")
    with pytest.raises(InputError, match=message):
        build("dcgan").export(tmp_path / name, **options)
    assert {path.name for path in tmp_path.rglob("*")} == {"a_folder", "a_file", "thesis.tex"}


class Noisy(keras.layers.Layer):
    """Draws random numbers whenever it is called, by Keras or by TensorFlow."""

    def __init__(self, by_keras):
        super().__init__()
        self.generator = keras.random.SeedGenerator(1) if by_keras else None

    def call(self, x):
        shape = keras.ops.shape(x)
        return x + (keras.random.normal(shape, seed=self.generator) if self.generator else tf.random.normal(shape))


def noisy_gan(by_keras):
    noise = keras.Input((4,))
    x = Noisy(by_keras)(keras.layers.Dense(64)(noise))
    return gan_around(keras.Model(noise, keras.layers.Reshape((8, 8, 1))(x)))


@pytest.mark.parametrize("by_keras", [True, False])
def test_generators_that_draw_random_numbers_are_named(by_keras, tmp_path):
    for name in ("g.onnx", "g"):
        with pytest.raises(InputError, match="whose layers draw random numbers themselves"):
            noisy_gan(by_keras).export(tmp_path / name)
    assert not [*tmp_path.iterdir()]


def test_random_numbers_of_layers_follow_the_seed_of_sample():
    gan = noisy_gan(by_keras=True)
    states = [np.array(state) for state in gan.variables if "seed" in state.path]
    samples = gan.sample(100, seed=3)
    np.testing.assert_array_equal(samples, gan.sample(100, seed=3))
    np.testing.assert_allclose(samples[:10], gan.sample(10, seed=3), atol=1e-6)
    np.testing.assert_array_equal(states, [np.array(state) for state in gan.variables if "seed" in state.path])
    noise = kgz.latent.truncated_noise(2, (4,), seed=0)
    assert not np.array_equal(gan.sample_from(noise), gan.sample_from(noise))


def test_only_gans_that_know_their_classes_are_exported(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"Expected a GAN of this package\. Received: Functional"):
        kgz.export.export(build("dcgan").generator, tmp_path / "g.onnx")
    with pytest.raises(InputError, match="Leave uint8 out"):
        kgz.GAN.for_images((2,)).export(tmp_path / "g.onnx", uint8=True)
    gan = build("dcgan", True)
    gan.num_classes = None
    with pytest.raises(InputError, match="knows its number of classes"):
        gan.export(tmp_path / "g.onnx")
    monkeypatch.setattr(readers, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        build("dcgan").export(tmp_path / "g.tflite")
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------------------- the command line


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_exports_and_says_what_it_did(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    upsampling(conditional=True).save("gan.keras")
    result = run("export", "gan.keras", "-o", "g.onnx", "--int8", "--licence", "CC0-1.0")
    assert result.exit_code == 0, result.output
    first, second = result.output.splitlines()
    assert first.startswith("g.onnx: onnx, ")
    assert "in float32, to which its PSNR is" in second
    assert OnnxFile("g.onnx").metadata["licence"] == "CC0-1.0"
    assert "levels of 255" in run("export", "gan.keras", "-o", "g", "--format", "onnx", "--uint8").output
    result = run("export", "gan.keras", "-o", "g.onnx", "--opset", "19")
    assert (result.exit_code, result.output.splitlines()[-1][:35]) == (2, "Error: Expected an opset from 15 to")
    monkeypatch.setattr(readers, "onnx", lambda path, probes: [np.zeros(3)] * len(probes))
    result = run("export", "gan.keras", "-o", "other.onnx")
    assert (result.exit_code, result.output[:40]) == (1, "Error: Expected the exported file to mak")


WITHOUT_TENSORFLOW = """
import sys
import zipfile
from pathlib import Path
from keras_gan_zoo.cli import main
main(sys.argv[1:], standalone_mode=False)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "onnx", "tf2onnx"}))
"""


def test_sampling_from_a_file_imports_no_tensorflow(tmp_path):
    gan = upsampling(conditional=True)
    gan.export(tmp_path / "g.onnx")
    for name, options in (("s.npz", ["--label", "cat", "--truncation", "0.7"]), ("s.png", [])):
        command = ["sample", str(tmp_path / "g.onnx"), "-n", "64", "--seed", "3", "-o", str(tmp_path / name), *options]
        done = subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW, *command], capture_output=True, text=True)
        assert (done.stderr, done.stdout.splitlines()[-1]) == ("", "[]")
    expected = gan.sample(64, labels="cat", seed=3, truncation=0.7)
    np.testing.assert_allclose(np.load(tmp_path / "s.npz")["images"], expected, atol=1e-5)
    assert (tmp_path / "s.png").stat().st_size > 100


# ------------------------------------------------------------------------------------------ files that are not in order


def foreign(
    inputs=(("noise", TensorProto.FLOAT, ["batch", 4]),),
    output="images",
    metadata=None,
    operation="Tanh",
    cast=None,
):
    """An ONNX model that was not exported by us: images (8, 8, 1) from noise (4,), its numbers repeated."""
    values = [helper.make_tensor_value_info(*value) for value in inputs]
    constants = [
        helper.make_tensor("shape", TensorProto.INT64, [4], [-1, 8, 8, 1]),
        helper.make_tensor("repeats", TensorProto.INT64, [2], [1, 16]),
    ]
    nodes = [
        helper.make_node("Cast", [inputs[0][0]], ["noise_"], to=TensorProto.FLOAT),
        helper.make_node("Tile", ["noise_", "repeats"], ["long"]),
        helper.make_node("Reshape", ["long", "shape"], ["square"]),
        helper.make_node(operation, ["square"], ["bent"]),
        helper.make_node("Cast", ["bent"], [output], to=cast or TensorProto.FLOAT),
    ]
    made = helper.make_tensor_value_info(output, cast or TensorProto.FLOAT, ["batch", 8, 8, 1])
    graph = helper.make_graph(nodes, "generator", values, [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    return model.SerializeToString()


NOISE, LABELS = ("noise", TensorProto.FLOAT, ["batch", 4]), ("labels", TensorProto.INT32, ["batch"])


def test_files_of_others_with_our_names_are_sampled_from(tmp_path):
    (tmp_path / "g.onnx").write_bytes(foreign((NOISE, LABELS), metadata={"num_classes": "2"}))
    generator = OnnxFile(tmp_path / "g.onnx")
    assert (generator.num_classes, generator.class_names) == (2, None)
    assert generator.sample(3, labels=1).shape == (3, 8, 8, 1)
    with pytest.raises(InputError, match="by index"):
        generator.sample(3, labels="cat")


NO_GENERATORS = {
    "empty": b"",
    "text": b"no model",
    "zip": b"PK\x03\x04" + bytes(100),
    "zeros": bytes(1000),
    "a classifier": foreign((("images", TensorProto.FLOAT, ["batch", 4]),), output="logits"),
    "half of a foreign file": foreign()[: len(foreign()) // 2],
    "another input": foreign((("z", TensorProto.FLOAT, ["batch", 4]),)),
    "more inputs": foreign((NOISE, ("truncation", TensorProto.FLOAT, []))),
    "another output": foreign(output="image"),
    "double noise": foreign((("noise", TensorProto.DOUBLE, ["batch", 4]),)),
    "double images": foreign(cast=TensorProto.DOUBLE),
    "fixed batch": foreign((("noise", TensorProto.FLOAT, [2, 4]),)),
    "free noise": foreign((("noise", TensorProto.FLOAT, ["batch", "dim"]),)),
    "noise that does not fit": foreign((("noise", TensorProto.FLOAT, ["batch", 5]),)),
    "no metadata": foreign((NOISE, LABELS)),
    "no number": foreign((NOISE, LABELS), metadata={"num_classes": "three"}),
    "no classes": foreign((NOISE, LABELS), metadata={"num_classes": "0"}),
    "fewer than no classes": foreign((NOISE, LABELS), metadata={"num_classes": "-3"}),
    "names that are no JSON": foreign((NOISE, LABELS), metadata={"num_classes": "3", "class_names": "[dog"}),
    "too few names": foreign((NOISE, LABELS), metadata={"num_classes": "3", "class_names": '["dog"]'}),
    "numbers as names": foreign((NOISE, LABELS), metadata={"num_classes": "3", "class_names": "[1, 2, 3]"}),
    "float labels": foreign((NOISE, ("labels", TensorProto.FLOAT, ["batch"])), metadata={"num_classes": "3"}),
    "images that are NaN": foreign(operation="Sqrt"),
    "ours without digest": foreign(metadata={"keras_gan_zoo": "0.1.0"}),
}
BAD_OPTIONS = [
    ["-n", "0"],
    ["-n", "-5"],
    ["-n", "many"],
    ["-n", "1.5"],
    ["-n", "1000000000000000000"],
    ["--seed", "-1"],
    ["--seed", "x"],
    ["--label", "3"],
    ["--label", "-1"],
    ["--label", "99"],
    ["--label", "1.0"],
    ["--label", "lizzard"],
    ["--label", ""],
    ["--label", "nan"],
    ["--truncation", "0"],
    ["--truncation", "-1"],
    ["--truncation", "nan"],
    ["--truncation", "small"],
    ["-o", "grid.tiff"],
    ["-o", "nowhere/grid.png"],
    ["-o", "."],
    ["--unknown"],
]
TRUNCATED = [round(share, 2) for share in np.linspace(0.03, 0.99, 30)]
FLIPPED = [round(share, 3) for share in np.linspace(0, 0.999, 30)]
MALFORMED = [
    *(("truncated", share) for share in TRUNCATED),
    *(("flipped", share) for share in FLIPPED),
    *(("no generator", name) for name in NO_GENERATORS),
    *(("options", options) for options in BAD_OPTIONS),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return upsampling(conditional=True).export(tmp_path_factory.mktemp("exported") / "g.onnx").path


@pytest.mark.parametrize(("kind", "what"), MALFORMED, ids=lambda value: str(value))
def test_sampling_from_files_and_options_out_of_order_ends_in_one_line(kind, what, exported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = bytearray(exported.read_bytes())
    if kind == "truncated":
        content = content[: int(what * len(content))]
    elif kind == "flipped":
        content[int(what * len(content))] ^= 4
    elif kind == "no generator":
        content = NO_GENERATORS[what]
    (tmp_path / "g.onnx").write_bytes(content)
    result = run("sample", "g.onnx", "-o", "grid.png", *(what if kind == "options" else []))
    assert result.exit_code == 2, result.output
    assert len([line for line in result.output.splitlines() if line.startswith("Error: ")]) == 1
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["g.onnx"]


def test_no_changed_byte_goes_unnoticed(exported, tmp_path):
    content, path = exported.read_bytes(), tmp_path / "g.onnx"
    for position in (*range(0, len(content) - 900, 11), *range(len(content) - 900, len(content))):  # metadata are last
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        with pytest.raises(InputError):
            OnnxFile(path)


@pytest.mark.parametrize(
    ("noise", "labels", "message"),
    [
        (np.full((2, 4), np.nan), None, "Expected finite noise"),
        (np.full((2, 4), np.inf), None, "Expected finite noise"),
        (np.zeros((2, 5)), None, r"noise of shape \(n, 4\)"),
        (np.zeros((0, 4)), None, r"noise of shape \(n, 4\)"),
        (np.zeros(4), None, r"noise of shape \(n, 4\)"),
        (np.zeros((2, 4)), 3, "labels from 0 to 2"),
        (np.zeros((2, 4)), [0, -1], "labels from 0 to 2"),
        (np.zeros((2, 4)), [0, 1, 2], "one label or 2 labels"),
        (np.zeros((2, 4)), 0.5, "integer labels"),
        (np.zeros((2, 4)), ["dog", "lizzard"], "Did you mean 'lizard'"),
    ],
)
def test_noise_and_labels_of_a_file_are_checked(noise, labels, message, exported):
    with pytest.raises(InputError, match=message):
        OnnxFile(exported).sample_from(noise, labels)


def test_numbers_and_labels_that_a_file_takes_not(exported, tmp_path):
    for n in (0, -3, 2.5, "4", None):
        with pytest.raises(InputError, match="expects a number of examples of at least 1"):
            OnnxFile(exported).sample(n)
    (tmp_path / "g.onnx").write_bytes(foreign())
    with pytest.raises(InputError, match="Expected no labels"):
        OnnxFile(tmp_path / "g.onnx").sample(2, labels=0)
    with pytest.raises(InputError, match=r"a folder\. Check the path"):
        OnnxFile(tmp_path)
