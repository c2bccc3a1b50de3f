"""Files from the network, by a server on this machine that can be told to fail."""

import contextlib
import hashlib
import http.server
import io
import logging
import os
import resource
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import traceback
import urllib.error

import numpy as np
import pooch
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core import claims, downloads, transfers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo.preset import find
from tests.helpers import zipped

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Answers with `failures` first: codes, a URL that it redirects to, "cut" for an answer that ends early, or a
    function of the handler; then with the content."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures, self.requests, self.says_its_size = [], 0, True
        self.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/file.keras"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        failure = self.server.failures.pop(0) if self.server.failures else None
        if callable(failure):
            with contextlib.suppress(OSError):  # the client may have gone
                failure(self)
            return
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
        server.ended.set()
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
    monkeypatch.setattr(downloads, "sleep", waited.append)
    return waited


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_token_goes_to_one_server_and_to_none_that_it_redirects_to(server):
    seen = []

    def redirect(handler):
        seen.append(handler.headers.get("Authorization"))
        handler.send_response(302)
        handler.send_header("Location", server.url)
        handler.end_headers()

    def answer(handler):
        seen.append(handler.headers.get("Authorization"))
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"content")

    server.failures = [redirect, answer]
    assert downloads.content(server.url, 7, "secret") == b"content"
    assert seen == ["Bearer secret", None]
    server.failures = [answer]
    with pytest.raises(InputError, match="at most 6 bytes"):
        downloads.content(server.url, 6)


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
    gives = pytest.raises(OSError, match="no complete file there")
    with pytest.warns(UserWarning, match=rf"{path} was damaged\.$"), gives:
        downloads.fetch(server.url, DIGEST)
    monkeypatch.setenv(downloads.OFFLINE, "0")
    with pytest.warns(UserWarning, match=rf"{path} was damaged\. It is fetched again"):
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
    with pytest.raises(
        OSError, match=rf"Expected to keep files in {folder}\. Received: Permission denied, for {DIGEST}.*Fix it"
    ):
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
    with pytest.raises(OSError, match=rf"Expected to keep files in .*Received: File too large, for {DIGEST}"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, pauses, names(folder)) == (1, [], [])


def test_a_file_that_cannot_be_made_is_not_tried_again(server, folder, pauses, monkeypatch):
    def open_(path, mode="r", *rest, before=downloads.Path.open, **more):
        if "w" in mode:
            raise PermissionError(13, "Permission denied")
        return before(path, mode, *rest, **more)

    monkeypatch.setattr(downloads.Path, "open", open_)
    with pytest.raises(OSError, match=r"Expected to keep files in .*Received: Permission denied"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, pauses, names(folder)) == (0, [], [])


@pytest.mark.parametrize("says_its_size", [True, False])
def test_what_is_too_large_is_not_kept(server, folder, monkeypatch, says_its_size):
    monkeypatch.setattr(transfers, "LIMIT", len(CONTENT) - 1)
    server.says_its_size = says_its_size
    with pytest.raises(InputError, match=f"Expected at most {len(CONTENT) - 1:,} bytes at http.*load the file"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, names(folder)) == (1, [])
    monkeypatch.setattr(transfers, "LIMIT", len(CONTENT))
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT


def test_a_redirection_keeps_the_scheme(server, folder):
    server.failures = [server.url]
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT
    server.failures = ["ftp://127.0.0.1/file.keras"]
    with pytest.raises(InputError, match=r"to redirect to http:// only\. Received: a redirection to ftp://"):
        downloads.fetch(server.url, "1" * 64)
    https = transfers.urllib.request.Request("https://example.org/gan.zip")
    for to in ("http://example.org/gan.zip", "file:///etc/passwd"):
        for header in ("Location", "URI"):
            with pytest.raises(
                InputError, match=r"to redirect to https:// only\. Received: a redirection to (http|file)://"
            ):
                transfers._SameScheme().http_error_302(https, io.BytesIO(), 302, "", {header: to})


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


FETCH = "import sys; from keras_gan_zoo.core import downloads; print(downloads.fetch(*sys.argv[1:]))"


def fetching(server):
    command = [sys.executable, "-c", FETCH, server.url, DIGEST]
    return subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")


@pytest.mark.slow
def test_of_ten_processes_at_once_one_fetches_and_all_get_the_whole_file(server, folder):
    server.failures = [slowly]
    processes = [fetching(server) for _ in range(10)]
    assert {process.communicate()[0] for process in processes} == {f"{folder / DIGEST}.keras\n"}
    assert (folder / f"{DIGEST}.keras").read_bytes() == CONTENT
    assert (names(folder), server.requests) == ([f"{DIGEST}.keras"], 1)


def slowly(answer):
    """Some bytes, and the others later."""
    answer.send_response(200)
    answer.send_header("Content-Length", str(len(CONTENT)))
    answer.end_headers()
    answer.wfile.write(CONTENT[:1000])
    answer.server.ended.wait(0.5)
    answer.wfile.write(CONTENT[1000:])


def hanging(answer):
    answer.send_response(200)
    answer.send_header("Content-Length", str(len(CONTENT)))
    answer.end_headers()
    answer.wfile.write(CONTENT[:300_000])
    answer.server.ended.wait()


def test_what_a_killed_fetch_leaves_the_next_one_removes(server, folder):
    server.failures = [hanging]
    with fetching(server) as process:
        while not list(folder.glob(f".*{downloads.FETCHING}/*unfinished*")):
            time.sleep(0.01)
        other = folder / f".{'1' * 64}{downloads.FETCHING}"
        with claims.claimed(other):
            (other / "theirs").touch()
            process.kill()
            process.communicate()
            left = list((folder / f".{DIGEST}{downloads.FETCHING}").iterdir())
            assert len(left) > 1
            assert downloads.fetch(server.url.replace("file", "another"), DIGEST).read_bytes() == CONTENT
            assert names(folder) == sorted([other.name, f"{DIGEST}.keras"])
            assert names(other) == [claims.LOCK_FILE, "theirs"]  # it is in use
    (other / claims.LOCK_FILE).write_text("{}")
    server.failures = []
    (folder / f"{DIGEST}.keras").unlink()
    downloads.fetch(server.url, DIGEST)
    assert names(folder) == [f"{DIGEST}.keras"]


# --- servers that are slow, wrong or hostile


@pytest.fixture
def quick(monkeypatch):
    """Limits of time that a test can wait for; no retries."""
    monkeypatch.setattr(transfers, "TIMEOUT", 0.3)
    monkeypatch.setattr(transfers, "WINDOW", 0.5)
    monkeypatch.setattr(downloads, "PAUSES", ())


def drip(start):
    """A byte at a time, more often than the timeout of one byte."""

    def answer_(answer):
        answer.wfile.write(start)
        while not answer.server.ended.wait(0.05):
            answer.wfile.write(b"x")

    return answer_


def silent(start):
    def answer_(answer):
        answer.wfile.write(start)
        answer.server.ended.wait()

    return answer_


HEAD = b"HTTP/1.0 200 OK\r\n"
LONG = HEAD + b"Content-Length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        drip(LONG),
        drip(HEAD + b"\r\n"),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"),
        drip(HEAD + b"X-Header: "),
        drip(b""),
        drip(b"HTTP/1.0 302 Found\r\nLocation: /x.keras\r\nContent-Length: 9999\r\n\r\n"),
        silent(b""),
        silent(LONG),
        silent(LONG + b"x" * 99_000),
    ],
    ids=["body", "no length", "chunks", "header", "status", "redirection", "nothing", "no body", "no end"],
)
def test_a_slow_server_holds_nobody(server, folder, quick, answer):
    server.failures = [answer]
    started = time.monotonic()
    with pytest.raises(OSError, match=r"Expected to fetch http.*(bytes in 0\.5 seconds|timed out)\. Check") as found:
        downloads.fetch(server.url, DIGEST)
    assert time.monotonic() - started < 5
    assert found.value.is_transient
    assert names(folder) == []


def test_a_server_that_is_fast_enough_has_its_time(server, quick, monkeypatch):
    """Longer than a window, with pauses that are shorter than the timeout."""

    def answer_(answer):
        answer.wfile.write(HEAD + b"\r\n")
        for start in range(0, len(CONTENT), 64_000):
            answer.wfile.write(CONTENT[start : start + 64_000])
            answer.server.ended.wait(0.12)

    server.failures = [answer_]
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT


def test_ctrl_c_ends_a_fetch(server, folder):
    def interrupting(answer):
        answer.wfile.write(LONG + b"x")
        answer.server.ended.wait(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        answer.server.ended.wait()

    server.failures = [interrupting]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch(server.url, DIGEST)
    finally:
        signal.signal(signal.SIGINT, before)
    assert names(folder) == []


def raw(content):
    return lambda answer: answer.wfile.write(content)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raw(HEAD + b"X: " + b"x" * 100_000), "more than 65536 bytes"),
        (raw(HEAD + b"X: x\r\n" * 1000), "more than 100 headers"),
        (raw(b"SSH-2.0-OpenSSH\r\n"), "SSH-2.0-OpenSSH"),
        (raw(b"HTTP/1.0 404 No\x1b[31m https://u:SECRET@h/?t=SECRET\r\n\r\n"), "404 No"),
    ],
    ids=["long header", "many headers", "no HTTP", "secret"],
)
def test_a_strange_answer_is_one_line_without_secrets(server, folder, pauses, answer, said):
    server.failures = [answer]
    with pytest.raises(OSError, match=rf"Expected to fetch http.*{said}.*Check the address") as found:
        downloads.fetch(f"{server.url}?token=SECRET", DIGEST)
    assert "SECRET" not in str(found.value)
    assert str(found.value).isprintable()
    assert names(folder) == []


def test_a_circle_of_redirections_ends(server, pauses):
    server.failures = [f"{server.url}?token=SECRET"] * 20
    with pytest.raises(OSError, match=r"302 too many redirections, or a circle of them\. Check") as found:
        downloads.fetch(server.url, DIGEST)
    assert "SECRET" not in str(found.value)
    assert pauses == []


@pytest.mark.parametrize("to", ["http://[::1/x", "http://u:SECRET@h/x", "http://h:99999/SECRET?SECRET"])
def test_a_redirection_to_a_malformed_url_is_refused(server, pauses, to):
    server.failures = [to]
    with pytest.raises((InputError, OSError), match="Expected"):
        downloads.fetch(server.url, DIGEST)
    assert (server.requests, pauses) == (1, [])


def with_length(length, content=CONTENT):
    return raw(HEAD + f"Content-Length: {length}\r\n\r\n".encode() + content)


@pytest.mark.parametrize("length", ["-1", "many", len(CONTENT)])
def test_what_is_sent_beyond_the_length_is_not_read(server, length):
    server.failures = [with_length(length, CONTENT + b"more" * (length == len(CONTENT)))]
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT


def test_a_length_that_is_too_small_gives_another_file(server, folder):
    server.failures = [with_length(len(CONTENT) - 1)]
    with pytest.raises(InputError, match=f"with SHA-256 {DIGEST}"):
        downloads.fetch(server.url, DIGEST)
    assert names(folder) == []


def test_a_web_page_in_place_of_the_file_is_told(server, folder, pauses):
    server.failures = [raw(HEAD + b"\r\n \n<!DOCTYPE HTML><title>Log in</title>")]
    with pytest.raises(InputError, match=r"Received: a web page \(HTML\), perhaps to log in"):
        downloads.fetch(server.url, DIGEST)
    assert (names(folder), pauses) == ([], [])


@pytest.mark.parametrize(
    ("said", "waits"), [("7", [7]), ("0", [1]), ("soon", [1]), ("Wed, 21 Oct 2015 07:28:00 GMT", [1])]
)
def test_a_busy_server_says_when_to_come_back(server, pauses, said, waits):
    server.failures = [raw(f"HTTP/1.0 429 Busy\r\nRetry-After: {said}\r\n\r\n".encode())]
    assert downloads.fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert pauses == waits


def test_nobody_waits_for_long(server, pauses):
    server.failures = [raw(b"HTTP/1.0 503 Busy\r\nRetry-After: 3600\r\n\r\n")]
    with pytest.raises(OSError, match=r"503 Busy\. It asks to try again in 3600 seconds\. Check"):
        downloads.fetch(server.url, DIGEST)
    assert pauses == []


@pytest.mark.parametrize(
    ("error", "is_transient"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (urllib.error.URLError(ConnectionRefusedError()), True),
        (urllib.error.URLError(OSError(101, "Network is unreachable")), True),
        (urllib.error.URLError(transfers.socket.gaierror(transfers.socket.EAI_AGAIN, "try again")), True),
        (urllib.error.URLError(transfers.socket.gaierror(transfers.socket.EAI_NONAME, "no such name")), False),
        (urllib.error.URLError(ssl.SSLEOFError()), True),
        (urllib.error.URLError(ssl.SSLCertVerificationError("expired")), False),
        (urllib.error.URLError(ssl.SSLError("wrong version number")), False),
        (urllib.error.URLError("unknown url type: s3"), False),
        (transfers.http.client.InvalidURL("/x?token=1"), False),
        (ValueError("x"), False),
    ],
)
def test_only_what_can_pass_is_tried_again(error, is_transient):
    assert transfers.NotFetchedError("https://example.org", error).is_transient is is_transient


def test_a_server_without_encryption_is_not_tried_again(server, pauses):
    with pytest.raises(OSError, match=r"Expected to fetch https.*(SSL|ssl)"):
        downloads.fetch(server.url.replace("http:", "https:"), DIGEST)
    assert pauses == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate by openssl")
def test_a_certificate_that_nobody_signed_is_not_tried_again(server, pauses, tmp_path):
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
    subprocess.run([*make.split(), "-keyout", "key", "-out", "cert"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server.handle_error = lambda *_: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    with pytest.raises(OSError, match=r"certificate verify failed.*Check the address"):
        downloads.fetch(url, DIGEST)
    assert pauses == []
    trusting = ssl.create_default_context(cafile=tmp_path / "cert")
    trusting.check_hostname = False
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ssl, "_create_default_https_context", lambda: trusting)
        assert downloads.fetch(url, DIGEST).read_bytes() == CONTENT


def test_spaces_and_other_letters_are_sent_as_escapes(server):
    paths = []

    def note(answer):
        paths.append(answer.path)
        answer.wfile.write(HEAD + b"\r\n" + CONTENT)

    server.failures = [note]
    path = downloads.fetch(f"{server.url.removesuffix('file.keras')}my gän%20[1].keras?a=b c", DIGEST)
    assert path.name == f"{DIGEST}.keras"
    assert paths == ["/my%20g%C3%A4n%20[1].keras?a=b%20c"]


def test_a_token_is_sent_and_never_shown(server, folder, monkeypatch, capsys, records):
    monkeypatch.setattr(downloads.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    url, said = f"{server.url}?token=SECRET&X-Amz-Signature=SECRET", []
    for failures, digest in (([404], DIGEST), (["ftp://x/?SECRET"], DIGEST), ([], "1" * 64), ([503] * 4, DIGEST)):
        server.failures = list(failures)
        with pytest.raises((OSError, InputError)) as found:
            downloads.fetch(url, digest)
        said.append("".join(traceback.format_exception(found.value)))
    monkeypatch.setenv(downloads.OFFLINE, "1")
    for digest in (DIGEST, "SECRET"):
        with pytest.raises((OSError, InputError)) as found:
            downloads.fetch(url, digest)
        said.append("".join(traceback.format_exception(found.value)))
    assert "SECRET" not in "".join([*said, *capsys.readouterr(), str(records), *names(folder)])


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "C:", "localhost.example.org"])
def test_a_file_of_another_machine_is_refused(host, tmp_path):
    with pytest.raises(InputError, match=r"Expected a file of this machine|well-formed"):
        kgz.load(f"file://{host}/gan.keras", sha256=DIGEST)
    (tmp_path / "a file.keras").write_bytes(CONTENT)
    for url in (f"file://localhost{tmp_path}/a%20file.keras", f"FILE://{tmp_path}/a file.keras"):
        assert downloads.fetch(url, DIGEST) == tmp_path / "a file.keras"


def test_only_regular_files_are_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    for path, found in ((tmp_path / "pipe.keras", "no regular file"), (tmp_path, "a folder"), (tmp_path / "x", "none")):
        with pytest.raises(InputError, match=f"Expected a file at {path}. Received: {found}"):
            downloads.fetch(path.as_uri(), DIGEST)


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
    with pytest.raises(InputError, match="with a URL of https"):
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
