"""Runs exported files with their own runtimes: from a path and probes to images."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_gan_zoo.core.reading import Kind, is_folder
from keras_gan_zoo.core.registry import FORMATS
from keras_gan_zoo.core.stderr import without_talk
from keras_gan_zoo.errors import InputError, ParityError
from keras_gan_zoo.export import litert_file
from keras_gan_zoo.export.parity import Probe
from keras_gan_zoo.onnx_file import ONNX

SAVED_MODEL = Kind("SavedModel", "a SavedModel that TensorFlow runs by itself", "Export it again.")
LITERT = Kind("LiteRT", "a whole LiteRT model", "Export it again.")
UNREADABLE = 3  # the exit code of the script for what it cannot load
SCRIPT = Path(__file__).with_name("saved_model_reader.py")


def onnx(path: Path, probes: list[Probe]) -> list[np.ndarray]:
    """Images of an ONNX file, by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    with ONNX.border(path):
        session = onnxruntime.InferenceSession(ONNX.content(path), options, providers=["CPUExecutionProvider"])
        return [session.run(["images"], probe.feed)[0] for probe in probes]


@SAVED_MODEL.reader
def saved_model(path: Path, probes: list[Probe]) -> list[np.ndarray]:
    """Images of a SavedModel, by TensorFlow in a separate process that cannot import Keras or this package."""
    return saved_models([(path, probes)])[0]


def saved_models(asked: list[tuple[Path, list[Probe]]]) -> list[list[np.ndarray]]:
    """Images of several SavedModels, in one process."""
    for path, _ in asked:
        if not is_folder(path):
            raise SAVED_MODEL.refusal(path, "which is no folder")
        for part in Path(path).rglob("*"):
            if not is_folder(part):
                SAVED_MODEL.check(part)
    with tempfile.TemporaryDirectory() as folder:
        places = [(path, Path(folder, f"asked_{i}.npz"), Path(folder, f"{i}.npz")) for i, (path, _) in enumerate(asked)]
        for (_, questions, _), (_, probes) in zip(places, asked, strict=True):
            np.savez(questions, **{f"{i}_{key}": v for i, probe in enumerate(probes) for key, v in probe.feed.items()})
        _run([str(SCRIPT), *(str(part) for place in places for part in place)])
        answers = [dict(np.load(answered, allow_pickle=False)) for _, _, answered in places]
    return [[arrays[str(i)] for i in range(len(arrays))] for arrays in answers]


def _run(arguments: list[str]) -> None:
    """Runs Python on the CPU: this process may hold all memory of a GPU."""
    command = [sys.executable, "-P", *arguments]  # -P: do not import from the script's folder
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    if done.returncode == UNREADABLE:
        raise InputError(f"Expected {SAVED_MODEL.expected}. Received: {done.stderr.strip()}. {SAVED_MODEL.mend}")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ParityError(f"Expected a SavedModel that TensorFlow runs by itself. Received: {reason}")


@LITERT.reader
def litert(path: Path, probes: list[Probe]) -> list[np.ndarray]:
    """Images of a LiteRT file, after a check of its digest."""
    from ai_edge_litert.interpreter import Interpreter

    content = LITERT.content(path)
    litert_file.check(content, path)
    with LITERT.border(path), without_talk():
        run = Interpreter(model_content=content).get_signature_runner("serving_default")
        return [run(**probe.feed)["images"].copy() for probe in probes]


def check_installed(format: str) -> None:
    """Raises an `InputError` if the runtime of a format, an optional dependency, is not installed."""
    package = FORMATS[format].package
    if package and find_spec(package) is None:
        raise InputError(
            f"Expected the runtime of {format}, which checks the file. Received: no package {package}. Install it: "
            f"pip install 'keras-gan-zoo[{format}]'."
        )
