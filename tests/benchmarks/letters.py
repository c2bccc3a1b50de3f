"""How often a letter of a preset is the one that was asked for, and how far its letters are from those of fonts.

    python -m tests.benchmarks.letters
    python -m tests.benchmarks.letters --preset r3gan_letters --samples 2600

A classifier, trained on half of the training letters when it is first needed, reads 10,400 samples, the classes in
turn. The Frechet distance is that of its features from those of the training letters. "Test letters", those of other
fonts, are in the samples' place.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo import metrics
from tests.benchmarks.attributes import FOLDER, Reader, kept, markdown, train
from tests.benchmarks.translation_judges import with_classes
from tests.benchmarks.translation_scores import frechet

DATA = "letters"


def judge(folder: Path) -> Reader:
    """Trained on a random half of the training split, in which the letters of a font follow each other."""

    def made():
        dataset = with_classes(DATA, "train")
        return train(dataset[np.random.default_rng(0).permutation(len(dataset))], "reporting", width=16).model

    return Reader(kept(folder / f"{DATA}_reporting.keras", made))


def figures(images: np.ndarray, labels: np.ndarray, judge: Reader, real: metrics.Moments) -> list[str]:
    """Label agreement and Frechet distance."""
    right = np.mean(judge.codes(images)[:, 0] == labels)
    return [f"{right:.3f}", f"{frechet(judge.features(images), real):.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="r3gan_letters")
    parser.add_argument("--samples", type=int, default=10_400)
    parser.add_argument("--judges", type=Path, default=FOLDER, help="folder of the trained classifier")
    options = parser.parse_args()
    reader = judge(options.judges)
    training, test = (kgz.data.load(DATA, split=split) for split in ("train", "test"))
    real = metrics.Moments.of(reader.features(training.examples))
    labels = np.arange(options.samples) % len(training.class_names)
    samples = kgz.pictures.to_uint8(kgz.load(options.preset).sample(options.samples, labels=labels, seed=0))
    rows = {options.preset: (samples, labels), "test letters": (test.examples, test.labels)}
    print(
        markdown(
            ["", "label agreement", "Frechet distance"],
            [[name, *figures(*row, reader, real)] for name, row in rows.items()],
        )
    )


if __name__ == "__main__":
    main()
