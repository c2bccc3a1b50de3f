"""Files from the network: fetched once, whole or not at all, checked by their SHA-256 each time, kept in a folder.

Pooch keeps the cache, platformdirs knows its folder; what may be fetched, and what is tried again, is decided here.
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
PAUSES = (1, 2, 4)  # seconds before another attempt
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
TIMEOUT = 30
PIECE = 2**18


def folder() -> Path:
    """Where fetched files are kept: `KERAS_GAN_ZOO_CACHE`, or `keras_gan_zoo` in the user's folder for caches."""
    chosen = os.environ.get(FOLDER)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("keras_gan_zoo", appauthor=False)


def folders() -> list[Path]:
    """Where fetched files may be: `folder()`, and unless one was chosen that of version 0.1 on every system."""
    if os.environ.get(FOLDER):
        return [folder()]
    former = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_gan_zoo"
    return list(dict.fromkeys([folder(), former]))  # on Linux they are one


def is_url(source: object) -> bool:
    """Whether something is written as a URL."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", str(source)) is not None


def check_scheme(url: str) -> None:
    """Raises an `InputError` for what is neither encrypted nor a file."""
    if urlsplit(url).scheme.lower() not in ("https", "file"):
        raise InputError(f"Expected a URL that begins with https:// or file://. Received: {url}.")


def is_offline() -> bool:
    """Whether `KERAS_GAN_ZOO_OFFLINE` forbids the network."""
    return os.environ.get(OFFLINE, "0").lower() not in ("", "0", "false", "no")


def fetch(url: str, sha256: str | None) -> Path:
    """The file at a URL, from the cache if it is there.

    What fails in passing, such as a lost connection or a busy server, is tried four times in all, after 1, 2 and 4
    seconds; an error of the disk is not. A file is written beside its place and gets its name, the SHA-256, when it is
    whole. It has at most `LIMIT` bytes.

    Args:
        url: `https://...`; or `file://...`, whose file stays where it is.
        sha256: Of the file; or at the end of the URL: `#sha256=...`.

    Returns:
        The path of a file with that SHA-256.

    Raises:
        InputError: If the URL or the digest is of another form, or the file at the URL is another or too large.
        OSError: If it cannot be fetched or kept, or is not in the cache while offline.
    """
    url, sha256 = _split(url, sha256)
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(urllib.request.url2pathname(parts.path))
        check(sha256_of(path), sha256, url)
        return path
    suffix = "".join(Path(parts.path).suffixes[-2:]).lower()  # both of `.weights.h5`
    name = f"{sha256}{suffix}"
    for path in (kept / name for kept in folders()):
        if path.is_file() and sha256_of(path) == sha256:
            return path
    if is_offline():
        raise OSError(
            f"Expected {url} in the cache {folder()}, because {OFFLINE} is set. Received: nothing whole there. "
            f"Fetch it once without {OFFLINE}, or load a file."
        )
    return _download(url, sha256, folder() / name)


def _split(url: str, sha256: str | None) -> tuple[str, str]:
    """The URL without the digest that may be at its end, and the digest."""
    url, _, at_end = url.partition("#sha256=")
    if at_end and sha256 not in (None, at_end):
        raise InputError(f"Expected one SHA-256 of {url}. Received: two that differ. Leave one out.")
    sha256 = (sha256 or at_end).lower()
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise InputError(
            f"Expected the SHA-256 of {url}, 64 hex digits: sha256=..., or at the end of the URL, #sha256=... "
            f"Received: {sha256 or 'none'}. Its publisher says it; of a file that you trust, so does sha256sum FILE."
        )
    return url, sha256


def _download(url: str, sha256: str, path: Path) -> Path:
    import pooch

    def copy(url: str, to: str, _) -> None:
        # Beside Pooch's own temporary file, which is not flushed and which nobody else may read.
        with written_beside(to) as beside:
            check(_tried(url, beside), sha256, url)  # before Pooch does, whose sentence names no way out

    with _writing_to(path.parent), _without_records(pooch.get_logger(), url):
        pooch.retrieve(url, sha256, path.name, path.parent, downloader=copy)
    return path


def _tried(url: str, path: Path) -> str:
    """Fetches into a file, again after a pause where that may help; returns the SHA-256 of what came."""
    for pause in PAUSES:
        try:
            return _copy(url, path)
        except _NotFetchedError as error:
            if not error.may_pass:
                raise
        time.sleep(pause)
    return _copy(url, path)


@contextmanager
def _without_records(logger: logging.Logger, url: str) -> Iterator[None]:
    """Keeps from stderr what Pooch logs of a URL; other threads, and other users of Pooch, keep their records."""

    def is_other(record: logging.LogRecord) -> bool:
        return url not in (record.args or ())

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


class _NotFetchedError(OSError):
    """Of the network, and not of the disk, of which another attempt would not help."""

    def __init__(self, url: str, error: Exception):
        is_answer = isinstance(error, urllib.error.HTTPError)
        self.may_pass = not is_answer or error.code in TRANSIENT
        reason = getattr(error, "reason", None) or error
        super().__init__(
            f"Expected to fetch {url}. Received: {f'{error.code} ' if is_answer else ''}{reason}. Check the address "
            "and the network; a file that you have already can be loaded by its path."
        )


@contextmanager
def _writing_to(cache: Path) -> Iterator[None]:
    """Errors of the disk, in words that say which folder and how to choose another."""
    try:
        yield
    except _NotFetchedError:
        raise
    except OSError as error:
        # Pooch puts words of its own around what a permission forbids.
        reason = error.strerror or getattr(error.__cause__, "strerror", None) or error
        raise OSError(
            f"Expected to keep files in {cache}. Received: {reason}. Mend it, or choose another "
            f"folder: {FOLDER}=FOLDER."
        ) from error


def _copy(url: str, path: Path) -> str:
    """Fetches into a file; returns the SHA-256 of what came."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in _pieces(url):  # a generator knows nothing of what becomes of a piece: its errors are the network's
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _pieces(url: str) -> Iterator[bytes]:
    """What is at a URL, up to `LIMIT`: a server may promise, or send, without end."""
    opener, total = urllib.request.build_opener(_SameScheme), 0
    try:
        with opener.open(url, timeout=TIMEOUT) as answer, _shown(url, answer.length) as show:
            _check_size(answer.length or 0, url)
            while piece := answer.read(PIECE):
                total += len(piece)
                _check_size(total, url)
                show(total)
                yield piece
            if answer.length:  # what is missing of what was promised
                raise http.client.IncompleteRead(b"", answer.length)
    except (OSError, http.client.HTTPException) as error:
        raise _NotFetchedError(url, error) from error


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows no redirection from https:// to what is not encrypted."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urlsplit(newurl).scheme.lower() != req.type:
            raise InputError(
                f"Expected {req.full_url} to lead to {req.type}:// alone. Received: a redirection to {newurl}. Give "
                "the address of the file itself."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_size(size: int, url: str) -> None:
    if size > LIMIT:
        raise InputError(
            f"Expected at most {LIMIT:,} bytes at {url}. Received: more. Fetch it by other means, and load the file."
        )


@contextmanager
def _shown(url: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """On a terminal a bar with bytes and the time left, elsewhere silence."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    name = Path(urlsplit(url).path).name
    with Bar("{task.description}", "bar", "bytes", "time left", on_stderr=True, transient=True) as bar:
        bar.show(name, 0, size)
        yield lambda done: bar.show(name, done, size)


def sha256_of(path: Path) -> str:
    """In hex digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise InputError(f"Expected a file at {path}. Received: none. Check the path.") from error


def check(found: str, expected: str, url: str) -> None:
    """Raises an `InputError` if the digest of what is at a URL, or a path, is another one."""
    if found != expected:
        raise InputError(
            f"Expected {url} with SHA-256 {expected}. Received: {found}. Either the file was changed, or the digest is "
            "of another one; nothing was kept."
        )
