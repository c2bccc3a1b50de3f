"""Trained models by run folder or file."""

import os
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
    try:
        model = keras.saving.load_model(path)
    except (ValueError, TypeError, OSError, KeyError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise InputError(f"Expected a whole model saved as a .keras file. Received: {path} ({reason}).") from error
    if not isinstance(model, TwoPlayerModel):
        raise InputError(f"Expected a GAN. Received: {path}, a Keras model of class {type(model).__name__!r}.")
    return model
