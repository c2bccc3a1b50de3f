"""The command line speaks of options, and the package of arguments; other names for things find the right ones."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.cli.wording import _PHRASES, in_options
from keras_gan_zoo.core import registry
from keras_gan_zoo.errors import ALIASES, similar, unknown

PACKAGE = Path(kgz.__file__).parent


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], terminal_width=110)


def texts(path):
    """The strings of a module that are not docstrings, an f-string as one with {} for what is put in."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (said | within):
            yield node.value


def test_no_message_of_the_package_speaks_of_options():
    modules = [path for path in PACKAGE.rglob("*.py") if "cli" not in path.parts]
    modules.remove(PACKAGE / "zoo" / "readme.py")  # a page that shows commands
    said = [(path.name, text) for path in modules for text in texts(path) if " " in text and "pip install" not in text]
    found = [(name, text) for name, text in said if re.search(r"(?<!\S)--[a-z]", text)]
    assert not found, "Messages outside cli/ name arguments; cli/wording.py makes options of them"


def test_phrases_of_the_package_that_are_replaced_exist():
    everything = "\n".join(text for path in PACKAGE.rglob("*.py") if path.name != "wording.py" for text in texts(path))
    assert [phrase for phrase in _PHRASES if phrase not in everything] == []


@pytest.mark.parametrize(
    ("command", "message", "expected"),
    [
        ("export", "or give the format: format='onnx'.", "or give the format: --format onnx."),
        ("export", "Choose another format.", "Choose another format."),
        ("train", "Give image_size, such as image_size=64.", "Give --image-size, such as --image-size 64."),
        ("train", "divisible by discriminator_steps=3", "divisible by --k 3"),
        ("train", "Change batch_size or packing.", "Change --batch-size or packing."),
        ("train", "and leave 'conditional' out", "and leave --conditional out"),
        ("train", "Received: path/batch_size.npz.", "Received: path/batch_size.npz."),
        (
            "train",
            "Ask for its metric: metrics=['precision_recall'].",
            "Ask for its metric: --metrics precision_recall.",
        ),
        ("train", "If it has, give take_over=True. Pass epochs=36.", "If it has, give --take-over. Pass --epochs 36."),
        ("sample", "Pass conditions=, one for all", "Give --conditions FILE, one for all"),
        ("list", "image_size=64", "image_size=64"),
    ],
)
def test_arguments_become_options(command, message, expected):
    assert in_options(message, main.commands[command]) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "dcgan", "--lr", "1"], "'--learning-rate'"),
        (["train", "dcgan", "--bs", "1"], "'--batch-size'"),
        (["train", "dcgan", "--dataset", "x"], "'--data'"),
        (["train", "dcgan", "--n-critic", "5"], "'--k'"),
        (["train", "dcgan", "--gpu"], "'--strategy'"),
        (["train", "dcgan", "--cuda"], "'--strategy'"),
        (["train", "dcgan", "--resolution", "8"], "'--image-size'"),
        (["train", "dcgan", "--num-classes", "10"], "'--conditional'"),
        (["train", "dcgan", "--checkpoint", "x"], "'--resume'"),
        (["train", "dcgan", "--save-dir", "x"], "'--out'"),
        (["train", "wgan_gp", "--lambda", "10"], "'--penalty-weight'"),
        (["train", "dcgan", "--epoch", "3"], "'--epochs'"),
        (["sample", "x", "--output", "x"], "'--out'"),
        (["train", "cgan", "--data", "digits"], "Did you mean 'conditional_gan'"),
        (["train", "WGAN-GP", "--data", "digits"], "Did you mean 'wgan_gp'"),
        (["export", "x", "-o", "y", "--format", "ONNX"], "Did you mean 'onnx'"),
        (["train", "gan", "--data", "digits", "--dry-run", "--loss", "bce"], "'non_saturating' or 'minimax'"),
        (["train", "gan", "--data", "digits", "--dry-run", "--precision", "fp16"], "Did you mean 'mixed_float16'"),
        (["train", "gan", "--data", "digits", "--dry-run", "--metrics", "fid"], "Did you mean 'frechet_distance'"),
        (["train", "gan", "--data", "digits", "--dry-run", "--stop-by", "recall"], "--metrics precision_recall"),
        (["train", "gan", "--data", "digits", "--dry-run", "--architecture", "conditional_dcgan"], "--conditional"),
    ],
)
def test_other_names_find_the_right_ones(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dcgan", "--data", "digits"], "To train one: gan-zoo train dcgan --data DATA"),
        (["help"], "Did you mean 'gan-zoo --help'?"),
        (["version"], "Did you mean 'gan-zoo --version'?"),
        (["evalaute"], "Did you mean 'evaluate'?"),
        (["train", "gan", "--data", "ring8", "--dry-run", "--stop-by", "fid"], "--metrics frechet_distance"),
    ],
)
def test_what_is_no_command_or_figure_leads_to_one(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_every_alias_leads_to_a_name():
    options = {param.name for command in main.commands.values() for param in command.params} | {"k"}
    tables = (registry.VARIANTS, registry.LOSSES, registry.METRICS, registry.F_DIVERGENCES, registry.ARCHITECTURES)
    names = options.union(*tables, registry.PRECISIONS)
    assert {name for meant in ALIASES.values() for name in meant} <= names
    assert not [alias for alias in ALIASES if similar(alias, names - {alias}) == []]


def test_a_name_in_other_letters_is_found():
    assert "Did you mean 'mnist'" in str(unknown("data set", "MNIST", ["mnist", "fashion_mnist"]))


# ------------------------------------------------------------------------------------------------------------ --import

OWN = """
import keras

@keras.saving.register_keras_serializable("tests")
class Own(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


@pytest.fixture(scope="module")
def of_own_class(tmp_path_factory):
    """A saved model with a class that only a file defines, which this process has forgotten."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_layers.py").write_text(OWN)
    space: dict = {}
    exec(OWN, space)
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), space["Own"]()])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    kgz.GAN(generator, discriminator, seed=0).save(folder / "gan.keras")
    del keras.saving.get_custom_objects()["tests>Own"]
    return folder


def test_a_class_of_the_users_is_named_and_imported(of_own_class):
    model, out = of_own_class / "gan.keras", of_own_class / "x.npz"
    with pytest.raises(kgz.InputError, match=r"definition of 'Own', which .*gan.keras.*register_keras_serializable"):
        kgz.load(model)
    result = run("sample", model, "-n", 3, "-o", out)
    assert result.output.strip().endswith("Give the Python file that defines and registers it: --import FILE.")
    result = run("sample", model, "-n", 3, "-o", out, "--import", of_own_class / "own_layers.py")
    assert result.exit_code == 0, result.output
    assert np.load(out)["images"].shape == (3, 2)


@pytest.mark.parametrize("text", [None, "1 / 0"])
def test_a_file_that_cannot_be_imported_is_named(text, tmp_path):
    file = tmp_path / "classes.py"
    if text is not None:
        file.write_text(text)
    result = run("sample", "conditional_gan_mnist", "-o", tmp_path / "x.png", "--import", file)
    assert result.exit_code == 2
    assert ("raises ZeroDivisionError" if text else "Expected a Python file to import") in result.output


@pytest.mark.parametrize("command", ["train", "sample", "interpolate", "invert", "evaluate", "export", "play"])
def test_every_command_that_loads_a_model_imports(command):
    assert "--import" in {option for param in main.commands[command].params for option in param.opts}
