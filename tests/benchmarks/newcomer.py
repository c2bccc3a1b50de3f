"""A newcomer's clock: from nothing to samples, to a trained model, to the browser. python -m tests.benchmarks.newcomer

In an empty folder, with an environment of its own and the README's commands. Packages come from where pip and npm find
them, so that the first row depends on the network. The last row needs Node.js and Chromium, and is left out otherwise.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import chromium
from tests.benchmarks.attributes import markdown
from tests.helpers import ROOT

DONE = "document.querySelector('main')?.ariaBusy == 'false'"
PROGRAM = Path(".venv", "bin", "gan-zoo")
STEPS = {  # in this order
    "pip install": lambda: run(Path(".venv", "bin", "pip"), "install", "--quiet", ROOT),
    "samples of a preset": lambda: run(PROGRAM, "sample", "dcgan_fashion_mnist", "-o", "garments.png"),
    "a model of one's own, trained": lambda: run(PROGRAM, "train", "dcgan", "--data", "digits"),
    "its ONNX file": lambda: run(PROGRAM, "export", "runs/dcgan_digits", "-o", "digits.onnx"),
}


def run(*command) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def open_in_browser() -> None:
    """Installs the runtime, serves the page, and waits until it shows samples."""
    run("npm", "install", "--silent", "--no-audit", "--no-fund", "onnxruntime-web")
    command = [str(PROGRAM), "play", "digits.onnx", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as server:
        try:
            address = next(match[0] for line in server.stdout if (match := re.search(r"http://\S+", line)))
            with chromium.Page(address) as page:
                page.wait_for(DONE)
        finally:
            server.terminate()


def main():
    steps = dict(STEPS)
    if shutil.which("npm") and chromium.EXECUTABLE:
        steps["the file in the browser"] = open_in_browser
    rows, total = [], 0.0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        run(sys.executable, "-m", "venv", ".venv")
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            took = time.perf_counter() - start
            total += took
            rows.append([name, f"{took:.0f} s", f"{total:.0f} s"])
    print(markdown(["", "takes", "since the start"], rows))


if __name__ == "__main__":
    main()
