"""What can be measured: models, exported files, and images that exist already, all as a function that gives samples."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_gan_zoo.errors import InputError

Sample = Callable[[int, np.ndarray | None], np.ndarray]


def samples_of(source, n: int, seed: int) -> tuple[Sample, np.ndarray | None, int]:
    """A source of samples, the labels to ask it for (or that its images have), and how many it has.

    Args:
        source: A run folder or a `.keras` file, see `zoo.load`; an exported ONNX file, see
            `onnx_file.OnnxFile`; a `.npz` file or a folder of images.
        n: How many samples are wanted; images that exist already must be as many or more.
        seed: Of the noise.

    Raises:
        InputError: If there is nothing of the kind, or too few images.
    """
    path = Path(source)
    if path.suffix == ".onnx":
        return _of_onnx(path, n, seed)
    if path.suffix in (".npz", ".npy") or _is_folder_of_images(path):
        return _of_images(path, n)
    from keras_gan_zoo import zoo

    gan = zoo.load(source)
    labels = np.arange(n) % gan.num_classes if gan.conditional else None
    noise = np.random.default_rng(seed).standard_normal((n, *gan.latent_shape), dtype=np.float32)
    return _in_turn(lambda rows, labels: gan.sample_from(noise[rows], labels)), labels, n


def _is_folder_of_images(path: Path) -> bool:
    return path.is_dir() and not (path / "recipe.toml").exists()


def _in_turn(make) -> Sample:
    """Calls of growing position: the samples of many calls are those of one."""
    position = 0

    def sample(size: int, labels):
        nonlocal position
        rows = slice(position, position + size)
        position += size
        return make(rows, labels)

    return sample


def _of_images(path: Path, n: int) -> tuple[Sample, np.ndarray | None, int]:
    from keras_gan_zoo import data

    found = data.load(path)
    if len(found) < n:
        raise InputError(
            f"Expected at least as many images as are to be measured, {n}. Received: {len(found)} in {path}. "
            f"Ask for fewer: -n {len(found)}."
        )
    images = found.examples if hasattr(found, "examples") else found.read(range(n))
    labels = None if found.labels is None else found.labels[:n]
    return _in_turn(lambda rows, labels: images[rows]), labels, n


def _of_onnx(path: Path, n: int, seed: int) -> tuple[Sample, np.ndarray | None, int]:
    from keras_gan_zoo.onnx_file import OnnxFile

    generator = OnnxFile(path)
    labels = np.arange(n, dtype=np.int32) % generator.num_classes if generator.conditional else None
    noise = np.random.default_rng(seed).standard_normal((n, *generator.latent_shape), dtype=np.float32)
    return _in_turn(lambda rows, labels: generator.sample_from(noise[rows], labels)), labels, n
