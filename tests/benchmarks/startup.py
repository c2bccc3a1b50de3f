"""How long fresh processes take: the program and the library, beside Python and TensorFlow."""

import subprocess
import sys

import numpy as np

from tests.benchmarks.measuring import CLOCK, CORES, in_turn

COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import tensorflow'": ("-c", "import tensorflow"),
    "python -c 'import keras_gan_zoo'": ("-c", "import keras_gan_zoo"),
    "gan-zoo --help": ("-m", "keras_gan_zoo", "--help"),
    "gan-zoo list": ("-m", "keras_gan_zoo", "list"),
}


def table(rounds: int) -> None:
    times = in_turn({name: starter(command) for name, command in COMMANDS.items()}, max(1, rounds // 3), warm_up=1)
    print(f"{'fresh process':36} {'median':>8}  {'(middle half)':16} {'cores':>8}")
    for name, taken in times.items():
        low, clock, high = np.percentile(taken[:, CLOCK], [25, 50, 75])
        cores = np.median(taken[:, CORES])
        print(f"{name:36} {clock:>6.2f} s  {f'({low:.2f} to {high:.2f})':16} {cores:>6.2f} s")


def starter(command: tuple[str, ...]):
    return lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True)
