"""SavedModel and LiteRT, which is made from one."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo.core.stderr import held_back
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export.generator import Generator


def write_saved_model(generator: Generator, folder: Path) -> None:
    """A folder with two signatures.

    `serving_default` makes images of noise and labels. `sample` takes n, a seed and, of conditional models, n labels,
    and draws the noise itself, of which the first rows do not depend on n: TensorFlow's, not that of `gan.sample`.
    Both refuse classes that do not exist.
    """
    _write(generator, folder, _checked(generator))


def _write(generator: Generator, folder: Path, function: Callable) -> None:
    archive = keras.export.ExportArchive()
    archive.track(generator.network)
    archive.add_endpoint("serving_default", function, input_signature=generator.signature)
    scalars = [tf.TensorSpec((), tf.int32, name=name) for name in ("n", "seed")]
    archive.add_endpoint("sample", _sampler(generator, function), input_signature=[*scalars, *generator.signature[1:]])
    archive.write_out(str(folder), verbose=False)


def _checked(generator: Generator) -> Callable:
    """The network, which by itself would take a class that does not exist for none."""
    if generator.num_classes is None:
        return generator.function

    def function(noise, labels):
        message = f"Expected labels from 0 to {generator.num_classes - 1}."
        tf.debugging.assert_non_negative(labels, message)
        tf.debugging.assert_less(labels, generator.num_classes, message)
        return generator.function(noise, labels)

    return function


def _sampler(generator: Generator, function: Callable) -> Callable:
    def noise(n, seed):
        shape = tf.stack([n, *generator.latent_shape])
        return tf.random.stateless_normal(shape, tf.stack([seed, 0]), alg="philox")  # the same on every device

    if generator.num_classes is None:
        return lambda n, seed: function(noise(n, seed))
    return lambda n, seed, labels: function(noise(n, seed), labels)


def write_litert(generator: Generator, path: Path) -> None:
    """A file with the signature `serving_default`, of LiteRT's own operations only: any of its runtimes runs it.

    Raises:
        InputError: If LiteRT cannot express a layer. The converter may only say so, and go on without its weights.
    """
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        with held_back(said):
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
        layer = generator.layer_of(name)
        if layer != name:
            return f"the layer {layer!r}, which computes {operation}"
    return next(iter(said), "an error without words")[:200]
