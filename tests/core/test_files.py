import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from keras_gan_zoo.core import claims, files
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.errors import InputError, unknown
from tests.kills import killed


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "a.txt"
    with written_beside(path) as beside:
        beside.write_text("new")
        assert not path.exists()
        assert beside.suffix == ".txt"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), written_beside(path) as beside:
        beside.write_text({}["half"])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file_that_the_user_named(tmp_path):
    path = tmp_path / "none" / "a.txt"
    with pytest.raises(FileNotFoundError, match=f"No such file or directory: '{path}'"), written_beside(path) as beside:
        beside.write_text("new")


def test_unknown_names_come_with_near_ones():
    error = unknown("loss", "minimx", ["minimax", "hinge"])
    assert isinstance(error, InputError)
    assert str(error) == "Unknown loss 'minimx'. Expected one of: hinge, minimax. Did you mean 'minimax'?"
    assert "Did you mean" not in str(unknown("loss", "zzz", ["minimax"]))
    assert "100 names" in str(unknown("loss", "zzz", [f"name{i}" for i in range(100)]))


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "words"
    for word in ("first", "second"):
        with files.folder_written_beside(path) as beside:
            (beside / "deep").mkdir(parents=True)
            (beside / "deep" / "word.txt").write_text(word)
            assert path.exists() == (word == "second")
        assert (path / "deep" / "word.txt").read_text() == word
    with pytest.raises(KeyError), files.folder_written_beside(path) as beside:
        beside.with_name({beside.mkdir(): "made"}["half"])
    assert (path / "deep" / "word.txt").read_text() == "second"
    assert [part.name for part in tmp_path.iterdir()] == ["words"]


def test_a_folder_that_cannot_be_renamed_leaves_the_earlier_one(tmp_path, monkeypatch):
    path = tmp_path / "words"
    path.mkdir()
    (path / "word.txt").write_text("first")
    rename = os.replace

    def refuses_what_is_new(source, target):
        if "unfinished" in str(source):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(files, "_exchange", lambda first, second: False)
    monkeypatch.setattr(files.os, "replace", refuses_what_is_new)
    with pytest.raises(OSError, match="no"), files.folder_written_beside(path) as beside:
        beside.mkdir()
    assert (path / "word.txt").read_text() == "first"
    assert [part.name for part in tmp_path.iterdir()] == ["words"]


def ended(mark="999999999-1"):
    """The middle of a temporary name of a process of this machine that has ended."""
    return f"{mark}-{files._digest(socket.gethostname())}-00c0ffee"


def test_what_killed_processes_left_is_removed_by_the_next_writer_and_nothing_else(tmp_path):
    leftovers = [f".b.png.{ended()}.unfinished.png", f".c.{ended()}.unfinished", f".d.{ended()}.replaced"]
    (tmp_path / leftovers[0]).touch()
    for name, place in ((leftovers[1], "c"), (leftovers[2], "d")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        (tmp_path / place).mkdir()
    others = [
        files._temporary(tmp_path / "of another thread.png", "unfinished", ".png").name,
        f".of another process.{os.getppid()}-{claims._start_of(os.getppid())}-{ended()[-17:]}.unfinished.png",
        ".of another machine.1-1-0123abcd-00c0ffee.unfinished.png",
        ".mine.unfinished.png",
    ]
    for name in others:
        (tmp_path / name).touch()
    with written_beside(tmp_path / "a.txt") as beside:
        beside.touch()
    assert {path.name for path in tmp_path.iterdir()} == {*others, "a.txt", "c", "d"}


def test_a_temporary_name_tells_its_process(tmp_path):
    number = int(
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, sys; from keras_gan_zoo.core import files\n"
                f"with files.written_beside({str(tmp_path / 'a.txt')!r}) as beside:\n"
                "    beside.touch(); print(os.getpid(), flush=True); os._exit(0)",
            ],
            capture_output=True,
            check=True,
        ).stdout
    )
    [leftover] = tmp_path.iterdir()
    assert f".{number}-" in leftover.name
    files.remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_that_is_replaced_is_never_lost(tmp_path, monkeypatch, exchanges):
    """Killed at each operation; where it was moved aside, the next writer puts it back."""
    if not exchanges:
        monkeypatch.setattr(files, "_exchange", lambda first, second: False)
    path, kept = tmp_path / "words", []
    for n in range(100):
        shutil.rmtree(tmp_path)
        path.mkdir(parents=True)
        (path / "word.txt").write_text("first")
        with killed(tmp_path, n) as kill, files.folder_written_beside(path) as beside:
            beside.mkdir()
            (beside / "word.txt").write_text("second")
        if not kill.is_done:
            break
        kept.append(path.exists())
        files.remove_leftovers(tmp_path)
        assert (path / "word.txt").read_text() in ("first", "second")
        assert [part.name for part in tmp_path.iterdir()] == ["words"]
    assert n > 5
    assert all(kept) == exchanges


@pytest.mark.parametrize("kind", ["a link", "a link to nothing", "a pipe", "a device", "a folder"])
def test_only_files_are_replaced(tmp_path, kind):
    path = tmp_path / "out.png"
    (tmp_path / "target").write_text("precious")
    match kind:
        case "a link":
            path.symlink_to("target")
        case "a link to nothing":
            path.symlink_to("nowhere")
        case "a pipe":
            os.mkfifo(path)
        case "a device":
            path = Path(os.devnull)
        case "a folder":
            path.mkdir()
    before = path.lstat()
    for write in (written_beside, files.check_place):
        with pytest.raises(
            InputError, match=rf"Expected the path of a file. Received: {path}, which is a .*{kind[2:6]}"
        ):
            write(path).__enter__()
    assert path.lstat() == before
    assert (tmp_path / "target").read_text() == "precious"


def test_a_link_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(InputError, match=r"Expected the path of a folder\. Received: .*link, which is a link"):
        files.folder_written_beside(tmp_path / "link").__enter__()
    assert (tmp_path / "link").is_symlink()
