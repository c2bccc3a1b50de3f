"""The network behind published FIDs: TensorFlow's Inception graph of 2015-12-05, as a Keras model.

    model, sha256 = inception.load()
    features = model.predict(inception.prepare(pixels))["features"]

It is not `keras.applications.InceptionV3`: that one has other weights and averages where this one takes a maximum.
The weights do not come with this package; `load` says where to get them.
"""

import hashlib
import itertools
import os
import shutil
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import keras
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from keras import layers

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.files import written_beside

SIDE = 299
GRAPH_FILE = "classify_image_graph_def.pb"
KERAS_FILE = "inception-2015-12-05.weights.h5"
ARCHIVE_URL = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
# OpenAI's copy of the graph, alone and over https, which its evaluator of diffusion models fetches; and its digest, on
# which three projects that pin it agree. It has the size of the file in the archive, 95,673,916 bytes.
GRAPH_URL = "https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/classify_image_graph_def.pb"
GRAPH_SHA256 = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"


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


AVERAGE = Pool(layers.AveragePooling2D)  # in TensorFlow the padding counts for nothing
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


# Block after block; each joins what its branches make of the block before it. The names are those of the graph.
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

# What the graph calls the weights of a layer.
CONSTANTS: dict[type[layers.Layer], dict[str, str]] = {
    layers.Conv2D: {"conv2d_params": "kernel"},
    layers.BatchNormalization: {"beta": "beta", "moving_mean": "moving_mean", "moving_variance": "moving_variance"},
    layers.Dense: {"weights": "kernel", "biases": "bias"},
}
FULL = {"dtype": "float32"}  # under every precision policy: a metric is the same whatever a model is trained in


def build() -> keras.Model:
    """The network with random weights: images (n, 299, 299, 3) as `prepare` makes them to features and logits.

    A layer has the name of its node in the graph, with dots for slashes: `mixed_1.tower_2.conv`. Batch normalisation
    always uses its stored statistics.

    Returns:
        A model whose output is a dictionary: "features" (n, 2048), which FID and KID take, and "logits" (n, 1008).
        The logits include the bias, as classification has it; the Inception Score's first code multiplied by the
        weights alone, so whoever compares with it subtracts `model.get_layer("softmax").bias`.
    """
    images = keras.Input((SIDE, SIDE, 3), name="images", **FULL)
    x = _branch(images, *STEM)
    for block, branches in BLOCKS.items():
        outputs = [_branch(x, f"{block}.{scope}", steps) for scope, steps in branches]
        x = layers.Concatenate(name=f"{block}.join", **FULL)(outputs)
    features = layers.GlobalAveragePooling2D(name="pool_3", **FULL)(x)
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
                x = step.kind(3, step.strides, step.padding, name=next(pools), **FULL)(x)
            case parts:
                names = _numbered(f"{scope}mixed.conv")
                x = [_convolution(x, next(names), part) for part in parts]
                x = layers.Concatenate(name=f"{scope}mixed.join", **FULL)(x)
    return x


def _convolution(x, name: str, conv: Conv):
    kernel = (conv.height, conv.width)
    x = layers.Conv2D(conv.channels, kernel, conv.strides, conv.padding, use_bias=False, name=name, **FULL)(x)
    x = layers.BatchNormalization(epsilon=1e-3, scale=False, name=f"{name}.batchnorm", **FULL)(x)
    return layers.ReLU(name=f"{name}.relu", **FULL)(x)


def _numbered(name: str) -> Iterator[str]:
    """conv, conv_1, conv_2: as TensorFlow names what would otherwise have the same name."""
    return itertools.chain([name], (f"{name}_{number}" for number in itertools.count(1)))


def resize(images, side: int = SIDE) -> tf.Tensor:
    """Images (n, height, width, channels) to (n, side, side, channels) in float32, the way of TensorFlow 1.

    Bilinear, where pixel i of the result lies at i * height / side of the image, not at centres of pixels, and nothing
    is smoothed before it shrinks. It is the operation of the graph itself: other ways of resizing change FIDs.

    Example:
        >>> resize([[[[0.0], [8.0]], [[0.0], [8.0]]]], 4).numpy()[0, 0, :, 0].tolist()
        [0.0, 4.0, 8.0, 8.0]
    """
    images = tf.cast(images, tf.float32)
    return tf.raw_ops.ResizeBilinear(images=images, size=(side, side), align_corners=False, half_pixel_centers=False)


def prepare(pixels) -> tf.Tensor:
    """Pixels (n, height, width, 3) from 0 to 255 to what the network takes: 299 pixels a side, (x - 128) / 128.

    A published FID is of images in whole numbers, so round generated ones before.

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
    """The weights of a model that `build` made, by the name of the constant in the graph that holds each.

    "mixed_1/tower_2/conv/conv2d_params" is the kernel of the layer "mixed_1.tower_2.conv".
    """
    return {
        f"{layer.name.replace('.', '/')}/{constant}": getattr(layer, attribute)
        for layer in model.layers
        for constant, attribute in CONSTANTS.get(type(layer), {}).items()
    }


def load(path_or_url: str | os.PathLike | None = None, sha256: str | None = None) -> tuple[keras.Model, str]:
    """The network with its weights, and the SHA-256 of the file they came from, to be recorded with every result.

    Args:
        path_or_url: The frozen graph `classify_image_graph_def.pb`, or a file that `save_weights` of this model wrote
            (`.weights.h5`): a path, or an https:// or file:// URL, which is fetched once into `cache_folder()`. By
            default the file of either name in that folder.
        sha256: What the file's digest must be; a URL needs one. The graph in the cache folder must by default have
            that of the published file, `GRAPH_SHA256`; any other local file may by default have any.

    Raises:
        InputError: If there is no such file, or it is not what it should be. Nothing ever stands in for it.
    """
    if path_or_url is None:
        path, sha256 = _in_cache(sha256)
    elif urlsplit(os.fspath(path_or_url)).scheme in ("http", "https", "file", "ftp"):
        path = _fetched(os.fspath(path_or_url), sha256)
    else:
        path = Path(path_or_url)
    read = _reader(path.name)
    if not path.is_file():
        raise InputError(
            f"Expected a file with Inception's weights. Received {str(path)!r}, where there is no file. "
            "Correct the path, or call load() without one to read where to get the file."
        )
    digest = _checked_digest(path, sha256)
    model = build()
    read(model, path)
    return model, digest


def cache_folder() -> Path:
    """Where fetched weights are kept: $KERAS_GAN_ZOO_CACHE, $XDG_CACHE_HOME/keras_gan_zoo or ~/.cache/keras_gan_zoo."""
    if own := os.environ.get("KERAS_GAN_ZOO_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_gan_zoo"


def _in_cache(sha256: str | None) -> tuple[Path, str | None]:
    folder = cache_folder()
    if (folder / GRAPH_FILE).is_file():
        return folder / GRAPH_FILE, sha256 or GRAPH_SHA256
    if (folder / KERAS_FILE).is_file():
        return folder / KERAS_FILE, sha256
    raise InputError(
        f"Expected Inception's weights, {GRAPH_FILE} or {KERAS_FILE}, in {str(folder)!r}. Received a folder without "
        f"them. Fetch {ARCHIVE_URL}, unpack {GRAPH_FILE} from it and put that into the folder."
    )


def _reader(name: str) -> Callable[[keras.Model, Path], None]:
    readers = {".pb": _read_graph, ".weights.h5": _read_keras_weights}
    for suffix, reader in readers.items():
        if name.endswith(suffix):
            return reader
    raise InputError(
        f"Expected Inception's weights as a frozen graph (.pb) or Keras weights (.weights.h5). Received {name!r}. "
        f"Unpack an archive first; {GRAPH_FILE} is what you need."
    )


def _fetched(url: str, sha256: str | None) -> Path:
    """The file in the cache folder under its own name, fetched unless it is there already with this digest."""
    scheme, name = urlsplit(url).scheme, unquote(urlsplit(url).path).rpartition("/")[-1]
    if scheme not in ("https", "file"):
        raise InputError(
            f"Expected a URL that begins with https:// or file://. Received {url!r}. Fetch the file yourself, and give "
            "its path."
        )
    if sha256 is None:
        raise InputError(
            f"Expected the SHA-256 of what {url!r} is to give. Received none. Pass sha256=; for the original graph it "
            f"is {GRAPH_SHA256}."
        )
    _reader(name)  # before anything is fetched
    path = cache_folder() / name
    if not (path.is_file() and _digest(path) == sha256.lower()):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as beside:
            with urllib.request.urlopen(url) as response, open(beside, "wb") as file:
                shutil.copyfileobj(response, file)
            _checked_digest(beside, sha256, url)
    return path


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_digest(path: Path, sha256: str | None, source: str | None = None) -> str:
    digest = _digest(path)
    if sha256 is not None and digest != sha256.lower():
        raise InputError(
            f"Expected a file with SHA-256 {sha256}. Received {source or str(path)!r} of {path.stat().st_size} bytes "
            f"with {digest}. Fetch it again: it is damaged, or another file."
        )
    return digest


def _read_keras_weights(model: keras.Model, path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns of some weights that it leaves at random
            model.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        raise InputError(
            f"Expected Keras weights of the Inception of 2015-12-05. Received {str(path)!r}, which cannot be read as "
            f"such ({type(error).__name__}). Write it again, with save_weights of the model that load gives."
        ) from error


def _read_graph(model: keras.Model, path: Path) -> None:
    nodes = _constant_nodes(path)
    weights = constants(model)
    if missing := [name for name in weights if name not in nodes]:
        raise _not_the_graph(path, f"which lacks {len(missing)} of {len(weights)} constants, first {missing[0]!r}")
    for name, variable in weights.items():
        variable.assign(_value(nodes, name, tuple(variable.shape), path))
        # The graph stores a scale beside each offset, and it is always one: that is why the model has none.
        gamma = name.removesuffix("beta") + "gamma"
        if name.endswith("/beta") and gamma in nodes and np.any(_value(nodes, gamma, variable.shape, path) != 1):
            raise _not_the_graph(path, f"where {gamma!r} is not one")


def _constant_nodes(path: Path) -> Mapping[str, Any]:
    try:
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    except DecodeError as error:
        raise _not_the_graph(path, "which is no graph, or not the whole of one") from error
    return {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}


def _value(nodes: Mapping[str, Any], name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    try:
        value = tf.make_ndarray(nodes[name])
    except (TypeError, ValueError) as error:
        raise _not_the_graph(path, f"whose {name!r} cannot be read") from error
    if value.shape != tuple(shape):
        raise _not_the_graph(path, f"whose {name!r} has shape {value.shape} instead of {tuple(shape)}")
    return value


def _not_the_graph(path: Path, received: str) -> InputError:
    return InputError(
        f"Expected the frozen graph of the Inception of 2015-12-05. Received {str(path)!r}, {received}. "
        f"Take {GRAPH_FILE} from {ARCHIVE_URL}."
    )
