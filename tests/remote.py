"""Remote storage of tests: TensorFlow's ram://, which lives in the memory of a process, and kills of what writes there.

A kill leaves half of what is being written. Stores never show that, but not all systems are stores.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import tensorflow as tf

from keras_gan_zoo.core import claims, remote
from keras_gan_zoo.core.remote import RemotePath, place
from tests.kills import KilledError

_buckets = count(1)
_starts = count(10**6)


def bucket() -> RemotePath:
    """A new, empty one."""
    return place(f"ram://bucket{next(_buckets)}")


class Storage:
    """`tf.io.gfile` until it is killed, or fails.

    Args:
        at: The number of the operation, from 0, that happens only in part; none does after it.

    Attributes:
        seen: The operations before that change something, each with its path.
        is_done: Whether it was killed.
    """

    def __init__(self, at: float):
        self.at, self.seen, self.is_done = at, [], False

    def __getattr__(self, name: str):
        if self.is_done:
            raise KilledError
        function = getattr(tf.io.gfile, name)
        return (
            self._announced(name, function) if name in ("remove", "rmtree", "rename", "makedirs", "copy") else function
        )

    def GFile(self, path: str, mode: str):  # noqa: N802, the name is TensorFlow's
        if self.is_done:
            raise KilledError
        file = tf.io.gfile.GFile(path, mode)
        return _Written(self, file) if mode == "wb" else file

    def kills(self, operation: str, path: str) -> bool:
        """Whether the process dies in this operation."""
        self.is_done = self.is_done or len(self.seen) == self.at
        if not self.is_done:
            self.seen.append((operation, path))
        return self.is_done

    def _announced(self, name: str, function):
        def announced(path: str, *others, **options):
            target = others[0] if name in ("copy", "rename") else path
            if target.startswith("ram://") and self.kills(name, target):
                if name == "copy":
                    with open(path, "rb") as source, tf.io.gfile.GFile(target, "wb") as file:
                        file.write(source.read()[:20])
                raise KilledError
            return function(path, *others, **options)

        return announced


class _Written:
    def __init__(self, storage: Storage, file):
        self._storage, self._file = storage, file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, content: bytes) -> None:
        is_killed = self._storage.kills("write", self._file.name)
        self._file.write(content[: len(content) // 2] if is_killed else content)
        if is_killed:
            raise KilledError


@contextmanager
def killed(at: float) -> Iterator[Storage]:
    """Ends the block in an operation on remote storage. Its process is another one than those before."""
    start, start_of, gfile = next(_starts), claims._start_of, remote._gfile
    storage = Storage(at)
    claims._start_of, remote._gfile = (lambda process: start), (lambda: storage)
    try:
        with suppress(KilledError):
            yield storage
    finally:
        claims._start_of, remote._gfile = start_of, gfile
