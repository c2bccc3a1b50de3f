"""Images with transparency on a background."""

import numpy as np
from PIL import ImageColor

from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.errors import InputError


def on_background(dataset: Dataset, colour: str) -> Dataset:
    """Images with an alpha channel as images in colour, with the same labels.

    Args:
        dataset: uint8 images (n, height, width, 4), in memory.
        colour: As Pillow reads it, such as "black" or "#203040".

    Raises:
        InputError: If the images are others, or there is no such colour.

    Example:
        >>> clear = Dataset(np.zeros((1, 8, 8, 4), np.uint8))
        >>> on_background(clear, "#010203").examples[0, 0, 0].tolist()
        [1, 2, 3]
    """
    images = getattr(dataset, "examples", None)
    if images is None or images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 4:
        raise InputError(
            f"Expected uint8 images with transparency, in memory, for a background. Received: {dataset}. Leave "
            "background out, or raise memory_limit."
        )
    try:
        behind = ImageColor.getrgb(colour)[:3]
    except ValueError as error:
        raise InputError(f"Expected a colour, such as 'black' or '#203040'. Received: {colour!r}.") from error
    alpha = images[..., 3:] / np.float32(255)
    composed = np.round(images[..., :3] * alpha + np.array(behind, np.float32) * (1 - alpha)).astype(np.uint8)
    opaque = Dataset(composed, conditions=dataset.conditions, name=dataset.name, class_names=dataset.class_names)
    return dataset.with_examples(opaque) if isinstance(dataset, CaptionedDataset) else opaque
