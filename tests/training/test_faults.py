"""Runs of the command line that are killed at any moment, also while they write, end as if they had not been."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.state.snapshot import SnapshotFolder
from tests.helpers import assert_same_bits, contents
from tests.snapshots import values_of

TINY = ["--width", "4", "--latent-dim", "4", "--batch-size", "8"]
RICH = ["--dropout", "0.3", "--ema", "0.9", "--k", "2"]
PATIENCE = 600  # seconds to wait for anything, on a busy machine


class Run:
    """A run folder, and the process that trains into it."""

    def __init__(self, folder, data, *options):
        self.folder, self.process = folder, None
        self.begin = ["dcgan", "--data", str(data), "--out", str(folder), *TINY, *options]

    def start(self):
        """Begins the run, or goes on with it if there is one."""
        begun = (self.folder / "recipe.toml").exists()
        arguments = ["--resume", str(self.folder)] if begun else self.begin
        self.seen = self.newest_name()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keras_gan_zoo", "train", *arguments, "--snapshot-steps", "1"],
            env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        """Exit code and output."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output

    def kill(self) -> bool:
        """Kills the process; False if it was done before."""
        self.process.kill()
        return self.end()[0] == -signal.SIGKILL

    def newest_name(self) -> str:
        names = [path.name for path in SnapshotFolder(self.folder / "snapshots").files()]
        return max(names, default="")

    def is_writing(self) -> bool:
        """Whether a snapshot is being written, or was when the process was killed."""
        try:
            return any(name.startswith(".step_") for name in os.listdir(self.folder / "snapshots"))  # noqa: PTH208
        except FileNotFoundError:
            return False

    def wait(self, condition, pause=0.002):
        """Until something is true, or the process has ended."""
        deadline = time.monotonic() + PATIENCE
        while not condition() and self.process.poll() is None:
            assert time.monotonic() < deadline, "nothing happens"
            time.sleep(pause)

    def wait_for_snapshots(self, count):
        """Until so many new ones were seen."""
        for _ in range(count):
            self.wait(lambda: self.newest_name() > self.seen)
            self.seen = self.newest_name()


@pytest.fixture
def two_runs(tmp_path):
    """Makes two of the same kind, for so many images and options."""
    made = []

    def make(n, *options):
        np.savez(tmp_path / "images.npz", images=np.random.default_rng(0).integers(0, 256, (n, 16, 16), np.uint8))
        made.extend(Run(tmp_path / name, tmp_path / "images.npz", *options) for name in ("undisturbed", "run"))
        return made

    yield make
    for run in made:
        if run.process is not None and run.process.poll() is None:
            run.kill()


def check_both_end_alike(*runs):
    for run in runs:
        code, output = run.end()
        assert code == 0, output
    first, second = (SnapshotFolder(run.folder / "snapshots").newest() for run in runs)
    assert first.step == second.step > 0
    assert first.history == second.history
    assert first.arrays.keys() == second.arrays.keys()
    assert_same_bits(first.arrays.values(), second.arrays.values())
    assert_same_bits(*(values_of(kgz.load(run.folder)) for run in runs))
    first, second = (results(run.folder) for run in runs)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def results(folder) -> dict:
    """Figures and pictures, byte for byte."""
    files = {name: content for name, content in contents(folder).items() if name.suffix in (".csv", ".png", ".gif")}
    assert {Path("log.csv"), Path("samples.png"), Path("samples/history.gif")} < files.keys()
    return files


@pytest.mark.slow
def test_signals_end_a_run_in_order(two_runs):
    undisturbed, run = two_runs(800, "--epochs", "4")
    for each in (undisturbed, run):
        each.start()
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        run.wait_for_snapshots(1)
        run.process.send_signal(number)
        ended, output = run.end()
        assert ended == code, output
        assert f"Interrupted. To continue: gan-zoo train --resume {run.folder}" in output
        assert "Traceback" not in output
        assert not (run.folder / "gan.keras").exists()
        run.start()
    check_both_end_alike(undisturbed, run)


@pytest.mark.slow
@pytest.mark.parametrize(("options", "times"), [([], 4), (["--deterministic"], 2)], ids=["", "deterministic"])
def test_killed_again_and_again(two_runs, options, times):
    undisturbed, run = two_runs(800, "--epochs", "8", *RICH, *options)
    started = time.monotonic()
    undisturbed.start()
    undisturbed.wait_for_snapshots(1)
    time_to_start = time.monotonic() - started

    draw = random.Random(len(options))
    kills = [
        "as it starts",
        *draw.sample(["as it starts", "as it trains", "as it writes"], counts=[1, 6, 4], k=times - 1),
    ]
    in_training = in_writing = 0
    while kills or not in_writing:  # a write takes milliseconds, so not every attempt need hit one
        when = kills.pop(0) if kills else "as it writes"
        run.start()
        if when == "as it starts":
            time.sleep(draw.uniform(0, time_to_start))
        else:
            run.wait_for_snapshots(draw.randint(1, 2))
        if when == "as it trains":
            time.sleep(draw.uniform(0, 0.5))
        elif when == "as it writes":
            run.wait(run.is_writing, pause=0)
        assert run.kill(), "the run is too short for so many kills"
        in_training += when != "as it starts"
        in_writing += run.is_writing()
    assert in_training >= times - 2
    run.start()
    check_both_end_alike(undisturbed, run)
    assert not run.is_writing()
