"""The table of export/README.md: milliseconds per image in each runtime, one at a time and 64 at once.

    python -m tests.benchmarks.exported            about a minute; leave the machine alone meanwhile

The model is a conditional DCGAN for images (28, 28, 1) in its default width. Each time is the median of 30 calls, after
5 that do not count, on all cores; the browser uses one. Node.js and Chromium are left out where they are missing.
"""

import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_gan_zoo as kgz
from tests import chromium

EXAMPLES = Path(__file__).parents[2] / "export"
WEB = "onnxruntime-web@1.30.0"
SIZES = (1, 64)
MEASURE = """
async (ort) => {
  const session = await ort.InferenceSession.create("generator.onnx");
  const medians = [];
  for (const n of [1, 64]) {
    const times = [];
    for (let i = 0; i < 35; i++) {
      const noise = new ort.Tensor("float32", Float32Array.from({ length: n * 100 }, Math.random), [n, 100]);
      const labels = new ort.Tensor("int32", new Int32Array(n), [n]);
      const begin = performance.now();
      await session.run({ noise, labels });
      if (i >= 5) times.push(performance.now() - begin);
    }
    medians.push(times.sort((a, b) => a - b)[15] / n);
  }
  return medians;
}
"""


def in_python(run):
    """Milliseconds per image for each of `SIZES`."""
    medians = []
    for n in SIZES:
        feed = {"noise": np.random.default_rng(0).standard_normal((n, 100), dtype=np.float32)}
        feed["labels"] = np.zeros(n, np.int32)
        times = []
        for _ in range(35):
            begin = time.perf_counter()
            run(feed)
            times.append(time.perf_counter() - begin)
        medians.append(1000 * float(np.median(times[5:])) / n)
    return medians


def in_node():
    shutil.copy(EXAMPLES / "node" / "package.json", ".")
    shutil.copy(EXAMPLES / "node" / "package-lock.json", ".")
    subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], check=True)
    script = f'import * as ort from "onnxruntime-node"; console.log(JSON.stringify(await ({MEASURE})(ort)));'
    Path("measure.mjs").write_text(script, encoding="utf-8")
    return json.loads(subprocess.run(["node", "measure.mjs"], check=True, capture_output=True).stdout)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def in_browser():
    archive = subprocess.run(
        ["npm", "pack", WEB, "--silent"], check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()
    subprocess.run(["tar", "-xzf", archive, "--strip-components=2", "package/dist"], check=True)
    Path("index.html").write_text("<title>Measure</title>", encoding="utf-8")
    handler = functools.partial(Quiet, directory=Path.cwd())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with chromium.Page(f"http://127.0.0.1:{server.server_port}") as page:
            page.wait_for("document.title == 'Measure'")
            imported = "const ort = await import('/ort.wasm.bundle.min.mjs'); ort.env.wasm.numThreads = 1;"
            medians = page.run(f"(async () => {{ {imported} return await ({MEASURE})(ort); }})()")
            product = page.call("Browser.getVersion")["product"].removeprefix("Headless").replace("/", " ")
        server.shutdown()
    return medians, product


def row(format, runtime, path, medians):
    size = sum(part.stat().st_size for part in (Path(path), *Path(path).rglob("*")) if part.is_file())
    one, many = medians
    print(f"| {format} | {runtime} | {size / 1e6:.1f} MB | {one:.2f} | {many:.2f} |", flush=True)


def main():
    gan = kgz.DCGAN.for_images((28, 28, 1), num_classes=10, seed=0)
    for path in ("generator.onnx", "generator", "generator.tflite"):
        gan.export(path)
    print("| format | runtime | size | ms, one by one | ms, 64 at once |\n|---|---|---|---|---|")
    session = onnxruntime.InferenceSession("generator.onnx", providers=["CPUExecutionProvider"])
    row("ONNX", f"onnxruntime {version('onnxruntime')}", "generator.onnx", in_python(lambda f: session.run(None, f)))
    if shutil.which("npm"):
        node = subprocess.run(["node", "--version"], capture_output=True, encoding="utf-8").stdout.strip()
        pinned = json.loads((EXAMPLES / "node" / "package.json").read_text(encoding="utf-8"))["dependencies"][
            "onnxruntime-node"
        ]
        row("ONNX", f"onnxruntime-node {pinned}, Node.js {node}", "generator.onnx", in_node())
    if shutil.which("npm") and chromium.EXECUTABLE:
        medians, product = in_browser()
        row("ONNX", f"{WEB}, {product}, one thread", "generator.onnx", medians)
    serve = tf.saved_model.load("generator").signatures["serving_default"]
    saved = in_python(lambda f: serve(**{name: tf.constant(value) for name, value in f.items()})["images"].numpy())
    row("SavedModel", f"tensorflow {version('tensorflow')}", "generator", saved)
    runner = Interpreter(model_path="generator.tflite", num_threads=os.cpu_count()).get_signature_runner()
    row("LiteRT", f"ai-edge-litert {version('ai-edge-litert')}", "generator.tflite", in_python(lambda f: runner(**f)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
        os.chdir("/")
