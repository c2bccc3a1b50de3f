"""What the command line shows: our words only, without the start-up talk of libraries, and every real error."""

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from keras_gan_zoo._imports import around_import

# What TensorFlow writes to stderr on any machine while it starts. Everything else it says is passed on.
_TALK = re.compile(
    r"absl::InitializeLog|oneDNN custom operations are on|TensorFlow binary is optimized"
    r"|To enable the following instructions|Unable to register cu\w+ factory|computation_placer already registered"
    # That there is no GPU, or no driver (303) for one. A driver that fails for another reason is an error.
    r"|Could not find cuda drivers|cuInit.*(CUDA_ERROR_NO_DEVICE|no CUDA-capable device|UNKNOWN ERROR \(303\))"
    # And what LiteRT and its converter say of files that are in order.
    r"|NodeDef mentions attribute|XNNPACK delegate for CPU"
)


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


@contextmanager
def without_talk() -> Iterator[None]:
    """Holds back what the process writes to file descriptor 2, then lets through what is not talk."""
    lines: list[str] = []
    try:
        with held_back(lines):
            yield
    finally:
        for line in lines:
            print(line, file=sys.stderr)


@contextmanager
def held_back(lines: list[str]) -> Iterator[None]:
    """Appends to `lines` what the process writes to file descriptor 2, but for talk."""
    if sys.stderr is None:  # closed: there is nothing to hold back
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            said = held.read().decode(errors="replace").splitlines()
            lines.extend(line for line in said if not _TALK.search(line))
