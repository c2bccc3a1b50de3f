import contextlib
import csv
import dataclasses
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import training
from keras_gan_zoo.cli import commands
from keras_gan_zoo.core import claims
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.snapshot import Snapshot
from keras_gan_zoo.training import Recipe
from tests.equality import TINY
from tests.helpers import assert_same, contents, weights_of


@pytest.fixture
def few_digits(tmp_path):
    digits = kgz.data.load("digits")
    path = tmp_path / "few.npz"
    np.savez(path, images=digits.examples[:64], labels=digits.labels[:64])
    return str(path)


def tiny_recipe(data, **arguments):
    return Recipe("dcgan", data, epochs=2, batch_size=32, model={**TINY["dcgan"], "latent_dim": 4}, **arguments)


def test_a_run_folder_holds_everything(few_digits, tmp_path):
    gan, folder = training.train(tiny_recipe(few_digits), tmp_path / "run", verbose=0)
    assert sorted(path.name for path in folder.iterdir()) == [
        "gan.keras",
        "log.csv",
        "recipe.toml",
        "samples",
        "samples.png",
        "snapshots",
        "tensorboard",
    ]
    with (folder / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert set(rows[0]) == {"epoch", "d_loss", "g_loss", "diversity"}
    assert {path.name for path in (folder / "samples").iterdir()} == {
        "epoch_0001.png",
        "epoch_0002.png",
        "history.gif",
    }
    with Image.open(folder / "samples.png") as final, Image.open(folder / "samples" / "epoch_0002.png") as last:
        assert np.array_equal(np.array(final), np.array(last))
    assert list((folder / "tensorboard").rglob("events*"))
    again = kgz.load(folder)
    assert_same(weights_of(gan), weights_of(again))


@pytest.mark.parametrize(
    ("examples", "epochs", "steps"),
    [(100_000, 3, 93), (100_000, 1, 50), (60_000, 5, 93), (60_000, 100, None), (1_797, 161, None), (1_797, 1, None)],
)
def test_runs_of_few_long_epochs_have_about_50_pictures(examples, epochs, steps):
    recipe = Recipe("gan", "points", epochs=epochs, batch_size=64)
    assert training.runs._picture_steps(recipe, range(examples)) == steps


def test_the_recipe_in_the_folder_remakes_the_run(few_digits, tmp_path):
    first, folder = training.train(tiny_recipe(few_digits, seed=3), tmp_path / "run", verbose=0)
    recipe = Recipe.from_toml((folder / "recipe.toml").read_text())
    second, _ = training.train(recipe, tmp_path / "again", verbose=0)
    assert_same(weights_of(first), weights_of(second))
    assert recipe.model["loss"] == "non_saturating"  # every default is spelled out
    third, _ = training.train(tiny_recipe(few_digits, seed=4), tmp_path / "other", verbose=0)
    assert any(not np.array_equal(a, b) for a, b in zip(weights_of(first), weights_of(third), strict=True))


def test_conditional_runs_take_classes_from_the_data(few_digits, tmp_path):
    gan, folder = training.train(tiny_recipe(few_digits, conditional=True), tmp_path / "run", verbose=0)
    assert gan.num_classes == 10
    with Image.open(folder / "samples.png") as picture:
        assert picture.width > picture.height  # ten columns, seven rows


def test_points_are_drawn_as_points(tmp_path):
    points = np.random.default_rng(0).standard_normal((64, 2)).astype("float32")
    np.savez(tmp_path / "points.npz", examples=points)
    recipe = Recipe(
        "gan",
        str(tmp_path / "points.npz"),
        epochs=1,
        batch_size=32,
        optimizer="dcgan",
        learning_rate=0.01,
        model=TINY["gan"],
    )
    gan, folder = training.train(recipe, tmp_path / "run", verbose=0)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(0.01)
    assert type(gan.generator_optimizer).__name__ == "Adam"
    with Image.open(folder / "samples.png") as picture:
        assert picture.size == (512, 512)


def test_examples_without_a_picture_train_all_the_same(tmp_path):
    np.save(tmp_path / "vectors.npy", np.zeros((64, 5), np.float32))
    recipe = Recipe("gan", str(tmp_path / "vectors.npy"), epochs=1, batch_size=32, model=TINY["gan"])
    _, folder = training.train(recipe, tmp_path / "run", verbose=0)
    assert not (folder / "samples.png").exists()
    assert (folder / "gan.keras").exists()


def test_epochs_are_chosen_by_steps():
    recipe, dataset = training.resolve(Recipe("dcgan", "digits"))
    assert recipe.epochs == -(-training.STEPS // (len(dataset) // recipe.batch_size))


@pytest.mark.parametrize(
    ("decay", "expected"), [(1, [0.01, 0.005, 0]), (0.5, [0.01, 0.01, 0]), (0.25, [0.01, 0.01, 0])]
)
def test_learning_rates_fall_at_the_end(few_digits, decay, expected):
    """Each by its own updates: two of the discriminator in each of 3 * 4 steps."""
    model = {**TINY["wgan_gp"], "discriminator_steps": 2}
    recipe = Recipe("wgan_gp", few_digits, epochs=3, batch_size=16, learning_rate=0.01, decay=decay, model=model)
    recipe, dataset = training.resolve(recipe)
    gan = training.build(recipe, dataset)
    steps = 3 * (len(dataset) // 16)
    for optimizer, updates in ((gan.generator_optimizer, steps), (gan.discriminator_optimizer, 2 * steps)):
        rates = [float(optimizer._learning_rate(step)) for step in (0, updates // 2, updates)]
        assert rates == pytest.approx(expected, abs=1e-8)
        begins = round(updates * (1 - decay))
        in_the_middle = float(optimizer._learning_rate((begins + updates) / 2))
        assert in_the_middle == pytest.approx(0.005)


@pytest.mark.parametrize(("pretrain_steps", "updates"), [(4, 8), (100, 1)])
def test_the_rate_of_a_discriminator_falls_by_the_steps_in_which_it_learns(few_digits, pretrain_steps, updates):
    """Those after the first ones on content alone; of which there may be no others."""
    model = {"scale": 2, "width": 1, "residual_blocks": 0, "pretrain_steps": pretrain_steps}
    recipe = Recipe("srgan", few_digits, epochs=3, batch_size=16, learning_rate=0.01, decay=1, model=model)
    gan = training.build(*training.resolve(recipe))
    for optimizer, last in ((gan.generator_optimizer, 12), (gan.discriminator_optimizer, updates)):
        rates = [float(optimizer._learning_rate(step)) for step in (0, last / 2, last)]
        assert rates == pytest.approx([0.01, 0.005, 0], abs=1e-8)


def test_a_run_whose_learning_rates_fall_keeps_its_epochs(few_digits, tmp_path):
    _, folder = training.train(tiny_recipe(few_digits, decay=1), tmp_path / "run", verbose=0)
    with pytest.raises(InputError, match="as before, because the learning rates fall by them: decay=1"):
        training.resume(folder, {"epochs": 9}, verbose=0)
    assert commands._how_to_train_longer(folder).startswith("To train longer, start a new run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "dcgna"}, "Did you mean 'dcgan'"),
        ({"optimizer": "adam"}, "Unknown optimizer 'adam'"),
        ({"epochs": 0}, "epochs of at least 1"),
        ({"batch_size": 0}, "batch_size of at least 1"),
        ({"learning_rate": -1.0}, "learning rate above 0"),
        ({"learning_rate": float("nan")}, "finite learning rate"),
        ({"learning_rate": "fast"}, "to be float or int"),
        ({"decay": 0.0}, "decay above 0, up to 1"),
        ({"decay": 1.5}, "decay above 0, up to 1"),
        ({"batch_size": 64.5}, "to be int"),
        ({"model": 3}, "to be dict"),
        ({"seed": -3}, "seed from 0"),
        ({"model": {"seed": 3}}, "Expected no seed in .model., because the seed of the recipe is"),
        ({"model": {"num_classes": 3}}, "because the data say them"),
    ],
)
def test_impossible_recipes_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Recipe(**{"variant": "dcgan", "data": "digits", **arguments})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variant = ", "TOML"),
        ('variant = "gan"', "with 'data'"),
        ('variant = "gan"\ndata = "digits"\nepoch = 3', "Did you mean 'epochs'"),
    ],
)
def test_broken_recipe_files_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        Recipe.from_toml(text)


def test_a_run_records_where_its_data_are(few_digits, monkeypatch):
    folder, name = os.path.split(few_digits)
    monkeypatch.chdir(folder)
    recipe, _ = training.resolve(Recipe("dcgan", name))
    assert recipe.data == few_digits
    assert training.resolve(Recipe("dcgan", "digits"))[0].data == "digits"


def test_channels_of_a_recipe_are_those_of_the_model():
    recipe, dataset = training.resolve(Recipe("dcgan", "digits", channels=3))
    assert dataset.example_shape == (16, 16, 3)
    assert Recipe.from_toml(recipe.to_toml()).channels == 3


def test_a_folder_in_use_is_refused_and_untouched(few_digits, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="in use"):
        training.train(tiny_recipe(few_digits), tmp_path, verbose=0)
    assert {path.name for path in tmp_path.iterdir()} == {"few.npz", "notes.txt"}


def test_nothing_is_written_for_data_that_do_not_fit(few_digits, tmp_path):
    with pytest.raises(InputError, match="full batch of 128"):
        training.train(Recipe("dcgan", few_digits, epochs=1, batch_size=128), tmp_path / "run", verbose=0)
    with pytest.raises(InputError, match="labelled"):
        training.train(Recipe("gan", "swiss_roll", conditional=True), tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


def test_default_folders_are_numbered_and_belong_to_one_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = Recipe("dcgan", "digits")
    (tmp_path / "runs" / "dcgan_digits").mkdir(parents=True)
    with training.new_folder(recipe) as second, training.new_folder(recipe) as third:
        assert [str(second), str(third)] == ["runs/dcgan_digits_2", "runs/dcgan_digits_3"]
        (second / "recipe.toml").touch()
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["dcgan_digits", "dcgan_digits_2"]
    with training.new_folder(recipe) as unused:
        assert str(unused) == "runs/dcgan_digits_3"


def test_a_default_folder_that_somebody_claims_between_is_not_used(tmp_path, monkeypatch):
    """Between the creation of the folder and the claim, another process gives it as `out`."""
    monkeypatch.chdir(tmp_path)
    claim = claims._claim

    def late(folder, *arguments):
        if folder == Path("runs/dcgan_digits"):
            others.enter_context(contextlib.closing(os.fdopen(claim(folder, False, False))))
        return claim(folder, *arguments)

    with contextlib.ExitStack() as others:
        monkeypatch.setattr(claims, "_claim", late)
        with training.new_folder(Recipe("dcgan", "digits")) as folder:
            assert str(folder) == "runs/dcgan_digits_2"
            claims._held.clear()


@pytest.mark.parametrize("leftover", [claims.LOCK_FILE, ".recipe.0f.unfinished.toml"])
def test_what_a_killed_process_left_in_a_folder_does_not_block_it(tmp_path, leftover):
    (tmp_path / leftover).touch()
    with training.new_folder(Recipe("dcgan", "digits"), tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [claims.LOCK_FILE]
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_trains_is_neither_resumed_nor_copied_nor_replaced(tmp_path):
    np.save(tmp_path / "vectors.npy", np.zeros((64, 5), np.float32))
    recipe = Recipe("gan", str(tmp_path / "vectors.npy"), epochs=1, batch_size=32, model=TINY["gan"])

    class Meddler(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            before = contents(folder)
            for meddle in (
                lambda: training.resume(folder, {"epochs": 9}),
                lambda: training.resume(folder, out=tmp_path / "copy"),
                lambda: training.train(recipe, folder),
            ):
                with pytest.raises(InputError, match=rf"belongs to process {os.getpid()} \(this one\) on host"):
                    meddle()
            assert contents(folder) == before

    folder = tmp_path / "run"
    training.train(recipe, folder, more_callbacks=(Meddler(),), verbose=0)
    assert not list(folder.rglob(claims.LOCK_FILE))
    assert not (tmp_path / "copy").exists()

    for path in (folder, folder / "snapshots"):
        (path / claims.LOCK_FILE).write_text("of a killed process")
    training.resume(folder, {"epochs": 2}, out=tmp_path / "copy", verbose=0)
    assert not list((tmp_path / "copy").rglob(claims.LOCK_FILE))
    assert len(list(folder.rglob(claims.LOCK_FILE))) == 2


def test_images_of_many_channels_train_without_pictures(tmp_path):
    np.save(tmp_path / "deep.npy", np.zeros((64, 8, 8, 6), np.uint8))
    recipe = Recipe("gan", str(tmp_path / "deep.npy"), epochs=1, batch_size=32, model=TINY["gan"])
    _, folder = training.train(recipe, tmp_path / "run", verbose=0)
    assert (folder / "gan.keras").exists()


# ------------------------------------------------------------------------------------------- the recipe and the weights


@pytest.fixture(scope="module")
def points_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("points")
    np.save(folder / "points.npy", np.random.default_rng(0).standard_normal((32, 2)).astype("float32"))
    recipe = Recipe("gan", str(folder / "points.npy"), 2, 16, model={**TINY["gan"], "latent_dim": 2})
    training.train(recipe, folder / "run", verbose=0)
    return folder / "run"


@pytest.fixture
def finished(points_run, tmp_path):
    return shutil.copytree(points_run, tmp_path / "run")


def test_a_run_is_not_resumed_for_fewer_epochs_than_it_has(finished):
    before = contents(finished)
    with pytest.raises(
        InputError, match=r"at least 2, because this run has been trained for 2 epochs\. Received: epochs=1"
    ):
        training.resume(finished, {"epochs": 1}, verbose=0)
    with pytest.raises(InputError, match="Received: epochs=1"):
        training.resume(finished, {"epochs": 1}, finished.parent / "copy", verbose=0)
    assert contents(finished) == before
    assert not (finished.parent / "copy").exists()


def test_a_run_that_stopped_by_itself_is_not_resumed_for_more(finished):
    path = max((finished / "snapshots").glob("*.snapshot"))
    dataclasses.replace(Snapshot.read(path), is_stopped=True).write(path)
    before = contents(finished)
    with pytest.raises(InputError, match=r"epochs=2, as before, because this run stopped by itself, in epoch 2"):
        training.resume(finished, {"epochs": 9}, verbose=0)
    assert contents(finished) == before


def test_a_finished_run_without_snapshots_does_not_begin_anew(finished):
    shutil.rmtree(finished / "snapshots")
    before = contents(finished)
    with pytest.raises(InputError, match=r"has a gan.keras, but no snapshots"):
        training.resume(finished, verbose=0)
    assert contents(finished) == before


@pytest.mark.parametrize("copied", [False, True])
def test_a_refused_resume_leaves_the_recipe_of_the_weights(finished, tmp_path, copied):
    """Data of the same name in another folder, which turn out to be others."""
    (tmp_path / "moved").mkdir()
    np.save(tmp_path / "moved" / "points.npy", np.zeros((32, 2), np.float32))
    recipe, folder = (finished / "recipe.toml").read_bytes(), tmp_path / "copy" if copied else finished
    changes = {"data": str(tmp_path / "moved" / "points.npy"), "epochs": 5}
    with pytest.raises(InputError, match="the data that the run began with"):
        training.resume(finished, changes, tmp_path / "copy" if copied else None, verbose=0)
    assert (folder / "recipe.toml").read_bytes() == recipe


def test_a_recipe_that_was_changed_by_hand_is_said_to_be_and_used(finished):
    file = finished / "recipe.toml"
    text = file.read_text()
    assert text.startswith('digest = "')
    file.write_text(text.replace("epochs = 2", "epochs = 3"))
    with pytest.warns(UserWarning, match=r"recipe.toml was changed after it was written.*It is used as it is"):
        gan, _ = training.resume(finished, verbose=0)
    assert gan.steps_done == 6
    for unchanged in (file.read_text(), "# a remark\n" + text.replace(" = ", "="), text.partition("\n")[2]):
        Recipe.from_toml(unchanged)  # written anew, of the same values, and as before there were digests
