"""Conversion to ONNX by tf2onnx. Options that would lead to a file that does not work are refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.core.version import __version__
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.export import onnx_graph, smaller
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.export.parity import FLOAT32, Tolerance

OPSET, OPSETS = 18, range(15, 19)
ELSEWHERE = "Export a SavedModel instead: a path without suffix"
SUBSTITUTES = {  # by the operation that tf2onnx lacks
    "Erfc": "The exact GELU is one: use keras.activations.gelu with approximate=True",
}


@dataclass(frozen=True)
class ConvertedModel:
    """The content of an ONNX file, and the tolerance for its difference from Keras."""

    content: bytes
    tolerance: Tolerance
    float32_size: int | None = None
    psnr: float | None = None

    def write(self, path: Path) -> None:
        path.write_bytes(self.content)


def convert(generator: Generator, opset: int, uint8: bool, half: bool, int8: bool, metadata: dict) -> ConvertedModel:
    """A checked graph with stable names and a free batch size; the same weights give the same bytes.

    Raises:
        InputError: If an option is invalid, or ONNX cannot express a layer.
    """
    _check_options(generator, opset, uint8, half, int8, metadata)
    facts = {**_facts(generator, uint8), **metadata}
    plain = onnx_graph.canonical(_converted(generator, opset), generator.axes)

    def content(model) -> bytes:
        return onnx_graph.to_bytes(onnx_graph.with_pixels(model) if uint8 else model, facts)

    if not half and not int8:
        return ConvertedModel(content(plain), Tolerance(FLOAT32, uint8))
    reduced = smaller.half(plain) if half else smaller.int8(plain, generator)
    reduced = onnx_graph.canonical(reduced, generator.axes)
    tolerance = Tolerance(smaller.HALF if half else smaller.INT8, uint8)
    return ConvertedModel(content(reduced), tolerance, len(content(plain)), smaller.psnr(plain, reduced, generator))


def _check_options(generator: Generator, opset, uint8, half, int8, metadata: dict) -> None:
    if isinstance(opset, bool) or opset not in OPSETS:
        raise InputError(f"Expected an opset from {OPSETS[0]} to {OPSETS[-1]}. Received: {opset!r}. Choose {OPSET}.")
    if uint8 and not generator.makes_images:
        raise InputError(
            "Expected images (height, width, channels) for uint8, because only they have pixels. Received: examples of "
            f"shape {generator.example_shape}. Leave uint8 out."
        )
    if half and int8:
        raise InputError("Expected half or int8. Received: both. Leave one out.")
    transposed = [
        layer.name for layer in all_layers(generator.network) if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    if int8 and transposed:
        raise InputError(
            "Expected a network without transposed convolutions for int8, because ONNX Runtime computes them in "
            f"float32 and would only lose time. Received: the Conv2DTranspose layers {', '.join(transposed)}. "
            "Use half, or UpSampling2D and Conv2D in their place."
        )
    for name, value in metadata.items():
        if name in _facts(generator, uint8) or not isinstance(value, str):
            raise InputError(
                f"Expected metadata with other names, and text as values. Received: {name}={value!r}. Rename it."
            )


def _facts(generator: Generator, uint8: bool) -> dict[str, str]:
    """The metadata of a file; values that are not text are JSON."""
    latent, condition = generator.latent_shape, generator.condition
    facts = {
        "variant": generator.variant,
        "image_shape": json.dumps(generator.example_shape),
        "value_range": json.dumps([0, 255] if uint8 else [-1, 1] if generator.makes_images else None),
        "latent_dim": json.dumps(latent[0] if latent is not None and len(latent) == 1 else latent),
        "keras_gan_zoo": __version__,
        "weights_sha256": generator.sha256,
    }
    if condition is not None and condition.is_class:
        facts |= {"num_classes": str(condition.num_classes), "class_names": json.dumps(condition.class_names)}
    if condition is not None and generator.free_size is not None:
        facts |= {"source_shape": json.dumps(condition.shape), "free_size": json.dumps(generator.free_size.to_dict())}
    return facts | {name: json.dumps(value) for name, value in generator.about_texts.items()}


def _converted(generator: Generator, opset: int):
    import tf2onnx

    function = tf.function(generator.function, input_signature=generator.signature, autograph=False)
    with _silenced("tf2onnx"):
        try:
            model, _ = tf2onnx.convert.from_function(function, generator.signature, opset=opset)
        except Exception as error:  # tf2onnx raises whatever its own code meets
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise InputError(f"Expected layers that ONNX can express. Received: {reason}. {ELSEWHERE}.") from error
    _check_operations(model, generator)
    return model


def _check_operations(model, generator: Generator) -> None:
    """tf2onnx only logs what it cannot convert, and leaves TensorFlow's operation in the graph."""
    import onnx

    for node in onnx_graph.nodes(model.graph):
        if not onnx.defs.has(node.op_type, node.domain):
            layer = generator.find_layer(node.name)
            substitute = SUBSTITUTES.get(node.op_type)
            raise InputError(
                f"Expected layers that ONNX can express. Received: the layer {layer!r}, which computes {node.op_type}. "
                f"{f'{substitute}; or export a SavedModel' if substitute else ELSEWHERE}."
            )


@contextmanager
def _silenced(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
