"""Uploads of what other callbacks write: pictures, logs and TensorBoard's files of a run on remote storage."""

import time
from fnmatch import fnmatch
from pathlib import Path

import keras

from keras_gan_zoo.callbacks.side_outputs import SideOutput
from keras_gan_zoo.core.claims import ClaimedError
from keras_gan_zoo.core.remote import UNFINISHED, RemotePath
from keras_gan_zoo.core.remote_claims import confirm
from keras_gan_zoo.core.remote_copies import fetch

PAUSE = 10  # seconds between uploads at the ends of epochs: stores limit how often a file is replaced


class Uploads(keras.callbacks.Callback):
    """Keeps a remote folder like a local one that other callbacks write to, which come before this one.

    Files that have changed are uploaded at the end of an epoch, unless that was done a moment ago, and at the end of
    training; `upload` does it at any time, such as before a snapshot, so that nothing of before it is missing when the
    run is resumed. Where the storage fails, a warning says so, once, and training goes on.

    Args:
        local: The local folder.
        remote: The remote folder. What is in it is copied to the local one first.
        besides: Patterns of names that are neither copied nor uploaded.
    """

    def __init__(self, local: Path, remote: RemotePath, besides: tuple[str, ...]):
        super().__init__()
        self.local, self.remote, self._besides = local, remote, besides
        self._output = SideOutput(f"Training goes on without new pictures and logs in {remote}")
        for path in fetch(remote, local, besides).values():
            if path.match(UNFINISHED):  # a killed process left it
                path.unlink(missing_ok=True)
        self._uploaded, self._time = self._states(), time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self._time > PAUSE:
            self.upload()

    def on_train_end(self, logs=None):
        self.upload()

    def upload(self) -> None:
        """Uploads the files that have changed, and removes those that are gone here.

        Raises:
            ClaimedError: If another process has taken over the remote folder.
        """
        lost = None
        with self._output:
            try:
                self._upload()
            except ClaimedError as error:  # no side output: two processes must not go on
                lost = error
        if lost is not None:
            raise lost
        self._time = time.monotonic()

    def _upload(self) -> None:
        states = self._states()
        changed = [name for name, state in states.items() if self._uploaded.get(name) != state]
        gone = [name for name in self._uploaded if name not in states]
        if changed or gone:
            confirm(self.remote)
        for name in changed:
            (self.remote / name).upload(self.local / name)
            self._uploaded[name] = states[name]
        for name in gone:
            (self.remote / name).unlink(missing_ok=True)
            del self._uploaded[name]

    def _states(self) -> dict[str, tuple[int, int]]:
        """What tells whether a file has changed, by its path in the folder; hidden files are left out."""
        files = {path.relative_to(self.local).as_posix(): path for path in self.local.rglob("*") if path.is_file()}
        left_out = ("*/.*", ".*", *self._besides)
        shown = {name: path.stat() for name, path in files.items() if not any(fnmatch(name, each) for each in left_out)}
        return {name: (status.st_size, status.st_mtime_ns) for name, status in sorted(shown.items())}
