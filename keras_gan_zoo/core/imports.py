"""Hooks that run when Keras or TensorFlow is imported. This module imports neither.

`import keras_gan_zoo` loads nothing heavy. `keras.saving.load_model` finds a class only if its module was imported, so
our classes are imported right after Keras. In the same way, TensorFlow is imported with oneDNN, and its start-up
messages are hidden if it is this package that imports it.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

from keras_gan_zoo.errors import InputError

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
X86 = ("x86_64", "amd64")


def import_keras() -> None:
    """Imports Keras with the TensorFlow backend, because our models use its gradient tapes and strategies.

    Raises:
        InputError: If Keras is set to another backend.
    """
    _check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
    import keras

    _check_backend(keras.config.backend())  # a configuration file may have chosen another


def _check_backend(backend: str) -> None:
    if backend != "tensorflow":
        raise InputError(
            f"Expected Keras on TensorFlow. Received: the backend {backend!r}. Set KERAS_BACKEND=tensorflow before "
            "Keras is imported."
        )


def hides_talk() -> bool:
    """Whether TensorFlow's start-up messages are to be hidden: it is not imported yet, and nobody wants to see them."""
    return "tensorflow" not in sys.modules and not os.environ.get("KERAS_GAN_ZOO_VERBOSE")


@contextmanager
def with_onednn() -> Iterator[None]:
    """Turns oneDNN on for TensorFlow, which reads the switch once, unless the user has set it.

    TensorFlow does so by itself only on the newest x86 CPUs, but others train faster with it too: see docs/speed.md.
    """
    if platform.machine().lower() in X86:
        os.environ.setdefault(ONEDNN, "1")  # processes that this one starts compute in the same way
    yield


def quietly_if_ours() -> AbstractContextManager:
    """`quietly`, if a module of ours imports TensorFlow."""
    return quietly() if _is_ours() else nullcontext()


@contextmanager
def quietly() -> Iterator[None]:
    """Hides the start-up messages of TensorFlow, and those of its first use."""
    from keras_gan_zoo.core.stderr import without_talk  # not at start-up

    is_chosen = LEVEL in os.environ
    with without_talk():
        os.environ.setdefault(LEVEL, "2")  # errors only, also later; read once, by this import
        try:
            yield
            import tensorflow as tf

            tf.config.list_physical_devices()  # the absence of a GPU is reported here
        finally:
            if not is_chosen:
                os.environ.pop(LEVEL, None)


def _is_ours() -> bool:
    """Whether a module of this package other than this one is among the callers."""
    from inspect import currentframe  # not at start-up

    frame = currentframe()
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] == "keras_gan_zoo" and name != __name__:
            return True
        frame = frame.f_back
    return False


def around_import(name: str, context: Callable[[], AbstractContextManager]) -> None:
    """Makes sure that a module, which is not imported yet, is executed within a context."""
    sys.meta_path.insert(0, _Around(name, context))


class _Around(MetaPathFinder):
    """Finds a module with the other finders, and wraps its execution."""

    def __init__(self, name: str, context: Callable[[], AbstractContextManager]):
        self.name, self.context = name, context
        self.is_looking = False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.name or self.is_looking:
            return None
        self.is_looking = True
        try:
            spec = find_spec(fullname)
        finally:
            self.is_looking = False
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = self._within(spec.loader.exec_module)
        return spec

    def _within(self, execute: Callable) -> Callable:
        def execute_within(module):
            with self.context():
                execute(module)
                sys.meta_path.remove(self)  # not earlier: a module may be looked up without being imported

        return execute_within
