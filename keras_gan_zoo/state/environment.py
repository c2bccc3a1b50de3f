"""The libraries and the machine that a run was computed by, on which the last digits of its numbers depend."""

import os
import platform
from functools import cache
from importlib.metadata import version
from typing import Any

import keras
import tensorflow as tf

from keras_gan_zoo.core.imports import ONEDNN
from keras_gan_zoo.core.keras_internals import uses_onednn
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.core.version import __version__


@cache
def environment() -> dict[str, Any]:
    """Versions of the libraries, whether TensorFlow computes by oneDNN, and the number of cores of this process."""
    return {
        "keras_gan_zoo": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": version("numpy"),
        "onednn": "on" if uses_onednn() else "off",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def warn_of_other_rounding(began: dict[str, Any]) -> None:
    """Warns if a run began with TensorFlow in another version, or with oneDNN on where it is off now or off where on.

    Args:
        began: Its `environment`; empty for a run of an earlier version, which did not note it.
    """
    now = environment()
    switch = f" For the same bits, set {ONEDNN}={int(began.get('onednn') == 'on')} before TensorFlow is imported."
    for name, called, remedy in (("onednn", "oneDNN", switch), ("tensorflow", "TensorFlow", "")):
        if began.get(name, now[name]) != now[name]:
            warn(
                f"This run began with {called} {began[name]}, and goes on with {called} {now[name]}: its numbers will "
                f"differ by rounding.{remedy}"
            )
