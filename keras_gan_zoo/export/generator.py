"""The generator as every format takes it: noise and labels in, images out, all in float32."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.latent.sampler import Sampler
from keras_gan_zoo.networks.parts import inputs
from keras_gan_zoo.state.identity import sha256_of_weights


@dataclass(frozen=True)
class Generator:
    """What is exported of a model.

    Args:
        network: The generator in float32.
        variant: Name of the model's class.
        sha256: Of the weights as they were trained.
        num_classes: Of conditional networks; None of others.
        class_names: Their names, if they have any.
    """

    network: keras.Model
    variant: str
    sha256: str
    num_classes: int | None
    class_names: tuple[str, ...] | None

    @classmethod
    def of(cls, model) -> Generator:
        """The averaged generator of a GAN where there is one, in full precision.

        Raises:
            InputError: If the model is no GAN, or does not know its classes.
            NotFiniteError: If a weight is NaN or infinite.
        """
        if not isinstance(model, Sampler):
            raise InputError(
                f"Expected a GAN of this package. Received: {type(model).__name__}. Load one with kgz.load."
            )
        if model.conditional and model.num_classes is None:
            raise InputError(
                "Expected a conditional model that knows its number of classes. Received: num_classes=None. Pass "
                "num_classes to the constructor."
            )
        classes = (model.num_classes, model.class_names) if model.conditional else (None, None)
        sampler = model.sampler
        if not all(np.isfinite(weights).all() for weights in sampler.get_weights()):
            raise NotFiniteError("Expected a model with finite weights. Received: NaN or infinity. Train it anew.")
        return cls(_in_full_precision(sampler), type(model).__name__, sha256_of_weights(sampler), *classes)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        return tuple(self.network.inputs[0].shape[1:])

    @property
    def example_shape(self) -> tuple[int, ...]:
        return tuple(self.network.output_shape[1:])

    @property
    def makes_images(self) -> bool:
        return len(self.example_shape) == 3

    @property
    def signature(self) -> list[tf.TensorSpec]:
        noise = tf.TensorSpec((None, *self.latent_shape), tf.float32, name="noise")
        return [noise] if self.num_classes is None else [noise, tf.TensorSpec((None,), tf.int32, name="labels")]

    @property
    def function(self) -> Callable:
        """From the tensors of the signature to a dictionary with `images`."""
        if self.num_classes is None:
            return lambda noise: {"images": self._images(noise)}
        return lambda noise, labels: {"images": self._images(noise, labels)}

    def images(self, noise: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        """What Keras makes of noise."""
        return self._traced(*(tf.constant(values) for values in (noise, labels) if values is not None))[
            "images"
        ].numpy()

    def layer_of(self, operation: str) -> str:
        """The innermost layer whose name is in the name of an operation, where TensorFlow may have counted it on."""
        names = {layer.name for layer in all_layers(self.network, include_self=False)}
        for part in reversed(operation.split("/")):
            for name in (re.sub(r"_\d+$", "", part), part):
                if name in names:
                    return name
        return operation

    @cached_property
    def _traced(self):
        return tf.function(self.function, input_signature=self.signature, autograph=False)

    def _images(self, noise, labels=None):
        noise = tf.cast(noise, self.network.inputs[0].dtype)
        labels = None if labels is None else tf.cast(labels, self.network.inputs[1].dtype)
        return tf.cast(self.network(inputs(noise, labels), training=False), tf.float32)


def _in_full_precision(network: keras.Model) -> keras.Model:
    """The network itself, or a copy in float32 of one that computes in another precision."""
    dtypes = {dtype for layer in all_layers(network) for dtype in (layer.compute_dtype, layer.variable_dtype)}
    if dtypes <= {"float32"}:
        return network
    copy = keras.models.clone_model(
        network, clone_function=lambda layer: type(layer).from_config(_with_float32(layer.get_config()))
    )
    copy.set_weights(network.get_weights())
    return copy


def _with_float32(config):
    """A layer's configuration with every policy in it, of wrapped layers too, replaced."""
    if not isinstance(config, dict):
        return config
    return {
        name: "float32" if name == "dtype" and isinstance(value, dict) else _with_float32(value)
        for name, value in config.items()
    }
