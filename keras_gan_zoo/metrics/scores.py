"""The inception score: how certain a classifier is of each image, and how varied its predictions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import distribution
from keras_gan_zoo.metrics.features.extractors import softmax
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets


def inception_score(probabilities, splits: int = 10, seed: int = 0) -> Result:
    """exp of the mean divergence KL(p(y|x) || p(y)), from 1 to the number of classes.

    It does not use real data: a generator that memorises one image of each class has the best score. Source: Salimans
    et al. 2016, section 4.

    Args:
        probabilities: (n, classes) of generated images, by the Inception network or any other classifier.
        splits: Number of parts whose scores are averaged.
        seed: Seed of the random assignment of examples to parts, so that examples sorted by class are mixed.

    Returns:
        A `Result` with `value`, the mean over the parts, and `std` over the parts.

    Example:
        >>> import numpy as np
        >>> round(inception_score(np.eye(10)[np.arange(1000) % 10], splits=1).value, 6)
        10.0
    """
    p = distribution(probabilities, "probabilities")
    check_count("splits", splits)
    if splits > len(p):
        raise InputError(f"Expected splits of at most {len(p)}, the number of examples. Received: {splits}.")
    order = np.random.default_rng(seed).permutation(len(p))
    scores = [_score(p[part]) for part in np.array_split(order, splits)]
    values = {"value": float(np.mean(scores)), "std": float(np.std(scores))}
    return Result(
        "inception_score", values, {"generated": len(p), "classes": p.shape[1], "splits": splits, "seed": seed}
    )


def of_sets(sets: Sets) -> Result:
    return inception_score(softmax(sets.generated.logits), seed=sets.seed)


def _score(p: np.ndarray) -> float:
    marginal = p.mean(axis=0)
    return float(np.exp((xlogy(p, p).sum(axis=1)).mean() - xlogy(marginal, marginal).sum()))
