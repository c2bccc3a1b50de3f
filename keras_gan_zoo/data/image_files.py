"""Folders of images and files of arrays."""

import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_gan_zoo.core.conditions import checked_labels
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.errors import InputError

SUFFIXES = {".png", ".jpg", ".jpeg"}


class ImageFiles(Dataset):
    """Images that are read from their files batch by batch, for folders that are too large for memory.

    Args:
        paths: The files.
        size: (height, width) to which they are resized and cropped.
        mode: Pillow's mode to which they are converted, such as "RGB".
    """

    def __init__(self, paths, size, mode, labels=None, *, name="folder", class_names=None):
        self.paths, self.size, self.mode = list(paths), size, mode
        self.conditions = None if labels is None else checked_labels(np.asarray(labels), len(self.paths))
        self.name, self.class_names = name, class_names
        self.centers = self.std = None

    def __len__(self) -> int:
        return len(self.paths)

    def described(self) -> dict:
        names = "\n".join(str(Path(*path.parts[-2:])) for path in self.paths)
        return {
            "examples": len(self),
            "shape": list(self.example_shape),
            "checksum": zlib.crc32(names.encode()),
        }

    @property
    def example_shape(self) -> tuple[int, ...]:
        return (*self.size, len(Image.new(self.mode, (1, 1)).getbands()))

    def read(self, indices) -> np.ndarray:
        """uint8 images (len(indices), height, width, channels)."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            images = pool.map(lambda i: _read_image(self.paths[i], self.size, self.mode), indices)
            return np.stack(list(images))

    def in_memory(self) -> Dataset:
        return Dataset(self.read(range(len(self))), self.labels, name=self.name, class_names=self.class_names)

    def glimpse(self, n: int = 256) -> np.ndarray:
        return self.read(np.unique(np.linspace(0, len(self) - 1, n, dtype=int)))

    def _fetch(self, with_conditions: bool) -> Callable:
        from keras_gan_zoo.data import pipelines  # imports TensorFlow

        return pipelines.fetch_by_reading(self.read, self.example_shape, self.conditions if with_conditions else None)


def load_folder(folder: Path, size, memory_limit: int) -> Dataset:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(
            f"Expected PNG or JPEG images in {folder} or its sub-folders. Received: none. Check the folder."
        )
    headers = [_read_header(path) for path in paths]
    if size is None:
        size = _common_size(paths, [header_size for header_size, _ in headers])
    mode = _common_mode({mode for _, mode in headers})
    classes = sorted({path.relative_to(folder).parts[0] for path in paths if path.parent != folder})
    if classes and any(path.parent == folder for path in paths):
        raise InputError(
            f"Expected images either in {folder} itself or in sub-folders, one per class. Received: both. Move them."
        )
    labels = [classes.index(path.relative_to(folder).parts[0]) for path in paths] if classes else None
    files = ImageFiles(paths, size, mode, labels, name=folder.name, class_names=tuple(classes) or None)
    if len(files) * int(np.prod(files.example_shape)) > memory_limit:
        return files
    return Dataset(files.read(range(len(files))), labels, name=files.name, class_names=files.class_names)


def load_arrays(path: Path, size) -> Dataset:
    if not path.is_file():
        raise InputError(f"Expected a file of arrays. Received: {path}, which does not exist. Check the path.")
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {"images": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"Expected arrays of numbers in {path}. Received: a file NumPy cannot read ({error})."
        ) from error
    examples = next((arrays[key] for key in ("images", "image", "examples", "x", "x_train") if key in arrays), None)
    labels = next((arrays[key] for key in ("labels", "label", "y", "y_train") if key in arrays), None)
    conditions = next((arrays[key] for key in ("conditions", "condition") if key in arrays), None)
    if examples is None:
        raise InputError(
            f"Expected an array named 'images' in {path}. Received: {', '.join(arrays) or 'none'}. Rename it."
        )
    if size is not None and examples.dtype == np.uint8 and (examples.ndim == 3 or examples.shape[-1] <= 4):
        examples = np.stack([fitted(Image.fromarray(image.squeeze()), size) for image in examples])
    return Dataset(examples, labels, conditions=conditions, name=path.stem)


def _read_header(path: Path) -> tuple[tuple[int, int], str]:
    """((height, width), mode) without decoding the pixels."""
    try:
        with Image.open(path) as image:
            return image.size[::-1], _plain_mode(image)
    except (UnidentifiedImageError, OSError) as error:
        raise _corrupt(path, error) from error


def _read_image(path: Path, size, mode: str) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return fitted(image.convert(mode), size)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:  # Pillow's PNG reader raises SyntaxError
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: Exception) -> InputError:
    return InputError(f"Expected a whole image. Received: {path}, which cannot be read ({error}). Repair or remove it.")


def _plain_mode(image: Image.Image) -> str:
    if image.has_transparency_data:
        return "RGBA"
    if image.mode.startswith(("I", "F")):
        raise OSError(f"8 bits per channel expected, its mode is {image.mode}")
    return "L" if image.mode in ("1", "L") else "RGB"


def _common_mode(modes: set[str]) -> str:
    """The smallest mode that can represent all of them: grey, colour, or colour with transparency."""
    return next(mode for mode in ("RGBA", "RGB", "L") if mode in modes)


def _common_size(paths, sizes) -> tuple[int, int]:
    other = next((index for index, size in enumerate(sizes) if size != sizes[0]), None)
    if other is not None:
        raise InputError(
            f"Expected images of one size. Received: {paths[0]} of {sizes[0]} and {paths[other]} of {sizes[other]} "
            "(height, width). Give image_size, such as image_size=64, to resize and crop them."
        )
    return sizes[0]


def fitted(image: Image.Image, size) -> np.ndarray:
    """Resizes an image to cover (height, width) and crops it at the centre; returns uint8 (height, width, channels)."""
    if size is not None and image.size != size[::-1]:
        scale = max(size[0] / image.height, size[1] / image.width)
        covering = (max(size[1], round(image.width * scale)), max(size[0], round(image.height * scale)))
        image = image.resize(covering, Image.Resampling.LANCZOS)
        left, top = (covering[0] - size[1]) // 2, (covering[1] - size[0]) // 2
        image = image.crop((left, top, left + size[1], top + size[0]))
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels if pixels.ndim == 3 else pixels[..., None]
