"""What docs/extending.md says of adding to this package: one of each, in a copy, by the files in its table alone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REGISTRY = "keras_gan_zoo/core/registry.py"

LOSS = """
@keras.saving.register_keras_serializable("keras_gan_zoo")
class Quartic(AdversarialLoss):
    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean((real_scores - 1) ** 4) + tf.reduce_mean(fake_scores**4)

    def generator_loss(self, fake_scores):
        return tf.reduce_mean((fake_scores - 1) ** 4)


LOSSES ="""

DIVERGENCE = '''
class LeCam(FDivergence):
    """The triangular discrimination."""

    domain = (-math.inf, 1.0)
    f = formula(lambda self, u: (u - 1) ** 2 / (u + 1))
    conjugate = formula(lambda self, t: 4 - tf.maximum(t, -3) - 4 * tf.sqrt(1 - tf.maximum(t, -3)))
    activation = formula(lambda self, v: 1 - tf.exp(-v))


F_DIVERGENCES:'''

NETWORKS = '''

def linear_pair(shape, latent_dim=100, num_classes=None, *, floor: float = 0.5, packing: int = 1, seed=None):
    """Two networks without a hidden layer.

    Args:
        shape: Shape of one example.
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels.
        floor: Offset at which the scores start.
        packing: Examples that the discriminator takes at once.
        seed: Fixes nothing here.
    """
    noise, labels = parts.generator_inputs(latent_dim, num_classes)
    x = parts.dense_examples(parts.with_label(noise, labels, num_classes), shape, keras.initializers.Ones())
    generator = parts.network(noise, labels, x, "generator")
    examples, labels = parts.discriminator_inputs(shape, num_classes, packing)
    x = parts.with_label(layers.Flatten()(examples), labels, num_classes)
    scores = layers.Dense(1, bias_initializer=keras.initializers.Constant(floor))(x)
    return generator, parts.network(examples, labels, scores, "discriminator")
'''

METRIC = '''"""How bright samples are."""

from keras_gan_zoo.metrics.result import Result


def of_sets(sets):
    return Result("brightness", {"value": float(sets.generated.pixels.mean())}, {"generated": len(sets.generated)})
'''

VARIANT = '''"""A GAN whose generator descends by a multiple of its loss."""

import keras

from keras_gan_zoo.models.gan import GAN


@keras.saving.register_keras_serializable("keras_gan_zoo")
class EagerGAN(GAN):
    """A GAN whose generator is eager.

    Args:
        generator: As of `GAN`.
        discriminator: As of `GAN`.
        eagerness: What the generator's loss is multiplied by.
    """

    def __init__(self, generator, discriminator, *, eagerness: float = 2.0, **options):
        super().__init__(generator, discriminator, **options)
        self.eagerness = eagerness

    def generator_loss(self, *arguments):
        return self.eagerness * super().generator_loss(*arguments)

    def get_config(self):
        return {**super().get_config(), "eagerness": self.eagerness}
'''

DATA = '''
def dots(size):
    """White squares on black ground."""
    images = np.zeros((24, 8, 8, 1), np.uint8)
    images[:, 2:6, 2:6] = 255
    return Dataset(images, name="dots")


EMBEDDED ='''

FORMAT = '''"""Weights alone."""

import numpy as np


def write(generator, path):
    """Of a network with one layer: its kernel and its offsets, and the shape of the examples."""
    with path.open("wb") as file:
        np.savez(file, *generator.network.get_weights(), shape=generator.example_shape)


def read(path, probes):
    stored = np.load(path)
    logits = [probe.feed["noise"] @ stored["arr_0"] + stored["arr_1"] for probe in probes]
    return [np.tanh(x / 2).reshape(-1, *stored["shape"]).astype(np.float32) for x in logits]
'''


def row(table: str, name: str, entry: str) -> tuple:
    return (REGISTRY, f"\n{table} = {{", f'\n{table} = {{\n    "{name}": {entry},')


# By the rows of the page: files that are changed, as (path, text, text in its place), and new files, as (path, text).
ADDITIONS = {
    "a loss": [
        ("keras_gan_zoo/losses.py", "\nLOSSES =", LOSS),
        row("LOSSES", "quartic", 'Row("losses:Quartic", "Nobody, 2099")'),
    ],
    "a divergence": [
        ("keras_gan_zoo/divergences/table.py", "\nF_DIVERGENCES:", DIVERGENCE),
        ("keras_gan_zoo/divergences/__init__.py", "    KL,\n", "    KL,\n    LeCam,\n"),
        row("F_DIVERGENCES", "le_cam", 'Row("divergences.table:LeCam")'),
    ],
    "networks": [
        ("keras_gan_zoo/networks/perceptrons.py", r"\Z", NETWORKS),
        ("keras_gan_zoo/networks/__init__.py", "import elu_pair,", "import elu_pair, linear_pair,"),
        row("ARCHITECTURES", "linear", 'Row("networks.perceptrons:linear_pair")'),
    ],
    "a metric": [
        ("keras_gan_zoo/metrics/brightness.py", METRIC),
        row("METRICS", "brightness", 'Metric("metrics.brightness:of_sets", better=HIGHER)'),
    ],
    "a variant": [
        ("keras_gan_zoo/models/eager_gan.py", VARIANT),
        row("VARIANTS", "eager_gan", 'Row("models.eager_gan:EagerGAN", "Nobody, 2099")'),
    ],
    "a data set": [
        ("keras_gan_zoo/data/embedded.py", "\nEMBEDDED =", DATA),
        row("DATA_SETS", "dots", 'DataSet("data.embedded:dots")'),
    ],
    "an export format": [
        ("keras_gan_zoo/export/weights.py", FORMAT),
        row("FORMATS", "weights", 'Format("export.weights:write", reader="export.weights:read", suffix=".weights")'),
    ],
    "a value of a recipe": [
        (
            "keras_gan_zoo/training/recipe.py",
            "(        retries: .*\n)((?:.*\n)*?)(    retries: .*\n)",
            r"        motto: What to say first, such as hello; None for nothing.\n\1\2    motto: str | None = None\n\3",
        ),
        (
            "keras_gan_zoo/training/build.py",
            "(    if recipe.deterministic:\n)",
            r"    if recipe.motto:\n        print(recipe.motto)\n\1",
        ),
    ],
}


def table_of_the_page() -> dict[str, list[str]]:
    """The files of each row; `NAME` stands for what a new file is called."""
    page = (ROOT / "docs" / "extending.md").read_text().partition("## Into this package")[2]
    rows = re.findall(r"^\| (\w[\w ]*) \| (.*`.*) \|$", page, flags=re.M)
    return {name: re.findall(r"`([\w/]+\.(?:py|md))`", files) for name, files in rows}


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A folder with a copy of the package to which everything is added."""
    folder = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns("__pycache__", "presets", "classifiers")
    shutil.copytree(ROOT / "keras_gan_zoo", folder / "keras_gan_zoo", ignore=ignored)
    for path, *change in (each for changes in ADDITIONS.values() for each in changes):
        file = folder / path
        if len(change) == 1:
            file.write_text(change[0])
        else:
            text, number = re.subn(change[0], change[1], file.read_text(), count=1)
            assert number == 1, path
            file.write_text(text)
    return folder


def python(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_takes_more_than_four_files():
    files = table_of_the_page()
    assert all(files[what] for what in ADDITIONS)
    assert all(len(paths) <= 4 for paths in files.values())
    assert all((ROOT / path).is_file() for paths in files.values() for path in paths if "NAME" not in path)


@pytest.mark.parametrize("what", ADDITIONS)
def test_the_page_names_the_files_that_are_changed(what):
    changed = {path if len(change) == 2 else f"{Path(path).parent}/NAME.py" for path, *change in ADDITIONS[what]}
    assert changed == {path for path in table_of_the_page()[what] if path.startswith("keras_gan_zoo/")}


def test_the_command_line_knows_what_was_added(extended):
    code = (
        "import sys; from click.testing import CliRunner; from keras_gan_zoo.cli import main\n"
        "for command in ('train', 'evaluate', 'export'):\n"
        "    print(CliRunner().invoke(main, [command, '--help'], terminal_width=110).output)\n"
        "assert 'tensorflow' not in sys.modules"
    )
    said = " ".join(python(extended, "-c", code).split())
    assert "VARIANT" in said
    assert "[eager_gan|gan|" in said
    assert "--eagerness FLOAT RANGE eager_gan: what the generator's loss is multiplied by. [default: 2]" in said
    assert "--floor FLOAT RANGE linear networks: offset at which the scores start. [default: 0.5]" in said
    assert "--motto NAME What to say first, such as hello. [default: nothing]" in said
    assert "quartic (Nobody, 2099), non_saturating" in said
    assert "--divergence NAME fgan: le_cam, kl" in said
    assert "Comma-separated names: brightness, " in said
    assert "--data NAME dots, digits" in said
    assert "--format [weights|onnx" in said


@pytest.mark.slow
def test_what_was_added_trains_measures_and_is_exported(extended):
    gan_zoo = ("-m", "keras_gan_zoo")
    few = ("--data", "dots", "--architecture", "linear", "--latent-dim", "3", "--epochs", "1", "--batch-size", "8")
    few += ("--optimizer", "dcgan")
    added = ("--eagerness", "3", "--floor", "0.25", "--loss", "quartic", "--motto", "hello", "--metrics", "brightness")
    said = python(extended, *gan_zoo, "train", "eager_gan", *few, *added, "--features", "pixels", "--out", "run")
    assert said.startswith("hello\n")
    assert "brightness" in (extended / "run" / "log.csv").read_text().splitlines()[0].split(",")
    assert "eagerness = 3.0" in (extended / "run" / "recipe.toml").read_text()
    assert "weights" in python(extended, *gan_zoo, "export", "run", "-o", "g.weights")
    python(extended, *gan_zoo, "train", "fgan", *few, "--divergence", "le_cam", "--out", "other")
