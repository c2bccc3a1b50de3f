"""Trained models by run folder or file."""

import os
import warnings
import zipfile
from pathlib import Path

import keras

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.snapshot import SUFFIX, Snapshot, SnapshotFolder
from keras_gan_zoo.training import MODEL_FILE, SNAPSHOTS
from keras_gan_zoo.two_player import TwoPlayerModel


def load(source: str | os.PathLike) -> TwoPlayerModel:
    """A trained model from a run folder or a `.keras` file, both optimizers included.

    Args:
        source: Folder written by `training.train`, of which the newest snapshot is taken (with a warning) if the run is
            not finished; or a file written by `gan.save` or by `callbacks.Snapshots`.

    Raises:
        InputError: If there is no model, it is not one of ours, or its file is damaged.

    Example:
        ```python
        gan = kgz.load("runs/dcgan_digits")
        gan.sample(16, seed=0)
        ```
    """
    path = Path(source)
    if path.is_dir():
        unfinished = _unfinished(path)
        if unfinished is not None:
            return unfinished
        path = path / MODEL_FILE
    if not path.is_file():
        raise InputError(f"Expected a run folder or a .keras file. Received: {source}, which does not exist.")
    if path.suffix == SUFFIX:
        return Snapshot.read(path).model()
    model = _read(path)
    if not isinstance(model, TwoPlayerModel):
        raise InputError(f"Expected a GAN. Received: {path}, a Keras model of class {type(model).__name__!r}.")
    return model


def _unfinished(folder: Path) -> TwoPlayerModel | None:
    """The model of the newest snapshot of a run, if it is newer than its finished model."""
    model, snapshots = folder / MODEL_FILE, SnapshotFolder(folder / SNAPSHOTS)
    newest = next(iter(snapshots.files()), None)
    if newest is None and not model.exists():
        raise InputError(f"Expected a run with a {MODEL_FILE} or snapshots. Received: {folder}, which has neither.")
    if newest is None or (model.exists() and model.stat().st_mtime >= newest.stat().st_mtime):
        return None
    snapshot = snapshots.newest()
    warnings.warn(f"{folder} is not finished: this is its model at step {snapshot.step}.", stacklevel=3)
    return snapshot.model()


def _read(path: Path):
    """Keras' loading, of an archive that is whole: every error is that of a file that is not what it should be."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        return keras.saving.load_model(path)
    except Exception as error:  # flipped bytes lead to errors of zipfile, json, h5py and Keras alike
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise InputError(f"Expected a whole model saved as a .keras file. Received: {path} ({reason}).") from error
