"""Which files of a folder are pictures, of which class each is, and what is left out."""

import errno
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.errors import InputError

FOLDER = Kind("folder of pictures", "folders that can be read", "Change their permissions, or move them elsewhere.")
SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".gif", ".jp2", ".tga"),
    *(".tif", ".tiff", ".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm"),
}
TABLE = "captions.csv"  # of a folder's captions
TEXT = ".txt"  # of a picture's captions, beside it
# What systems and programs put beside a user's files; names that begin with a dot or with @ea belong to them as well.
_OF_SYSTEMS = {
    *("__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini"),
    *("$recycle.bin", "system volume information", "lost+found"),
}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class Paths(Sequence[Path]):
    """Paths in a folder, held as their names from there on: as objects of `Path` they would take six times the memory.

    Args:
        folder: The folder.
        names: Names below it, with slashes.

    Example:
        >>> Paths(Path("pets"), ["cats/1.png", "dogs/1.png"])[-1].name
        '1.png'
    """

    def __init__(self, folder: Path, names: list[str]):
        self._folder, self._names = folder, names

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index):
        names = self._names[index]
        return self._folder / names if isinstance(names, str) else Paths(self._folder, names)


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder.

    Args:
        folder: The folder.
        paths: Its pictures, class by class.
        labels: The class of each, or None if the pictures lie in the folder itself.
        class_names: Names of the sub-folders that are classes, or None.
        remarks: Sentences about what is left out.
        texts: The files that may have captions: a table, or text files beside pictures.
    """

    folder: Path
    paths: Sequence[Path]
    labels: list[int] | None
    class_names: tuple[str, ...] | None
    remarks: tuple[str, ...]
    texts: tuple[Path, ...] = ()


@dataclass
class _Found:
    pictures: list[str] = field(default_factory=list)  # names from the folder on, of which there may be many
    others: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    texts: list[Path] = field(default_factory=list)


def pictures_in(folder: Path) -> Listing:
    """Lists the pictures of a folder, whose sub-folders, links included, are classes.

    Hidden files and folders, and those of systems, such as `__MACOSX`, are left out. Classes are in the order of
    their names, or by number where all names are numbers.

    Raises:
        InputError: If there are none, if they lie both in the folder and in sub-folders, or if a folder, or a link that
            may lead to one, cannot be read.
    """
    found = _Found()
    with FOLDER.border(folder):
        _collect(folder, (), found)
    classes = _in_order({name.partition("/")[0] for name in found.pictures if "/" in name})
    _check(folder, found, classes)
    _set_texts_apart(folder, found)
    remarks, texts = _remarks(folder, found, classes), tuple(sorted(found.texts))
    found.pictures.sort(key=lambda name: name.replace("/", "\0"))  # part by part, as paths are compared
    if not classes:
        return Listing(folder, Paths(folder, found.pictures), None, None, remarks, texts)
    members: dict[str, list[str]] = {name: [] for name in classes}
    for name in found.pictures:
        members[name.partition("/")[0]].append(name)
    labels = [number for number, name in enumerate(classes) for _ in members[name]]
    paths = Paths(folder, [picture for name in classes for picture in members[name]])
    return Listing(folder, paths, labels, tuple(classes), remarks, texts)


def some(folder: Path, paths: Sequence[Path]) -> str:
    """The first paths of several, as seen from the folder."""
    first = ", ".join(str(path.relative_to(folder)) for path in paths[:3])
    return f"{first} and {len(paths) - 3} more" if len(paths) > 3 else first


def _collect(folder: Path, above: tuple[Path, ...], found: _Found, before: str = "") -> None:
    """Adds what is in the folder and below it, whose names begin with `before`.

    A link that leads back up is not followed, as it would have no end.
    """
    place = folder.resolve()
    if place in above:
        return
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                is_picture = path.suffix.lower() in SUFFIXES
                if is_hidden(entry.name):
                    found.hidden += [path] if is_picture or path.is_dir() else []
                elif _is_folder(entry, is_picture):
                    _collect(path, (*above, place), found, f"{before}{entry.name}/")
                elif is_picture:
                    found.pictures.append(before + entry.name)
                else:
                    found.others.append(path)
    except OSError as error:
        raise InputError(
            f"Expected folders that can be read. Received: {error.filename or folder} ({error.strerror}). Change its "
            "permissions, mend the link, or move it elsewhere."
        ) from error


def _is_folder(entry: os.DirEntry, is_picture: bool) -> bool:
    """Unlike `is_dir`, it raises an `OSError` for a link to nothing, which may have been a class.

    A link to itself never was one. A link with the name of a picture is refused when that is read.
    """
    try:
        return stat.S_ISDIR(entry.stat().st_mode)
    except OSError as error:
        if is_picture or error.errno == errno.ELOOP:
            return False
        raise


def is_hidden(name: str) -> bool:
    return name.startswith((".", "@ea")) or name.lower() in _OF_SYSTEMS


def _in_order(names: set[str]) -> list[str]:
    """Sorted by number where all names are numbers, as 2 then comes before 10; otherwise by name."""
    if all(_NUMBER.fullmatch(name) for name in names):
        return sorted(names, key=lambda name: (float(name), name))
    return sorted(names)


def _check(folder: Path, found: _Found, classes: list[str]) -> None:
    if not found.pictures:
        seen = sorted(found.others or found.hidden)
        received = f"{len(seen)} other files: {some(folder, seen)}" if seen else "none"
        raise InputError(
            f"Expected pictures, such as PNG or JPEG files, in {folder} or its sub-folders. Received: {received}. "
            "Check the folder."
        )
    stray = sorted(name for name in found.pictures if "/" not in name)
    if classes and stray:
        raise InputError(
            f"Expected images either in {folder} itself or in sub-folders, one per class. Received: both, such as "
            f"{stray[0]} and the folder {classes[0]}. Move them."
        )


def _set_texts_apart(folder: Path, found: _Found) -> None:
    """Takes the files of captions out of the others."""
    texts = [path for path in found.others if path.suffix.lower() == TEXT]
    pictures = {(folder / name).with_suffix("") for name in found.pictures} if texts else set()

    def is_text(path: Path) -> bool:
        is_beside = path.suffix.lower() == TEXT and path.with_suffix("") in pictures
        return is_beside or (path.parent == folder and path.name.lower() == TABLE)

    found.texts = [path for path in found.others if is_text(path)]
    found.others = [path for path in found.others if not is_text(path)]


def _remarks(folder: Path, found: _Found, classes: list[str]) -> tuple[str, ...]:
    remarks = []
    if found.others:
        listed = some(folder, sorted(found.others))
        total = len(found.others) + len(found.pictures)
        remarks.append(f"Left out, because they are no pictures, {len(found.others)} of {total} files: {listed}.")
    if found.hidden:
        remarks.append(f"Left out as hidden, {len(found.hidden)}: {some(folder, sorted(found.hidden))}.")
    empty = sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    empty = [path for path in empty if classes and path.name not in classes]
    if empty:
        remarks.append(f"Without pictures, and therefore no class, {len(empty)}: {some(folder, empty)}.")
    return tuple(remarks)
