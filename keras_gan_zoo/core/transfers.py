"""Transfers: the content at a URL, over HTTP, within limits of size and of time, and what of their errors may pass.

The standard library's client waits for each byte anew, so a server that sends one now and then would hold it without
end. Here what is read from the connection, headers included, must arrive at a least speed.
"""

import email.utils
import errno
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic
from urllib.parse import urljoin

from keras_gan_zoo.core.files import LIMIT
from keras_gan_zoo.core.urls import parsed, redacted, sendable, shown
from keras_gan_zoo.errors import InputError

TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
TIMEOUT = 30  # seconds without a byte
WINDOW, SPEED = (
    30,
    10_000,
)  # seconds, in each of which as many times so many bytes arrive: `LIMIT` takes at most 7 hours
CHUNK = 2**18
_PASSING = {
    getattr(errno, name)
    for name in ("ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE")
    if hasattr(errno, name)
}


class NotFetchedError(OSError):
    """A network error, as opposed to a disk error.

    Attributes:
        is_transient: Whether it may pass, so that a retry could help.
        retry_after: Seconds after which the server asks for the retry; 0 if it does not say.
    """

    def __init__(self, url: str, error: Exception):
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        self.is_transient, self.retry_after = _may_pass(error), _retry_after(error)
        later = f" It asks to try again in {self.retry_after:.0f} seconds." if self.retry_after else ""
        super().__init__(
            f"Expected to fetch {shown(url)}. Received: {_in_words(error, cause)}.{later} Check the address and the "
            "network; a file that you have already can be loaded by its path."
        )


def chunks(url: str, show: Callable[[int, int | None], None], token: str | None = None) -> Iterator[bytes]:
    """The content at a URL, in chunks.

    Args:
        url: A well-formed `http://` or `https://` URL.
        show: Is called with the number of bytes so far and, if the server says it, of all.
        token: What the server asks for, if anything. It is sent to no server that this one redirects to.

    Raises:
        InputError: If there are more than `LIMIT` bytes, or it redirects to another scheme.
        NotFetchedError: If the network or the server fails, or is too slow.
    """
    opener, total = urllib.request.build_opener(_SameScheme, _PacedHTTP, _PacedHTTPS), 0
    request = urllib.request.Request(sendable(url))
    if token is not None:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            size = answer.length
            _check_size(size or 0, url)
            while chunk := answer.read1(CHUNK):
                total += len(chunk)
                _check_size(total, url)
                show(total, size)
                yield chunk
            if answer.length:  # the number of announced bytes that are missing
                raise http.client.IncompleteRead(b"", answer.length)
    except InputError:
        raise
    # ValueError: of what a server answers, such as a malformed redirection.
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):  # it is the answer too
            error.close()
        raise NotFetchedError(url, error) from (None if _repeats_a_url(error) else error)


def _may_pass(error: Exception) -> bool:
    """Lost connections, timeouts and busy servers; not wrong addresses, certificates or answers."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in TRANSIENT
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    if isinstance(cause, ssl.SSLError):
        return isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    if isinstance(cause, (ConnectionError, TimeoutError, http.client.IncompleteRead)):
        return True
    return isinstance(cause, OSError) and cause.errno in _PASSING


def _retry_after(error: Exception) -> float:
    """What a busy server says in `Retry-After`: seconds, or a date."""
    said = error.headers.get("Retry-After", "") if isinstance(error, urllib.error.HTTPError) else ""
    if said.strip().isdecimal():
        return float(said)
    try:
        date = email.utils.parsedate_to_datetime(said)
    except ValueError:  # it says nothing, or nothing that can be understood
        return 0.0
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _in_words(error: Exception, cause: object) -> str:
    """What happened, in one printable line without tokens."""
    if isinstance(error, urllib.error.HTTPError):
        text = "too many redirections, or a circle of them" if "redirect" in str(cause) else str(cause)
        text = f"{error.code} {text}"
    else:
        text = str(cause) or type(cause).__name__
    line = "".join(letter for letter in redacted(text.partition("\n")[0]) if letter.isprintable())
    return line[:200].rstrip(".")


def _repeats_a_url(error: Exception) -> bool:
    return redacted(str(error)) != str(error) or isinstance(error, http.client.InvalidURL)


def _check_size(size: int, url: str) -> None:
    if size > LIMIT:
        raise InputError(
            f"Expected at most {LIMIT:,} bytes at {shown(url)}. Received: more. Download it by other means, and load "
            "the file."
        )


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Refuses redirections to other schemes: from https:// to URLs that are not encrypted, or to local files."""

    def http_error_302(self, req, fp, code, msg, headers):
        location = headers.get("Location") or headers.get("URI") or ""
        try:
            self._check(req, urljoin(req.full_url, location))
            return super().http_error_302(req, fp, code, msg, headers)
        except BaseException:  # urllib closes it only after it was read
            fp.close()
            raise

    def _check(self, request: urllib.request.Request, to: str) -> None:
        if (scheme := parsed(to).scheme) != request.type:
            raise InputError(
                f"Expected {shown(request.full_url)} to redirect to {request.type}:// only. Received: a redirection to "
                f"{scheme}://. Give the address of the file itself."
            )

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _Paced(io.RawIOBase):
    """What arrives at a socket, as a file that ends with a `TimeoutError` if it arrives too slowly."""

    def __init__(self, connection: socket.socket):
        # Its file keeps the connection open until the answer was read.
        self._connection, self._file = connection, connection.makefile("rb", buffering=0)
        self._since, self._arrived = monotonic(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int | None:
        if self._arrived < WINDOW * SPEED:
            left = self._since + WINDOW - monotonic()
            if left <= 0:
                raise TimeoutError(f"only {self._arrived:,} bytes in {WINDOW} seconds")
            self._connection.settimeout(min(TIMEOUT, left))
        else:
            self._connection.settimeout(TIMEOUT)
            if monotonic() >= self._since + WINDOW:
                self._since, self._arrived = monotonic(), 0
        count = self._file.readinto(buffer)
        self._arrived += count or 0
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _PacedAnswer(http.client.HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Paced(sock), CHUNK)


class _PacedConnection(http.client.HTTPConnection):
    response_class = _PacedAnswer


class _PacedTLSConnection(http.client.HTTPSConnection):
    response_class = _PacedAnswer


class _PacedHTTP(urllib.request.HTTPHandler):
    def http_open(self, req):
        return self.do_open(_PacedConnection, req)


class _PacedHTTPS(urllib.request.HTTPSHandler):
    def https_open(self, req):
        return self.do_open(_PacedTLSConnection, req)
