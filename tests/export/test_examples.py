"""The examples in export/, as their READMEs run them, against Keras."""

import functools
import http.server
import json
import re
import runpy
import shutil
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.encoders import Characters
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.pictures import to_uint8
from tests import chromium, javascript
from tests.chromium import draw_a_line, seen
from tests.javascript import assert_pixels, npm, run, with_larger_weights
from tests.texts import ODD, WORDS, letters, text_gan

EXAMPLES = Path(__file__).parents[2] / "export"
N, LABELS, SEED = 50, np.resize([3, 8], 50), 1  # what the READMEs ask for

# Runs an example as a script, where neither Keras nor this package can be imported; then keeps what it computes.
DRIVER = """
import json, runpy, sys
sys.modules["keras"] = sys.modules["keras_gan_zoo"] = None
labels, sys.argv = json.loads(sys.argv[1]), sys.argv[2:]
example = runpy.run_path(sys.argv[0], run_name="__main__")
import numpy
numpy.save("images.npy", example["sample"](sys.argv[1], 50, labels, 1))
try:
    example["sample"]("none")
except SystemExit as refused:
    print(refused)
print(*{name.split(".")[0] for name, module in sys.modules.items() if module is not None})
"""


def commands(example):
    block = re.search(r"```bash\n(.*?)```", (EXAMPLES / example / "README.md").read_text(), flags=re.S)[1]
    return [re.sub(r" {2,}#.*", "", line) for line in block.splitlines()]


def command(example, start):
    [line] = [line for line in commands(example) if line.startswith(start)]
    return line.split()


@pytest.fixture(scope="module")
def gan():
    gan = kgz.DCGAN.for_images((28, 28, 1), num_classes=10, width=8, seed=0)
    for weight in gan.generator.trainable_variables:  # those of the start make images that hardly differ
        weight.assign(np.random.default_rng(1).normal(0, 0.3, weight.shape))
    return gan


@pytest.fixture
def example(gan, tmp_path, monkeypatch):
    """A copy of an example, with the model that its README exports from a run."""

    def prepare(name):
        ignored = shutil.ignore_patterns("node_modules", "generator*", "ort*")
        shutil.copytree(EXAMPLES / name, tmp_path, dirs_exist_ok=True, ignore=ignored)
        (tmp_path / "runs" / "dcgan_digits_2").mkdir(parents=True)
        gan.save(tmp_path / "runs" / "dcgan_digits_2" / "gan.keras")
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(main, command(name, "gan-zoo")[1:])
        assert done.exit_code == 0, done.output
        return tmp_path

    yield prepare
    shutil.rmtree(tmp_path / "node_modules", ignore_errors=True)  # 300 MB, which pytest would keep


def cut(path, columns=10, side=28):
    """The images of a grid."""
    sheet = np.asarray(Image.open(path))
    return sheet.reshape(-1, side, columns, side).swapaxes(1, 2).reshape(-1, side, side, 1)


def noise_of(name):
    if name == "saved_model":
        return tf.random.stateless_normal((N, 100), [SEED, 0], alg="philox").numpy()
    return np.random.default_rng(SEED).standard_normal((N, 100), dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "labels"),
    [("onnxruntime", ["3", "8"]), pytest.param("saved_model", [3, 8], marks=pytest.mark.slow), ("litert", [3, 8])],
)
def test_python_examples_make_what_keras_makes_without_keras(gan, example, name, labels):
    place = example(name)
    [python, *script] = command(name, "python sample.py")
    assert python == "python"
    done = run(sys.executable, "-c", DRIVER, json.dumps(labels), *script)
    assert done.returncode == 0, done.stderr
    expected = gan.generator([noise_of(name), LABELS], training=False).numpy()
    np.testing.assert_allclose(np.load(place / "images.npy"), expected, atol=1e-5)
    assert_pixels(cut(place / "images.png"), expected)
    written, refused, *imported = done.stdout.split("\n")
    assert written == "images.png"
    assert re.fullmatch("(Not an? .* model|No such file|Not a SavedModel): none.*", refused)
    imported = set(imported[0].split())
    assert not imported & {"keras", "keras_gan_zoo"}
    assert name == "saved_model" or "tensorflow" not in imported


def test_the_example_for_onnx_takes_names_and_pixels_and_refuses_in_one_line(tmp_path, monkeypatch):
    model, pixels, broken = tmp_path / "g.onnx", tmp_path / "u.onnx", tmp_path / "b.onnx"
    gan = kgz.GAN.for_images((8, 8, 3), latent_dim=4, class_names=["dog", "cat"], seed=0)
    gan.export(model)
    gan.export(pixels, uint8=True)
    broken.write_bytes(b"no model")
    monkeypatch.chdir(tmp_path)

    def sample(*arguments):
        monkeypatch.setattr(sys, "argv", ["sample.py", *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / "onnxruntime" / "sample.py"), run_name="__main__")

    for path in (model, pixels):
        sample(path, "-n", 3, "--labels", "cat", "--seed", 2, "--columns", 3)
        actual = np.asarray(Image.open("images.png")).reshape(8, 3, 8, 3).swapaxes(0, 1)
        assert abs(actual.astype(int) - to_uint8(gan.sample(3, labels="cat", seed=2))).max() <= 1
    for arguments, message in (
        ([model, "--labels", "cow"], "No such class: 'cow'. There are 0, 1, dog, cat."),
        ([tmp_path / "none.onnx"], "No such file: "),
        ([broken], "Not an ONNX model: "),
    ):
        with pytest.raises(SystemExit) as refused:
            sample(*arguments)
        assert str(refused.value).startswith(message)
        assert "\n" not in str(refused.value)


def test_the_examples_in_python_take_texts_or_their_vectors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gan = text_gan()
    gan.export("g.onnx")
    gan.export("g.tflite")
    text = "a red hat, long purple hair"
    np.save("vectors.npy", Characters().encode([text]))

    def sample(name, *arguments):
        monkeypatch.setattr(sys, "argv", ["sample.py", *map(str, arguments), "--seed", "2", "--columns", "3"])
        return runpy.run_path(str(EXAMPLES / name / "sample.py"), run_name="__main__")

    with warnings.catch_warnings(action="ignore"):
        expected = to_uint8(gan.sample(3, text=text, seed=2))
    for name, *arguments in (
        ("onnxruntime", "g.onnx", "--text", text),
        ("litert", "g.tflite", "--conditions", "vectors.npy"),
    ):
        code = sample(name, *arguments, "-n", 3)
        actual = np.asarray(Image.open("images.png")).reshape(16, 3, 16, 3).swapaxes(0, 1)
        assert abs(actual.astype(int) - expected).max() <= 1
        with pytest.raises(SystemExit, match=r"--text has no known words: it is empty|takes conditions: "):
            sample(name, arguments[0])
        if name == "onnxruntime":
            assert "No caption of training has: purple" in capsys.readouterr().err
            encoded = np.stack([code["encode"](text) for text in ODD])
            np.testing.assert_allclose(encoded, Characters().encode(ODD), atol=1e-7)
    with pytest.raises(SystemExit, match="no known words: ein, hut"):
        sample("onnxruntime", "g.onnx", "--text", "ein Hut")


# --------------------------------------------------------------------------------------------------------- Node.js


@pytest.mark.slow
def test_the_example_for_node_makes_what_onnx_runtime_makes_in_python(example):
    place = example("node")
    npm(*command("node", "npm")[1:])
    done = run(*command("node", "node"))
    assert done.returncode == 0, done.stderr
    noise = javascript.noise(SEED, N, 100)
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - 1) < 0.05
    assert_pixels(cut(place / "images.png"), OnnxFile("generator.onnx").sample_from(noise, LABELS))
    kgz.GAN.for_images((28, 28, 3), latent_dim=4, seed=0).export("colour.onnx", uint8=True)
    assert run("node", "sample.mjs", "colour.onnx", "-n", "1", "--seed", "1", "--columns", "1").returncode == 0
    colour = OnnxFile("colour.onnx").sample_from(noise[:1, :4])[0]
    assert abs(np.asarray(Image.open("images.png")).astype(int) - colour).max() <= 1
    text_gan().export("texts.onnx")
    one = ["-n", "1", "--seed", "1", "--columns", "1"]
    done = run("node", "sample.mjs", "texts.onnx", *one, "--text", "a red hat, purple")
    assert (done.returncode, done.stderr) == (0, "Warning: no caption of training has: purple\n")
    with warnings.catch_warnings(action="ignore"):
        described = OnnxFile("texts.onnx").sample_from(noise[:1, :8], text="a red hat, purple")
    assert_pixels(np.asarray(Image.open("images.png"))[None], described)
    assert "no known words: ein, hut" in run("node", "sample.mjs", "texts.onnx", "--text", "ein Hut").stderr
    (place / "broken.onnx").write_bytes(b"\xff" * 20)
    for arguments in (["none.onnx"], ["broken.onnx"], ["sample.mjs"], ["generator.onnx", "--labels", "cow"], []):
        done = run("node", "sample.mjs", *arguments)
        assert done.returncode == 1
        assert re.fullmatch("Error: .*\n", done.stderr)


# ------------------------------------------------------------------------------------------------------- a browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """What `python -m http.server` does, on a free port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


PICTURE = "[...picture.getContext('2d').getImageData(0, 0, picture.width, picture.height).data]"
STATUS = "document.querySelector('#status')?.textContent"
IDLE = "document.readyState == 'complete' && globalThis.state?.end && picture.width > 1"


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def picture(page, side=28):
    rgba = np.array(page.run(PICTURE), np.uint8).reshape(1, side, side, 4)
    assert (rgba[..., 3] == 255).all()
    return rgba[..., :3]


def grey_picture(page):
    rgb = picture(page)
    assert (rgb[..., :2] == rgb[..., 1:]).all()
    return rgb[..., :1]


@pytest.mark.slow
@pytest.mark.skipif(chromium.EXECUTABLE is None, reason="Chromium is not installed")
def test_the_page_makes_what_onnx_runtime_makes_in_python(example, server):
    place = example("browser")
    with chromium.Page(server) as page:  # before the runtime has been copied
        assert "see the README" in page.wait_for(f"{STATUS}?.includes('README') && {STATUS}")
    npm(*command("browser", "npm")[1:])
    assert run(*command("browser", "tar")).returncode == 0
    start, end = np.random.default_rng(SEED).standard_normal((2, 100)).astype(np.float32)
    generator = OnnxFile("generator.onnx")
    with chromium.Page(server) as page:
        page.wait_for(IDLE)
        assert page.run("document.querySelectorAll('#class option').length") == 10
        page.run(f"state.start = Float32Array.from({start.tolist()}); state.end = Float32Array.from({end.tolist()});")
        page.run("document.querySelector('#class').value = 3; draw()")
        assert_pixels(grey_picture(page), generator.sample_from(start[None], 3))
        page.run("document.querySelector('#walk').value = 0.5; draw()")
        assert_pixels(grey_picture(page), generator.sample_from((start + end)[None] / np.sqrt(2), 3))
        slider = "Object.assign(document.querySelector('#directions input'), {value: 0.5})"
        page.run(f"{slider}.dispatchEvent(new Event('input', {{bubbles: true}})); draw()")
        direction = np.array(page.run("[...state.directions[0]]"), np.float32)
        noise = ((start + end) / np.sqrt(2) + 0.5 * direction) / np.sqrt(1.25)
        assert_pixels(grey_picture(page), generator.sample_from(noise[None], 3))
        page.run("document.querySelector('#new').click(); draw()")
        start = np.array(page.run("[...state.start]"), np.float32)
        assert_pixels(grey_picture(page), generator.sample_from(start[None], 3))
        page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(place / "downloads"))
        page.run("document.querySelector('#save').click()")
        until(lambda: (place / "downloads" / "image.png").exists())
        downloaded = np.asarray(Image.open(place / "downloads" / "image.png"))
        np.testing.assert_array_equal(downloaded[..., :1], grey_picture(page)[0])
        (place / "page.png").write_bytes(page.screenshot())
    (place / "generator.onnx").write_bytes(b"no model")
    with chromium.Page(server) as page:
        assert "choose a model" in page.wait_for(f"{STATUS}?.includes('choose') && {STATUS}")


@pytest.mark.slow
@pytest.mark.skipif(chromium.EXECUTABLE is None, reason="Chromium is not installed")
def test_the_page_makes_what_python_makes_of_the_same_text(server, tmp_path, monkeypatch):
    shutil.copy(EXAMPLES / "browser" / "index.html", tmp_path)
    monkeypatch.chdir(tmp_path)
    npm(*command("browser", "npm")[1:])
    assert run(*command("browser", "tar")).returncode == 0
    gan = text_gan()
    gan.export("generator.onnx")
    [noise] = kgz.latent.truncated_noise(1, 8, seed=SEED)

    def write(page, text):
        typed = f"Object.assign(document.querySelector('#text'), {{value: {json.dumps(text)}}})"
        page.run(f"{typed}.dispatchEvent(new Event('input', {{bubbles: true}})); draw()")
        return page.run("document.querySelector('#unknown').textContent")

    with chromium.Page(server) as page:
        page.wait_for(IDLE)
        assert page.run("document.querySelector('#known').textContent") == ", ".join(WORDS)
        assert page.run("document.querySelector('#classes').hidden && !document.querySelector('#texts').hidden")
        page.run(f"state.start = Float32Array.from({noise.tolist()}); draw()")
        seen = {}
        for text, said in (
            ("long green hair, a red hat", ""),
            ("Long RED hair; a green hat", ""),
            ("a face with purple hair", "No caption of training has: purple. "),
        ):
            assert write(page, text) == said
            seen[text] = picture(page, 16)
            with warnings.catch_warnings(action="ignore"):
                assert_pixels(seen[text], gan.sample(1, text=text, seed=SEED))
        first, second, third = seen.values()
        assert abs(first.astype(int) - second).max() > 30  # which word belongs to which
        assert abs(first.astype(int) - third).max() > 30
        assert write(page, "ein Hut") == "No caption of training has: ein, hut. The image stays."
        np.testing.assert_array_equal(picture(page, 16), third)
        assert write(page, " ") == "Describe an image."
        (tmp_path / "page.png").write_bytes(page.screenshot())
    text_gan(encoder=letters).export("generator.onnx")
    with chromium.Page(server) as page:
        assert "those of letters, which this page" in page.wait_for(f"{STATUS}?.includes('conditions') && {STATUS}")


TIMES = "\N{MULTIPLICATION SIGN}"
TRANSLATED = "document.readyState == 'complete' && !document.querySelector('#pictures').hidden && picture.width > 1"


def choose(page, path):
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="#photo")["nodeId"]
    page.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)


def drop(page, path):
    script = """{
        const data = new DataTransfer(), bytes = Uint8Array.from(%s);
        data.items.add(new File([bytes], "photo.png", {type: "image/png"}));
        document.dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true}));
    }"""
    page.run(script % list(path.read_bytes()))


def photo(path, *shape):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).save(path)
    return path


@pytest.mark.slow
@pytest.mark.skipif(chromium.EXECUTABLE is None, reason="Chromium is not installed")
def test_the_page_translates_files_and_drawings_as_python_does(server, tmp_path, monkeypatch):
    shutil.copy(EXAMPLES / "browser" / "index.html", tmp_path)
    monkeypatch.chdir(tmp_path)
    npm(*command("browser", "npm")[1:])
    assert run(*command("browser", "tar")).returncode == 0
    options = {"source_shape": (16, 16, 1), "width": 4, "depth": 2, "receptive_field": 1, "seed": 0}
    with_larger_weights(kgz.Pix2Pix.for_images((16, 16, 3), **options)).export("generator.onnx")
    small, odd = photo(tmp_path / "small.png", 12, 20, 3), photo(tmp_path / "odd.png", 10, 30, 3)
    with Image.open(small) as image:
        grey = np.asarray(image.convert("L"))[None, ..., None]

    def assert_translated(page):
        """What is seen is what Python makes of the picture that is seen beside it."""
        page.run("draw()")
        levels = np.asarray(Image.fromarray(seen(page, "source")[0]).convert("L"))[None, ..., None]
        assert_pixels(seen(page, "picture"), OnnxFile("generator.onnx").translate(levels))
        return levels

    with chromium.Page(server) as page:
        page.wait_for(TRANSLATED)
        assert page.run("[...document.querySelectorAll('.noise')].every((part) => part.hidden)")
        assert (seen(page, "source") == 255).all()
        choose(page, small)
        page.wait_for("source.width == 20")
        np.testing.assert_array_equal(assert_translated(page), grey)
        drop(page, odd)
        said = page.wait_for("source.width == 32 && document.querySelector('#sizes').textContent")
        assert said.replace(TIMES, "x") == "Resized from 10 x 30 to 12 x 32 pixels, as the model needs it."
        assert_translated(page)
        page.run("document.querySelector('#clear').click()")
        draw_a_line(page)
        drawn = assert_translated(page)[0, ..., 0]
        assert drawn.shape == (16, 16)
        assert drawn[7:9, 4:12].max() < 200  # of ink
        assert drawn[[0, -1]].min() == 255
        (tmp_path / "page.png").write_bytes(page.screenshot())
        drop(page, tmp_path / "generator.onnx")
        assert "This picture cannot be translated" in page.wait_for(f"{STATUS}?.includes('cannot') && {STATUS}")
    painter = {"width": 2, "bottleneck_units": 4, "seed": 0}
    with_larger_weights(kgz.ContextEncoder.for_images((8, 12, 3), **painter)).export("generator.onnx")
    with chromium.Page(server) as page:
        page.wait_for(TRANSLATED)
        choose(page, small)
        said = page.wait_for("document.querySelector('#sizes').textContent.includes('Resized') && sizes.textContent")
        assert said.replace(TIMES, "x") == "Resized from 12 x 20 to 8 x 12 pixels, as the model needs it."
        page.run("draw()")
        assert_pixels(seen(page, "picture"), OnnxFile("generator.onnx").translate(seen(page, "source")))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize("file", ["browser/index.html", "node/sample.mjs"])
def test_vectors_of_texts_are_the_same_in_javascript(file):
    """Of captions, and of odd texts."""
    texts = [*kgz.data.load("peeps")[:300].texts(), *ODD]
    [code] = re.findall(r"(?s)( *function clauses.*?\n)\s*/\*\* (?:Takes|Standard)", (EXAMPLES / file).read_text())
    script = f"{code}; console.log(JSON.stringify({json.dumps(texts)}.map((text) => [...encode(text)])))"
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), Characters().encode(texts), atol=1e-7)
