"""Atomic writing of files: under a temporary name in the same folder, flushed, then renamed."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Largest number of bytes to download, or to unpack from an archive; a preset of the package has 1 to 4 MB.
LIMIT = 256 * 2**20


@contextmanager
def written_beside(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path in the same folder; renames it to `path` when the block ends without an error.

    The temporary name keeps the suffix, because Keras and Pillow choose the format by it. On an error, the temporary
    file is removed and an earlier file at `path` is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, written_beside(f"{folder}/greeting.txt") as beside:
        ...     beside.write_text("hello")
        5
    """
    path = Path(path)
    suffix = ".weights.h5" if path.name.endswith(".weights.h5") else path.suffix
    beside = path.with_name(f".{path.name.removesuffix(suffix)}.{secrets.token_hex(8)}.unfinished{suffix}")
    try:
        yield beside
        _flush_to_disk(beside)
        os.replace(beside, path)
        _flush_folder(path.parent)
    except OSError as error:
        if error.filename == str(beside):
            error.filename = str(path)  # the user knows no other name
        raise
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def folder_written_beside(path: str | os.PathLike) -> Iterator[Path]:
    """Like `written_beside`, for a folder: yields a temporary path, at which the block creates and fills the folder.

    A folder cannot be renamed over another, so an earlier folder at `path` is moved aside for a moment.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with folder_written_beside(f"{folder}/words") as beside:
        ...         beside.mkdir()
        ...     [path.name for path in Path(folder).iterdir()]
        ['words']
    """
    path = Path(path)
    mark = secrets.token_hex(8)  # other threads, and processes with the same ID on other machines, may write here too
    beside, before = (path.with_name(f".{path.name}.{mark}.{state}") for state in ("unfinished", "replaced"))
    try:
        yield beside
        for part in (*beside.rglob("*"), beside):
            (_flush_folder if part.is_dir() else _flush_to_disk)(part)
        if path.exists():
            os.replace(path, before)
        os.replace(beside, path)
        _flush_folder(path.parent)
    finally:
        if before.exists() and not path.exists():
            os.replace(before, path)
        for leftover in (beside, before):
            shutil.rmtree(leftover, ignore_errors=True)


def remove_unfinished(folder: Path, suffix: str) -> None:
    """Removes the temporary files of processes that were killed during `written_beside`."""
    for path in folder.glob(f".*.unfinished{suffix}"):
        path.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Makes the new name survive a power failure; does nothing on systems where a folder cannot be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
