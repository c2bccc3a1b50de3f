"""Fashion-MNIST: the DCGAN of the well-known TensorFlow tutorial against ours, which gets a tenth of its time.

    python -m tests.benchmarks.tutorial runs/tutorial          # two to four hours; goes on where it was stopped
    python -m tests.benchmarks.tutorial runs/look --epochs 1   # a look

The tutorial's side has its networks, losses, optimizers (Adam, 1e-4), batch of 256 and 50 epochs; both its players move
at once on the same samples. Ours is the recipe of the preset `dcgan_fashion_mnist`, stopped after a tenth of the
tutorial's core seconds, which other work on the machine does not lengthen. Both are measured alike: 10,000 samples
against the test split; `tutorial.png` and `ours.png` in the folder are 64 of each.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import keras_gan_zoo as kgz
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.training import build, resolve
from tests.benchmarks.networks import tutorial_pair

DATA, PRESET, SHARE = "fashion_mnist", "dcgan_fashion_mnist", 0.1


class CoreSeconds(keras.callbacks.Callback):
    """Core seconds of training, kept in a file; stops at a limit. What an interruption lost is not counted."""

    def __init__(self, file: Path, limit: float = float("inf")):
        super().__init__()
        self.file, self.limit = file, limit
        self.seconds = json.loads(file.read_text(encoding="utf-8")) if file.exists() else 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        if self.seconds + time.process_time() - self.begun >= self.limit:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.seconds += time.process_time() - self.begun
        with written_beside(self.file) as beside:
            beside.write_text(json.dumps(self.seconds), encoding="utf-8")


def train(gan, folder: Path, batch_size: int, epochs: int, limit: float = float("inf")) -> float:
    """Trains, or goes on; the core seconds it took."""
    clock = CoreSeconds(folder / "core_seconds.json", limit)
    snapshots = kgz.callbacks.Snapshots(folder / "snapshots")
    gan.fit(kgz.data.load(DATA), batch_size=batch_size, epochs=epochs, callbacks=[clock, snapshots], verbose=2)
    return clock.seconds


def of_the_tutorial():
    gan = kgz.DCGAN(*tutorial_pair(), simultaneous=True, seed=0)
    gan.compile(*(keras.optimizers.Adam(1e-4) for _ in range(2)))
    return gan


def measured(gan) -> tuple[float, float]:
    """Frechet distance of samples, and of real training images in their place."""
    report = kgz.metrics.evaluate(gan, DATA, metrics=["frechet_distance"])
    return report.generated[0].value, report.reference[0].value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=50, help="of the tutorial's side")
    arguments = parser.parse_args()
    folders = [arguments.folder / name for name in ("tutorial", "ours")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(0)
    tutorial = of_the_tutorial()
    theirs = train(tutorial, folders[0], 256, arguments.epochs)
    recipe, dataset = resolve(kgz.training.Recipe(**kgz.zoo.card(PRESET).recipe))
    ours = build(recipe, dataset)
    mine = train(ours, folders[1], recipe.batch_size, 10_000, SHARE * theirs)

    print(f"{'':10} {'steps':>8} {'core minutes':>13} {'Frechet distance':>17}")
    for name, gan, seconds in (("tutorial", tutorial, theirs), ("ours", ours, mine)):
        distance, floor = measured(gan)
        kgz.pictures.save(kgz.pictures.draw_samples(gan, 64), arguments.folder / f"{name}.png")
        print(f"{name:10} {gan.steps_done:>8,} {seconds / 60:>13.1f} {distance:>17.3f}")
    print(f"{'real':10} {'':>8} {'':>13} {floor:>17.3f}")


if __name__ == "__main__":
    main()
