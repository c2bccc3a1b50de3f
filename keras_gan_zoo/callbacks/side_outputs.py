"""Side outputs, such as logs, pictures and progress: an error in one must not cost a `fit`, which can do without."""

from functools import partial
from types import TracebackType

import keras

from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError


class SideOutput:
    """An output whose errors are warnings, of which only the first is issued. In its context, an error ends the block.

    Args:
        consequence: What such an error means, such as "Training goes on without log.csv".
    """

    def __init__(self, consequence: str):
        self._consequence, self._has_failed = consequence, False

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self._has_failed:  # whatever it is: hours of training are worth more
            self._has_failed = True
            says_itself = isinstance(error, (OSError, InputError)) and str(error)
            reason = str(error) if says_itself else f"{type(error).__name__} {error}"
            warn(f"{self._consequence}: {reason.rstrip('. ')}.")
        return True


def tolerated(callback: keras.callbacks.Callback):
    """A callback as a `fit` calls it: one that writes a side output cannot end it."""
    output = None if isinstance(callback, _Tolerated) else _written_by(callback)
    return callback if output is None else _Tolerated(callback, output)


def original(callback):
    """The callback that `tolerated` was given."""
    return callback.callback if isinstance(callback, _Tolerated) else callback


class _Tolerated:
    """Calls a callback. After an error it calls it again: a disk may be full for a while only."""

    def __init__(self, callback: keras.callbacks.Callback, output: str):
        self.callback, self._output = callback, SideOutput(f"Training goes on without {output}")

    def __getattr__(self, name: str):
        attribute = getattr(self.callback, name)
        return partial(self._call, attribute) if name.startswith(("on_", "set_")) else attribute

    def _call(self, method, *args, **kwargs) -> None:
        with self._output:
            method(*args, **kwargs)


def _written_by(callback: keras.callbacks.Callback) -> str | None:
    """What a callback writes besides; None for callbacks that a `fit` cannot do without, and for those of users."""
    kinds = keras.callbacks
    match callback:
        case kinds.CSVLogger():
            return str(callback.filename)
        case kinds.TensorBoard():
            return str(callback.log_dir)
        case kinds.ProgbarLogger():
            return "its progress bar"
    return getattr(callback, "side_output", None)
