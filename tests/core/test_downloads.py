"""Files from the network, by a server on this machine that can be told to fail."""

import hashlib
import http.server
import logging
import os
import resource
import subprocess
import sys
import threading

import numpy as np
import pooch
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


def test_others_may_read_what_was_fetched(server):
    """Pooch alone would leave files that only their owner can read, in a folder that a group may share."""
    umask = os.umask(0o022)
    try:
        assert downloads.fetch(server.url, DIGEST).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(umask)


@pytest.fixture
def records(monkeypatch):
    """What Pooch logs, which its own handler would write to stderr."""
    found: list = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: found.append(record.args[1]))
    pooch.get_logger().addHandler(handler)
    yield found
    pooch.get_logger().removeHandler(handler)


def test_elsewhere_than_on_a_terminal_nothing_is_said(server, capfd, records):
    downloads.fetch(server.url, DIGEST)
    assert capfd.readouterr() == ("", "")
    assert records == []


def test_pooch_logs_to_its_other_users_as_before(records):
    form, urls = "%s data from '%s' to file '%s'.", ("https://example.org/ours", "https://example.org/other")
    with downloads._without_records(pooch.get_logger(), urls[0]):
        for url in urls:
            pooch.get_logger().info(form, "Downloading", url, "file")
    assert records == [urls[1]]
    pooch.get_logger().info(form, "Downloading", urls[0], "file")
    assert records == [urls[1], urls[0]]


def test_files_in_the_folder_of_version_0_1_are_found(server, monkeypatch, tmp_path):
    monkeypatch.delenv(downloads.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    former = downloads.fetch(server.url, DIGEST)
    assert former == tmp_path / "keras_gan_zoo" / f"{DIGEST}.keras"
    # As on macOS and Windows, where the folder of the user's caches is another one.
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "Caches")
    assert downloads.folders() == [tmp_path / "Caches", former.parent]
    assert downloads.fetch(server.url, DIGEST) == former
    assert server.requests == 1
    monkeypatch.setenv(downloads.FOLDER, str(tmp_path / "chosen"))
    assert downloads.fetch(server.url, DIGEST).parent == tmp_path / "chosen"


def test_importing_downloads_imports_no_library_for_them():
    libraries = {"pooch", "requests", "platformdirs"}
    code = f"import sys; import keras_gan_zoo.core.downloads; print({libraries} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout == "set()\n", found.stderr


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
    with pytest.raises(OSError, match="no complete file there"):
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


def test_a_folder_that_forbids_writing_is_named(server, folder, monkeypatch):
    import tempfile

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    folder.mkdir()
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(OSError, match=rf"Expected to keep files in {folder}\. Received: Permission denied\. Fix it"):
        downloads.fetch(server.url, DIGEST)
    assert server.requests == 0


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
    with pytest.raises(InputError, match=r"to redirect to http:// only\. Received: a redirection to ftp://"):
        downloads.fetch(server.url, "1" * 64)
    https = downloads.urllib.request.Request("https://example.org/gan.zip")
    with pytest.raises(InputError, match=r"to redirect to https:// only\. Received: a redirection to http://"):
        downloads._SameScheme().redirect_request(https, None, 302, "", {}, "http://example.org/gan.zip")


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(downloads.FOLDER, "~/models")
    assert downloads.folder() == tmp_path.home() / "models"
    monkeypatch.delenv(downloads.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert downloads.folder() == tmp_path / "keras_gan_zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert downloads.folder() == tmp_path.home() / ".cache" / "keras_gan_zoo"


def test_without_a_home_the_cache_is_asked_for_where_it_is_needed(monkeypatch, tmp_path):
    """As a user of a container whose number has no name."""

    def nobody(_):
        raise KeyError

    monkeypatch.delenv(downloads.FOLDER)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(OSError, match=rf"this user has no home folder\. Choose one: {downloads.FOLDER}=FOLDER"):
        downloads.fetch("https://example.org/gan.keras", DIGEST)
    monkeypatch.setenv(downloads.FOLDER, "~nobodyknown/models")
    with pytest.raises(OSError, match=r"Received: ~nobodyknown/models\. Choose one"):
        downloads.fetch("https://example.org/gan.keras", DIGEST)
    path = tmp_path / "file.keras"
    path.write_bytes(CONTENT)
    assert downloads.fetch(path.as_uri(), DIGEST) == path


@pytest.mark.slow
def test_ten_processes_at_once_all_get_the_whole_file(server, folder):
    code = f"from keras_gan_zoo.core import downloads; print(downloads.fetch({server.url!r}, {DIGEST!r}))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, encoding="utf-8") for _ in range(10)
    ]
    assert {process.communicate()[0] for process in processes} == {f"{folder / DIGEST}.keras\n"}
    assert (folder / f"{DIGEST}.keras").read_bytes() == CONTENT
    assert names(folder) == [f"{DIGEST}.keras"]


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
    with pytest.raises(InputError, match="with a URL only"):
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
