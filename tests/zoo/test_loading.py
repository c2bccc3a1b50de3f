"""`load`, and the battery over all presets of the package."""

import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.extractors import shipped as extractors
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.training import publishing
from keras_gan_zoo.zoo import archive, cards, preset
from keras_gan_zoo.zoo.saving import golden_samples
from tests.helpers import assert_same, needs_tfds, zipped

ROOT = Path(__file__).parents[2]
PRESETS = kgz.list_presets()


def test_loads_a_file(tiny, tmp_path):
    gan = tiny("dcgan")
    gan.save(tmp_path / "gan.keras")
    np.testing.assert_array_equal(kgz.load(tmp_path / "gan.keras").sample(3, seed=0), gan.sample(3, seed=0))


def test_suffixes_may_be_in_capitals(tiny, tmp_path):
    gan = tiny("dcgan")
    gan.save(tmp_path / "gan.keras")
    gan.save_preset(tmp_path / "tiny")
    zipped(tmp_path / "tiny", tmp_path / "TINY.ZIP")
    (tmp_path / "gan.keras").rename(tmp_path / "GAN.KERAS")
    expected = gan.sample(3, seed=0)
    for source in (tmp_path / "GAN.KERAS", tmp_path / "TINY.ZIP"):
        np.testing.assert_array_equal(kgz.load(source).sample(3, seed=0), expected)
        digest = archive.sha256_of(source.read_bytes())
        np.testing.assert_array_equal(kgz.load(source.as_uri(), sha256=digest).sample(3, seed=0), expected)


def test_other_files_are_refused_by_name(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    (tmp_path / "text.keras").write_text("no archive")
    np.savez(tmp_path / "arrays.npz", a=np.zeros(2))
    with pytest.raises(InputError, match="model of class 'Sequential'"):
        kgz.load(tmp_path / "other.keras")
    for name in ("text.keras", "arrays.npz"):
        with pytest.raises(InputError, match=f"whole model.*{name}"):
            kgz.load(tmp_path / name)
    with pytest.raises(InputError, match="does not exist"):
        kgz.load(tmp_path / "missing.keras")
    with pytest.raises(InputError, match="which has neither"):
        kgz.load(tmp_path)


@pytest.mark.parametrize("source", [None, 3, "", b"x"])
def test_what_names_no_model_is_refused(source):
    with pytest.raises(InputError, match=f"Expected a preset's name, .* Received: {source!r}"):
        kgz.load(source)


def test_a_preset_may_be_elsewhere(tiny, tmp_path, monkeypatch):
    gan = tiny("fgan")
    gan.save_preset(tmp_path / "far")
    zipped_preset = zipped(tmp_path / "far", tmp_path / "far.zip")
    digest = archive.sha256_of(zipped_preset.read_bytes())
    far = cards.Card("far", "fgan", licence="MIT", url=zipped_preset.as_uri(), sha256=digest)
    cards.write({"far": far}, tmp_path / "presets.toml")
    monkeypatch.setattr(cards, "TABLE", tmp_path / "presets.toml")
    monkeypatch.chdir("/")
    assert kgz.list_presets() == ["far"]
    far = kgz.load("far")
    assert far.origin.card.licence == "MIT"
    np.testing.assert_array_equal(far.sample(2, seed=0), gan.sample(2, seed=0))
    zipped_preset.write_bytes(zipped_preset.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"with SHA-256 {digest}"):
        kgz.load("far")


def test_there_are_presets_and_their_files_are_all_there_is():
    assert {"conditional_gan_mnist", "wgan_gp_fashion_mnist"} <= set(PRESETS)
    local = {name: card for name, card in cards.shipped().items() if card.url is None}
    assert {path.name for path in cards.FOLDERS.iterdir()} == set(local)
    for name, card in local.items():
        without = set() if kgz.VARIANTS[card.variant].has_discriminator else {cards.DISCRIMINATOR}
        assert {path.name for path in (cards.FOLDERS / name).iterdir()} == set(card.files) == {*cards.FILES} - without


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_its_card_says(name):
    card = cards.card(name)
    gan = kgz.load(name, with_discriminator=True)
    assert type(gan) is kgz.VARIANTS[card.variant]
    networks = {"generator": gan.sampling_generator}
    networks |= {"discriminator": gan.discriminator} if gan.has_discriminator else {}
    assert card.parameters == {name: network.count_params() for name, network in networks.items()}
    assert card.size <= publishing.LIMIT == 3_000_000
    golden, samples = preset.find(name).golden(), golden_samples(gan)
    assert golden.shape == samples.shape
    assert np.abs(golden.astype(int) - samples).max() <= 1
    assert golden.std() > 10  # and they show something
    if gan.ema_generator is not None:
        assert_same(gan.ema_generator.get_weights(), gan.generator.get_weights())


def translates(card) -> bool:
    return kgz.VARIANTS[card.variant].takes_pictures


@pytest.mark.parametrize("name", PRESETS)
def test_a_card_is_complete(name):
    card = cards.card(name)
    named = (card.variant.split("_")[0], card.recipe["model"]["architecture"])  # conditional_dcgan_..., spade_...
    assert name.startswith(named)
    for fact in (card.description, card.paper, card.licence, card.data["authors"], card.data["licence"]):
        assert fact
    assert card.description.count("\n") == 0
    assert card.training_minutes > 0
    assert {"python", "tensorflow", "keras", "keras_gan_zoo", "cores"} <= card.environment.keys()
    recipe = kgz.training.Recipe(**card.recipe)
    assert recipe.variant == card.variant
    assert None not in (recipe.epochs, recipe.batch_size, recipe.optimizer)
    assert ("latent_dim" in recipe.model) != translates(card)
    assert "architecture" in recipe.model
    assert "/" not in recipe.data
    assert str(Path.home()) not in cards.TABLE.read_text()
    assert (ROOT / "docs" / "images" / "zoo" / f"{name}.png").is_file()


@pytest.mark.parametrize("name", PRESETS)
def test_scores_have_their_protocols_and_references(name):
    card = cards.card(name)
    generated, reference = ([Result.from_dict(r) for r in card.scores[row]] for row in ("generated", "reference"))
    metrics = {result.metric for result in generated}
    expected = {"similarity"} if translates(card) else {"nearest_neighbours"}
    if card.data["name"] in extractors():
        expected |= {"frechet_distance", "kernel_distance", "precision_recall", "density_coverage"}
        expected |= {"label_agreement"} if card.recipe["conditional"] else set()
    of_texts = {f"attributes_{captions}" for captions in ("unseen", "in_other_words", "held_out_combinations")}
    first_stages = {cards.card(other).recipe["model"].get("first_stage") for other in PRESETS}  # the second is measured
    assert metrics == expected | (of_texts if card.texts and name not in first_stages else set())
    for ours, real in zip(generated, reference, strict=True):
        assert ours.metric == real.metric
        assert ours.protocol["data"] == Path(card.data["name"].rpartition(",")[2]).stem  # of two sets, the targets
        facts = {"captions", "reporting_sha256"} if ours.metric in of_texts else {"split", "checksum", "shape"}
        assert {"seed"} | facts <= ours.protocol.keys()
    by_name = {result.metric: result for result in generated}
    if translates(card):
        values = by_name["similarity"].values
        if card.recipe["model"]["architecture"] == "spade":  # label maps are no answer, and have no distance
            assert math.isnan(values["source_l1"])
            assert values["l1"] < 0.25
        else:
            assert values["l1"] < values["source_l1"]
            assert values["psnr"] > values["source_psnr"]
    if "frechet_distance" in expected:
        floor = next(result for result in reference if result.metric == "frechet_distance")
        assert 0 < floor.value < by_name["frechet_distance"].value


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_the_recipe_builds_the_networks_of_the_preset(name):
    card = cards.card(name)
    gan = kgz.load(name)
    recipe = kgz.training.Recipe(**card.recipe)
    images = np.zeros((recipe.batch_size, *gan.example_shape), np.uint8)
    labels = np.arange(len(images)) % (gan.num_classes or 1)
    if translates(card):
        data = kgz.data.Dataset(images, conditions=np.zeros((len(images), *gan.condition.shape), np.uint8))
    elif gan.encoder is None:
        data = kgz.data.Dataset(images, labels, class_names=gan.class_names)
    else:
        data = kgz.data.CaptionedDataset(images, card.texts[:1] * len(images))
    anew = kgz.training.build(recipe, data)
    assert anew.players.keys() == gan.players.keys()
    for player, model in anew.players.items():
        assert [w.shape for w in model.network.weights] == [w.shape for w in gan.players[player].network.weights]
    assert getattr(anew, "ema_decay", None) == getattr(gan, "ema_decay", None)


@pytest.mark.parametrize(
    ("name", "least"), [("conditional_gan_mnist", 0.97), ("conditional_dcgan_fashion_mnist", 0.90)]
)
def test_conditional_presets_obey_their_labels(name, least):
    [agreement] = [score for score in cards.card(name).scores["generated"] if score["metric"] == "label_agreement"]
    assert agreement["values"]["value"] >= least


@needs_tfds("mnist")
@pytest.mark.slow
def test_made_digits_train_a_classifier_as_well_as_real_ones():
    metrics = ["neighbour_classification", "label_agreement"]
    report = kgz.metrics.evaluate("conditional_gan_mnist", "mnist", metrics=metrics, n=50_000)
    (error, agreement), (real_error, _) = (
        [result.value for result in row] for row in (report.generated, report.reference)
    )
    assert 0.03 < real_error < 0.034
    assert error <= 0.034
    assert agreement >= 0.97


@pytest.mark.slow
def test_the_wheel_holds_the_zoo_and_needs_no_network(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.stat().st_size <= 60_000_000
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    installed = tmp_path / "site" / "keras_gan_zoo" / "zoo" / "presets"
    apart = {str(path.relative_to(cards.FOLDERS)) for path in cards.FOLDERS.rglob("*.*")} - {
        str(path.relative_to(installed)) for path in installed.rglob("*.*")
    }
    assert apart == {"bigan_mnist/discriminator.npz", "srgan_peeps/discriminator.npz"}
    code = (
        "import socket\n"
        "def refuse(*_, **__): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import keras_gan_zoo as kgz\n"
        "from keras_gan_zoo.zoo.saving import golden_samples\n"
        "print(kgz.__file__)\n"
        "for name in kgz.list_presets():\n"
        "    print(name, golden_samples(kgz.load(name, with_discriminator=True)).shape)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "KERAS_GAN_ZOO_OFFLINE": "1"}
    environment["KERAS_GAN_ZOO_WEIGHTS"] = str(cards.FOLDERS)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300
    )
    assert result.returncode == 0, result.stderr
    where, *loaded = result.stdout.splitlines()
    assert where.startswith(str(tmp_path / "site"))
    assert [line.split()[0] for line in loaded] == PRESETS
