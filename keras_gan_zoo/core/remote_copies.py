"""Files on remote storage that are known to be whole, by a marker beside them, and copies of them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from keras_gan_zoo.core.remote import AT_ONCE, RemotePath, place
from keras_gan_zoo.core.run_files import SNAPSHOT_FILES
from keras_gan_zoo.errors import InputError

MARK = ".whole"  # ends the name of a marker, which says that the file without this ending was written as a whole
MARKED = (SNAPSHOT_FILES, "*.keras")  # the files of a run that have a marker


def write_whole(path: RemotePath, content: bytes) -> None:
    """Writes a file, then its marker: what has none, or another one, was not written to the end."""
    _mark_of(path).unlink(missing_ok=True)
    path.write_bytes(content)
    mark(path, content)


def mark(path: RemotePath, content: bytes) -> None:
    """Writes the marker of a file with that content."""
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _mark_of(path).write_bytes(json.dumps(facts).encode())


def remove_whole(path: RemotePath) -> None:
    """Removes a file, and before that its marker."""
    _mark_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def agrees(path: RemotePath, content: bytes) -> bool:
    """Whether the content of a file is what its marker says. A file without a marker agrees with it."""
    try:
        facts = json.loads(_mark_of(path).read_bytes())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return facts == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def chosen(names: list[str]) -> list[str]:
    """Of the names of files in a folder, those to read: where some have markers, others of their kind are unfinished.

    A folder in which none has a marker was copied there by other means.
    """
    marked = {name.removesuffix(MARK) for name in names if name.endswith(MARK)}
    needs_mark = {name for name in names if marked and any(fnmatch(name.rpartition("/")[2], kind) for kind in MARKED)}
    hidden = {name for name in names if any(part.startswith(".") for part in name.split("/"))}
    return [name for name in names if name not in hidden | (needs_mark - marked) and not name.endswith(MARK)]


def fetch(source: RemotePath, folder: Path, besides: tuple[str, ...] = ()) -> dict[str, RemotePath]:
    """Copies a remote folder to a local one, without what is hidden or unfinished. Of snapshots, only the newest.

    Args:
        source: The remote folder.
        folder: The local one, which is made.
        besides: Patterns of names that are left out.

    Returns:
        All files in the remote folder, see `RemotePath.files`.
    """
    files = source.files()
    wanted = [name for name in chosen(list(files)) if not any(fnmatch(name, pattern) for pattern in besides)]
    snapshots = sorted((name for name in wanted if fnmatch(name.rpartition("/")[2], SNAPSHOT_FILES)), reverse=True)
    others = [name for name in wanted if name not in snapshots]
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: _fetch_file(files[name], folder / name), others))
    for name in snapshots:
        if _fetch_file(files[name], folder / name):
            break
    return files


def _fetch_file(source: RemotePath, file: Path) -> bool:
    """Copies a file; returns whether it is whole, and otherwise leaves none."""
    try:
        source.download(file)
    except FileNotFoundError:  # it was removed since the folder was listed, as old snapshots are
        return False
    if any(source.match(kind) for kind in MARKED) and not agrees(source, file.read_bytes()):
        file.unlink()
        return False
    return True


@contextmanager
def local_copy(path: str | os.PathLike | RemotePath, besides: tuple[str, ...] = ()) -> Iterator[Path]:
    """A local path of the same name and content: of a remote file or folder a copy, which is removed after the block.

    Errors about the copy name the remote path.

    Args:
        path: A path; a local one is yielded as it is.
        besides: Patterns of the names of files that are not needed of a folder.

    Raises:
        InputError: If there is nothing at a remote path.
        RemoteError: If the storage does not answer or refuses.
    """
    source = place(path)
    if isinstance(source, Path):
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        if source.is_dir():
            fetch(source, copy, besides)
        elif not _fetch_file(source, copy):
            raise InputError(f"Expected a file or a folder at {source}. Received: none. Check the path.")
        try:
            yield copy
        except InputError as error:
            error.args = tuple(str(part).replace(str(copy), str(source)) for part in error.args)
            raise


def _mark_of(path: RemotePath) -> RemotePath:
    return path.with_name(path.name + MARK)
