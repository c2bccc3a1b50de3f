"""Stacks of digits, and a table of the modes that are found among samples of them."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from keras_gan_zoo import data
from keras_gan_zoo.training import build, resolve
from keras_gan_zoo.training.recipe import Recipe
from tests.benchmarks import budget, stacked_digits

DIGITS = np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None, None] * 25, (10, 28, 28, 1))


def test_each_channel_is_a_digit_of_its_own():
    stacks = stacked_digits.stacked(DIGITS, 3000, seed=0)
    assert (stacks.shape, stacks.dtype) == ((3000, 28, 28, 3), np.uint8)
    assert (stacks == stacks[:, :1, :1]).all()
    kinds = stacks[:, 0, 0] // 25
    for channel in range(3):
        np.testing.assert_allclose(np.bincount(kinds[:, channel]) / 3000, 0.1, atol=0.025)
    assert len(np.unique(kinds @ [100, 10, 1])) > 900  # 950 of 1,000 are expected
    np.testing.assert_array_equal(stacked_digits.stacked(DIGITS, 3000, seed=0), stacks)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Few pictures, and a classifier that knows digits by their brightness."""

    def probabilities(images):
        return np.eye(10)[np.clip(np.round(images.mean((1, 2, 3)) / 25), 0, 9).astype(int)]

    told, load = SimpleNamespace(probabilities=probabilities), data.load
    known = {"mnist": data.Dataset(DIGITS)}
    monkeypatch.setattr(stacked_digits.metrics, "extractor", lambda name: told)
    monkeypatch.setattr(stacked_digits.kgz.data, "load", lambda name, **form: known.get(name) or load(name, **form))
    monkeypatch.setattr(stacked_digits, "STACKS", 64)
    monkeypatch.setattr(stacked_digits, "SAMPLES", 5000)
    return tmp_path


def test_modes_are_counted(small):
    found = stacked_digits.figures(stacked_digits.stacked(DIGITS, 5000, seed=1))
    assert 985 <= found["modes of 1,000"] <= 1000  # 993 are expected
    assert found["divergence"] == pytest.approx(999 / (2 * 5000), rel=0.2)  # that of so many draws
    alike = np.full((7, 28, 28, 3), 50, np.uint8)
    assert stacked_digits.figures(alike) == {"modes of 1,000": 1, "divergence": pytest.approx(np.log(1000))}


def test_the_command_trains_what_is_missing_and_prints_a_table(small, monkeypatch, capsys):
    tiny = {"variant": "gan", "batch_size": 32, "model": {"architecture": "mlp", "units": 4}}
    monkeypatch.setattr(stacked_digits, "ROWS", {"GAN": tiny})
    monkeypatch.setattr(budget, "affordable", lambda recipe, dataset, minutes: 2)
    monkeypatch.setattr(sys, "argv", ["stacked_digits", "--seeds", "1", "--out", str(small)])
    stacked_digits.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "| stacked digits | modes of 1,000 | divergence | core minutes |"
    assert [line.split("|")[1].strip() for line in lines[3:5]] == ["GAN", "stacks of test digits"]
    assert (small / "gan_10_minutes_0.png").is_file()
    monkeypatch.setattr(stacked_digits, "run", lambda *arguments: pytest.fail("trained anew"))
    stacked_digits.main()
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.slow
@pytest.mark.parametrize("row", stacked_digits.ROWS)
def test_recipes_build_models_of_stacks(row, tmp_path):
    np.save(tmp_path / "stacks.npy", stacked_digits.stacked(DIGITS, 128, seed=0))
    gan = build(*resolve(Recipe(**stacked_digits.ROWS[row], data=str(tmp_path / "stacks.npy"), decay=1.0, epochs=1)))
    assert gan.example_shape == (28, 28, 3)
