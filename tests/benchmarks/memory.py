"""The most memory that a fresh process holds while it trains a DCGAN on 60,000 uint8 images for 20 steps.

Each side imports what it needs and nothing else. `imported` is the same process before it makes images and networks.
Both are the high-water mark that Linux keeps (VmHWM), so the table needs Linux.
"""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.benchmarks.cases import DCGAN_28

CASE = replace(DCGAN_28, fit_steps=20)
SIDES = {"ours": "ours", "hand_written": "Keras by hand", "pytorch": "PyTorch"}


def table(rounds: int) -> None:
    from tests.benchmarks.torch_side import pytorch

    print(f"{'training a DCGAN 28x28':36} {'peak':>9} {'imported':>9} {'peak to ours':>13}")
    peaks = {}
    for side, name in SIDES.items():
        if side == "pytorch" and not pytorch:
            continue
        runs = [measured(side) for _ in range(max(1, rounds // 10))]
        imported, peaks[side] = np.median(runs, axis=0)
        share = peaks[side] / peaks["ours"]
        print(f"{name:36} {peaks[side]:>6.0f} MB {imported:>6.0f} MB {share:>13.2f}", flush=True)


def measured(side: str) -> list[float]:
    """Megabytes of a fresh process: after its imports, and at most."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", side]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.splitlines()[-1]
    )


def train(side: str) -> list[float]:
    """In the fresh process."""
    if side == "pytorch":
        from tests.benchmarks.pytorch import players
        from tests.benchmarks.torch_side import pytorch as trainer
    else:
        from tests.benchmarks import hand_written, ours
        from tests.benchmarks.ours import players

        trainer = {"ours": ours, "hand_written": hand_written}[side]
    imported = megabytes()
    trainer.turn(CASE, players(CASE), CASE.examples(60_000))()
    return [imported, megabytes()]


def megabytes() -> float:
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1])))
