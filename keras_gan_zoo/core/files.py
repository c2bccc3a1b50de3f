"""Atomic writing of files: under a temporary name in the same folder, flushed, then renamed.

A temporary name tells its process, so that the next one that writes to the folder can remove what a killed one left.
"""

import ctypes
import os
import re
import secrets
import shutil
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_gan_zoo.core.claims import Owner
from keras_gan_zoo.errors import InputError

# Largest number of bytes to download, or to unpack from an archive; a preset of the package has 1 to 4 MB.
LIMIT = 256 * 2**20

_TEMPORARY = re.compile(
    r"\.(?P<name>.+)\.(?P<process>\d{1,9})-(?P<start>\d{1,19})-(?P<host>[0-9a-f]{8})-[0-9a-f]{8}"
    r"\.(?P<state>unfinished|replaced)(?:\..*)?",
    re.DOTALL,
)
_LONGEST = 150  # bytes of a file's name that are kept in the temporary one, which must not be too long for the disk
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def check_place(path: str | os.PathLike, folder: bool = False) -> None:
    """Raises an `InputError` unless a file, or a folder, can be written at a path, or replaced there."""
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise InputError(f"Expected a path in a folder that exists. Received: {path}. Make the folder first.")
    _check_node(path, folder)


@contextmanager
def written_beside(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path in the same folder; renames it to `path` when the block ends without an error.

    The temporary name keeps the suffix, because Keras and Pillow choose the format by it. On an error, the temporary
    file is removed and an earlier file at `path` is untouched. Only a file is replaced: no link, device or pipe.

    Raises:
        InputError: If there is something else than a file at `path`.
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, written_beside(f"{folder}/greeting.txt") as beside:
        ...     beside.write_text("hello")
        5
    """
    path = Path(path)
    _check_node(path)
    remove_leftovers(path.parent)
    suffix = ".weights.h5" if path.name.endswith(".weights.h5") else path.suffix
    beside = _temporary(path, "unfinished", suffix)
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

    A folder cannot be renamed over another. Where the system can exchange two names in one step, there is always one
    at `path`. Elsewhere an earlier folder is moved aside for a moment; if the process is killed just then, the next one
    that writes there puts it back.

    Raises:
        InputError: If there is something else than a folder at `path`.
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with folder_written_beside(f"{folder}/words") as beside:
        ...         beside.mkdir()
        ...     [path.name for path in Path(folder).iterdir()]
        ['words']
    """
    path = Path(path)
    _check_node(path, folder=True)
    remove_leftovers(path.parent)
    beside, before = (_temporary(path, state) for state in ("unfinished", "replaced"))
    try:
        yield beside
        for part in (*beside.rglob("*"), beside):
            (_flush_folder if part.is_dir() else _flush_to_disk)(part)
        if not path.exists():
            os.replace(beside, path)
        elif not _exchange(beside, path):
            os.replace(path, before)
            os.replace(beside, path)
        _flush_folder(path.parent)
    finally:
        if before.exists() and not path.exists():
            os.replace(before, path)
        for leftover in (beside, before):
            shutil.rmtree(leftover, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Removes what killed processes of this machine left in a folder; one that was moved aside returns to its place."""
    with suppress(OSError):  # the folder may be missing or unreadable, which the writer will say
        for name in os.listdir(folder):  # noqa: PTH208
            found = _TEMPORARY.fullmatch(name) if name.startswith(".") else None
            if found is not None and _has_ended(found):
                _remove(folder / name, found)


def remove_unfinished(folder: Path, suffix: str) -> None:
    """Removes the temporary files of `written_beside` in a folder that this process has claimed: none is in use."""
    for path in folder.glob(f".*.unfinished{suffix}"):
        path.unlink(missing_ok=True)


def _check_node(path: Path, folder: bool = False) -> None:
    """Raises an `InputError` if there is anything at a path that must not be replaced by a file, or by a folder."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):  # of the latter, the writer will speak
        return
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(mode):
        kinds = {"link": stat.S_ISLNK, "file": stat.S_ISREG, "folder": stat.S_ISDIR}
        kind = next((kind for kind, is_it in kinds.items() if is_it(mode)), "device or a pipe")
        raise InputError(
            f"Expected the path of a {'folder' if folder else 'file'}. Received: {path}, which is a {kind}. Choose "
            "another path."
        )


def _temporary(path: Path, state: str, suffix: str = "") -> Path:
    """A name beside a path that no other process and no other thread uses, and that names this process."""
    owner = Owner.here()
    name = path.name.removesuffix(suffix)
    if state == "unfinished":  # the name is only for people
        name = os.fsdecode(os.fsencode(name)[:_LONGEST])
    mark = f"{owner.process}-{owner.process_start or 0}-{_digest(owner.host)}-{secrets.token_hex(4)}"
    return path.with_name(f".{name}.{mark}.{state}{suffix}")


def _has_ended(found: re.Match) -> bool:
    """Whether the process that a temporary name tells has ended; False if it is of another machine."""
    here = Owner.here()
    process, start = int(found["process"]), int(found["start"]) or None
    return found["host"] == _digest(here.host) and Owner(process, start, here.host, "").has_ended()


def _digest(host: str) -> str:
    return f"{zlib.crc32(host.encode()):08x}"


def _remove(leftover: Path, found: re.Match) -> None:
    place = leftover.with_name(found["name"])
    with suppress(OSError):  # another process may remove it at the same time, or it is another user's
        if found["state"] == "replaced" and not place.exists():
            os.replace(leftover, place)
        elif leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _exchange(first: Path, second: Path) -> bool:
    """Exchanges two names in one step; returns False where the system or the disk cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return rename is not None and rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0


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
