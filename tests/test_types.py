"""What editors and type checkers know of models: the arguments of `for_images` and `compile`, and what is returned."""

import importlib.util
import json
import subprocess
import sys

import pytest

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.signatures import arguments
from keras_gan_zoo.game.arguments import Arguments
from tests.helpers import ROOT

SCRIPT = """
from typing_extensions import assert_type

import keras_gan_zoo as kgz

gan = kgz.DCGAN.for_images((28, 28, 1), 64, width=16, r1=0.5, seed=0)
assert_type(gan, kgz.DCGAN)
gan.compile(generator_optimizer="adam", run_eagerly=True)
assert_type(kgz.StackGAN.for_images((64, 64, 3), first_stage="runs/first", width=8), kgz.StackGAN)
assert_type(kgz.VAE.for_images((2,), units=8), kgz.VAE)
assert_type(kgz.WGAN.from_preset("wgan_fashion_mnist"), kgz.WGAN)
kgz.DCGAN.for_images((28, 28, 1), widht=16)
kgz.DCGAN.for_images((28, 28, 1), width="wide")
kgz.DCGAN.for_images((28, 28, 1), encoder="characters")
gan.compile(run_eager=True)
"""


def test_the_types_of_for_images_are_those_of_models_and_networks():
    own = {"image_shape", "architecture", "spectral_normalization", "encoder", "first_stage"}  # in signatures
    own |= {"generator", "discriminator", "autoencoder", "shape", "latent_dim", "num_classes", "players"}
    taken = {}
    for row in (*registry.VARIANTS.values(), *registry.ARCHITECTURES.values()):
        for name, argument in arguments(row.home).items():
            taken.setdefault(name, set()).update(argument.annotation.replace("Shape", "tuple[int, ...]").split(" | "))
    said = {name: set(hint.__forward_arg__.split(" | ")) for name, hint in Arguments.__annotations__.items()}
    assert said == {name: kinds for name, kinds in taken.items() if name not in own} | {"name": {"str"}}


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_a_type_checker_finds_what_is_wrong_in_a_script(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    settings = {"include": ["script.py"], "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    found = json.loads(result.stdout)["generalDiagnostics"]
    wrong = {each["range"]["start"]["line"]: each["message"] for each in found if each["severity"] == "error"}
    lines = SCRIPT.splitlines()
    assert [lines[number] for number in sorted(wrong)] == lines[-4:], wrong
    for said, message in zip(("widht", "width", "encoder", "run_eager"), map(wrong.get, sorted(wrong)), strict=True):
        assert f'"{said}"' in message
