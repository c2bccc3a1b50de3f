"""Answers that need no network, for `translation` to compare models with. All take and return uint8 pictures."""

from functools import cache

import numpy as np
from PIL import Image
from scipy import sparse
from scipy.linalg import sqrtm
from scipy.sparse.linalg import splu

from keras_gan_zoo.core.regions import Region

BLOCK = 4096  # pictures that are compared at a time
BIHARMONIC = np.array([[0, 0, 1, 0, 0], [0, 2, -8, 2, 0], [1, -8, 20, -8, 1], [0, 2, -8, 2, 0], [0, 0, 1, 0, 0]])


def rounded(values: np.ndarray) -> np.ndarray:
    """Levels from 0 to 255 as uint8."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def enlarged(pictures: np.ndarray, factor: int, method: Image.Resampling) -> np.ndarray:
    """Larger pictures, by a method of Pillow."""
    height, width = pictures.shape[1:3]
    size = (width * factor, height * factor)
    return np.stack([np.asarray(Image.fromarray(picture).resize(size, method)) for picture in pictures])


def within(hole: Region, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels of pictures (height, width, ...) are in a hole (top, left, height, width): (height, width)."""
    top, left, rows, columns = hole
    inside = np.zeros(shape[:2], bool)
    inside[top : top + rows, left : left + columns] = True
    return inside


def mean_colour(pictures: np.ndarray, hole: Region) -> np.ndarray:
    """The hole filled with the mean colour of what is around it."""
    inside, filled = within(hole, pictures.shape[1:]), pictures.copy()
    filled[:, inside] = rounded(pictures[:, ~inside].mean(axis=1))[:, None]
    return filled


def biharmonic(pictures: np.ndarray, hole: Region) -> np.ndarray:
    """The hole filled smoothly: with the solution of the discrete biharmonic equation; see `smooth`."""
    inside, filled = within(hole, pictures.shape[1:]), pictures.copy()
    filled[:, inside] = rounded(smooth(pictures, hole))[:, inside]
    return filled


def smooth(pictures: np.ndarray, hole: Region) -> np.ndarray:
    """Pictures of floats whose squared Laplacian is 0 in the hole, in the stencil of 13 points.

    The pixels around the hole are its boundary: there have to be two of them on each side.
    """
    inside = within(hole, pictures.shape[1:])
    equations = _equations(tuple(hole), pictures.shape[1:3])
    levels = np.moveaxis(pictures.astype(np.float64), 0, -1).reshape(inside.size, -1)
    unknown = inside.ravel()
    solve = splu(equations[:, unknown].tocsc()).solve
    levels[unknown] = solve(-equations[:, ~unknown] @ levels[~unknown])
    return np.moveaxis(levels.reshape(*pictures.shape[1:], len(pictures)), -1, 0)


@cache
def _equations(hole: Region, sides: tuple[int, int]) -> sparse.csr_matrix:
    """The stencil at each pixel of the hole, a row of coefficients of all pixels of the picture."""
    places = np.argwhere(within(hole, sides))
    rows, columns, values = [], [], []
    for (down, across), value in np.ndenumerate(BIHARMONIC):
        row, column = places[:, 0] + down - 2, places[:, 1] + across - 2
        if (row < 0).any() or (column < 0).any() or (row >= sides[0]).any() or (column >= sides[1]).any():
            raise ValueError(f"A hole {hole} needs two pixels around it in pictures of {sides}.")
        rows.append(np.arange(len(places)))
        columns.append(row * sides[1] + column)
        values.append(np.full(len(places), float(value)))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_matrix(entries, shape=(len(places), sides[0] * sides[1])).tocsr()


def nearest(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each picture the number of the other that differs least from it, by the sum of squares."""
    queries = pictures.reshape(len(pictures), -1).astype(np.float32) / 255
    best, found = np.full(len(queries), np.inf), np.zeros(len(queries), int)
    for start in range(0, len(others), BLOCK):
        block = others[start : start + BLOCK].reshape(-1, queries.shape[1]).astype(np.float32) / 255
        distances = np.einsum("ij,ij->i", block, block) - 2 * queries @ block.T  # but for what all have in common
        numbers = distances.argmin(axis=1)
        smallest = distances[np.arange(len(queries)), numbers]
        found = np.where(smallest < best, start + numbers, found)
        best = np.minimum(best, smallest)
    return found


def nearest_context(pictures: np.ndarray, hole: Region, training: np.ndarray) -> np.ndarray:
    """The hole filled with that of the training picture whose surroundings differ least."""
    inside, filled = within(hole, pictures.shape[1:]), pictures.copy()
    chosen = nearest(pictures[:, ~inside], training[:, ~inside])
    filled[:, inside] = training[chosen][:, inside]
    return filled


def median_picture(pictures: np.ndarray) -> np.ndarray:
    """The median of each pixel."""
    return rounded(np.median(pictures, axis=0))


class ColourTransfer:
    """The affine map of colours that gives all pixels of the sources the mean and covariance of those of the targets.

    Of all such maps it is the one that changes colours least, in the mean of squares.
    """

    def __init__(self, sources: np.ndarray, targets: np.ndarray):
        (self.before, source), (self.after, target) = map(_moments, (sources, targets))
        root = np.real(sqrtm(source))
        inverse = np.linalg.inv(root)
        self.matrix = inverse @ np.real(sqrtm(root @ target @ root)) @ inverse

    def exact(self, pictures: np.ndarray) -> np.ndarray:
        """Before the colours are rounded and clipped."""
        return (pictures - self.before) @ self.matrix + self.after

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        return rounded(self.exact(pictures))


def _moments(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of colours."""
    pixels = pictures.reshape(-1, pictures.shape[-1]).astype(np.float64)
    return pixels.mean(axis=0), np.cov(pixels.T)
