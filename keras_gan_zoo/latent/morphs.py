"""Morphs from class to class, and from text to text: the output of a generator between two conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core import keras_internals
from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.paths import interpolate

if TYPE_CHECKING:
    import keras

    from keras_gan_zoo.latent.sampler import Sampler


def class_morph(gan: Sampler, start, end, steps: int, noise: np.ndarray) -> np.ndarray:
    """Examples on the way from one class to another, with the noise fixed.

    The encodings of the two labels (rows of an `Embedding`, or one-hot vectors) are interpolated linearly, and the rest
    of the generator is applied to the result. The ends are equal to the examples of `gan.sample_from`.

    Args:
        gan: A trained conditional model.
        start: First class, by index or name.
        end: Last class, by index or name.
        steps: Number of examples from start to end, at least 2.
        noise: (n, latent_dim), such as `truncated_noise(n, latent_dim, seed=0)`, the noise of `gan.sample`.

    Returns:
        float32 array (n, steps, *example_shape).

    Raises:
        InputError: If the model is not conditional, a class is unknown, or its generator does not feed the labels to a
            single layer that embeds or one-hot encodes them.
        NotFiniteError: If the examples contain NaN or infinity.

    Example:
        >>> import keras_gan_zoo as kgz
        >>> gan = kgz.GAN.for_images((2,), latent_dim=4, num_classes=3)
        >>> class_morph(gan, 0, 2, steps=5, noise=kgz.latent.truncated_noise(8, 4, seed=0)).shape
        (8, 5, 2)
    """
    from keras_gan_zoo.state.finiteness import check_examples  # imports TensorFlow

    check_count("steps", steps, low=2)
    if not gan.has_classes:
        raise InputError(
            "Expected a conditional model to morph from class to class. Received: one whose networks take no labels. "
            "Use walk, from noise to noise."
        )
    noise = gan.checked_noise(noise)
    encode, decode = around_encoded_label(gan.sampler)
    labels = np.concatenate([gan.condition_of(1, label) for label in (start, end)])
    first, last = np.asarray(encode(labels), np.float32)
    t = np.linspace(0, 1, steps).reshape(-1, *[1] * first.ndim)
    mixed = ((1 - t) * first + t * last).astype(np.float32)
    morphs = [decode([np.repeat(each[None], steps, axis=0), mixed], training=False) for each in noise]
    return check_examples(np.stack([np.asarray(morph, np.float32) for morph in morphs]), gan.sampler)


def text_morph(gan: Sampler, start: str, end: str, steps: int, noise: np.ndarray) -> np.ndarray:
    """Examples on the way from one text to another, with the noise fixed.

    The vectors of the two texts are interpolated linearly. The ends are equal to the examples of `gan.sample_from`.

    Args:
        gan: A model that was trained with texts, or its exported file.
        start: First text.
        end: Last text.
        steps: Number of examples from start to end, at least 2.
        noise: (n, latent_dim), such as `truncated_noise(n, latent_dim, seed=0)`, the noise of `gan.sample`.

    Returns:
        float32 array (n, steps, *example_shape).

    Raises:
        InputError: If the model was not trained with texts, its encoder is not at hand, or a text has no known words.
        NotFiniteError: If the examples contain NaN or infinity.

    Example:
        >>> import keras_gan_zoo as kgz
        >>> gan = kgz.TextToImageGAN.for_images((8, 8, 3), latent_dim=4, width=4)
        >>> text_morph(gan, "a red hat", "a blue hat", steps=5, noise=kgz.latent.truncated_noise(2, 4, seed=0)).shape
        (2, 5, 8, 8, 3)
    """
    check_count("steps", steps, low=2)
    noise = gan.checked_noise(noise)
    vectors = interpolate(*gan.condition_of(2, text=[start, end]), steps)
    examples = gan.sample_from(np.repeat(noise, steps, axis=0), conditions=np.tile(vectors, (len(noise), 1)))
    return examples.reshape(len(noise), steps, *examples.shape[1:])


def around_encoded_label(generator: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Two parts of a generator: from labels to their encoding, and from noise and encoding to examples.

    They are parts of a copy, because Keras records on every layer the graphs that it belongs to.

    Raises:
        InputError: If the labels do not enter through a single layer that embeds or one-hot encodes them.
    """
    import keras

    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    noise, labels = copy.inputs
    encoding = _encoding_of(labels, copy)
    return keras.Model(labels, encoding), keras.Model([noise, encoding], copy.outputs[0])


def _encoding_of(labels, generator: keras.Model):
    """The output of the layer that embeds or encodes the labels, through layers that only reshape or cast them."""
    nodes = list(keras_internals.nodes(generator))
    tensor = labels
    while True:
        consumers = [node for node in nodes if any(tensor is taken for taken in node.input_tensors)]
        if len(consumers) != 1 or len(consumers[0].input_tensors) != 1 or len(consumers[0].outputs) != 1:
            raise _no_encoding(" and ".join(node.operation.name for node in consumers) or "nothing")
        [tensor] = consumers[0].outputs
        if _encodes(consumers[0].operation):
            return tensor
        if _is_learned_or_last(consumers[0].operation, tensor, generator):
            raise _no_encoding(consumers[0].operation.name)


def _encodes(operation) -> bool:
    import keras

    encoders = (keras.layers.Embedding, keras.layers.CategoryEncoding)
    return isinstance(operation, encoders) or keras_internals.is_one_hot(operation)


def _is_learned_or_last(operation, output, generator: keras.Model) -> bool:
    return bool(getattr(operation, "weights", ())) or output is generator.outputs[0]


def _no_encoding(fed: str) -> InputError:
    return InputError(
        "Expected a generator whose labels enter through a single Embedding, CategoryEncoding or one-hot layer. "
        f"Received: one that feeds them to {fed}. Build it with such a layer, or sample each class by itself."
    )
