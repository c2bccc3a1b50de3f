"""Images per second of a generator in Keras, TensorFlow, ONNX Runtime and LiteRT, paired in one run.

    python -m tests.benchmarks.throughput            about two minutes; leave the machine alone meanwhile

The generator is DCGAN's for images (28, 28, 1). A round calls every runtime once, in turn, for each batch size; the
figure is the median over rounds of Keras' `predict` time by the runtime's in the same round: above 1, the runtime is
faster than `predict`. Calls that do not count come first. `gan-zoo export --int8` refuses this generator, because its
transposed convolutions stay in float32: the row shows what that refusal spares.
"""

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_gan_zoo as kgz
from keras_gan_zoo.export import smaller
from keras_gan_zoo.export.generator import Generator

BATCHES = {1: 200, 16: 100, 256: 20}  # size: rounds
WARM_UP = 5


def onnx_session(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda noise: session.run(None, {"noise": noise})[0]


def litert_runner(path):
    runner = Interpreter(model_path=str(path), num_threads=os.cpu_count()).get_signature_runner()
    return lambda noise: runner(noise=noise)["images"]


def runtimes(gan, folder: Path) -> dict:
    """Functions from noise to images, each with its own copy of the generator."""
    gan.export(folder / "float32.onnx")
    gan.export(folder / "float16.onnx", half=True)
    onnx.save(smaller.int8(onnx.load(folder / "float32.onnx"), Generator.from_model(gan)), folder / "int8.onnx")
    gan.export(folder / "float32.tflite")
    traced = tf.function(lambda noise: gan.generator(noise, training=False), reduce_retracing=True)
    return {
        "Keras predict": lambda noise: gan.generator.predict(noise, batch_size=len(noise), verbose=0),
        "TensorFlow, traced": lambda noise: traced(tf.constant(noise)).numpy(),
        "ONNX Runtime float32": onnx_session(folder / "float32.onnx"),
        "ONNX Runtime float16": onnx_session(folder / "float16.onnx"),
        "ONNX Runtime int8": onnx_session(folder / "int8.onnx"),
        "LiteRT": litert_runner(folder / "float32.tflite"),
    }


def seconds(functions: dict, noise: np.ndarray, rounds: int) -> dict:
    """Seconds of every call that counts, by name."""
    found = {name: [] for name in functions}
    for number in range(WARM_UP + rounds):
        for name, run in functions.items():
            started = time.perf_counter()
            run(noise)
            if number >= WARM_UP:
                found[name].append(time.perf_counter() - started)
    return {name: np.array(times) for name, times in found.items()}


def main():
    gan = kgz.DCGAN.for_images((28, 28, 1), seed=0)
    print(f"{'times as fast as predict':28}" + "".join(f"{f'batch {size}':>12}" for size in BATCHES))
    with tempfile.TemporaryDirectory() as folder:
        functions = runtimes(gan, Path(folder))
        columns = []
        for size, rounds in BATCHES.items():
            noise = np.random.default_rng(0).standard_normal((size, 100), dtype=np.float32)
            columns.append(seconds(functions, noise, rounds))
        for name in functions:
            ratios = [np.median(column["Keras predict"] / column[name]) for column in columns]
            print(f"{name:28}" + "".join(f"{ratio:>12.1f}" for ratio in ratios))


if __name__ == "__main__":
    main()
