"""How often a sample of a preset is of the class that was asked for, and how far its samples are from real pictures.

    python -m tests.benchmarks.label_agreement r3gan_letters letters
    python -m tests.benchmarks.label_agreement sngan_crawl_tiles path/to/tiles --background black

For data that no classifier of the package knows: a set with classes, or a folder with a sub-folder for each class. One
is trained, when it is first needed, on a random half of the training pictures; it reads 10,400 samples, the classes in
turn. The Frechet distance is that of its features from those of the training pictures. "Real pictures", in the samples'
place, are the test pictures, or the other half where there are none.
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


def shuffled(dataset: kgz.data.Dataset) -> kgz.data.Dataset:
    """In files, the pictures of a class follow each other; the judge is trained on every second one of these."""
    return dataset[np.random.default_rng(0).permutation(len(dataset))]


def judge(training: kgz.data.Dataset, file: Path) -> Reader:
    """Trained on the second, fourth, ... of shuffled pictures."""
    return Reader(kept(file, lambda: train(with_classes(training), "reporting", width=16).model))


def figures(images: np.ndarray, labels: np.ndarray, judge: Reader, real: metrics.Moments) -> list[str]:
    """Label agreement and Frechet distance."""
    right = np.mean(judge.codes(images)[:, 0] == labels)
    return [f"{right:.3f}", f"{frechet(judge.features(images), real):.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("data", help="its data set, or folder")
    parser.add_argument("--background", help="colour behind transparent pictures")
    parser.add_argument("--samples", type=int, default=10_400)
    parser.add_argument("--judges", type=Path, default=FOLDER, help="folder of the trained classifier")
    options = parser.parse_args()
    training = shuffled(kgz.data.load(options.data, background=options.background))
    unseen = kgz.data.load(options.data, split="test") if kgz.data.has_splits(options.data) else training[::2]
    reader = judge(training, options.judges / f"{training.name}_reporting.keras")
    real = metrics.Moments.of(reader.features(training.examples))
    labels = np.arange(options.samples) % len(training.class_names)
    samples = kgz.pictures.to_uint8(kgz.load(options.preset).sample(options.samples, labels=labels, seed=0))
    rows = {options.preset: (samples, labels), "real pictures": (unseen.examples, unseen.labels)}
    print(
        markdown(
            ["", "label agreement", "Frechet distance"],
            [[name, *figures(*row, reader, real)] for name, row in rows.items()],
        )
    )


if __name__ == "__main__":
    main()
