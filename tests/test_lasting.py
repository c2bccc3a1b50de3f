"""What a process holds stays the same, however often it loads, samples and fits: descriptors, threads and memory.

Keras itself keeps about 70 kB of every network that it loads or builds. So memory is compared with what stock Keras
keeps of the same networks, in the same process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LASTING = """
import gc, json, os, sys
from pathlib import Path
import keras_gan_zoo as kgz
import keras
import numpy as np
from keras_gan_zoo.onnx_file import OnnxFile

place, examples = Path(sys.argv[1]), np.zeros((8, 2), np.float32)

def built():
    gan = kgz.GAN.for_images((2,), 2, architecture="mlp", units=2, depth=1, seed=0)
    gan.compile()
    return gan

def fit(gan, **options):
    gan.fit(examples, batch_size=8, verbose=0, **options)
    return gan

gan = fit(built(), callbacks=[kgz.callbacks.Snapshots(place / "run" / "snapshots")])
[snapshot] = (place / "run" / "snapshots").iterdir()
gan.save(place / "gan.keras")
gan.save_preset(place / "preset", with_discriminator=True)
gan.export(place / "gan.onnx")
onnx = OnnxFile(place / "gan.onnx")
files = [place / f"{name}.keras" for name in ("generator", "discriminator")]

def stock_network(network):
    copy = keras.models.clone_model(network)
    copy.compile("adam", "mse")
    copy.optimizer.build(copy.trainable_variables)
    return copy

def stock_fit(networks):
    for network in networks:
        network.fit(examples, np.zeros((8, *network.output_shape[1:])), batch_size=8, verbose=0)
    return networks

def stock_networks():
    return [stock_network(network) for network in (gan.generator, gan.discriminator)]

stock = stock_fit(stock_networks())
for network, file in zip(stock, files):
    network.save(file)

def load_stock():
    for file in files:
        keras.saving.load_model(file)

WORKS = {  # how often, ours, and the same with stock Keras
    "load .keras": (60, lambda: kgz.load(place / "gan.keras"), load_stock),
    "load a preset": (60, lambda: kgz.load(place / "preset", with_discriminator=True), load_stock),
    "load a snapshot": (60, lambda: kgz.load(snapshot), load_stock),
    "load a run": (60, lambda: kgz.load(place / "run"), load_stock),
    "load .onnx": (60, lambda: OnnxFile(place / "gan.onnx"), None),
    "sample": (300, lambda: gan.sample(3, seed=0), None),
    "sample .onnx": (300, lambda: onnx.sample(3, seed=0), None),
    "fit": (300, lambda: fit(gan), lambda: stock_fit(stock)),
    "build and fit": (20, lambda: fit(built()), lambda: stock_fit(stock_networks())),
}

def held():
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return np.array([len(os.listdir("/proc/self/fd")), int(status["Threads"]), int(status["VmRSS"].split()[0])])

def growth(do, times):
    for _ in range(times // 5):
        do()
    before = held()
    for _ in range(times):
        do()
    return (held() - before).tolist()

of_keras = {None: 0}  # kB each time
for name, (times, ours, theirs) in WORKS.items():
    if theirs not in of_keras:
        few = min(times, 60)
        of_keras[theirs] = max(growth(theirs, few)[2], 0) / few
    print(json.dumps([name, growth(ours, times), of_keras[theirs] * times]), flush=True)
"""
NOISE = 3_000  # kB that the allocator may keep


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_many_times_hold_no_more_than_once(tmp_path):
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", LASTING, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert ended.returncode == 0, ended.stderr
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    print(*rows, sep="\n")
    assert len(rows) == 9
    for name, (descriptors, threads, memory), of_keras in rows:
        assert (name, descriptors, threads) == (name, 0, 0)
        assert memory <= 1.5 * of_keras + NOISE, (name, memory, of_keras)
