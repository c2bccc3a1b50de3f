"""Callbacks with a state that is saved in snapshots, and checkpoints of the model that they may return to."""

from pathlib import Path

import keras

from keras_gan_zoo.callbacks.side_outputs import SideOutput
from keras_gan_zoo.core.run_files import SNAPSHOT_SUFFIX
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.snapshot import Snapshot


class Stateful(keras.callbacks.Callback):
    """A callback whose `state`, a dictionary of plain values, is saved in every snapshot and restored with it.

    `fit` sets `folder` to the folder of the snapshots, if there is one, and `suffix` to distinguish callbacks of one
    class.
    """

    def __init__(self):
        super().__init__()
        self.state: dict = {}
        self.folder: Path | None = None
        self.suffix = ""


class Checkpoint:
    """A saved state of the model to return to: in memory, and also in a file if the run has a folder."""

    def __init__(self, owner: Stateful, name: str):
        self._owner, self._name, self._snapshot = owner, name, None
        self._in_file = SideOutput(f"Training goes on with the model of the {name} epoch in memory only")
        self._given_back = SideOutput(f"The model stays that of the last epoch, because the {name} one is lost")

    def save(self, model, epoch: int) -> None:
        self._snapshot = Snapshot.capture(model, run=identity.describe_run(model, {}), epoch=epoch)
        if self._path is not None:
            with self._in_file:
                self._write(self._path)

    @property
    def exists(self) -> bool:
        """Whether a state was saved."""
        return self._snapshot is not None or (self._path is not None and self._path.exists())

    def restore(self, model) -> None:
        """Gives a model the state that was saved last, by this process or by an earlier one of the same run."""
        with self._given_back:
            if self._snapshot is None and self._path is not None:
                self._snapshot = Snapshot.read(self._path)
            if self._snapshot is not None and self._snapshot.step != model.steps_done:
                self._snapshot.restore(model)

    def _write(self, path: Path) -> None:
        try:
            self._snapshot.write(path)
        except Exception:
            path.unlink(missing_ok=True)  # an earlier one is not what the owner's state tells of
            raise

    @property
    def _path(self) -> Path | None:
        if self._owner.folder is None:
            return None
        return self._owner.folder / f"{self._name}{self._owner.suffix}{SNAPSHOT_SUFFIX}"
