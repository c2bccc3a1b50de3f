"""What the command line says when a command fails: one `Error:` line, in the words of its options."""

import errno
import functools
import os
from collections.abc import Callable

import click

from keras_gan_zoo.cli.wording import in_options
from keras_gan_zoo.core.reading import cause_of, is_out_of_memory
from keras_gan_zoo.errors import InputError, NotFiniteError, ParityError, WorkerLostError

# The options by which a command needs less memory, each with the word that the sentence has for it.
_SMALLER = {
    "batch_size": "the batches",
    "image_size": "the images",
    "width": "the networks",
    "count": "the number of samples",
    "rows": "the number of rows",
}
_MEND = {
    errno.ENOSPC: "Free some space.",
    errno.EDQUOT: "Free some space.",
    errno.EACCES: "Change its permissions.",
    errno.EPERM: "Change its permissions.",
    errno.ENOENT: "Check the path.",
}


class Failure(click.ClickException):
    """One `Error:` line; exit code 2 for wrong input, 1 for a failure of the machine, such as a full disk."""

    def __init__(self, error: Exception, command: click.Command | None):
        super().__init__(in_options(_sentence(error, command), command))
        self.exit_code = 2 if isinstance(error, InputError) else 1


def is_expected(error: Exception) -> bool:
    """Whether an error is one of the input or the machine. All others are mistakes, and keep their traceback."""
    known = (InputError, NotFiniteError, ParityError, WorkerLostError, OSError)
    return isinstance(error, known) or is_out_of_memory(error)


def naming_output(callback: Callable) -> Callable:
    """A command's function, whose errors of the system name the command's output where they name no file."""

    @functools.wraps(callback)
    def call(*args, **options):
        try:
            return callback(*args, **options)
        except OSError as error:
            out = options.get("out") or options.get("resume")
            if error.errno is not None and error.filename is None and out is not None:
                error.filename = str(out)
            raise

    return call


def _sentence(error: Exception, command: click.Command | None) -> str:
    if is_out_of_memory(error):
        detail = f" ({_in_one_line(error)})" if str(error) else ""
        return f"Expected enough memory. Received: too little{detail}. {_smaller(command)}, or free some memory."
    if isinstance(error, OSError) and error.errno is not None:
        place = "its files" if error.filename is None else os.fsdecode(error.filename)
        return f"Expected to read and write {place}. Received: {cause_of(error)}. {_MEND.get(error.errno, 'Check it.')}"
    return str(error)


def _smaller(command: click.Command | None) -> str:
    params = {} if command is None else {param.name: max(param.opts, key=len) for param in command.params}
    named = [f"{what}, {params[name]}" for name, what in _SMALLER.items() if name in params]
    return f"Reduce {' or '.join(named)}" if named else "Take a smaller model"


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:500]
