"""What tests of several rooms compare, mark and look up. Test modules import from here, never from each other."""

import importlib.util
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.equality import OF_OTHERS, takes_classes

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
DOCUMENTS = [path for path in DOCUMENTS if "node_modules" not in path.parts]  # of docs/data
DOCUMENTS += [ROOT / "export" / "README.md", *(ROOT / "export").glob("*/README.md")]


def _kind(variant: str, conditional: bool, is_fast: bool):
    name = f"{variant}-{'conditional' if conditional else 'unconditional'}"
    return pytest.param(variant, conditional, id=name, marks=[] if is_fast else [pytest.mark.slow])


# SRGAN and ContextEncoder are Pix2Pix with other arguments, SNGAN, R3GAN and BigGAN are GAN with others: what these
# change is tested in test_translator, test_sngan, test_r3gan and test_biggan. They take part where two replicas,
# resumed runs, presets, precisions and exports are compared. VAE, which has no discriminator, takes part where replicas
# and exports are compared; the rest is in test_vae.
GAMES = {name: kind for name, kind in kgz.VARIANTS.items() if issubclass(kind, kgz.TwoPlayerModel)}
OWN = {name: kind for name, kind in GAMES.items() if name not in OF_OTHERS}
# What labels change is the same code in every variant: with labels, all but two of them wait for the slow tier, and so
# do StackGAN, whose step is that of TextToImageGAN, and CycleGAN, whose graph of eight passes is long to trace.
LATER = ("stackgan", "cycle_gan")
CONTRACT_KINDS = [
    _kind(variant, conditional, variant in ("gan", "conditional_gan") or not (conditional or variant in LATER))
    for variant, kind in OWN.items()
    for conditional in ([True] if kind.needs_labels else [False, True] if takes_classes(kind) else [False])
]
# What TwoPlayerModel does for every variant is seen in two kinds; one kind of the other variants waits as well.
FEW_KINDS = [
    _kind(variant, kind.needs_labels, variant in ("dcgan", "conditional_gan")) for variant, kind in OWN.items()
]
NOISE_KINDS = [kind for kind in FEW_KINDS if not kgz.VARIANTS[kind.values[0]].takes_pictures]


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


def weights_of(model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.weights]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def needs_tfds(name: str):
    """Skips where the prepared set is not at hand; nothing is downloaded by a test."""
    folder = Path(os.environ.get("TFDS_DATA_DIR", "nowhere"))
    return pytest.mark.skipif(not (folder / name).is_dir(), reason=f"TFDS_DATA_DIR holds no {name}")


def assert_same_bits(first, second):
    """Unlike equal numbers, which may be -0.0 and 0.0, or of other types."""
    assert [(a.dtype, a.shape) for a in first] == [(b.dtype, b.shape) for b in second]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(np.frombuffer(a.tobytes(), np.uint8), np.frombuffer(b.tobytes(), np.uint8))


def contents(folder) -> dict:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def zipped(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, prefix + file.name)
    return path


def site_module(name: str) -> types.ModuleType:
    """A module of docs/site, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "site" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def process(*command, cwd):
    """Runs Python. Without the settings of the tests, which would hide what TensorFlow says, in a notebook as well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "PYTEST_"))}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
