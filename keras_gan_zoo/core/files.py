"""Writing files so that a finished file is whole: beside its place, flushed, then renamed."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Bytes of what is fetched, and of what an archive unpacks to; a preset of the package has 1 to 4 MB.
LIMIT = 256 * 2**20


@contextmanager
def written_beside(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path in the same folder; renames it to `path` when the block ends without an error.

    The temporary name keeps the suffix, because Keras and Pillow choose the format by it. On an error the temporary
    file is removed and whatever was at `path` before is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, written_beside(f"{folder}/greeting.txt") as beside:
        ...     beside.write_text("hello")
        5
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}.{secrets.token_hex(8)}.unfinished{path.suffix}")
    try:
        yield beside
        _flush_to_disk(beside)
        os.replace(beside, path)
        _flush_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def folder_written_beside(path: str | os.PathLike) -> Iterator[Path]:
    """The same for a folder: yields the path of a new one, which the block makes and fills.

    A folder cannot be renamed over another, so one that is at `path` is moved aside for a moment.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with folder_written_beside(f"{folder}/words") as beside:
        ...         beside.mkdir()
        ...     [found.name for found in Path(folder).iterdir()]
        ['words']
    """
    path = Path(path)
    mark = secrets.token_hex(8)  # other threads, and processes of the same number elsewhere, may write here as well
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
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)


def remove_unfinished(folder: Path, suffix: str) -> None:
    """Removes what processes that were killed in the middle of `written_beside` left in a folder."""
    for path in folder.glob(f".*.unfinished{suffix}"):
        path.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """So that the new name outlives a power failure too; where folders cannot be opened, nothing more can be done."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
