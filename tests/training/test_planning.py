"""What a run will do, as it is said before the run."""

import dataclasses

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo import training
from keras_gan_zoo.data import CaptionedDataset, Dataset
from keras_gan_zoo.data.contents import Contents
from keras_gan_zoo.training import Plan, Recipe
from keras_gan_zoo.training.build import build, resolve
from keras_gan_zoo.training.planning import announcing
from tests.equality import TINY


def varied(*shape):
    return np.linspace(0, 255, num=int(np.prod(shape))).reshape(shape).astype(np.uint8)


def planned(dataset, steps_done=0, steps_per_second=None, **arguments):
    recipe = Recipe("dcgan", "photos", **{"batch_size": 64, "epochs": 4, **arguments})
    return Plan(recipe, Contents.of(dataset), steps_done, steps_per_second)


def test_a_run_of_few_steps():
    photos = Dataset(varied(800, 4, 4, 4), np.arange(800) % 2, name="photos", class_names=["cat", "dog"])
    photos.remarks = ("3 files were skipped: a.txt, b.txt, c.svg.", "1 picture was turned.")
    plan = planned(photos, steps_per_second=2.0)
    assert str(plan).splitlines() == [
        "data      photos: 800 images of shape (4, 4, 4), colour with alpha, uint8 from 0 to 255",
        "alpha     kept as the last channel, from 0 to 255; background='white' puts it on white",
        "classes   2 of 400 examples each; not used without conditional=True",
        "note      3 files were skipped: a.txt, b.txt, c.svg.",
        "note      1 picture was turned.",
        "steps     12 per epoch x 4 epochs = 48; batches of 64",
        "time      about 24 s for 48 steps (2 steps/s)",
        "Warning:  Only 48 steps: before about 1,000, samples of such models are noise, or hardly",
        "          recognisable. Pass epochs=84, or leave it out for about 4,500 steps.",
    ]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({"conditional": True}, ["classes   2 of 400 examples each"]),
        ({"epochs": 1}, ["steps     12 per epoch x 1 epoch = 12; batches of 64"]),
        ({"background": "white"}, ["alpha     composed on white"]),
        (
            {"stop_by": "d_loss"},
            ["steps     12 per epoch x 4 epochs = 48; batches of 64; stops earlier where its recipe says so"],
        ),
        (
            {"steps_done": 30, "steps_per_second": 0.01},
            [
                "steps     12 per epoch x 4 epochs = 48, of which 30 are done and 18 left; batches of 64",
                "time      about 30 min left for 18 steps (0.01 steps/s)",
            ],
        ),
    ],
)
def test_single_lines(arguments, lines):
    said = str(planned(Dataset(varied(800, 4, 4, 3), np.arange(800) % 2), **arguments)).splitlines()
    assert [line for line in lines if line not in said] == []


def test_captions():
    photos = CaptionedDataset(varied(80, 4, 4, 3), [("a cat", "an animal")] * 80, name="photos")
    assert "captions  such as 'a cat'; not trained on" in str(planned(photos)).splitlines()


def test_examples_with_other_conditions():
    plan = planned(Dataset(varied(800, 4, 4, 3), conditions=np.zeros((800, 5))))
    assert "classes   none; each example has a condition (5,)" in str(plan)


@pytest.mark.parametrize(
    ("arguments", "is_few"),
    [
        ({"epochs": 83}, True),
        ({"epochs": 84}, False),
        ({"epochs": 84, "steps_done": 900}, False),
        ({"epochs": 83, "from_preset": "conditional_gan_mnist"}, False),  # which was trained before
    ],
)
def test_few_steps_are_those_of_the_whole_run(arguments, is_few):
    assert bool(planned(Dataset(varied(800, 4, 4, 1)), **arguments).warnings()) == is_few


def test_the_default_number_of_epochs_is_enough():
    recipe, dataset = training.resolve(Recipe("dcgan", "digits"))
    assert Plan(recipe, Contents.of(dataset)).warnings() == []


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    digits = kgz.data.load("digits")
    path = tmp_path_factory.mktemp("digits") / "few.npz"
    np.savez(path, images=digits.examples[:64], labels=digits.labels[:64])
    return Recipe("dcgan", str(path), epochs=20, batch_size=32, model={**TINY["dcgan"], "latent_dim": 4})


def test_a_plan_has_an_estimate_and_changes_nothing(recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plan = training.plan(recipe)
    assert (plan.steps, plan.steps_done, plan.steps_left) == (40, 0, 40)
    assert 0 < plan.seconds_left < 60
    assert (capsys.readouterr().out, list(tmp_path.iterdir())) == ("", [])


def test_a_run_says_its_plan_once_unless_it_is_to_be_silent(recipe, tmp_path, capsys):
    resolved, dataset = training.resolve(recipe)
    assert announcing(resolved, dataset, None, verbose=0) == []
    training.train(dataclasses.replace(recipe, epochs=2), tmp_path / "run", verbose=2)
    out = capsys.readouterr().out
    assert out.startswith("data      few: 64 images")
    assert out.count("steps     2 per epoch x 2 epochs = 4; batches of 32\n") == 1


def test_sources_of_data_decide_what_a_translator_takes():
    """Faces have label maps beside their captions."""
    recipe, dataset = resolve(Recipe("pix2pix", "avatars", split="train[:64]", batch_size=8, model={"width": 4}))
    assert build(recipe, dataset).condition.shape == (16, 16, len(dataset.originals.parts))
