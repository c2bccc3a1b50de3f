"""Trained models by run folder or file."""

import json
import os
import zipfile
from pathlib import Path

import keras

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.training import MODEL_FILE
from keras_gan_zoo.two_player import TwoPlayerModel


def load(source: str | os.PathLike) -> TwoPlayerModel:
    """A trained model from a run folder or a `.keras` file, both optimizers included.

    Args:
        source: Folder written by `training.train`, or a file written by `gan.save`.

    Raises:
        InputError: If there is no model, or it is not one of ours.

    Example:
        ```python
        gan = kgz.load("runs/dcgan_digits")
        gan.sample(16, seed=0)
        ```
    """
    path = Path(source)
    if path.is_dir():
        path = path / MODEL_FILE
        if not path.exists():
            raise InputError(f"Expected a finished run with a {MODEL_FILE}. Received: {source}, which has none.")
    if not path.is_file():
        raise InputError(f"Expected a run folder or a .keras file. Received: {source}, which does not exist.")
    _check_file(path)
    return keras.saving.load_model(path)


def _check_file(path: Path) -> None:
    """Reads the file's own description first, because Keras' errors speak of its internals."""
    try:
        with zipfile.ZipFile(path) as archive:
            described = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"Expected a model saved as a .keras file. Received: {path}, which is not one.") from error
    if not str(described.get("registered_name")).startswith("keras_gan_zoo>"):
        name = described.get("class_name")
        raise InputError(f"Expected a GAN of this package. Received: {path}, a Keras model of class {name!r}.")
