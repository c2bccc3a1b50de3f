"""What the command line does before a command: it hides the start-up messages of libraries, and fits its output to what
reads it. Real errors are still shown.
"""

import codecs
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from keras_gan_zoo.core.imports import around_import, hides_talk

CLOSED_PIPE = 141  # the exit code of a Unix program whose output nobody reads any longer


def start() -> None:
    """Prints warnings as one line, and prevents a message of TensorFlow that the package does not hide.

    Set KERAS_GAN_ZOO_VERBOSE=1 to see the messages.
    """
    warnings.showwarning = lambda message, *_: print(f"Warning: {message}", file=sys.stderr)
    if hides_talk():
        around_import("tensorflow", _without_remapping)


@contextmanager
def _without_remapping() -> Iterator[None]:
    """On CPUs this optimisation fails on our graphs and logs that. Without it results and speed are the same."""
    yield
    import tensorflow as tf

    if all(device.device_type == "CPU" for device in tf.config.list_physical_devices()):
        tf.config.optimizer.set_experimental_options({"remapping": False})


def prepare_output() -> None:
    """Makes the output of this process end quietly when its reader does, and print any character in any locale."""
    if _is_of_the_process(sys.stdout):
        sys.stdout = _rebuilt(sys.stdout, ends=True, errors="keras_gan_zoo.replace")
    if _is_of_the_process(sys.stderr):
        sys.stderr = _rebuilt(sys.stderr, ends=False, errors=sys.stderr.errors)


def outlive_reader() -> None:
    """From now on, the process goes on when nobody reads its output any longer, as after `| head -2`."""
    pipe = _raw(sys.stdout)
    if isinstance(pipe, _Pipe):
        pipe.ends = False


class _Pipe(io.FileIO):
    """A stream of the process. What nobody reads is dropped; if `ends`, the process exits then."""

    ends = False

    def write(self, data) -> int | None:
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # also for what libraries write, and for what is flushed at the exit
            os.close(nowhere)
            if self.ends:
                raise SystemExit(CLOSED_PIPE) from None
            return len(data)


def _is_of_the_process(stream) -> bool:
    """Whether it is one that Python made, not one that a test or a library has put in its place."""
    return type(stream) is io.TextIOWrapper and type(_raw(stream)) is io.FileIO


def _raw(stream):
    """The stream below the text and its buffer, which PYTHONUNBUFFERED leaves out."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)


def _rebuilt(stream: io.TextIOWrapper, *, ends: bool, errors: str) -> io.TextIOWrapper:
    stream.flush()
    pipe = _Pipe(stream.fileno(), "wb", closefd=False)
    pipe.ends = ends
    return io.TextIOWrapper(
        io.BufferedWriter(pipe) if hasattr(stream.buffer, "raw") else pipe,
        encoding=stream.encoding,
        errors=errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _replace(error: UnicodeError):
    """Names of files as they are, even if they do not suit the locale; question marks for what it lacks."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        return codecs.lookup_error("replace")(error)


codecs.register_error("keras_gan_zoo.replace", _replace)
