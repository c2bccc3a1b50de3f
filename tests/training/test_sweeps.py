"""Sweeps: what is trained, what goes on, what is refused, what a failure leaves alone."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.training import Recipe, recipes_of, sweep, sweeps
from tests.helpers import assert_same, contents, weights_of

MODEL = {"latent_dim": 2, "generator_units": 4, "discriminator_units": 4, "ema_decay": 0.999}  # as new recipes have
TINY = Recipe("gan", "ring8", epochs=1, batch_size=50_000, model=MODEL)
COMMAND = ["train", "gan", "--data", "ring8", "--epochs", "1", "--batch-size", "50000", "--latent-dim", "2"]
COMMAND += ["--generator-units", "4", "--discriminator-units", "4"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """What `gan-zoo train --seed 0,1` printed, and the folder."""
    out = tmp_path_factory.mktemp("swept") / "seeds"
    return run(*COMMAND, "--seed", "0,1", "--out", out), out


def test_a_command_trains_each_run_and_compares_them(swept):
    result, out = swept
    assert result.exit_code == 0, result.output
    assert [path.name for path in sorted(out.iterdir())] == ["seed=0", "seed=1"]
    assert f"Run 2 of 2: {out}/seed=1" in result.output
    assert "Last figures over seeds" in result.output
    assert [Recipe.read(out / name / "recipe.toml").seed for name in ("seed=0", "seed=1")] == [0, 1]


def test_a_run_of_a_sweep_is_the_run_that_it_would_be_alone(swept, tmp_path):
    alone, _ = kgz.training.train(Recipe(**{**TINY.given(), "seed": 1}), tmp_path / "alone", verbose=0)
    assert_same(weights_of(alone), weights_of(kgz.load(swept[1] / "seed=1")))


def test_the_same_again_trains_what_is_missing(swept):
    out, begun = swept[1], []
    before = contents(out / "seed=0")
    (out / "seed=1" / "gan.keras").unlink()  # as if it had been killed before its end
    outcomes = sweep(TINY, {"seed": [0, 1]}, out, begin=lambda folder, *numbers: begun.append(numbers), verbose=0)
    assert begun == [(2, 2)]
    assert [(outcome.was_finished, outcome.error) for outcome in outcomes] == [(True, None), (False, None)]
    assert (out / "seed=1" / "gan.keras").is_file()
    assert contents(out / "seed=0") == before
    result = run(*COMMAND, "--seed", "0,1", "--out", out)
    assert "2 of 2 runs had been finished before." in result.output


@pytest.mark.slow
def test_a_run_that_was_to_be_longer_goes_on_though_it_has_a_model(swept, tmp_path):
    folder = shutil.copytree(swept[1] / "seed=0", tmp_path / "seed=0")
    recorded = Recipe.read(folder / "recipe.toml")
    longer = dataclasses.replace(recorded, epochs=2)
    (folder / "recipe.toml").write_text(longer.to_toml())  # as if it had been killed in its second epoch
    [outcome] = sweep(longer, {"seed": [0]}, tmp_path, verbose=0)
    assert not outcome.was_finished
    assert kgz.load(folder).steps_done == 2 * kgz.load(swept[1] / "seed=0").steps_done
    [outcome] = sweep(longer, {"seed": [0]}, tmp_path)
    assert outcome.was_finished


def test_a_run_with_another_recipe_in_its_place_is_refused_before_anything_is_trained(swept):
    before = contents(swept[1])
    with pytest.raises(InputError, match=r"(?s)learning_rate.*start a new run"):
        sweep(Recipe(**{**TINY.given(), "learning_rate": 0.5}), {"seed": [2, 1]}, swept[1])
    assert contents(swept[1]) == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"learning_rate": [0.1, -1.0]}, "a finite learning rate above 0"),
        ({"generator_unit": [4, 5]}, "Did you mean .generator_units."),
        ({"generator_units": [4, "many"]}, "many"),
        ({"seed": [0, 0]}, "each once"),
        ({"seed": []}, "each once"),
        ({"deterministic": [True, False]}, "a whole process"),
        ({"batch_size": [50_000, 10**6]}, "batch"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_trained(values, message, tmp_path):
    with pytest.raises(InputError, match=message):
        sweep(TINY, values, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_all_combinations_have_names_that_tell_them(tmp_path):
    values = {"generator_units": [4, 8], "latent_dim": [2], "learning_rate": [0.001, 1e-4]}
    found = recipes_of(TINY, values)
    assert list(found) == [
        "generator_units=4,latent_dim=2,learning_rate=0.001",
        "generator_units=4,latent_dim=2,learning_rate=0.0001",
        "generator_units=8,latent_dim=2,learning_rate=0.001",
        "generator_units=8,latent_dim=2,learning_rate=0.0001",
    ]
    last = found["generator_units=8,latent_dim=2,learning_rate=0.0001"]
    assert (last.model, last.learning_rate, last.epochs) == ({**TINY.model, "generator_units": 8}, 1e-4, 1)
    [name, _] = recipes_of(TINY, {"data": [str(tmp_path / "a b.npz"), "ring8"]})
    assert name == "data=a_b.npz"


@pytest.fixture
def without_training(monkeypatch):
    """Runs that only write their recipe, of which those of seed 1 fail with the error that the test sets."""
    trained = []

    def train(recipe, folder, **_):
        trained.append(recipe.seed)
        if recipe.seed == 1:
            raise train.error
        folder.mkdir(parents=True)
        (folder / "recipe.toml").write_text(recipe.to_toml())

    monkeypatch.setattr(sweeps, "train", train)
    monkeypatch.setattr(sweeps, "build", lambda *_: None)
    train.trained, train.error = trained, NotFiniteError("Expected finite numbers. Received: NaN.")
    return train


def test_a_run_that_fails_does_not_end_the_others(without_training, tmp_path):
    result = run(*COMMAND, "--seed", "0,1,2", "--out", tmp_path)
    assert without_training.trained == [0, 1, 2]
    assert result.exit_code == 1
    assert f"Failed: {tmp_path}/seed=1: Expected finite numbers. Received: NaN." in result.output
    assert "1 of 3 runs failed." in result.output
    assert "seed=2" in result.output.partition("Last")[0]


def test_a_bug_keeps_its_traceback(without_training, tmp_path):
    without_training.error = ZeroDivisionError("bug")
    result = run(*COMMAND, "--seed", "1,2", "--out", tmp_path)
    assert (result.exit_code, without_training.trained) == (1, [1, 2])
    assert "Traceback" in result.output
    assert "in train\n" in result.output


def test_an_interrupt_ends_the_sweep(without_training, tmp_path):
    without_training.error = KeyboardInterrupt()
    result = run(*COMMAND, "--seed", "0,1,2", "--out", tmp_path)
    assert (result.exit_code, without_training.trained) == (130, [0, 1])
    assert "give the same command again" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep", "learning-rat=1,2"], "Did you mean 'learning_rate'"),
        (["--sweep", "learning_rate=1,x"], "'x' is not a valid float"),
        (["--sweep", "learning_rate"], "--sweep NAME=VALUE,VALUE"),
        (["--sweep", "learning_rate=0.1,-1"], "-1"),
        (["--sweep", "loss=hinge,hinges"], "Did you mean 'hinge'"),
        (["--sweep", "seed=1,2", "--seed", "3"], "the values of seed once"),
        (["--seed", "1,x"], "'x' is not a valid integer range"),
        (["--seed", "1,1"], "each once"),
        (["--sweep", "out=a,b"], "name to sweep over 'out'"),
    ],
)
def test_mistakes_are_one_line(arguments, message, tmp_path):
    result = run(*COMMAND, *arguments, "--out", tmp_path / "out")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert message in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_sweep_needs_a_folder_and_no_run_to_resume():
    assert "Expected --out FOLDER" in run(*COMMAND, "--seed", "0,1").output
    assert "Expected one run to resume" in run("train", "--resume", "x", "--seed", "0,1").output


def test_options_are_swept_by_any_of_their_names(without_training, tmp_path):
    options = ["--sweep", "k=1,2", "--sweep", "conditional=on,off", "--sweep", "variant=wgan"]
    result = run("train", *COMMAND[2:], *options, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert len(without_training.trained) == 4
    recipe = Recipe.read(Path(tmp_path, "discriminator_steps=2,conditional=True,variant=wgan", "recipe.toml"))
    assert (recipe.variant, recipe.conditional, recipe.model["discriminator_steps"]) == ("wgan", True, 2)
