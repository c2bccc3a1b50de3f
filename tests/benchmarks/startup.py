"""How long fresh processes take: the program and the library, beside Python and TensorFlow.

`gan-zoo sample` makes its 64 pictures from the ONNX file of a preset, which needs no TensorFlow, and from the preset.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import CLOCK, CORES, in_turn

PRESET, FILE, OUT = "dcgan_fashion_mnist", "generator.onnx", "samples.png"
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import tensorflow'": ("-c", "import tensorflow"),
    "python -c 'import keras_gan_zoo'": ("-c", "import keras_gan_zoo"),
    "gan-zoo --help": ("-m", "keras_gan_zoo", "--help"),
    "gan-zoo list": ("-m", "keras_gan_zoo", "list"),
    f"gan-zoo sample {FILE}": ("-m", "keras_gan_zoo", "sample", FILE, "-o", OUT),
    f"gan-zoo sample {PRESET}": ("-m", "keras_gan_zoo", "sample", PRESET, "-o", OUT),
}


def table(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        starter(("-m", "keras_gan_zoo", "export", PRESET, "-o", FILE), folder)()
        sides = {name: starter(command, folder) for name, command in COMMANDS.items()}
        times = in_turn(sides, max(1, rounds // 3), warm_up=1)
    print(f"{'fresh process':36} {'median':>8}  {'(middle half)':16} {'cores':>8}")
    for name, taken in times.items():
        low, clock, high = np.percentile(taken[:, CLOCK], [25, 50, 75])
        cores = np.median(taken[:, CORES])
        print(f"{name:36} {clock:>6.2f} s  {f'({low:.2f} to {high:.2f})':16} {cores:>6.2f} s")


def starter(command: tuple[str, ...], folder: str):
    """Runs Python on a command, whose files are in the folder."""
    placed = [str(Path(folder, part)) if part in (FILE, OUT) else part for part in command]
    return lambda: subprocess.run([sys.executable, *placed], check=True, capture_output=True)
