"""Feature extractors: the shipped classifiers, the Inception network, any Keras model or function."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from keras_gan_zoo.core.functions import digest_of
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.metrics.features.arrays import as_pixels

CLASSIFIERS = Path(__file__).parent / "classifiers"
ROUNDED = "rounded to 8 bits, scaled to [-1, 1]"
INCEPTION = "rounded to 8 bits, grey as colour, resized to 299 pixels as TensorFlow 1 does"


class Extractor:
    """Turns images into features, and identifies itself in protocols.

    All images are rounded to 8 bits first, so that generated images and images from files are treated alike.

    Args:
        run: From float32 images (m, height, width, channels) in [-1, 1] to a dictionary of arrays with "features"
            (m, d) and, for a classifier, "logits" (m, classes).
        name: The name in protocols.
        sha256: SHA-256 of the weights, for protocols. By default that of the source of `run`, or "unknown" with an
            identifier of the object, so that figures can be compared within this process only.
        image_shape: The shape of images that `run` takes; None for any.
        preprocessing: A description of the preprocessing of images.

    Example:
        >>> import numpy as np
        >>> brightness = Extractor(lambda images: {"features": images.mean(axis=(1, 2))}, "brightness")
        >>> brightness(np.ones((2, 8, 8, 1), np.float32)).tolist()
        [[1.0], [1.0]]
    """

    def __init__(
        self,
        run: Callable,
        name: str,
        sha256: str | None = None,
        image_shape: tuple[int, ...] | None = None,
        preprocessing: str = ROUNDED,
    ):
        self.run, self.name = run, name
        self.sha256 = digest_of(run) if sha256 is None else sha256
        self.image_shape, self.preprocessing = image_shape, preprocessing

    @property
    def protocol(self) -> dict:
        """The facts that figures depend on besides the images."""
        return {"extractor": self.name, "sha256": self.sha256, "preprocessing": self.preprocessing}

    def __call__(self, images, batch_size: int = 256) -> np.ndarray:
        """Features (n, d), float32, of images (n, height, width, channels), uint8 or in [-1, 1]."""
        return self.outputs(images, batch_size)["features"]

    def probabilities(self, images, batch_size: int = 256) -> np.ndarray:
        """Probabilities of the classes, (n, classes)."""
        return softmax(self.logits_of(self.outputs(images, batch_size)))

    def outputs(self, images, batch_size: int = 256) -> dict[str, np.ndarray]:
        """All outputs for images: features and, for a classifier, logits."""
        batches = list(self.stream(batched(images, batch_size)))
        if not batches:
            raise InputError("Expected batches of images. Received: none.")
        return {name: np.concatenate([outputs[name] for outputs in batches]) for name in batches[0]}

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """The outputs batch by batch, without keeping them."""
        for images in batches:
            images = as_pixels(images)
            self._check_shape(images)
            outputs = self.run(images.astype(np.float32) / np.float32(127.5) - 1)
            self._check_outputs(outputs, len(images))
            yield {name: np.asarray(values, np.float32).reshape(len(images), -1) for name, values in outputs.items()}

    def logits_of(self, outputs: dict[str, np.ndarray]) -> np.ndarray:
        if "logits" not in outputs:
            raise InputError(
                f"Expected a classifier, for its probabilities. Received: the extractor {self.name}, which has no "
                f"classes. Choose {' or '.join([*shipped(), 'inception'])}, or leave this metric out."
            )
        return outputs["logits"]

    def _check_shape(self, images: np.ndarray) -> None:
        if self.image_shape is not None and images.shape[1:] != self.image_shape:
            raise InputError(
                f"Expected images {self.image_shape} for the extractor {self.name}. Received: {images.shape[1:]}. "
                "Choose another extractor: a Keras model, a function, or 'pixels'."
            )

    def _check_outputs(self, outputs, n: int) -> None:
        shapes = {name: np.shape(values) for name, values in outputs.items()} if isinstance(outputs, dict) else outputs
        if (
            not isinstance(shapes, dict)
            or "features" not in shapes
            or any(shape[:1] != (n,) for shape in shapes.values())
        ):
            raise InputError(
                f"Expected the extractor {self.name} to give features ({n}, ...) for {n} images. Received: {shapes}. "
                "Return one row for each image."
            )


def batched(images, batch_size: int) -> Iterator[np.ndarray]:
    """Cuts an array into batches; batches are returned unchanged."""
    if not hasattr(images, "shape"):
        yield from images
        return
    for start in range(0, max(1, len(images)), batch_size):
        yield np.asarray(images[start : start + batch_size])


def softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def shipped() -> list[str]:
    """Names of the data sets with a classifier in this package."""
    return sorted(path.stem for path in CLASSIFIERS.glob("*.onnx"))


def extractor(source) -> Extractor:
    """Creates an extractor from a name, a Keras model or a function.

    Args:
        source: "mnist", "fashion_mnist" or "cifar10": classifiers of this project, 128 features; "inception": the
            network of the FID, whose weights you provide (see
            `metrics.features.inception_weights`); "pixels": the pixels themselves; a Keras model, from images in
            [-1, 1] to features; a function, likewise; or an `Extractor`.

    Raises:
        InputError: For an unknown name, or a file whose SHA-256 differs from the shipped one.

    Example:
        >>> extractor("mnist").image_shape
        (28, 28, 1)
    """
    if isinstance(source, Extractor):
        return source
    if isinstance(source, str):
        if source == "pixels":
            return Extractor(lambda images: {"features": images}, "pixels", "none")
        if source == "inception":
            return _inception()
        if source not in shipped():
            raise unknown("extractor", source, [*shipped(), "inception", "pixels"])
        return _classifier(CLASSIFIERS / f"{source}.onnx")
    if hasattr(source, "get_weights"):
        return _from_model(source)
    if callable(source):
        return _from_function(source)
    raise InputError(f"Expected an extractor's name, a Keras model or a function. Received: {source!r}.")


@lru_cache(maxsize=4)
def _classifier(path: Path) -> Extractor:
    """A shipped classifier, run by ONNX Runtime, without TensorFlow."""
    content, card = path.read_bytes(), tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(content).hexdigest()
    if digest != card["sha256"]:
        raise InputError(
            f"Expected {path.name} with SHA-256 {card['sha256']}. Received: {digest}. Install the package again."
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(images):
        return dict(zip(names, session.run(names, {"images": images}), strict=True))

    return Extractor(run, path.stem, digest, tuple(session.get_inputs()[0].shape[1:]))


def _from_model(model) -> Extractor:
    """An extractor from a Keras model. Its digest covers layers and weights, but not Keras' automatic names."""
    from keras_gan_zoo.state.identity import sha256_of_weights, without_names  # imports Keras

    if not getattr(model, "inputs", None) or len(model.inputs) != 1:
        raise InputError(
            f"Expected an extractor that knows its one input, images. Received: {type(model).__name__}. "
            "Wrap it: keras.Model(images, network(images))."
        )
    content = json.dumps(without_names(model), default=str) + sha256_of_weights(model)
    digest = hashlib.sha256(content.encode()).hexdigest()
    shape = tuple(model.inputs[0].shape[1:])

    def run(images):
        outputs = model(images, training=False)
        return outputs if isinstance(outputs, dict) else {"features": outputs}

    name = re.sub(r"_\d+$", "", model.name)
    return Extractor(run, name, digest, None if None in shape else shape)


def _from_function(function: Callable) -> Extractor:
    name = getattr(function, "__qualname__", type(function).__name__)
    return Extractor(lambda images: {"features": np.asarray(function(images))}, name, digest_of(function))


def _inception() -> Extractor:
    from keras_gan_zoo.metrics.features import inception, inception_weights  # imports Keras

    model, digest = inception_weights.load()

    def run(images):
        pixels = np.broadcast_to((images + 1) * 127.5, (*images.shape[:3], 3))  # grey images get three equal channels
        return model.predict_on_batch(inception.prepare(pixels))

    return Extractor(run, "inception-2015-12-05", digest, preprocessing=INCEPTION)


def default_extractor(dataset) -> str:
    """The name of the shipped classifier for a data set."""
    if dataset.name not in shipped():
        raise InputError(
            f"Expected an extractor for {dataset.name!r}: {', '.join(shipped())} have one. Received: "
            "none. Give one: 'pixels', 'inception', or in Python a Keras model or a function."
        )
    return dataset.name
