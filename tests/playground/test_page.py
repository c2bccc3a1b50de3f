"""The page: its modules in Node.js, and the whole in Chromium, against Python."""

import json
import re
import shutil
import subprocess
import threading
import time
import warnings

import numpy as np
import pytest
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import playground
from keras_gan_zoo.encoders import Characters
from keras_gan_zoo.onnx_file import OnnxFile
from keras_gan_zoo.playground.runtime import FILES
from keras_gan_zoo.playground.site import PAGE
from tests import chromium, javascript
from tests.chromium import draw_a_line, seen
from tests.javascript import assert_pixels, npm, with_larger_weights
from tests.texts import ODD, text_gan


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_modules_compute_what_python_computes(tmp_path):
    texts = [*kgz.data.load("peeps")[:100].texts(), *ODD]
    script = f"""
        import {{ between, moved, noise }} from {json.dumps((PAGE / "noise.mjs").as_uri())};
        import {{ encode }} from {json.dumps((PAGE / "texts.mjs").as_uri())};
        const rows = noise(7, 3, 10), [a, b, c] = rows;
        const near = noise(7, 3, 10, 0.5), others = [0, 0.25, 1].map((t) => between(a, b, t));
        const lines = {{ rows, near, others, line: [between(a, a, 0.5)], moved: [moved(a, [b, c], [0.5, -2])] }};
        const plain = Object.entries(lines).map(([name, all]) => [name, all.map((row) => [...row])]);
        const vectors = {json.dumps(texts)}.map((text) => [...encode(text, 512)]);
        console.log(JSON.stringify({{ ...Object.fromEntries(plain), vectors }}));
    """
    (tmp_path / "script.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(["node", tmp_path / "script.mjs"], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    found = {name: np.array(rows) for name, rows in json.loads(done.stdout).items()}
    a, b, c = rows = javascript.noise(7, 3, 10)
    np.testing.assert_allclose(found["rows"], rows, rtol=1e-6)
    within = abs(rows) <= 0.5
    assert 0 < within.sum() < 30
    np.testing.assert_array_equal(found["near"][within], found["rows"][within])
    assert abs(found["near"]).max() <= 0.5
    assert len(np.unique(found["near"])) == 30
    np.testing.assert_allclose(
        found["others"], kgz.latent.interpolate(a, b, 5, spherical=True)[[0, 1, 4]], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(found["line"][0], a, rtol=1e-6)
    np.testing.assert_allclose(found["moved"][0], (a + 0.5 * b - 2 * c) / np.sqrt(5.25), rtol=1e-5)
    np.testing.assert_allclose(found["vectors"], Characters().encode(texts), atol=1e-7)


def test_the_page_names_nothing_from_elsewhere():
    for path in PAGE.iterdir():
        assert not re.search(r"(https?:)?//[\w.-]+\.\w", path.read_text(encoding="utf-8")), path.name


# ------------------------------------------------------------------------------------------------------- in Chromium

DONE = "document.querySelector('main')?.ariaBusy == 'false'"
ERROR = "document.querySelector('#error').hidden ? '' : document.querySelector('#error').textContent"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The playground of three tiny models, with the runtime that its users install."""
    monkeypatch.chdir(tmp_path)
    npm("pack", "onnxruntime-web@1.30.0")
    [archive] = tmp_path.glob("onnxruntime-web-*.tgz")
    parts = [f"package/dist/{name}" for name in FILES]
    subprocess.run(["tar", "-xzf", archive, "--strip-components=2", *parts], check=True)
    pets = with_larger_weights(kgz.GAN.for_images((8, 8, 3), latent_dim=4, class_names=["cat", "dog", "owl"], seed=0))
    pets.save("pets.keras")
    text_gan().save("faces.keras")
    options = {"source_shape": (16, 16, 1), "width": 4, "depth": 2, "receptive_field": 1, "seed": 0}
    with_larger_weights(kgz.Pix2Pix.for_images((16, 16, 3), **options)).save("colours.keras")
    folder = playground.write(["pets.keras", "faces.keras", "colours.keras"], "site", runtime=tmp_path)
    with playground.Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def enter(page, **values):
    """Types, moves and chooses, as a user does; then waits for the result."""
    for name, value in values.items():
        control = f"document.querySelector('#{name.replace('_', '-')}')"
        page.run(f"Object.assign({control}, {{value: {json.dumps(value)}}})")
        for event in ("input", "change"):
            page.run(f"{control}.dispatchEvent(new Event('{event}', {{bubbles: true}}))")
    page.wait_for(DONE)
    assert page.run(ERROR) == ""


def grid(images, columns):
    """Images as the page shows them."""
    _, height, width, channels = images.shape
    return images.reshape(-1, columns, height, width, channels).swapaxes(1, 2).reshape(1, -1, columns * width, channels)


def fits(page, width):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
    return page.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
@pytest.mark.skipif(chromium.EXECUTABLE is None, reason="Chromium is not installed")
def test_the_page_makes_what_python_makes(server, tmp_path):
    models = {path.stem: OnnxFile(path) for path in (server.folder / "models").iterdir()}
    pets, faces = models["pets"], models["faces"]
    gan = kgz.load("pets.keras")
    with chromium.Page(server.url) as page:
        page.wait_for(DONE)
        assert page.run("[...document.querySelectorAll('#class option')].map((one) => one.text)") == [
            "cat",
            "dog",
            "owl",
        ]
        assert page.run("document.querySelector('#text').checkVisibility()") is False
        first, last = (javascript.noise(seed, 4, 4) for seed in (5, 6))
        enter(page, seed=5, end_seed=5, count=4, **{"class": 1, "end_class": 2})
        assert_pixels(seen(page, "picture"), grid(pets.sample_from(first, "dog"), 2))
        enter(page, position=0.25)
        morph = np.stack([kgz.latent.class_morph(gan, "dog", "owl", 5, row[None])[0] for row in first])
        assert_pixels(seen(page, "picture"), grid(morph[:, 1], 2))
        enter(page, end_seed=6, end_class=1, position=0.5)
        ways = np.stack([kgz.latent.interpolate(*ends, 9, spherical=True) for ends in zip(first, last, strict=True)])
        assert_pixels(seen(page, "picture"), grid(pets.sample_from(ways[:, 4], "dog"), 2))
        assert_pixels(seen(page, "strip"), grid(pets.sample_from(ways[0], "dog"), 9))
        enter(page, position=0)
        page.run("""{
            const slider = Object.assign(document.querySelector("#directions input"), {value: 1.5});
            slider.dispatchEvent(new Event("input", {bubbles: true}));
        }""")
        page.wait_for(DONE)
        moved = (first + 1.5 * javascript.noise(2**31, 1, 4)) / np.sqrt(1 + 1.5**2)
        assert_pixels(seen(page, "picture"), grid(pets.sample_from(moved, "dog"), 2))
        page.run("document.querySelector('#reset').click()")
        enter(page, truncation=0.5, seed=5)
        assert abs(seen(page, "picture").astype(int) - kgz.pictures.to_uint8(grid(morph[:, 0], 2))).max() > 10
        enter(page, truncation=3)
        page.run("document.querySelector('#play').click()")
        page.wait_for("document.querySelector('#position').valueAsNumber > 0.1")
        page.run("document.querySelector('#play').click()")
        page.wait_for(DONE)
        at = page.run("document.querySelector('#position').valueAsNumber")
        time.sleep(0.2)
        assert page.run("document.querySelector('#position').valueAsNumber") == at  # it has stopped

        downloads = tmp_path / "downloads"
        page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        page.run("document.querySelector('#save').click()")
        page.run("document.querySelector('#download').click()")
        until(lambda: (downloads / "pets.png").exists() and (downloads / "pets.onnx").exists())
        np.testing.assert_array_equal(
            np.asarray(Image.open(downloads / "pets.png"))[None, ..., :3], seen(page, "picture")
        )
        assert (downloads / "pets.onnx").read_bytes() == (server.folder / "models" / "pets.onnx").read_bytes()
        page.run("Object.assign(document.querySelector('#seed'), {value: -1}).oninput()")
        assert "a seed is a whole number" in page.wait_for(ERROR)

        enter(page, seed=5, model="faces")
        noise = javascript.noise(5, 1, 8)
        enter(page, count=1, end_seed=5, position=0, text="long green hair, a purple hat", end_text="a blue face")
        assert page.run("document.querySelector('#unknown').textContent") == "No caption of training has: purple. "
        with warnings.catch_warnings(action="ignore"):
            expected = kgz.latent.text_morph(faces, "long green hair, a purple hat", "a blue face", 3, noise)[0]
        assert_pixels(seen(page, "picture"), expected[:1])
        enter(page, position=0.5)
        assert_pixels(seen(page, "picture"), expected[1:2])
        enter(page, position=1)
        assert_pixels(seen(page, "picture"), expected[2:])
        assert fits(page, 390)
        (tmp_path / "phone.png").write_bytes(page.screenshot())
        assert fits(page, 1280)

        enter(page, model="colours")
        assert page.run("document.querySelector('#seed').checkVisibility()") is False
        draw_a_line(page)
        page.wait_for(DONE)
        drawn = seen(page, "source")[..., :1]
        assert drawn[0, 7:9, 4:12].max() < 200
        assert_pixels(seen(page, "picture"), models["colours"].translate(drawn))
        assert fits(page, 390)
        (server.folder / "models" / "pets.onnx").write_bytes(b"no model")
        page.run("Object.assign(document.querySelector('#model'), {value: 'pets'}).dispatchEvent(new Event('change'))")
        assert "This model cannot be run." in page.wait_for(ERROR)


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
