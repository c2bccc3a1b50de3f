"""Captions of folders of images: a file captions.csv, or a text file beside each image."""

from __future__ import annotations

import csv
from pathlib import Path

from keras_gan_zoo.core.texts import WORD
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.image_files import image_paths
from keras_gan_zoo.errors import InputError

TABLE = "captions.csv"


def with_captions(dataset: Dataset, folder: Path) -> Dataset:
    """A folder's data set with the captions that the folder has; the same data set if it has none.

    Args:
        dataset: The images of the folder, in the order of `image_paths`.
        folder: The folder. Its captions are in `captions.csv`, a table of files and captions with several rows for a
            file that has several, or in a `.txt` beside each image, one caption a line.

    Raises:
        InputError: If an image has no caption, a caption is empty, or its image does not exist.
    """
    paths, table = image_paths(folder), folder / TABLE
    beside = [path for path in paths if path.with_suffix(".txt").is_file()]
    if table.is_file() and beside:
        raise InputError(
            f"Expected captions either in {table} or in text files. Received: both, such as "
            f"{beside[0].with_suffix('.txt')}. Remove one kind."
        )
    if not (table.is_file() or beside):
        return dataset
    captions = _of_table(table, paths) if table.is_file() else {path: _of_text(path) for path in beside}
    missing = [path for path in paths if path not in captions]
    if missing:
        raise InputError(
            f"Expected a caption for each of {len(paths)} images. Received: none for {len(missing)}, such as "
            f"{missing[0]}. Add captions, or remove these images."
        )
    return CaptionedDataset(dataset, [captions[path] for path in paths])


def _of_table(table: Path, paths: list[Path]) -> dict[Path, list[str]]:
    images, captions = set(paths), {}
    rows = list(csv.reader(_read(table).splitlines(keepends=True)))
    has_header = bool(rows) and [cell.strip().lower() for cell in rows[0]] == ["file", "caption"]
    for number, row in enumerate(rows[has_header:], 1 + has_header):
        if not row:
            continue
        if len(row) != 2:
            raise InputError(
                f"Expected a file and a caption in each row of {table}. Received: {len(row)} cells in row {number}. "
                'Put captions with commas in quotation marks: "a hat, red".'
            )
        path = table.parent / row[0].strip()
        if path not in images:
            raise InputError(
                f"Expected an image for each caption of {table}. Received: {row[0]} in row {number}, which is no image "
                "of the folder. Correct the name, or remove the row."
            )
        captions.setdefault(path, []).append(_checked(row[1], f"row {number} of {table}"))
    return captions


def _of_text(image: Path) -> list[str]:
    path = image.with_suffix(".txt")
    lines = [line for line in _read(path).splitlines() if line.strip()] or [""]
    return [_checked(line, str(path)) for line in lines]


def _checked(caption: str, where: str) -> str:
    if not WORD.search(caption):
        raise InputError(f"Expected captions with words. Received: {caption!r} in {where}. Describe the image.")
    return caption.strip()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"Expected captions in UTF-8. Received: {path}, which is not ({error}). Convert it."
        ) from error
