"""The figures of classes, by a reader that knows what it sees."""

from types import SimpleNamespace

import numpy as np

import keras_gan_zoo as kgz
from tests.benchmarks import label_agreement as agreement


class Told:
    """Reads the class from the level of the first pixel, which is also its only feature."""

    def codes(self, images):
        return images[:, 0, 0, :1]

    def features(self, images):
        return images[:, 0, 0, :1].astype(float)


def test_figures():
    labels = np.array([0, 1, 2, 3])
    images = np.broadcast_to(labels.astype(np.uint8)[:, None, None, None], (4, 8, 8, 3)).copy()
    real = kgz.metrics.Moments.of(images[:, 0, 0, :1].astype(float) + 3)
    assert agreement.figures(images, labels, Told(), real) == ["1.000", "9.00"]  # the square of how far the means are
    images[0] = 1
    assert agreement.figures(images, labels, Told(), real)[0] == "0.750"


def test_the_judge_learns_every_letter(monkeypatch, tmp_path):
    """Though the letters of a font follow each other, so that every second one would be half of the alphabet."""
    seen = []
    monkeypatch.setattr(
        agreement, "train", lambda dataset, *_, **__: seen.append(dataset) or SimpleNamespace(model=None)
    )
    monkeypatch.setattr(agreement, "kept", lambda file, make: make())
    monkeypatch.setattr(agreement, "Reader", lambda model: model)
    agreement.judge(agreement.shuffled(kgz.data.load("letters")), tmp_path)
    half = seen[0][1::2]
    assert set(half.attributes["class"].codes) == set(range(26))
