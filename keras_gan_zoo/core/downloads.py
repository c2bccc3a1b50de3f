"""Downloads: each file is fetched once, completely or not at all, kept in a cache, and checked by its SHA-256.

Pooch manages the cache and platformdirs finds its folder. This module decides what may be fetched, and what is retried.
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from keras_gan_zoo.core.files import LIMIT, written_beside
from keras_gan_zoo.core.progress import Bar
from keras_gan_zoo.errors import InputError

FOLDER, OFFLINE = "KERAS_GAN_ZOO_CACHE", "KERAS_GAN_ZOO_OFFLINE"
PAUSES = (1, 2, 4)  # seconds before each retry
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
TIMEOUT = 30
CHUNK = 2**18


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


def is_url(source: object) -> bool:
    """Whether a source has the form of a URL."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", str(source)) is not None


def check_scheme(url: str) -> None:
    """Raises an `InputError` for a URL that is neither encrypted nor a local file."""
    if urlsplit(url).scheme.lower() not in ("https", "file"):
        raise InputError(f"Expected a URL that begins with https:// or file://. Received: {url}.")


def is_offline() -> bool:
    """Whether `KERAS_GAN_ZOO_OFFLINE` forbids the network."""
    return os.environ.get(OFFLINE, "0").lower() not in ("", "0", "false", "no")


def fetch(url: str, sha256: str | None) -> Path:
    """Fetches the file at a URL, or finds it in the cache.

    A temporary failure, such as a lost connection or a busy server, is retried three times, after 1, 2 and 4 seconds;
    a disk error is not. A file is written under a temporary name and renamed to its SHA-256 when it is complete. It
    has at most `LIMIT` bytes.

    Args:
        url: `https://...`, or `file://...` for a local file, which is not copied.
        sha256: SHA-256 of the file. It can also be given at the end of the URL: `#sha256=...`.

    Returns:
        The path of a file with that SHA-256.

    Raises:
        InputError: If the URL or the digest is malformed, or the file has another digest or is too large.
        OSError: If the file cannot be fetched or written, or is not in the cache while offline.
    """
    url, sha256 = _split(url, sha256)
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(urllib.request.url2pathname(parts.path))
        check(sha256_of(path), sha256, url)
        return path
    suffix = "".join(Path(parts.path).suffixes[-2:]).lower()  # both of `.weights.h5`
    name = f"{sha256}{suffix}"
    for path in (cache / name for cache in folders()):
        if path.is_file() and sha256_of(path) == sha256:
            return path
    if is_offline():
        raise OSError(
            f"Expected {url} in the cache {folder()}, because {OFFLINE} is set. Received: no complete file there. "
            f"Fetch it once without {OFFLINE}, or load a file."
        )
    return _download(url, sha256, folder() / name)


def _split(url: str, sha256: str | None) -> tuple[str, str]:
    """Splits a URL into the URL proper and the digest, which may be given at its end."""
    url, _, at_end = url.partition("#sha256=")
    if at_end and sha256 not in (None, at_end):
        raise InputError(f"Expected one SHA-256 of {url}. Received: two that differ. Leave one out.")
    sha256 = (sha256 or at_end).lower()
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise InputError(
            f"Expected the SHA-256 of {url}, 64 hex digits: sha256=..., or at the end of the URL, #sha256=... "
            f"Received: {sha256 or 'none'}. Its publisher states it; for a file that you trust, run sha256sum FILE."
        )
    return url, sha256


def _download(url: str, sha256: str, path: Path) -> Path:
    import pooch

    def copy(url: str, to: str, _) -> None:
        # Beside Pooch's own temporary file, which is not flushed and not readable by other users.
        with written_beside(to) as beside:
            check(
                _copy_with_retries(url, beside), sha256, url
            )  # before Pooch checks: its message does not say what to do

    with _writing_to(path.parent), _without_records(pooch.get_logger(), url):
        pooch.retrieve(url, sha256, path.name, path.parent, downloader=copy)
    return path


def _copy_with_retries(url: str, path: Path) -> str:
    """Fetches into a file, with retries after temporary failures; returns the SHA-256 of what was received."""
    for pause in PAUSES:
        try:
            return _copy(url, path)
        except _NotFetchedError as error:
            if not error.is_transient:
                raise
        time.sleep(pause)
    return _copy(url, path)


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


class _NotFetchedError(OSError):
    """A network error, as opposed to a disk error, for which a retry would not help."""

    def __init__(self, url: str, error: Exception):
        is_answer = isinstance(error, urllib.error.HTTPError)
        self.is_transient = not is_answer or error.code in TRANSIENT
        reason = getattr(error, "reason", None) or error
        super().__init__(
            f"Expected to fetch {url}. Received: {f'{error.code} ' if is_answer else ''}{reason}. Check the address "
            "and the network; a file that you have already can be loaded by its path."
        )


@contextmanager
def _writing_to(cache: Path) -> Iterator[None]:
    """Rewords disk errors: which folder cannot be written, and how to choose another."""
    try:
        yield
    except _NotFetchedError:
        raise
    except OSError as error:
        # Pooch wraps permission errors in a message of its own.
        reason = error.strerror or getattr(error.__cause__, "strerror", None) or error
        raise OSError(
            f"Expected to keep files in {cache}. Received: {reason}. Fix it, or choose another folder: {FOLDER}=FOLDER."
        ) from error


def _copy(url: str, path: Path) -> str:
    """Fetches into a file; returns the SHA-256 of what was received."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in _chunks(url):  # its errors are network errors; those of file.write are not
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _chunks(url: str) -> Iterator[bytes]:
    """The content at a URL, in chunks. It ends with an error at `LIMIT`: a server could send without end."""
    opener, total = urllib.request.build_opener(_SameScheme), 0
    try:
        with opener.open(url, timeout=TIMEOUT) as answer, _progress(url, answer.length) as show:
            _check_size(answer.length or 0, url)
            while chunk := answer.read(CHUNK):
                total += len(chunk)
                _check_size(total, url)
                show(total)
                yield chunk
            if answer.length:  # the number of announced bytes that are missing
                raise http.client.IncompleteRead(b"", answer.length)
    except (OSError, http.client.HTTPException) as error:
        raise _NotFetchedError(url, error) from error


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Refuses redirections from https:// to URLs that are not encrypted."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urlsplit(newurl).scheme.lower() != req.type:
            raise InputError(
                f"Expected {req.full_url} to redirect to {req.type}:// only. Received: a redirection to {newurl}. Give "
                "the address of the file itself."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_size(size: int, url: str) -> None:
    if size > LIMIT:
        raise InputError(
            f"Expected at most {LIMIT:,} bytes at {url}. Received: more. Download it by other means, and load the file."
        )


@contextmanager
def _progress(url: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar with bytes and the time left, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    name = Path(urlsplit(url).path).name
    with Bar("{task.description}", "bar", "bytes", "time left", on_stderr=True, transient=True) as bar:
        bar.show(name, 0, size)
        yield lambda done: bar.show(name, done, size)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise InputError(f"Expected a file at {path}. Received: none. Check the path.") from error


def check(digest: str, expected: str, url: str) -> None:
    """Raises an `InputError` if the digest of the file at a URL or path is not the expected one."""
    if digest != expected:
        raise InputError(
            f"Expected {url} with SHA-256 {expected}. Received: {digest}. The file was changed, or the digest "
            "belongs to another file; nothing was kept."
        )
