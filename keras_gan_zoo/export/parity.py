"""Whether a file computes the same as Keras: inputs for both, and the tolerance for their difference."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np

from keras_gan_zoo.core.conditions import Condition
from keras_gan_zoo.errors import NotFiniteError, ParityError
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.pictures import to_uint8

FLOAT32 = 1e-5
ROUNDING = 4  # times the error of Keras: another order of the same additions may round worse
BATCHES = (1, 7)
LEVELS = 127.5  # of 8 bits, in one unit of [-1, 1]


@dataclass(frozen=True)
class Tolerance:
    """How far the images of a file may be from those of Keras.

    Args:
        value: Largest difference; multiplied by the largest value of Keras if that is above 1. In float32 it may also
            be four times as large as the error that rounding makes in Keras, which float64 shows.
        uint8: Whether the file makes pixels from 0 to 255. They may differ by the value in levels, and by one
            more, because a number between two levels may be rounded to either.
    """

    value: float = FLOAT32
    uint8: bool = False


@dataclass(frozen=True)
class Probe:
    """Noise and conditions of some examples, by the names of a file's inputs."""

    name: str
    feed: dict[str, np.ndarray]


def probes(generator: Generator) -> list[Probe]:
    """Fixed noise, the same as in `gan.sample(seed=0)`, and random noise, in batches of 1 and 7, with every class.

    If the size of pictures is free, also pictures of twice the width.
    """
    drawn = secrets.randbits(32)
    named = {"fixed noise": 0, f"noise of seed {drawn}": drawn}
    usual = [probe for name, seed in named.items() for probe in _probes(generator, name, seed)]
    return usual + _of_another_size(generator, drawn)


def _of_another_size(generator: Generator, seed: int) -> list[Probe]:
    if generator.condition is None or generator.free_size is None:
        return []
    height, width, channels = generator.condition.shape
    pictures = Condition((height, 2 * width, channels)).draw(1, seed)
    return [Probe(f"noise of seed {seed}, {height} x {2 * width} pixels", {"condition": pictures})]


def _probes(generator: Generator, name: str, seed: int) -> list[Probe]:
    one, several = BATCHES
    classes = generator.condition.num_classes if generator.condition is not None else None
    sizes = [one] + [several] * -(-(classes or 1) // several)
    feed = generator.feed(sum(sizes), seed)
    ends = np.cumsum(sizes)
    parts = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    return [
        Probe(f"{name}, batch of {size}", {key: values[part] for key, values in feed.items()})
        for size, part in zip(sizes, parts, strict=True)
    ]


def compare(generator: Generator, probes: list[Probe], outputs: list[np.ndarray], tolerance: Tolerance) -> float:
    """The largest difference between the file's outputs for the probes and those of Keras.

    Raises:
        ParityError: If it is above the tolerance, or an output has another shape or type.
        NotFiniteError: If Keras itself produces NaN or infinity.
    """
    return max(_difference(generator, probe, images, tolerance) for probe, images in zip(probes, outputs, strict=True))


def _difference(generator: Generator, probe: Probe, images: np.ndarray, tolerance: Tolerance) -> float:
    expected = generator.images(probe.feed)
    if not np.isfinite(expected).all():
        raise NotFiniteError(f"Expected a model that makes finite images. Received: NaN or infinity for {probe.name}.")
    allowed = tolerance.value * max(1.0, float(np.abs(expected).max()))
    if tolerance.uint8:
        expected, allowed = to_uint8(expected), 1 + tolerance.value * LEVELS
    if (images.shape, images.dtype) != (expected.shape, expected.dtype):
        raise _parity_error(
            f"is {images.dtype} {images.shape} instead of {expected.dtype} {expected.shape}", probe, allowed
        )
    difference = float(np.abs(images.astype(np.float64) - expected).max())
    if difference > allowed and tolerance == Tolerance():
        allowed = max(allowed, ROUNDING * float(np.abs(expected - generator.images_in_float64(probe.feed)).max()))
    if not difference <= allowed:  # false for NaN
        raise _parity_error(f"differs by {difference:.3g}", probe, allowed)
    return difference


def _parity_error(how: str, probe: Probe, allowed: float) -> ParityError:
    return ParityError(
        f"Expected the exported file to make what Keras makes, within {allowed:.3g}. Received: its output images {how} "
        f"({probe.name}). Nothing was written. Choose another format, or leave options such as half out."
    )
