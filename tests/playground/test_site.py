"""The folder of the playground: what is in it, what its index says, and what is refused."""

import json
import shutil
import threading
import warnings

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo import playground
from keras_gan_zoo.cli import main
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.playground import site
from keras_gan_zoo.playground.models import ModelFiles, export_all, name_of
from keras_gan_zoo.playground.runtime import FILES, find_runtime
from tests.texts import WORDS, letters, text_gan

PAGE = {"index.html", "style.css", "main.mjs", "drawing.mjs", "generator.mjs", "noise.mjs", "painting.mjs", "texts.mjs"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of classes as Keras saves it; an exported one of texts that says it is a preset."""
    folder = tmp_path_factory.mktemp("models")
    gan = kgz.GAN.for_images((4, 4, 1), latent_dim=3, class_names=["cat", "dog", "owl"], seed=0)
    for weight in gan.generator.trainable_variables:
        weight.assign(np.random.default_rng(1).normal(0, 0.3, weight.shape))
    gan.save(folder / "pets.keras")
    text_gan().export(folder / "faces.onnx", metadata={"preset": "text_to_image_avatars"})
    return folder, gan


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runtime")
    for name in FILES:
        (folder / name).write_text(name)
    return folder


@pytest.fixture(scope="module")
def written(models, runtime, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    return playground.write([models[0] / "pets.keras", models[0] / "faces.onnx"], folder, runtime)


def test_the_folder_holds_page_runtime_and_models(written):
    found = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    runtime = {f"runtime/{name}" for name in FILES}
    of_models = {"models/pets.onnx", "models/pets.of_vectors.onnx", "models/faces.onnx"}
    assert found == PAGE | runtime | of_models | {"models.json"}


def test_the_index_says_what_models_take_and_whose_they_are(written, models):
    pets, faces = json.loads((written / "models.json").read_text(encoding="utf-8"))["models"]
    classes = pets.pop("classes")
    assert classes["names"] == ["cat", "dog", "owl"]
    assert classes["mixed"] == {"file": "models/pets.of_vectors.onnx", "vectors": np.eye(3).tolist()}
    assert pets == {
        "name": "pets",
        "file": "models/pets.onnx",
        "size": (written / "models" / "pets.onnx").stat().st_size,
        "variant": "GAN",
        "description": "",
        "paper": "",
        "licence": "",
        "data": {"name": "", "authors": "", "licence": ""},
        "image_shape": [4, 4, 1],
        "noise": [3],
        "texts": None,
        "pictures": None,
    }
    card = kgz.zoo.card("text_to_image_avatars")
    assert (faces["description"], faces["paper"], faces["licence"]) == (card.description, card.paper, card.licence)
    assert faces["data"] == {"name": "avatars", "authors": "DiceBear", "licence": "CC0 1.0"}
    assert faces["texts"] == {"length": 512, "vocabulary": WORDS, "examples": card.texts}
    assert (written / "models" / "faces.onnx").read_bytes() == (models[0] / "faces.onnx").read_bytes()


def test_the_second_file_mixes_classes_as_a_morph_does(written, models):
    noise = kgz.latent.truncated_noise(4, 3, seed=0)
    vectors = np.float32([[0.25, 0, 0.75]] * 4)
    expected = kgz.latent.class_morph(models[1], "cat", "owl", 5, noise)
    assert np.ptp(expected[:, 3] - expected[:, 4]) > 0.01
    mixed = OnnxFile(written / "models" / "pets.of_vectors.onnx").sample_from(noise, conditions=vectors)
    np.testing.assert_allclose(mixed, expected[:, 3], atol=1e-5)


def test_a_generator_that_takes_labels_in_several_places_has_no_second_file(tmp_path):
    noise, label = keras.Input((3,)), keras.Input((), dtype="int32")
    first, second = (keras.layers.Embedding(2, 16)(label) for _ in range(2))
    images = keras.layers.Reshape((4, 4, 1))(keras.layers.Dense(16)(noise) * first + second)
    _, discriminator = kgz.networks.mlp_pair((4, 4, 1), 3, num_classes=2)
    gan = kgz.GAN(keras.Model([noise, label], images), discriminator, num_classes=2)
    export_all(gan, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"generator.onnx"}
    assert ModelFiles("x", tmp_path).entry()["classes"] == {"names": ["0", "1"], "mixed": None}


@pytest.mark.slow
def test_pictures_to_translate_come_from_held_out_data_of_the_package(tmp_path):
    """As of pix2pix_openmoji, by a tiny translator that says it is that preset."""
    options = {"source_shape": (64, 64, 1), "width": 2, "depth": 2, "receptive_field": 1, "seed": 0}
    model = kgz.Pix2Pix.for_images((64, 64, 3), **options)
    preset = kgz.zoo.card("pix2pix_openmoji")
    model.origin = type("Origin", (), {"card": preset, "weights_sha256": ""})()
    export_all(model, tmp_path)
    entry = ModelFiles("art", tmp_path, preset).entry()
    free = {"multiple": 4, "least": 4}
    assert entry["pictures"]["shape"] == [64, 64, 1]
    assert free.items() <= entry["pictures"]["free_size"].items()
    assert entry["pictures"]["examples"] == [f"pictures/art_{number}.png" for number in range(4)]
    assert entry["noise"] is entry["classes"] is entry["texts"] is None


def test_an_earlier_folder_is_replaced_and_no_other(models, runtime, tmp_path):
    folder, faces = tmp_path / "site", models[0] / "faces.onnx"
    said = []
    for _ in range(2):
        playground.write([faces, faces], folder, runtime, say=said.append)
    assert [line.split(":")[0] for line in said] == ["faces", "faces_2"] * 2
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(kgz.InputError, match=r"an earlier playground.*which holds something else"):
        playground.write([faces], folder, runtime)
    assert (folder / "thesis.txt").read_text() == "mine"


def test_presets_are_exported_once_and_again_when_damaged(models, runtime, tmp_path, monkeypatch):
    calls = []

    def export(source, folder):
        calls.append(source)
        shutil.copy(models[0] / "faces.onnx", folder / "generator.onnx")

    monkeypatch.setattr(site, "_export", export)
    monkeypatch.setenv("KERAS_GAN_ZOO_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        playground.write(["dcgan_mnist"], tmp_path / "site", runtime)
    assert calls == ["dcgan_mnist"]
    [kept] = (tmp_path / "cache").rglob("generator.onnx")
    kept.write_bytes(kept.read_bytes()[:-9])
    playground.write(["dcgan_mnist"], tmp_path / "site", runtime)
    assert calls == ["dcgan_mnist"] * 2
    assert OnnxFile(kept).condition.shape == (512,)


def test_what_the_page_cannot_run_is_refused(runtime, tmp_path):
    text_gan(encoder=letters).export(tmp_path / "letters.onnx")
    kgz.GAN.for_images((2,), latent_dim=3, seed=0).export(tmp_path / "points.onnx")
    for name, said in (("letters", "those of the encoder letters"), ("points", r"image_shape \[2\]")):
        with pytest.raises(kgz.InputError, match=f"the page can run.*{said}"), warnings.catch_warnings(action="ignore"):
            playground.write([tmp_path / f"{name}.onnx"], tmp_path / "site", runtime)
    assert not (tmp_path / "site").exists()


def test_every_model_by_default_is_a_preset():
    assert set(playground.DEFAULT) <= set(kgz.list_presets())


@pytest.mark.parametrize(
    ("source", "name"),
    [("runs/my digits/", "my_digits"), ("a/b.v2.keras", "b_v2"), ("https://x.org/faces.zip#sha256=0", "faces")],
)
def test_names_suit_files(source, name):
    assert name_of(source, []) == name


def test_the_runtime_is_found_where_npm_puts_it(runtime, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "node_modules" / "onnxruntime-web" / "dist"
    shutil.copytree(runtime, place)
    assert [path.resolve() for path in find_runtime()] == [place / name for name in FILES]
    assert find_runtime(tmp_path) == find_runtime(place) == [place / name for name in FILES]


# ------------------------------------------------------------------------------------------------------- gan-zoo play


def run(*arguments):
    return CliRunner().invoke(main, ["play", *map(str, arguments)])


def test_without_the_runtime_the_command_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("-o", "site")
    assert result.exit_code == 2
    assert "Install it here: npm install onnxruntime-web" in result.output
    assert not (tmp_path / "site").exists()


def test_the_command_writes_a_folder(models, runtime, tmp_path):
    result = run(models[0] / "faces.onnx", "--runtime", runtime, "-o", tmp_path / "site")
    assert result.exit_code == 0, result.output
    assert "put this folder on a web server" in result.output
    assert (tmp_path / "site" / "models" / "faces.onnx").exists()


def test_the_command_serves_until_it_is_interrupted(models, runtime, monkeypatch):
    seen, opened = [], []

    def serve_forever(server):
        seen.append(server)
        assert (server.folder / "models" / "faces.onnx").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(playground.Server, "serve_forever", serve_forever)
    monkeypatch.setattr("webbrowser.open", opened.append)
    before = threading.active_count()
    result = run(models[0] / "faces.onnx", "--runtime", runtime, "--open")
    assert result.exit_code == 0, result.output
    [server] = seen
    assert opened == [server.url]
    assert f"Open {server.url} in a browser" in result.output
    assert result.output.endswith("Ended.\n")
    assert not server.folder.exists()
    assert server.socket.fileno() == -1
    assert threading.active_count() == before
    run(models[0] / "faces.onnx", "--runtime", runtime)
    assert len(opened) == 1  # only where there is a desktop
