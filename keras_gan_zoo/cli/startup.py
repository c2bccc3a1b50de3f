"""Keeps the start-up messages of libraries out of the output of the command line; real errors are still shown."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from keras_gan_zoo.core.imports import around_import
from keras_gan_zoo.core.stderr import without_talk


def start() -> None:
    """Hides TensorFlow's start-up messages, whenever it is imported, and prints warnings as one line.

    Set KERAS_GAN_ZOO_VERBOSE=1 to see the messages.
    """
    warnings.showwarning = lambda message, *_: print(f"Warning: {message}", file=sys.stderr)
    if not os.environ.get("KERAS_GAN_ZOO_VERBOSE") and "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        around_import("tensorflow", _starting_tensorflow)


@contextmanager
def _starting_tensorflow() -> Iterator[None]:
    with without_talk():
        yield
        import tensorflow as tf

        has_accelerator = any(device.device_type != "CPU" for device in tf.config.list_physical_devices())
    if not has_accelerator:
        # On CPUs this optimisation fails on our graphs and logs that. Without it results and speed are the same.
        tf.config.optimizer.set_experimental_options({"remapping": False})
