"""The input of metrics: arrays, or batches of arrays, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.pictures import to_uint8

LARGEST = 1e100  # squares and products of these stay finite


def batches_of(features, name: str) -> Iterator[np.ndarray]:
    """One array (n, d), a list of rows, or an iterable of batches (m, d), as float64 batches, each checked."""
    dimensions = None
    for batch in [features] if _is_one_array(features) else features:
        batch = _checked(batch, name)
        if dimensions is not None and batch.shape[1] != dimensions:
            raise InputError(
                f"Expected batches of one width in {name}. Received: {dimensions} and then {batch.shape[1]} features."
                " Use one extractor for all."
            )
        dimensions = batch.shape[1]
        yield batch


def vectors(features, name: str, at_least: int = 1) -> np.ndarray:
    """The batches of `batches_of` as one array; images are flattened."""
    batches = list(batches_of(features, name))
    count = sum(map(len, batches))
    if count < at_least or not batches:
        raise InputError(f"Expected at least {max(1, at_least)} examples in {name}. Received: {count}. Give more.")
    return batches[0] if len(batches) == 1 else np.concatenate(batches)


def _is_one_array(features) -> bool:
    return hasattr(features, "shape") or (isinstance(features, (list, tuple)) and all(np.ndim(x) < 2 for x in features))


def _checked(batch, name: str) -> np.ndarray:
    array = np.asarray(batch)
    if array.ndim < 2 or not (np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)):
        raise InputError(
            f"Expected {name} to be an array of numbers (n, d). Received: {array.dtype} of shape {array.shape}. "
            "Give one row of features for each example."
        )
    array = array.reshape(len(array), math.prod(array.shape[1:])).astype(np.float64, copy=False)
    if array.size and not (array.min() >= -LARGEST and array.max() <= LARGEST):  # NaN satisfies neither comparison
        bad = int((~(np.abs(array) <= LARGEST)).any(axis=1).sum())
        raise InputError(
            f"Expected finite numbers up to {LARGEST:g} in {name}. Received: NaN, infinity or more in {bad} of "
            f"{len(array)} examples. Look at the images they come from."
        )
    return array


def as_pixels(images, name: str = "images") -> np.ndarray:
    """Images (n, height, width, channels) as uint8; floats in [-1, 1] are rounded to 8 bits."""
    images = np.asarray(images)
    is_float = np.issubdtype(images.dtype, np.floating)
    if images.ndim != 4 or not len(images) or not (is_float or images.dtype == np.uint8):
        raise InputError(
            f"Expected {name} to be uint8 images (n, height, width, channels), or floats in [-1, 1]. Received: "
            f"{images.dtype} of shape {images.shape}. Stack them, or convert them."
        )
    if is_float and not (np.abs(images) <= 1.001).all():
        what = "NaN" if np.isnan(images).any() else f"{images.dtype} from {images.min():.4g} to {images.max():.4g}"
        raise InputError(
            f"Expected {name} in [-1, 1]. Received: {what}. Rescale them: images / 127.5 - 1 for 0 to 255."
        )
    return to_uint8(images)


def check_widths(**sets: np.ndarray) -> None:
    """Checks that all sets have the same number of features."""
    widths = {name: array.shape[-1] for name, array in sets.items()}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{width} in {name}" for name, width in widths.items())
        raise InputError(
            f"Expected the same number of features in every set. Received: {listed}. Use one extractor for all."
        )


def check_ranges(**sets) -> None:
    """Checks that all sets are uint8, or none: distances of uint8 to floats in [-1, 1] would be meaningless."""
    kinds = {name: np.asarray(images).dtype for name, images in sets.items() if _is_one_array(images)}
    if len({kind == np.uint8 for kind in kinds.values()}) > 1:
        listed = ", ".join(f"{kind} in {name}" for name, kind in kinds.items())
        raise InputError(
            f"Expected all sets in one range. Received: {listed}. Rescale them: images / 127.5 - 1 for 0 to 255."
        )


def check_labels(labels, n: int, name: str) -> np.ndarray:
    """Checks that labels are whole numbers (n,), one for each example."""
    labels = np.asarray(labels)
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise InputError(
            f"Expected {name} ({n},), a whole number for each example. Received: {labels.dtype} of shape "
            f"{labels.shape}."
        )
    return labels


def check_neighbours(k: int, **sets: np.ndarray) -> None:
    """Checks that every example has a k-th neighbour besides itself."""
    check_count("k", k)
    for name, array in sets.items():
        if k >= len(array):
            raise InputError(
                f"Expected more than k={k} examples in {name}. Received: {len(array)}. Lower k, or give more examples."
            )


def distribution(values, name: str) -> np.ndarray:
    """Rows of probabilities (n, classes), each summing to 1."""
    array = vectors(values, name)
    if array.min() < 0 or np.abs(array.sum(axis=1) - 1).max() > 1e-3:
        raise InputError(
            f"Expected {name} in [0, 1] that sum to 1 in every row. Received: values from {array.min():.3g} to "
            f"{array.max():.3g}, sums from {array.sum(axis=1).min():.3g} to {array.sum(axis=1).max():.3g}. "
            "Apply a softmax to logits first."
        )
    return array


def squared_distances(rows: np.ndarray, columns: np.ndarray, norms: np.ndarray | None = None) -> np.ndarray:
    """|x - y|^2 for all x of `rows` and y of `columns`, (rows, columns), by one matrix product."""
    norms = np.einsum("ij,ij->i", columns, columns) if norms is None else norms
    squared = rows @ columns.T
    squared *= -2
    squared += np.einsum("ij,ij->i", rows, rows)[:, None]
    squared += norms
    return np.maximum(squared, 0, out=squared)


def blocks(n: int, columns: int, numbers: int = 2**24) -> Iterator[slice]:
    """Slices of n rows, such that a block of rows x columns has about `numbers` entries (128 MiB of float64)."""
    size = max(1, numbers // max(1, columns))
    return (slice(start, start + size) for start in range(0, n, size))
