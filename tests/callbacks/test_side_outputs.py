"""What a `fit` can do without warns and is left out; any other error ends it, but only after a snapshot."""

import csv
import errno
import warnings
from contextlib import contextmanager

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan_zoo import pictures
from keras_gan_zoo.callbacks import (
    CollapseAlarm,
    Log,
    Progress,
    SamplePictures,
    Snapshots,
    Stopping,
    TensorBoard,
    TimeLeft,
)
from keras_gan_zoo.core import files
from keras_gan_zoo.state.snapshot import SnapshotFolder
from tests.games import DEFAULT, STEPS, VECTORS, game, state, train
from tests.helpers import assert_same_bits


@pytest.fixture(scope="module")
def gan():
    gan = game()
    gan.beginning = state(gan)
    return gan


@pytest.fixture(autouse=True)
def as_built(request):
    if "gan" in request.fixturenames:
        put(request.getfixturevalue("gan"))


def put(gan):
    optimizers = [*gan.generator_optimizer.variables, *gan.discriminator_optimizer.variables]
    for variable, value in zip([*gan.weights, *optimizers], gan.beginning, strict=True):
        variable.assign(value)


@contextmanager
def said():
    """The warnings in the block."""
    caught = []
    with warnings.catch_warnings(record=True) as everything:
        warnings.simplefilter("always", UserWarning)
        yield caught
    caught += [warning for warning in everything if warning.category is UserWarning]


def check_warns_once(gan, folder, callback, match, epochs=3, **arguments):
    """The run ends as it would without the callback, after one warning."""
    with said() as caught:
        train(gan, callback, Snapshots(folder / "snapshots"), epochs=epochs, **arguments)
    [warning] = caught
    assert match in str(warning.message)
    assert warning.filename.endswith("games.py")  # where `fit` is called
    assert SnapshotFolder(folder / "snapshots").steps()[0] == gan.steps_done == epochs * STEPS


def fail(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def a_file(path):
    path.write_text("in the way")
    return path


def a_folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "place", "callback"),
    [
        (a_folder, "log.csv", Log),
        (a_folder, "log.csv", keras.callbacks.CSVLogger),
        (a_file, "samples", SamplePictures),
        (a_file, "logs", lambda path: keras.callbacks.TensorBoard(path / "tensorboard")),
        (a_file, "logs", lambda path: TensorBoard(path / "tensorboard")),
    ],
    ids=["log", "Keras' log", "pictures", "Keras' TensorBoard", "TensorBoard"],
)
def test_something_stands_in_the_way(gan, tmp_path, make, place, callback):
    path = make(tmp_path / place)
    check_warns_once(gan, tmp_path, callback(path), f"Training goes on without {path}")


@pytest.mark.parametrize("kind", [Log, SamplePictures])
def test_a_disk_that_is_full_for_a_while(gan, tmp_path, monkeypatch, kind):
    path, flush, writer = tmp_path / "log.csv", files._flush_to_disk, Log._writer

    def in_between(name, then, *given):
        if STEPS < gan.steps_done <= 2 * STEPS and "snapshot" not in name:
            fail()
        return then(*given)

    monkeypatch.setattr(files, "_flush_to_disk", lambda file: in_between(file.name, flush, file))
    monkeypatch.setattr(Log, "_writer", lambda *given: in_between("log", writer, *given))
    check_warns_once(gan, tmp_path, kind(path), f"without {path}: [Errno {errno.ENOSPC}] No space left on device")
    if kind is Log:
        assert [row["epoch"] for row in rows_of(path)] == ["0", "1", "2"]
    else:
        assert {file.name for file in path.iterdir()} == {"epoch_0001.png", "epoch_0003.png", "history.gif"}


@pytest.mark.parametrize("callback", [Progress(), TimeLeft(), None], ids=["ours", "time left", "Keras' bar"])
def test_nobody_reads_the_progress(tmp_path, monkeypatch, callback):
    def broken(*_, **__):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    gan = game(execution=DEFAULT)
    monkeypatch.setattr("builtins.print", broken)
    monkeypatch.setattr("keras.src.utils.io_utils.print_msg", broken)
    watchers = keras.callbacks.Callback() if callback is None else callback
    check_warns_once(gan, tmp_path, watchers, "without ", epochs=20, verbose=2 if callback is None else 0)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------------------- files of an earlier part


@pytest.mark.parametrize("damage", ["empty", "truncated", "no picture"])
def test_a_damaged_picture_is_left_out_of_the_history(gan, tmp_path, damage):
    watchers = [SamplePictures(tmp_path / "samples"), Snapshots(tmp_path / "snapshots")]
    train(gan, *watchers, epochs=2)
    path = tmp_path / "samples" / "epoch_0001.png"
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": whole[: len(whole) // 2], "no picture": b"GIF89a?"}[damage])
    with pytest.warns(UserWarning, match=rf"Left out of .*history\.gif, because they are damaged: {path}"):
        train(gan, *watchers, epochs=3)
    with Image.open(tmp_path / "samples" / "history.gif") as history:
        assert history.n_frames == 2
    assert pictures.save_history([path], tmp_path / "none.gif") != []
    assert not (tmp_path / "none.gif").exists()


class Criterion:
    """The best epoch is the second."""

    def __call__(self, gan):
        return abs(gan.steps_done - 2 * STEPS)


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_best_model_that_is_lost_is_said_to_be(gan, tmp_path, damage):
    watchers = [Stopping(Criterion()), Snapshots(tmp_path)]
    train(gan, *watchers, epochs=2)
    best = tmp_path / "best.snapshot"
    if damage == "missing":
        best.unlink()
    else:
        best.write_bytes(best.read_bytes()[:-1])
    with pytest.warns(
        UserWarning, match=f"The model stays that of the last epoch, because the best one is lost: .*{best}"
    ):
        train(gan, Stopping(Criterion()), watchers[1], epochs=4)
    assert gan.steps_done == 4 * STEPS == SnapshotFolder(tmp_path).steps()[0]


def test_a_best_model_that_cannot_be_written_is_given_back_from_memory(gan, tmp_path, monkeypatch):
    flush = files._flush_to_disk
    monkeypatch.setattr(files, "_flush_to_disk", lambda path: fail() if ".best" in path.name else flush(path))
    with pytest.warns(UserWarning, match="the best epoch in memory only: .*No space left"):
        train(gan, Stopping(Criterion()), Snapshots(tmp_path), epochs=4)
    assert gan.steps_done == 2 * STEPS
    assert not (tmp_path / "best.snapshot").exists()


DAMAGES = {
    "gone": None,
    "empty": lambda text: b"",
    "no row": lambda text: text[:20],
    "half of a row": lambda text: text[:-9],
    "other columns": lambda text: text.replace(b"epoch", b"apoch"),
    "no text": lambda text: text[:30] + b"\xff\x00" + text[30:],
    "no number": lambda text: text.replace(b"\n1,", b"\none,"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_log_loses_no_row_that_the_snapshot_has(gan, tmp_path, damage):
    path = tmp_path / "log.csv"
    train(gan, Log(path), epochs=4)
    straight = path.read_bytes()
    path.unlink()
    put(gan)
    train(gan, Log(path), Snapshots(tmp_path / "snapshots"), epochs=3)
    before = path.read_bytes()
    assert straight.startswith(before)
    path.unlink()
    if DAMAGES[damage]:
        path.write_bytes(DAMAGES[damage](before))
    is_unreadable = damage in ("other columns", "no text", "no number")
    with said() as caught:
        train(gan, Log(path), Snapshots(tmp_path / "snapshots"), epochs=4)
    assert path.read_bytes() == straight
    assert [str(path) in str(warning.message) for warning in caught] == [True] * is_unreadable
    assert (tmp_path / "log.damaged.csv").exists() == is_unreadable


# -------------------------------------------------------------------------------------------------------- other errors


class PulledError(Exception):
    pass


class Pull(keras.callbacks.Callback):
    """Fails in one of its methods, once so many steps are done."""

    def __init__(self, method, step):
        super().__init__()
        self.step = step
        setattr(self, method, self._pull)

    def _pull(self, *_, **__):
        if self.model.steps_done >= self.step:
            raise PulledError


def watchers(folder):
    # The alarm and the criterion count epochs, and what they have counted must not be counted again.
    alarm = CollapseAlarm(n=8, start_from_step=0, threshold=1e-9)
    return [alarm, Stopping("val_d_loss", patience=2), Log(folder / "log.csv"), Snapshots(folder / "snapshots")]


@pytest.fixture(scope="module")
def straight(gan, tmp_path_factory):
    put(gan)
    folder = tmp_path_factory.mktemp("straight")
    history = train(gan, *watchers(folder), validation_data=VECTORS[:16]).history
    return history, state(gan), (folder / "log.csv").read_bytes()


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize(
    ("method", "step", "saved"),
    [
        ("on_train_batch_begin", 11, 11),
        ("on_train_batch_end", 11, 11),
        ("on_train_batch_end", 2 * STEPS, 2 * STEPS),
        ("on_test_begin", 9, 2 * STEPS),
        ("on_test_batch_end", 9, 2 * STEPS),
        ("on_test_end", 9, 2 * STEPS),
        ("on_epoch_end", 9, 2 * STEPS),
        ("on_epoch_begin", 9, 2 * STEPS),
        ("on_train_end", 1, None),
    ],
)
def test_an_error_costs_no_step(gan, straight, tmp_path, method, step, saved, is_last):
    *others, snapshots = watchers(tmp_path)
    pull = Pull(method, step)
    callbacks = [*others, pull, snapshots] if is_last else [pull, *others, snapshots]
    with pytest.raises(PulledError) as caught:
        train(gan, *callbacks, validation_data=VECTORS[:16])
    folder = SnapshotFolder(tmp_path / "snapshots")
    saved = saved or gan.steps_done  # at the end, the best epoch may have been given back
    assert folder.steps()[0] == saved == gan.steps_done
    how = f"The snapshot of step {saved} is in {folder.path}. Call the same fit to resume."
    assert caught.value.__notes__ == [how]
    put(gan)
    history = train(gan, *watchers(tmp_path), validation_data=VECTORS[:16]).history
    assert history == straight[0]
    assert_same_bits(state(gan), straight[1])
    assert (tmp_path / "log.csv").read_bytes() == straight[2]


def test_an_error_before_the_first_step_leaves_nothing(gan, tmp_path):
    with pytest.raises(PulledError):
        train(gan, Pull("on_train_batch_begin", 0), Snapshots(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_failed_is_not_saved(gan, tmp_path):
    """It may have changed one player and not yet the other."""

    def examples():
        yield from np.split(VECTORS, 8)[:5]
        raise PulledError

    data = tf.data.Dataset.from_generator(examples, output_signature=tf.TensorSpec((8, 2)))
    with pytest.raises(Exception, match="PulledError") as caught:
        train(gan, Snapshots(tmp_path, every_steps=2), data=data)
    assert SnapshotFolder(tmp_path).steps() == [4, 2]
    assert "The snapshot of step 4 is in" in caught.value.__notes__[0]


def test_a_snapshot_that_fails_too_does_not_hide_the_error(gan, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_flush_to_disk", lambda path: fail() if ".step_" in path.name else None)
    with pytest.raises(PulledError) as caught:
        train(gan, Pull("on_train_batch_end", 3), Snapshots(tmp_path))
    assert "No snapshot of step 3 could be written: Expected to write a snapshot to" in caught.value.__notes__[0]
