"""The command line as a user meets it: real processes where the start matters, in this process elsewhere."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.cli.evaluate import trained_on
from keras_gan_zoo.cli.sampling import _first_examples
from tests.equality import TINY
from tests.helpers import assert_same, weights_of

SMALL = ["--width", str(TINY["dcgan"]["width"]), "--latent-dim", "4", "--batch-size", "32", "--epochs", "2"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def process(*arguments, cwd, **environment):
    command = [sys.executable, "-m", "keras_gan_zoo", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")} | environment
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory):
    digits = kgz.data.load("digits")
    path = tmp_path_factory.mktemp("digits") / "few.npz"
    np.savez(path, images=digits.examples[:64], labels=digits.labels[:64])
    return path


@pytest.fixture(scope="module")
def finished_run(few_digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    result = run("train", "dcgan", "--data", few_digits, "--out", folder, "--conditional", *SMALL)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def run_folder(finished_run, tmp_path):
    """A copy to do anything with."""
    return shutil.copytree(finished_run, tmp_path / "run")


def test_trains_and_says_where_the_pictures_are(few_digits, tmp_path):
    folder = tmp_path / "run"
    options = ["--ema", "0.9", "--loss", "minimax", "--k", "2", "--learning-rate", "0.001", "--seed", "3"]
    result = run("train", "dcgan", "--data", few_digits, "--out", folder, *options, *SMALL)
    assert result.exit_code == 0, result.output
    assert f"{folder}/samples.png" in result.output
    assert result.output.startswith(
        "data      few: 64 images of shape (16, 16, 1), grey, uint8 from 0 to 255\nclasses   10"
    )
    assert "\nWarning:  Only 4 steps: " in result.output
    assert "Pass --epochs 500," in " ".join(result.output.split())
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
    result = run("train", "dcgan", "--data", "digits", "--width", "4", "--ema", "0.99", "--dry-run")
    recipe = kgz.training.Recipe.from_toml(result.output)  # what else it says are comments
    assert recipe.model["ema_decay"] == 0.99
    assert recipe.epochs > 1
    *said, time = [line for line in result.output.splitlines() if line.startswith("#")]
    assert said == [
        "# data      digits: 1,797 images of shape (16, 16, 1), grey, uint8 from 0 to 255",
        "# classes   10 of 174 to 183 examples each; not used without --conditional",
        "# steps     28 per epoch x 161 epochs = 4,508; batches of 64",
    ]
    assert re.fullmatch(r"# time      about .* for 4,508 steps \(.* steps/s\)", time)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "dcgan", "--data", "fashion_mnits"], 2, "Did you mean 'fashion_mnist'"),
        (["train", "dcgan", "--data", "ring8"], 2, "multiples of 4"),
        (["evaluate", "x", "--data", "ring8", "--neighbours", "x.png"], 2, "Expected no --neighbours for ring8"),
        (
            ["train", "dcgan", "--data", "digits", "--k", "5", "--batch-size", "64"],
            2,
            "divisible by --k 5",
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
        (["train", "dcgan"], 2, "VARIANT and --data NAME, or --resume RUN"),
        (["train", "--resume", "nowhere"], 2, "nowhere, which has none"),
        (["train", "--resume", "nowhere", "--dry-run"], 2, "--dry-run without --resume"),
        (["train", "dcgan", "--data", "digits", "--precision", "float16"], 2, "Unknown precision"),
        (["train", "dcgan", "--data", "digits", "--stop-by", "wasserstein"], 2, "figure to stop by 'wasserstein'"),
    ],
)
def test_mistakes_are_one_line(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.output
    assert "Error: " in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_resumes_with_more_epochs_by_the_recipe_in_the_folder(run_folder, tmp_path):
    before = kgz.load(run_folder)
    result = run("train", "--resume", run_folder, "--epochs", "3", "--snapshot-steps", "1", "--out", tmp_path / "more")
    assert result.exit_code == 0, result.output
    assert "steps     2 per epoch x 3 epochs = 6, of which 4 are done and 2 left; batches of 32" in result.output
    assert "epoch    3/3" in result.output
    after = kgz.load(tmp_path / "more")
    assert (int(before.step), int(after.step)) == (4, 6)
    assert after.conditional
    assert_same(weights_of(before), weights_of(kgz.load(run_folder)))  # which was copied
    log = (tmp_path / "more" / "log.csv").read_text().splitlines()
    assert log[:3] == (run_folder / "log.csv").read_text().splitlines()
    assert len(log) == 4


def test_a_finished_run_resumed_stays_as_it_is(run_folder):
    before = kgz.load(run_folder)
    result = run("train", "--resume", run_folder)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        f"The run in {run_folder} had already finished, after 4 steps. Nothing was trained."
    )
    assert result.output.endswith(f"To train longer: gan-zoo train --resume {run_folder} --epochs MORE\n")
    assert "Trained" not in result.output
    assert_same(weights_of(before), weights_of(kgz.load(run_folder)))


def test_invert_puts_transparent_examples_on_a_background(tmp_path):
    np.savez(tmp_path / "clear.npz", images=np.zeros((3, 8, 8, 4), np.uint8))
    gan = kgz.GAN.for_images((8, 8, 3), 2, architecture="mlp", units=2, depth=1)
    [example], _ = _first_examples(gan, str(tmp_path / "clear.npz"), None, "black", 1)
    np.testing.assert_array_equal(example, -np.ones((8, 8, 3)))
    gan.save(tmp_path / "gan.keras")
    few = ("-n", "1", "--steps", "1", "--restarts", "1", "-o", tmp_path / "found.npz")
    result = run("invert", tmp_path / "gan.keras", "--data", tmp_path / "clear.npz", "--background", "black", *few)
    assert result.exit_code == 0, result.output


def test_a_run_is_continued_with_its_data_where_they_are_now(run_folder, few_digits, tmp_path, monkeypatch):
    (tmp_path / "moved").mkdir()
    shutil.copy(few_digits, tmp_path / "moved" / "other.npz")
    shutil.copy(few_digits, tmp_path / "moved" / few_digits.name)
    monkeypatch.chdir(tmp_path / "moved")
    assert trained_on(str(run_folder))["data"] == str(few_digits)
    result = run("train", "--resume", run_folder, "--data", "other.npz")
    assert result.exit_code == 2, result.output
    assert "  data: " in result.output
    result = run("train", "--resume", run_folder, "--data", few_digits.name)
    assert result.exit_code == 0, result.output
    assert trained_on(str(run_folder))["data"] == str(tmp_path / "moved" / few_digits.name)


def test_resuming_with_another_recipe_lists_the_differences(run_folder):
    files = {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}
    result = run("train", "dcgan", "--resume", run_folder, "--width", "5", "--seed", "1", "--k", "1", "--epochs", "9")
    assert result.exit_code == 2
    assert result.output.splitlines()[-4:] == [
        "Error: Expected the recipe that the run began with, where only epochs may change, and the folder that the "
        "data are in. Received other values:",
        "  seed: 0 in the run, now 1",
        "  model.width: 4 in the run, now 5",
        "Leave them out, or start a new run.",
    ]
    assert files == {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}


def test_an_unfinished_run_is_sampled_from_its_newest_snapshot(run_folder, tmp_path):
    trained = kgz.load(run_folder)
    (run_folder / "gan.keras").unlink()
    with pytest.warns(UserWarning, match="not finished: this is its model at step 4"):
        unfinished = kgz.load(run_folder)
    assert_same(weights_of(trained), weights_of(unfinished))
    [*_, snapshot] = sorted((run_folder / "snapshots").iterdir())
    assert_same(weights_of(trained), weights_of(kgz.load(snapshot)))


def test_an_interrupted_run_leaves_the_terminal_in_order(few_digits, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_gan_zoo.models.dcgan.DCGAN.fit", interrupt)
    result = run("train", "dcgan", "--data", few_digits, "--out", tmp_path / "run", *SMALL)
    assert result.exit_code != 0
    assert not (tmp_path / "run" / "gan.keras").exists()


def test_help_is_complete():
    for arguments in (["--help"], ["train", "--help"], ["sample", "--help"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "gan-zoo" in result.output


@pytest.mark.slow
def test_a_good_run_prints_our_words_only(few_digits, tmp_path):
    result = process("train", "dcgan", "--data", few_digits, "--out", "run", *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.startswith("data      few: 64 images")
    assert "\nepoch    1/2" in result.stdout


def test_sampling_prints_our_words_only(run_folder, tmp_path):
    result = process("sample", "run", "-n", "4", "-o", "grid.png", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "4 samples, seed 0: grid.png\n"


@pytest.mark.slow
def test_verbose_lets_tensorflow_speak(tmp_path):
    onednn = {"TF_ENABLE_ONEDNN_OPTS": "1"}  # of which it speaks on every processor
    result = process("train", "gan", "--data", "digits", "--dry-run", cwd=tmp_path, KERAS_GAN_ZOO_VERBOSE="1", **onednn)
    assert result.returncode == 0
    assert "oneDNN" in result.stderr
