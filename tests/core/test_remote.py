"""Paths on remote storage, tried with TensorFlow's ram://."""

import hashlib
import json

import pytest
import tensorflow as tf

from keras_gan_zoo.core import remote_copies
from keras_gan_zoo.core.reading import Kind, exists, is_folder
from keras_gan_zoo.core.remote import RemoteError, RemotePath, is_remote, place
from keras_gan_zoo.core.remote_copies import MARK, fetch, local_copy, write_whole
from keras_gan_zoo.data import records
from keras_gan_zoo.errors import InputError
from tests.remote import bucket, killed


@pytest.fixture
def folder():
    """A folder of two files, with another one whose name begins with its own."""
    found = bucket() / "run"
    (found / "log.csv").write_bytes(b"epoch\n")
    (found / "samples" / "a.png").write_bytes(b"A")
    (found / "samples.png").write_bytes(b"last")
    return found


@pytest.mark.parametrize("path", ["gs://bucket/run", "s3://bucket/run", "hdfs://host:9000/run", "ram://bucket/run"])
def test_remote_paths_keep_both_slashes(path):
    assert is_remote(path)
    assert str(place(path)) == str(place(f"{path}/")) == str(place(place(path))) == path
    assert str(place(path) / "a.txt") == f"{path}/a.txt"


@pytest.mark.parametrize("path", ["runs/a", "/runs/a", "C:/runs", "https://x.org/a", "hf://me/a", "file:///a", None, 3])
def test_other_paths_are_not_remote(path):
    assert not is_remote(path)


def test_what_cannot_be_written_to_is_refused():
    with pytest.raises(InputError, match=r"such as gs://BUCKET/RUN\. Received: https://x\.org/a\?\.\.\.\. Choose"):
        place("https://x.org/a?token=SECRET")
    with pytest.raises(InputError, match=r"TensorFlow knows: .*gs://.* Received: no://bucket/a\. Check the path"):
        exists("no://bucket/a")


def test_files(folder):
    assert list(folder.files()) == ["log.csv", "samples/a.png", "samples.png"]
    assert [path.name for path in folder.iterdir()] == ["log.csv", "samples", "samples.png"]
    assert (exists(folder), is_folder(folder), is_folder(folder / "log.csv")) == (True, True, False)
    assert ((folder / "log.csv").is_file(), (folder / "samples").is_file()) == (True, False)
    assert list((folder / "none").iterdir()) == []
    assert not exists(folder / "none")
    folder.rmtree()
    assert not exists(folder)


def test_files_are_replaced_as_a_whole(folder, tmp_path):
    path = folder / "log.csv"
    path.write_bytes(b"new")
    assert path.read_bytes() == b"new"  # ram:// by itself would append
    (tmp_path / "longer.csv").write_bytes(b"longer")
    path.upload(tmp_path / "longer.csv")
    assert path.read_text() == "longer"
    for at in range(3):  # the folder, the content, the name
        with killed(at):
            path.write_bytes(b"unfinished")
        assert path.read_bytes() == b"longer"
    path.unlink()
    path.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match=r"log\.csv"):
        path.unlink()


def test_a_marker_says_what_was_written(folder):
    path = folder / "gan.keras"
    write_whole(path, b"model")
    facts = json.loads((folder / f"gan.keras{MARK}").read_bytes())
    assert facts == {"bytes": 5, "sha256": hashlib.sha256(b"model").hexdigest()}
    assert remote_copies.agrees(path, b"model")
    assert not remote_copies.agrees(path, b"Model")
    (folder / f"gan.keras{MARK}").write_bytes(b"{")
    assert not remote_copies.agrees(path, b"model")


def test_of_a_run_only_what_is_whole_is_fetched(folder, tmp_path):
    for step in range(3):
        write_whole(folder / "snapshots" / f"step_{step}.snapshot", b"%d" % step)
    (folder / "snapshots" / "step_2.snapshot").write_bytes(b"other")
    (folder / "snapshots" / "step_3.snapshot").write_bytes(b"3")  # without a marker
    (folder / "gan.keras").write_bytes(b"model")
    (folder / ".claim").write_bytes(b"{}")
    fetch(folder, tmp_path / "run", besides=("samples/*",))
    names = sorted(path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*.*"))
    assert names == ["log.csv", "samples.png", "snapshots/step_1.snapshot"]


def test_of_a_copied_run_without_markers_all_is_fetched(folder, tmp_path):
    (folder / "snapshots" / "step_3.snapshot").write_bytes(b"3")
    (folder / "gan.keras").write_bytes(b"model")
    fetch(folder, tmp_path / "run")
    assert (tmp_path / "run" / "snapshots" / "step_3.snapshot").read_bytes() == b"3"
    assert (tmp_path / "run" / "gan.keras").read_bytes() == b"model"


def test_local_copies(folder, tmp_path):
    with local_copy(tmp_path / "a") as path:
        assert path == tmp_path / "a"
    with local_copy(str(folder)) as path:
        assert path.name == "run"
        assert (path / "samples" / "a.png").read_bytes() == b"A"
    assert not path.exists()
    with local_copy(folder / "samples.png") as path:
        assert (path.name, path.read_bytes()) == ("samples.png", b"last")
    with pytest.raises(InputError, match=rf"^Expected x\. Received: {folder}/log\.csv\.$"), local_copy(folder) as path:
        raise InputError(f"Expected x. Received: {path / 'log.csv'}.")
    with pytest.raises(InputError, match=rf"a file or a folder at {folder}/none\. Received: none"):
        local_copy(folder / "none").__enter__()


def test_names_that_lead_out_of_a_folder_are_refused(folder, monkeypatch):
    monkeypatch.setattr(tf.io.gfile, "listdir", lambda _: ["a", "../"])
    with pytest.raises(InputError, match=rf"Received: {folder} with"):
        folder.files()


def test_storage_that_does_not_answer_is_neither_empty_nor_damaged(folder, monkeypatch):
    """`listdir` and `isdir` find nothing where nothing answers."""

    def unavailable(*_, **__):
        raise tf.errors.UnavailableError(None, None, "no answer")

    for name in ("exists", "stat", "copy", "GFile", "makedirs"):
        monkeypatch.setattr(tf.io.gfile, name, unavailable)
    monkeypatch.setattr(tf.io.gfile, "isdir", lambda _: False)
    monkeypatch.setattr(tf.io.gfile, "listdir", lambda path: unavailable() if path is None else _not_found(path))
    kind = Kind("log", "a log", "Restore it.")
    asked = [
        lambda: list(folder.iterdir()),
        folder.is_dir,
        lambda: kind.content(folder / "log.csv"),
        lambda: (folder / "log.csv").write_bytes(b""),
        lambda: local_copy(folder).__enter__(),
    ]
    for ask in asked:
        with pytest.raises(
            RemoteError, match=rf"written\. Received: {folder}.*: no answer\. Check the path, your cred"
        ):
            ask()


def _not_found(path):
    raise tf.errors.NotFoundError(None, None, path)


def test_a_remote_path_is_no_path_for_local_files():
    with pytest.raises(TypeError):
        open(RemotePath("gs://bucket/run"))  # noqa: SIM115


def test_records_are_read_in_place(folder):
    path = str(folder / "set.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for record in (b"a", b"bc", b"def"):
            writer.write(record)
    assert list(records._records(path, 1, 2, -1)) == [b"bc", b"def"]
