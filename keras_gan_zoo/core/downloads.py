"""Downloads: each file is fetched once, completely or not at all, kept in a cache, and checked by its SHA-256.

Pooch manages the cache and platformdirs finds its folder. This module decides what may be fetched, what is
retried, and that only one process at a time fetches a file; `core.transfers` speaks to servers.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import TypeVar
from urllib.parse import SplitResult

from keras_gan_zoo.core.claims import LOCK_FILE, ClaimedError, UnseenOwnerError, claimed
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.core.progress import Bar
from keras_gan_zoo.core.transfers import NotFetchedError, chunks
from keras_gan_zoo.core.urls import parsed, shown
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError

FOLDER, OFFLINE = "KERAS_GAN_ZOO_CACHE", "KERAS_GAN_ZOO_OFFLINE"
PAUSES = (1, 2, 4)  # seconds before each retry
LONGEST_PAUSE = 60  # seconds; who is asked to wait longer is told so
FETCHING = ".fetching"  # ends the names of folders in the cache that files are fetched into

Fetched = TypeVar("Fetched")


def folder() -> Path:
    """The folder for fetched files: `KERAS_GAN_ZOO_CACHE`, or `keras_gan_zoo` in the user's cache folder.

    Raises:
        OSError: If there is no such folder, because the user has no home folder.
    """
    import platformdirs  # not at start-up

    chosen = os.environ.get(FOLDER)
    try:
        path = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("keras_gan_zoo", appauthor=False)
    except RuntimeError as error:  # by both, for a user without a name, as in some containers, or an unknown one
        raise OSError(
            f"Expected a folder to keep files in. Received: {chosen or 'none, because this user has no home folder'}. "
            f"Choose one: {FOLDER}=FOLDER."
        ) from error
    return path


def folders() -> list[Path]:
    """The folders that may hold fetched files: `folder()` and, unless one was chosen, the folder of version 0.1."""
    present = folder()
    if os.environ.get(FOLDER):
        return [present]
    former = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_gan_zoo"
    return list(dict.fromkeys([present, former]))  # on Linux they are the same


def check_scheme(url: str) -> None:
    """Raises an `InputError` for a URL that is malformed, or neither encrypted nor a local file."""
    if parsed(url).scheme not in ("https", "file"):
        raise InputError(f"Expected a URL that begins with https:// or file://. Received: {shown(url)}.")


def is_offline() -> bool:
    """Whether `KERAS_GAN_ZOO_OFFLINE` forbids the network."""
    return os.environ.get(OFFLINE, "0").lower() not in ("", "0", "false", "no")


def fetch(url: str, sha256: str | None, token: str | None = None) -> Path:
    """Fetches the file at a URL, or finds it in the cache.

    A failure that may pass, such as a lost connection or a busy server, is retried three times, after 1, 2 and 4
    seconds or when the server asks for it; a wrong address, a wrong certificate or a disk error is not. A server that
    sends nothing for `TIMEOUT` seconds, or too little, counts as a lost connection. Only one process fetches a file;
    others wait for it. A file is renamed to its SHA-256 when it is complete. It has at most `LIMIT` bytes.

    Args:
        url: `https://...`, or `file://...` for a local file, which is not copied.
        sha256: SHA-256 of the file. It can also be given at the end of the URL: `#sha256=...`.
        token: What the server asks for, if anything.

    Returns:
        The path of a file with that SHA-256.

    Raises:
        InputError: If the URL or the digest is malformed, or the file has another digest or is too large.
        OSError: If the file cannot be fetched or written, or is not in the cache while offline.
    """
    url, sha256 = _split(url, sha256)
    parts = parsed(url)
    if parts.scheme == "file":
        path = _local(parts, url)
        check(sha256_of(path), sha256, str(path))
        return path
    suffix = "".join(Path(parts.path).suffixes[-2:]).lower()  # both of `.weights.h5`
    name = f"{sha256}{suffix}"
    if (path := _found(name, sha256)) is not None:
        return path
    if is_offline():
        raise OSError(
            f"Expected {shown(url)} in the cache {folder()}, because {OFFLINE} is set. Received: no complete file "
            f"there. Fetch it once without {OFFLINE}, or load a file."
        )
    return _download(url, sha256, folder() / name, token)


def content(url: str, limit: int, token: str | None = None) -> bytes:
    """Fetches a small file whose SHA-256 nobody knows, with retries as in `fetch`. It is not kept.

    Raises:
        InputError: If it has more than `limit` bytes.
        OSError: If it cannot be fetched.
    """

    def fetched() -> bytes:
        read = b""
        for chunk in chunks(url, lambda done, size: None, token):
            read += chunk
            if len(read) > limit:
                raise InputError(f"Expected at most {limit:,} bytes at {shown(url)}. Received: more.")
        return read

    return _with_retries(fetched)


def _split(url: str, sha256: str | None) -> tuple[str, str]:
    """Splits a URL into the URL proper and the digest, which may be given at its end."""
    url, _, at_end = url.partition("#sha256=")
    if at_end and sha256 not in (None, at_end):
        raise InputError(f"Expected one SHA-256 of {shown(url)}. Received: two that differ. Leave one out.")
    sha256 = (sha256 or at_end).lower()
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise InputError(
            f"Expected the SHA-256 of {shown(url)}, 64 hex digits: sha256=..., or at the end of the URL, #sha256=... "
            f"Received: {f'{len(sha256)} characters' if sha256 else 'none'}. Its publisher states it; for a file that "
            "you trust, run sha256sum FILE."
        )
    return url, sha256


def _local(parts: SplitResult, url: str) -> Path:
    """The path of a file:// URL, which may name no other machine."""
    if parts.hostname not in (None, "localhost"):
        raise InputError(
            f"Expected a file of this machine, file:///PATH. Received: {shown(url)}, of the host {parts.hostname}. "
            "Copy the file, or begin its path with a third slash."
        )
    return Path(urllib.request.url2pathname(parts.path))


def _found(name: str, sha256: str) -> Path | None:
    """The file in the cache; None, with a warning, if it was damaged there."""
    for path in (cache / name for cache in folders()):
        if path.is_file():
            if sha256_of(path) == sha256:
                return path
            warn(f"{path} was damaged.{'' if is_offline() else ' It is fetched again.'}")
    return None


def _download(url: str, sha256: str, path: Path, token: str | None) -> Path:
    """Fetches into a folder that belongs to this process, beside the path; moves the file when it is complete."""
    import pooch

    def copy(url: str, to: str, _) -> None:
        # Beside Pooch's own temporary file, which is not flushed and not readable by other users.
        with written_beside(to) as beside:
            _with_retries(lambda: _copy(url, sha256, beside, token))

    with _writing(path), _place(path.parent, sha256, url) as place:
        _remove_leftovers(path.parent, place)
        if path.is_file() and sha256_of(path) == sha256:  # by now, by another process
            return path
        with _without_records(pooch.get_logger(), url):
            pooch.retrieve(url, sha256, path.name, place, downloader=copy)
        os.replace(place / path.name, path)
    return path


@contextmanager
def _place(cache: Path, sha256: str, url: str) -> Iterator[Path]:
    """Claims the folder that a file is fetched into, which is emptied before and removed after."""
    place = cache / f".{sha256}{FETCHING}"
    try:
        with ExitStack() as stack:
            try:
                stack.enter_context(claimed(place, take_over=True))
            except ClaimedError:
                with _bar(f"Waiting for another process, which fetches {_name(url)}"):
                    stack.enter_context(claimed(place, take_over=True, waits=True))
            stack.callback(_clear, place)
            _clear(place)
            yield place
    finally:
        with suppress(OSError):  # another process, which waited, has claimed it, or removed it
            place.rmdir()


def _clear(place: Path) -> None:
    for path in place.iterdir():
        if path.name != LOCK_FILE:
            path.unlink()


def _remove_leftovers(cache: Path, mine: Path) -> None:
    """Removes what fetches left that were killed: a folder that nobody has claimed any longer."""
    for place in cache.glob(f".*{FETCHING}"):
        if place != mine:
            with suppress(ClaimedError, UnseenOwnerError, OSError):  # it is in use, or that cannot be told
                with claimed(place):
                    _clear(place)
                place.rmdir()


def _with_retries(fetch: Callable[[], Fetched]) -> Fetched:
    """Fetches something, with retries after failures that may pass."""
    for pause in PAUSES:
        try:
            return fetch()
        except NotFetchedError as error:
            if not error.is_transient or error.retry_after > LONGEST_PAUSE:
                raise
            sleep(max(pause, error.retry_after))
    return fetch()


@contextmanager
def _without_records(logger: logging.Logger, url: str) -> Iterator[None]:
    """Hides what Pooch logs about a URL; log records of other threads and other users of Pooch are kept."""

    def is_other(record: logging.LogRecord) -> bool:
        return url not in (record.args or ())

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Rewords disk errors: which file cannot be written, and how to choose another folder."""
    try:
        yield
    except NotFetchedError:
        raise
    except OSError as error:
        # Pooch and claims wrap some errors in messages of their own.
        reason = error.strerror or getattr(error.__cause__, "strerror", None) or error
        raise OSError(
            f"Expected to keep files in {path.parent}. Received: {reason}, for {path.name}. Fix it, or choose another "
            f"folder: {FOLDER}=FOLDER."
        ) from error


def _copy(url: str, sha256: str, path: Path, token: str | None) -> None:
    """Fetches into a file, and checks what was received."""
    digest, start = hashlib.sha256(), b""
    with path.open("wb") as file, _bar(_name(url), "bar", "bytes", "time left") as show:
        for chunk in chunks(url, show, token):  # its errors are network errors; those of file.write are not
            digest.update(chunk)
            file.write(chunk)
            start = (start + chunk)[:1000] if len(start) < 1000 else start
    if digest.hexdigest() != sha256 and re.match(rb"\s*(<!doctype html|<html)", start, re.IGNORECASE):
        raise InputError(
            f"Expected {shown(url)} with SHA-256 {sha256}. Received: a web page (HTML), perhaps to log in or to "
            "confirm. Give the address of the file itself, or download it in a browser and load it."
        )
    check(digest.hexdigest(), sha256, shown(url))  # before Pooch checks: its message does not say what to do


@contextmanager
def _bar(*columns: str) -> Iterator[Callable[[int, int | None], None]]:
    """Shows a progress bar, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda done, size: None
        return
    with Bar(*columns, on_stderr=True, transient=True) as bar:
        bar.show("", 0, None)
        yield lambda done, size: bar.show("", done, size)


def _name(url: str) -> str:
    """The name of the file at a URL, without brackets and others that Rich takes for markup."""
    return re.sub(r"[^\w.%+-]", "_", Path(parsed(url).path).name)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex digits."""
    if not path.is_file():  # a pipe or a device could be read without end
        found = "none" if not path.exists() else "a folder" if path.is_dir() else "no regular file"
        raise InputError(f"Expected a file at {path}. Received: {found}. Check the path.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(digest: str, expected: str, url: str) -> None:
    """Raises an `InputError` if the digest of the file at a URL or path is not the expected one."""
    if digest != expected:
        raise InputError(
            f"Expected {url} with SHA-256 {expected}. Received: {digest}. The file was changed, or the digest "
            "belongs to another file; nothing was kept."
        )
