"""Several workers on one machine: started, read, ended and restarted together."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from keras_gan_zoo.core.remote import RemotePath, place
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.errors import InputError

GRACE = 10  # seconds that a worker gets to exit after SIGTERM, before SIGKILL
WORKER = [sys.executable, "-m", "keras_gan_zoo.cli.worker"]


def launch(arguments: Sequence[str], workers: int, restarts: int = 0, say=print) -> int:
    """Runs `gan-zoo ARGUMENTS` as the workers of one job, on the loopback interface.

    When a worker dies, the others are ended too, and the job is restarted from its last snapshot, at most `restarts`
    times. When the launcher is ended, by whatever signal, so are the workers.

    Args:
        arguments: Arguments of `gan-zoo`, such as `["train", "dcgan", "--data", "digits", "--out", "runs/two"]`.
        workers: Number of processes.
        restarts: How many times to restart a job that lost a worker.
        say: Function that is called with each line of output.

    Returns:
        0 if all workers succeeded, otherwise the exit code of the first one that failed.

    Raises:
        InputError: If the command is not `train`, or names no run folder.
    """
    folder = _run_folder(arguments)
    with exit_on_signals():
        return _launch(arguments, folder, workers, restarts, say)


def _launch(arguments: Sequence[str], folder: Path | RemotePath, workers: int, restarts: int, say) -> int:
    for attempt in range(restarts + 1):
        code, worker = _run(_resumed(arguments, folder) if attempt else list(arguments), workers, say)
        if code in (0, 2):  # success, or wrong input, which a restart would not change
            return code
        ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        left = restarts - attempt
        how = f"To continue: --resume {folder}" if (folder / RECIPE_FILE).is_file() else "Nothing was trained"
        then = f"Restarting all {workers} workers from the last snapshot" if left else how
        say(f"Worker {worker} ended with {ended}, which ended the job. {then}.")
    return code if code > 0 else 128 - code


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP a `SystemExit`, so that what is running can be ended first; a second one is ignored."""

    def leave(number, frame):
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    handled = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        handled = []  # only the main thread may handle signals
    before = {number: signal.signal(number, leave) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(arguments: list[str], workers: int, say) -> tuple[int, int]:
    """The exit code and number of the first worker that failed, or (0, 0)."""
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(workers)]
    processes = [_start(arguments, addresses, worker) for worker in range(workers)]
    say(f"Started {workers} workers: processes {', '.join(str(process.pid) for process in processes)}.")
    readers = [
        threading.Thread(target=_read, args=(process, f"[{worker}] ", say)) for worker, process in enumerate(processes)
    ]
    for reader in readers:
        reader.start()
    try:
        failed = _first_failure(processes)
    finally:
        _end(processes)
        for reader in readers:
            reader.join()
    return (0, 0) if failed is None else (processes[failed].returncode, failed)


def _first_failure(processes: list[subprocess.Popen]) -> int | None:
    """Waits until all processes have succeeded, or one has failed, and returns the number of that one."""
    while True:
        codes = [process.poll() for process in processes]
        failed = [worker for worker, code in enumerate(codes) if code]
        if failed:  # a worker that was killed is the cause; those that lost their connection to it are the effect
            return next((worker for worker in failed if codes[worker] < 0), failed[0])
        if None not in codes:
            return None
        time.sleep(0.1)


def _end(processes: list[subprocess.Popen]) -> None:
    """Ends the processes by SIGTERM and, after `GRACE` seconds, by SIGKILL."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(arguments: list[str], addresses: list[str], worker: int) -> subprocess.Popen:
    cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": worker}}
    return subprocess.Popen(
        [*WORKER, *arguments],
        stdin=subprocess.PIPE,  # is never written to: it closes when the launcher ends, even if by SIGKILL
        env={**os.environ, "TF_CONFIG": json.dumps(cluster), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that Ctrl-C reaches the launcher alone, which ends the workers
    )


def _read(process: subprocess.Popen, prefix: str, say) -> None:
    with process.stdin or nullcontext(), process.stdout or nullcontext([]) as lines:
        for line in lines:
            say(f"{prefix}{line.rstrip()}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _run_folder(arguments: Sequence[str]) -> Path | RemotePath:
    """The run folder of the job: the value of --out or of --resume."""
    if not arguments or arguments[0] != "train":
        raise InputError(f"Expected a train command to launch. Received: {' '.join(arguments) or 'none'}.")
    folder = _value("--out", arguments) or _value("--resume", arguments)
    if folder is None:
        raise InputError("Expected --out or --resume, so that all workers use the same run folder. Received: neither.")
    return place(folder)


def _resumed(arguments: Sequence[str], folder: Path | RemotePath) -> list[str]:
    """The same command with --resume, if the first attempt got as far as writing a recipe."""
    if not (folder / RECIPE_FILE).exists():
        return list(arguments)
    kept = ["--strategy", "--snapshot-minutes", "--snapshot-steps"]
    given = [(name, _value(name, arguments)) for name in kept]
    return ["train", "--resume", str(folder), *(text for name, value in given if value for text in (name, value))]


def _value(option: str, arguments: Sequence[str]) -> str | None:
    """The value of an option, written as `--out x` or `--out=x`."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        if argument == option:
            return following
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return None
