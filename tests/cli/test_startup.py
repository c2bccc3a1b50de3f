"""The command line where output is closed or of another encoding, where there is no home, and what it prints beside."""

import os
import subprocess
import sys

import numpy as np
import pytest

import keras_gan_zoo as kgz

COMMAND = [sys.executable, "-m", "keras_gan_zoo"]
TINY = ["train", "gan", "--data", "ring8", "--batch-size", "5000", "--epochs", "2"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def process(*arguments, cwd=None, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, cwd=cwd, env=kept | environment, timeout=300, check=False
    )


def piped(command, reader):
    """The exit codes of both, and what was printed, in a shell."""
    line = f"{{ {' '.join([*COMMAND, *command])}; echo code $? >&2; }} | {reader}"
    found = subprocess.run(["sh", "-c", line], capture_output=True, encoding="utf-8", timeout=300, check=False)
    return found.stdout, found.stderr


@pytest.mark.parametrize("command", [["list"], ["--help"], ["list", "conditional_gan_mnist"]])
def test_a_command_ends_quietly_when_nobody_reads_its_output(command):
    assert piped(command, "true") in [("", "code 141\n"), ("", "code 0\n")]


def test_without_a_buffer_too(monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    printed, said = piped(["list"], "head -1")
    assert printed.startswith("preset")
    assert said in ("code 141\n", "code 0\n")


def test_an_error_is_told_though_nobody_reads_the_output():
    assert "code 2\n" in piped(["list", "nosuch"], "true")[1]


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["true", "head -1"])
def test_training_goes_on_when_nobody_reads_its_output(tmp_path, reader):
    _, said = piped([*TINY, "--out", str(tmp_path / "run"), "2>&1"], reader)
    assert said == "code 0\n"
    assert kgz.load(tmp_path / "run").steps_done > 0


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_any_character_is_printed_in_any_encoding(encoding):
    found = process("list", "\N{SNOWMAN}\N{LATIN SMALL LETTER E WITH ACUTE}", PYTHONIOENCODING=encoding)
    assert found.returncode == 2
    assert found.stderr.startswith(b"Error: Unknown preset ")
    assert process("list", PYTHONIOENCODING=encoding).returncode == 0


def test_names_that_the_locale_lacks_are_refused_before_anything_is_done():
    assert process("list", **ASCII).returncode == 0
    found = process("list", "\N{SNOWMAN}", **ASCII)
    assert found.returncode == 2
    assert b"Error: Expected names that the locale of this terminal can write. Received: '\\udc" in found.stderr
    assert found.stderr.endswith(b"Set PYTHONUTF8=1.\n")


@pytest.mark.slow
def test_trains_in_a_locale_that_is_not_utf_8(tmp_path):
    data = tmp_path / "\N{LATIN SMALL LETTER O WITH DIAERESIS}.npz"
    np.savez(data, images=np.random.default_rng(0).integers(0, 256, (64, 8, 8), np.uint8))
    options = ["--width", "4", "--latent-dim", "4", "--batch-size", "32", "--epochs", "1"]
    (tmp_path / "plain.npz").write_bytes(data.read_bytes())
    found = process("train", "dcgan", "--data", "plain.npz", "--out", "run", *options, cwd=tmp_path, **ASCII)
    assert found.returncode == 0, found.stderr

    found = process("train", "dcgan", "--data", data.name, "--out", "other", *options, cwd=tmp_path, PYTHONUTF8="1")
    assert found.returncode == 0, found.stderr
    found = process("train", "--resume", "other", "--epochs", "2", cwd=tmp_path, **ASCII)
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr


QUIET = """
import os, sys
{before}
import keras_gan_zoo as kgz
gan = kgz.GAN.for_images((2,), latent_dim=4, seed=0)
gan.compile()
gan.fit(kgz.data.load("ring8"), batch_size=500, steps_per_epoch=2, verbose=0)
gan.sample(2, seed=0)
print(os.environ.get("TF_CPP_MIN_LOG_LEVEL"))
os.write(2, b"the end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("level", [None, "0"])
def test_a_script_hears_nothing_of_the_start_of_tensorflow(level):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    environment |= {} if level is None else {"TF_CPP_MIN_LOG_LEVEL": level}
    code = [sys.executable, "-c", QUIET.format(before="")]
    found = subprocess.run(code, capture_output=True, encoding="utf-8", env=environment, timeout=300, check=True)
    assert found.stdout == f"{level}\n"
    if level is None:
        assert found.stderr == "the end"


@pytest.mark.slow
def test_who_imports_tensorflow_before_hears_it(monkeypatch):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    for before in ("import tensorflow", "import keras_gan_zoo, tensorflow"):
        code = [sys.executable, "-c", f"{before}\nimport keras_gan_zoo as kgz; kgz.GAN"]
        found = subprocess.run(code, capture_output=True, encoding="utf-8", env=environment, timeout=300, check=True)
        assert "TensorFlow binary is optimized" in found.stderr
