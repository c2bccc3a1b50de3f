"""Snapshots on remote storage: each a file and then a marker, without which no reader takes it."""

import os
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch

from keras_gan_zoo.core.remote import UNFINISHED, RemotePath, place
from keras_gan_zoo.core.remote_claims import confirm
from keras_gan_zoo.core.remote_copies import MARK, agrees, chosen, mark, remove_whole, write_whole
from keras_gan_zoo.core.run_files import SNAPSHOT_FILES, step_named
from keras_gan_zoo.state.snapshot import SNAPSHOT, DamagedSnapshotError, Snapshot, SnapshotFolder


class RemoteSnapshotFolder(SnapshotFolder):
    """The newest snapshots of a run, as in `SnapshotFolder`, in a folder on remote storage.

    Args:
        path: The folder.
        keep: Number of snapshots to keep.

    Attributes:
        before_writing: What is called before each snapshot is written, with nothing, such as to upload what belongs
            to a run at that moment.
    """

    path: RemotePath

    def __init__(self, path: RemotePath, keep: int = 2):
        self.path, self.keep = path, keep
        self.before_writing: Callable[[], object] = lambda: None

    def files(self) -> list[RemotePath]:
        """The files of the snapshots, newest first: those with a marker, or all where none has one, as in copies."""
        names = chosen([path.name for path in self.path.iterdir()])
        named = [self.path / name for name in names if fnmatch(name, SNAPSHOT_FILES)]
        steps = {path: step for path in named if (step := step_named(path.stem)) is not None}
        return sorted(steps, key=steps.__getitem__, reverse=True)

    def prepare(self) -> None:
        """Removes what killed processes have left: unfinished files, and markers without a file.

        Where no snapshot has a marker, as in a copy of a run, those that are intact get one.
        """
        names = {path.name for path in self.path.iterdir()}
        for path in self.path.iterdir():
            is_lone_mark = path.name.endswith(MARK) and path.name.removesuffix(MARK) not in names
            if is_lone_mark or path.match(UNFINISHED):
                path.unlink(missing_ok=True)
        for path in self.files():
            if path.name + MARK not in names:
                with suppress(DamagedSnapshotError):  # it goes when a newer one has a marker
                    content = SNAPSHOT.content(path)
                    Snapshot.of(content, path)
                    mark(path, content)

    def newest(self) -> Snapshot | None:
        """The newest intact snapshot, as in `SnapshotFolder`; None also if the first one was not written to the end."""
        try:
            return super().newest()
        except DamagedSnapshotError:
            names = [path.name for path in self.path.iterdir()]
            if len(self.files()) == 1 and not any(name.endswith(MARK) for name in names):
                return None
            raise

    def _named_like_one(self) -> list[RemotePath]:
        return [path for path in self.path.iterdir() if path.match(SNAPSHOT_FILES)]

    def _kept_in_words(self) -> str:
        try:
            return super()._kept_in_words()
        except OSError:  # what could not be written to can perhaps not be read either
            return "Earlier ones are untouched"

    def _write(self, snapshot: Snapshot, path: RemotePath) -> None:
        confirm(self.path)
        self.before_writing()
        write_whole(path, b"".join(snapshot.parts()))
        whole = set(self.files())
        for other in self._named_like_one():
            if other not in whole:  # a process was killed before it had a marker
                self._remove(other)

    def _read(self, path: RemotePath) -> Snapshot:
        content = SNAPSHOT.content(path)
        if not agrees(path, content):
            raise SNAPSHOT.refusal(path, "which is not what its marker says")
        return Snapshot.of(content, path)

    def _remove(self, path: RemotePath) -> None:
        remove_whole(path)


def snapshots_in(path: str | os.PathLike | RemotePath) -> SnapshotFolder:
    """The snapshots in a folder, wherever that is."""
    folder = place(path)
    return RemoteSnapshotFolder(folder) if isinstance(folder, RemotePath) else SnapshotFolder(folder)
