"""Trained models by name, run folder, file or URL."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import keras

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.downloads import is_url
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.core.registry import variants
from keras_gan_zoo.core.run_files import MODEL_FILE, SNAPSHOTS
from keras_gan_zoo.core.urls import redacted, shown
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.sampler import Sampler
from keras_gan_zoo.state.definitions import missing_definition
from keras_gan_zoo.state.snapshot import SUFFIX, Snapshot, SnapshotFolder
from keras_gan_zoo.zoo.cards import CARD_FILE
from keras_gan_zoo.zoo.preset import find


def load(source: str | os.PathLike, with_discriminator: bool = False, sha256: str | None = None) -> Sampler:
    """Loads a trained model.

    Args:
        source: A folder or file that exists, or else the name of a preset, see `list_presets`, or a URL. A folder is
            one that `training.train` wrote, whose newest snapshot is loaded (with a warning) if the run is not
            finished, or one that `save_preset` wrote. A file was written by `gan.save` or by `callbacks.Snapshots`, or
            is the `.zip` of a preset's folder. A URL begins with `https://` or `file://` and leads to a `.keras` file
            or such a `.zip`; or with `hf://`, and Keras loads it from the Hugging Face Hub.
        with_discriminator: Whether the discriminator of a preset is loaded too, so that training can continue. Without
            it, the model refuses to be trained or evaluated. Models from other sources always have their discriminator
            and optimizers.
        sha256: SHA-256 of the file at a URL, which is required; it can also be given at the end of the URL,
            `#sha256=...`. Fetched files are kept in a cache.

    Raises:
        InputError: If there is no such model, it is not a model of this package, or one of its files was changed.
        OSError: If a file cannot be fetched.

    Example:
        >>> import keras_gan_zoo as kgz
        >>> kgz.load("conditional_gan_mnist").sample(10, seed=0).shape
        (10, 28, 28, 1)
    """
    if not isinstance(source, (str, os.PathLike)) or not str(source):
        raise InputError(
            f"Expected a preset's name, the path of a folder or a file, or a URL. Received: {source!r}. All presets: "
            "gan-zoo list."
        )
    check_not_forked()
    variants()  # registers them with Keras, which must know them before it reads a file
    if is_url(source):
        return _load_url(str(source), with_discriminator, sha256)
    if sha256 is not None:
        raise InputError(f"Expected sha256 with a URL only. Received: {source}, which is not a URL. Leave it out.")
    path = Path(source)
    if path.is_dir() and not (path / CARD_FILE).exists():
        return _load_run(path)
    if path.is_file() and path.suffix.lower() != ".zip":
        return Snapshot.read(path).model() if path.suffix.lower() == SUFFIX else _load_file(path)
    return find(source).model(with_discriminator)


def _load_url(url: str, with_discriminator: bool, sha256: str | None) -> Sampler:
    if url.lower().startswith("hf://"):
        return _load_from_hub(url, sha256)
    downloads.check_scheme(url)
    suffix = Path(urlsplit(url).path).suffix.lower()
    if suffix == ".keras":
        return _load_file(downloads.fetch(url, sha256))
    if suffix == ".zip":
        return find(url, sha256).model(with_discriminator)
    raise InputError(f"Expected the URL of a .keras file, or of the .zip of a preset's folder. Received: {shown(url)}.")


def _load_from_hub(url: str, sha256: str | None) -> Sampler:
    """Loads from the Hugging Face Hub with Keras, which uses the Hub's own client and cache."""
    if sha256 is not None:
        raise InputError(f"Expected no sha256 with hf://, whose client checks what it fetches. Received: {shown(url)}.")
    if downloads.is_offline():
        raise OSError(
            f"Expected no hf:// while {downloads.OFFLINE} is set, because it needs the network. Received: "
            f"{shown(url)}. Download the repository and load its file."
        )
    try:
        model = keras.saving.load_model(url)
    except Exception as error:  # of the Hub's client, of the network, of Keras
        expected = InputError(f"Expected a Keras model at {shown(url)}. Received: {redacted(_first_line(error))}.")
        raise missing_definition(shown(url), error) or expected from error
    return _checked(model, shown(url))


def _load_run(folder: Path) -> Sampler:
    """Loads the finished model of a run, or the newest snapshot if that is of a later step."""
    path, snapshots = folder / MODEL_FILE, SnapshotFolder(folder / SNAPSHOTS)
    newest = next(iter(snapshots.steps()), None)
    if newest is None and not path.exists():
        raise InputError(
            f"Expected a run with a {MODEL_FILE} or snapshots, or a preset. Received: {folder}, which has neither."
        )
    if path.exists():
        finished = _load_file(path)
        if newest in (None, finished.steps_done):
            return finished
    snapshot = snapshots.newest()
    warnings.warn(f"{folder} is not finished: this is its model at step {snapshot.step}.", stacklevel=3)
    return snapshot.model()


def _load_file(path: Path) -> Sampler:
    """Loads a .keras file, after a check that it is intact. Every error becomes an `InputError` about the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        model = _load_with_keras(path)
    except Exception as error:  # damaged files lead to errors of zipfile, json, h5py or Keras
        expected = InputError(
            f"Expected a whole model saved as a .keras file. Received: {path} ({_first_line(error)})."
        )
        raise missing_definition(path, error) or expected from error
    return _checked(model, path)


def _load_with_keras(path: Path):
    if path.suffix == path.suffix.lower():
        return keras.saving.load_model(path)
    with tempfile.TemporaryDirectory() as folder:  # Keras recognises the format by the suffix, in lower case only
        return keras.saving.load_model(shutil.copy(path, Path(folder) / f"gan{path.suffix.lower()}"))


def _checked(model, source) -> Sampler:
    if not isinstance(model, Sampler):
        raise InputError(f"Expected a GAN. Received: {source}, a Keras model of class {type(model).__name__!r}.")
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
