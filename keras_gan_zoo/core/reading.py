"""Borders: only regular files are read, and what a parser raises for a user's file becomes a sentence about that file.

Each kind of file has a `Kind`, whose `border` encloses the calls of the library that parses it, and nothing else. The
function that reads the kind is registered in `READERS`; tests feed damaged files to all of them.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keras_gan_zoo.core.definitions import causes_of, missing_definition
from keras_gan_zoo.core.files import LIMIT
from keras_gan_zoo.core.remote import RemoteError, RemotePath, is_remote, place
from keras_gan_zoo.core.urls import redacted
from keras_gan_zoo.errors import InputError

READERS: dict[str, Callable] = {}  # by the names of kinds
RATIO = 100  # how many times its size an archive above LIMIT may have when it is unpacked; zeros have 1,000 times
LONGEST = 1_000  # characters of a parser's message; only a message that repeats a file's content is longer
NO_SPACE = os.strerror(errno.ENOSPC)  # in what TensorFlow raises for a full disk, which is of several kinds
PACKAGE = str(Path(__file__).parent.parent)
# Failures of the machine, for which the file is not to blame, and of which another one would not be free.
_OF_THE_MACHINE = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.ESTALE}
_NODES = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}

Reader = TypeVar("Reader", bound=Callable)


@dataclass(frozen=True)
class Kind:
    """A kind of file that users give, and what to say about a file that is not of it.

    Args:
        name: Its name in `READERS`.
        expected: What is expected, as in "a whole ONNX model".
        mend: What to do about a file that is not that, in a sentence.
        error: The class of the error.

    Example:
        >>> import json
        >>> with Kind("list", "a list in JSON", "Write it again.").border("a.json"):
        ...     json.loads("[")
        Traceback (most recent call last):
        keras_gan_zoo.errors.InputError: Expected a list in JSON. Received: a.json (Expecting value: line 1 column 2 \
(char 1)). Write it again.
    """

    name: str
    expected: str
    mend: str
    error: type[InputError] = InputError

    def reader(self, function: Reader) -> Reader:
        """Registers the function that reads this kind of file."""
        READERS[self.name] = function
        return function

    def check(self, path: str | os.PathLike) -> Path:
        """The path of a regular file, or an `InputError`: pipes and devices would be waited for, or have no end."""
        node = _node_at(path)
        if node is not None:
            raise self.error(f"Expected {self.expected}. Received: {shown(path)}, {node}. Check the path.")
        return path if isinstance(path, Path) else Path(path)  # which would parse it again

    def content(self, path: str | os.PathLike | RemotePath) -> bytes:
        """The bytes of a regular file, or of one on remote storage."""
        with self.border(path):
            return (place(path) if is_remote(path) else self.check(path)).read_bytes()

    @contextmanager
    def border(self, path: str | os.PathLike | RemotePath) -> Iterator[None]:
        """Within this context, every error is one of the file, unless no file could cause it.

        Raises:
            InputError: Of the class `error`, with the cause; for want of a definition, with the way to give it.
            OSError: If the machine fails, as a full disk does.
        """
        try:
            yield
        except Exception as error:  # which errors a library raises for damaged files is not public
            if _is_of_this_package(error) or isinstance(error, RemoteError):
                raise
            if isinstance(error, InputError) and shown(path) in str(error):
                raise
            raise missing_definition(shown(path), error) or self._failure(path, error) from error

    def refusal(self, path: str | os.PathLike | RemotePath, received: str) -> InputError:
        """The error for a file that is something else."""
        return self.error(f"Expected {self.expected}. Received: {shown(path)}, {received}. {self.mend}")

    def _failure(self, path: str | os.PathLike | RemotePath, error: Exception) -> Exception:
        message = f"Expected {self.expected}. Received: {shown(path)} ({cause_of(error)})."
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            return OSError(f"{message} Nothing was read: the file may be whole.")
        if isinstance(error, PermissionError):
            return InputError(f"{message} Change its permissions.")
        return self.error(f"{message} {self.mend}")


def is_file(path: str | os.PathLike) -> bool:
    """Whether a path leads to a regular file; unlike that of `Path`, for any name."""
    return _node_at(path) is None


def is_folder(path: str | os.PathLike | RemotePath) -> bool:
    """Whether a path leads to a folder; unlike that of `Path`, for any name, and on remote storage."""
    return place(path).is_dir() if is_remote(path) else os.path.isdir(path)  # noqa: PTH112


def exists(path: str | os.PathLike | RemotePath) -> bool:
    """Whether a path leads anywhere; unlike that of `Path`, for any name, and on remote storage."""
    return place(path).exists() if is_remote(path) else os.path.exists(path)  # noqa: PTH110


def cause_of(error: BaseException) -> str:
    """Why something cannot be read, in one line and not cut, without the configuration that Keras repeats.

    Example:
        >>> cause_of(RecursionError("maximum recursion depth exceeded"))
        'it is nested too deeply'
    """
    outer, *inner = causes_of(error)
    for cause in inner:
        if not str(cause).strip() or not str(outer).rstrip().endswith(str(cause).strip()):
            break
        outer = cause  # which the outer one only repeats, as Keras' do
    if isinstance(outer, RecursionError):
        return "it is nested too deeply"
    if is_out_of_memory(outer):
        return "it needs more memory than there is"
    if isinstance(outer, KeyError):
        return f"it has no {outer}"
    message = outer.strerror if isinstance(outer, OSError) and outer.strerror else str(outer)
    for config in ("Full object config:", "config={"):
        message = message.partition(config)[0]
    message = _printable(redacted(" ".join(message.split()))).rstrip(".")
    if not any(map(str.isalpha, message)):  # an index, say
        return f"{type(outer).__name__} {message}".strip()
    return message if len(message) <= LONGEST else f"{message[:LONGEST]} ..."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was not enough, for Python or for TensorFlow, which may not be imported."""
    is_of_tensorflow = type(error).__name__ == "ResourceExhaustedError" and NO_SPACE not in str(error)
    return isinstance(error, MemoryError) or is_of_tensorflow


def check_archive(archive: zipfile.ZipFile) -> None:
    """Checks, before anything is unpacked, that a zip archive can be read without harm; to be called in a border.

    Raises:
        ValueError: If it is a bomb, a name is there twice or leads out of it, or it is packed by other means than NumPy
            and Keras use.
    """
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(names) < len(members):
        raise ValueError("several files in it have the same name")
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or not parts[0] or ":" in parts[0]:
            raise ValueError(f"the name {member.filename!r} leads out of it")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
            raise ValueError(f"{member.filename!r} is encrypted or packed by another method than deflate")
    unpacked, packed = sum(member.file_size for member in members), archive.fp.seek(0, io.SEEK_END)
    if unpacked > LIMIT and unpacked > RATIO * packed:
        raise ValueError(f"unpacked, its {packed:,} bytes would be {unpacked:,}; save it without compression")


def _node_at(path: str | os.PathLike) -> str | None:
    """What is at a path instead of a regular file, in words; None if there is one."""
    try:
        mode = (path if isinstance(path, Path) else Path(path)).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "a link to nothing" if Path(path).is_symlink() else "which does not exist"
    except ValueError:  # a null character, or one that the file system's encoding lacks
        return "whose name no file can have"
    except OSError as error:
        return f"which cannot be looked at ({error.strerror})"
    return None if stat.S_ISREG(mode) else _NODES.get(stat.S_IFMT(mode), "a device")


def shown(path: object) -> str:
    """A path as errors show it: whatever its characters are, they cannot change a terminal, and a URL has no token."""
    return _printable(redacted(os.fspath(path) if isinstance(path, os.PathLike) else str(path)))


def _printable(text: str) -> str:
    """Text whose control characters cannot change a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _is_of_this_package(error: BaseException) -> bool:
    """Whether an error is a mistake in this package: of those that no file can cause, and raised by its own code."""
    innermost = causes_of(error)[-1]
    if not isinstance(innermost, (AssertionError, ImportError, NameError)):
        return False
    trace = innermost.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(PACKAGE)
