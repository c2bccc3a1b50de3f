"""Layers made anew from their configurations."""

from collections.abc import Callable

import keras

from keras_gan_zoo.errors import InputError


def rebuilt(layer: keras.Layer, change: Callable[[dict], dict] = dict) -> keras.Layer:
    """A new layer with the configuration of another one, which may be changed.

    Raises:
        InputError: If the layer has no configuration that describes it.
    """
    try:
        return type(layer).from_config(change(layer.get_config()))
    except Exception as error:  # whatever the constructors of layers raise
        raise InputError(
            f"Expected layers that Keras can copy. Received: the layer {layer.name!r}, a {type(layer).__name__}, "
            "which it cannot. Give its class a get_config that returns the arguments of its constructor; in place of a "
            "Lambda, write a layer."
        ) from error
