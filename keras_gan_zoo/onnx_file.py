"""Runs exported generators with ONNX Runtime: samples without Keras and TensorFlow."""

from __future__ import annotations

import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.core.conditions import MOST_CLASSES, Condition
from keras_gan_zoo.core.free_size import FreeSize
from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.encoders import Encoder, replacing
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.sampler import Sampler

ONNX = Kind("ONNX", "a whole ONNX model", "Export it again.")
BATCH_SIZE = 64
OUTPUT = "images"
DIGEST = "file_sha256"  # its value is the digest of the file with zeros in its place
_DIGEST_IN_FILE = re.compile(DIGEST.encode() + rb"\x12@(.{64})", re.DOTALL)  # as protocol buffers store key and value


class OnnxFile(Sampler):
    """A generator in an ONNX file that `gan.export` wrote, or another file with the same inputs and output.

    Args:
        path: Path of the file. Its inputs are `noise` (batch, ...) and, if it is conditional, `labels` (batch,) or
            `condition` (batch, ...), or one of these alone; its output is `images`; the batch size is free. If it
            takes labels, its metadata must contain `num_classes`. If it takes the vectors of texts, they name the
            encoder: texts are accepted if that is one of this package, or after `file.encoder = encoder`. If height
            and width of the condition are free too, they contain `free_size` and `source_shape`.

    Raises:
        InputError: If there is no such file, it is damaged, or it is not such a generator.

    Example:
        ```python
        generator = OnnxFile("generator.onnx")
        images = generator.sample(16, labels="Bag", seed=0)  # the same as gan.sample, within 1e-5
        ```
    """

    _encoder: Encoder | None = None

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        content, is_checked = _read_content(self.path)
        self._session, self.metadata, inputs, outputs = _open_session(self.path, content)
        if "keras_gan_zoo" in self.metadata and not is_checked:
            self._refuse("the SHA-256 that gan-zoo export writes", "none")
        if not inputs or not inputs.keys() <= {"noise", "labels", "condition"} or OUTPUT not in outputs:
            self._refuse(
                "a generator with the inputs noise and, if it is conditional, labels or condition, and the output "
                "images",
                f"inputs {', '.join(inputs)}, outputs {', '.join(outputs)}",
            )
        if outputs[OUTPUT].type not in ("tensor(float)", "tensor(uint8)"):
            self._refuse("images in float32 or uint8", outputs[OUTPUT].type)
        self.latent_shape = self._shape_of(inputs["noise"], "latent_dim") if "noise" in inputs else None
        self.condition = self._read_condition(inputs)
        self.num_classes = None if self.condition is None else self.condition.num_classes
        self.class_names = None if self.condition is None else self.condition.class_names
        if self.condition is not None and self.condition.kind == "vectors":
            self._read_encoder(self.condition.shape[0])

    @property
    def encoder(self) -> Encoder | None:
        """From texts to the vectors that the file takes."""
        return self._encoder

    @encoder.setter
    def encoder(self, encoder) -> None:
        if self.condition is None or self.condition.kind != "vectors":
            self._refuse("a file that takes vectors, to give it an encoder of texts", "other inputs")
        self._encoder = replacing(self._encoder, encoder, self.condition.shape[0])

    def _examples_of(self, noise: np.ndarray | None, condition: np.ndarray | None) -> np.ndarray:
        feed = {} if noise is None else {"noise": noise}
        other = condition is not None and self.condition is not None and condition.shape[1:] != self.condition.shape
        at_once = 1 if other else BATCH_SIZE  # pictures of another size may be large
        if self.condition is not None:
            feed[self.condition.input_name] = condition
        starts = range(0, len(next(iter(feed.values()))), at_once)
        return np.concatenate([self._run({name: part[i : i + at_once] for name, part in feed.items()}) for i in starts])

    def _run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        with ONNX.border(self.path):
            [images] = _run_until_interrupted(self._session, feed)
        if len(images) != len(next(iter(feed.values()))) or not np.isfinite(images).all():
            self._refuse("a finite image for each example", f"{images.shape}, or numbers that are not finite")
        return images

    def _shape_of(self, taken, size: str) -> tuple[int, ...]:
        if taken.type != "tensor(float)" or len(taken.shape) < 2 or not _is_free(taken.shape):
            self._refuse(f"{taken.name} (batch, {size}) in float32 with a free batch", f"{taken.type} {taken.shape}")
        return tuple(taken.shape[1:])

    def _read_condition(self, inputs: dict) -> Condition | None:
        if "condition" in inputs and "free_size" in self.metadata:
            self.free_size = FreeSize.from_dict(self._said("free_size"))
            return Condition(self._source_shape(inputs["condition"]))
        if "condition" in inputs:
            return Condition(self._shape_of(inputs["condition"], "..."))
        if "labels" not in inputs:
            return None
        num_classes = self._num_classes(inputs["labels"])
        return Condition((), num_classes, self._class_names(num_classes))

    def _source_shape(self, taken) -> tuple[int, ...]:
        """The shape of the pictures of training, from the metadata of a file for several sizes."""
        shape = self._said("source_shape")
        are_sides = isinstance(shape, list) and len(shape) == 3 and all(map(is_count, shape))
        if self.free_size is None or not are_sides or not self.free_size.fits(shape[:2]):
            self._refuse("free_size and source_shape in the metadata, as JSON, that fit each other", "others")
        if (
            taken.type != "tensor(float)"
            or [type(size) for size in taken.shape[:3]] != [str] * 3
            or taken.shape[3:] != shape[2:]
        ):
            self._refuse(
                f"condition (batch, height, width, {shape[2]}) in float32 with free sizes",
                f"{taken.type} {taken.shape}",
            )
        return tuple(shape)

    def _num_classes(self, labels) -> int:
        if labels.type != "tensor(int32)" or len(labels.shape) != 1 or not _is_free(labels.shape):
            self._refuse("labels (batch,) in int32 with a free batch", f"{labels.type} {labels.shape}")
        value = self.metadata.get("num_classes", "none")
        if not re.fullmatch(r"[1-9]\d{0,6}", value, re.ASCII) or int(value) > MOST_CLASSES:
            self._refuse(f"num_classes from 1 to {MOST_CLASSES} in the metadata", repr(value[:80]))
        return int(value)

    def _class_names(self, num_classes: int) -> tuple[str, ...] | None:
        names = self._said("class_names")
        if names is None:
            return None
        if not _are_texts(names) or len(names) != num_classes:
            self._refuse(f"{num_classes} class_names in the metadata, as JSON", repr(names)[:80])
        return tuple(names)

    def _read_encoder(self, length: int) -> None:
        config, known = self._said("encoder"), self._said("vocabulary")
        if config is None:
            return
        types = {name: type(value) for name, value in config.items()} if isinstance(config, dict) else {}
        if types != {"name": str, "digest": str, "dim": int} or config["dim"] != length:
            self._refuse(f"an encoder in the metadata, with name, digest and dim={length}", repr(config)[:80])
        if known is not None and not _are_texts(known):
            self._refuse("a vocabulary in the metadata, as JSON", repr(known)[:80])
        self.encoder, self.vocabulary = config, None if known is None else frozenset(known)

    def _said(self, name: str):
        """A value of the metadata: what it stands for in JSON, or as it is if it is none; None if it is missing."""
        value = self.metadata.get(name, "null")
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value

    def _refuse(self, expected: str, received: str):
        raise InputError(f"Expected {expected}. Received: {self.path} with {received}. Export it with gan-zoo export.")


ONNX.reader(OnnxFile)


def digest_of(content: bytes) -> str:
    """SHA-256 of a file, with zeros in place of the digest that it contains."""
    return hashlib.sha256(_DIGEST_IN_FILE.sub(lambda match: match[0][:-64] + b"0" * 64, content)).hexdigest()


def _read_content(path: Path) -> tuple[bytes, bool]:
    """The bytes of a file, and whether their digest was checked. Files of other origin have no digest."""
    content = ONNX.content(path)
    digest = _DIGEST_IN_FILE.search(content)
    if digest is not None and digest[1] != digest_of(content).encode():
        raise ONNX.refusal(path, "whose SHA-256 is wrong")
    return content, digest is not None


def _open_session(path: Path, content: bytes) -> tuple:
    """Opens a session of the runtime; returns it with the metadata, and inputs and outputs by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with ONNX.border(path):
        _refuse_external_data(path, content)
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        inputs, outputs = ({v.name: v for v in values} for values in (session.get_inputs(), session.get_outputs()))
        return session, session.get_modelmeta().custom_metadata_map, inputs, outputs


def _refuse_external_data(path: Path, content: bytes) -> None:
    """Refuses weights outside the file: the runtime would read any file that the model names, and return its bytes."""
    if b"location" not in content:  # the key that every reference to another file has
        return
    import onnx

    outside = sorted(_external_locations(onnx.load_model_from_string(content)))
    if outside:
        raise InputError(
            f"Expected an ONNX model in one file. Received: {path}, whose weights are in {', '.join(outside)}. Write "
            "it with its weights inside: onnx.save(onnx.load(path), path, save_as_external_data=False)."
        )


def _external_locations(message) -> set[str]:
    """The names of the files that the tensors anywhere within a message of ONNX refer to."""
    names = {entry.value for entry in getattr(message, "external_data", ()) if entry.key == "location"}
    for field, value in message.ListFields():
        if field.message_type is not None:
            parts = [value] if hasattr(value, "ListFields") else value
            names = names.union(*map(_external_locations, parts))
    return names


def _run_until_interrupted(session, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Runs a session in a thread, so that Ctrl-C is heard and ends even a model that would run forever."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(session.run, [OUTPUT], feed, options).result()
        finally:
            options.terminate = True


def _are_texts(value) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_free(shape: list) -> bool:
    """Whether the first dimension, and only that, is free."""
    return not isinstance(shape[0], int) and all(isinstance(size, int) and 0 < size < 2**31 for size in shape[1:])
