"""What snapshots cost: seconds to write one, to read it, to put it back, and the share of training at the default pace.

    python -m tests.benchmarks.snapshots        about two minutes; leave the machine alone meanwhile

The last column is the share of training time that writing takes at the default interval, from the median write; for the
DCGAN also measured: one `fit` with a snapshot every 2 seconds, its writes timed within it.
"""

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import Snapshots
from keras_gan_zoo.state.identity import describe_run
from keras_gan_zoo.state.snapshot import Snapshot


def timed(action) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def row(name, gan, folder, repeats=9):
    path, run = Path(folder) / f"{name}.snapshot", describe_run(gan, {})

    def write():
        snapshot = Snapshot.capture(gan, run=run)
        assert not snapshot.not_finite()
        snapshot.write(path)

    writes = [timed(write) for _ in range(repeats)]
    reads = [timed(lambda: Snapshot.read(path)) for _ in range(repeats)]
    snapshot = Snapshot.read(path)
    puts = [timed(lambda: snapshot.restore(gan)) for _ in range(repeats)]
    seconds = [float(np.median(times)) for times in (writes, reads, puts)]
    share = seconds[0] / (60 * Snapshots("unused").every_minutes)
    print(
        f"{name:<34} {gan.count_params():>12,} {path.stat().st_size / 1e6:>8.1f}"
        f" {seconds[0]:>8.3f} {max(writes):>8.3f} {seconds[1]:>8.3f} {seconds[2]:>8.3f} {100 * share:>9.3f} %",
        flush=True,
    )


class Timed(Snapshots):
    seconds = 0.0

    def write(self):
        self.seconds += timed(super().write)


def main():
    print(
        f"{'':<34} {'parameters':>12} {'MB':>8} {'write s':>8} {'slowest':>8} {'read s':>8} {'put s':>8} {'share':>11}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (
            ("dcgan 28x28, EMA", {}),
            ("dcgan 28x28, width 64, EMA", {"width": 64}),  # two million with the average
            ("dcgan 64x64x3, width 64, EMA", {"width": 64, "shape": (64, 64, 3)}),
        ):
            gan = kgz.DCGAN.for_images(arguments.pop("shape", (28, 28, 1)), ema_decay=0.999, seed=0, **arguments)
            gan.compile()
            row(name, gan, folder)
        gan = kgz.DCGAN.for_images((28, 28, 1), width=64, ema_decay=0.999, seed=0)
        gan.compile()
        images = np.random.default_rng(0).integers(0, 256, (6400, 28, 28, 1), np.uint8)
        gan.fit(images[:640], epochs=1, verbose=0)
        snapshots = Timed(Path(folder) / "fit", every_minutes=2 / 60)
        seconds = timed(lambda: gan.fit(images, epochs=1, verbose=0, callbacks=[snapshots]))
    print(f"a snapshot every 2 seconds takes {100 * snapshots.seconds / seconds:.1f} % of a fit (width 64)")


if __name__ == "__main__":
    main()
