"""A run folder with a file of another run: what is sampled is what its recipe describes, or nothing."""

import dataclasses
import random
import shutil

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo import training
from keras_gan_zoo.core.recipe_files import with_digest
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.identity import describe_run
from keras_gan_zoo.state.snapshot import Snapshot, SnapshotFolder
from tests.helpers import assert_same, weights_of

SMALL = {"latent_dim": 2, "architecture": "mlp", "units": 4, "depth": 1}


def make_run(folder, seed=0, variant="gan", weights=0, epoch=2, **model):
    """A run as training leaves it, without training: two steps an epoch."""
    gan = kgz.VARIANTS[variant].for_images((2,), seed=seed, **{**SMALL, **model})
    gan.compile()
    for weight in gan.trainable_variables:
        weight.assign(np.random.default_rng(weights).standard_normal(weight.shape))
    gan.step.assign(2 * epoch)
    folder.mkdir()
    recipe = training.Recipe(variant, "points", epoch, 16, seed, model={**SMALL, **model})
    (folder / "recipe.toml").write_text(with_digest(recipe.given()))
    SnapshotFolder(folder / "snapshots").prepare()
    SnapshotFolder(folder / "snapshots").write(Snapshot.capture(gan, run=describe_run(gan, {}), epoch=epoch))
    gan.save(folder / "gan.keras")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs that differ in one thing each."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "run")
    make_run(folder / "another seed", seed=1)
    make_run(folder / "another width", units=5)
    make_run(folder / "another loss", loss="minimax")
    make_run(folder / "another variant", variant="wgan", discriminator_steps=1)
    make_run(folder / "other data", weights=1)
    make_run(folder / "more epochs", epoch=3)
    return folder


@pytest.fixture
def run(runs, tmp_path):
    return shutil.copytree(runs / "run", tmp_path / "run")


DIFFERENCES = {
    "another seed": "seed: 0 in the run, now 1",
    "another width": "generator.*in the run, now",
    "another loss": 'loss.class_name: "NonSaturating" in the run, now "Minimax"',
    "another variant": 'variant: "GAN" in the run, now "WGAN"',
}


def test_its_own_files_are_taken_without_a_word(run):
    expected = weights_of(kgz.load(run / "gan.keras"))
    assert_same(weights_of(kgz.load(run)), expected)
    shutil.rmtree(run / "snapshots")
    assert_same(weights_of(kgz.load(run)), expected)


@pytest.mark.parametrize("other", DIFFERENCES)
@pytest.mark.parametrize("file", ["gan.keras", "snapshots"])
def test_a_file_of_another_recipe_is_refused(runs, run, other, file):
    (run / "gan.keras").unlink()
    shutil.rmtree(run / "snapshots")
    (shutil.copytree if file == "snapshots" else shutil.copy)(runs / other / file, run / file)
    message = f"that recipe.toml describes.*{file} with other values:\n  {DIFFERENCES[other]}"
    with pytest.raises(InputError, match=message):
        kgz.load(run)


@pytest.mark.parametrize("other", ["other data", "more epochs"])
def test_a_model_of_the_same_recipe_with_other_weights_is_refused(runs, run, other):
    shutil.copy(runs / other / "gan.keras", run)
    with pytest.raises(
        InputError, match=r"of the last snapshot, step_0000000004\.snapshot\. Received: a model of step"
    ):
        kgz.load(run)


def test_a_snapshot_of_the_same_recipe_with_other_weights_is_refused(runs, run):
    shutil.copy(runs / "other data" / "snapshots" / "step_0000000004.snapshot", run / "snapshots")
    with pytest.raises(InputError, match="One of the two is of another run"):
        kgz.load(run)


def test_a_damaged_snapshot_does_not_keep_a_finished_model_away(run):
    [last] = (run / "snapshots").glob("*4.snapshot")
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="gan.keras was therefore not compared with it"):
        assert kgz.load(run).steps_done == 4


def test_a_run_that_was_to_go_on_says_that_it_did_not(run):
    """As a kill leaves it between the new recipe and the first new snapshot."""
    recipe = training.Recipe.from_toml((run / "recipe.toml").read_text())
    longer = dataclasses.replace(recipe, epochs=9)
    (run / "recipe.toml").write_text(longer.to_toml())
    with pytest.warns(UserWarning, match="not finished: this is its model after epoch 2 of 9"):
        kgz.load(run)


def test_loading_draws_no_random_numbers(run):
    random.seed(3)
    kgz.load(run / "gan.keras")
    after_the_file = random.getstate()
    random.seed(3)
    kgz.load(run)
    assert random.getstate() == after_the_file
