"""SavedModel and LiteRT, which is made from one."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.core.stderr import capture_stderr
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export import litert_file
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.networks.copies import rebuilt

# A folder of a SavedModel for what TensorFlow does not read.
ABOUT_TEXTS = Path("assets.extra", "encoder.json")


def write_saved_model(generator: Generator, folder: Path) -> None:
    """A folder with two signatures.

    `serving_default` makes images from noise and conditions. `sample` takes n, a seed and, for conditional models, n
    labels or conditions. It draws the noise itself, with TensorFlow's generator, so it differs from `gan.sample`; its
    first rows do not depend on n. Models that take no noise have no `sample`. Both refuse classes that do not exist.

    `assets.extra/encoder.json` says which encoder makes the vectors of texts, if the model takes those.
    """
    _write(generator, folder, _checked(generator))
    if generator.about_texts:
        (folder / ABOUT_TEXTS).parent.mkdir()
        (folder / ABOUT_TEXTS).write_text(json.dumps(generator.about_texts), encoding="utf-8")


def _write(generator: Generator, folder: Path, function: Callable) -> None:
    archive = keras.export.ExportArchive()
    archive.track(generator.exported)
    archive.add_endpoint("serving_default", function, input_signature=generator.signature)
    if generator.latent_shape is not None:
        scalars = [tf.TensorSpec((), tf.int32, name=name) for name in ("n", "seed")]
        archive.add_endpoint(
            "sample", _sampler(generator, function), input_signature=[*scalars, *generator.signature[1:]]
        )
    archive.write_out(str(folder), verbose=False)


def _checked(generator: Generator) -> Callable:
    """The network with checks of the labels, because it would accept classes that do not exist."""
    if generator.condition is None or not generator.condition.is_class:
        return generator.function
    classes = generator.condition.num_classes

    def function(*given):
        message = f"Expected labels from 0 to {classes - 1}."
        tf.debugging.assert_non_negative(given[-1], message)
        tf.debugging.assert_less(given[-1], classes, message)
        return generator.function(*given)

    return generator.with_arguments(function)


def _sampler(generator: Generator, function: Callable) -> Callable:
    def noise(n, seed):
        shape = tf.stack([n, *(generator.latent_shape or ())])
        return tf.random.stateless_normal(shape, tf.stack([seed, 0]), alg="philox")  # the same on every device

    if generator.condition is None:
        return lambda n, seed: function(noise(n, seed))
    if generator.condition.is_class:
        return lambda n, seed, labels: function(noise(n, seed), labels)
    return lambda n, seed, condition: function(noise(n, seed), condition)


def write_litert(generator: Generator, path: Path) -> None:
    """A file with the signature `serving_default`, of LiteRT's built-in operations only, for any of its runtimes.

    At its end is its own digest, and which encoder makes the vectors of texts, see `litert_file`.

    Raises:
        InputError: If LiteRT cannot express a layer. The converter may only log this, and continue without weights.
    """
    messages: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        with capture_stderr(messages):
            whole = replace(generator, network=with_whole_enlargements(generator.network))
            _write(whole, Path(folder), whole.function)  # LiteRT has no assertions
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
            try:
                content = converter.convert()
            except Exception as error:  # the converter's own kinds of error are not public
                content, messages = None, [*str(error).splitlines(), *messages]
        if content is None or any("error:" in line for line in messages):
            raise InputError(
                f"Expected layers that LiteRT can express. Received: {_complaint(generator, messages)}. Export a "
                "SavedModel instead: a path without suffix."
            )
    for line in messages:
        print(line, file=sys.stderr)
    path.write_bytes(litert_file.with_digest(content, generator.about_texts))


class WholeUpSampling2D(keras.layers.UpSampling2D):
    """Repeats pixels in one operation. Of the two of Keras, LiteRT's converter may forget the shape."""

    def call(self, inputs):
        height, width = self.compute_output_shape(inputs.shape)[1:3]
        return tf.image.resize(inputs, (height, width), method="nearest")


def with_whole_enlargements(network: keras.Model) -> keras.Model:
    """A copy whose layers that repeat pixels do so in one operation; the network itself if it has none of them."""

    def repeats(layer) -> bool:
        return type(layer) is keras.layers.UpSampling2D and layer.interpolation == "nearest"

    def copied(layer):
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=copied)
        return WholeUpSampling2D.from_config(layer.get_config()) if repeats(layer) else rebuilt(layer)

    if not any(map(repeats, all_layers(network))):
        return network
    copy = copied(network)
    copy.set_weights(network.get_weights())
    return copy


def _complaint(generator: Generator, messages: list[str]) -> str:
    """The layer at which the converter fails, if its messages name one; otherwise its first message."""
    for operation, name in re.findall(r'"(\w+):", "([^"@]+)', "\n".join(messages)):
        layer = generator.find_layer(name)
        if layer != name:
            return f"the layer {layer!r}, which computes {operation}"
    return next(iter(messages), "an error without a message")[:200]
