"""What the command line shows: our words only, without the start-up talk of libraries, and every real error."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from keras_gan_zoo.core.imports import around_import
from keras_gan_zoo.core.stderr import without_talk


def start() -> None:
    """Keeps back TensorFlow's start-up lines, whenever it is imported, and shows warnings as sentences.

    Set KERAS_GAN_ZOO_VERBOSE=1 to see the lines.
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
        # On CPUs this optimisation gives up on our graphs, says so, and its absence changes neither bits nor speed.
        tf.config.optimizer.set_experimental_options({"remapping": False})
