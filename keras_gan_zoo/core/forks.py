"""Processes that were forked: TensorFlow's threads stay behind in the parent, and the child would wait for them."""

import os

from keras_gan_zoo.core.keras_internals import tensorflow_has_started
from keras_gan_zoo.errors import InputError

_threads_are_lost = False


def check_not_forked() -> None:
    """Raises an `InputError` in a process that was forked from one in which TensorFlow had started."""
    if _threads_are_lost:
        raise InputError(
            "Expected a process in which TensorFlow's threads run. Received: one that was forked after TensorFlow had "
            "started, where it would wait forever. Start it with multiprocessing.get_context('spawn'); or build or "
            "load the model in the child alone, before anything runs TensorFlow in the parent; or sample from an "
            "exported ONNX file, kgz.onnx_file.OnnxFile(path), which may be forked."
        )


def _note_lost_threads() -> None:
    global _threads_are_lost
    _threads_are_lost = _threads_are_lost or tensorflow_has_started()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_note_lost_threads)
