"""URLs: read strictly, and shown without what is secret in them."""

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from keras_gan_zoo.errors import InputError

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'\"<>]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_url(source: object) -> bool:
    """Whether a source has the form of a URL."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", str(source)) is not None


def parsed(url: str) -> SplitResult:
    """The parts of a URL.

    Raises:
        InputError: If it is malformed, or contains a user's name or password, which messages and lists of processes
            would show.

    Example:
        >>> parsed("https://example.org/gan.keras").hostname
        'example.org'
    """
    parts = None if _CONTROL.search(url) else _parts(url)  # urlsplit would drop some of these characters
    if parts is None or _CONTROL.search(unquote(parts.path)) or (parts.scheme != "file" and not parts.hostname):
        raise InputError(
            f"Expected a well-formed URL, such as https://HOST/FILE. Received: {shown(url, is_malformed=True)}. Check "
            "its host and its port, and that it has no line breaks or other control characters."
        )
    if "@" in parts.netloc:
        raise InputError(
            f"Expected a URL without a user's name or password. Received: {shown(url)} with one. Leave it out, or "
            "download the file by other means and load it."
        )
    return parts


def _parts(url: str) -> SplitResult | None:
    """The parts; None if its host or its port is malformed. The parser's message would repeat them."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # it is checked when it is read
        (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts


def sendable(url: str) -> str:
    """A URL as it is sent: spaces and letters beyond ASCII in its path and query become %-escapes.

    Example:
        >>> sendable("https://example.org/my gan.keras")
        'https://example.org/my%20gan.keras'
    """
    parts = urlsplit(url)
    kept = "!#$%&'()*+,/:;=?@[]~"
    path, query = (quote(part, safe=kept) for part in (parts.path, parts.query))
    return urlunsplit((parts.scheme, parts.netloc, path, query, parts.fragment))


def shown(url: str, is_malformed: bool = False) -> str:
    """A URL as messages show it: without name and password, query and fragment, where tokens and signatures are.

    Args:
        url: The URL.
        is_malformed: Whether it is unknown where its host ends; then everything up to the last @ is left out.

    Example:
        >>> shown("https://me:secret@example.org/gan.keras?token=secret")
        'https://example.org/gan.keras?...'
    """
    before_host = r"(?<=://).*@" if is_malformed else r"(?<=://)[^/?#]*@"
    text = re.sub(before_host, "", url, count=1, flags=re.DOTALL)
    kept = re.split("[?#]", text, maxsplit=1)[0]
    text = kept + ("?..." if text[len(kept) :].startswith("?") else "")
    return "".join(letter if letter.isprintable() else f"%{ord(letter):02X}" for letter in text)


def redacted(text: str) -> str:
    """A text, such as another library's message, with every URL in it as `shown`.

    Example:
        >>> redacted("no answer from https://example.org/x?token=secret")
        'no answer from https://example.org/x?...'
    """
    return _URL.sub(lambda found: shown(found[0]), text)
