"""Where models and weights are saved, and how networks are described in the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from keras_gan_zoo.core.files import check_place, folder_written_beside, written_beside
from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.core.urls import is_url
from keras_gan_zoo.errors import InputError

MODEL, WEIGHTS = ".keras", ".weights.h5"


@contextmanager
def place(path: str | os.PathLike, suffix: str, overwrite: bool = True, folder: bool = False) -> Iterator:
    """The path for Keras to save to, which gets its name when the file (or folder) is complete.

    Raises:
        InputError: If the path has another suffix, is in a folder that does not exist, or has something that must not
            be replaced.
    """
    if is_url(path):  # Keras has its own ways to places such as hf:// and gs://
        yield path
        return
    path = Path(path)
    if not path.name.endswith(suffix) or path.name == suffix:
        raise InputError(f"Expected the path of a {suffix} file. Received: {path}. Call it {_stem(path)}{suffix}.")
    check_place(path, folder)
    if path.exists() and not overwrite:
        raise InputError(f"Expected a new path, because of overwrite=False. Received: {path}. Choose another.")
    with (folder_written_beside if folder else written_beside)(path) as beside:
        yield beside


def described(name: str, network: keras.Model) -> dict:
    """A network as Keras describes it.

    Raises:
        InputError: If a layer has no description, which names that layer.
    """
    try:
        return keras.saving.serialize_keras_object(network)
    except Exception as error:  # whatever the layers' own methods raise
        layer = _without_config(network) or network
        raise InputError(
            f"Expected a {name} that Keras can describe, to save it. Received: the layer {layer.name!r}, a "
            f"{type(layer).__name__}, which it cannot. Give the class a get_config that returns the arguments of its "
            "constructor, and register it: @keras.saving.register_keras_serializable()."
        ) from error


def _without_config(network: keras.Model) -> keras.Layer | None:
    for layer in all_layers(network, include_self=False):
        try:
            layer.get_config()
        except Exception:  # which is what is looked for
            if isinstance(layer, keras.Model) and (inner := _without_config(layer)) is not None:
                return inner
            return layer
    return None


def _stem(path: Path) -> Path:
    """The path without the suffix of another format."""
    others = (".weights.h5", ".weights", ".keras", ".h5", ".hdf5", ".tf", ".pb", ".ckpt")
    ending = next((each for each in others if path.name.lower().endswith(each)), "")
    stem = path.name[: len(path.name) - len(ending)] or "gan"
    return path.with_name(stem) if path.name else path / stem
