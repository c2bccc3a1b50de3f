"""Times of several sides in turn, on the clock and in core seconds, and their ratios."""

import resource
import time
from collections.abc import Callable

import numpy as np

CLOCK, CORES = 0, 1


def seconds(run: Callable) -> tuple[float, float]:
    """Seconds on the clock, and of all cores together, those of processes that it started and awaited included."""
    started = time.perf_counter(), _core_seconds()
    run()
    return time.perf_counter() - started[CLOCK], _core_seconds() - started[CORES]


def _core_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def in_turn(sides: dict[str, Callable], rounds: int, warm_up: int = 3) -> dict[str, np.ndarray]:
    """Seconds of every side, (rounds, 2): clock and cores. A round runs each once, and another first than the last."""
    names, found = list(sides), {name: [] for name in sides}
    for number in range(warm_up + rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = seconds(sides[name])
            if number >= warm_up:
                found[name].append(taken)
    return {name: np.array(taken) for name, taken in found.items()}


def ratio(times: dict[str, np.ndarray], other: str, ours: str = "ours") -> str:
    """Time of the other by that of ours: median of the rounds by the clock, its middle half, median in core seconds."""
    if other not in times:
        return f"{'-':>5} {'':16} {'-':>6}"
    clock, cores = (times[other] / times[ours]).T
    return f"{middle(clock):22} {np.median(cores):6.2f}"


def middle(values) -> str:
    """The median, and the middle half in brackets."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return f"{median:5.2f} ({low:.2f} to {high:.2f})"


HEAD_OF_RATIO = f"{'ratio':>5} {'(middle half)':16} {'cores':>6}"
