"""Kills in this process: from some operation on a file on, nothing is written any more, not even by what tidies up.

Unlike a real kill, it can be placed before each operation in turn, and needs no new process, in which TensorFlow would
have to start and to trace.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

from keras_gan_zoo.core import claims, files

_PATHS = {  # of Python's audit events: the argument that is a path, and the one that is the folder it is relative to
    "open": (0, None),
    "os.rename": (1, 3),  # also of os.replace
    "os.mkdir": (0, 2),
    "os.remove": (0, 1),
    "os.rmdir": (0, 1),
    "os.truncate": (0, None),
}
_starts = count(1)
_kill: "Kill | None" = None


class KilledError(BaseException):
    """The process is dead: nothing may catch this."""


class Kill:
    """What is done below a folder, until it is killed.

    Args:
        folder: The folder.
        at: The number of the operation that no longer happens, from 0.

    Attributes:
        seen: The operations before, each with its path.
        is_done: Whether it was killed.
    """

    def __init__(self, folder: Path, at: float):
        self.folder, self.at, self.seen, self.is_done = os.path.realpath(folder) + os.sep, at, [], False

    def before(self, operation: str, path: str) -> None:
        """Called before an operation."""
        path = os.path.abspath(path)  # noqa: PTH100
        if not (path + os.sep).startswith(self.folder):
            return
        if len(self.seen) == self.at and not self.is_done:
            self.is_done = True
            _close_files(self.folder)
        if self.is_done:
            raise KilledError
        self.seen.append((operation, path))


@contextmanager
def killed(folder: Path, at: float) -> Iterator[Kill]:
    """Ends the block before an operation below the folder. Names and locks are those of another process each time."""
    global _kill
    _watch()
    start, start_of = next(_starts), claims._start_of
    before = os.fsync, files._exchange
    claims._start_of = lambda process: start if process == os.getpid() else start_of(process)
    os.fsync = _announced("fsync", os.fsync)
    files._exchange = _announced("exchange", files._exchange)
    _kill = kill = Kill(folder, at)
    try:
        with suppress(KilledError):
            yield kill
    finally:
        _kill, claims._start_of = None, start_of
        os.fsync, files._exchange = before


@cache
def _watch() -> None:
    sys.addaudithook(_hook)  # for good: there is no way to remove it


def _hook(event: str, arguments: tuple) -> None:
    if _kill is None or event not in _PATHS or (event == "open" and not _writes(*arguments)):
        return
    which, relative = _PATHS[event]
    path, folder = arguments[which], -1 if relative is None else arguments[relative]
    if isinstance(path, (str, bytes, os.PathLike)):  # not the number of an open file
        _kill.before(event, str(Path(_name_of(folder) if folder >= 0 else "", os.fsdecode(path))))


def _writes(_, mode: str | None, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _announced(operation: str, function: Callable) -> Callable:
    def announced(first, *others):
        if _kill is not None:
            _kill.before(operation, _name_of(first) if isinstance(first, int) else str(first))
        return function(first, *others)

    return announced


def _close_files(folder: str) -> None:
    """What is still in the buffers of open files goes nowhere, and their locks end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(OSError):
            if _name_of(int(number)).startswith(folder):
                os.dup2(nowhere, int(number))
    os.close(nowhere)


def _name_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())
