"""The server: what it gives, to whom, and what it refuses."""

import http.client
import threading

import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.playground.server import Server, file_at

TYPES = {
    "index.html": "text/html; charset=utf-8",
    "main.mjs": "text/javascript; charset=utf-8",
    "runtime/ort.wasm": "application/wasm",
    "models/g.onnx": "application/octet-stream",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    folder = place / "site"
    for name in TYPES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"this is {name}")
    (place / "secret.json").write_text("secret")
    for name in ("secret.txt", ".hidden.json", "a:b.json"):
        (folder / name).write_text("secret")
    (folder / "link.json").symlink_to(place / "secret.json")
    (folder / "inside.json").symlink_to(folder / "index.html")
    (folder / "up").symlink_to(place, target_is_directory=True)
    with Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, method, target, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, target, headers={name.title(): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.mark.parametrize("name", TYPES)
def test_files_have_their_types(server, name):
    answer, content = ask(server, "GET", f"/{name}?version=1")
    assert (answer.status, content) == (200, f"this is {name}".encode())
    assert answer.headers["Content-Type"] == TYPES[name]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head, nothing = ask(server, "HEAD", f"/{name}")
    assert (head.status, nothing, head.headers["Content-Length"]) == (200, b"", str(len(content)))


def test_the_page_is_at_the_root(server):
    assert ask(server, "GET", "/")[1] == b"this is index.html"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.json",
        "/models/../../secret.json",
        "/%2e%2e/secret.json",
        "/..%2fsecret.json",
        "/models/..%5c..%5csecret.json",
        "//secret.json",
        "/up/secret.json",
        "/link.json",
        "/inside.json",
        "/secret.txt",
        "/.hidden.json",
        "/a:b.json",
        "/models",
        "/models/",
        "/none.json",
        "/index.html%00.json",
        "index.html",
    ],
)
def test_nothing_else_is_given(server, target):
    answer, content = ask(server, "GET", target)
    assert answer.status == 404
    assert b"secret" not in content.lower().replace(b"secret.", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(server, method):
    assert ask(server, method, "/index.html")[0].status == 405
    assert ask(server, "TRACE", "/index.html")[0].status == 501


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1"])
def test_other_names_of_this_machine_are_refused(server, host):
    """As by a page from elsewhere whose name was made to lead here."""
    answer, content = ask(server, "GET", "/index.html", host=host.format(port=server.server_port))
    assert answer.status == 421
    assert b"this is" not in content
    assert ask(server, "GET", "/", host=f"localhost:{server.server_port}")[0].status == 200


def test_a_port_that_is_taken_is_named(server):
    with pytest.raises(kgz.InputError, match=f"Expected a free port. Received: {server.server_port}"):
        Server(server.folder, server.server_port)


def test_links_of_the_folder_itself_are_followed(server, tmp_path):
    """As of a temporary folder on macOS."""
    (tmp_path / "site").symlink_to(server.folder, target_is_directory=True)
    assert file_at(tmp_path / "site", "/") == server.folder.resolve() / "index.html"
