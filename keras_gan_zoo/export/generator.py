"""The generator in the form that all formats export: from noise and conditions to images, in float32."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.conditions import Condition
from keras_gan_zoo.core.free_size import FreeSize
from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.encoders import Encoder, conditions_to_test
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.sampler import Sampler
from keras_gan_zoo.networks.copies import rebuilt
from keras_gan_zoo.networks.free_size import of_any_size
from keras_gan_zoo.networks.roles import inputs
from keras_gan_zoo.state.finiteness import check_weights
from keras_gan_zoo.state.identity import sha256_of_weights


@dataclass(frozen=True)
class Generator:
    """The part of a model that is exported.

    Args:
        network: The generator in float32.
        variant: Name of the model's class.
        sha256: Digest of the weights in their original precision.
        latent_shape: Shape of the noise of one example; None if the network takes none.
        condition: The condition that it takes; None for none.
        encoder: Turns texts into the vectors that it takes; None for other conditions.
        vocabulary: The words of the texts of training, if they are known.
        free_size: The sizes of pictures that it translates beside that of training; None for no others.
    """

    network: keras.Model
    variant: str
    sha256: str
    latent_shape: tuple[int, ...] | None
    condition: Condition | None
    encoder: Encoder | None = None
    vocabulary: frozenset[str] | None = None
    free_size: FreeSize | None = None

    @classmethod
    def from_model(cls, model) -> Generator:
        """The generator of a GAN, the averaged one if there is one, in full precision.

        Raises:
            InputError: If the model is not a GAN, or its number of classes is unknown.
            NotFiniteError: If a weight is NaN or infinite.
        """
        if not isinstance(model, Sampler) or not isinstance(getattr(model, "sampler", None), keras.Model):
            raise InputError(
                f"Expected a GAN of this package. Received: {type(model).__name__}. Load one with kgz.load."
            )
        if model.has_classes and model.condition.num_classes is None:
            raise InputError(
                "Expected a conditional model that knows its number of classes. Received: num_classes=None. Pass "
                "num_classes to the constructor."
            )
        sampler = model.sampler
        check_weights(sampler)
        network, digest = _in_full_precision(sampler), sha256_of_weights(sampler)
        texts = model.encoder, model.vocabulary
        free_size = model.free_size
        return cls(network, type(model).__name__, digest, model.latent_shape, model.condition, *texts, free_size)

    def of_one_size(self) -> Generator:
        """The same generator for pictures of the size of training only."""
        return replace(self, free_size=None)

    @property
    def example_shape(self) -> tuple[int, ...]:
        return tuple(self.network.output_shape[1:])

    @property
    def makes_images(self) -> bool:
        return len(self.example_shape) == 3

    @property
    def about_texts(self) -> dict:
        """What a file says about the texts that its vectors stand for; empty for other conditions."""
        if self.encoder is None:
            return {}
        words = None if self.vocabulary is None else sorted(self.vocabulary)
        return {"encoder": self.encoder.get_config(), "vocabulary": words}

    @property
    def signature(self) -> list[tf.TensorSpec]:
        """The inputs: `noise`, and `labels` for classes or `condition` for vectors and pictures."""
        specs = []
        if self.latent_shape is not None:
            specs.append(tf.TensorSpec((None, *self.latent_shape), tf.float32, name="noise"))
        if self.condition is not None:
            dtype = tf.int32 if self.condition.is_class else tf.float32
            shape = self.condition.shape if self.free_size is None else (None, None, self.condition.shape[-1])
            specs.append(tf.TensorSpec((None, *shape), dtype, name=self.condition.input_name))
        return specs

    @property
    def axes(self) -> dict[str, tuple[str | int, ...]]:
        """The dimensions of inputs and output, by their names; those that are free have names themselves."""
        axes = {"noise": self.latent_shape, "images": self.example_shape}
        if self.condition is not None:
            axes[self.condition.input_name] = self.condition.shape
        if self.condition is not None and self.free_size is not None:
            enlarged = self.example_shape[:2] != self.condition.shape[:2]
            made = ("image_height", "image_width") if enlarged else ("height", "width")
            axes["condition"] = ("height", "width", self.condition.shape[-1])
            axes["images"] = (*made, self.example_shape[-1])
        return {name: ("batch", *sizes) for name, sizes in axes.items() if sizes is not None}

    @property
    def function(self) -> Callable:
        """From the tensors of the signature to a dictionary with `images`; arguments are named like the inputs."""
        network = self.exported  # which is made before functions are traced
        return self.with_arguments(lambda *given: {"images": _images(network, *given)})

    def with_arguments(self, function: Callable) -> Callable:
        """Wraps a function of positional tensors, so that its arguments are named like the inputs of the signature."""
        names = [spec.name for spec in self.signature]
        return {
            ("noise",): lambda noise: function(noise),
            ("labels",): lambda labels: function(labels),
            ("condition",): lambda condition: function(condition),
            ("noise", "labels"): lambda noise, labels: function(noise, labels),
            ("noise", "condition"): lambda noise, condition: function(noise, condition),
        }[tuple(names)]

    def images(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        """The images that Keras makes from noise and conditions, given by the names of the inputs."""
        network = self._traced_of_any_size if self._is_of_other_size(feed) else self._traced
        return network(*(tf.constant(feed[spec.name]) for spec in self.signature)).numpy()

    def images_in_float64(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        """The same images as `images`, but for the rounding to float32."""
        network = _in_precision(self.exported if self._is_of_other_size(feed) else self.network, "float64")
        return _made_by(network, [feed[spec.name] for spec in self.signature]).numpy()

    def _is_of_other_size(self, feed: dict[str, np.ndarray]) -> bool:
        return self.condition is not None and feed[self.condition.input_name].shape[1:] != self.condition.shape

    def check_repeatable(self) -> None:
        """Raises an `InputError` if the network makes other images from the same noise, which no file could match."""
        feed = self.feed(2, seed=0)
        first, second = self.images(feed), self.images(feed)
        if not np.allclose(first, second, atol=1e-4, equal_nan=True):
            raise InputError(
                "Expected a generator that makes the same images from the same noise. Received: one whose layers draw "
                "random numbers themselves. Let it take them as part of the noise, or draw them in training only."
            )

    def feed(self, n: int, seed: int) -> dict[str, np.ndarray]:
        """Noise and conditions of n examples, by the names of the inputs; classes are taken in turn."""
        given = {}
        if self.latent_shape is not None:
            random = np.random.default_rng(seed)
            given["noise"] = random.standard_normal((n, *self.latent_shape), dtype=np.float32)
        if self.condition is not None:
            given[self.condition.input_name] = conditions_to_test(self, n, seed)
        return given

    def find_layer(self, operation: str) -> str:
        """The innermost layer named in the name of an operation, where TensorFlow may have added a number."""
        names = {layer.name for layer in all_layers(self.network, include_self=False)}
        for part in reversed(operation.split("/")):
            for name in (re.sub(r"_\d+$", "", part), part):
                if name in names:
                    return name
        return operation

    @cached_property
    def exported(self) -> keras.Model:
        """The network that a file computes: that of training, or its copy for any height and width."""
        return self.network if self.free_size is None else of_any_size(self.network)

    @cached_property
    def _traced(self):
        signature = self.of_one_size().signature
        return tf.function(partial(_images, self.network), input_signature=signature, autograph=False)

    @cached_property
    def _traced_of_any_size(self):
        return tf.function(partial(_images, self.exported), input_signature=self.signature, autograph=False)


def _images(network: keras.Model, *given):
    return tf.cast(_made_by(network, given), tf.float32)


def _made_by(network: keras.Model, given):
    """What a network makes of noise and conditions, in the order of the signature."""
    cast = [tf.cast(values, taken.dtype) for values, taken in zip(given, network.inputs, strict=True)]
    return network(inputs(*cast, *[None] * (2 - len(cast))), training=False)


def _in_full_precision(network: keras.Model) -> keras.Model:
    """The network itself, or a copy in float32 of one that computes in another precision."""
    dtypes = {dtype for layer in all_layers(network) for dtype in (layer.compute_dtype, layer.variable_dtype)}
    return network if dtypes <= {"float32"} else _in_precision(network, "float32")


def _in_precision(network: keras.Model, dtype: str) -> keras.Model:
    """A copy in which all layers, also wrapped ones and those of networks within it, compute in a type."""

    def changed(config):
        if isinstance(config, list):
            return [changed(part) for part in config]
        if not isinstance(config, dict):
            return config
        return {
            name: dtype if name == "dtype" and isinstance(value, dict) else changed(value)
            for name, value in config.items()
        }

    copy = keras.models.clone_model(network, clone_function=lambda layer: rebuilt(layer, changed))
    copy.set_weights(network.get_weights())
    return copy
