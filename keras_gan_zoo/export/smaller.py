"""ONNX graphs in 16 and in 8 bits, and the loss of accuracy."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx

from keras_gan_zoo.export.generator import Generator

HALF, INT8 = 0.03, 0.25  # how far images in [-1, 1] may be from those of Keras
CALIBRATION, MEASURED, BATCH_SIZE = 256, 256, 16


def half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Converts weights and arithmetic to float16; inputs and outputs stay in float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with _quiet():
        return convert_float_to_float16(model, keep_io_types=True)


def int8(model: onnx.ModelProto, generator: Generator) -> onnx.ModelProto:
    """Converts weights and arithmetic to 8 bits, with quantisers calibrated on 256 generated examples."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Latents(CalibrationDataReader):
        def __init__(self):
            self.feeds = _feeds(generator, CALIBRATION, seed=0)

        def get_next(self):
            return next(self.feeds, None)

    with _quiet(), tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, source)
        quantize_static(source, target, Latents(), quant_format=QuantFormat.QDQ)
        return onnx.load(target)


def psnr(model: onnx.ModelProto, smaller: onnx.ModelProto, generator: Generator) -> float:
    """Peak signal-to-noise ratio of 256 examples against float32, in decibels; the peak is the range of values."""
    expected, actual = (_examples(graph, generator) for graph in (model, smaller))
    peak = 2.0 if generator.makes_images else float(np.ptp(expected))
    error = float(np.mean((actual.astype(np.float64) - expected) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))


def _examples(model: onnx.ModelProto, generator: Generator) -> np.ndarray:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["images"], feed)[0] for feed in _feeds(generator, MEASURED, seed=1)])


def _feeds(generator: Generator, n: int, seed: int) -> Iterator[dict[str, np.ndarray]]:
    """Batches of noise and conditions, with classes in turn."""
    feed = generator.feed(n, seed)
    for start in range(0, n, BATCH_SIZE):
        yield {name: values[start : start + BATCH_SIZE] for name, values in feed.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the tools' warnings and log messages; failures still raise."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
