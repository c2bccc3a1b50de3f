"""What a new user does first: a notebook of the README, a pipeline of one's own, a folder of pictures to a file."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

import keras_gan_zoo as kgz
from tests import notebooks
from tests.helpers import ROOT, process, site_module

pytestmark = pytest.mark.slow

CLASSES = ("circles", "lines", "squares")
KINDS = [  # modes of Pillow, and suffixes of files that hold them
    ("L", "png"),
    ("L", "webp"),
    ("L", "tif"),
    ("RGB", "JPG"),
    ("RGB", "png"),
    ("RGBA", "png"),
    ("P", "gif"),
    ("LA", "png"),
    ("1", "bmp"),
    ("CMYK", "jpeg"),
    ("I;16", "png"),
]
CLUTTER = (
    ".DS_Store",
    ".ipynb_checkpoints/000-checkpoint.png",
    "__MACOSX/circles/._000.png",
    "circles/._000.png",
    "lines/Thumbs.db",
    "notes.txt",
)


# ------------------------------------------------------------------------------------------------------------ notebook


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The cells of the README's examples; at the end, the picture that they made is shown."""
    sources = site_module("notebooks")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.S)
    cells = [sources.code(block) for block in [*blocks, "import IPython; IPython.display.Image('grid.png')"]]
    return notebooks.executed(sources.notebook(cells), tmp_path_factory.mktemp("notebook"))


def test_a_notebook_of_the_readme_shows_a_picture(notebook):
    assert notebooks.pictures(notebook) == 1


def test_a_notebook_of_the_readme_says_nothing_of_the_start_of_tensorflow(notebook):
    assert "".join(notebooks.printed(cell, "stderr") for cell in notebook) == ""


def test_the_bars_in_a_notebook_of_the_readme_end_at_their_end(notebook):
    said = re.sub(r"\x1b\[[0-9;]*m|\x08", "", "".join(map(notebooks.printed, notebook)))
    steps = [(int(done), int(total)) for done, total in re.findall(r"(\d+)/(\d+) ━", said)]
    assert re.findall(r"Epoch (\d/\d)", said) == ["1/2", "2/2"]
    assert steps
    assert [step for step in steps if step[0] > step[1] or step[1] != 28] == []
    assert steps.count((28, 28)) >= 2
    assert not re.search(r" -\d+s", said)


# ------------------------------------------------------------------------------------------------------------ pipeline


class Logger(keras.callbacks.Callback):
    """Sends figures elsewhere as JSON, as the loggers of tracking services do."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(json.loads(json.dumps({"epoch": epoch, **{name: float(logs[name]) for name in logs}})))


def test_a_pipeline_of_ones_own_trains_as_the_data_set_does(tmp_path):
    digits = kgz.data.load("digits")

    def scaled(image, label):
        return tf.cast(image, tf.float32) / 127.5 - 1, label

    pipeline = tf.data.Dataset.from_tensor_slices((digits.examples, digits.labels)).map(scaled).batch(64)
    gan = kgz.DCGAN.for_images((16, 16, 1), class_names=digits.class_names, width=4, seed=0)
    gan.compile()
    logger, best = Logger(), tmp_path / "best.keras"
    pictures = kgz.callbacks.SamplePictures(tmp_path / "pictures")
    saving = keras.callbacks.ModelCheckpoint(best, monitor="d_loss", mode="min", save_best_only=True)
    history = gan.fit(pipeline, epochs=2, callbacks=[logger, pictures, saving], verbose=0)
    assert gan.steps_done == 2 * 29  # the last batch is smaller
    assert [row["d_loss"] for row in logger.rows] == history.history["d_loss"]
    assert np.isfinite(history.history["g_loss"]).all()
    assert (tmp_path / "pictures" / "epoch_0002.png").exists()
    again = keras.saving.load_model(best)
    assert again.sample(3, labels="7", seed=0).shape == (3, 16, 16, 1)
    assert set(gan.evaluate(pipeline, verbose=0, return_dict=True)) == {"d_loss", "g_loss"}


# -------------------------------------------------------------------------------------------------------------- folder


def mixed_pictures(folder, number):
    """Shapes in many sizes, modes and formats, some turned by a camera, among files that are no pictures."""
    rng = np.random.default_rng(0)
    for index in range(number):
        name, (mode, suffix) = CLASSES[index % len(CLASSES)], KINDS[index // len(CLASSES) % len(KINDS)]
        width, height = (int(side) for side in rng.integers(24, 120, 2))
        picture = Image.new("RGB", (width, height), tuple(rng.integers(0, 90, 3).tolist()))
        draw = ImageDraw.Draw(picture)
        shape = {"circles": draw.ellipse, "lines": draw.line, "squares": draw.rectangle}[name]
        shape(
            (width // 5, height // 5, 4 * width // 5, 4 * height // 5), fill=tuple(rng.integers(150, 256, 3).tolist())
        )
        if mode == "I;16":
            picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
        (folder / name).mkdir(parents=True, exist_ok=True)
        turned = Image.Exif()
        turned[0x0112] = 6
        exif = {"exif": turned} if suffix == "JPG" else {}
        picture.convert(mode).save(folder / name / f"{index:03d}.{suffix}", **exif)
    for name in CLUTTER:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\x00\x05\x16\x07")


def test_a_folder_of_mixed_pictures_becomes_a_file_that_runs_elsewhere(tmp_path):
    mixed_pictures(tmp_path / "photos", 300)
    zoo = ("-m", "keras_gan_zoo")
    options = ("--image-size", "16", "--conditional", "--width", "8", "--epochs", "12")
    trained = process(*zoo, "train", "dcgan", "--data", "photos", *options, cwd=tmp_path)
    assert trained.stderr == ""
    assert "photos: 300 images of shape (16, 16, 3), colour, uint8 from 0 to 255" in trained.stdout
    assert "\nclasses   3 of 100 examples each\n" in trained.stdout
    assert "notes.txt" in trained.stdout
    assert "\nsteps     4 per epoch x 12 epochs = 48; batches of 64\n" in trained.stdout
    assert "\nWarning:  Only 48 steps: " in trained.stdout
    assert re.search(r"^time      about .* left for \d+ steps", trained.stdout, flags=re.M)

    exported = process(*zoo, "export", "runs/dcgan_photos", "-o", "shapes.onnx", cwd=tmp_path)
    assert exported.stderr == ""
    program = ROOT / "export" / "onnxruntime" / "sample.py"
    process(program, "shapes.onnx", "-n", "6", "--labels", "squares", "--seed", "1", "-o", "shapes.png", cwd=tmp_path)
    with Image.open(tmp_path / "shapes.png") as picture:
        assert picture.mode == "RGB"
    file = kgz.onnx_file.OnnxFile(tmp_path / "shapes.onnx")
    samples = file.sample(6, labels="squares", seed=1)
    np.testing.assert_allclose(
        samples, kgz.load(tmp_path / "runs" / "dcgan_photos").sample(6, labels="squares", seed=1), atol=1e-5
    )
    assert file.class_names == CLASSES
