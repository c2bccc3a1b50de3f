"""What `translation` measures: pixels, features, retrieval, and label maps that are read from pictures.

All pictures are uint8, as files would hold them. Differences are those of pixels in [-1, 1], as in the logs of `fit`.
"""

from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter

from keras_gan_zoo import metrics

RADIUS, SIGMA = 5, 1.5  # of the windows of SSIM, of 11 pixels a side (Wang et al., 2004)
STABLE = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(mse):
    """The peak signal-to-noise ratio in decibels, of a mean squared error of pixels in [-1, 1].

    Example:
        >>> float(psnr(0.04))
        20.0
    """
    with np.errstate(divide="ignore"):
        return 10 * np.log10(4 / np.asarray(mse))


def of_pixels(made: np.ndarray, target: np.ndarray, area: np.ndarray | None = None) -> dict[str, float]:
    """How far pictures are from their targets, pixel by pixel.

    Args:
        made: Pictures (n, height, width, channels).
        target: Their targets.
        area: Which pixels count, (n, height, width), or (1, height, width) for all pictures alike; None for all. All
            pixels that count weigh the same, whichever picture they are of.

    Returns:
        "L1", the mean absolute difference; "PSNR" of the mean squared error of all pictures; "mean PSNR" of those of
        single pictures, which is infinite if one is exact; "SSIM", the mean structural similarity of the windows around
        these pixels: without an area, of those that lie within the picture.
    """
    difference = (made.astype(np.float64) - target) / 127.5
    similar = structure(made, target)
    if area is None:
        inside = slice(RADIUS, -RADIUS)
        similar, area = similar[:, inside, inside], np.ones((1, *target.shape[1:3]), bool)
    else:
        similar = similar[np.broadcast_to(area, target.shape[:3])]
    area = np.broadcast_to(area, target.shape[:3])
    squares = (difference**2).mean(axis=-1)
    of_each = [squares[i][area[i]].mean() for i in range(len(squares)) if area[i].any()]
    return {
        "L1": float(np.abs(difference)[area].mean()),
        "PSNR": float(psnr(squares[area].mean())),
        "mean PSNR": float(psnr(of_each).mean()),
        "SSIM": float(similar.mean()),
    }


def structure(made: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The structural similarity in the Gaussian window around each pixel, (n, height, width, channels).

    Windows beyond the border see the picture mirrored there.
    """
    blurred = partial(gaussian_filter, sigma=(0, SIGMA, SIGMA, 0), truncate=RADIUS / SIGMA)
    x, y = made.astype(np.float64), target.astype(np.float64)
    mean_x, mean_y = blurred(x), blurred(y)
    variances = blurred(x * x) - mean_x**2 + blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    lightness = (2 * mean_x * mean_y + STABLE[0]) / (mean_x**2 + mean_y**2 + STABLE[0])
    return lightness * (2 * covariance + STABLE[1]) / (variances + STABLE[1])


def feature_distance(made: np.ndarray, target: np.ndarray) -> float:
    """The mean distance between the features (n, d) of pictures and those of their targets.

    Example:
        >>> feature_distance(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[3.0, 4.0], [1.0, 1.0]]))
        2.5
    """
    return float(np.linalg.norm(made - target, axis=1).mean())


def frechet(features: np.ndarray, reference: metrics.Moments) -> float:
    """The Frechet distance of features from those of real pictures."""
    return metrics.frechet_distance(reference, features).values["value"]


def retrieval(made: np.ndarray, target: np.ndarray) -> float:
    """How often, of all targets, that of a picture is nearest to it, by features (n, d).

    If several are equally near, each counts by its share.

    Example:
        >>> retrieval(np.array([[0.0], [3.0], [9.0]]), np.array([[1.0], [8.0], [8.0]]))
        0.5
    """
    found = []
    for number, features in enumerate(made):
        distances = np.linalg.norm(target - features, axis=1)
        nearest = distances == distances.min()
        found.append(nearest[number] / nearest.sum())
    return float(np.mean(found))


def of_label_maps(read: np.ndarray, asked: np.ndarray, parts: int) -> dict[str, float]:
    """How well label maps (n, height, width) that are read from pictures are those that were asked for.

    "IoU" is the mean over parts of intersection over union, both counted in all pictures together. A part that is in
    neither map does not count.

    Example:
        >>> of_label_maps(np.array([[[0, 0, 1, 1]]]), np.array([[[0, 1, 1, 1]]]), 3)["IoU"]  # of 1/2 and 2/3
        0.5833333333333333
    """
    pairs = np.bincount(asked.ravel().astype(int) * parts + read.ravel(), minlength=parts**2).reshape(parts, parts)
    both = np.diag(pairs)
    either = pairs.sum(axis=0) + pairs.sum(axis=1) - both
    return {
        "pixel accuracy": float(both.sum() / pairs.sum()),
        "IoU": float((both[either > 0] / either[either > 0]).mean()),
    }
