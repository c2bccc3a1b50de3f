"""What metrics take in: arrays, or batches of arrays, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from keras_gan_zoo.bounds import check_count
from keras_gan_zoo.errors import InputError


def batches_of(features, name: str) -> Iterator[np.ndarray]:
    """One array (n, d), or an iterable of them, as float64 batches (m, d), each checked."""
    batches: Iterable = [features] if hasattr(features, "shape") or _is_nested_list(features) else features
    dimensions = None
    for batch in batches:
        batch = vectors(batch, name, at_least=0)
        if dimensions is not None and batch.shape[1] != dimensions:
            raise InputError(
                f"Expected batches of one width in {name}. Received: {dimensions} and then {batch.shape[1]} features."
                " Use one extractor for all."
            )
        dimensions = batch.shape[1]
        yield batch


def _is_nested_list(features) -> bool:
    return isinstance(features, (list, tuple)) and len(features) > 0 and not hasattr(features[0], "shape")


def vectors(features, name: str, at_least: int = 1) -> np.ndarray:
    """Features (n, d) as finite float64; images and other shapes are flattened."""
    array = np.asarray(features)
    if array.ndim < 2 or not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InputError(
            f"Expected {name} to be an array of numbers (n, d). Received: {array.dtype} of shape {array.shape}. "
            "Give one row of features to each example."
        )
    array = array.reshape(len(array), math.prod(array.shape[1:])).astype(np.float64, copy=False)
    if len(array) < at_least:
        raise InputError(f"Expected at least {at_least} examples in {name}. Received: {len(array)}. Give more.")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array).all(axis=1)).sum())
        raise InputError(
            f"Expected finite numbers in {name}. Received: NaN or infinity in {bad} of {len(array)} examples. "
            "Look at the images they come from."
        )
    return array


def check_widths(**sets: np.ndarray) -> None:
    """That all sets have as many features to an example."""
    widths = {name: array.shape[-1] for name, array in sets.items()}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{width} in {name}" for name, width in widths.items())
        raise InputError(f"Expected as many features in every set. Received: {listed}. Use one extractor for all.")


def check_neighbours(k: int, **sets: np.ndarray) -> None:
    """That every example has a k-th neighbour besides itself."""
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
    """|x - y|^2 of every row with every column set's row, (rows, columns), by one matrix product."""
    norms = np.einsum("ij,ij->i", columns, columns) if norms is None else norms
    squared = rows @ columns.T
    squared *= -2
    squared += np.einsum("ij,ij->i", rows, rows)[:, None]
    squared += norms
    return np.maximum(squared, 0, out=squared)


def blocks(n: int, columns: int, numbers: int = 2**24) -> Iterator[slice]:
    """Slices of n rows such that rows x columns stays near a number of numbers (128 MiB of float64)."""
    size = max(1, numbers // max(1, columns))
    return (slice(start, start + size) for start in range(0, n, size))
