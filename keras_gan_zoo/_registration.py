"""Registers our classes with Keras as soon as Keras is there, without importing it.

`keras.saving.load_model` finds a class only if its module was imported. This package imports nothing heavy by itself,
so it waits for Keras: whoever calls `load_model` has imported it.
"""

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.util import find_spec


def register_when_keras_loads(register: Callable[[], None]) -> None:
    """Calls `register` at once if Keras is imported, otherwise right after its import."""
    if hasattr(sys.modules.get("keras"), "saving"):  # not while Keras itself is half imported
        register()
    else:
        sys.meta_path.insert(0, _AfterKeras(register))


class _AfterKeras(MetaPathFinder):
    """Finds Keras by the other finders, and has `register` called once Keras was executed."""

    def __init__(self, register: Callable[[], None]):
        self.register = register
        self.is_looking = False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras" or self.is_looking:
            return None
        self.is_looking = True
        try:
            spec = find_spec("keras")
        finally:
            self.is_looking = False
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = self._followed(spec.loader.exec_module)
        return spec

    def _followed(self, execute: Callable) -> Callable:
        def execute_then_register(module):
            execute(module)
            sys.meta_path.remove(self)  # only now: a look for Keras need not be followed by its import
            self.register()

        return execute_then_register
