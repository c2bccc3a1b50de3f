"""Images with transparency on a background, and images in another number of channels."""

import numpy as np
from PIL import Image

from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.decoding import BEHIND, MODES, Form, composed, formed, rgb
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
    rgb(colour)
    return dataset.with_examples(composed(images, colour))


def in_channels(dataset: Dataset, channels: int) -> Dataset:
    """Images as grey (1), in colour (3) or with transparency (4), with the same labels.

    Transparency that is lost is put on white; see `on_background` for other colours.

    Args:
        dataset: uint8 images (n, height, width, channels), in memory; others only if they need no change.
        channels: The number of channels.

    Raises:
        InputError: If the images are others.

    Example:
        >>> in_channels(Dataset(np.full((1, 8, 8, 1), 7, np.uint8)), 3).examples[0, 0, 0].tolist()
        [7, 7, 7]
    """
    if dataset.example_shape[2:] == (channels,):
        return dataset
    images = getattr(dataset, "examples", None)
    if images is None or images.dtype != np.uint8 or images.shape[-1] not in MODES or images.ndim != 4:
        raise InputError(
            f"Expected uint8 images of 1, 3 or 4 channels, in memory, to convert them to {channels}. Received: "
            f"{dataset}. Leave channels out, or raise memory_limit."
        )
    form = Form(dataset.example_shape[:2], MODES[channels], BEHIND)
    plain = images[..., 0] if images.shape[-1] == 1 else images
    return dataset.with_examples(np.stack([formed(Image.fromarray(image), form) for image in plain]))
