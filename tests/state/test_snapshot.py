"""A snapshot file gives everything back or is refused; a folder of them always holds a whole one."""

import errno
import os
import signal

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import Journal, Snapshots, Stopping
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.snapshot import DamagedSnapshotError, Snapshot, SnapshotFolder
from tests.helpers import assert_same_bits, contents
from tests.snapshots import DAMAGES, damage, fill, small, values_of, variables_of

DATA = {"examples": 40, "checksum": 7}


def taken(gan, **facts) -> Snapshot:
    return Snapshot.capture(gan, run=identity.describe_run(gan, DATA), **facts)


# ------------------------------------------------------------------------------------------------------------- one file

OPTIMIZERS = {
    "adam and momentum": lambda: (keras.optimizers.Adam(amsgrad=True), keras.optimizers.SGD(0.1, momentum=0.5)),
    "rmsprop and ftrl": lambda: (keras.optimizers.RMSprop(centered=True), keras.optimizers.Ftrl()),
    "schedules": lambda: (
        keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10)),
    ),
    "loss scales": lambda: tuple(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()) for _ in range(2)),
}
KINDS = [("float32", name) for name in OPTIMIZERS]
KINDS += [(policy, "adam and momentum") for policy in ("mixed_float16", "mixed_bfloat16", "bfloat16")]


@pytest.fixture(params=KINDS, ids=" ".join)
def build(request):
    policy, optimizers = request.param
    return lambda: small(policy, OPTIMIZERS[optimizers]())


def test_every_variable_comes_back_bit_for_bit(build, tmp_path):
    gan, other = build(), build()
    fill(gan, 1)
    fill(other, 2)
    taken(gan).write(tmp_path / "a.snapshot")
    Snapshot.read(tmp_path / "a.snapshot").restore(other)
    assert_same_bits(values_of(gan), values_of(other))


def test_a_file_becomes_a_model_with_its_optimizers(build, tmp_path):
    gan = build()
    fill(gan, 1)
    taken(gan).write(tmp_path / "a.snapshot")
    for again in (Snapshot.read(tmp_path / "a.snapshot").model(), kgz.load(tmp_path / "a.snapshot")):
        assert type(again) is type(gan)
        assert_same_bits(values_of(gan), values_of(again))
        for name in ("generator_optimizer", "discriminator_optimizer"):
            first, second = (keras.saving.serialize_keras_object(getattr(model, name)) for model in (gan, again))
            assert first == second


def test_what_is_tested_here_has_every_kind_of_variable():
    gan = small(optimizers=OPTIMIZERS["loss scales"]())
    paths = [variable.path for variable in variables_of(gan)]
    for kind in ("seed_generator_state", "moving_variance", "momentum", "velocity", "dynamic_scale", "iteration"):
        assert any(kind in path for path in paths), kind
    assert len(gan.ema_generator.variables) == len(gan.generator.variables)


def test_facts_come_back(tmp_path):
    gan = small(seed=None)
    facts = {"epoch": 3, "batch": 2, "callbacks": {"Stopping": {"value": 0.1}}, "is_stopped": True}
    history = ({"epoch": 0, "d_loss": 1.1, "g_loss": float("inf")}, {"epoch": 1, "d_loss": 1 / 3, "g_loss": 0.7})
    gan.step.assign(2**40)
    taken(gan, history=history, **facts).write(tmp_path / "a.snapshot")
    again = Snapshot.read(tmp_path / "a.snapshot")
    assert (again.step, again.seed, again.history) == (2**40, gan.seed, history)
    assert {name: getattr(again, name) for name in facts} == facts
    assert again.model().seed == gan.seed
    assert again.run["data"] == DATA


def test_running_means_of_the_epoch_come_back(tmp_path):
    gan, other = small(), small()
    fill(other, 2)
    before = values_of(other)
    for tracker, losses in zip(gan.metrics, ([1.0, 2.0], [4.0]), strict=True):
        for loss in losses:
            tracker.update_state(loss)
    taken(gan).write(tmp_path / "a.snapshot")
    Snapshot.read(tmp_path / "a.snapshot").restore_metrics(other)
    assert [float(tracker.result()) for tracker in other.metrics] == [1.5, 4.0]
    assert other.metrics[0].count == 2
    assert_same_bits(before, values_of(other))


def test_a_model_of_another_shape_is_refused_and_untouched():
    other = small(width=2)
    before = values_of(other)
    for snapshot in (taken(small()), taken(small(width=2, ema_decay=None)), taken(small("mixed_float16", width=2))):
        with pytest.raises(InputError, match="snapshot of this model"):
            snapshot.restore(other)
    assert_same_bits(before, values_of(other))


def test_the_best_model_that_is_kept_beside_snapshots_can_be_loaded(tmp_path):
    gan = small()
    stopping = Stopping(lambda model: 1.0)
    stopping.set_model(gan)
    stopping.folder = tmp_path
    stopping.on_epoch_end(0)
    assert_same_bits(values_of(gan), values_of(kgz.load(tmp_path / "best.snapshot")))


# -------------------------------------------------------------------------------------------------------- damaged files


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.snapshot"
    taken(small(), history=({"epoch": 0, "d_loss": 1.0},)).write(path)
    return path.read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_found(whole, tmp_path, damage):
    rng = np.random.default_rng(len(damage))
    path = tmp_path / "a.snapshot"
    for _ in range(60):
        damaged = DAMAGES[damage](whole, rng)
        if damaged == whole:  # zeros over zeros
            continue
        path.write_bytes(damaged)
        with pytest.raises(DamagedSnapshotError, match=r"a\.snapshot"):
            Snapshot.read(path)


def test_every_byte_before_the_arrays_counts(whole, tmp_path):
    for at in range(100):
        (tmp_path / "a.snapshot").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DamagedSnapshotError):
            Snapshot.read(tmp_path / "a.snapshot")


def test_a_snapshot_as_it_was_written_is_whole(whole, tmp_path):
    (tmp_path / "a.snapshot").write_bytes(whole)
    assert Snapshot.read(tmp_path / "a.snapshot").history == ({"epoch": 0, "d_loss": 1.0},)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "which is none"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "which is none"),
        (b"PK\x03\x04" + bytes(100), "which is none"),
        (b"keras_gan_zoo snapshot 2\n" + bytes(100), "one of another version"),
        (b"keras_gan_zoo snapshot 1\n", "truncated or changed"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    (tmp_path / "a.snapshot").write_bytes(content)
    for read in (Snapshot.read, kgz.load):
        with pytest.raises(DamagedSnapshotError, match=f"a.snapshot, .*{message}"):
            read(tmp_path / "a.snapshot")


# ----------------------------------------------------------------------------------------------------------- the folder


@pytest.fixture
def gan():
    return small()


@pytest.fixture
def two(gan, tmp_path):
    """A folder with the snapshots of steps 5 and 10."""
    folder = SnapshotFolder(tmp_path / "snapshots")
    folder.prepare()
    for step in (5, 10):
        gan.step.assign(step)
        folder.write(taken(gan))
    return folder


def test_only_the_newest_are_kept(gan, tmp_path):
    for keep in (1, 2, 3):
        folder = SnapshotFolder(tmp_path / str(keep), keep)
        folder.prepare()
        for step in (1, 9, 10, 99, 100, 2_000_000_000):
            gan.step.assign(step)
            path = folder.write(taken(gan))
            assert Snapshot.read(path).step == step
        assert [Snapshot.read(path).step for path in folder.files()] == [2_000_000_000, 100, 99][:keep]
        assert len(list(folder.path.iterdir())) == keep


def test_what_was_just_written_is_kept_even_before_a_later_step(two, gan):
    # As when training stops and the model of an earlier epoch is given back.
    gan.step.assign(3)
    path = two.write(taken(gan, is_stopped=True))
    assert path.exists()
    assert two.files() == [path]  # or a run that is resumed would take one of the steps that were given up


def test_the_newest_whole_one_is_taken(two):
    newest, before = two.files()
    assert two.newest().step == 10
    damage(newest)
    with pytest.warns(UserWarning, match=f"{newest.name}.*checksum.*the one before it, {before.name}"):
        assert two.newest().step == 5


def test_if_none_is_whole_nothing_is_changed(two):
    for path in two.files():
        damage(path)
    before = contents(two.path)
    with pytest.raises(DamagedSnapshotError, match=rf"{two.files()[0].name}.*No other snapshot in .* is intact"):
        two.newest()
    assert contents(two.path) == before


def test_no_file_is_no_snapshot(tmp_path):
    assert SnapshotFolder(tmp_path).newest() is None
    assert SnapshotFolder(tmp_path / "new").newest() is None


def test_unfinished_files_are_no_snapshots_and_are_removed(two):
    (two.path / ".step_0000000015.4711.unfinished.snapshot").write_bytes(b"half")
    (two.path / ".probe.4711.unfinished.snapshot").touch()
    (two.path / "notes.txt").write_text("mine")
    assert two.newest().step == 10
    before = {path: path.read_bytes() for path in [*two.files(), two.path / "notes.txt"]}
    two.prepare()
    assert {path: path.read_bytes() for path in two.path.iterdir()} == before


# ------------------------------------------------------------------------------------------------ what prevents writing


@pytest.fixture
def full_disk(monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.fixture
def files_of_a_few_bytes():
    """A limit of the system that cuts a file in the middle, as a full disk or a quota does."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("step", [10, 15])  # in place of an earlier file, and beside it
@pytest.mark.parametrize(
    ("failure", "reason"), [("full_disk", "No space left"), ("files_of_a_few_bytes", "File too large")]
)
def test_a_failed_write_leaves_the_earlier_ones_and_nothing_else(request, two, gan, failure, reason, step):
    before = contents(two.path)
    gan.step.assign(step)
    snapshot = taken(gan, epoch=1)
    request.getfixturevalue(failure)
    with pytest.raises(OSError, match=rf"step_00000000{step}.* Received: {reason}.*last whole one is step_0000000010"):
        two.write(snapshot)
    assert contents(two.path) == before


def test_a_failed_first_write_says_that_there_is_none(tmp_path, gan, full_disk):
    with pytest.raises(OSError, match=r"No space left.*There is no earlier one.*Free some space"):
        SnapshotFolder(tmp_path).write(taken(gan))
    assert not contents(tmp_path)


def test_a_full_disk_is_found_before_training(two, full_disk):
    before = contents(two.path)
    with pytest.raises(OSError, match="No space left"):
        two.prepare()
    assert contents(two.path) == before


@pytest.mark.parametrize("below", [".", "further", "further/down"])
def test_a_file_in_place_of_the_folder(tmp_path, gan, below):
    (tmp_path / "taken").write_text("mine")
    folder = SnapshotFolder(tmp_path / "taken" / below)
    for action in (folder.prepare, lambda: folder.write(taken(gan))):
        with pytest.raises(OSError, match=str(tmp_path / "taken")):
            action()
    assert contents(tmp_path) == {(tmp_path / "taken").relative_to(tmp_path): b"mine"}


# ----------------------------------------------------------------------------------------------------------- not finite


def snapshots_of(gan, folder) -> Snapshots:
    journal, snapshots = Journal(gan, DATA, []), Snapshots(folder)
    snapshots.begin(journal)
    for callback in (journal, snapshots):
        callback.set_model(gan)
    return snapshots


PLACES = {
    "discriminator's kernel": lambda gan: gan.discriminator.trainable_variables[0],
    "moving variance": lambda gan: next(v for v in gan.generator.variables if "moving_variance" in v.path),
    "average": lambda gan: gan.ema_generator.variables[0],
    "slot": lambda gan: next(v for v in gan.generator_optimizer.variables if "velocity" in v.path),
    "metric": lambda gan: gan.metrics[0].variables[0],
}


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("discriminator's kernel", "model"),
        ("moving variance", "model"),
        ("average", "model"),
        ("slot", "generator_optimizer"),
        ("metric", "metrics"),
    ],
)
def test_one_number_that_is_not_finite_is_never_written(gan, tmp_path, place, part, number):
    snapshots = snapshots_of(gan, tmp_path)
    snapshots.write()
    before = contents(tmp_path)
    assert before
    variable = PLACES[place](gan)
    values = np.array(variable)
    values.flat[-1] = number
    variable.assign(values)
    for step in (0, 1):  # of the same name, and of another
        gan.step.assign(step)
        with pytest.raises(NotFiniteError, match=rf"Step {step}.*NaN or infinity in {part}\."):
            snapshots.write()
    assert contents(tmp_path) == before


def test_not_finite_in_bfloat16_is_never_written(tmp_path):
    gan = small("bfloat16")
    snapshots = snapshots_of(gan, tmp_path)
    weight = gan.generator.trainable_variables[0]
    assert weight.dtype == "bfloat16"
    weight.assign(np.full(weight.shape, np.nan, np.float32))
    with pytest.raises(NotFiniteError, match="in model"):
        snapshots.write()
    assert not contents(tmp_path)
