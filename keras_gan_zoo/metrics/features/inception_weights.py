"""Loads the weights of the published Inception from a frozen graph or a Keras file into the network, with checks.

    model, sha256 = inception_weights.load()
    features = model.predict(inception.prepare(pixels))["features"]

They are not part of this package; an error of `load` says where to get them.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.reading import Kind, is_file
from keras_gan_zoo.core.urls import is_url
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.inception import build, constants

GRAPH_FILE = "classify_image_graph_def.pb"
KERAS_FILE = "inception-2015-12-05.weights.h5"
ARCHIVE_URL = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
# Three projects that pin this digest agree on it; it is of a file of 95,673,916 bytes, as in the archive.
GRAPH_SHA256 = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"

WEIGHTS = Kind(
    "Inception's weights",
    "Keras weights of the Inception of 2015-12-05",
    "Write it again, with save_weights of the model that load gives.",
)
GRAPH = Kind(
    "Inception's graph", "the frozen graph of the Inception of 2015-12-05", f"Take {GRAPH_FILE} from {ARCHIVE_URL}."
)


@WEIGHTS.reader
@GRAPH.reader
def load(path_or_url: str | os.PathLike | None = None, sha256: str | None = None) -> tuple[keras.Model, str]:
    """Loads the network with its weights, and returns the SHA-256 of their file, to be recorded with every result.

    Args:
        path_or_url: The frozen graph `classify_image_graph_def.pb`, or a file that `save_weights` of this model wrote
            (`.weights.h5`): a path, or an https:// or file:// URL, which is fetched once into
            `downloads.folder()`. By default the file of either name in that folder.
        sha256: The expected digest of the file; required for a URL. By default it is `GRAPH_SHA256`, that of the
            published file, for the graph in the cache folder, and not checked for any other local file.

    Raises:
        InputError: If there is no such file, or it is not valid. No other weights are ever used instead.
    """
    path, sha256 = _located(path_or_url, sha256)
    read = _reader(path.name)
    if not is_file(path):
        raise InputError(
            f"Expected a file with Inception's weights. Received {str(path)!r}, where there is no file. "
            "Correct the path, or call load() without one to read where to get the file."
        )
    digest = downloads.sha256_of(path)
    downloads.check(digest, (sha256 or digest).lower(), str(path))
    model = build()
    read(model, path)
    return model, digest


def _located(path_or_url: str | os.PathLike | None, sha256: str | None) -> tuple[Path, str | None]:
    if path_or_url is None:
        return _in_cache(sha256)
    if not is_url(path_or_url):
        return Path(path_or_url), sha256
    url = os.fspath(path_or_url)
    downloads.check_scheme(url)
    _reader(urlsplit(url).path.rpartition("/")[-1])  # before anything is fetched
    return downloads.fetch(url, sha256), sha256


def _in_cache(sha256: str | None) -> tuple[Path, str | None]:
    for folder in downloads.folders():
        if (folder / GRAPH_FILE).is_file():
            return folder / GRAPH_FILE, sha256 or GRAPH_SHA256
        if (folder / KERAS_FILE).is_file():
            return folder / KERAS_FILE, sha256
    folder = downloads.folder()
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


def _read_keras_weights(model: keras.Model, path: Path) -> None:
    with WEIGHTS.border(path), warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras only warns about some weights that it does not load
        model.load_weights(path)


def _read_graph(model: keras.Model, path: Path) -> None:
    nodes = _constant_nodes(path)
    weights = constants(model)
    if missing := [name for name in weights if name not in nodes]:
        raise _not_the_graph(path, f"which lacks {len(missing)} of {len(weights)} constants, first {missing[0]!r}")
    for name, variable in weights.items():
        variable.assign(_value(nodes, name, tuple(variable.shape), path))
        # The graph stores a scale with each offset. It is always one, so the model has none.
        gamma = name.removesuffix("beta") + "gamma"
        if name.endswith("/beta") and gamma in nodes and np.any(_value(nodes, gamma, variable.shape, path) != 1):
            raise _not_the_graph(path, f"where {gamma!r} is not one")


def _constant_nodes(path: Path) -> Mapping[str, Any]:
    with GRAPH.border(path):
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    return {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}


def _value(nodes: Mapping[str, Any], name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    with GRAPH.border(path):
        value = tf.make_ndarray(nodes[name])
    if value.shape != tuple(shape):
        raise _not_the_graph(path, f"whose {name!r} has shape {value.shape} instead of {tuple(shape)}")
    return value


def _not_the_graph(path: Path, received: str) -> InputError:
    return GRAPH.refusal(path, received)
