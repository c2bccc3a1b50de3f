"""A web server for one folder, which only programs on this machine reach."""

from __future__ import annotations

import os
import shutil
import socketserver
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from keras_gan_zoo.core.reading import cause_of
from keras_gan_zoo.errors import InputError

LOOPBACK = "127.0.0.1"
NAMES = {LOOPBACK, "localhost"}
TYPES = {  # what is served, by the suffix; browsers refuse scripts and WebAssembly of other types
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".png": "image/png",
    ".wasm": "application/wasm",
}
# One thread needs no cross-origin isolation, so there are no headers for it.
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page itself states the rest, wherever it is served
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves the files of a folder to browsers on this machine, by GET and HEAD. As a context manager it is closed.

    It serves only files of a known type that are in the folder itself, none behind links. Requests that name another
    host are refused, so that no page from elsewhere reads the files under a name of its own for this machine.

    Args:
        folder: The folder, which has an `index.html`.
        port: Port to listen on; 0 for any that is free.

    Raises:
        InputError: If the port is taken.

    Example:
        >>> import tempfile, threading, urllib.request
        >>> with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        ...     _ = Path(folder, "index.html").write_text("hello")
        ...     threading.Thread(target=server.serve_forever, daemon=True).start()
        ...     print(urllib.request.urlopen(server.url).read())
        ...     server.shutdown()
        b'hello'
    """

    daemon_threads, block_on_close = True, False  # connections that browsers keep open do not hold up the end

    def __init__(self, folder: str | os.PathLike, port: int = 0):
        self.folder = Path(folder)
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            raise InputError(
                f"Expected a free port. Received: {port} ({cause_of(error)}). Choose another one, or 0 for any that is "
                "free."
            ) from error

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/"

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # that of HTTPServer asks the network for the name of this machine
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # a browser that does not want the rest
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version, timeout = "gan-zoo", "", 30

    def do_GET(self):
        self._answer(with_content=True)

    def do_HEAD(self):
        self._answer(with_content=False)

    def _refuse_method(self):
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse_method  # noqa: N815

    def _answer(self, with_content: bool) -> None:
        port = self.server.server_port
        hosts = {f"{name}:{port}" for name in NAMES} | (NAMES if port == 80 else set())  # which browsers leave out
        if self.headers.get("Host") not in hosts:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        path = file_at(self.server.folder, self.path)
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with path.open("rb") as file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", TYPES[path.suffix])
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            if with_content:
                shutil.copyfileobj(file, self.wfile)

    def end_headers(self):
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format, *args):
        pass  # the browser shows what fails


def file_at(folder: Path, target: str) -> Path | None:
    """The file that a request asks for; None unless it is in the folder, of a known type, and behind no link.

    Args:
        folder: The folder.
        target: The path of the request, with what follows "?".

    Example:
        >>> file_at(Path("docs"), "/../README.md") is None
        True
    """
    parts = unquote(target.partition("?")[0]).split("/")
    if parts == ["", ""]:
        parts = ["", "index.html"]
    if parts[0] or any(not part or part.startswith(".") or set(part) & set("\\:\0") for part in parts[1:]):
        return None
    folder = folder.resolve()
    path = folder.joinpath(*parts[1:])
    if path.suffix not in TYPES or not path.is_file() or path.resolve() != path:
        return None
    return path
