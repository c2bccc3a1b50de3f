"""Folders of images and files of arrays."""

import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gan_zoo.core.conditions import checked_labels
from keras_gan_zoo.core.reading import Kind, check_archive
from keras_gan_zoo.data.caption_files import captions_of
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.decoding import BEHIND, MODES, Form, Header, fitted, read_header, read_picture, rgb
from keras_gan_zoo.data.listing import Listing, pictures_in, some
from keras_gan_zoo.data.on_disk import OnDiskDataset
from keras_gan_zoo.errors import InputError

ARRAYS = Kind("arrays", "arrays of numbers, as np.save and np.savez write them", "Write the file again.")


class ImageFiles(OnDiskDataset):
    """Images that are read from a file each, for folders that are too large for memory.

    Args:
        paths: The files.
        headers: What their headers said. A file that has other colours when it is read is refused.
        form: The form that they are brought into.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        headers: Sequence[Header],
        form: Form,
        labels=None,
        *,
        name="folder",
        class_names=None,
        remarks=(),
    ):
        self.paths, self.headers, self.form = paths, headers, form
        self.conditions = None if labels is None else checked_labels(np.asarray(labels), len(self.paths))
        self.name, self.class_names, self.remarks = name, class_names, tuple(remarks)
        self.centers = self.std = None

    def __len__(self) -> int:
        return len(self.paths)

    def described(self) -> dict:
        names = "\n".join(str(Path(*path.parts[-2:])) for path in self.paths)
        return {
            "examples": len(self),
            "shape": list(self.example_shape),
            "checksum": zlib.crc32(names.encode(errors="surrogateescape")),
            **({} if self.form.half is None else {"half": self.form.half}),
        }

    @property
    def example_shape(self) -> tuple[int, ...]:
        return self.form.shape

    def read_one(self, number: int) -> np.ndarray:
        return read_picture(self.paths[number], self.form, self.headers[number])


def load_folder(folder: Path, size, background: str | None, channels: int | None, memory_limit: int) -> Dataset:
    """The pictures of a folder, in memory if they fit; see `data.load`."""
    listing = pictures_in(folder)
    captions = captions_of(listing)
    headers = headers_of(listing, needs_size=size is None)
    dataset = noted(pictures_of(listing, headers, form_of(listing, headers, size, background, channels), memory_limit))
    return dataset if captions is None else CaptionedDataset(dataset, captions)


def headers_of(listing: Listing, needs_size: bool) -> list[Header]:
    """The headers of all pictures; see `read_header`."""
    known = {}  # kept, so equal ones only once
    with _pillows_warnings():
        headers = (read_header(path, needs_size) for path in listing.paths)
        return [known.setdefault(header, header) for header in headers]


def pictures_of(listing: Listing, headers: Sequence[Header], form: Form, memory_limit: int) -> Dataset:
    """Pictures in a form: in memory if they fit, otherwise read batch by batch."""
    remarks = (*listing.remarks, *_remarks(listing, headers, form))
    names = {"name": listing.folder.name, "class_names": listing.class_names}
    files = ImageFiles(listing.paths, headers, form, listing.labels, **names, remarks=remarks)
    if len(files) * int(np.prod(files.example_shape)) > memory_limit:
        return files
    with _pillows_warnings():
        return files.in_memory()


def noted(dataset: Dataset) -> Dataset:
    """Pictures with remarks about what they hold, if they are in memory."""
    if isinstance(dataset, OnDiskDataset):
        return dataset
    if dataset.examples.max() < 16:
        largest = dataset.examples.max()
        dataset.remarks += (f"All pictures are nearly black: their largest value is {largest} of 255.",)
    if dataset.example_shape[-1] == 3 and _is_grey(dataset.examples):
        dataset.remarks += (
            "All pictures are grey, though saved in colour. To train on one channel, set channels to 1.",
        )
    return dataset


@contextmanager
def _pillows_warnings() -> Iterator[None]:
    """Hides warnings of damaged metadata, which do not name the file; one of a bomb is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def form_of(listing: Listing, headers: Sequence[Header], size, background: str | None, channels: int | None) -> Form:
    """The form that the pictures of a folder are brought into; see `data.load`."""
    size = size or _common_size(listing, headers)
    transparent = sum(header.is_transparent for header in headers)
    if background is not None:
        rgb(background)
        if not transparent or channels == 4:
            received = "4 channels, which keep it" if transparent else f"{listing.folder} without any"
            raise InputError(
                f"Expected transparency, which a background replaces. Received: {received}. Leave background out."
            )
    if channels is not None:
        mode = MODES[channels]
    elif background is None and transparent == len(headers):
        mode = "RGBA"
    else:
        mode = "L" if background is None and all(header.is_grey for header in headers) else "RGB"
    return Form(size, mode, background or BEHIND)


def _common_size(listing: Listing, headers: Sequence[Header]) -> tuple[int, int]:
    sizes = [header.size for header in headers]
    other = next((index for index, size in enumerate(sizes) if size != sizes[0]), None)
    if other is not None:
        raise InputError(
            f"Expected images of one size. Received: {listing.paths[0]} of {sizes[0]} and {listing.paths[other]} of "
            f"{sizes[other]} (height, width). Give image_size, such as image_size=64, to resize and crop them."
        )
    return sizes[0]


def _remarks(listing: Listing, headers: Sequence[Header], form: Form) -> list[str]:
    """A sentence about each of the ways in which pictures are not taken as they are."""

    def remark(what: str, is_meant: Callable[[Header], bool]) -> list[str]:
        paths = [path for path, header in zip(listing.paths, headers, strict=True) if is_meant(header)]
        return [f"{what}, {len(paths)} of {len(headers)}: {some(listing.folder, paths)}."] if paths else []

    sizes = sorted({header.size for header in headers})
    behind = f"Transparency put on {form.background}, which background changes"
    return [
        *remark("Turned upright, as their cameras noted", lambda header: header.is_turned),
        *remark("Read by the upper 8 of their 16 bits per channel", lambda header: header.is_deep),
        *remark("Only the first of several frames taken", lambda header: header.has_frames),
        *(remark(behind, lambda header: header.is_transparent) if form.mode != "RGBA" else []),
        *([f"Resized and cropped from {len(sizes)} sizes, {sizes[0]} to {sizes[-1]}."] if len(sizes) > 1 else []),
    ]


def _is_grey(images: np.ndarray) -> bool:
    """Whether red, green and blue are equal in all images; the first one tells most colours apart."""
    return all((part == part[..., :1]).all() for part in (images[:1], images))


def load_arrays(path: Path, size) -> Dataset:
    with ARRAYS.border(path), ARRAYS.check(path).open("rb") as file:
        if zipfile.is_zipfile(file):
            check_archive(zipfile.ZipFile(file))
        file.seek(0)
        loaded = np.load(file, allow_pickle=False)
        arrays = {"images": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    examples = next((arrays[key] for key in ("images", "image", "examples", "x", "x_train") if key in arrays), None)
    labels = next((arrays[key] for key in ("labels", "label", "y", "y_train") if key in arrays), None)
    conditions = next((arrays[key] for key in ("conditions", "condition") if key in arrays), None)
    if examples is None:
        raise InputError(
            f"Expected an array named 'images' in {path}. Received: {', '.join(arrays) or 'none'}. Rename it."
        )
    if size is not None:
        examples, conditions = (_resized(values, size) for values in (examples, conditions))
    with ARRAYS.border(path):
        return Dataset(examples, labels, conditions=conditions, name=path.stem)


def _resized(images: np.ndarray | None, size: tuple[int, int]) -> np.ndarray | None:
    """Images in another size; other arrays, and None, as they are."""
    if images is None or images.dtype != np.uint8 or images.ndim not in (3, 4):
        return images
    if images.ndim == 4 and images.shape[-1] > 4:
        return images
    return np.stack([fitted(Image.fromarray(image.squeeze()), size) for image in images])
