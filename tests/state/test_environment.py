"""Whether oneDNN computes, which is chosen when TensorFlow is imported, and what a resumed run says of it."""

import dataclasses
import os
import platform
import subprocess
import sys
import warnings

import pytest
import tensorflow as tf

from keras_gan_zoo import callbacks
from keras_gan_zoo.core import imports
from keras_gan_zoo.core.keras_internals import uses_onednn
from keras_gan_zoo.game.players import start_half_precision
from keras_gan_zoo.state.environment import environment, warn_of_other_rounding
from keras_gan_zoo.state.snapshot import SnapshotFolder

ON = os.environ.get(imports.ONEDNN)
OTHER = "off" if environment()["onednn"] == "on" else "on"


@pytest.mark.parametrize(
    ("machine", "given", "then"), [("x86_64", None, "1"), ("AMD64", "0", "0"), ("arm64", None, None)]
)
def test_onednn_is_on_for_x86_unless_the_user_has_set_it(monkeypatch, machine, given, then):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.delenv(imports.ONEDNN, raising=False)
    if given is not None:
        monkeypatch.setenv(imports.ONEDNN, given)
    with imports.with_onednn():
        assert os.environ.get(imports.ONEDNN) == then


def test_the_environment_tells_what_tensorflow_does():
    assert environment()["onednn"] == ("on" if uses_onednn() else "off")
    assert environment()["tensorflow"] == tf.__version__
    if ON is not None:
        assert uses_onednn() == (ON == "1")


TOLD = "import sys; from keras_gan_zoo.core.keras_internals import uses_onednn; print(uses_onednn())"


@pytest.mark.slow
@pytest.mark.skipif(platform.machine().lower() not in imports.X86, reason="oneDNN is for x86")
@pytest.mark.parametrize(
    ("code", "switch", "told"),
    [
        ("import keras_gan_zoo, tensorflow", None, "True"),
        ("import keras_gan_zoo, keras", None, "True"),
        ("import keras_gan_zoo as kgz; kgz.GAN", "0", "False"),
        ("import tensorflow, keras_gan_zoo, os; assert 'TF_ENABLE_ONEDNN_OPTS' not in os.environ", None, None),
    ],
)
def test_each_way_to_import(code, switch, told):
    kept = {name: value for name, value in os.environ.items() if name != imports.ONEDNN}
    given = {} if switch is None else {imports.ONEDNN: switch}
    done = subprocess.run([sys.executable, "-c", f"{code}; {TOLD}"], capture_output=True, text=True, env=kept | given)
    assert done.returncode == 0, done.stderr
    assert told in (None, done.stdout.strip())


def test_a_resumed_run_says_that_its_numbers_are_rounded_otherwise(tiny, images, tmp_path):
    folder = SnapshotFolder(tmp_path)
    tiny("dcgan").fit(images, batch_size=8, epochs=1, callbacks=[callbacks.Snapshots(tmp_path)], verbose=0)
    snapshot = folder.newest()
    assert snapshot.environment == environment()
    folder.write(dataclasses.replace(snapshot, environment={**snapshot.environment, "onednn": OTHER}))
    with pytest.warns(UserWarning, match=f"began with oneDNN {OTHER}, and goes on.*by rounding.*ONEDNN_OPTS=") as said:
        tiny("dcgan").fit(images, batch_size=8, epochs=2, callbacks=[callbacks.Snapshots(tmp_path)], verbose=0)
    assert [warning.filename for warning in said if "oneDNN" in str(warning.message)] == [__file__]


def test_what_is_the_same_or_was_not_noted_is_not_spoken_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_other_rounding(environment())
        warn_of_other_rounding({})
        warn_of_other_rounding({**environment(), "cores": 1000})
    with pytest.warns(UserWarning, match=r"began with TensorFlow 2\.0, and goes on"):
        warn_of_other_rounding({**environment(), "tensorflow": "2.0"})


def test_half_precision_starts_without_a_word(capfd):
    start_half_precision.cache_clear()
    start_half_precision()
    tf.matmul(tf.zeros((2, 2), "float16"), tf.zeros((2, 2), "float16"))
    assert "oneDNN" not in capfd.readouterr().err
