"""This checkout beside another one, such as that of an earlier commit: training steps and start-up, in turn.

git worktree add ../before COMMIT
python -m tests.benchmarks.commits ../before [ROUNDS]

A ratio is the time of the other checkout by that of this one: above 1, this one is faster. Each side has a process of
its own, in which it warms up; they are never busy at once.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.cases import CASES
from tests.benchmarks.measuring import HEAD_OF_RATIO, in_turn, ratio
from tests.benchmarks.startup import COMMANDS

HERE = Path(__file__).parents[2]
ROUNDS, MINIBATCHES = 25, 10  # by default, and how many a turn trains on
WORKER = """
import sys
from tests.benchmarks import ours
from tests.benchmarks.cases import CASES
case = CASES[int(sys.argv[1])]
turn = ours.turn(case, ours.players(case), case.examples())
for line in sys.stdin:
    for _ in range(int(line)):
        turn()
    print("done", flush=True)
"""


class Side:
    """A process that trains a case in a checkout, on demand."""

    def __init__(self, checkout: Path, case: int):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(case)],
            cwd=checkout,
            env=environment(checkout),
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self, steps: int) -> None:
        print(steps, file=self.process.stdin, flush=True)
        if self.process.stdout.readline() != "done\n":
            raise RuntimeError(f"Expected a side that trains. Received: exit code {self.process.wait()}.")

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}


def steps_of(number: int, other: Path, rounds: int) -> str:
    sides = {"ours": Side(HERE, number), "other": Side(other, number)}
    steps = 1 if CASES[number].fit_steps else MINIBATCHES // CASES[number].minibatches
    times = in_turn({name: lambda side=side: side.run(steps) for name, side in sides.items()}, rounds)
    for side in sides.values():
        side.end()
    return ratio(times, "other")


def startup_of(command: tuple[str, ...], other: Path, rounds: int) -> str:
    def start(checkout: Path):
        subprocess.run(
            [sys.executable, *command], cwd=checkout, env=environment(checkout), check=True, capture_output=True
        )

    sides = {"ours": lambda: start(HERE), "other": lambda: start(other)}
    return ratio(in_turn(sides, rounds, warm_up=1), "other")


def main():
    other, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    print(f"{'time of the other by that of this one':40} {HEAD_OF_RATIO}")
    for name, command in COMMANDS.items():
        if "keras_gan_zoo" in name or "gan-zoo" in name:
            print(f"{name:40} {startup_of(command, other, rounds)}", flush=True)
    for number, case in enumerate(CASES):
        print(f"{case.name:40} {steps_of(number, other, rounds)}", flush=True)


if __name__ == "__main__":
    main()
