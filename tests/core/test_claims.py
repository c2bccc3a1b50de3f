"""Claims against other claims: of threads, of processes that live, fork or die, and of processes of other machines."""

import errno
import json
import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from keras_gan_zoo.core import claims
from keras_gan_zoo.core.claims import LOCK_FILE, ClaimedError, Owner, UnseenOwnerError, check_unclaimed, claimed
from keras_gan_zoo.errors import InputError

HOLD = "import os, sys, time; from keras_gan_zoo.core.claims import claimed\nwith claimed(sys.argv[1]): {}"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def holder(folder, then="print(flush=True); time.sleep(60)"):
    """A process that has claimed a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD.format(then), str(folder)], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


@pytest.fixture
def rival(tmp_path):
    with holder(tmp_path) as process:
        yield process
        process.kill()


@pytest.fixture(params=[True, False], ids=["", "without locks"])
def locks(request, monkeypatch):
    """Also on a file system that has no locks."""
    if not request.param:

        def refuse(*_):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(claims.fcntl, "flock", refuse)
        monkeypatch.setattr(claims, "SETTLED", 0)


def leave(folder, **changes):
    """The lock of a process that was killed."""
    owner = Owner.here().__dict__ | {"process": 2**22 + 1, "process_start": 1} | changes
    (folder / LOCK_FILE).write_text(json.dumps(owner))


def test_a_claim_says_whose_it_is_and_leaves_nothing(tmp_path):
    folder = tmp_path / "a" / "b"
    with claimed(folder):
        said = json.loads((folder / LOCK_FILE).read_text())
        assert (said["process"], said["host"]) == (os.getpid(), socket.gethostname())
        assert said["process_start"] == claims._start_of(os.getpid()) is not None
    assert names(tmp_path) == []
    with claimed(folder):
        (folder / "file").touch()
    assert names(folder) == ["file"]


def test_folders_that_were_there_stay(tmp_path):
    with claimed(tmp_path):
        pass
    assert names(tmp_path) == []


def test_another_process_is_named(tmp_path, rival, locks):
    said = rf"{tmp_path}, which belongs to process {rival.pid} on host {socket.gethostname()}, since 20"
    for _ in range(2):
        with pytest.raises(ClaimedError, match=said), claimed(tmp_path, take_over=True):
            pass
        with pytest.raises(ClaimedError, match=said):
            check_unclaimed(tmp_path)
    assert names(tmp_path) == [LOCK_FILE]


def test_a_killed_process_is_succeeded_with_a_line_in_the_log(tmp_path, rival, caplog, locks):
    rival.kill()
    rival.wait()
    check_unclaimed(tmp_path)
    with caplog.at_level(logging.INFO), claimed(tmp_path):
        assert Owner(**json.loads((tmp_path / LOCK_FILE).read_text())).process == os.getpid()
    assert f"Taking over {tmp_path} from process {rival.pid} on host" in caplog.text
    assert names(tmp_path) == []


def test_a_process_that_has_the_number_of_a_dead_one_is_not_its_owner(tmp_path, locks):
    leave(tmp_path, process=os.getpid(), process_start=1)
    with claimed(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"process": 3}', "\0" * 100])
def test_what_a_process_left_that_died_as_it_claimed_does_not_block(tmp_path, content, locks):
    (tmp_path / LOCK_FILE).write_text(content)
    check_unclaimed(tmp_path)
    with claimed(tmp_path):
        pass
    assert names(tmp_path) == []


def test_a_process_of_another_machine_is_asked_about(tmp_path, locks):
    leave(tmp_path, host="elsewhere")
    said = r"belongs to process \d+ on host elsewhere.*cannot be told.*If it has, give take_over=True"
    with pytest.raises(UnseenOwnerError, match=said), claimed(tmp_path):
        pass
    assert json.loads((tmp_path / LOCK_FILE).read_text())["host"] == "elsewhere"
    with claimed(tmp_path, take_over=True):
        pass
    assert names(tmp_path) == []


def test_who_was_taken_over_though_it_ran_leaves_the_lock_of_its_successor(tmp_path, locks):
    with claimed(tmp_path):
        leave(tmp_path, host="elsewhere")
    assert names(tmp_path) == [LOCK_FILE]


def test_one_process_claims_once_and_again_later(tmp_path, locks):
    for _ in range(2):
        with claimed(tmp_path), pytest.raises(ClaimedError, match=r"\(this one\)"), claimed(tmp_path):
            pass


def test_of_many_threads_each_has_its_turn(tmp_path):
    inside, most = [], []

    def work():
        with claimed(tmp_path, waits=True):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    assert names(tmp_path) == []


def test_a_forked_process_has_no_part_in_a_claim(tmp_path):
    """It neither keeps the lock when its parent is killed nor ends it when it ends."""
    fork = "os.fork() or print(os.getpid(), flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", HOLD.format(fork), str(tmp_path)], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        try:
            with claimed(tmp_path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_forked_process_that_leaves_the_block_releases_nothing(tmp_path):
    with claimed(tmp_path):
        process = multiprocessing.get_context("fork").Process(target=_leave_a_copy_of_the_block, args=(tmp_path,))
        process.start()
        process.join()
        assert names(tmp_path) == [LOCK_FILE]
        with pytest.raises(ClaimedError), claimed(tmp_path):
            pass


def _leave_a_copy_of_the_block(folder):
    for descriptor in range(3, 50):  # of the parent, whichever it was
        claims._release(descriptor, folder / LOCK_FILE)


def test_new_means_new(tmp_path):
    with pytest.raises(FileExistsError), claimed(tmp_path, is_new=True):
        pass
    with claimed(tmp_path / "a" / "b", is_new=True):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("is_new", [True, False])
def test_where_nothing_can_be_written_there_is_a_sentence(tmp_path, is_new):
    (tmp_path / "file").touch()
    said = r"Expected a folder to write to\. Received: .*file.*choose another"
    with pytest.raises(OSError, match=said), claimed(tmp_path / "file" / "deep", is_new=is_new):
        pass
    assert names(tmp_path) == ["file"]


def test_a_full_disk_leaves_no_lock(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(claims.os, "fsync", refuse)
    with pytest.raises(OSError, match=r"Received: .*No space left"), claimed(tmp_path):
        pass
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("asks", [check_unclaimed, lambda folder: claimed(folder).__enter__()])
def test_nobody_waits_for_a_pipe_in_place_of_the_lock(asks, tmp_path):
    os.mkfifo(tmp_path / LOCK_FILE)
    with pytest.raises(InputError, match=r"Expected a regular file\. Received: .*\.lock, which is none"):
        asks(tmp_path)
