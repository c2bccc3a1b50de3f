"""Claims: only one process at a time writes to a folder, on this machine or on others that share the disk.

A claim is a file in the folder, which the system keeps locked for as long as the claim lasts. The lock ends with its
process, however that ends. The file names its owner, for messages and for the one thing that no lock tells: whether a
process on another machine, which left its file behind, has ended.
"""

import dataclasses
import errno
import json
import logging
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from keras_gan_zoo.errors import InputError

try:
    import fcntl
except ImportError:  # on Windows
    import msvcrt

    fcntl = None

LOCK_FILE = ".lock"
POLL = 0.1  # seconds between two attempts of a claim that waits
SETTLED = 0.2  # seconds until what others write to a file system without locks can be read here
_NO_LOCKS = (
    errno.ENOLCK,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EINVAL,
)  # as some networks' disks answer
_BEYOND = 2**30  # where Windows locks a byte, so that the text before it can be read

_held: set[int] = set()
"""The descriptors of the claims of this process."""


class ClaimedError(InputError):
    """Another process, or another thread of this one, writes to the folder."""


class UnseenOwnerError(InputError):
    """The folder was claimed on another machine, and nothing says whether that process has ended."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """Who has a claim.

    Args:
        process: The number of the process.
        process_start: When it started, in the system's ticks: other processes may have had that number before. None
            where the system does not say.
        host: The name of its machine.
        since: The time of the claim.
    """

    process: int
    process_start: int | None
    host: str
    since: str

    @classmethod
    def here(cls) -> "Owner":
        """This process, now."""
        now = datetime.now().astimezone().isoformat(" ", "seconds")
        return cls(os.getpid(), _start_of(os.getpid()), socket.gethostname(), now)

    @classmethod
    def read(cls, descriptor: int) -> "Owner | None":
        """The owner that a file names; None if it was not written, or only in part."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            return cls(**json.loads(os.read(descriptor, 10_000)))
        except (ValueError, TypeError):
            return None

    def write(self, descriptor: int) -> None:
        """Names this owner in a file."""
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(dataclasses.asdict(self)).encode())
        os.fsync(descriptor)

    def has_ended(self) -> bool:
        """Whether the process, which must be of this machine, has ended."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it is another user's
            pass
        return self.process_start != _start_of(self.process)

    def __str__(self):
        own = " (this one)" if (self.process, self.host) == (os.getpid(), socket.gethostname()) else ""
        return f"process {self.process}{own} on host {self.host}, since {self.since}"


@contextmanager
def claimed(
    folder: str | os.PathLike, *, take_over: bool = False, is_new: bool = False, waits: bool = False
) -> Iterator[None]:
    """Claims a folder, which is created if necessary, while the block runs.

    If nothing has been written to it when the block ends, the folders that were created are removed again. A process
    that is forked in the block has no part in the claim.

    Args:
        folder: The folder.
        take_over: Whether to take it from a process on another machine, which has ended.
        is_new: Whether the folder must not exist.
        waits: Whether to wait until its owner is done.

    Raises:
        ClaimedError: If it has another owner.
        UnseenOwnerError: If its owner was a process on another machine, and `take_over` is False.
        FileExistsError: If it exists although `is_new` is True.
        OSError: If it cannot be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, claimed(folder):
        ...     with claimed(folder):
        ...         pass
        Traceback (most recent call last):
        keras_gan_zoo.core.claims.ClaimedError: Expected a folder ...
    """
    folder = Path(folder)
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        if is_new:
            with _in_words(folder):
                folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        descriptor = _claim(folder, take_over, waits)
        try:
            yield
        finally:
            _release(descriptor, folder / LOCK_FILE)
    finally:
        for path in absent:
            with suppress(OSError):  # it is not empty, or not there
                path.rmdir()


def check_unclaimed(folder: Path) -> None:
    """Raises a `ClaimedError` if a process writes to the folder, which may be read-only."""
    try:
        descriptor = _open(folder / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        owner, is_locked = Owner.read(descriptor), _try_lock(descriptor, shared=True)
        if is_locked is False or (is_locked is None and owner is not None and _runs_here(owner)):
            raise _claimed_by(owner, folder)
    finally:
        os.close(descriptor)


def _claim(folder: Path, take_over: bool, waits: bool) -> int:
    while True:
        try:
            descriptor = _attempt(folder, take_over)
        except ClaimedError:
            if not waits:
                raise
            time.sleep(POLL)
        else:
            if descriptor is not None:
                return descriptor


def _attempt(folder: Path, take_over: bool) -> int | None:
    """The descriptor of a new claim; None if its file was removed meanwhile."""
    path = folder / LOCK_FILE
    with _in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = _open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:  # the owner before has just removed the folder, to which it wrote nothing
            return None
    try:
        is_locked = _try_lock(descriptor)
        owner = Owner.read(descriptor)
        if is_locked is False:
            raise _claimed_by(owner, folder)
        if not _is_at(path, descriptor):
            return None
        if owner is not None:
            _check_ended(owner, folder, take_over, is_locked)
        mine = Owner.here()
        with _in_words(folder), _removed_on_error(path):
            mine.write(descriptor)
        if is_locked is None:
            time.sleep(SETTLED)
            if (other := Owner.read(descriptor)) != mine:
                raise _claimed_by(other, folder)
        _held.add(descriptor)
        return descriptor
    finally:
        if descriptor not in _held:
            os.close(descriptor)


def _open(path: Path, flags: int) -> int:
    """Opens a lock file, and nothing that would be waited for, such as a pipe."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"Expected a regular file. Received: {path}, which is none. Remove it.")
    return descriptor


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"Expected a folder to write to. Received: {folder}: {error.strerror}. Fix it, or choose another folder."
        ) from error


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        path.unlink()
        raise


def _check_ended(owner: Owner, folder: Path, take_over: bool, is_locked: bool | None) -> None:
    """Raises an error unless the owner before has ended. Of a process of this machine, the lock tells."""
    here = socket.gethostname()
    if owner.host != here and not take_over:
        raise UnseenOwnerError(
            f"Expected a folder that no other process writes to. Received: {folder}, which belongs to {owner}; whether "
            f"that has ended cannot be told from host {here}. If it has, give take_over=True."
        )
    if is_locked is None and _runs_here(owner):
        raise _claimed_by(owner, folder)
    logging.getLogger(__name__).info("Taking over %s from %s, which has ended.", folder, owner)


def _runs_here(owner: Owner) -> bool:
    return owner.host == socket.gethostname() and not owner.has_ended()


def _claimed_by(owner: Owner | None, folder: Path) -> ClaimedError:
    return ClaimedError(
        f"Expected a folder that no other process writes to. Received: {folder}, which belongs to "
        f"{owner or 'another process'}. Wait until it has ended, or choose another folder."
    )


def _release(descriptor: int, path: Path) -> None:
    if descriptor not in _held:  # in a forked process, which has no part in it
        return
    _held.remove(descriptor)
    owner = Owner.read(descriptor)
    is_mine = owner is not None and owner.process == os.getpid() and _is_at(path, descriptor)  # it was not taken over
    if fcntl is None:
        os.close(descriptor)
    if is_mine:
        with suppress(PermissionError):  # on Windows, if another process has opened it by now: it claims the folder
            path.unlink(missing_ok=True)
    if fcntl is not None:  # not before: a process that gets the lock looks whether the file is still there
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is still the one at the path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _try_lock(descriptor: int, shared: bool = False) -> bool | None:
    """Locks an open file if nobody else has; returns whether it did, None if the file system has no locks."""
    try:
        if fcntl is None:
            os.lseek(descriptor, _BEYOND, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


def _start_of(process: int) -> int | None:
    """When a process started, in ticks since the system did; None if the system does not say, or it has ended."""
    try:
        facts = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return None
    return int(facts.rpartition(b")")[2].split()[19])  # its name, in parentheses, may contain anything


def _close_in_child() -> None:
    """A lock would outlive its process in a forked one that keeps the file open."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
