"""Similarity of samples to each other, by structural similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import as_pixels
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the five scales, Wang et al. 2003
WINDOW = 11


def ms_ssim(images, labels=None, pairs: int = 1000, seed: int = 0) -> Result:
    """The mean multi-scale structural similarity of random pairs of images: high where they are alike.

    Compare it with the value of the same number of real images. If labels are given, both images of a pair are of one
    class. Images too small for five scales are measured on those scales that fit a window of 11 pixels, whose weights
    are scaled to sum to 1. Source: the protocol of Odena et al. 2017; the measure of Wang et al. 2003.

    Args:
        images: (n, height, width, channels), uint8 or in [-1, 1].
        labels: (n,), or None.
        pairs: Number of pairs of different images.
        seed: Seed of the choice of pairs.

    Returns:
        A `Result` with `value`, in [0, 1], and `std` between the pairs.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).uniform(-1, 1, (10, 28, 28, 1))
        >>> ms_ssim(noise, pairs=20).value < 0.3 < ms_ssim(np.ones((2, 28, 28, 1))).value
        True
    """
    import tensorflow as tf

    check_count("pairs", pairs)
    pixels = as_pixels(images)
    if len(pixels) < 2 or min(pixels.shape[1:3]) < WINDOW:
        raise InputError(
            f"Expected two or more images (n, height, width, channels) of at least {WINDOW} pixels a side. "
            f"Received: shape {pixels.shape}."
        )
    scales = min(len(WEIGHTS), int(np.log2(min(pixels.shape[1:3]) / WINDOW)) + 1)
    weights = [weight / sum(WEIGHTS[:scales]) for weight in WEIGHTS[:scales]]
    first, second = _pairs(np.zeros(len(pixels), int) if labels is None else np.asarray(labels), pairs, seed)
    batches = [
        tf.image.ssim_multiscale(pixels[first[i : i + 100]], pixels[second[i : i + 100]], 255, weights).numpy()
        for i in range(0, pairs, 100)
    ]
    similarities = np.concatenate(batches)
    within = "all" if labels is None else "classes"
    protocol = {"generated": len(pixels), "pairs": pairs, "within": within, "scales": scales, "seed": seed}
    return Result("ms_ssim", {"value": float(similarities.mean()), "std": float(similarities.std())}, protocol)


def of_sets(sets: Sets) -> Result:
    return ms_ssim(sets.generated.images, sets.generated.labels, seed=sets.seed)


def _pairs(labels: np.ndarray, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs of different images of one class; an image that is alone in its class is left out."""
    random = np.random.default_rng(seed)
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    class_of = np.repeat(np.arange(len(counts)), counts)  # of each position in that order
    first = random.choice(np.flatnonzero(counts[class_of] > 1), size=number)
    start, count = starts[class_of[first]], counts[class_of[first]]
    second = start + (first - start + random.integers(1, count)) % count
    return order[first], order[second]
