"""What can be measured: models, exported files, and images that exist already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_gan_zoo import data
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.zoo.cards import CARD_FILE

BATCH = 500


@dataclass(frozen=True)
class Source:
    """Images to be measured, as many as are asked for.

    Args:
        draw: From n to batches of images (m, height, width, channels) that sum to n, and their labels (n,) or None.
        class_names: What the labels mean, if that is known.
        limit: How many images there are; None for no end.
        name: For tables.
    """

    draw: Callable[[int], tuple[Iterator[np.ndarray], np.ndarray | None]]
    class_names: tuple[str, ...] | None = None
    limit: int | None = None
    name: str = "samples"


def as_source(source, seed: int = 0) -> Source:
    """A `Source` from what a user has.

    Args:
        source: A model; an array of images; a function from n to n images; or the path of an exported ONNX
            file, of a `.npz` or `.npy` file, or of a folder of images; or what else `zoo.load` takes.
        seed: Of the noise, and of the choice among images that exist already.

    Raises:
        InputError: If there is nothing of the kind.
    """
    if isinstance(source, Source):
        return source
    if hasattr(source, "sample_from"):
        return _source_from_generator(source, seed)
    if hasattr(source, "shape"):
        return _source_from_images(np.asarray(source), None, None, seed)
    if callable(source):
        return Source(lambda n: (iter([source(n)]), None))
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(
            "Expected a model, an array of images, a function from n to n images, or a path to measure. Received: "
            f"{type(source).__name__}. Of a data.Dataset, give its examples."
        )
    return replace(_source_from_path(source, seed), name=str(source))


def _source_from_path(source: str | os.PathLike, seed: int) -> Source:
    path = Path(source)
    if path.suffix.lower() == ".onnx" and path.exists():
        return _source_from_generator(OnnxFile(path), seed)
    if (path.suffix.lower() in (".npz", ".npy") and path.exists()) or _is_folder_of_images(path):
        found = data.load(path).in_memory()
        return _source_from_images(found.examples, found.labels, found.class_names, seed)
    from keras_gan_zoo.zoo.loading import load  # which imports Keras: what was exported or drawn needs none

    return _source_from_generator(load(source), seed)


def _is_folder_of_images(path: Path) -> bool:
    return path.is_dir() and not any((path / name).exists() for name in (RECIPE_FILE, CARD_FILE))


def _source_from_generator(generator, seed: int) -> Source:
    def draw(n: int):
        noise = np.random.default_rng(seed).standard_normal((n, *generator.noise_shape()), dtype=np.float32)
        labels = generator.condition_of(n)
        rows = [slice(start, start + BATCH) for start in range(0, n, BATCH)]
        return (generator.sample_from(noise[i], None if labels is None else labels[i]) for i in rows), labels

    return Source(draw, None if generator.condition is None else generator.condition.class_names)


def _source_from_images(images: np.ndarray, labels, class_names, seed: int) -> Source:
    """In an order of their own: the first of a sorted folder would be of one class."""
    order = np.random.default_rng(seed).permutation(len(images))

    def draw(n: int):
        rows = [order[start : min(n, start + BATCH)] for start in range(0, n, BATCH)]
        return (images[i] for i in rows), None if labels is None else labels[order[:n]]

    return Source(draw, class_names, limit=len(images))
