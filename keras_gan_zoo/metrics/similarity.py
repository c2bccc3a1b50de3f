"""How near translations come to their targets, beside the sources as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from keras_gan_zoo.data.decoding import fitted
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import as_pixels
from keras_gan_zoo.metrics.result import Result

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.sets import Sets

WINDOW = 11
BATCH = 250
FIGURES = ("l1", "psnr", "ssim")


def similarity(images, targets) -> Result:
    """How alike images and their targets are, pixel by pixel. Of several possible targets, a blur between them is best.

    Args:
        images: (n, height, width, channels), uint8 or in [-1, 1]; they are rounded to 8 bits.
        targets: Of the same shape.

    Returns:
        A `Result` with `l1`, the mean absolute difference of pixels from -1 to 1; `psnr`, the peak signal-to-noise
        ratio in decibels, of the mean squared error of all images together; `ssim`, the mean structural similarity in
        windows of at most 11 pixels a side (Wang et al., 2004).

    Raises:
        InputError: If the shapes differ.

    Example:
        >>> import numpy as np
        >>> grey = np.zeros((1, 16, 16, 1))
        >>> round(similarity(grey + 0.2, grey).psnr)
        20
    """
    import tensorflow as tf

    made, targets = as_pixels(images, "images"), as_pixels(targets, "targets")
    if made.shape != targets.shape or made.ndim != 4 or not len(made):
        raise InputError(
            f"Expected images (n, height, width, channels), and as many targets of the same shape. Received: "
            f"{made.shape} and {targets.shape}. Give each image its target."
        )
    absolute = squared = structural = 0.0
    window = min(WINDOW, *made.shape[1:3])
    for start in range(0, len(made), BATCH):
        pair = made[start : start + BATCH], targets[start : start + BATCH]
        difference = (pair[0].astype(np.float64) - pair[1]) / 127.5
        absolute += np.abs(difference).sum()
        squared += np.square(difference).sum()
        structural += float(tf.reduce_sum(tf.image.ssim(*pair, max_val=255, filter_size=window)))
    error = squared / made.size
    psnr = 10 * math.log10(4 / error) if error else math.nan  # which a result may hold, unlike infinity
    values = {"l1": float(absolute / made.size), "psnr": psnr, "ssim": structural / len(made)}
    return Result("similarity", values, {"generated": len(made), "window": window})


def of_sets(sets: Sets) -> Result:
    """The similarity of translations to their targets, and that of their sources, which any translator must surpass."""
    if sets.pairs is None:  # real images in place of translations
        return Result("similarity", dict.fromkeys((*FIGURES, *map("source_{}".format, FIGURES)), math.nan))
    sources, targets = sets.pairs
    result = similarity(sets.generated.images, targets)
    copies = as_targets(as_pixels(sources, "sources"), targets.shape[1:])
    of_copies = dict.fromkeys(FIGURES, math.nan) if copies is None else similarity(copies, targets).values
    values = {**result.values, **{f"source_{name}": value for name, value in of_copies.items()}}
    return Result("similarity", values, result.protocol)


def as_targets(sources: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Sources in the shape of targets: enlarged by bicubic interpolation, grey as colour; None for other channels."""
    height, width, channels = shape
    if sources.shape[-1] not in (1, channels) or channels > 4:
        return None
    if sources.shape[1:3] != (height, width):
        planes = [image.squeeze(-1) if image.shape[-1] == 1 else image for image in sources]  # as Pillow takes grey
        resized = [fitted(Image.fromarray(plane), (height, width), Image.Resampling.BICUBIC) for plane in planes]
        sources = np.stack(resized)
    return np.broadcast_to(sources, (len(sources), *shape))
