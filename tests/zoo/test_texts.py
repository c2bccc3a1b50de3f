"""Presets and runs of models that take texts: encoder and words come back, and another encoder is refused."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.encoders import Absent, conditions_to_test
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo import archive, cards, gallery, preset
from keras_gan_zoo.zoo.belonging import check_recipe
from keras_gan_zoo.zoo.preset import Preset
from keras_gan_zoo.zoo.saving import golden_samples
from tests.texts import WORDS, letters, text_gan


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder, gan = tmp_path_factory.mktemp("presets") / "tiny", text_gan()
    gan.save_preset(folder, description="Colours")
    return folder, gan


def of_another_version(folder) -> Preset:
    """The preset, as if a later version of its encoder had another digest."""
    [card] = cards.read((folder / cards.CARD_FILE).read_bytes(), folder).values()
    contents = archive.read_files(card, archive.folder_reader(folder))
    config = json.loads(contents[cards.CONFIG])
    config["config"]["encoder"]["digest"] = "f" * 64
    contents[cards.CONFIG] = json.dumps(config).encode()
    files = {**card.files, cards.CONFIG: archive.sha256_of(contents[cards.CONFIG])}
    return Preset(dataclasses.replace(card, files=files), contents.__getitem__)


def test_a_preset_keeps_its_encoder_and_its_words(saved):
    folder, gan = saved
    [card] = cards.read((folder / cards.CARD_FILE).read_bytes(), folder).values()
    assert card.encoder == {"name": "characters", "digest": gan.encoder.digest}
    assert card.texts == []
    again = kgz.load(folder)
    assert (again.encoder.digest, again.vocabulary) == (gan.encoder.digest, frozenset(WORDS))
    np.testing.assert_array_equal(again.sample(2, text="a red hat", seed=1), gan.sample(2, text="a red hat", seed=1))


def test_golden_samples_are_of_random_words(saved):
    folder, gan = saved
    np.testing.assert_array_equal(preset.find(folder).golden(), golden_samples(gan))
    vectors = conditions_to_test(gan, 4, seed=0)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)  # as those of all texts
    assert not np.allclose(vectors[0], vectors[1])


def test_another_version_of_the_encoder_is_refused_and_vectors_are_taken(saved):
    folder, gan = saved
    again = of_another_version(folder).model()
    with pytest.raises(InputError, match=r"Expected the encoder of training, 'characters'.*another version of"):
        again.sample(1, text="a red hat")
    with pytest.raises(InputError, match="Expected the encoder of training"):
        again.encoder = "characters"
    vectors = gan.encoder.encode(["a red hat"])
    np.testing.assert_array_equal(again.sample(1, conditions=vectors, seed=1), gan.sample(1, text="a red hat", seed=1))


def test_a_function_is_given_again(tmp_path):
    gan = text_gan(encoder=letters)
    gan.save_preset(tmp_path / "own")
    again = kgz.load(tmp_path / "own")
    assert isinstance(again.encoder, Absent)
    again.encoder = letters
    np.testing.assert_array_equal(again.sample(1, text="a red hat", seed=1), gan.sample(1, text="a red hat", seed=1))


def test_the_model_of_a_run_may_have_words_and_an_encoder_of_another_version(saved, tmp_path):
    folder, gan = saved
    recipe = {"variant": "text_to_image", "seed": 0, "model": {"latent_dim": 8, "width": 4, "encoder": "characters"}}
    check_recipe(gan, recipe, tmp_path)
    check_recipe(of_another_version(folder).model(with_discriminator=True), recipe, tmp_path)
    check_recipe(text_gan(encoder=letters), {**recipe, "model": {"latent_dim": 8, "width": 4}}, tmp_path)
    with pytest.raises(InputError, match=r"(?s)Received: .* with other values:\s+interpolation: true in the run"):
        check_recipe(text_gan(interpolation=False), recipe, tmp_path)


def test_a_card_shows_the_texts_of_its_picture(monkeypatch):
    card = cards.Card(
        "faces",
        "text_to_image",
        "Faces",
        encoder={"name": "characters", "digest": "8d32"},
        texts=["red hair", "a hat"],
        training_minutes=1,
        url="https://example.org/faces.zip",
        sha256="0" * 64,
    )
    assert "![Faces](images/zoo/faces.png)\n\nThe texts of the rows:\n\n1. red hair\n2. a hat\n" in gallery.page(
        {"faces": card}
    )
    monkeypatch.setattr(cards, "shipped", lambda: {"faces": card})
    shown = CliRunner().invoke(main, ["list", "faces"]).output
    assert "encoder      characters, 8d32\n" in shown
    assert "texts        red hair; a hat\n" in shown
    with pytest.raises(InputError, match=r"Expected texts of the preset faces as a list\. Received: 'red'"):
        dataclasses.replace(card, texts="red")
