"""Files from the network, by a server on this machine that can be told to fail."""

import hashlib
import http.server
import resource
import threading

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core import downloads
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo.preset import find
from tests.helpers import zipped

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Answers with `failures` first: codes, a URL that it redirects to, or "cut" for an answer that ends early; then
    with the content."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures, self.requests, self.says_its_size = [], 0, True
        self.url = f"http://127.0.0.1:{self.server_port}/file.keras"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        failure = self.server.failures.pop(0) if self.server.failures else None
        if "://" in str(failure):
            self.send_response(302)
            self.send_header("Location", failure)
            self.end_headers()
            return
        self.send_response(failure if isinstance(failure, int) else 200)
        content = b"busy" if isinstance(failure, int) else CONTENT
        if self.server.says_its_size:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:1000] if failure == "cut" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(downloads.FOLDER, str(tmp_path / "cache"))
    monkeypatch.delenv(downloads.OFFLINE, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """What is waited, without waiting."""
    waited = []
    monkeypatch.setattr(downloads.time, "sleep", waited.append)
    return waited


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_file_is_fetched_once(server, folder):
    for _ in range(2):
        assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert downloads.fetch(f"{server.url}#sha256={DIGEST}", None) == folder / f"{DIGEST}.keras"
    assert server.requests == 1
    assert names(folder) == [f"{DIGEST}.keras"]


def test_a_terminal_shows_how_far_it_is(server, monkeypatch, capsys):
    monkeypatch.setattr(downloads.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    downloads.fetch(server.url, DIGEST)
    assert "file.keras" in capsys.readouterr().err


@pytest.mark.parametrize("failures", [[503], [429, 500, 502], ["cut", "cut"]])
def test_what_passes_is_tried_again_with_longer_pauses(server, pauses, failures):
    server.failures = list(failures)
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert pauses == list(downloads.PAUSES[: len(failures)])


@pytest.mark.parametrize(("failures", "requests"), [([503] * 4, 4), (["cut"] * 4, 4), ([404], 1), ([403], 1)])
def test_what_does_not_pass_leaves_nothing(server, folder, failures, requests):
    server.failures = list(failures)
    with pytest.raises(OSError, match=r"Expected to fetch http.*Check the address and the network"):
        downloads.fetch(server.url, DIGEST)
    assert server.requests == requests
    assert names(folder) == []


def test_nobody_answers(folder):
    with pytest.raises(OSError, match=r"Expected to fetch.*refused"):
        downloads.fetch("http://127.0.0.1:9/x.keras", DIGEST)
    assert names(folder) == []


def test_another_file_than_expected_is_not_kept(server, folder):
    with pytest.raises(InputError, match=f"SHA-256 {'1' * 64}. Received: {DIGEST}"):
        downloads.fetch(server.url, "1" * 64)
    assert server.requests == 1
    assert names(folder) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(server, folder, monkeypatch):
    path = downloads.fetch(server.url, DIGEST)
    path.write_bytes(CONTENT[:-1])
    monkeypatch.setenv(downloads.OFFLINE, "1")
    with pytest.raises(OSError, match="nothing whole there"):
        downloads.fetch(server.url, DIGEST)
    monkeypatch.setenv(downloads.OFFLINE, "0")
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.requests == 2


def test_offline_there_is_the_cache_or_an_error(server, monkeypatch):
    monkeypatch.setenv(downloads.OFFLINE, "1")
    with pytest.raises(OSError, match=f"because {downloads.OFFLINE} is set"):
        downloads.fetch(server.url, DIGEST)
    assert server.requests == 0
    monkeypatch.delenv(downloads.OFFLINE)
    path = downloads.fetch(server.url, DIGEST)
    monkeypatch.setenv(downloads.OFFLINE, "1")
    assert downloads.fetch(server.url, DIGEST) == path
    assert server.requests == 1


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(downloads.FOLDER, str(tmp_path / "file"))
    with pytest.raises(OSError, match=f"Expected to keep files in .*file. Received: .*{downloads.FOLDER}=FOLDER"):
        downloads.fetch(server.url, DIGEST)


@pytest.fixture
def full_disk():
    """No file may have more than 100,000 bytes; the error comes from the system, as that of a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_not_tried_again(server, folder, pauses, full_disk):
    with pytest.raises(OSError, match=r"Expected to keep files in .*Received: File too large"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, pauses, names(folder)) == (1, [], [])


def test_a_file_that_cannot_be_made_is_not_tried_again(server, folder, pauses, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(downloads.Path, "open", refuse)
    with pytest.raises(OSError, match=r"Expected to keep files in .*Received: Permission denied"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, pauses, names(folder)) == (0, [], [])


@pytest.mark.parametrize("says_its_size", [True, False])
def test_what_is_too_large_is_not_kept(server, folder, monkeypatch, says_its_size):
    monkeypatch.setattr(downloads, "LIMIT", len(CONTENT) - 1)
    server.says_its_size = says_its_size
    with pytest.raises(InputError, match=f"Expected at most {len(CONTENT) - 1:,} bytes at http.*load the file"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, names(folder)) == (1, [])
    monkeypatch.setattr(downloads, "LIMIT", len(CONTENT))
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT


def test_a_redirection_keeps_the_scheme(server, folder):
    server.failures = [server.url]
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT
    server.failures = ["ftp://127.0.0.1/file.keras"]
    with pytest.raises(InputError, match=r"to lead to http:// alone\. Received: a redirection to ftp://"):
        downloads.fetch(server.url, "1" * 64)
    https = downloads.urllib.request.Request("https://example.org/gan.zip")
    with pytest.raises(InputError, match=r"to lead to https:// alone\. Received: a redirection to http://"):
        downloads._SameScheme().redirect_request(https, None, 302, "", {}, "http://example.org/gan.zip")


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(downloads.FOLDER, "~/models")
    assert downloads.folder() == tmp_path.home() / "models"
    monkeypatch.delenv(downloads.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert downloads.folder() == tmp_path / "keras_gan_zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert downloads.folder() == tmp_path.home() / ".cache" / "keras_gan_zoo"


@pytest.mark.parametrize("digest", [None, "", "abc", "g" * 64])
def test_a_url_needs_a_digest(digest, tmp_path):
    with pytest.raises(InputError, match=r"64 hex digits.*sha256sum FILE"):
        kgz.load("https://example.org/gan.keras", sha256=digest)
    with pytest.raises(InputError, match="two that differ"):
        kgz.load(f"https://example.org/gan.keras#sha256={DIGEST}", sha256="1" * 64)


@pytest.mark.parametrize("suffix", [".keras", ".zip"])
def test_models_at_a_url(tiny, tmp_path, suffix, folder, monkeypatch):
    gan = tiny("wgan")
    gan.save(tmp_path / "gan.keras")
    gan.save_preset(tmp_path / "tiny")
    zipped(tmp_path / "tiny", tmp_path / "gan.zip")
    path = tmp_path / f"gan{suffix}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for found in (kgz.load(path.as_uri(), sha256=digest), kgz.load(f"{path.as_uri()}#sha256={digest}")):
        np.testing.assert_array_equal(found.sample(2, seed=0), gan.sample(2, seed=0))
    with pytest.raises(InputError, match="with SHA-256 111"):
        kgz.load(path.as_uri(), sha256="1" * 64)
    monkeypatch.setenv(downloads.OFFLINE, "1")
    assert kgz.WGAN.from_preset(path.as_uri(), sha256=digest).lacks_discriminator == (suffix == ".zip")
    assert names(folder) == []


@pytest.mark.parametrize("url", ["http://x.org/gan.keras", "ftp://x.org/gan.keras", "s3://x/gan.keras"])
def test_other_schemes_are_refused(url):
    with pytest.raises(InputError, match="https:// or file://"):
        kgz.load(url, sha256=DIGEST)
    with pytest.raises(InputError, match="https:// or file://"):
        find(f"{url}#sha256={DIGEST}")


def test_other_files_are_refused():
    with pytest.raises(InputError, match=r"of a .keras file, or of the .zip"):
        kgz.load("https://x.org/gan.pkl", sha256=DIGEST)
    with pytest.raises(InputError, match="with a URL alone"):
        kgz.load("conditional_gan_mnist", sha256=DIGEST)


def test_several_at_once_all_get_the_whole_file(server, folder):
    found: list = []
    threads = [threading.Thread(target=lambda: found.append(downloads.fetch(server.url, DIGEST))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == CONTENT for path in found] == [True] * 4
    assert [path.name for path in folder.iterdir()] == [f"{DIGEST}.keras"]
