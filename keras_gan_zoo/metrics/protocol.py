"""Measures metrics of sets of images by name, with the protocol that each figure depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.registry import DEFAULT_METRICS
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.metrics.features.extractors import Extractor, default_extractor
from keras_gan_zoo.metrics.features.extractors import extractor as as_extractor
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.metrics.sets import Sets, no_labels

METRICS: dict[str, Callable[[Sets], Result]] = registry.load_all(registry.METRICS)
# The figures that can stop a run, and whether lower or higher is better for each.
BETTER = {name: way for metric in METRICS for name, way in registry.figures_of(metric).items() if way}


def figures_of(metrics: Iterable[str]) -> list[str]:
    """The names under which metrics are logged: the metric's own name, or the names of its figures."""
    return [figure for name in metrics for figure in registry.figures_of(name)]


def logged(result: Result) -> dict[str, float]:
    """The figures of a result that are logged, by the names of `figures_of`."""
    names = figures_of([result.metric])
    return dict(zip(names, map(float, list(result.values.values())[: len(names)]), strict=True))


def check_metrics(metrics: Iterable[str]) -> tuple[str, ...]:
    """The names without duplicates, in the given order; raises an `InputError` for unknown ones."""
    metrics = tuple(dict.fromkeys([metrics] if isinstance(metrics, str) else metrics))
    for name in metrics:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    if not metrics:
        raise InputError(f"Expected metrics to measure. Received: none. Choose from: {', '.join(METRICS)}.")
    return metrics


def extractor_for(metrics: Iterable[str], extractor, real: Dataset) -> Extractor:
    """The given extractor, or that of the data set; metrics that need no features are not asked for one."""
    if extractor is None and not any("features" in registry.METRICS[name].needs for name in metrics):
        extractor = "pixels"
    return as_extractor(default_extractor(real) if extractor is None else extractor)


def check_needs(
    metrics: Iterable[str], extractor: Extractor, shape, labelled: bool, n: int, paired: bool = False
) -> None:
    """Checks, before any long computation, that classes, labels, pairs and enough images for a covariance are there."""
    needs_features = any("features" in registry.METRICS[name].needs for name in metrics)
    outputs = extractor.outputs(np.zeros((1, *shape), np.uint8)) if needs_features else {}
    for name in metrics:
        needs = registry.METRICS[name].needs
        if "classes" in needs:
            extractor.logits_of(outputs)
        if "labels" in needs and not labelled:
            raise no_labels(name)
        if "pairs" in needs and not paired:
            raise InputError(
                f"Expected translations of sources whose targets are known, for {name}. Received: other images. "
                f"Measure a translator on pairs, as in data='twemoji' with sources='noto', or leave {name} out."
            )
        if name == "frechet_distance" and n <= outputs["features"].shape[1]:
            raise InputError(
                f"Expected more than {outputs['features'].shape[1]} images for frechet_distance, because a covariance "
                f"needs more examples than features. Received: {n}. Measure more, or choose kernel_distance."
            )


def measure(sets: Sets, metrics: Iterable[str] = DEFAULT_METRICS, **protocol) -> list[Result]:
    """Measures metrics, given by name.

    Args:
        sets: The images.
        metrics: Names, keys of `METRICS`.
        protocol: Further entries of the results' protocols, such as the data set and its split.

    Raises:
        InputError: If a name is unknown, or data that a metric needs are missing.
    """
    shape = {"shape": "x".join(map(str, sets.real.images.shape[1:]))}
    results = []
    for name in check_metrics(metrics):
        by_features = "features" in registry.METRICS[name].needs
        preprocessing = sets.generated.extractor.protocol if by_features else {"preprocessing": "rounded to 8 bits"}
        results.append(METRICS[name](sets).under(**shape, **preprocessing, **protocol, seed=sets.seed))
    return results
