"""Two logical CPUs and fixed threads for every test; tiny models to test with."""

import os

import keras_gan_zoo  # noqa: F401  (before TensorFlow, which it imports with oneDNN)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import settings

from tests import equality

pytest.register_assert_rewrite("tests.helpers", "tests.games", "tests.snapshots")
from tests.snapshots import put, values_of  # noqa: E402

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


settings.register_profile("tests", max_examples=200, deadline=None)
settings.load_profile("tests")


@pytest.fixture
def images():
    """40 float images (8, 8, 1) in [-1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (40, 8, 8, 1)).astype(np.float32)


@pytest.fixture
def labels():
    return np.arange(40) % equality.CLASSES


@pytest.fixture
def tiny():
    """Builds a tiny, compiled model of a variant."""

    def build(variant: str, conditional: bool = False, compiled: bool = True, **arguments):
        gan = equality.build(variant, conditional, **arguments)
        if compiled:
            gan.compile()
        return gan

    return build


@pytest.fixture(scope="session")
def shared():
    """One tiny, compiled model of a variant for all tests, as it was built: tracing takes longer than training."""
    built = {}

    def give(variant: str, conditional: bool = False):
        if (variant, conditional) not in built:
            gan = equality.build(variant, conditional, ema_decay=0.9)
            gan.compile()
            built[variant, conditional] = gan, values_of(gan)
        gan, beginning = built[variant, conditional]
        put(gan, beginning)
        return gan

    return give


@pytest.fixture(scope="session")
def two_replicas():
    """The only mirrored strategy of the process: the collectives of a second one would collide with its own."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture
def float64():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
