"""Captions of folders of pictures: a file captions.csv, or a text file beside each picture."""

from __future__ import annotations

import codecs
import csv
import io
import posixpath
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.core.texts import WORD
from keras_gan_zoo.data.listing import TABLE, Listing
from keras_gan_zoo.errors import InputError

DELIMITERS = ",;\t"  # those of spreadsheets in several countries
CAPTIONS = Kind("captions", "captions in UTF-8, or in UTF-16 with its mark", "Save it as UTF-8.")
HEADERS = ({"file", "file_name", "filename", "image", "path"}, {"caption", "captions", "text"})


@CAPTIONS.reader
def captions_of(listing: Listing) -> list[list[str]] | None:
    """The captions of each picture, in the order of the listing; None if the folder has no captions.

    They are in `captions.csv`, a table of files and captions with several rows for a picture that has several, or in
    a `.txt` beside each picture, one caption a line. Files are in UTF-8, or in UTF-16 with its mark.

    Raises:
        InputError: If a picture has no caption, a caption is empty, its picture does not exist, or a file is no table
            of captions.
    """
    if not listing.texts:
        return None
    tables = [path for path in listing.texts if path.name.lower() == TABLE and path.parent == listing.folder]
    others = [path for path in listing.texts if path not in tables[:1]]
    if tables and others:
        raise InputError(
            f"Expected captions either in one {TABLE} or in text files. Received: both {tables[0]} and {others[0]}. "
            "Keep one kind."
        )
    captions = _of_table(tables[0], listing) if tables else _of_texts(others, listing.paths)
    missing = [path for path in listing.paths if path not in captions]
    if missing:
        raise InputError(
            f"Expected a caption for each of {len(listing.paths)} pictures. Received: none for {len(missing)}, such as "
            f"{missing[0]}. Add captions, remove these pictures, or remove {listing.texts[0].name} and the like."
        )
    return [captions[path] for path in listing.paths]


def _of_table(table: Path, listing: Listing) -> dict[Path, list[str]]:
    pictures = _by_name(table, listing)
    captions: dict[Path, list[str]] = {}
    for number, row in _rows(table, pictures):
        if len(row) != 2:
            raise InputError(
                f"Expected two cells, a file and a caption, in each row of {table}. Received: {len(row)} in row "
                f'{number}. Put captions with commas in quotation marks: "a hat, red".{_of_header(number)} Rename the '
                "file if it has no captions."
            )
        path = pictures.get(_plain(row[0]))
        if path is None:
            raise InputError(
                f"Expected a picture for each caption of {table}. Received: {row[0]} in row {number}, which is no "
                f"picture of the folder, or a hidden one. Write names as in {next(iter(pictures))}, or remove the row."
                f"{_of_header(number)}"
            )
        caption = _checked(row[1], f"row {number} of {table}")
        if caption not in captions.setdefault(path, []):  # a row that is there twice says it once
            captions[path].append(caption)
    return captions


def _rows(table: Path, pictures: dict[str, Path]) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, by number, without rows and cells that spreadsheets leave empty at the end."""
    text = _read(table)
    rows = _split(table, text, _delimiter(text, pictures))
    for number, row in enumerate(rows, 1):
        while row and not row[-1].strip() and len(row) != 2:
            row.pop()
        if any(cell.strip() for cell in row) and not (number == 1 and _is_header(row)):
            yield number, row


def _delimiter(text: str, pictures: dict[str, Path]) -> str:
    """The one that separates a picture's name, or the header's, from the rest of the first row that has either."""
    for line in text.splitlines():
        for delimiter in DELIMITERS:
            row = next(csv.reader([line[:1000]], delimiter=delimiter, skipinitialspace=True), [])
            if len(row) > 1 and (_plain(row[0]) in pictures or _is_header(row)):
                return delimiter
    return DELIMITERS[0]


def _split(table: Path, text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise InputError(
            f"Expected rows of a file and a caption in {table}. Received: a row that is none ({error}). Look for a "
            "quotation mark that is not closed; inside a caption in quotation marks, double it."
        ) from error


def _of_header(number: int) -> str:
    return " If this is the header, name its two columns file and caption." if number == 1 else ""


def _is_header(row: list[str]) -> bool:
    return len(row) >= 2 and all(cell.strip().lower() in names for cell, names in zip(row, HEADERS, strict=False))


def _by_name(table: Path, listing: Listing) -> dict[str, Path]:
    """The pictures by their names as tables may spell them."""
    pictures: dict[str, Path] = {}
    for path in listing.paths:
        other = pictures.setdefault(_plain(path.relative_to(listing.folder).as_posix()), path)
        if other != path:
            raise InputError(
                f"Expected pictures with names that {table} can tell apart. Received: {path.name!r} and "
                f"{other.name!r}. Rename one."
            )
    return pictures


def _plain(name: str) -> str:
    """A name in one spelling: with slashes, and with composed letters, which some systems store in parts."""
    return posixpath.normpath(unicodedata.normalize("NFC", name.strip()).replace("\\", "/"))


def _of_texts(texts: list[Path], paths: list[Path]) -> dict[Path, list[str]]:
    beside = {text.with_suffix(""): text for text in texts}
    found = {path: beside[path.with_suffix("")] for path in paths if path.with_suffix("") in beside}
    return {path: _of_text(text) for path, text in found.items()}


def _of_text(path: Path) -> list[str]:
    lines = [line for line in _read(path).splitlines() if line.strip()] or [""]
    return [_checked(line, str(path)) for line in lines]


def _checked(caption: str, where: str) -> str:
    if not WORD.search(caption):
        raise InputError(f"Expected captions with words. Received: {caption!r} in {where}. Describe the picture.")
    return " ".join(caption.split())


def _read(path: Path) -> str:
    content = CAPTIONS.content(path)
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    with CAPTIONS.border(path):
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    if "\0" in text:
        raise CAPTIONS.refusal(path, "which has characters 0")
    return text
