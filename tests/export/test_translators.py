"""Exported translators: those of convolutions take pictures of other sizes, as their models do."""

import json

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import InputError, ParityError
from keras_gan_zoo.export import exporting, onnx_graph, parity, readers, tensorflow_formats
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.onnx_file import OnnxFile

SMALL = {"width": 2, "receptive_field": 1, "seed": 0}
MODELS = {
    "unet": lambda: kgz.Pix2Pix.for_images((8, 8, 3), source_shape=(8, 8, 1), depth=2, **SMALL),
    "srresnet": lambda: kgz.SRGAN.for_images((16, 16, 3), scale=2, width=2, residual_blocks=1, seed=0),
    "cycle_gan": lambda: kgz.CycleGAN.for_images((8, 8, 3), residual_blocks=1, **SMALL),
    "spade": lambda: kgz.Pix2Pix.for_images(
        (8, 8, 3), architecture="spade", source_shape=(8, 8, 5), modulation_units=2, **SMALL
    ),
    "context_encoder": lambda: kgz.ContextEncoder.for_images((8, 8, 3), width=1, bottleneck_units=2, seed=0),
}
FEW = ["unet", "srresnet"]
FEW_OR_SLOW = [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]


def model_of(name):
    model, random = MODELS[name](), np.random.default_rng(1)
    for weight in model.generator.trainable_variables:  # those of the start make pictures that hardly differ
        weight.assign(random.normal(0, 0.15, weight.shape))
    return model


def pictures(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    model = model_of("unet")
    return model, model.export(tmp_path_factory.mktemp("exported") / "g.onnx").path


def answers(sampler, given):
    try:
        return sampler.translate(given)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("name", FEW_OR_SLOW)
def test_a_file_translates_the_sizes_that_its_model_does(name, request, tmp_path):
    model, path = request.getfixturevalue("unet") if name == "unet" else (model_of(name), tmp_path / "g.onnx")
    if name != "unet":
        assert model.export(path).difference < 1e-5
    file = OnnxFile(path)
    assert (file.free_size, file.condition) == (model.free_size, model.condition)
    assert (file.free_size is None) == (name == "context_encoder")
    height, width, channels = model.condition.shape
    free = {"condition": ["batch", "height", "width", channels], "images": ["batch", "height", "width", 3]}
    if name == "srresnet":
        free["images"][1:3] = ["image_height", "image_width"]
    fixed = {"condition": ["batch", height, width, channels], "images": ["batch", *model.example_shape]}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
    assert found == (free if file.free_size else fixed)
    for sides in ((8, 8), (12, 16), (6, 9), (3, 2)):
        given = pictures(2, *sides, channels)
        expected, actual = answers(model, given), answers(file, given)
        if isinstance(expected, str):
            assert actual == expected
        else:
            np.testing.assert_allclose(actual, expected, atol=1e-5)
            assert np.ptp(expected) > 0.05
    if model.backward is not None:
        path = model.export(tmp_path / "back.onnx", backward=True).path
        given = pictures(1, 12, 8, 3)
        expected = model.translate(given, backward=True)
        np.testing.assert_allclose(OnnxFile(path).translate(given), expected, atol=1e-5)


def test_sizes_that_do_not_fit_are_told_those_that_do(unet, tmp_path):
    _, path = unet
    with pytest.raises(InputError, match=r"\(n, 8, 8, 1\), or others whose sides are multiples of 4. Received: \(1, 6"):
        OnnxFile(path).translate(pictures(1, 6, 8, 1))
    photo, out = tmp_path / "photo.png", tmp_path / "out.png"
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20), dtype=np.uint8)
    Image.fromarray(pixels).save(photo)
    result = CliRunner().invoke(main, ["translate", str(path), str(photo), "-o", str(out)])
    assert result.exit_code == 0, result.output
    [expected] = kgz.pictures.to_uint8(OnnxFile(path).translate(pixels[None, ..., None]))
    np.testing.assert_array_equal(np.asarray(Image.open(out)), expected)
    Image.fromarray(pixels[:10]).save(photo)
    result = CliRunner().invoke(main, ["translate", str(path), str(photo), "-o", str(out)])
    message = " ".join(result.output.split())
    assert result.exit_code == 2
    assert "as the model was trained on, or others whose sides are multiples of 4. Received: " in message


def test_another_size_than_that_of_training_is_compared_too(tmp_path, monkeypatch):
    model = model_of("unet")
    last = parity.probes(Generator.from_model(model))[-1]
    assert last.feed["condition"].shape == (1, 8, 16, 1)
    read = readers.onnx

    def wrong(path, probes):
        *usual, other = read(path, probes)
        return [*usual, other + 0.1]

    monkeypatch.setattr(exporting, "_read", lambda _, *given: wrong(*given))
    with pytest.raises(ParityError, match="8 x 16 pixels"):
        model.export(tmp_path / "g.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "said",
    [
        {"free_size": '{"multiple": 0, "least": 4, "reach": null}'},
        {"free_size": "[4, 4]"},
        {"source_shape": None},
        {"source_shape": "[8, 8]"},
        {"source_shape": "[8, 6, 1]"},
        {"source_shape": "[8, 8, 2]"},
        {"free_size": None},
    ],
)
def test_files_whose_sizes_are_not_told_are_refused(said, unet, tmp_path):
    model = onnx.load(unet[1])
    facts = {entry.key: entry.value for entry in model.metadata_props if entry.key != "file_sha256"} | said
    path = tmp_path / "changed.onnx"
    path.write_bytes(onnx_graph.to_bytes(model, {k: v for k, v in facts.items() if v is not None}))
    with pytest.raises(InputError, match=r"free_size and source_shape|with free sizes|with a free batch"):
        OnnxFile(path)


def test_the_metadata_say_which_sizes_there_are(unet):
    metadata = OnnxFile(unet[1]).metadata
    assert json.loads(metadata["free_size"]) == {"multiple": 4, "least": 4, "reach": None}
    assert json.loads(metadata["source_shape"]) == [8, 8, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_saved_models_are_of_free_size_and_litert_files_of_that_of_training(name, tmp_path):
    model = model_of(name)
    generator, folder = Generator.from_model(model), tmp_path / "g"
    tensorflow_formats.write_saved_model(generator, folder)
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    for sides in ((8, 8), (8, 16)) if model.free_size else ((8, 8),):
        given = pictures(2, *sides, model.condition.shape[2])
        np.testing.assert_allclose(serve(condition=given)["images"], model.translate(given), atol=1e-5)
    assert model.export(tmp_path / "g.tflite").difference < 1e-5


@pytest.mark.slow
def test_pictures_that_are_enlarged_twice_are_made_by_litert(tmp_path):
    model = kgz.SRGAN.for_images((32, 32, 3), scale=4, width=2, residual_blocks=1, seed=0)
    assert model.export(tmp_path / "g.tflite").difference < 1e-5


def test_the_copy_for_litert_enlarges_as_keras_does():
    inner = keras.Sequential([keras.Input((2, 3, 4)), keras.layers.UpSampling2D((3, 2)), keras.layers.Conv2D(2, 3)])
    inputs = keras.Input((2, 3, 4), name="condition")
    network = keras.Model(inputs, keras.layers.UpSampling2D(2)(inner(inputs)))
    copy = tensorflow_formats.with_whole_enlargements(network)
    whole = [layer for layer in all_layers(copy) if type(layer) is tensorflow_formats.WholeUpSampling2D]
    assert len(whole) == 2
    given = pictures(5, 2, 3, 4)
    np.testing.assert_array_equal(copy(given), network(given))
    smooth = keras.Model(inputs, keras.layers.UpSampling2D(2, interpolation="bilinear")(inputs))
    assert tensorflow_formats.with_whole_enlargements(smooth) is smooth
