"""What GANs are compared with: python -m tests.benchmarks.families [MODEL ...] [--data mnist] [--out FILE]

Models are presets, runs or files. Beside them are a mixture of Gaussians on the principal components of the training
images, which is no network, and the training images themselves.

The first table has the scores of 10,000 samples by `gan-zoo evaluate`, and the time of 1,000 samples. The second one is
about codes: how well a model makes test images again, by its encoder and by `gan.invert`, which needs none; and whether
images of a class have codes near each other. For this, each test image gets the label of the training image whose code
is nearest, or whose features in the layer before the codes are; the code of Donahue et al. (2016) reports both. Pixels
as they are stand beside.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz
from tests.benchmarks.attributes import markdown

COMPONENTS, GAUSSIANS, FITTED = 64, 50, 20_000
SCORES = {
    "frechet_distance": ("value", "Frechet distance"),
    "precision_recall": ("precision recall", "precision, recall"),
    "density_coverage": ("coverage", "coverage"),
}
TIMED, MADE_AGAIN = 1000, 64  # images


class Mixture:
    """Gaussians on principal components: images are projected on `components` directions, and modelled there."""

    def __init__(self, images: np.ndarray, components: int = COMPONENTS, gaussians: int = GAUSSIANS):
        from sklearn.decomposition import PCA
        from sklearn.mixture import GaussianMixture

        self.shape = images.shape[1:]
        rows = images.reshape(len(images), -1)
        self.directions = PCA(components, random_state=0).fit(rows)
        self.mixture = GaussianMixture(gaussians, reg_covar=1e-4, random_state=0).fit(self.directions.transform(rows))
        found = self.mixture.covariances_.astype(np.float64)  # not quite symmetric in float32, so that NumPy would warn
        self.mixture.covariances_ = (found + found.transpose(0, 2, 1)) / 2

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Images (n, height, width, channels) in [-1, 1]."""
        self.mixture.set_params(random_state=seed)
        drawn, _ = self.mixture.sample(n)
        pixels = np.clip(self.directions.inverse_transform(drawn), -1, 1)
        return pixels.reshape(n, *self.shape).astype(np.float32)


def floats(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 127.5 - 1


def scores(source, data: str, seconds: float | None) -> tuple[list[str], list[str]]:
    """Cells of the first table, for the source and for real images."""
    report = kgz.metrics.evaluate(source, data, metrics=[*SCORES])
    rows = []
    for results in (report.generated, report.reference):
        names = [names.split() for names, _ in SCORES.values()]
        values = zip(results, names, strict=True)
        rows.append([", ".join(f"{result.values[name]:.2f}" for name in several) for result, several in values])
    return [*rows[0], "" if seconds is None else f"{seconds:.2f}"], [*rows[1], ""]


def timed(function, *arguments, **options):
    """The result of the second call, and its seconds: the first one traces."""
    function(*arguments, **options)
    start = time.perf_counter()
    result = function(*arguments, **options)
    return result, time.perf_counter() - start


def accuracy_of_neighbours(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """How often the nearest training code, by Euclidean distance, is that of an image of the same class."""
    from sklearn.neighbors import KNeighborsClassifier

    flat = [codes.reshape(len(codes), -1) for codes in (train, test)]
    return float(KNeighborsClassifier(1).fit(flat[0], labels).score(flat[1], truth))


def about_codes(gan, train, test) -> list[str]:
    """Cells of the second table."""
    chosen = floats(test.examples[:MADE_AGAIN])
    inverted, of_inversion = timed(gan.invert, chosen, seed=0, verbose=0)
    cells = [f"{np.sqrt(np.mean(inverted.error**2)):.3f} in {of_inversion / MADE_AGAIN * 1e3:.0f} ms"]
    if not hasattr(gan, "encode"):
        return ["no encoder", *cells, "", ""]
    again, of_encoder = timed(gan.reconstruct, chosen)
    accuracies = [
        accuracy_of_neighbours(encode(train.examples), train.labels, encode(test.examples), test.labels)
        for encode in (gan.encode, features_before_codes(gan))
    ]
    error = np.sqrt(np.mean((again - chosen) ** 2))
    return [f"{error:.3f} in {of_encoder / MADE_AGAIN * 1e3:.2f} ms", *cells, *(f"{each:.2%}" for each in accuracies)]


def features_before_codes(gan) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images (n, height, width, channels), uint8, to what the last layer of the encoder takes."""
    encoder = next(iter(gan.players.values())).network.get_layer("encoder")
    features = keras.Model(encoder.input, encoder.get_layer("codes").input)
    return lambda images: features.predict(floats(images), batch_size=500, verbose=0)


def tables(models: dict, data: str) -> str:
    """Both tables, in Markdown."""
    train, test = kgz.data.load(data), kgz.data.load(data, split="test")
    mixture = Mixture(floats(train.examples[:FITTED]))
    first, second = [], []
    for name, gan in models.items():
        _, seconds = timed(gan.sample, TIMED, seed=0)
        ours, _ = scores(gan, data, seconds)
        first.append([name, *ours])
        second.append([name, *about_codes(gan, train, test)])
    _, seconds = timed(mixture.sample, TIMED)
    ours, real = scores(mixture.sample, data, seconds)
    first += [[f"mixture of {GAUSSIANS} Gaussians", *ours], ["training images", *real]]
    pixels = accuracy_of_neighbours(train.examples, train.labels, test.examples, test.labels)
    second.append(["pixels", "", "", f"{pixels:.2%}", ""])
    heads = [["", *(head for _, head in SCORES.values()), f"s for {TIMED:,} samples"]]
    heads.append(["", "error by the encoder", "error by inversion", "nearest code", "nearest features"])
    return "\n".join(markdown(head, rows) for head, rows in zip(heads, (first, second), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["dcgan_mnist", "bigan_mnist", "vae_mnist"])
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--out", type=Path, help="a file for the tables, in Markdown")
    arguments = parser.parse_args()
    models = {Path(name).name: kgz.load(name) for name in arguments.models}
    text = tables(models, arguments.data)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
