"""Sources of images to measure: models, exported files, and existing images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from keras_gan_zoo import data
from keras_gan_zoo.core.conditions import Condition, labels_like
from keras_gan_zoo.core.remote import is_remote
from keras_gan_zoo.core.remote_copies import local_copy
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.zoo.cards import CARD_FILE

BATCH = 500
IN_SHARES, IN_TURN = "in the shares of the real images", "in turn"
OF_REAL = {"conditions": "of the real images"}


@dataclass(frozen=True)
class Chosen:
    """The conditions of samples to compare with real images.

    Args:
        conditions: Of n samples; None where samples take none.
        protocol: Entries of a protocol that say how they are chosen.
        pairs: The sources of translations, and their targets; None for other samples.
    """

    conditions: np.ndarray | None = None
    protocol: Mapping[str, str] = field(default_factory=dict)
    pairs: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Source:
    """A source of images to measure.

    Args:
        draw: A function from n, and optional conditions of n samples, to batches (m, height, width, channels) of n
            images in total, and labels (n,) or None.
        conditions: A function from n and the real images to the conditions of n samples to compare with these.
        translates: Whether it makes translations of sources, each of which has a target among the real images.
        class_names: Names of the labels, if known.
        limit: Number of available images; None for no limit.
        name: The name to show in tables.
    """

    draw: Callable[..., tuple[Iterator[np.ndarray], np.ndarray | None]]
    conditions: Callable[[int, data.Dataset], Chosen] = lambda n, real: Chosen()
    translates: bool = False
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
        return Source(lambda n, conditions=None: (iter([source(n)]), None))
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(
            "Expected a model, an array of images, a function from n to n images, or a path to measure. Received: "
            f"{type(source).__name__}. For a data.Dataset, pass its examples."
        )
    return replace(_source_from_path(source, seed, channels), name=str(source))


def _source_from_path(source: str | os.PathLike, seed: int, channels: int | None) -> Source:
    if is_remote(source):
        with local_copy(source) as copy:
            return _source_from_path(copy, seed, channels)
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
    condition = generator.condition

    def draw(n: int, conditions=None):
        given = generator.condition_of(n, conditions=conditions)
        rows = [slice(start, min(n, start + BATCH)) for start in range(0, n, BATCH)]
        parts = [{"conditions": None if given is None else given[i]} for i in rows]
        if generator.latent_shape is None:
            batches = (generator.sample(len(part["conditions"]), **part) for part in parts)
        else:
            noise = np.random.default_rng(seed).standard_normal((n, *generator.latent_shape), dtype=np.float32)
            batches = (generator.sample_from(noise[i], **part) for i, part in zip(rows, parts, strict=True))
        return batches, given if generator.has_classes else None

    def conditions(n: int, real: data.Dataset) -> Chosen:
        if condition is None:
            return Chosen()
        if condition.is_class:
            labels, how = labels_in_shares(condition, n, real.labels, real.class_names)
            return Chosen(labels, {"labels": how})
        order = np.resize(np.random.default_rng(seed).permutation(len(real)), n)
        if generator.encoder is not None and isinstance(real, data.CaptionedDataset):
            texts = real.texts(seed)
            return Chosen(generator.encoder.encode([texts[i] for i in order]), OF_REAL)
        if generator.translates and not isinstance(real, data.UnpairedDataset):
            degradation = generator.degradation() if hasattr(generator, "degradation") else None
            real = data.with_sources(real, condition.shape, degradation, getattr(generator, "seed", 0))
        if real.condition_shape != condition.shape:
            raise InputError(
                f"Expected real images with conditions, because the networks take {condition.kind} {condition.shape}. "
                f"Received: {real}. Measure samples of conditions of your own: evaluate(gan.sample(n, "
                "conditions=...), ...)."
            )
        conditions = real.conditions[order]
        return Chosen(conditions, OF_REAL, (conditions, real.examples[order]) if real.is_paired else None)

    if condition is None:
        return Source(draw, conditions)
    return Source(draw, conditions, generator.translates, condition.class_names)


def labels_in_shares(condition: Condition, n: int, real, class_names=None) -> tuple[np.ndarray, str]:
    """The classes of n samples to compare with real examples, and how they are chosen, for a protocol.

    Args:
        condition: The classes that the generator takes.
        n: Number of samples.
        real: The classes (m,) of the real examples; None if they are unknown, and the classes come in turn.
        class_names: Names of the classes of the real examples; None if they are numbered as those of the generator.
    """
    if real is not None:
        labels, are_all = labels_like(n, real, condition.num_classes, condition.class_names, class_names)
        if len(labels):
            return labels, IN_SHARES if are_all else f"{IN_SHARES}, of the classes that can be sampled"
    return condition.to_sample(n, None), IN_TURN


def _source_from_images(images: np.ndarray, labels, class_names, seed: int) -> Source:
    """Images in random order, because the first images of a sorted folder would be of one class."""
    order = np.random.default_rng(seed).permutation(len(images))

    def draw(n: int, conditions=None):
        rows = [order[start : min(n, start + BATCH)] for start in range(0, n, BATCH)]
        return (images[i] for i in rows), None if labels is None else labels[order[:n]]

    return Source(draw, class_names=class_names, limit=len(images))
