"""Sources of images to measure: models, exported files, and existing images."""

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
    """A source of images to measure.

    Args:
        draw: A function from n to batches (m, height, width, channels) of n images in total, and labels (n,) or None.
        class_names: Names of the labels, if known.
        limit: Number of available images; None for no limit.
        name: The name to show in tables.
    """

    draw: Callable[[int], tuple[Iterator[np.ndarray], np.ndarray | None]]
    class_names: tuple[str, ...] | None = None
    limit: int | None = None
    name: str = "samples"


def as_source(source, seed: int = 0, channels: int | None = None) -> Source:
    """Creates a `Source` from a model, images, a function or a path.

    Args:
        source: A model; an array of images; a function from n to n images; or the path of an exported ONNX
            file, of a `.npz` or `.npy` file, or of a folder of images; or anything that `zoo.load` takes.
        seed: Seed of the noise, or of the choice among existing images.
        channels: As in `data.load`, for existing images at a path.

    Raises:
        InputError: If the source is none of these.
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
            f"{type(source).__name__}. For a data.Dataset, pass its examples."
        )
    return replace(_source_from_path(source, seed, channels), name=str(source))


def _source_from_path(source: str | os.PathLike, seed: int, channels: int | None) -> Source:
    path = Path(source)
    if path.suffix.lower() == ".onnx" and path.exists():
        return _source_from_generator(OnnxFile(path), seed)
    if (path.suffix.lower() in (".npz", ".npy") and path.exists()) or _is_folder_of_images(path):
        dataset = data.load(path, channels=channels).in_memory()
        return _source_from_images(dataset.examples, dataset.labels, dataset.class_names, seed)
    from keras_gan_zoo.zoo.loading import load  # imports Keras, which exported files and existing images do not need

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
    """Images in random order, because the first images of a sorted folder would be of one class."""
    order = np.random.default_rng(seed).permutation(len(images))

    def draw(n: int):
        rows = [order[start : min(n, start + BATCH)] for start in range(0, n, BATCH)]
        return (images[i] for i in rows), None if labels is None else labels[order[:n]]

    return Source(draw, class_names, limit=len(images))
