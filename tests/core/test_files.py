import os

import pytest

from keras_gan_zoo.core import files
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.errors import InputError, unknown


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

    monkeypatch.setattr(files.os, "replace", refuses_what_is_new)
    with pytest.raises(OSError, match="no"), files.folder_written_beside(path) as beside:
        beside.mkdir()
    assert (path / "word.txt").read_text() == "first"
    assert [part.name for part in tmp_path.iterdir()] == ["words"]
