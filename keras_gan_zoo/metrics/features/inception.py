"""The network behind published FIDs: TensorFlow's Inception graph of 2015-12-05, as a Keras model.

    model, sha256 = inception_weights.load()
    features = model.predict(inception.prepare(pixels))["features"]

It is not `keras.applications.InceptionV3`: that one has other weights and averages where this one takes a maximum.
For the weights see `inception_weights`.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from keras_gan_zoo.errors import InputError

SIDE = 299


@dataclass(frozen=True)
class Conv:
    """A convolution without bias, batch normalisation without scale, ReLU."""

    channels: int
    height: int = 1
    width: int = 1
    strides: int = 1
    padding: str = "same"


@dataclass(frozen=True)
class Pool:
    """A 3x3 pooling."""

    kind: type[layers.Layer]
    strides: int = 1
    padding: str = "same"


AVERAGE = Pool(layers.AveragePooling2D)  # in TensorFlow padding is not part of the average
MAXIMUM = Pool(layers.MaxPooling2D)
HALVE = Pool(layers.MaxPooling2D, 2, "valid")
SPREAD = (Conv(384, 1, 3), Conv(384, 3, 1))  # side by side, on the same input

Branch = tuple[str, list[Conv | Pool | tuple[Conv, ...]]]  # its scope within the block, and its steps


def _at_35_pixels(pooled: int) -> list[Branch]:
    return [
        ("", [Conv(64)]),
        ("tower.", [Conv(48), Conv(64, 5, 5)]),
        ("tower_1.", [Conv(64), Conv(96, 3, 3), Conv(96, 3, 3)]),
        ("tower_2.", [AVERAGE, Conv(pooled)]),
    ]


def _at_17_pixels(width: int) -> list[Branch]:
    row, column = Conv(width, 1, 7), Conv(width, 7, 1)
    return [
        ("", [Conv(192)]),
        ("tower.", [Conv(width), row, Conv(192, 7, 1)]),
        ("tower_1.", [Conv(width), column, row, column, Conv(192, 1, 7)]),
        ("tower_2.", [AVERAGE, Conv(192)]),
    ]


def _at_8_pixels(pool: Pool) -> list[Branch]:
    return [
        ("", [Conv(320)]),
        ("tower.", [Conv(384), SPREAD]),
        ("tower_1.", [Conv(448), Conv(384, 3, 3), SPREAD]),
        ("tower_2.", [pool, Conv(192)]),
    ]


# The blocks in order. Each joins the outputs of its branches, which take the output of the block before.
STEM: Branch = (
    "",
    [
        Conv(32, 3, 3, 2, "valid"),
        Conv(32, 3, 3, 1, "valid"),
        Conv(64, 3, 3),
        HALVE,
        Conv(80),
        Conv(192, 3, 3, 1, "valid"),
        HALVE,
    ],
)
BLOCKS: dict[str, list[Branch]] = {
    "mixed": _at_35_pixels(32),
    "mixed_1": _at_35_pixels(64),
    "mixed_2": _at_35_pixels(64),
    "mixed_3": [
        ("", [Conv(384, 3, 3, 2, "valid")]),
        ("tower.", [Conv(64), Conv(96, 3, 3), Conv(96, 3, 3, 2, "valid")]),
        ("", [HALVE]),
    ],
    "mixed_4": _at_17_pixels(128),
    "mixed_5": _at_17_pixels(160),
    "mixed_6": _at_17_pixels(160),
    "mixed_7": _at_17_pixels(192),
    "mixed_8": [
        ("tower.", [Conv(192), Conv(320, 3, 3, 2, "valid")]),
        ("tower_1.", [Conv(192), Conv(192, 1, 7), Conv(192, 7, 1), Conv(192, 3, 3, 2, "valid")]),
        ("", [HALVE]),
    ],
    "mixed_9": _at_8_pixels(AVERAGE),
    "mixed_10": _at_8_pixels(MAXIMUM),  # later Inceptions average here too; published FIDs do not
}

# Names of a layer's weights in the graph.
CONSTANTS: dict[type[layers.Layer], dict[str, str]] = {
    layers.Conv2D: {"conv2d_params": "kernel"},
    layers.BatchNormalization: {"beta": "beta", "moving_mean": "moving_mean", "moving_variance": "moving_variance"},
    layers.Dense: {"weights": "kernel", "biases": "bias"},
}
FULL = {"dtype": "float32"}  # under every precision policy, so that a metric does not depend on it


def build() -> keras.Model:
    """The network with random weights, from images (n, 299, 299, 3) of `prepare` to features and logits.

    A layer has the name of its node in the graph, with dots instead of slashes: `mixed_1.tower_2.conv`. Batch
    normalisation always uses its stored statistics.

    Returns:
        A model whose output is a dictionary: "features" (n, 2048), which FID and KID take, and "logits" (n, 1008).
        The logits include the bias. The original code of the Inception Score omits it, so for a comparison
        subtract `model.get_layer("softmax").bias`.
    """
    images = keras.Input((SIDE, SIDE, 3), name="images", **FULL)
    x = _branch(images, *STEM)
    for block, branches in BLOCKS.items():
        outputs = [_branch(x, f"{block}.{scope}", steps) for scope, steps in branches]
        x = layers.Concatenate(name=f"{block}.join", **FULL)(outputs)
    features = layers.GlobalAveragePooling2D("channels_last", name="pool_3", **FULL)(x)
    logits = layers.Dense(1008, name="softmax", **FULL)(features)
    model = keras.Model(images, {"features": features, "logits": logits}, name="inception-2015-12-05")
    model.trainable = False
    return model


def _branch(x, scope: str, steps):
    convolutions, pools = _numbered(f"{scope}conv"), _numbered(f"{scope}pool")
    for step in steps:
        match step:
            case Conv():
                x = _convolution(x, next(convolutions), step)
            case Pool():
                x = step.kind(3, step.strides, step.padding, "channels_last", name=next(pools), **FULL)(x)
            case parts:
                names = _numbered(f"{scope}mixed.conv")
                x = [_convolution(x, next(names), part) for part in parts]
                x = layers.Concatenate(name=f"{scope}mixed.join", **FULL)(x)
    return x


def _convolution(x, name: str, conv: Conv):
    kernel = (conv.height, conv.width)
    x = layers.Conv2D(
        conv.channels, kernel, conv.strides, conv.padding, "channels_last", use_bias=False, name=name, **FULL
    )(x)
    x = layers.BatchNormalization(epsilon=1e-3, scale=False, name=f"{name}.batchnorm", **FULL)(x)
    return layers.ReLU(name=f"{name}.relu", **FULL)(x)


def _numbered(name: str) -> Iterator[str]:
    """conv, conv_1, conv_2: as TensorFlow makes names unique."""
    return itertools.chain([name], (f"{name}_{number}" for number in itertools.count(1)))


def resize(images, side: int = SIDE) -> tf.Tensor:
    """Images (n, height, width, channels) to (n, side, side, channels) in float32, in the way of TensorFlow 1.

    Bilinear, with pixel i of the result at i * height / side of the image (not at pixel centres), and without
    antialiasing. It is the operation of the graph itself: other ways of resizing change FIDs.

    Example:
        >>> resize([[[[0.0], [8.0]], [[0.0], [8.0]]]], 4).numpy()[0, 0, :, 0].tolist()
        [0.0, 4.0, 8.0, 8.0]
    """
    images = tf.cast(images, tf.float32)
    return tf.raw_ops.ResizeBilinear(images=images, size=(side, side), align_corners=False, half_pixel_centers=False)


def prepare(pixels) -> tf.Tensor:
    """Converts pixels (n, height, width, 3) from 0 to 255 to the network's input: 299 pixels a side, (x - 128) / 128.

    Published FIDs are computed from integer pixels, so round generated images first.

    Raises:
        InputError: If the images do not have three colours.
    """
    pixels = tf.convert_to_tensor(pixels)
    if pixels.shape.rank != 4 or pixels.shape[-1] != 3:
        raise InputError(
            f"Inception expects images of shape (n, height, width, 3). Received: {tuple(pixels.shape)}. "
            "Repeat the channel of grey images three times."
        )
    return (resize(pixels) - 128) / 128


def constants(model: keras.Model) -> dict[str, Any]:
    """The weights of a model from `build`, by the names of their constants in the graph.

    "mixed_1/tower_2/conv/conv2d_params" is the kernel of the layer "mixed_1.tower_2.conv".
    """
    return {
        f"{layer.name.replace('.', '/')}/{constant}": getattr(layer, attribute)
        for layer in model.layers
        for constant, attribute in CONSTANTS.get(type(layer), {}).items()
    }
