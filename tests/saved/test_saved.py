"""Files that an earlier version wrote load today: see `make`. Bits differ from processor to processor, a little."""

import csv
import shutil

import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.saved.make import FOLDER, TINY, trained_on

EXPECTED = np.load(FOLDER / "expected.npz")


@pytest.mark.parametrize("variant", TINY)
def test_a_model_samples_and_goes_on_as_it_did(variant):
    gan = kgz.load(FOLDER / f"{variant}.keras")
    assert type(gan) is kgz.VARIANTS[variant]
    before, after = EXPECTED[f"{variant}_samples"], EXPECTED[f"{variant}_trained_on"]
    np.testing.assert_allclose(gan.sample(6, seed=1), before, atol=1e-5)
    # Another order of the data, other noise, or optimizers that began anew would lead elsewhere.
    assert np.abs(trained_on(gan) - after).max() < 0.05 * np.abs(after - before).max()


def test_an_interrupted_run_is_resumed(tmp_path):
    shutil.copytree(FOLDER / "run", tmp_path / "run")
    gan, _ = kgz.training.resume(tmp_path / "run", verbose=0)
    assert gan.steps_done == 224
    with (tmp_path / "run" / "log.csv").open(newline="") as log:
        assert [row["epoch"] for row in csv.DictReader(log)] == ["0", "1"]
    samples = gan.sample(6, seed=1)
    assert np.abs(samples - EXPECTED["run_samples"]).mean() < 0.1 * np.abs(samples).mean()
