"""What it costs to be two: step time, bytes on the wire and the share of time in all-reduce of two worker processes.

    python -m tests.benchmarks.workers          leave the machine alone meanwhile

Three ways to train on the same global batch, each process on its own core: one process on all of it; two workers on
half each, over loopback; two processes on half each that do not talk, which is the arithmetic of the second way alone.
They run in turn, `--rounds` times; ratios are medians of rounds, with the middle half in brackets. What the second
takes longer than the third is communication: waiting for the other included. Bytes are those of the loopback interface
while the workers step, so nothing else may use it. Sums are the collective operations of a step, as its graph has them.
In packs, TensorFlow sums gradients in pieces of so many bytes, while others are still computed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tests.benchmarks.measuring import middle

STEPS = 60
MODELS = {  # variant, arguments, global batch, bytes of a pack
    "DCGAN 28x28, batch 128": ("DCGAN", {}, 128, 0),
    "the same in packs of 250 kB": ("DCGAN", {}, 128, 250_000),
    "without batch normalisation in D": ("DCGAN", {"discriminator_normalization": "none"}, 128, 0),
    "WGANGP 28x28, k=5, batch 320": ("WGANGP", {}, 320, 0),
}


def received() -> int:
    """Bytes that went through loopback since the machine was started."""
    [line] = [
        line
        for line in Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("lo:")
    ]
    return int(line.split(":")[1].split()[0])


def one_process(name: str, share: int):
    """Trains, as a worker if TF_CONFIG says so, and prints seconds and bytes per step."""
    import keras
    import numpy as np
    import tensorflow as tf

    import keras_gan_zoo as kgz

    variant, arguments, batch_size, pack = MODELS[name]
    if pack and "TF_CONFIG" in os.environ:
        options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=pack)
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    else:
        strategy = kgz.distribution.strategy("auto")
    with strategy.scope():
        gan = getattr(kgz, variant).for_images((28, 28, 1), seed=0, **arguments)
        gan.compile(steps_per_execution=1)
    images = np.random.default_rng(0).integers(0, 256, (batch_size, 28, 28, 1), np.uint8)
    fit = {"batch_size": batch_size // share, "verbose": 0}
    gan.fit(images, **fit, steps_per_epoch=5)
    marks = []

    class Mark(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            marks.append((time.perf_counter(), received()))

    gan.fit(images, **fit, steps_per_epoch=STEPS + 1, callbacks=[Mark()])
    (start, first), (end, last) = marks[0], marks[-1]
    figures = {"seconds": (end - start) / STEPS, "bytes": (last - first) / STEPS, "size": sizes(gan)}
    print(json.dumps({**figures, "sums": sums(gan, strategy, images[: batch_size // share] / 127.5 - 1)}))
    kgz.distribution.check_agreement(strategy, "end", 0)


def sizes(gan) -> int:
    """Bytes of the gradients of one step: k times the discriminator's, once the generator's."""
    d, g = (sum(v.numpy().nbytes for v in player.trainable_variables) for player in (gan.discriminator, gan.generator))
    return gan.discriminator_steps * d + g


def sums(gan, strategy, batch) -> int:
    """Collective operations of one step."""
    import tensorflow as tf

    step = tf.function(lambda examples: strategy.run(gan.train_step, args=(examples,)))
    graph = step.get_concrete_function(tf.constant(batch, tf.float32)).graph.as_graph_def()
    return str(graph).count('op: "CollectiveReduce')


def run(name: str, processes: int, talk: bool) -> dict:
    """The mean over the processes."""
    from keras_gan_zoo.cli.launching import _free_ports

    addresses = [f"127.0.0.1:{port}" for port in _free_ports(processes)]
    started = []
    for worker in range(processes):
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        if talk:
            task = {"type": "worker", "index": worker}
            environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        share = processes if not talk else 1
        command = [sys.executable, "-m", "tests.benchmarks.workers", name, str(share)]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8"))
    results = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
    return {key: sum(result[key] for result in results) / processes for key in results[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    heads = ["", "one", "workers", "ratio", "alone", "talking", "sent", "gradients", "sums"]
    print("{:<34} {:>8} {:>8} {:>20} {:>8} {:>20} {:>9} {:>9} {:>5}".format(*heads))
    for name in MODELS:
        ways = [(run(name, 1, False), run(name, 2, True), run(name, 2, False)) for _ in range(rounds)]
        one, two, silent = ([each["seconds"] for each in way] for way in zip(*ways, strict=True))
        last = ways[-1][1]
        print(
            f"{name:<34} {1e3 * statistics.median(one):>5.0f} ms {1e3 * statistics.median(two):>5.0f} ms"
            f" {middle([b / a for a, b in zip(one, two, strict=True)]):>20} {1e3 * statistics.median(silent):>5.0f} ms"
            f" {middle([1 - c / b for b, c in zip(two, silent, strict=True)]):>20} {last['bytes'] / 2e6:>6.2f} MB"
            f" {last['size'] / 1e6:>6.2f} MB {last['sums']:>5.0f}",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in MODELS:
        one_process(sys.argv[1], int(sys.argv[2]))
    else:
        main()
