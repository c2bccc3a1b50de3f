"""Trainings that are started at the same time, as processes: each has a folder of its own, or says whose it is."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core.claims import LOCK_FILE
from keras_gan_zoo.training import Recipe

TINY = ["gan", "--data", "ring8", "--batch-size", "500"]
# A shell's background processes, and what they start, ignore Ctrl-C.
GAN_ZOO = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from keras_gan_zoo.cli import main
main(prog_name="gan-zoo")
"""
PATIENCE = 240  # seconds to wait for anything, on a busy machine

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path):
    """Starts `gan-zoo train`, in `tmp_path`."""
    started = []

    def start(*options):
        process = subprocess.Popen(
            [sys.executable, "-c", GAN_ZOO, "train", *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            cwd=tmp_path,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def ends(*processes):
    """The exit codes and outputs, those that succeeded first."""
    ended = [(process.communicate(timeout=PATIENCE)[0], process.returncode) for process in processes]
    assert not [said for said, _ in ended if "Traceback" in said]
    return sorted(((code, said) for said, code in ended), key=lambda end: end[0])


def wait_for(folder, pattern):
    deadline = time.monotonic() + PATIENCE
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline, f"no {pattern}"
        time.sleep(0.05)


def check_whole(folder, seed=None):
    recipe = Recipe.from_toml((folder / "recipe.toml").read_text(encoding="utf-8"))
    assert seed in (None, recipe.seed)
    assert kgz.load(folder).steps_done == kgz.load(next((folder / "snapshots").glob("*.snapshot"))).steps_done
    assert not list(folder.rglob(".*"))


def test_three_have_three_folders(start, tmp_path):
    ended = ends(*(start(*TINY, "--epochs", "2", "--seed", seed) for seed in (1, 2, 3)))
    assert [code for code, _ in ended] == [0, 0, 0], ended
    names = {re.search(r"Trained GAN in (\S+):", said)[1] for _, said in ended}
    assert names == {"runs/gan_ring8", "runs/gan_ring8_2", "runs/gan_ring8_3"}
    recipes = [Recipe.from_toml((tmp_path / name / "recipe.toml").read_text(encoding="utf-8")) for name in names]
    assert {recipe.seed for recipe in recipes} == {1, 2, 3}
    for name in names:
        check_whole(tmp_path / name)


def test_of_two_with_one_out_the_second_is_told(start, tmp_path):
    ended = ends(*(start(*TINY, "--epochs", "2", "--seed", seed, "--out", "run") for seed in (1, 2)))
    (code, _), (refused, why) = ended
    assert (code, refused) == (0, 2)
    assert re.search(r"^Error: Expected a (folder that no other|new or empty folder)", why, re.MULTILINE)
    check_whole(tmp_path / "run")
    assert ends(start("--resume", "run"))[0][0] == 0


def test_of_two_that_resume_one_run_the_second_is_told(start, tmp_path):
    first = start(*TINY, "--epochs", "100000", "--out", "run", "--snapshot-steps", "9")
    wait_for(tmp_path, "run/snapshots/step_*")
    before = (tmp_path / "run" / "recipe.toml").read_bytes()
    [(code, said)] = ends(start("--resume", "run", "--epochs", "200000"))
    assert code == 2
    assert f"belongs to process {first.pid} on host {socket.gethostname()}, since 20" in said
    assert (tmp_path / "run" / "recipe.toml").read_bytes() == before

    first.send_signal(signal.SIGTERM)
    [(code, said)] = ends(first)
    assert code == 143
    assert "To continue: gan-zoo train --resume run" in said
    assert not list((tmp_path / "run").rglob(LOCK_FILE))


def test_what_a_killed_run_leaves_is_taken_over_here_and_asked_about_elsewhere(start, tmp_path):
    first = start(*TINY, "--epochs", "2", "--out", "run")
    wait_for(tmp_path, f"run/snapshots/{LOCK_FILE}")
    first.kill()
    first.communicate()
    locks = [tmp_path / "run" / LOCK_FILE, tmp_path / "run" / "snapshots" / LOCK_FILE]
    left = [json.loads(lock.read_text(encoding="utf-8")) for lock in locks]
    for lock, owner in zip(locks, left, strict=True):
        lock.write_text(json.dumps(owner | {"host": "elsewhere"}), encoding="utf-8")
    [(code, said)] = ends(start("--resume", "run"))
    assert code == 2
    assert f"belongs to process {first.pid} on host elsewhere" in said
    assert "If it has, give --take-over." in said
    locks[0].write_text(json.dumps(left[0]), encoding="utf-8")  # of this machine; that of the snapshots is not
    assert ends(start("--resume", "run", "--take-over"))[0][0] == 0
    check_whole(tmp_path / "run")


def test_an_interrupted_start_claims_nothing_to_continue(start, tmp_path):
    process = start(*TINY, "--epochs", "2", "--seed", "1")
    wait_for(tmp_path, "runs/gan_ring8")
    os.kill(process.pid, signal.SIGINT)
    [(code, said)] = ends(process)
    begun = (tmp_path / "runs" / "gan_ring8" / "recipe.toml").exists()
    assert code == 130
    assert ("Interrupted. To continue" if begun else "Interrupted. Nothing was trained.") in said
