"""How many of 1,000 modes a recipe finds: stacked digits, as in PacGAN (Lin et al., 2018).

    python -m tests.benchmarks.stacked_digits
    python -m tests.benchmarks.stacked_digits --minutes 30 --only R3GAN

Each of 128,000 pictures has a random digit of MNIST in each of its three channels, so there are 1,000 kinds. The
classifier that comes with the package reads 26,000 samples, channel by channel. A mode is found if one sample is of it;
the divergence is that of the shares of modes from equal shares. Each row trains for equally many minutes of one core,
with learning rates that fall to 0 along a cosine, and an averaged generator. "Stacks of test digits", in the samples'
place, are the best that can be expected of so many samples.

When the command was interrupted, it goes on where it stopped.
"""

import argparse
import gc
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import keras
import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo import metrics, pictures
from keras_gan_zoo.training.recipe import Recipe
from tests.benchmarks.budget import trained
from tests.benchmarks.colour import name_of
from tests.benchmarks.text_to_image import over, table, write

STACKS, SAMPLES, MODES = 128_000, 26_000, 1_000
AVERAGED = {"ema_decay": 0.999}
ROWS = {
    "DCGAN": {"variant": "dcgan", "batch_size": 64, "model": AVERAGED},
    "DCGAN, packing 2": {"variant": "dcgan", "batch_size": 64, "model": {**AVERAGED, "packing": 2}},
    "R3GAN": {"variant": "r3gan", "batch_size": 64, "model": {"architecture": "dcgan"}},  # its own are 4 times slower
}


def stacked(digits: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Random digits (n, height, width, 3), uint8, of digits (m, height, width, 1)."""
    chosen = np.random.default_rng(seed).integers(len(digits), size=(n, 3))
    return np.stack([digits[chosen[:, channel], ..., 0] for channel in range(3)], axis=-1)


def figures(images: np.ndarray) -> dict[str, float]:
    """Modes found, and the divergence of their shares from equal ones."""
    labels = metrics.stacked_labels(images, metrics.extractor("mnist").probabilities)
    found = metrics.class_coverage(labels, MODES)
    return {"modes of 1,000": found.modes, "divergence": found.reverse_kl}


def run(file: Path, recipe: dict, data: Path, seed: int, minutes: float) -> None:
    """Trains a model and measures it; keeps its figures, the model and a sheet."""
    keras.backend.clear_session()
    gc.collect()
    gan = trained(Recipe(**recipe, data=str(data), decay=1.0, seed=seed), minutes)
    gan.save(file.with_suffix(".keras"))
    pictures.save(pictures.grid(gan.sample(100, seed=0)), file.with_suffix(".png"))
    write(file, {**figures(pictures.to_uint8(gan.sample(SAMPLES, seed=0))), "core minutes": minutes})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of one core, for each model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=ROWS, help="one row; default: all")
    parser.add_argument("--out", type=Path, default=Path("build") / "stacked_digits", help="folder of all results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = options.out / "stacks.npy"
    if not data.exists():
        np.save(data, stacked(kgz.data.load("mnist").in_memory().examples, STACKS, seed=0))
    entries = {}
    for row in [options.only] if options.only else ROWS:
        entries[row] = []
        for seed in range(options.seeds):
            file = options.out / f"{name_of(row)}_{options.minutes:g}_minutes_{seed}.json"
            if not file.exists():
                run(file, ROWS[row], data, seed, options.minutes)
            entries[row].append(json.loads(file.read_text(encoding="utf-8")))
            print(f"{row}, seed {seed}: {entries[row][-1]}", flush=True)
    test = kgz.data.load("mnist", split="test").in_memory().examples
    entries["stacks of test digits"] = [figures(stacked(test, SAMPLES, seed)) for seed in range(3)]
    print(table("stacked digits", {row: over(each) for row, each in entries.items()}))


if __name__ == "__main__":
    main()
