"""What the shell completes, asked as click's scripts for shells ask it."""

import subprocess
import sys

import pytest
from click.shell_completion import BashComplete

from keras_gan_zoo.cli import main
from keras_gan_zoo.core import registry
from keras_gan_zoo.zoo.cards import list_presets


def completed(*arguments):
    *before, incomplete = arguments
    found = BashComplete(main, {}, "gan-zoo", "_GAN_ZOO_COMPLETE").get_completions(before, incomplete)
    return [(item.type, item.value) for item in found]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "wgan"], ["wgan", "wgan_gp"]),
        (["train", "gan", "--loss", "rel"], ["relativistic", "relativistic_average"]),
        (["train", "gan", "--architecture", ""], list(registry.ARCHITECTURES)),
        (["train", "fgan", "--divergence", "j"], ["jeffrey", "jensen_shannon"]),
        (["train", "gan", "--data", "fa"], ["fashion_mnist"]),
        (["train", "gan", "--metrics", "ms_ssim,fr"], ["ms_ssim,frechet_distance"]),
        (["train", "gan", "--encoder", "c"], ["characters"]),
        (["train", "--preset", "wgan_gp"], ["wgan_gp_fashion_mnist"]),
        (["train", "--from-preset", "wgan_gp"], ["wgan_gp_fashion_mnist"]),
        (["list", ""], list_presets()),
        (["sample", "srgan"], ["srgan_peeps"]),
        (["invert", "gan_mnist", "--data", "mn"], ["mnist"]),
        (["evaluate", "gan_mnist", "--data", "mn"], ["mnist"]),
        (["sample", "conditional_gan_mnist", "--label", ""], list("0123456789")),
        (["interpolate", "conditional_dcgan_fashion_mnist", "--to-label", "San"], ["Sandal"]),
        (["sample", "gan_mnist", "--label", ""], []),
        (["sample", "nothing", "--label", ""], []),
    ],
)
def test_names_are_completed(arguments, expected):
    assert completed(*arguments) == [("plain", name) for name in expected]


def test_what_fits_no_name_may_be_a_file():
    for arguments in (["sample", "runs/d"], ["train", "gan", "--data", "./pic"]):
        assert completed(*arguments) == [("file", arguments[-1])]


def test_completing_imports_no_tensorflow():
    code = (
        "import sys; from click.shell_completion import ShellComplete; from keras_gan_zoo.cli import main\n"
        "shell = ShellComplete(main, {}, 'gan-zoo', '_GAN_ZOO_COMPLETE')\n"
        "assert shell.get_completions(['train', 'gan', '--loss'], 'h')[0].value == 'hinge'\n"
        "assert len(shell.get_completions(['sample', 'conditional_gan_mnist', '--label'], '')) == 10\n"
        "print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout == "set()\n", result.stderr
