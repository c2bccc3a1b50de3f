"""Paths on remote storage, such as gs://BUCKET/RUN, which TensorFlow reads and writes by `tf.io.gfile`.

Object stores promise that a file that was written is there as a whole under its name, and little else: they have no
locks and no folders, and rename by copying. Nothing here relies on more. TensorFlow is imported when such a path is
used, not before.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from keras_gan_zoo.core.urls import is_url, shown
from keras_gan_zoo.errors import InputError

OF_OTHERS = ("http", "https", "file", "hf")  # schemes that `core.downloads` and `zoo.hub` fetch
UNFINISHED = ".*.unfinished"
CHUNK = 2**24  # bytes
AT_ONCE = 8  # requests, each of which mostly waits


class RemoteError(OSError):
    """Remote storage did not answer, or refused what was asked."""


class Facts(NamedTuple):
    """What is known about a file, by the names of `os.stat_result`."""

    st_size: int
    st_mtime_ns: int


def is_remote(path: object) -> bool:
    """Whether a path leads to storage for `tf.io.gfile`, such as gs:// or s3://, by its form alone.

    Example:
        >>> is_remote("gs://bucket/run"), is_remote("runs/digits"), is_remote("https://example.org/gan.keras")
        (True, False, False)
    """
    return is_url(path) and str(path).partition(":")[0].lower() not in OF_OTHERS


def place(path: str | os.PathLike | RemotePath) -> Path | RemotePath:
    """A path that can be used as a `Path` is, wherever it leads; `Path` itself would make gs:/ of gs://.

    Raises:
        InputError: If it is the URL of something that nothing can be written to.
    """
    if isinstance(path, RemotePath):
        return path
    if is_remote(path):
        return RemotePath(str(path).rstrip("/"))
    if is_url(path):
        raise InputError(
            f"Expected a local path, or one that TensorFlow can write to, such as gs://BUCKET/RUN. Received: "
            f"{shown(str(path))}. Choose another."
        )
    return Path(path)


@dataclass(frozen=True)
class RemotePath:
    """A path on remote storage, with those methods of `pathlib.Path` that runs need.

    It is not an `os.PathLike`, so that what can only open local files refuses it.

    Args:
        url: The path, without a slash at its end.

    Raises:
        InputError: By its methods, if TensorFlow does not know the scheme.
        FileNotFoundError: By methods that read, if there is no such file.
        RemoteError: By its methods, if the storage does not answer or refuses.

    Example:
        >>> RemotePath("gs://bucket/run") / "recipe.toml"
        RemotePath(url='gs://bucket/run/recipe.toml')
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    @property
    def parent(self) -> RemotePath:
        return RemotePath(self.url.rpartition("/")[0])

    def with_name(self, name: str) -> RemotePath:
        return self.parent / name

    def match(self, pattern: str) -> bool:
        return fnmatch(self.name, pattern)

    def exists(self) -> bool:
        with _in_words(self.url) as gfile:
            return gfile.exists(self.url)

    def is_dir(self) -> bool:
        return bool(self._is_folder())

    def _is_folder(self) -> bool | None:
        """Whether it is a folder, rather than a file; None if there is nothing."""
        try:
            with _in_words(self.url) as gfile:
                return gfile.stat(self.url).is_directory  # `isdir` is False as well where nothing answers
        except FileNotFoundError:
            return None

    def is_file(self) -> bool:
        return self.exists() and not self.is_dir()

    def stat(self) -> Facts:
        with _in_words(self.url) as gfile:
            found = gfile.stat(self.url)
            return Facts(found.length, found.mtime_nsec)

    def iterdir(self) -> Iterator[RemotePath]:
        """What is in the folder, in the order of names; nothing if there is no such folder, as stores have none."""
        return iter([self / name.rstrip("/") for name in self._names()])

    def files(self) -> dict[str, RemotePath]:
        """All files in the folder and below, hidden ones included, by their paths from here, such as "a/b.png"."""
        names = self._names()
        paths = [self / name.rstrip("/") for name in names]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            are_folders = list(pool.map(lambda name, path: name.endswith("/") or path._is_folder(), names, paths))
        found = {}
        for path, is_folder in zip(paths, are_folders, strict=True):
            if is_folder:
                found |= {f"{path.name}/{name}": file for name, file in path.files().items()}
            elif is_folder is not None:  # in ram://, a folder also lists ends of names that begin with its own
                found[path.name] = path
        return found

    def _names(self) -> list[str]:
        """The names in the folder; stores end those of folders in a slash, other systems do not."""
        try:
            with _in_words(self.url) as gfile:
                names = sorted({name for name in gfile.listdir(self.url) if name.strip("/")})
        except FileNotFoundError as error:  # or nothing answered, which only `exists` tells
            if self.exists():
                raise _refused(self.url, error) from error
            return []
        if any(name.rstrip("/") in (".", "..") for name in names):  # a store takes any name
            raise InputError(
                f"Expected files whose names can be those of local files. Received: {self} with ... Rename it."
            )
        return names

    @contextmanager
    def open(self, mode: str) -> Iterator:
        """The file, to be read."""
        with _in_words(self.url) as gfile, gfile.GFile(self.url, mode) as file:
            yield file

    def read_bytes(self) -> bytes:
        with self.open("rb") as file:
            return b"".join(iter(lambda: file.read(CHUNK), b""))  # not by its size, which may be cached

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_bytes(self, content: bytes) -> None:
        """Replaces the file as a whole, under its own name at last: readers see the earlier one until then."""
        with self._replaced() as (gfile, beside), gfile.GFile(beside, "wb") as file:
            file.write(content)

    def upload(self, file: Path) -> None:
        """Replaces the file by a local one, as `write_bytes` does."""
        with self._replaced() as (gfile, beside):
            gfile.copy(str(file), beside)

    def download(self, file: Path) -> None:
        """Copies the file to a local path."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with _in_words(self.url) as gfile:
            gfile.copy(self.url, str(file), overwrite=True)

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            with _in_words(self.url) as gfile:
                gfile.remove(self.url)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rmtree(self) -> None:
        """Removes a folder and everything in it."""
        with _in_words(self.url) as gfile:
            gfile.rmtree(self.url)

    @contextmanager
    def _replaced(self) -> Iterator[tuple]:
        """A new name beside the file; it becomes that of the file when the block ends without an error.

        A file that is opened for writing would be cut first on some systems, and appended to in ram://.
        """
        beside = self.with_name(f".{self.name}.{secrets.token_hex(4)}.unfinished").url
        with _in_words(self.url, writes=True) as gfile:
            gfile.makedirs(self.parent.url)  # some systems list only folders that were made
            yield gfile, beside
            gfile.rename(beside, self.url, overwrite=True)


@contextmanager
def _in_words(url: str, writes: bool = False) -> Iterator:
    """`tf.io.gfile` for a path; TensorFlow's errors become those of this package."""
    import tensorflow as tf  # not at start-up

    known = [scheme for scheme in _gfile().get_registered_schemes() if scheme not in ("", *OF_OTHERS)]
    if url.partition(":")[0].lower() not in known:
        raise InputError(
            f"Expected storage that TensorFlow knows: {', '.join(f'{scheme}://' for scheme in known)}. Received: "
            f"{shown(url)}. Check the path; for s3:// and others, install tensorflow-io and import it first."
        )
    try:
        yield _gfile()
    except tf.errors.NotFoundError as error:
        if writes:  # no bucket
            raise _refused(url, error) from error
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), url) from error
    except tf.errors.OpError as error:
        raise _refused(url, error) from error


def _gfile():
    import tensorflow as tf  # not at start-up

    return tf.io.gfile


def _refused(url: str, error: Exception) -> RemoteError:
    cause = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
    refused = RemoteError(
        f"Expected storage that can be read and written. Received: {shown(url)}: {cause}. Check the path, your "
        "credentials and the network."
    )
    refused.strerror = cause  # for those who have a sentence of their own
    return refused
