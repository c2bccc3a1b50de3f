"""`gan-zoo info`: what is installed, and what is missing with how to get it."""

import json
import tomllib

import keras
import numpy as np
import tensorflow as tf
from click.testing import CliRunner

from keras_gan_zoo.cli import main
from keras_gan_zoo.core import installation
from keras_gan_zoo.state.environment import environment
from tests.helpers import ROOT


def run(*arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_versions_folders_and_devices(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_bytes(bytes(2_500_000))
    (tmp_path / "cache" / "link").symlink_to(tmp_path / "cache" / "file")
    monkeypatch.setenv("KERAS_GAN_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    found = json.loads(run("info", "--devices", "--json"))
    versions = found["versions"]
    assert [versions[name] for name in ("tensorflow", "keras", "numpy")] == [
        tf.__version__,
        keras.__version__,
        np.__version__,
    ]
    assert found["cache"] == {"folder": str(tmp_path / "cache"), "bytes": 2_500_000}
    assert found["data"] == {"folder": str(tmp_path / "sets")}
    assert "CPU /physical_device:CPU:0" in found["devices"]
    assert found["onednn"] == environment()["onednn"]
    lines = [line.split(maxsplit=1) for line in run("info").splitlines()]
    assert ["cache", f"{tmp_path / 'cache'}, 2.5 MB"] in lines
    assert ["keras", keras.__version__] in lines


def test_onednn_is_what_the_switch_says(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert installation.installation()["onednn"] == "off"
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    monkeypatch.setattr(installation.platform, "machine", lambda: "x86_64")
    assert installation.installation()["onednn"] == "on"  # which importing this package does


def test_a_missing_package_comes_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(installation.EXTRAS, "text", ("no-such-package", "texts"))
    assert "no-such-package, for texts: pip install 'keras-gan-zoo[text]'" in run("info")


def test_extras_are_those_of_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, (package, _) in installation.EXTRAS.items():
        assert any(requirement.startswith(package) for requirement in extras[name])
    assert set(extras) - set(installation.EXTRAS) == {"test", "oracle", "bench", "lint", "docs"}
