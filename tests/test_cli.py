"""The command line as a user meets it: real processes where the start matters, in this process elsewhere."""

import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from tests.conftest import TINY

SMALL = ["--width", str(TINY["dcgan"]["width"]), "--latent-dim", "4", "--batch-size", "32", "--epochs", "2"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def process(*arguments, cwd, **environment):
    command = [sys.executable, "-m", "keras_gan_zoo", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")} | environment
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)


@pytest.fixture
def few_digits(tmp_path):
    digits = kgz.data.load("digits")
    np.savez(tmp_path / "few.npz", images=digits.examples[:64], labels=digits.labels[:64])
    return tmp_path / "few.npz"


@pytest.fixture
def run_folder(few_digits, tmp_path):
    result = run("train", "dcgan", "--data", few_digits, "--out", tmp_path / "run", "--conditional", *SMALL)
    assert result.exit_code == 0, result.output
    return tmp_path / "run"


def test_trains_and_says_where_the_pictures_are(few_digits, tmp_path):
    folder = tmp_path / "run"
    options = ["--ema", "0.9", "--loss", "minimax", "--k", "2", "--learning-rate", "0.001", "--seed", "3"]
    result = run("train", "dcgan", "--data", few_digits, "--out", folder, *options, *SMALL)
    assert result.exit_code == 0, result.output
    assert f"{folder}/samples.png" in result.output
    assert "epoch    2/2" in result.output
    gan = kgz.load(folder)
    assert (gan.ema_decay, gan.discriminator_steps, gan.seed) == (0.9, 2, 3)
    assert isinstance(gan.adversarial_loss, kgz.losses.Minimax)
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(0.001)


def test_samples_a_picture_or_arrays(run_folder, tmp_path):
    assert run("sample", run_folder, "-n", "20", "-o", tmp_path / "grid.png").exit_code == 0
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.width > 4 * picture.height  # a column per class
    result = run("sample", run_folder / "gan.keras", "-n", "5", "--seed", "7", "--label", "3", "-o", tmp_path / "s.npz")
    assert result.exit_code == 0, result.output
    expected = kgz.load(run_folder).sample(5, labels=3, seed=7)
    np.testing.assert_array_equal(np.load(tmp_path / "s.npz")["images"], expected)


def test_dry_run_prints_the_recipe_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", "dcgan", "--data", "digits", "--ema", "0.99", "--dry-run")
    recipe = kgz.training.Recipe.from_toml(result.output)
    assert recipe.model["ema_decay"] == 0.99
    assert recipe.epochs > 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "dcgan", "--data", "fashion_mnits"], 2, "Did you mean 'fashion_mnist'"),
        (["train", "dcgan", "--data", "ring8"], 2, "multiples of 4"),
        (
            ["train", "dcgan", "--data", "digits", "--k", "5", "--batch-size", "64"],
            2,
            "divisible by discriminator_steps=5",
        ),
        (["train", "dcgan", "--data", "digits", "--batch-size", "4000"], 2, "full batch of 4000"),
        (["train", "dcgan", "--data", "digits", "--image-size", "30"], 2, "multiples of 4"),
        (["train", "dcgan", "--data", "digits", "--loss", "minimx"], 2, "Did you mean 'minimax'"),
        (["train", "gan", "--data", "digits", "--width", "8"], 2, "Unknown argument of GAN.for_images 'width'"),
        (["train", "gan", "--data", "swiss_roll", "--conditional"], 2, "labelled data"),
        (["train", "dcgan", "--data", "digits", "--out", "/proc/nowhere"], 1, "/proc/nowhere"),
        (["train", "dcgan", "--data", "nowhere/folder"], 2, "does not exist"),
        (["train", "dcgan", "--data", "digits", "--loss", "hinges", "--dry-run"], 2, "Unknown loss"),
        (["train", "dcgan", "--data", "digits", "--batch-size", "5000", "--dry-run"], 2, "full batch of 5000"),
        (["train", "dcgan", "--data", "digits", "--seed", "99999999999999999999"], 2, "--seed"),
        (["train", "dcgan", "--data", ""], 2, "Expected a data set's name"),
        (["sample", "nowhere", "-o", "no/folder/grid.png"], 2, "a folder that exists"),
        (["sample", "nowhere"], 2, "does not exist"),
        (["sample", "nowhere", "-o", "grid.tiff"], 2, "grid.tiff"),
        (["train", "dcgna", "--data", "digits"], 2, "dcgna"),
    ],
)
def test_mistakes_are_one_line(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.output
    assert "Error: " in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_leaves_the_terminal_in_order(few_digits, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_gan_zoo.dcgan.DCGAN.fit", interrupt)
    result = run("train", "dcgan", "--data", few_digits, "--out", tmp_path / "run", *SMALL)
    assert result.exit_code != 0
    assert not (tmp_path / "run" / "gan.keras").exists()


def test_help_is_complete():
    for arguments in (["--help"], ["train", "--help"], ["sample", "--help"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "gan-zoo" in result.output


def test_a_good_run_prints_our_words_only(few_digits, tmp_path):
    result = process("train", "dcgan", "--data", few_digits, "--out", "run", *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.startswith("epoch    1/2")
    result = process("sample", "run", "-n", "4", "-o", "grid.png", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "4 samples, seed 0: grid.png\n"


def test_verbose_lets_tensorflow_speak(tmp_path):
    result = process("train", "gan", "--data", "digits", "--dry-run", cwd=tmp_path, KERAS_GAN_ZOO_VERBOSE="1")
    assert result.returncode == 0
    assert "oneDNN" in result.stderr
