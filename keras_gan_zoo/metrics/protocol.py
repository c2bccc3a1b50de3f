"""A protocol put together: sets of images, seen once by the extractor, and the metrics that are asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.metrics.classification import network_classification
from keras_gan_zoo.metrics.diversity import ms_ssim
from keras_gan_zoo.metrics.features.arrays import as_pixels
from keras_gan_zoo.metrics.features.extractors import Extractor, batched, softmax
from keras_gan_zoo.metrics.frechet import frechet_distance
from keras_gan_zoo.metrics.kernel import kernel_distance
from keras_gan_zoo.metrics.manifold import manifold
from keras_gan_zoo.metrics.modes import class_coverage
from keras_gan_zoo.metrics.neighbours import nearest_neighbours, neighbour_classification
from keras_gan_zoo.metrics.parzen import parzen_log_likelihood
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.metrics.scores import inception_score


@dataclass
class Seen:
    """Images as 8 bits, with labels where there are any, and what an extractor says of them, asked once.

    Args:
        images: (n, height, width, channels), uint8 or in [-1, 1].
        extractor: Which one.
        labels: (n,), or None.
        tick: Called after each batch with the number of images so far.
    """

    images: np.ndarray
    extractor: Extractor
    labels: np.ndarray | None = None
    tick: Callable[[int], None] | None = None

    def __post_init__(self):
        self.images = as_pixels(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        found, done = [], 0
        for outputs in self.extractor.stream(batched(self.images, 256)):
            found.append(outputs)
            done += len(outputs["features"])
            if self.tick is not None:
                self.tick(done)
        return {name: np.concatenate([outputs[name] for outputs in found]) for name in found[0]}

    @property
    def features(self) -> np.ndarray:
        return self.outputs["features"]

    @property
    def logits(self) -> np.ndarray:
        return self.extractor.logits_of(self.outputs)

    @property
    def pixels(self) -> np.ndarray:
        """In [0, 1], (n, pixels)."""
        return self.images.reshape(len(self), -1) / 255.0


@dataclass
class Sets:
    """What a metric may need: generated images, real ones to compare with, and those that were trained on."""

    generated: Seen
    real: Seen
    train: Seen | None = None
    validation: Seen | None = None
    seed: int = 0

    def __post_init__(self):
        named = {seen.extractor.sha256 for seen in (self.generated, self.real)}
        if len(named) > 1:
            raise InputError("Expected one extractor for generated and real images. Received: two. See both with one.")

    def of_train(self, metric: str) -> Seen:
        if self.train is None:
            raise InputError(f"Expected training images for {metric}. Received: none. Pass train=, or leave it out.")
        return self.train

    def labels(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        if self.generated.labels is None or self.real.labels is None:
            raise _no_labels(metric)
        return self.generated.labels, self.real.labels

    @cached_property
    def manifold(self) -> tuple[Result, Result]:
        return manifold(self.real.features, self.generated.features)


def _label_agreement(sets: Sets) -> Result:
    """The share of samples that the extractor's classifier takes for what they were made for."""
    labels, _ = sets.labels("label_agreement")
    share = float((sets.generated.logits.argmax(axis=1) == labels).mean())
    return Result("label_agreement", {"value": share}, {"generated": len(labels)})


def _parzen(sets: Sets) -> Result:
    validation = None if sets.validation is None else sets.validation.pixels
    return parzen_log_likelihood(sets.generated.pixels, sets.real.pixels, validation=validation)


DEFAULT = ("frechet_distance", "kernel_distance", "inception_score", "precision_recall", "density_coverage")
METRICS: dict[str, Callable[[Sets], Result]] = {
    "frechet_distance": lambda s: frechet_distance(s.real.features, s.generated.features),
    "kernel_distance": lambda s: kernel_distance(s.real.features, s.generated.features, seed=s.seed),
    "inception_score": lambda s: inception_score(softmax(s.generated.logits), seed=s.seed),
    "precision_recall": lambda s: s.manifold[0],
    "density_coverage": lambda s: s.manifold[1],
    "class_coverage": lambda s: class_coverage(s.generated.logits.argmax(axis=1), s.generated.logits.shape[1]),
    "label_agreement": _label_agreement,
    "ms_ssim": lambda s: ms_ssim(s.generated.images, s.generated.labels, seed=s.seed),
    "parzen_log_likelihood": _parzen,
    "nearest_neighbours": lambda s: nearest_neighbours(s.generated.pixels, s.of_train("nearest_neighbours").pixels),
    "neighbour_classification": lambda s: neighbour_classification(
        s.generated.pixels, s.labels("neighbour_classification")[0], s.real.pixels, s.real.labels
    ),
    "network_classification": lambda s: network_classification(
        s.generated.images, s.labels("network_classification")[0], s.real.images, s.real.labels, seed=s.seed
    ),
}
WITH_FEATURES = frozenset((*DEFAULT, "class_coverage", "label_agreement"))
WITH_CLASSES = frozenset(("inception_score", "class_coverage", "label_agreement"))
WITH_LABELS = frozenset(("label_agreement", "neighbour_classification", "network_classification"))
# Which figures a run may be stopped by, and which way is better. Density, distances and similarity have no better way:
# collapsed samples are dense, and copies are near.
LOWER_IS_BETTER = {"frechet_distance", "kernel_distance", "class_coverage_reverse_kl", "nearest_neighbours_copies"}
LOWER_IS_BETTER |= {"neighbour_classification", "network_classification"}
HIGHER_IS_BETTER = {"inception_score", "label_agreement", "parzen_log_likelihood", "class_coverage_modes"}
HIGHER_IS_BETTER |= {"precision", "recall", "coverage"}
_FIGURES = {  # of the metrics with several
    "precision_recall": ("precision", "recall"),
    "density_coverage": ("density", "coverage"),
    "class_coverage": ("class_coverage_modes", "class_coverage_reverse_kl"),
    "nearest_neighbours": tuple(f"nearest_neighbours_{name}" for name in ("distance", "smallest", "ratio", "copies")),
}


def figures_of(metrics: Iterable[str]) -> list[str]:
    """The names under which metrics are logged: their own, or of several figures those that say enough."""
    return [figure for name in metrics for figure in _FIGURES.get(name, (name,))]


def logged(result: Result) -> dict[str, float]:
    """What is logged of a result, by the names of `figures_of`."""
    names = figures_of([result.metric])
    return dict(zip(names, map(float, list(result.values.values())[: len(names)]), strict=True))


def check_metrics(metrics: Iterable[str]) -> tuple[str, ...]:
    """Known names, each once, in the order given."""
    metrics = tuple(dict.fromkeys([metrics] if isinstance(metrics, str) else metrics))
    for name in metrics:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    if not metrics:
        raise InputError(f"Expected metrics to measure. Received: none. Choose from: {', '.join(METRICS)}.")
    return metrics


def check_needs(metrics: Iterable[str], extractor: Extractor, shape, labelled: bool, n: int) -> None:
    """Says before anything long what the metrics will lack: classes, labels, or examples for a covariance."""
    outputs = extractor.outputs(np.zeros((1, *shape), np.uint8)) if WITH_FEATURES & set(metrics) else {}
    for name in metrics:
        if name in WITH_CLASSES:
            extractor.logits_of(outputs)
        if name in WITH_LABELS and not labelled:
            raise _no_labels(name)
        if name == "frechet_distance" and n <= outputs["features"].shape[1]:
            raise InputError(
                f"Expected more than {outputs['features'].shape[1]} images for frechet_distance, because a covariance "
                f"needs more examples than features. Received: {n}. Measure more, or choose kernel_distance."
            )


def measure(sets: Sets, metrics: Iterable[str] = DEFAULT, **protocol) -> list[Result]:
    """The results of metrics by name.

    Args:
        sets: The images.
        metrics: Names, keys of `METRICS`.
        protocol: More to be said in the results' protocols, such as the data set and its split.

    Raises:
        InputError: For unknown names, and where a metric's data are missing.
    """
    shape = {"shape": "x".join(map(str, sets.real.images.shape[1:]))}
    found = []
    for name in check_metrics(metrics):
        seen_by = sets.generated.extractor.protocol if name in WITH_FEATURES else {"preprocessing": "rounded to 8 bits"}
        found.append(METRICS[name](sets).under(**shape, **seen_by, **protocol, seed=sets.seed))
    return found


def _no_labels(metric: str) -> InputError:
    return InputError(
        f"Expected labels on both sides for {metric}. Received: a set without labels. Leave {metric} out."
    )
