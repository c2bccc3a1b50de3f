"""SavedModel and LiteRT, which is made from one."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo.core.stderr import capture_stderr
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export.generator import Generator


def write_saved_model(generator: Generator, folder: Path) -> None:
    """A folder with two signatures.

    `serving_default` makes images of noise and conditions. `sample` takes n, a seed and, of conditional models, n
    labels or conditions, and draws the noise itself, of which the first rows do not depend on n: TensorFlow's, not
    that of `gan.sample`. Models that take no noise lack it. Both refuse classes that do not exist.
    """
    _write(generator, folder, _checked(generator))


def _write(generator: Generator, folder: Path, function: Callable) -> None:
    archive = keras.export.ExportArchive()
    archive.track(generator.network)
    archive.add_endpoint("serving_default", function, input_signature=generator.signature)
    if generator.latent_shape is not None:
        scalars = [tf.TensorSpec((), tf.int32, name=name) for name in ("n", "seed")]
        archive.add_endpoint(
            "sample", _sampler(generator, function), input_signature=[*scalars, *generator.signature[1:]]
        )
    archive.write_out(str(folder), verbose=False)


def _checked(generator: Generator) -> Callable:
    """The network, which by itself would take a class that does not exist for none."""
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
    """A file with the signature `serving_default`, of LiteRT's own operations only: any of its runtimes runs it.

    Raises:
        InputError: If LiteRT cannot express a layer. The converter may only say so, and go on without its weights.
    """
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        with capture_stderr(said):
            _write(generator, Path(folder), generator.function)  # LiteRT has no assertions
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
            try:
                content = converter.convert()
            except Exception as error:  # the converter's own kinds of error are not public
                content, said = None, [*str(error).splitlines(), *said]
        if content is None or any("error:" in line for line in said):
            raise InputError(
                f"Expected layers that LiteRT can express. Received: {_complaint(generator, said)}. Export a "
                "SavedModel instead: a path without suffix."
            )
    for line in said:
        print(line, file=sys.stderr)
    path.write_bytes(content)


def _complaint(generator: Generator, said: list[str]) -> str:
    """The layer that the converter fails at, if it says one, or its own first words."""
    for operation, name in re.findall(r'"(\w+):", "([^"@]+)', "\n".join(said)):
        layer = generator.find_layer(name)
        if layer != name:
            return f"the layer {layer!r}, which computes {operation}"
    return next(iter(said), "an error without words")[:200]
