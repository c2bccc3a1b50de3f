"""How long fresh processes take: the program and the library, beside Python and TensorFlow."""

import subprocess
import sys

import numpy as np

from tests.benchmarks.measuring import CLOCK, in_turn

COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import tensorflow'": ("-c", "import tensorflow"),
    "python -c 'import keras_gan_zoo'": ("-c", "import keras_gan_zoo"),
    "gan-zoo --help": ("-m", "keras_gan_zoo", "--help"),
    "gan-zoo list": ("-m", "keras_gan_zoo", "list"),
}


def table(rounds: int) -> None:
    times = in_turn({name: starter(command) for name, command in COMMANDS.items()}, max(1, rounds // 3), warm_up=1)
    print(f"{'fresh process':36} {'median':>8}  (middle half)")
    for name, taken in times.items():
        low, middle, high = np.percentile(taken[:, CLOCK], [25, 50, 75])
        print(f"{name:36} {middle:>6.2f} s  ({low:.2f} to {high:.2f})")


def starter(command: tuple[str, ...]):
    return lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True)
