"""Exported files run by their own runtimes: from a path and probes to the images that the file makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_gan_zoo.console import without_talk
from keras_gan_zoo.errors import InputError, ParityError
from keras_gan_zoo.export.parity import Probe

SCRIPT = Path(__file__).with_name("saved_model_reader.py")


def onnx(path: Path, probes: list[Probe]) -> list[np.ndarray]:
    """By ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [session.run(["images"], probe.feed)[0] for probe in probes]


def saved_model(path: Path, probes: list[Probe]) -> list[np.ndarray]:
    """By TensorFlow in a process of its own, which can import neither Keras nor this package."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked.npz"), Path(folder, "answered.npz")
        np.savez(asked, **{f"{number}_{key}": v for number, p in enumerate(probes) for key, v in p.feed.items()})
        command = [sys.executable, "-P", str(SCRIPT), str(path), str(asked), str(answered)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise ParityError(f"Expected a SavedModel that TensorFlow runs by itself. Received: {reason}")
        with np.load(answered) as arrays:
            return [arrays[str(number)] for number in range(len(probes))]


def litert(path: Path, probes: list[Probe]) -> list[np.ndarray]:
    """By LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    with without_talk():
        run = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
        return [run(**probe.feed)["images"].copy() for probe in probes]


def check_installed(format: str) -> None:
    """That the runtime of a format is there; the others are dependencies of this package."""
    if format == "litert" and find_spec("ai_edge_litert") is None:
        raise InputError(
            "Expected LiteRT, which checks the file. Received: no package ai_edge_litert. Install it: pip install "
            "'keras-gan-zoo[litert]'."
        )
