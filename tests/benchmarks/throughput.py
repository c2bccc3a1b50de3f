"""Images per second of a generator in Keras, TensorFlow, ONNX Runtime, LiteRT and PyTorch, paired in one run.

    python -m tests.benchmarks.throughput               a few minutes; leave the machine alone meanwhile
    python -m tests.benchmarks.throughput --rounds 0.1  a look

The generator is DCGAN's for images (28, 28, 1), with the same weights everywhere. A round calls every runtime once, in
turn, from noise to images as NumPy arrays; only `gan.sample` draws its noise itself. A ratio above 1 says that the
runtime of the row is faster than that of the column: the median over rounds of times in the same round, their middle
half, and the median of core seconds. Calls that do not count come first. PyTorch needs the extra: pip install -e
'.[bench]'. `gan-zoo export --int8` refuses this generator, because its transposed convolutions stay in float32: the row
shows what that refusal spares.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
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
from tests.benchmarks import ours
from tests.benchmarks.cases import DCGAN_28, Case
from tests.benchmarks.measuring import CLOCK, HEAD_OF_RATIO, in_turn, ratio
from tests.benchmarks.steps import torch_players
from tests.benchmarks.torch_side import pytorch

BATCHES = {1: 200, 16: 100, 256: 20}  # size: rounds
WARM_UP = 5
PREDICT, EAGER, COMPILED = "Keras predict", "PyTorch", "PyTorch compiled"
WIDTH = 34  # of a column: small batches are hundreds of times as fast as `predict`
COLUMNS = (PREDICT, EAGER, COMPILED)  # which the rows are compared with


def onnx_session(path: Path) -> Callable:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda noise: session.run(None, {"noise": noise})[0]


def litert_runner(path: Path) -> Callable:
    runner = Interpreter(model_path=str(path), num_threads=os.cpu_count()).get_signature_runner()
    return lambda noise: runner(noise=noise)["images"]


def saved_model(path: Path) -> Callable:
    serve = tf.saved_model.load(path).signatures["serving_default"]
    return lambda noise: serve(noise=tf.constant(noise))["images"].numpy()


def runtimes(case: Case, folder: Path) -> dict[str, Callable]:
    """Functions from noise to images, each with its own copy of one generator."""
    gan = ours.model(case, ours.players(case))
    gan.export(folder / "float32.onnx")
    gan.export(folder / "float16.onnx", half=True)
    onnx.save(smaller.int8(onnx.load(folder / "float32.onnx"), Generator.from_model(gan)), folder / "int8.onnx")
    gan.export(folder / "float32.tflite")
    gan.export(folder / "saved_model")
    traced = tf.function(lambda noise: gan.generator(noise, training=False), reduce_retracing=True)
    return {
        PREDICT: lambda noise: gan.generator.predict(noise, batch_size=len(noise), verbose=0),
        "gan.sample": lambda noise: gan.sample(len(noise)),
        "TensorFlow, traced": lambda noise: traced(tf.constant(noise)).numpy(),
        "SavedModel": saved_model(folder / "saved_model"),
        "ONNX Runtime float32": onnx_session(folder / "float32.onnx"),
        "ONNX Runtime float16": onnx_session(folder / "float16.onnx"),
        "ONNX Runtime int8": onnx_session(folder / "int8.onnx"),
        "LiteRT": litert_runner(folder / "float32.tflite"),
        **runtimes_of_pytorch(case, gan),
    }


def runtimes_of_pytorch(case: Case, gan: kgz.GAN) -> dict[str, Callable]:
    """Eager and compiled, as far as they are there."""
    if not pytorch:
        return {}
    generator, _ = torch_players(case, (gan.generator, gan.discriminator))
    networks = {EAGER: generator, COMPILED: pytorch.compiled(generator)}
    return {
        name: lambda noise, network=network: pytorch.images(network, pytorch.torch.from_numpy(noise))
        for name, network in networks.items()
        if network is not None
    }


def table(functions: dict[str, Callable], size: int, rounds: int) -> None:
    noise = np.random.default_rng(0).standard_normal((size, 100), dtype=np.float32)
    times = in_turn({name: partial(run, noise) for name, run in functions.items()}, rounds, WARM_UP)
    print(f"{f'batch {size}':24} {'':>9}" + "".join(f"  {f'to {other}':{WIDTH}}" for other in COLUMNS))
    print(f"{'':24} {'images/s':>9}" + f"  {HEAD_OF_RATIO:{WIDTH}}" * len(COLUMNS))
    for name, taken in times.items():
        rate = size / np.median(taken[:, CLOCK])
        ratios = "".join(f"  {ratio(times, other, name):{WIDTH}}" for other in COLUMNS)
        print(f"{name:24} {rate:>9,.0f}{ratios}", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=float, default=1.0, metavar="SHARE", help=f"of {BATCHES} rounds by batch size")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        functions = runtimes(DCGAN_28, Path(folder))
        for size, rounds in BATCHES.items():
            table(functions, size, max(1, round(arguments.rounds * rounds)))


if __name__ == "__main__":
    main()
