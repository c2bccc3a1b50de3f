"""Snapshots on remote storage: each is there as a whole, or not at all, whenever its writer is killed."""

import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo.core.remote import RemoteError
from keras_gan_zoo.core.remote_copies import MARK
from keras_gan_zoo.state.remote_snapshots import RemoteSnapshotFolder, snapshots_in
from keras_gan_zoo.state.snapshot import DamagedSnapshotError, Snapshot, SnapshotFolder
from tests.remote import bucket, killed


def snapshot(step: int) -> Snapshot:
    return Snapshot({"step": np.array(step)}, seed=0)


def names(folder) -> list[str]:
    return [path.name for path in folder.path.iterdir()]


@pytest.fixture
def folder():
    return snapshots_in(str(bucket() / "snapshots"))


def test_the_place_decides(folder, tmp_path):
    assert isinstance(folder, RemoteSnapshotFolder)
    assert type(snapshots_in(tmp_path)) is SnapshotFolder


def test_the_last_two_are_kept_with_their_markers(folder):
    assert folder.newest() is None
    for step in (3, 12, 100):
        folder.write(snapshot(step))
    kept = ["step_0000000012.snapshot", "step_0000000100.snapshot"]
    assert names(folder) == sorted([*kept, *(name + MARK for name in kept)])
    assert folder.steps() == [100, 12]
    assert folder.newest().step == 100
    folder.write(snapshot(50))  # training went back
    assert folder.steps() == [50, 12]


@pytest.mark.parametrize("before", [0, 3])
def test_killed_in_any_operation_the_newest_is_whole(before):
    at = -1
    is_killed = True
    while is_killed:
        at += 1
        folder = snapshots_in(bucket() / "snapshots")
        for step in range(before):
            folder.write(snapshot(step))
        with killed(at) as storage:
            folder.write(snapshot(before))
        is_killed = storage.is_done
        newest = snapshots_in(folder.path).newest()
        expected = [before - 1, before] if is_killed else [before]
        assert (-1 if newest is None else newest.step) in expected, storage.seen
        folder.prepare()
        folder.write(snapshot(before))
        folder.write(snapshot(before + 1))
        assert folder.steps() == [before + 1, before]
        assert len(names(folder)) == 4, names(folder)
    assert at > 5


def test_without_or_against_its_marker_none_is_taken(folder):
    for step in (1, 2, 3):
        folder.write(snapshot(step))
    _, last = folder.files()[::-1]
    last.with_name(last.name + MARK).unlink()
    assert folder.newest().step == 2
    folder.write(snapshot(3))
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.warns(
        UserWarning, match=r"step_0000000003\.snapshot, which is not what its marker says.*step_00000000"
    ):
        assert folder.newest().step == 2
    folder.files()[1].write_bytes(b"")
    with pytest.raises(DamagedSnapshotError, match="No other snapshot in ram://"):
        folder.newest()


def test_copied_by_other_means_they_have_no_markers(folder):
    for step in (1, 2):
        snapshot(step).write(folder.path / f"step_{step:010d}.snapshot")
    (folder.path / "step_0000000003.snapshot").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="0003"):
        assert folder.newest().step == 2
    folder.prepare()
    assert folder.steps() == [2, 1]  # from now on, they have
    folder.write(snapshot(4))
    assert folder.steps() == [4, 2]
    assert len(names(folder)) == 4


def test_storage_that_does_not_answer_is_no_damage(folder, monkeypatch):
    for step in (1, 2):
        folder.write(snapshot(step))

    def unavailable(*_, **__):
        raise tf.errors.UnavailableError(None, None, "no answer")

    monkeypatch.setattr(tf.io.gfile, "GFile", unavailable)
    with pytest.raises(RemoteError, match="no answer"):
        folder.newest()
    wanted = r"snapshot to ram://.*0003\.snapshot\. Received: no answer\. The last whole one is step_0000000002\.snap"
    with pytest.raises(OSError, match=wanted):
        folder.write(snapshot(3))
    monkeypatch.setattr(tf.io.gfile, "listdir", unavailable)
    with pytest.raises(OSError, match=r"Received: no answer\. Earlier ones are untouched\. Free some space"):
        folder.write(snapshot(3))
