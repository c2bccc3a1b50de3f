"""A forked child says at once what it cannot do; without that, it would wait forever."""

import os
import signal
import time
import warnings

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core import forks
from tests.games import VECTORS, game

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def in_a_fork(call) -> str:
    """What a forked child says of a call, within 20 seconds."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks where there are threads
        child = os.fork()
    if child == 0:
        try:
            call()
            said = "nothing"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    begun = time.monotonic()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() - begun > 20:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hangs"
        time.sleep(0.01)
    with os.fdopen(reading) as pipe:
        return pipe.read()


@pytest.fixture(scope="module")
def gan():
    return game()


NOISE = np.zeros((4, 3), np.float32)
CALLS = {
    "sample": lambda gan: gan.sample(4),
    "sample_from": lambda gan: gan.sample_from(NOISE),
    "invert": lambda gan: gan.invert(VECTORS[:2], steps=10),
    "predict": lambda gan: gan.predict(NOISE, verbose=0),
    "fit": lambda gan: gan.fit(VECTORS, verbose=0),
    "evaluate": lambda gan: gan.evaluate(VECTORS, verbose=0),
    "train_on_batch": lambda gan: gan.train_on_batch(VECTORS),
    "export": lambda gan: gan.export("never.onnx"),
    "for_images": lambda gan: kgz.GAN.for_images((2,), latent_dim=3),
    "construct": lambda gan: kgz.GAN(gan.generator, gan.discriminator),
    "load": lambda gan: kgz.load("conditional_gan_mnist"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_child_that_tensorflow_would_hang_is_told_what_to_do(gan, call):
    said = in_a_fork(lambda: CALLS[call](gan))
    assert said.startswith("InputError: Expected a process in which TensorFlow's threads run."), said
    assert "'spawn'" in said
    assert "in the child" in said


def test_a_saved_model_in_a_child(gan, tmp_path):
    gan.save(tmp_path / "gan.keras")
    assert "'spawn'" in in_a_fork(lambda: keras.saving.load_model(tmp_path / "gan.keras"))


def test_the_parent_and_exported_files_are_not_concerned(gan, tmp_path, monkeypatch):
    gan.export(tmp_path / "gan.onnx")
    file = kgz.onnx_file.OnnxFile(tmp_path / "gan.onnx")
    assert file.sample(3).shape == gan.sample(3).shape
    assert in_a_fork(lambda: file.sample(200)) == "nothing"
    monkeypatch.setattr(forks, "tensorflow_has_started", lambda: False)  # as where the parent only imported it
    assert in_a_fork(forks.check_not_forked) == "nothing"
