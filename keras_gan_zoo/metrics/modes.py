"""How many modes of a known distribution a generator finds, and how evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import blocks, check_widths, squared_distances, vectors
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets


def mode_coverage(samples, centers, std: float, radius: float = 3.0) -> Result:
    """The number of modes of a mixture of equal, isotropic normal distributions that have a sample of high quality.

    A sample is of high quality if it lies within `radius` standard deviations of the nearest centre. Source: the
    protocol of Srivastava et al. 2017 (VEEGAN), with 2,500 samples; the reverse KL is that of Lin et al. 2018 (PacGAN).

    Args:
        samples: (n, d).
        centers: (modes, d).
        std: The standard deviation of every mode.
        radius: In standard deviations.

    Returns:
        A `Result` with `modes`, the number found; `high_quality`, the share of such samples; and `reverse_kl`, from
        the shares of the modes among them to equal shares, in nats; NaN where no sample is of high quality.

    Example:
        >>> result = mode_coverage([[0.0, 0.1], [5.0, 5.0], [9.0, 9.0]], [[0.0, 0.0], [5.0, 5.0]], std=0.1)
        >>> result.modes, round(result.high_quality, 3), result.reverse_kl
        (2, 0.667, 0.0)
    """
    samples, centers = vectors(samples, "samples"), vectors(centers, "centers")
    check_widths(samples=samples, centers=centers)
    check_number("std", std, low=0, above=True)
    check_number("radius", radius, low=0, above=True)
    nearest, is_good = np.empty(len(samples), int), np.empty(len(samples), bool)
    for rows in blocks(len(samples), len(centers)):
        squared = squared_distances(samples[rows], centers)
        nearest[rows] = squared.argmin(axis=1)
        is_good[rows] = np.sqrt(squared.min(axis=1)) < radius * std
    counts = np.bincount(nearest[is_good], minlength=len(centers))
    values = {
        "modes": int((counts > 0).sum()),
        "high_quality": float(is_good.mean()),
        "reverse_kl": _from_equal(counts),
    }
    protocol = {"generated": len(samples), "of_modes": len(centers), "std": float(std), "radius": float(radius)}
    return Result("mode_coverage", values, protocol)


def class_coverage(labels, num_classes: int) -> Result:
    """The number of classes among labels that a classifier assigned to samples, and how evenly they occur.

    For stacked digits, whose three channels are three digits, `stacked_labels` returns labels of 1,000 classes.

    Args:
        labels: Whole numbers (n,) from 0.
        num_classes: Number of classes.

    Returns:
        A `Result` with `modes`, the number of classes found, and `reverse_kl` from their shares to equal shares.

    Example:
        >>> class_coverage([0, 1, 1, 0], num_classes=4).reverse_kl  # log(2)
        0.6931471805599453
    """
    check_count("num_classes", num_classes)
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"Expected labels to be whole numbers (n,). Received: {labels.dtype} of shape {labels.shape}. "
            "Give the classifier's argmax."
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(
            f"Expected labels from 0 to {num_classes - 1}. Received: {labels.min()} to {labels.max()}. "
            "Change num_classes."
        )
    counts = np.bincount(labels, minlength=num_classes)
    values = {"modes": int((counts > 0).sum()), "reverse_kl": _from_equal(counts)}
    return Result("class_coverage", values, {"generated": len(labels), "of_modes": num_classes})


def of_sets(sets: Sets) -> Result:
    logits = sets.generated.logits
    return class_coverage(logits.argmax(axis=1), logits.shape[1])


def stacked_labels(images, classify) -> np.ndarray:
    """The class of each stack of three digits, 0 to 999, from a classifier of one channel.

    Args:
        images: (n, height, width, 3), a digit in every channel.
        classify: From images (n, height, width, 1) to probabilities or logits (n, 10).
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise InputError(f"Expected stacks of three digits, (n, height, width, 3). Received: shape {images.shape}.")
    digits = [np.asarray(classify(images[..., channel : channel + 1])).argmax(axis=1) for channel in range(3)]
    return digits[0] * 100 + digits[1] * 10 + digits[2]


def _from_equal(counts: np.ndarray) -> float:
    """KL(shares || equal shares)."""
    if not counts.sum():
        return float("nan")
    shares = counts / counts.sum()
    return float(max(0.0, xlogy(shares, shares).sum() + np.log(len(counts))))
