"""A page in headless Chromium, by its DevTools protocol through a pipe: nothing to install but Chromium itself."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-pipe --window-size=1040,900"
)
PIXELS = "[...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
# Chromium reads commands from the descriptor 3 and writes answers to 4.
WITH_PIPES = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reads, 3), os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A page that is open; as a context manager it closes the browser again.

    Args:
        address: What to open.

    Example:
        ```python
        with Page("http://localhost:8000") as page:
            page.wait_for("document.title")
        ```
    """

    def __init__(self, address: str):
        self._address, self._count = address, 0

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (reads, self._to), (self._from, writes) = os.pipe(), os.pipe()
        command = [EXECUTABLE, *FLAGS.split(), f"--user-data-dir={self._folder.name}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", WITH_PIPES, str(reads), str(writes), *command],
            pass_fds=(reads, writes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(reads)
        os.close(writes)
        self._answers, self._session = os.fdopen(self._from, "rb"), {}
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        self.call("Page.navigate", url=self._address)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._to)
        self._answers.close()
        self._folder.cleanup()

    def call(self, method: str, **params) -> dict:
        """One command of the protocol and its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _read(self) -> bytes:
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "Chromium has ended."
            message += byte
        return bytes(message)

    def run(self, script: str):
        """The value of an expression in the page, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 20):
        """The value of an expression as soon as it is one that counts as true."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"{script} is still {value!r}"
            time.sleep(0.05)
        return value

    def screenshot(self) -> bytes:
        """What is seen, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])


def seen(page, canvas):
    """The colours of a canvas, (1, height, width, 3)."""
    sides = page.run(f"[{canvas}.height, {canvas}.width]")
    rgba = np.array(page.run(PIXELS.replace("canvas", canvas)), np.uint8).reshape(1, *sides, 4)
    assert (rgba[..., 3] == 255).all()
    return rgba[..., :3]


def draw_a_line(page):
    """Across the middle of the picture, from left to right."""
    left, top, width, height = page.run(
        "(({x, y, width, height}) => [x, y, width, height])(source.getBoundingClientRect())"
    )
    for kind, x in (("mousePressed", 0.2), ("mouseMoved", 0.8), ("mouseReleased", 0.8)):
        place = {"x": left + x * width, "y": top + height / 2}
        page.call("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **place)
