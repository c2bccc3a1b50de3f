"""Makes the files of this folder: models and an interrupted run as the present version writes them, and what they do.

python -m tests.saved.make

Run it once before a change that may touch how things are saved, in the version before that change.
"""

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz

FOLDER = Path(__file__).parent
CLASSES = 3
TINY = {
    "gan": {"generator_units": 8, "discriminator_units": 4, "pieces": 2},
    "dcgan": {"width": 2, "ema_decay": 0.9, "dropout": 0.2},
    "conditional_gan": {"generator_units": 12, "discriminator_units": 4, "pieces": 2, "num_classes": CLASSES},
    "wgan": {"width": 2, "discriminator_steps": 2},
    "wgan_gp": {"width": 2, "discriminator_steps": 1},
    "fgan": {"generator_units": 8, "discriminator_units": 4},
}
RECIPE = {"epochs": 2, "batch_size": 16, "seed": 3, "model": {"latent_dim": 4, "width": 2, "dropout": 0.2, "r1": 0.1}}


def examples() -> tuple[np.ndarray, np.ndarray]:
    """40 images (8, 8, 1) and their labels, which nothing but NumPy makes."""
    return np.random.default_rng(0).uniform(-1, 1, (40, 8, 8, 1)).astype(np.float32), np.arange(40) % CLASSES


def trained_on(gan) -> np.ndarray:
    """Samples after one more epoch, which moves optimizers, averages, random states and the order of the data on."""
    images, labels = examples()
    gan.fit(images, labels if gan.conditional else None, batch_size=8, verbose=0)
    return gan.sample(6, seed=1)


class StopWithin(keras.callbacks.Callback):
    """Ends training after its first execution of 64 steps, as a SIGTERM from outside does; an epoch has 112."""

    def on_train_batch_end(self, batch, logs=None):
        os.kill(os.getpid(), signal.SIGTERM)


def make_models() -> dict[str, np.ndarray]:
    found = {}
    for variant, arguments in TINY.items():
        gan = kgz.VARIANTS[variant].for_images((8, 8, 1), **{"latent_dim": 4, "seed": 0, **arguments})
        gan.compile()
        trained_on(gan)
        gan.save(FOLDER / f"{variant}.keras")
        found[f"{variant}_samples"] = gan.sample(6, seed=1)
        found[f"{variant}_trained_on"] = trained_on(gan)
    return found


def make_run() -> dict[str, np.ndarray]:
    whole, folder = FOLDER / "whole", FOLDER / "run"
    for leftover in (whole, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    recipe = kgz.training.Recipe("dcgan", "digits", conditional=True, **RECIPE)
    gan, _ = kgz.training.train(recipe, whole, verbose=0)
    with contextlib.suppress(SystemExit):
        kgz.training.train(recipe, folder, verbose=0, more_callbacks=(StopWithin(),))
    for name in ("tensorboard", "samples"):
        shutil.rmtree(folder / name, ignore_errors=True)
    assert not (folder / "gan.keras").exists()
    for earlier in sorted((folder / "snapshots").glob("*.snapshot"))[:-1]:
        earlier.unlink()
    shutil.rmtree(whole)
    return {"run_samples": gan.sample(6, seed=1)}


def main():
    found = {**make_models(), **make_run()}
    np.savez_compressed(FOLDER / "expected.npz", **found)
    versions = {"keras_gan_zoo": kgz.__version__, "keras": keras.__version__, "numpy": np.__version__}
    (FOLDER / "versions.json").write_text(json.dumps(versions) + "\n")


if __name__ == "__main__":
    main()
