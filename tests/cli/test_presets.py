"""Presets on the command line."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.metrics.sources import as_source
from keras_gan_zoo.training.fine_tuning import base_of
from tests.helpers import assert_same, needs_tfds, weights_of

NAME = "conditional_gan_mnist"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_list_has_every_preset_with_its_figure():
    result = run("list")
    assert result.exit_code == 0, result.output
    for name in kgz.list_presets():
        [line] = [line for line in result.output.splitlines() if line.startswith(f"{name} ")]
        card = kgz.zoo.card(name)
        assert card.description in line
        distance = card.figures().get("frechet_distance")  # of data with a shipped classifier
        assert f"  {'-' if distance is None else f'{distance:.3g}'}  " in line
        assert card.data["name"] in line


def test_listing_imports_no_tensorflow():
    code = (
        "import sys; from click.testing import CliRunner; from keras_gan_zoo.cli import main\n"
        f"for arguments in (['list'], ['list', '{NAME}'], ['list', '--json'], ['info']):\n"
        "    assert CliRunner().invoke(main, arguments).exit_code == 0\n"
        "import keras_gan_zoo; keras_gan_zoo.list_presets()\n"
        "print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout == "set()\n", result.stderr


def test_a_card_says_all_and_its_recipe_can_be_read():
    result = run("list", NAME)
    assert result.exit_code == 0, result.output
    card = kgz.zoo.card(NAME)
    for said in (
        card.description,
        card.paper,
        card.data["licence"],
        "CC BY-SA 3.0",
        "936,283",
        "minutes",
        "tensorflow",
    ):
        assert said in result.output
    assert "label_agreement" in result.output
    recipe = result.output.split(f"--preset {NAME}:\n")[1]
    assert kgz.training.Recipe.from_toml(recipe).given() == card.recipe


def test_commands_take_presets_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("sample", NAME, "-n", "3", "--label", "7", "-o", "sevens.npz")
    assert result.exit_code == 0, result.output
    expected = kgz.load(NAME).sample(3, labels=7, seed=0)
    np.testing.assert_array_equal(np.load("sevens.npz")["images"], expected)
    assert run("interpolate", NAME, "--rows", "1", "--steps", "2", "-o", "walk.png").exit_code == 0
    result = run("export", NAME, "-o", "digits.onnx")
    assert result.exit_code == 0, result.output
    import onnx

    facts = {entry.key: entry.value for entry in onnx.load("digits.onnx").metadata_props}
    assert (facts["preset"], facts["licence"], facts["data_licence"]) == (NAME, "Apache-2.0", "CC BY-SA 3.0")


def test_a_path_that_exists_comes_before_a_name(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    tiny("dcgan").save_preset(tmp_path / NAME)
    assert isinstance(kgz.load(NAME), kgz.DCGAN)


def test_what_is_measured_may_be_a_preset():
    images, labels = as_source(NAME, seed=1).draw(12)
    assert next(images).shape == (12, 28, 28, 1)
    assert labels.tolist() == [*range(10), 0, 1]


@pytest.mark.slow
@needs_tfds("mnist")
def test_evaluate_and_invert_take_presets_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--data", "mnist", "-n", "50", "--metrics", "label_agreement", "--json", "scores.json"]
    result = run("evaluate", NAME, *options)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "scores.json").read_text())
    assert report["subject"] == NAME
    assert report["generated"][0]["values"]["value"] > 0.9
    result = run("invert", NAME, "--data", "mnist", "-n", "1", "--steps", "1", "--restarts", "1", "-o", "found.png")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["list", "conditional_gan_mnits"], 2, f"Did you mean '{NAME}'"),
        (["sample", "conditional_gan_mnits"], 2, f"Did you mean '{NAME}'"),
        (["evaluate", "conditional_gan_mnits", "--data", "mnist"], 2, f"Did you mean '{NAME}'"),
        (["export", "conditional_gan_mnits", "-o", "x.onnx"], 2, f"Did you mean '{NAME}'"),
        (["train", "--preset", "conditional_gan_mnits"], 2, f"Did you mean '{NAME}'"),
        (["train", "--from-preset", "conditional_gan_mnits", "--data", "digits"], 2, f"Did you mean '{NAME}'"),
        (["train", "--from-preset", NAME], 2, "Expected --data NAME with --from-preset"),
        (["train", "--preset", NAME, "--recipe", "x"], 2, "Expected one of --recipe, --preset"),
        (["train", "--preset", NAME, "--resume", "x"], 2, "Expected one of --recipe, --preset"),
        (["train", "--recipe", "nowhere.toml"], 2, "Expected the file of a recipe"),
        (
            ["train", "--from-preset", NAME, "--data", "digits", "--dry-run"],
            2,
            "Expected examples of shape (28, 28, 1)",
        ),
        (["train", "--from-preset", NAME, "--data", "ring8", "--dry-run"], 2, "expect images of shape"),
        (["sample", "https://example.org/gan.keras"], 2, "sha256=..."),
        (["sample", "https://example.org/gan.keras#sha256=" + "0" * 64], 1, "KERAS_GAN_ZOO_OFFLINE is set"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_GAN_ZOO_OFFLINE", "1")
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.output
    assert "Error: " in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_presets_and_recipes_are_made_anew_with_what_else_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text(
        kgz.training.Recipe("dcgan", "digits", epochs=7, model={"width": 8, "r1": 0.5}).to_toml()
    )
    by_file = run("train", "--recipe", "recipe.toml", "--epochs", "2", "--width", "4", "--dry-run")
    assert by_file.exit_code == 0, by_file.output
    recipe = kgz.training.Recipe.from_toml(by_file.output)
    assert (recipe.data, recipe.epochs, recipe.model["width"], recipe.model["r1"]) == ("digits", 2, 4, 0.5)
    by_name = run("train", "--preset", NAME, "--data", "digits", "--width", "4", "--dry-run")
    assert by_name.exit_code == 0, by_name.output
    recipe = kgz.training.Recipe.from_toml(by_name.output)
    card = kgz.zoo.card(NAME)
    assert (recipe.data, recipe.epochs, recipe.variant) == ("digits", card.recipe["epochs"], card.variant)
    assert recipe.model == {**card.recipe["model"], "width": 4}
    assert card.recipe["model"]["width"] == 32


@pytest.mark.slow
def test_data_beside_a_recipe_are_found(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    np.save(tmp_path / "elsewhere" / "few.npy", np.zeros((8, 16, 16, 1), np.uint8))
    recipe = tmp_path / "elsewhere" / "recipe.toml"
    recipe.write_text('variant = "dcgan"\ndata = "few.npy"\n')
    monkeypatch.chdir(tmp_path)
    beside = str(tmp_path / "elsewhere" / "few.npy")
    assert base_of(recipe)["data"] == base_of("elsewhere/recipe.toml")["data"] == beside
    np.save("few.npy", np.zeros((8, 16, 16, 1), np.uint8))
    assert base_of(recipe)["data"] == str(tmp_path / "few.npy")


def test_a_recipe_makes_the_same_model_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = kgz.data.load("digits")
    np.savez("few.npz", images=digits.examples[:64])
    sizes = ["--width", "4", "--latent-dim", "4", "--batch-size", "32", "--epochs", "1"]
    first = run("train", "dcgan", "--data", "few.npz", "--out", "first", "--seed", "5", *sizes)
    assert first.exit_code == 0, first.output
    second = run("train", "--recipe", "first/recipe.toml", "--out", "second")
    assert second.exit_code == 0, second.output
    assert_same(weights_of(kgz.load("first")), weights_of(kgz.load("second")))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_preset_is_trained_on_digits(tmp_path, monkeypatch):
    """Other images, of three of its ten classes under other names."""
    monkeypatch.chdir(tmp_path)
    digits = kgz.data.load("digits", image_size=28)
    some = digits.labels < 3
    np.savez("three.npz", images=digits.examples[some][:64], labels=digits.labels[some][:64])
    options = ["--data", "three.npz", "--epochs", "1", "--batch-size", "32", "--out", "run"]
    result = run("train", "--from-preset", NAME, *options)
    assert result.exit_code == 0, result.output
    assert "The classes are not those of conditional_gan_mnist" in result.output
    begun_anew = re.sub(r"_\d+", "", result.output)
    assert "begins anew: rows of generator/dense/kernel, generator/dense/kernel, generator/conv2d" in begun_anew
    assert begun_anew.count("discriminator/conv2d/kernel") == 2
    gan = kgz.load("run")
    assert (gan.num_classes, gan.steps_done) == (3, 2)


def test_programs_get_the_table_and_a_card_as_json():
    rows = json.loads(run("list", "--json").output)
    assert [row["preset"] for row in rows] == kgz.list_presets()
    [row] = [row for row in rows if row["preset"] == NAME]
    card = kgz.zoo.card(NAME)
    expected = {"variant": card.variant, "data": "mnist", "size": card.size, "description": card.description}
    assert {name: row[name] for name in expected} == expected
    assert row["frechet_distance"] == card.figures()["frechet_distance"]
    assert json.loads(run("list", NAME, "--json").output)["recipe"] == card.recipe
