"""The log-likelihood of test data under Gaussian kernels at generated examples: the protocol of the first GAN paper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import blocks, check_ranges, check_widths, squared_distances, vectors
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets

BANDWIDTHS = np.logspace(-1, 0, 10)
VALIDATION = 1000


def parzen_log_likelihood(samples, test, bandwidth: float | None = None, validation=None) -> Result:
    """The mean log-density of test examples under a mixture of isotropic normals centred on the generated examples.

    The protocol of Goodfellow et al. 2014, section 5 and table 1: 10,000 samples, pixels in [0, 1], and the bandwidth
    among ten from 0.1 to 1 that makes 1,000 validation examples most likely. The measure is not monotone in quality:
    real training digits as kernels score about 243 on MNIST, and averages of similar digits more. Report the real
    data's own value with it, and never compare values of different numbers of kernels.

    Args:
        samples: Generated examples (n, ...), pixels in [0, 1].
        test: Real examples (m, ...), of the same range.
        bandwidth: The kernels' standard deviation. None chooses it.
        validation: Real examples, neither trained on nor tested, whose first 1,000 choose the bandwidth. None
            chooses it by the likelihood of the first 1,000 samples under the others.

    Returns:
        A `Result` with `value` in nats, `standard_error` over the test examples, and `bandwidth`.

    Example:
        >>> result = parzen_log_likelihood([[0.0]], [[0.0], [1.0]], bandwidth=1.0)
        >>> round(result.value, 4)  # -log(sqrt(2 pi)) - (0 + 1/2) / 2
        -1.1689
    """
    check_ranges(samples=samples, test=test)
    samples, test = vectors(samples, "samples"), vectors(test, "test")
    check_widths(samples=samples, test=test)
    if bandwidth is None:
        bandwidth, chosen_by = _chosen(samples, validation)
    else:
        check_number("bandwidth", bandwidth, low=1e-9)
        chosen_by = f"given, {bandwidth:g}"
    densities = _log_densities(samples, test, [bandwidth])[0]
    values = {
        "value": float(densities.mean()),
        "standard_error": float(densities.std(ddof=1) / math.sqrt(len(test))) if len(test) > 1 else float("nan"),
        "bandwidth": float(bandwidth),
    }
    protocol = {"generated": len(samples), "real": len(test), "features": samples.shape[1], "bandwidth": chosen_by}
    return Result("parzen_log_likelihood", values, protocol)


def of_sets(sets: Sets) -> Result:
    validation = None if sets.validation is None else sets.validation.pixels
    return parzen_log_likelihood(sets.generated.pixels, sets.real.pixels, validation=validation)


def _chosen(samples: np.ndarray, validation) -> tuple[float, str]:
    if validation is None:
        if len(samples) < 2:
            raise InputError("Expected two samples or more to choose a bandwidth by. Received: 1. Give the bandwidth.")
        densities = _log_densities(samples, samples[:VALIDATION], BANDWIDTHS, leave_one_out=True)
        how = f"{min(VALIDATION, len(samples))} samples, each left out"
    else:
        validation = vectors(validation, "validation")[:VALIDATION]
        check_widths(samples=samples, validation=validation)
        densities = _log_densities(samples, validation, BANDWIDTHS)
        how = f"{len(validation)} validation examples"
    return float(BANDWIDTHS[densities.mean(axis=1).argmax()]), how


def _log_densities(kernels, points, bandwidths, leave_one_out: bool = False) -> np.ndarray:
    """log p of each point for each bandwidth, (bandwidths, points); distances are measured once for all bandwidths."""
    middle = kernels.mean(axis=0)
    kernels, points = kernels - middle, points - middle
    norms = np.einsum("ij,ij->i", kernels, kernels)
    number = len(kernels) - leave_one_out
    log_densities = np.empty((len(bandwidths), len(points)))
    for rows in blocks(len(points), len(kernels), 2**22):
        squared = squared_distances(points[rows], kernels, norms)
        if leave_one_out:
            squared[np.arange(len(squared)), np.arange(rows.start, rows.start + len(squared))] = np.inf
        nearest = squared.min(axis=1)
        squared -= nearest[:, None]
        for index, bandwidth in enumerate(bandwidths):
            scale = -1 / (2 * bandwidth**2)
            terms = np.exp(squared * scale).sum(axis=1)
            normaliser = math.log(number) + kernels.shape[1] * math.log(bandwidth * math.sqrt(2 * math.pi))
            log_densities[index, rows] = np.log(terms) + nearest * scale - normaliser
    return log_densities
