"""A run becomes a preset, in a checkout that is made up."""

import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics import Report, Result
from keras_gan_zoo.training import publishing
from keras_gan_zoo.zoo import archive, cards, gallery
from keras_gan_zoo.zoo.preset import Preset
from tests.equality import TINY


def events(folder, *seconds):
    """A log of TensorBoard with events at these times."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{seconds[0]}.v2"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for second in seconds:
            writer.write(tf.compat.v1.Event(wall_time=second).SerializeToString())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on 64 digits, of as many steps as none."""
    folder = tmp_path_factory.mktemp("run")
    digits = kgz.data.load("digits")
    np.savez(folder / "few.npz", images=digits.examples[:64], labels=digits.labels[:64])
    model = {**TINY["dcgan"], "latent_dim": 4}
    recipe = kgz.training.Recipe(
        "dcgan", str(folder / "few.npz"), epochs=2, batch_size=32, conditional=True, model=model
    )
    recipe, dataset = kgz.training.resolve(recipe)
    (folder / "run").mkdir()
    (folder / "run" / "recipe.toml").write_text(recipe.to_toml())
    kgz.training.build(recipe, dataset).save(folder / "run" / "gan.keras")
    events(folder / "run" / "tensorboard" / "train", 10.0, 100.0)
    return folder / "run"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "keras_gan_zoo" / "zoo").mkdir(parents=True)
    (tmp_path / "keras_gan_zoo" / "zoo" / "presets.toml").write_text("")
    return tmp_path


SAID = {"authors": "Somebody", "licence": "CC0-1.0"}


def test_a_run_becomes_a_preset(run, checkout):
    card = publishing.publish(run, "tiny_few", "Blots", "one seed", samples=20, data=SAID, root=checkout)
    package = checkout / "keras_gan_zoo" / "zoo"
    assert cards.read((package / "presets.toml").read_bytes(), "table") == {"tiny_few": card}
    for picture in ("tiny_few.png", "tiny_few_neighbours.png"):
        assert (checkout / "docs" / "images" / "zoo" / picture).stat().st_size > 0
    with Image.open(checkout / "docs" / "images" / "thumbnails" / "tiny_few.png") as thumbnail:
        assert thumbnail.size == (160, 160)
    assert card.data == {"name": "few.npz", "split": "train", **SAID}
    assert (card.recipe["data"], card.recipe["epochs"], card.training_minutes) == ("few.npz", 2, 1.5)
    assert str(run.parent) not in (package / "presets.toml").read_text()
    assert {result["metric"] for result in card.scores["reference"]} == {"nearest_neighbours"}
    assert card.environment["tensorflow"] == tf.__version__
    again = Preset(card, archive.folder_reader(package / "presets" / "tiny_few")).model()
    np.testing.assert_array_equal(again.sample(3, seed=1), kgz.load(run).sample(3, seed=1))

    table = package / "presets.toml"
    table.write_text(table.read_text().replace("tiny_few", "before"))
    again = publishing.publish(run, "after", "More blots", "one seed", samples=20, data=SAID, root=checkout, half=True)
    found = cards.read(table.read_bytes(), "table")
    assert list(found) == ["after", "before"]
    assert (found["after"], found["before"].files) == (again, card.files)
    page = (checkout / "docs" / "gallery.md").read_text()
    assert page.count("\nSelection: one seed.\n") == 2
    assert "[![before](images/thumbnails/before.png)](#before)" in page
    assert "![Blots](images/zoo/before.png)" in page


def test_a_run_that_began_with_a_preset_names_it(run, checkout, tmp_path):
    tuned = shutil.copytree(run, tmp_path / "tuned")
    recipe = (tuned / "recipe.toml").read_text()
    (tuned / "recipe.toml").write_text(f'from_preset = "dcgan_mnist"\n{recipe}')
    card = publishing.publish(tuned, "tuned", "Blots", "one seed", samples=20, data=SAID, root=checkout)
    assert card.parent == card.recipe["from_preset"] == "dcgan_mnist"


def test_a_run_with_texts_shows_captions_and_names_its_encoder(checkout, tmp_path):
    rng, data = np.random.default_rng(0), tmp_path / "squares"
    data.mkdir()
    for i in range(32):
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(data / f"{i:02d}.png")
        (data / f"{i:02d}.txt").write_text(f"a {('red', 'green', 'blue')[i % 3]} square with a line at {i % 4}")
    model = {"latent_dim": 8, "width": 4}
    recipe, dataset = kgz.training.resolve(
        kgz.training.Recipe("text_to_image", str(data), epochs=2, batch_size=16, model=model)
    )
    gan = kgz.TextToImageGAN.for_images((16, 16, 3), seed=recipe.seed, **recipe.model)
    gan.adopt(gan.prepared(dataset))
    gan.compile()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_text(recipe.to_toml())
    gan.save(tmp_path / "run" / "gan.keras")
    events(tmp_path / "run" / "tensorboard" / "train", 10.0, 100.0)
    further = tmp_path / "report.json"
    seen, real = (Result("attributes_unseen", {"mean": mean}, {"data": "squares"}) for mean in (0.75, 1.0))
    Report("run", [seen], [real]).save(further)
    named = {"samples": 16, "data": SAID, "reports": [further], "root": checkout}
    card = publishing.publish(tmp_path / "run", "tiny_text", "Squares", "one seed", **named)
    assert [card.figures(row)["attributes_unseen.mean"] for row in card.scores] == [0.75, 1.0]
    assert "nearest_neighbours.copies" in card.figures()
    assert card.encoder == {"name": "characters", "digest": gan.encoder.digest}
    assert len(card.texts) == 8
    assert card.texts[0] == "a red square with a line at 0"
    with Image.open(checkout / "docs" / "images" / "zoo" / "tiny_text.png") as picture:
        assert picture.tobytes() == kgz.pictures.draw_texts(gan, card.texts).tobytes()
    page = (checkout / "docs" / "gallery.md").read_text()
    assert "| 0.750 (1.000) |" in page
    assert "The texts of the rows:\n\n1. a red square with a line at 0\n2. " in page
    again = Preset(card, archive.folder_reader(checkout / "keras_gan_zoo" / "zoo" / "presets" / "tiny_text")).model()
    assert again.vocabulary == dataset.vocabulary
    np.testing.assert_array_equal(again.sample(2, text="red square", seed=1), gan.sample(2, text="red square", seed=1))


def test_a_translator_is_shown_beside_its_targets_and_measured_against_them(checkout, tmp_path):
    data = tmp_path / "pairs"
    for side in ("sources", "targets"):
        (data / side).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(24):
        image = rng.integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(image).save(data / "targets" / f"{i:02d}.png")
        Image.fromarray(image).convert("L").save(data / "sources" / f"{i:02d}.png")
    given = {"epochs": 2, "batch_size": 8, "model": {"width": 4}, "sources": str(data / "sources")}
    recipe, dataset = kgz.training.resolve(kgz.training.Recipe("pix2pix", str(data / "targets"), **given))
    model = kgz.training.build(recipe, dataset)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_text(recipe.to_toml())
    model.save(tmp_path / "run" / "gan.keras")
    events(tmp_path / "run" / "tensorboard" / "train", 10.0, 100.0)
    card = publishing.publish(tmp_path / "run", "tiny_pairs", "Squares", "one seed", data=SAID, root=checkout)
    figures = card.figures()
    difference = (dataset.examples.astype(float) - dataset.conditions) / 127.5
    assert figures["similarity.source_l1"] == pytest.approx(np.abs(difference).mean(), rel=0.02)  # of half of them
    page = (checkout / "docs" / "gallery.md").read_text()
    assert f"| {figures['similarity.l1']:.3f} ({figures['similarity.source_l1']:.3f}) |" in page
    assert "Sources and targets: Somebody; CC0-1.0." in page
    assert "_neighbours" not in page
    chosen = np.linspace(0, 23, publishing.PAIRS, dtype=int)
    shown = kgz.pictures.draw_translations(model, dataset.conditions[chosen], dataset.examples[chosen])
    with Image.open(checkout / "docs" / "images" / "zoo" / "tiny_pairs.png") as picture:
        assert picture.tobytes() == shown.tobytes()


@pytest.mark.slow
def test_of_two_that_publish_at_once_the_table_has_both(run, checkout, monkeypatch):
    def publish(name):
        return publishing.publish(run, name, "Blots", "one seed", samples=20, data=SAID, root=checkout)

    def meanwhile(*arguments):
        monkeypatch.setattr(publishing, "write_files", write_files)
        threads.append(threading.Thread(target=publish, args=("second",)))
        threads[0].start()
        threads[0].join(10)
        return write_files(*arguments)

    write_files, threads = publishing.write_files, []
    monkeypatch.setattr(publishing, "write_files", meanwhile)
    publish("first")
    threads[0].join()
    table = checkout / "keras_gan_zoo" / "zoo" / "presets.toml"
    assert list(cards.read(table.read_bytes(), "table")) == ["first", "second"]
    page = (checkout / "docs" / "gallery.md").read_text()
    assert "zoo/first.png" in page
    assert "zoo/second.png" in page
    assert sorted(path.name for path in table.parent.iterdir()) == ["presets", "presets.toml"]


def test_the_gallery_is_that_of_the_cards():
    assert (publishing.ROOT / "docs" / "gallery.md").read_text() == gallery.page(cards.shipped())


def test_nothing_is_published_of_what_cannot_be(run, checkout, monkeypatch, tmp_path):
    def published(folder, **arguments):
        return publishing.publish(
            folder, "tiny", "Blots", "one seed", **{"samples": 20, "data": SAID, "root": checkout, **arguments}
        )

    before = sorted(checkout.rglob("*.*"))
    with pytest.raises(InputError, match=r"finished run, with a gan\.keras"):
        published(tmp_path)
    with pytest.raises(InputError, match=r"Expected authors and licence of few\.npz"):
        published(run, data={"authors": "Somebody"})
    monkeypatch.setattr(publishing, "LIMIT", 100)
    with pytest.raises(InputError, match="generator of at most 100 bytes"):
        published(run)
    assert sorted(checkout.rglob("*.*")) == before


@pytest.mark.slow
def test_the_command_prints_our_words_only(tmp_path):
    command = [sys.executable, "-m", "keras_gan_zoo.cli.publish", str(tmp_path), "tiny"]
    command += ["--description", "Blots", "--selection", "one seed"]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert found.stderr.startswith("Error: Expected a finished run, with a gan.keras.")
    assert (found.returncode, found.stdout) == (1, "")


def test_the_minutes_of_all_parts_are_added(tmp_path):
    folder = tmp_path / "tensorboard" / "train"
    events(folder, 100.0, 130.0, 160.0)
    events(folder, 5000.0, 5120.0)
    assert publishing.training_minutes(tmp_path) == 3.0


def test_a_log_that_is_being_written_tells_the_time_so_far(tmp_path):
    folder = tmp_path / "tensorboard" / "train"
    events(folder, 100.0, 130.0, 160.0)
    [file] = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    assert publishing.training_minutes(tmp_path) == 0.5


def test_a_run_without_times_is_refused(tmp_path):
    with pytest.raises(InputError, match="the times of its epochs"):
        publishing.training_minutes(tmp_path)


@pytest.mark.parametrize(
    ("variant", "architecture", "expected"),
    [
        ("pix2pix", "unet", "Isola et al., 2017, https://arxiv.org/abs/1611.07004"),
        ("pix2pix", "spade", "Isola et al., 2017, https://arxiv.org/abs/1611.07004; networks of Park et al., 2019"),
    ],
)
def test_papers_are_those_of_the_algorithm_and_of_the_networks(variant, architecture, expected):
    assert publishing.papers(kgz.training.Recipe(variant, "avatars", model={"architecture": architecture})) == expected
