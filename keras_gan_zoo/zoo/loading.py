"""Trained models by name, run folder, file or URL."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import keras

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.core.reading import Kind, check_archive, exists, is_folder, shown
from keras_gan_zoo.core.registry import variants
from keras_gan_zoo.core.remote import is_remote
from keras_gan_zoo.core.remote_copies import local_copy
from keras_gan_zoo.core.run_files import MODEL_FILE, SAMPLES, SNAPSHOT_SUFFIX, SNAPSHOTS
from keras_gan_zoo.core.urls import is_url
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.sampler import Sampler
from keras_gan_zoo.state.snapshot import SNAPSHOT, Snapshot, SnapshotFolder
from keras_gan_zoo.zoo.belonging import check_recipe, check_snapshot, recipe_of
from keras_gan_zoo.zoo.cards import CARD_FILE, PRESET
from keras_gan_zoo.zoo.hub import is_hub
from keras_gan_zoo.zoo.preset import find

MODEL = Kind("model", "a whole model saved as a .keras file", "Save it again, or get the file again.")
NOT_LOADED = (f"{SAMPLES}/*", "tensorboard/*")  # of a remote run
RUN = Kind("run folder", f"a run with a {MODEL_FILE} or snapshots, or a preset", "Check the path.")


@MODEL.reader
@RUN.reader
@PRESET.reader
def load(source: str | os.PathLike, with_discriminator: bool = False, sha256: str | None = None) -> Sampler:
    """Loads a trained model.

    Args:
        source: A folder or file that exists, or else the name of a preset, see `list_presets`, or a URL. A folder is
            one that `training.train` wrote, whose newest snapshot is loaded (with a warning) if the run is not
            finished, or one that `save_preset` wrote. A file was written by `gan.save` or by `callbacks.Snapshots`, or
            is the `.zip` of a preset's folder. A URL begins with `https://` or `file://` and leads to a `.keras` file
            or such a `.zip`; or with `hf://`, for a preset on the Hugging Face Hub, `hf://user/name`, or
            `hf://user/name@revision` for one of its branches, tags or commits. Folders and files may be on remote
            storage that TensorFlow can read, such as `gs://bucket/run`.
        with_discriminator: Whether the discriminator of a preset is loaded too, so that training can continue. Without
            it, the model refuses to be trained or evaluated. Models from other sources always have their discriminator
            and optimizers.
        sha256: SHA-256 of the file at a URL, which is required; it can also be given at the end of the URL,
            `#sha256=...`. Fetched files are kept in a cache.

    Raises:
        InputError: If there is no such model, it is not a model of this package, or one of its files was changed; or if
            a file in the folder of a run is of another one.
        OSError: If a file cannot be fetched, or remote storage does not answer.

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
    if is_url(source) and not is_remote(source):
        return _load_url(str(source), with_discriminator, sha256)
    if sha256 is not None:
        raise InputError(f"Expected sha256 with a URL of https:// or file:// only. Received: {source}. Leave it out.")
    with local_copy(source, besides=NOT_LOADED) as path:
        return _load_path(path, source, with_discriminator)


def _load_path(path: Path, source: str | os.PathLike, with_discriminator: bool) -> Sampler:
    """Loads what is at a local path, which is a copy if the source is remote."""
    if is_folder(path) and not exists(path / CARD_FILE):
        model, unfinished = load_run(path)
        if unfinished:
            warn(unfinished.replace(str(path), str(source)))
        return model
    if exists(path) and not is_folder(path) and path.suffix.lower() != ".zip":
        return _load_snapshot(path) if path.suffix.lower() == SNAPSHOT_SUFFIX else _load_file(path)
    return find(path if is_remote(source) else source).model(with_discriminator)


def _load_url(url: str, with_discriminator: bool, sha256: str | None) -> Sampler:
    if is_hub(url):
        return find(url, sha256).model(with_discriminator)
    downloads.check_scheme(url)
    suffix = Path(urlsplit(url).path).suffix.lower()
    if suffix == ".keras":
        return _load_file(downloads.fetch(url, sha256))
    if suffix == ".zip":
        return find(url, sha256).model(with_discriminator)
    raise InputError(f"Expected the URL of a .keras file, or of the .zip of a preset's folder. Received: {shown(url)}.")


def load_run(folder: Path) -> tuple[Sampler, str]:
    """The finished model of a run, or its newest snapshot if that is of a later step.

    Returns:
        The model, and a sentence if the run is not finished, otherwise "".

    Raises:
        InputError: If there is none, or files are of different runs.
    """
    path, snapshots = folder / MODEL_FILE, SnapshotFolder(folder / SNAPSHOTS)
    newest = next(iter(snapshots.steps()), None)
    if newest is None and not exists(path):
        raise RUN.refusal(folder, "which has neither")
    recipe = recipe_of(folder)
    model = _load_file(path) if exists(path) else None
    if model is None or (newest is not None and newest > model.steps_done):
        snapshot = snapshots.newest()
        with SNAPSHOT.border(snapshots.path):
            model = snapshot.model()
        check_recipe(model, recipe, snapshots.path)
        return model, f"{folder} is not finished: this is its model at step {snapshot.step}."
    check_recipe(model, recipe, path)
    last = None if newest is None else check_snapshot(model, snapshots.files()[0], path)
    if last is None or last.is_stopped or last.epoch >= recipe.get("epochs", 0):
        return model, ""
    return model, f"{folder} is not finished: this is its model after epoch {last.epoch} of {recipe['epochs']}."


def _load_snapshot(path: Path) -> Sampler:
    snapshot = Snapshot.read(path)
    with SNAPSHOT.border(path):
        return snapshot.model()


def _load_file(path: Path) -> Sampler:
    """Loads a .keras file, after a check that it is intact."""
    with MODEL.border(path):
        with zipfile.ZipFile(MODEL.check(path)) as archive:
            check_archive(archive)
            damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        model = _load_with_keras(path)
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
