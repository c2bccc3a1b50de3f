"""The search for recipes: what is drawn, which recipes go on, and what a trial measures."""

import json

import numpy as np
import pytest

from keras_gan_zoo import data
from keras_gan_zoo.training import resolve
from keras_gan_zoo.training.recipe import Recipe
from tests.benchmarks import budget, search


def test_what_is_drawn_can_be_trained_and_differs(monkeypatch):
    digits = data.load("digits")
    monkeypatch.setattr("keras_gan_zoo.data.load", lambda name, **form: digits)
    rng = np.random.default_rng(0)
    recipes = [search.drawn(rng) for _ in range(40)]
    for recipe in recipes:
        resolve(Recipe(search.VARIANT, "digits", **recipe))
    for values in ("batch_size", "learning_rate", "decay"):
        assert {recipe[values] for recipe in recipes} == set(search.SPACE[values])
    assert {recipe["model"]["loss"] for recipe in recipes} == set(search.MODELS["loss"])
    assert {(recipe["model"]["r1"], recipe["model"]["r2"]) for recipe in recipes} == set(search.PENALTIES)
    assert all(("discriminator_normalization" in each["model"]) == (each["model"]["r1"] > 0) for each in recipes)


def test_the_better_third_goes_on():
    distances = dict(enumerate([5.0, 1.0, 4.0, np.inf, 2.0, 3.0, 9.0]))
    rounds = list(search.halving(7, 0.5, lambda left, minutes: {i: distances[i] / minutes for i in left}))
    assert [(number, minutes, list(found)) for number, minutes, found in rounds] == [
        (1, 0.5, list(range(7))),
        (2, 1.5, [1, 4]),
        (3, 4.5, [1]),
    ]


def test_a_trial_is_measured_once(tmp_path, monkeypatch):
    def features(images):
        return np.asarray(images, np.float64).reshape(len(images), -1)[:, 100:104]

    monkeypatch.setattr(search, "of_classes", lambda role, name, folder: features)
    monkeypatch.setattr(budget, "affordable", lambda recipe, dataset, minutes: 3)
    monkeypatch.setattr(search, "SELECTED", 64)
    recipe = {"data": "digits", "seed": 0, "batch_size": 32, "decay": 1.0, "model": {"architecture": "mlp", "units": 4}}
    file = tmp_path / "0.json"
    first = search.trial(file, recipe, 1.0, "selecting", tmp_path)
    assert first["steps"] == 3
    assert 0 < first["distance"] < np.inf
    file.write_text(json.dumps({**first, "distance": 7.0}), encoding="utf-8")
    assert search.trial(file, recipe, 1.0, "selecting", tmp_path)["distance"] == pytest.approx(7.0)
