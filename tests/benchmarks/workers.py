"""What it costs to be two: step time, bytes on the wire and the share of time in all-reduce of two worker processes.

    python -m tests.benchmarks.workers          about four minutes; leave the machine alone meanwhile

Three ways to train on the same global batch, each process on its own core: one process on all of it; two workers on
half each, over loopback; two processes on half each that do not talk, which is the arithmetic of the second way alone.
They run in turn, `ROUNDS` times. What the second takes longer than the third is communication: waiting for the other
included. Bytes are those of the loopback interface while the workers step, so nothing else may use it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STEPS, ROUNDS = 60, 3
MODELS = {
    "DCGAN 28x28, batch 128": ("DCGAN", {}, 128),
    "the same without batch normalisation in D": ("DCGAN", {"discriminator_normalization": "none"}, 128),
    "WGANGP 28x28, k=5, batch 320": ("WGANGP", {}, 320),
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

    import keras_gan_zoo as kgz

    strategy = kgz.distribution.strategy("auto")
    variant, arguments, batch_size = MODELS[name]
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
    print(json.dumps({"seconds": (end - start) / STEPS, "bytes": (last - first) / STEPS, "size": sizes(gan)}))
    kgz.distribution.check_agreement(strategy, "end", 0)


def sizes(gan) -> int:
    """Bytes of the gradients of one step: k times the discriminator's, once the generator's."""
    d, g = (sum(v.numpy().nbytes for v in player.trainable_variables) for player in (gan.discriminator, gan.generator))
    return gan.discriminator_steps * d + g


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
    print(f"{'':<44} {'one':>8} {'workers':>8} {'ratio':>6} {'alone':>8} {'talking':>8} {'sent':>9} {'gradients':>9}")
    for name in MODELS:
        rounds = [(run(name, 1, False), run(name, 2, True), run(name, 2, False)) for _ in range(ROUNDS)]
        one, two, silent = (sorted(ways, key=lambda r: r["seconds"])[ROUNDS // 2] for ways in zip(*rounds, strict=True))
        print(
            f"{name:<44} {1e3 * one['seconds']:>5.0f} ms {1e3 * two['seconds']:>5.0f} ms"
            f" {two['seconds'] / one['seconds']:>6.2f} {1e3 * silent['seconds']:>5.0f} ms"
            f" {100 * (1 - silent['seconds'] / two['seconds']):>6.0f} % {two['bytes'] / 2e6:>6.2f} MB"
            f" {two['size'] / 1e6:>6.2f} MB",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one_process(sys.argv[1], int(sys.argv[2]))
    else:
        main()
