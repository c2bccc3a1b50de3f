"""Presets on the Hugging Face Hub: `hf://user/name`.

The hub's client, which only this module imports, finds commits and pushes. It downloads nothing: files are fetched by
`core.downloads`, with the limits and the cache of all downloads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from urllib.parse import urlsplit

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.reading import shown
from keras_gan_zoo.core.urls import redacted
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo.cards import CARD_FILE, FILES, PICTURE, README

SCHEME = "hf://"
CARD_LIMIT = 2**20  # bytes of a card
TIMEOUT = 30  # seconds without an answer
_NAME = r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
_PLACE = re.compile(rf"hf://(?P<name>{_NAME})(?:@(?P<revision>[\w./-]+))?", re.ASCII | re.IGNORECASE)
_COMMIT = re.compile("[0-9a-f]{40}")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HERE = ("localhost", "127.0.0.1", "::1")
_LOG_IN = "Log in by hf auth login, or set HF_TOKEN."


@dataclass(frozen=True)
class Commit:
    """The files of a repository at one commit.

    Args:
        place: What the user asked for, as messages show it.
        files: The names of the files.
        url: The address of the files, without their names.
        token: What the hub is shown, if anything.
    """

    place: str
    files: frozenset[str]
    url: str
    token: str | None = field(repr=False)

    def card(self, name: str) -> bytes:
        """The content of the card, a small file whose SHA-256 nobody knows."""
        self._check(name)
        return downloads.content(f"{self.url}/{name}", CARD_LIMIT, self.token)

    def file(self, name: str, sha256: str) -> bytes:
        """The content of another file, fetched or from the cache."""
        self._check(name)
        return downloads.fetch(f"{self.url}/{name}", sha256, self.token).read_bytes()

    def _check(self, name: str) -> None:
        if name not in self.files:
            raise FileNotFoundError(name)


def is_hub(source: object) -> bool:
    """Whether a source is a repository on the hub."""
    return str(source).lower().startswith(SCHEME)


def find(url: str) -> Commit:
    """Finds the commit of a repository: the newest, or that of a revision, `hf://user/name@revision`.

    Raises:
        InputError: If the URL is malformed, there is no such repository or revision, or it may not be read; or if the
            client is not installed.
        OSError: If the hub cannot be reached, or while offline.
    """
    place = shown(url)
    parts = _PLACE.fullmatch(url)
    if parts is None:
        raise InputError(
            f"Expected a repository on the hub, hf://user/name or hf://user/name@revision. Received: {place}. Check it."
        )
    if downloads.is_offline():
        raise OSError(
            f"Expected no hf:// while {downloads.OFFLINE} is set, because it needs the network. Received: {place}. "
            "Download the repository and load its folder."
        )
    client = _client(place)
    token = _token(client, None)
    api = client.HfApi(token=token or False)
    _check_endpoint(api.endpoint)
    with _border(place, client, token):
        info = api.model_info(parts["name"], revision=parts["revision"], timeout=TIMEOUT)
        name, commit, files = str(info.id), str(info.sha), frozenset(file.rfilename for file in info.siblings or ())
    if not _COMMIT.fullmatch(commit) or not re.fullmatch(_NAME, name, re.ASCII):
        raise OSError(
            f"Expected an answer of the hub about {place}. Received: one without a commit. Check HF_ENDPOINT."
        )
    return Commit(place, files, f"{api.endpoint}/{name}/resolve/{commit}", token)


def push(repository: str, write: Callable[[Path], object], private: bool, token: str | None) -> str:
    """Writes a preset into a temporary folder, and pushes it in one commit.

    Args:
        repository: "user/name". It is made if there is none.
        write: Writes the preset into a folder that does not exist yet, and has the name of the repository.
        private: Whether a new repository is private.
        token: What allows to write there; None for that of the client.

    Returns:
        What `load` takes for this commit, "hf://user/name@commit".

    Raises:
        InputError: If the name is malformed, there is no token or one that does not allow it, the repository holds
            something else than a preset, or is public although it should be private.
        OSError: If the hub cannot be reached, or while offline.
    """
    if not isinstance(repository, str) or not re.fullmatch(_NAME, repository, re.ASCII):
        raise InputError(f"Expected a repository on the hub, user/name. Received: {repository!r}.")
    place = f"{SCHEME}{repository}"
    if downloads.is_offline():
        raise OSError(f"Expected no push while {downloads.OFFLINE} is set. Received: {place}. Unset it.")
    client = _client(place)
    token = _token(client, token)
    if token is None:
        raise InputError(f"Expected a token that may write to {place}. Received: none. {_LOG_IN}")
    api = client.HfApi(token=token)
    _check_endpoint(api.endpoint)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, repository.partition("/")[2])
        write(folder)
        with _border(place, client, token):
            present = _made(api, client, repository, private)
            changes = [client.CommitOperationAdd(path.name, path) for path in sorted(folder.iterdir())]
            stale = sorted(present & {*FILES, PICTURE} - {path.name for path in folder.iterdir()})
            changes += [client.CommitOperationDelete(name) for name in stale]
            commit = api.create_commit(repository, changes, commit_message=f"The preset {folder.name}")
    return f"{place}@{commit.oid}"


def _made(api, client: ModuleType, repository: str, private: bool) -> frozenset[str]:
    """Makes a repository if there is none, and returns the names of its files, which may be replaced."""
    try:
        info = api.model_info(repository, timeout=TIMEOUT)
    except client.errors.RepositoryNotFoundError:
        api.create_repo(repository, private=private)
        return frozenset()
    files = frozenset(file.rfilename for file in info.siblings or ())
    if CARD_FILE not in files and files - {README, ".gitattributes"}:
        raise InputError(
            f"Expected a new or empty repository, or one with a preset. Received: {SCHEME}{repository}, which holds "
            "something else. Choose another name."
        )
    if private and not info.private:
        raise InputError(
            f"Expected a private repository. Received: {SCHEME}{repository}, which exists and is public. Make it "
            "private on its page, or choose another name."
        )
    return files


def _client(place: str) -> ModuleType:
    """The client of the hub."""
    try:
        client = import_module("huggingface_hub")  # an optional dependency
        for part in ("errors", "utils"):
            import_module(f"huggingface_hub.{part}")
    except ImportError as error:
        raise InputError(
            f"Expected the package huggingface_hub, for {place}. Received: none. Install it: "
            "pip install 'keras-gan-zoo[hub]'."
        ) from error
    return client


def _token(client: ModuleType, given: str | None) -> str | None:
    """The token that the client would send, which must fit into a header: libraries would repeat it in their error."""
    header = client.utils.build_hf_headers(token=given).get("authorization", "")
    token = header.removeprefix("Bearer ")
    if token and not _TOKEN.fullmatch(token):
        raise InputError(
            "Expected a token without spaces, line breaks and letters beyond ASCII. Received: one with some. Copy it "
            "from the hub again."
        )
    return token or None


def _check_endpoint(endpoint: str) -> None:
    """Raises an `InputError` unless the hub is asked over an encrypted connection, or is on this machine."""
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise InputError(f"Expected HF_ENDPOINT as https://... Received: {shown(endpoint)}. Tokens would be readable.")


@contextmanager
def _border(place: str, client: ModuleType, token: str | None) -> Iterator[None]:
    """Within this context, the errors of the client become sentences of this package, without tokens."""
    errors = client.errors
    try:
        yield
    except InputError:
        raise
    except errors.RevisionNotFoundError:
        raise InputError(
            f"Expected a branch, a tag or a commit. Received: {place}, which the hub does not have."
        ) from None
    except errors.RepositoryNotFoundError:
        how = "with the token that was given" if token else f"without a token. For a private one: {_LOG_IN}"
        raise InputError(f"Expected a repository that the hub shows. Received: {place}, not shown {how}") from None
    except errors.HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else 0
        if code in (401, 403):
            raise InputError(
                f"Expected a token that may do this with {place}. Received: one that the hub refuses ({code}). Make a "
                "token that may write, or choose another name."
            ) from None
        raise OSError(f"Expected the hub to answer about {place}. Received: error {code}. Try again later.") from None
    except Exception as error:  # of its library for networks, whose kinds of error depend on the version
        cause = redacted(" ".join(str(error).split()))[:300].replace(token or "\n", "...").rstrip(".")
        raise OSError(
            f"Expected to reach the hub for {place}. Received: {cause or type(error).__name__}. Check the network."
        ) from None
