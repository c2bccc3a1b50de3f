import pytest

from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.files import written_beside


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


def test_unknown_names_come_with_near_ones():
    error = unknown("loss", "minimx", ["minimax", "hinge"])
    assert isinstance(error, InputError)
    assert str(error) == "Unknown loss 'minimx'. Expected one of: hinge, minimax. Did you mean 'minimax'?"
    assert "Did you mean" not in str(unknown("loss", "zzz", ["minimax"]))
    assert "100 names" in str(unknown("loss", "zzz", [f"name{i}" for i in range(100)]))
