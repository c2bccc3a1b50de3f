"""What linear probes read from encoded captions: python -m tests.benchmarks.captions [--data peeps] [--encoder use].

For each attribute, a linear classifier is trained on the vectors of training captions. It then reads the attribute from
captions of other pictures, from captions in other words, and from those of held-out combinations of attributes.
"""

import argparse

import numpy as np
from sklearn.linear_model import RidgeClassifier

from keras_gan_zoo import data
from keras_gan_zoo.encoders import as_encoder

COLUMNS = ("majority", "other pictures", "other words", "held-out combinations")


def complete(captions) -> list[str]:
    """The captions that mention every attribute."""
    return [texts[0] for texts in captions]


def probed(name: str, encoder: str, training: int = 8000, testing: int = 2000) -> dict[str, list[float]]:
    """For each attribute the accuracies of `COLUMNS`."""
    encode = as_encoder(encoder).encode
    train = data.load(name, split=f"train[:{training}]")
    test, held_out = (data.load(name, split=f"{split}[:{testing}]") for split in ("test", "held_out"))
    inputs = encode(complete(train.captions))
    tests = [(test, test.captions), (test, test.paraphrases), (held_out, held_out.captions)]
    vectors = [(dataset, encode(complete(captions))) for dataset, captions in tests]
    found = {}
    for attribute, known in train.attributes.items():
        probe = RidgeClassifier(alpha=3).fit(inputs, known.codes)
        codes = test.attributes[attribute].codes
        majority = (codes == np.bincount(known.codes).argmax()).mean()
        read = [(probe.predict(v) == dataset.attributes[attribute].codes).mean() for dataset, v in vectors]
        found[attribute] = [float(accuracy) for accuracy in (majority, *read)]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What linear probes read from encoded captions.")
    parser.add_argument("--data", default="avatars")
    parser.add_argument("--encoder", default="characters")
    arguments = parser.parse_args()
    print("| attribute | " + " | ".join(COLUMNS) + " |\n|---" + "|---" * len(COLUMNS) + "|")
    for attribute, row in probed(arguments.data, arguments.encoder).items():
        print(f"| {attribute} | " + " | ".join(f"{accuracy:.3f}" for accuracy in row) + " |")
