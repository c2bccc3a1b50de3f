"""Exported generators that take the vectors of texts: the file says which encoder makes them, and takes texts."""

import json
import zipfile

import numpy as np
import onnx
import pytest
import tensorflow as tf

from keras_gan_zoo.encoders import Characters
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export import exporting, onnx_graph, readers, tensorflow_formats
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.export.parity import probes
from keras_gan_zoo.onnx_file import OnnxFile
from tests.texts import WORDS, letters, text_gan

ABOUT = {"encoder": Characters().get_config(), "vocabulary": WORDS}
TEXTS = ["long green hair", "a red hat", "a face with short hair, and a blue hat"]


@pytest.fixture(scope="module")
def gan():
    return text_gan()


@pytest.fixture(scope="module")
def path(gan, tmp_path_factory):
    return gan.export(tmp_path_factory.mktemp("exported") / "g.onnx").path


def changed(path, folder, **said):
    """The file with other metadata; None removes an entry."""
    model = onnx.load(path)
    facts = {entry.key: entry.value for entry in model.metadata_props if entry.key != "file_sha256"} | said
    del model.metadata_props[:]
    (folder / "changed.onnx").write_bytes(onnx_graph.to_bytes(model, {k: v for k, v in facts.items() if v is not None}))
    return folder / "changed.onnx"


def test_an_onnx_file_takes_texts_like_its_model(gan, path):
    file = OnnxFile(path)
    inputs = {value.name: (value.type, value.shape) for value in file._session.get_inputs()}
    assert inputs == {"noise": ("tensor(float)", ["batch", 8]), "condition": ("tensor(float)", ["batch", 512])}
    assert {name: json.loads(file.metadata[name]) for name in ABOUT} == ABOUT
    expected = gan.sample(3, text=TEXTS, seed=1)
    np.testing.assert_allclose(file.sample(3, text=TEXTS, seed=1), expected, atol=1e-5)
    assert np.abs(gan.sample(3, text=TEXTS[1], seed=1) - expected)[[0, 2]].max() > 0.1
    with pytest.raises(InputError, match=r"trained with texts\. Received: none\. Pass text="):
        file.sample(3)
    with pytest.raises(InputError, match="Received: ein, roter"):
        file.sample(3, text="ein roter")
    with pytest.warns(UserWarning, match="No caption of training has: purple"):
        file.sample(1, text="a purple hat")


def test_a_file_for_another_encoder_takes_vectors_or_that_encoder(gan, path, tmp_path):
    other = json.dumps({**ABOUT["encoder"], "digest": "f" * 64})
    file = OnnxFile(changed(path, tmp_path, encoder=other))
    with pytest.raises(InputError, match=r"another version of 'characters' is installed\. Set it.*or pass conditions="):
        file.sample(1, text="a red hat")
    with pytest.raises(InputError, match="Expected the encoder of training"):
        file.encoder = "characters"
    vectors = Characters().encode(TEXTS)
    np.testing.assert_allclose(file.sample(3, conditions=vectors, seed=1), gan.sample(3, text=TEXTS, seed=1), atol=1e-5)


def test_functions_are_given_again(tmp_path):
    gan = text_gan(encoder=letters)
    file = OnnxFile(gan.export(tmp_path / "g.onnx").path)
    with pytest.raises(InputError, match=r"'letters'\. Received: none; functions and models are not saved with it"):
        file.sample(1, text="a red hat")
    with pytest.raises(InputError, match="length 4, which the networks take"):
        file.encoder = "characters"
    file.encoder = letters
    np.testing.assert_allclose(file.sample(2, text="red hat", seed=1), gan.sample(2, text="red hat", seed=1), atol=1e-5)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"encoder": "[1]"}, "an encoder in the metadata, with name, digest and dim=512"),
        ({"encoder": "characters"}, "an encoder in the metadata"),
        ({"encoder": json.dumps({"name": "characters", "digest": 3, "dim": 512})}, "an encoder in the metadata"),
        ({"encoder": json.dumps({**ABOUT["encoder"], "dim": 4})}, "dim=512"),
        ({"vocabulary": '{"a": 1}'}, "a vocabulary in the metadata"),
        ({"vocabulary": "[1]"}, "a vocabulary in the metadata"),
    ],
)
def test_what_says_no_encoder_is_refused(said, message, path, tmp_path):
    with pytest.raises(InputError, match=message):
        OnnxFile(changed(path, tmp_path, **said))


def test_files_that_name_no_encoder_take_vectors(path, tmp_path):
    file = OnnxFile(changed(path, tmp_path, encoder=None, vocabulary=None))
    assert file.encoder is file.vocabulary is None
    with pytest.raises(InputError, match=r"not trained with texts\. Received: 'a hat'"):
        file.sample(1, text="a hat")
    file.encoder = "characters"
    assert file.sample(1, text="ein Hut").shape == (1, 16, 16, 3)


def test_a_saved_model_names_its_encoder_beside_it(gan, tmp_path):
    generator, place = Generator.from_model(gan), tmp_path / "g"
    tensorflow_formats.write_saved_model(generator, place)
    assert json.loads((place / "assets.extra" / "encoder.json").read_text()) == ABOUT
    assert exporting._may_be_replaced(place)
    serve = tf.saved_model.load(str(place)).signatures["serving_default"]
    feed = generator.feed(2, seed=3)
    np.testing.assert_allclose(serve(**feed)["images"], generator.images(feed), atol=1e-5)


def test_a_litert_file_names_its_encoder_in_its_archive(gan, tmp_path):
    path = gan.export(tmp_path / "g.tflite").path
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("encoder.json")) == ABOUT
    for now in (whole.replace(b'"characters"', b'"characterz"'), whole.replace(b"encoder.json", b"encoder.jsom")):
        path.write_bytes(now)
        with pytest.raises(InputError, match="whose SHA-256 is wrong"):
            readers.litert(path, probes(Generator.from_model(gan))[:1])


@pytest.mark.parametrize("vocabulary", [WORDS, None])
def test_files_are_tried_with_vectors_of_texts_also_before_training(vocabulary):
    for probe in probes(Generator.from_model(text_gan(vocabulary=vocabulary))):
        np.testing.assert_allclose(np.linalg.norm(probe.feed["condition"], axis=1), 1, rtol=1e-5)
