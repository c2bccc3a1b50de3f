"""How alike samples are to each other, by structural similarity."""

from __future__ import annotations

import numpy as np

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.pictures import to_uint8

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the five scales, Wang et al. 2003
WINDOW = 11


def ms_ssim(images, pairs: int = 1000, seed: int = 0) -> Result:
    """The mean multi-scale structural similarity of random pairs of images: high where they are alike.

    Hold it against the value of as many real images, within a class where there are classes. Images too small for five
    scales are measured on those that hold a window of 11 pixels, whose weights are scaled to sum to 1. Source: the
    protocol of Odena et al. 2017; the measure of Wang et al. 2003.

    Args:
        images: (n, height, width, channels), uint8 or in [-1, 1].
        pairs: How many pairs of different images.
        seed: Of the pairs.

    Returns:
        A `Result` with `value`, in [0, 1] but for rare negative products, and `std` between the pairs.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).uniform(-1, 1, (10, 28, 28, 1))
        >>> ms_ssim(noise, pairs=20).value < 0.3 < ms_ssim(np.ones((2, 28, 28, 1))).value
        True
    """
    import tensorflow as tf

    images = np.asarray(images)
    if images.ndim != 4 or len(images) < 2 or min(images.shape[1:3]) < WINDOW:
        raise InputError(
            f"Expected two or more images (n, height, width, channels) of at least {WINDOW} pixels a side. "
            f"Received: shape {images.shape}."
        )
    scales = min(len(WEIGHTS), int(np.log2(min(images.shape[1:3]) / WINDOW)) + 1)
    weights = [weight / sum(WEIGHTS[:scales]) for weight in WEIGHTS[:scales]]
    random = np.random.default_rng(seed)
    first = random.integers(len(images), size=pairs)
    second = (first + random.integers(1, len(images), size=pairs)) % len(images)
    pixels = to_uint8(images)
    found = [
        tf.image.ssim_multiscale(pixels[first[i : i + 100]], pixels[second[i : i + 100]], 255, weights).numpy()
        for i in range(0, pairs, 100)
    ]
    found = np.concatenate(found)
    protocol = {"generated": len(images), "pairs": pairs, "scales": scales, "seed": seed}
    return Result("ms_ssim", {"value": float(found.mean()), "std": float(found.std())}, protocol)
