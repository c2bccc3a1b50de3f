"""Data sets that need no download: handwritten digits and points of the plane."""

import numpy as np
from PIL import Image

from keras_gan_zoo.core import registry
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.decoding import fitted

POINTS = 100_000


def digits(size):
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    height, width = size or (16, 16)
    enlarged = np.stack([fitted(Image.fromarray(image), (height * 3 // 4, width * 3 // 4)) for image in pixels])
    images = np.zeros((len(pixels), height, width, 1), np.uint8)  # with a margin, which the 8 x 8 originals lack
    images[:, height // 8 :, width // 8 :][:, : enlarged.shape[1], : enlarged.shape[2]] = enlarged
    return Dataset(images, digits.target, name="digits", class_names=list("0123456789"))


def ring8(size):
    """Eight Gaussians on the unit circle, standard deviation 0.01 (the 2D-ring of Lin et al., 2018)."""
    angles = 2 * np.pi * np.arange(8) / 8
    return _mixture("ring8", np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01)


def grid25(size):
    """Twenty-five Gaussians on a grid of spacing 2, standard deviation 0.05 (the 2D-grid of Lin et al., 2018)."""
    ticks = np.arange(-4, 5, 2)
    return _mixture("grid25", np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(25, 2), 0.05)


def _mixture(name, centers, std):
    rng = np.random.default_rng(0)
    labels = rng.integers(len(centers), size=POINTS)
    points = centers[labels] + std * rng.standard_normal((POINTS, 2))
    return Dataset(points.astype(np.float32), labels, name=name, centers=centers.astype(np.float32), std=std)


def swiss_roll(size):
    """Two coordinates of scikit-learn's roll, noise 0.25, divided by 7.5 (as in the toy data of WGAN-GP's authors)."""
    from sklearn.datasets import make_swiss_roll

    roll, _ = make_swiss_roll(POINTS, noise=0.25, random_state=0)
    return Dataset((roll[:, [0, 2]] / 7.5).astype(np.float32), name="swiss_roll")


EMBEDDED = registry.load_all(registry.EMBEDDED)
