"""Jobs of several worker processes on loopback: what they train, and what is left when one of them dies."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import launching, main
from keras_gan_zoo.errors import InputError
from tests import equality

# --- the launcher, with any program


@pytest.fixture
def workers_run(monkeypatch):
    """Workers run a line of Python, which finds its number as `n` and the arguments as `arguments`."""

    def use(program):
        def start(arguments, addresses, worker):
            preamble = f"import os, sys, time; n, arguments = {worker}, {list(arguments)!r}; "
            return subprocess.Popen(
                [sys.executable, "-uc", preamble + program],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

        monkeypatch.setattr(launching, "_start", start)

    return use


def launched(workers=2, restarts=0, arguments=("train", "dcgan", "--data", "digits", "--out", "runs/x")):
    lines = []
    code = launching.launch(arguments, workers, restarts, say=lines.append)
    return code, lines


def test_joins_the_output_of_all_workers(workers_run):
    workers_run("print('hello from', n)")
    code, lines = launched(workers=3)
    assert code == 0
    assert {"[0] hello from 0", "[1] hello from 1", "[2] hello from 2"} <= set(lines)


def test_ends_all_workers_when_one_dies_and_says_which(workers_run):
    workers_run("time.sleep(60 * (n != 1)); os.kill(os.getpid(), 9)")
    started = time.monotonic()
    code, lines = launched(workers=3)
    assert time.monotonic() - started < 30
    assert code == 128 + signal.SIGKILL
    assert lines[-1] == "Worker 1 ended with signal SIGKILL, which ended the job. Nothing was trained."


def test_a_deaf_worker_is_killed(workers_run, monkeypatch):
    monkeypatch.setattr(launching, "GRACE", 0.5)
    workers_run("import signal; signal.signal(15, signal.SIG_IGN); time.sleep(0.5 + 60 * (n != 1)); sys.exit(7)")
    started = time.monotonic()
    code, lines = launched()
    assert time.monotonic() - started < 30
    assert code == 7
    assert "Worker 1 ended with exit code 7" in lines[-1]


def test_restarts_a_bounded_number_of_times_and_resumes(workers_run, tmp_path):
    (tmp_path / "recipe.toml").touch()
    workers_run("print(*arguments); sys.exit(n)")
    arguments = ("train", "dcgan", "--data", "digits", f"--out={tmp_path}", "--snapshot-steps", "5", "--width", "4")
    code, lines = launched(restarts=2, arguments=arguments)
    assert code == 1
    first, *later = [line for line in lines if line.startswith("[1]")]
    assert first == f"[1] {' '.join(arguments)}"
    assert later == [f"[1] train --resume {tmp_path} --snapshot-steps 5"] * 2


def test_a_mistake_is_not_repeated(workers_run):
    workers_run("print('Error: no such data'); sys.exit(2)")
    code, lines = launched(restarts=5)
    assert code == 2
    assert sum("no such data" in line for line in lines) <= 2


LAUNCHER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
from keras_gan_zoo.cli import launching
launching.WORKER = [sys.executable, "-c", sys.argv[1]]
sys.exit(launching.launch(["train", "dcgan", "--out", "x"], 2, restarts=3, say=lambda line: print(line, flush=True)))
"""
SLEEPER = """
import os, time
from keras_gan_zoo.cli.worker import end_with_launcher
end_with_launcher()
print("worker", os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_no_worker_outlives_its_launcher(name, tmp_path):
    command = [sys.executable, "-c", LAUNCHER, SLEEPER]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as launcher:
        try:
            workers = []
            while len(workers) < 2:
                words = launcher.stdout.readline().split()
                workers += [int(words[2])] if words[1:2] == ["worker"] else []
            launcher.send_signal(getattr(signal, name))
            launcher.communicate(timeout=30)
        finally:
            launcher.kill()
    expected = {"SIGINT": {130, -signal.SIGINT, 1}, "SIGKILL": {-signal.SIGKILL}}
    number = getattr(signal, name)
    assert launcher.returncode in expected.get(name, {128 + number})
    deadline = time.monotonic() + 10
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, workers))


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "dcgan", "--data", "digits"), "Expected --out or --resume"),
        (("sample", "runs/x"), "Expected a train command"),
        ((), "Received: none"),
    ],
)
def test_commands_that_workers_cannot_share_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        launching.launch(arguments, workers=2)
    result = CliRunner().invoke(main, ["launch", "--workers", "2", "--", *arguments])
    assert result.exit_code == 2
    assert "Error: " in result.output


# --- real jobs, on loopback

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "PYTHONUNBUFFERED": "1"}
LIMIT = 600  # seconds


def environment(**more):
    return {name: value for name, value in os.environ.items() if name != "TF_CONFIG"} | ONE_THREAD | more


def cluster(worker, ports):
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": worker}})


def side_by_side(*commands):
    """Exit code and output of each worker of a job, started without the launcher."""
    ports = launching._free_ports(len(commands))
    processes = [
        subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=environment(TF_CONFIG=cluster(worker, ports)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for worker, command in enumerate(commands)
    ]
    try:
        outputs = [process.communicate(timeout=LIMIT)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


@pytest.mark.slow
def test_two_workers_make_the_updates_of_one(tmp_path, float64):
    jobs = side_by_side(*[["-m", "tests.equality", tmp_path]] * 2)
    assert [code for code, _ in jobs] == [0, 0], jobs[0][1]
    for number, kind in enumerate(equality.OF_WORKERS):
        gan, _, _ = equality.trained(tf.distribute.get_strategy(), lambda kind=kind: equality.build(*kind))
        for worker in (0, 1):
            with np.load(tmp_path / f"{number}_of_worker_{worker}.npz") as weights:
                for weight, name in zip(gan.weights, weights.files, strict=True):
                    np.testing.assert_allclose(weight.numpy(), weights[name], rtol=0, atol=1e-12, err_msg=str(kind))


STOPPING = """
import json, os
import numpy as np
import keras_gan_zoo as kgz
strategy = kgz.distribution.strategy("multi_worker")
figures = [[3, 2, 1, 0, 0, 0], [0, 1, 2, 3, 4, 5]][json.loads(os.environ["TF_CONFIG"])["task"]["index"]]
with strategy.scope():
    gan = kgz.GAN.for_images((2,), 2, architecture="mlp", units=2, depth=1, seed=0)
    gan.compile()
stopping = kgz.callbacks.Stopping(lambda _: figures.pop(0), patience=1)
gan.fit(np.zeros((8, 2), np.float32), batch_size=8, epochs=6, callbacks=[stopping], verbose=0)
print("best epoch", stopping.best_epoch, "left", figures)
"""


@pytest.mark.slow
def test_all_workers_stop_when_the_chief_does():
    jobs = side_by_side(*[["-c", STOPPING]] * 2)
    assert [code for code, _ in jobs] == [0, 0], jobs
    assert "best epoch 3 left [0]" in jobs[0][1]
    assert "best epoch 3 left [5]" in jobs[1][1]


class Job:
    """`gan-zoo launch` with two workers, which a test can watch and hurt."""

    def __init__(self, data, folder, epochs, restarts=0):
        train = ["train", "gan", "--data", data, "--out", folder, "--latent-dim", 4, "--optimizer", "dcgan"]
        train += ["--generator-units", 4, "--discriminator-units", 4, "--pieces", 2]  # with Dropout
        train += ["--ema", 0.9, "--batch-size", 32, "--epochs", epochs, "--snapshot-steps", 7]
        launcher = [sys.executable, "-m", "keras_gan_zoo", "launch", "--workers", 2, "--restarts", restarts, "--"]
        self.folder, self.lines = folder, []
        self.process = subprocess.Popen(
            [str(part) for part in launcher + train],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def wait_for(self, what):
        deadline = time.monotonic() + LIMIT
        while not (found := what()):
            assert time.monotonic() < deadline, "".join(self.lines)
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.001)
        return found

    def snapshots(self):
        return sorted((self.folder / "snapshots").glob("step_*"))

    def pid(self, worker):
        [*_, started] = [line for line in self.lines if line.startswith("Started")]
        return int(re.findall(r"\d+", started)[1 + worker])

    def end(self):
        code = self.process.wait(timeout=LIMIT)
        self.reader.join()
        self.process.stdout.close()
        assert code == 0, "".join(self.lines)
        return [weight.numpy() for weight in kgz.load(self.folder).variables]


EPOCHS = 8


@pytest.fixture(scope="module")
def some_images(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(path, images=kgz.data.load("digits").examples[:320])
    return path


@pytest.fixture(scope="module")
def undisturbed(some_images, tmp_path_factory):
    """A job, and its weights."""
    job = Job(some_images, tmp_path_factory.mktemp("job") / "run", EPOCHS)
    weights = job.end()
    assert len([line for line in job.lines if re.match(r"\[0\] epoch +\d", line)]) == EPOCHS
    assert not [line for line in job.lines if line.startswith("[1] epoch")]  # one of them speaks
    assert "WARNING:tensorflow" not in "".join(job.lines)
    return job, weights


@pytest.mark.slow
def test_a_job_that_loses_a_worker_ends_with_the_same_bits(some_images, tmp_path, undisturbed):
    job = Job(some_images, tmp_path / "run", EPOCHS, restarts=1)
    job.wait_for(lambda: len(job.snapshots()) > 1)
    os.kill(job.pid(1), signal.SIGKILL)
    for mine, theirs in zip(job.end(), undisturbed[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert "Worker 1 ended with signal SIGKILL" in "".join(job.lines)


@pytest.mark.slow
def test_the_chief_killed_while_it_writes_a_snapshot(some_images, tmp_path, undisturbed):
    job = Job(some_images, tmp_path / "run", EPOCHS, restarts=1)
    job.wait_for(lambda: len(job.snapshots()) > 1)
    unfinished = job.wait_for(lambda: list((job.folder / "snapshots").glob(".*.unfinished*")))
    os.kill(job.pid(0), signal.SIGKILL)
    for mine, theirs in zip(job.end(), undisturbed[1], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert "Worker 0 ended with signal SIGKILL" in "".join(job.lines)
    assert not [path for path in unfinished if path.exists()]  # what was left of it is gone


@pytest.mark.slow
def test_workers_with_different_snapshots_refuse_to_train(tmp_path, undisturbed):
    for name in ("run", "old"):
        shutil.copytree(undisturbed[0].folder, tmp_path / name)
    (sorted((tmp_path / "old" / "snapshots").iterdir())[-1]).unlink()
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.snapshot")}
    resume = ["-m", "keras_gan_zoo", "train", "--epochs", EPOCHS + 1, "--resume"]
    for code, output in side_by_side([*resume, tmp_path / "run"], [*resume, tmp_path / "old"]):
        assert code == 2, output
        assert "Expected all workers to start from the same step. Received: worker 0: 80, worker 1: 77" in output
    assert files == {path: path.read_bytes() for path in tmp_path.rglob("*.snapshot")}

    shutil.rmtree(tmp_path / "old")
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.snapshot")}
    jobs = side_by_side([*resume, tmp_path / "run"], [*resume, tmp_path / "old"])
    assert [code for code, _ in jobs] == [1, 2], jobs
    assert "which has none" in jobs[1][1]
    assert "Lost worker 1 of this job" in jobs[0][1]
    assert files == {path: path.read_bytes() for path in tmp_path.rglob("*.snapshot")}
