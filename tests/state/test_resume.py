"""A `fit` that was interrupted goes on as if nothing had happened: every variable, every logged figure."""

import contextlib
import functools
import itertools
import os
import shutil
import signal
import threading
import warnings
import zipfile
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import training
from keras_gan_zoo.callbacks import NaNGuard, Snapshots, Stopping
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.state.snapshot import DamagedSnapshotError, Snapshot
from tests.equality import conditions_of, given
from tests.helpers import FEW_KINDS, assert_same_bits, contents, slow
from tests.snapshots import DAMAGES, damage, fill, put, small, values_of

STEPS = 5  # of an epoch: 40 images in batches of 8
IN_MID_EPOCH, AT_ITS_END = 7, 10
IMAGES = np.random.default_rng(0).uniform(-1, 1, (40, 8, 8, 1)).astype(np.float32)
HELD_OUT = IMAGES[:12] / 2


class UnpluggedError(RuntimeError):
    pass


class Interrupt(keras.callbacks.Callback):
    """Fails once so many steps are done and their snapshot is written: before the next step, or its epoch's end."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_begin(self, batch, logs=None):
        if step_of(self.model) >= self.step:
            raise UnpluggedError

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_begin(None)


def step_of(gan) -> int:
    return int(np.array(gan.step))  # under a strategy too


def fit(gan, folder, x=IMAGES, *y, callbacks=(), every_steps=1, epochs=3, **arguments) -> dict:
    """The history of a `fit`, with snapshots if there is a folder, of arrays in batches of 8."""
    snapshots = [] if folder is None else [Snapshots(folder, every_steps=every_steps)]
    if isinstance(x, np.ndarray):
        arguments = {"batch_size": 8, **arguments}
    return gan.fit(x, *y, epochs=epochs, callbacks=[*callbacks, *snapshots], verbose=0, **arguments).history


def interrupt(gan, folder, *data, step=IN_MID_EPOCH, callbacks=(), **arguments):
    with pytest.raises(UnpluggedError):
        fit(gan, folder, *data, callbacks=[*callbacks, Interrupt(step)], **arguments)


def check_goes_on(build, folder, *data, step=IN_MID_EPOCH, build_again=None, **arguments):
    """Trains straight, and once more interrupted and by another model of the same kind, and compares."""
    gan = build()
    beginning = values_of(gan)
    history = fit(gan, None, *data, **arguments)
    end = values_of(gan)
    put(gan, beginning)
    interrupt(gan, folder, *data, step=step, **arguments)
    again = (build_again or build)()
    assert fit(again, folder, *data, **arguments) == history
    assert_same_bits(values_of(again), end)


def plain(steps_per_execution=1, **arguments):
    gan = small(**arguments)
    gan.compile("adam", "adam", steps_per_execution=steps_per_execution)
    return gan


# -------------------------------------------------------------------------------------------------------- every variant


@pytest.mark.parametrize(("variant", "conditional"), FEW_KINDS)
def test_every_variant_goes_on_in_mid_epoch(tiny, labels, tmp_path, variant, conditional):
    def build():
        gan = tiny(variant, conditional, compiled=False)
        gan.compile(steps_per_execution=1)  # an execution of small models is an epoch here
        return gan

    kind = kgz.VARIANTS[variant]
    check_goes_on(build, tmp_path, *given(kind, IMAGES, conditions_of(kind, labels, conditional)))


# ----------------------------------------------------------------------------------------------------------- every step


def rich(steps_per_execution=1):
    """Dropout, averages, batch statistics, k = 2, two kinds of optimizers, each with a schedule, and validation."""
    schedules = keras.optimizers.schedules
    optimizers = (
        keras.optimizers.Adam(schedules.ExponentialDecay(1e-2, 3, 0.5)),
        keras.optimizers.SGD(schedules.PiecewiseConstantDecay([4, 9], [0.1, 0.05, 0.2]), momentum=0.5),
    )
    gan = small(discriminator_steps=2)
    gan.compile(*optimizers, steps_per_execution=steps_per_execution)
    return gan


fit_rich = functools.partial(fit, validation_data=(HELD_OUT,))


@pytest.fixture(scope="module")
def reused():
    """Gives a model as it was built without building it again: tracing takes longer here than training."""
    built = {}

    def build(kind, steps_per_execution=1):
        if (kind, steps_per_execution) not in built:
            gan = kind(steps_per_execution)
            built[kind, steps_per_execution] = gan, values_of(gan)
        gan, beginning = built[kind, steps_per_execution]
        put(gan, beginning)
        return gan

    return build


@pytest.fixture(scope="module")
def straight(reused):
    """History and values of an undisturbed run."""
    gan = reused(rich)
    return fit_rich(gan, None), values_of(gan)


@pytest.fixture(scope="module")
def undisturbed(reused):
    """History and values of a run of `plain`."""
    gan = reused(plain)
    return fit(gan, None), values_of(gan)


@pytest.mark.parametrize(
    ("steps_per_execution", "at"),
    [
        ([1], list(range(1, 16))),
        slow([3], [3, 5, 8, 10, 13, 15]),
        ([1, 3], [1, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15]),  # in turn
        slow([3, 1], [3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15]),
    ],
)
def test_interrupted_at_every_step(reused, straight, tmp_path, steps_per_execution, at):
    history, values = straight
    gans = [reused(rich, n) for n in steps_per_execution]
    for turn, (before, after) in enumerate(itertools.pairwise([0, *at])):
        gan = gans[turn % len(gans)]
        if turn > 0:
            fill(gan, seed=turn)  # or what it has from before would be right by chance
        interrupt(gan, tmp_path, step=before + 1, validation_data=(HELD_OUT,))
        assert int(gan.step) == after
    for gan in gans:
        fill(gan, seed=99)
        assert fit_rich(gan, tmp_path) == history
        assert_same_bits(values_of(gan), values)


def test_snapshots_change_no_bit(reused, straight, tmp_path):
    gan = reused(rich)
    assert (fit_rich(gan, tmp_path), len(contents(tmp_path))) == (straight[0], 2)
    assert_same_bits(values_of(gan), straight[1])


def test_a_fresh_model_goes_on_with_validation_and_schedules(reused, straight, tmp_path):
    interrupt(reused(rich), tmp_path, step=IN_MID_EPOCH, validation_data=(HELD_OUT,))
    gan = rich()
    assert fit_rich(gan, tmp_path) == straight[0]
    assert_same_bits(values_of(gan), straight[1])
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(1e-2 * 0.5 ** (15 / 3))
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(0.2)  # after 30 steps of its own


@pytest.mark.slow
def test_each_single_interruption(reused, straight, tmp_path):
    history, values = straight
    gan = reused(rich)
    snapshots = Snapshots(tmp_path / "all", every_steps=1)
    snapshots.folder.keep = 100
    fit_rich(gan, None, callbacks=[snapshots])
    files = snapshots.folder.files()
    assert len(files) == 3 * STEPS
    for path in files:
        folder = tmp_path / path.stem
        folder.mkdir()
        (folder / path.name).write_bytes(path.read_bytes())
        fill(gan, seed=int(path.stem[-2:]))
        assert fit_rich(gan, folder) == history
        assert_same_bits(values_of(gan), values)


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ({"every_minutes": 60}, [15]),
        ({}, [5, 10, 15]),
        ({"every_minutes": 3.5}, [4, 8, 12, 15]),
        ({"every_minutes": 3.5, "every_steps": 3}, [3, 6, 9, 12, 15]),
    ],
)
def test_when_snapshots_are_written(reused, tmp_path, monkeypatch, arguments, written):
    gan = reused(plain)
    steps, write = [], Snapshot.write
    clock = SimpleNamespace(monotonic=lambda: 61 * step_of(gan))  # a step takes a good minute
    monkeypatch.setattr("keras_gan_zoo.callbacks.snapshots.time", clock)
    monkeypatch.setattr(Snapshot, "write", lambda self, path: (steps.append(self.step), write(self, path)))
    fit(gan, None, callbacks=[Snapshots(tmp_path, **arguments)])
    assert list(dict.fromkeys(steps)) == written


# ------------------------------------------------------------------------------------------------------ sources of data


def batches():
    return tf.data.Dataset.from_tensor_slices(IMAGES).batch(8, drop_remainder=True)


def of_unknown_length():
    return batches().filter(lambda batch: True)


@pytest.mark.parametrize("steps_per_execution", [1, 3, 32])
@pytest.mark.parametrize("step", [IN_MID_EPOCH, AT_ITS_END])
def test_goes_on_with_tf_data(reused, tmp_path, steps_per_execution, step):
    check_goes_on(lambda: reused(plain, steps_per_execution), tmp_path, batches(), step=step)


def test_a_fresh_model_goes_on_with_tf_data_and_other_steps_per_execution(reused, tmp_path):
    check_goes_on(lambda: reused(plain), tmp_path, batches(), step=AT_ITS_END, build_again=lambda: plain(32))


@pytest.mark.parametrize("steps_per_execution", [1, 3])
@pytest.mark.parametrize("step", [IN_MID_EPOCH, AT_ITS_END])
def test_goes_on_with_tf_data_of_unknown_length(reused, tmp_path, steps_per_execution, step):
    check_goes_on(lambda: reused(plain, steps_per_execution), tmp_path, of_unknown_length(), step=step)


def test_the_end_of_data_is_no_step(reused):
    history = fit(reused(plain), None, batches(), epochs=2)
    gan = reused(plain)
    assert fit(gan, None, of_unknown_length(), epochs=2) == history
    assert step_of(gan) == 2 * STEPS


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras', and right: more steps were asked for
@pytest.mark.parametrize(("steps", "step"), [(5, 7), slow(5, 5), (3, 4), slow(2, 4)])
def test_goes_on_with_tf_data_that_end_after_some_epochs(reused, tmp_path, steps, step):
    """Of 5 batches: Keras begins them again when they have ended."""
    check_goes_on(lambda: reused(plain), tmp_path, batches(), step=step, steps_per_epoch=steps, epochs=4)


@pytest.mark.parametrize("step", [4, 6, 7])
def test_goes_on_with_endless_tf_data(reused, tmp_path, step):
    # Keras reads on in it from epoch to epoch.
    check_goes_on(lambda: reused(plain), tmp_path, batches().repeat(), step=step, steps_per_epoch=3)


def test_goes_on_with_fewer_steps_than_the_data_have(reused, tmp_path):
    check_goes_on(lambda: reused(plain), tmp_path, step=4, steps_per_epoch=3)


def test_goes_on_in_the_order_of_the_data(reused, tmp_path):
    check_goes_on(lambda: reused(plain), tmp_path, shuffle=False)


# ----------------------------------------------------------------------------------------------------- called once more


@pytest.fixture
def finished(reused, tmp_path):
    gan = reused(plain)
    return tmp_path, gan, fit(gan, tmp_path), values_of(gan)


def test_a_finished_fit_does_nothing(finished):
    folder, gan, history, values = finished
    before = contents(folder)
    assert fit(gan, folder) == history
    assert contents(folder) == before
    fresh = plain()
    assert fit(fresh, folder) == history
    for model in (gan, fresh):
        assert_same_bits(values_of(model), values)
    assert contents(folder).keys() == before.keys()


def test_more_epochs_go_on(reused, finished):
    folder, *_ = finished
    gan = reused(plain)
    history, values = fit(gan, None, epochs=5), values_of(gan)
    fresh = plain()
    assert fit(fresh, folder, epochs=5) == history
    assert_same_bits(values_of(fresh), values)


def test_fewer_epochs_than_are_done_do_nothing(reused, tmp_path):
    gan = reused(plain)
    interrupt(gan, tmp_path, step=12)
    before, values = contents(tmp_path), values_of(gan)
    fit(gan, tmp_path, epochs=2)
    assert contents(tmp_path) == before
    assert_same_bits(values_of(gan), values)
    gan.train_on_batch(IMAGES[:8])  # the interrupted epoch leaves nothing behind
    assert step_of(gan) == 13


def test_a_history_counts_all_epochs(reused, tmp_path):
    interrupt(reused(plain), tmp_path)
    history = reused(plain).fit(IMAGES, batch_size=8, epochs=3, callbacks=[Snapshots(tmp_path)], verbose=0)
    assert history.epoch == [0, 1, 2]


@pytest.mark.parametrize("every_steps", [None, 1])
def test_stopped_is_finished(reused, tmp_path, every_steps):
    def train(folder):
        gan = reused(plain)
        stopping = Stopping(lambda model: abs(step_of(model) - STEPS), patience=1)  # the first epoch is the best
        return fit(gan, folder, callbacks=[stopping], epochs=9, every_steps=every_steps), values_of(gan)

    history, values = train(None)
    assert len(history["d_loss"]) == 2
    for _ in range(3):
        same_history, same_values = train(tmp_path)
        assert same_history == history
        assert_same_bits(same_values, values)


# ---------------------------------------------------------------------------------------------------------------- seeds


def test_a_drawn_seed_is_taken_from_the_snapshot(tmp_path):
    check_goes_on(lambda: plain(seed=None), tmp_path)


@pytest.mark.slow
def test_a_drawn_seed_governs_a_model_that_has_trained_with_another(tmp_path):
    gan, trained = plain(seed=None), plain(seed=None)
    arguments = {"validation_data": (HELD_OUT,)}
    interrupt(gan, tmp_path / "first", **arguments)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    history = fit(gan, tmp_path / "first", **arguments)
    fit(trained, None, epochs=1, **arguments)
    assert fit(trained, tmp_path / "second", **arguments) == history
    assert_same_bits(values_of(trained), values_of(gan))


def test_a_folder_serves_one_fit_at_a_time(reused, tmp_path):
    gan, other = reused(plain), plain()

    class Meddler(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            before = contents(tmp_path)
            with pytest.raises(InputError, match=r"belongs to process \d+ \(this one\)"):
                fit(other, tmp_path)
            assert contents(tmp_path) == before

    fit(gan, tmp_path, epochs=1, callbacks=[Meddler()])
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".snapshot"] * 2
    fit(other, tmp_path, epochs=1)
    assert_same_bits(values_of(gan), values_of(other))


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.fixture(scope="module")
def interrupted(reused, tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupted")
    interrupt(reused(plain), folder)
    return folder


def other_optimizer(**arguments):
    gan = small()
    gan.compile("adam", keras.optimizers.SGD(0.1, **arguments), steps_per_execution=1)
    return gan


def other_rate():
    gan = small()
    gan.compile(keras.optimizers.Adam(3e-3), "adam", steps_per_execution=1)
    return gan


OTHERS = {
    "examples": (plain, {"x": IMAGES[::-1].copy()}, r"data\.checksum: \d+ in the run, now \d+"),
    "number of examples": (plain, {"x": IMAGES[:39]}, "data.examples: 40 in the run, now 39"),
    "batch size": (plain, {"batch_size": 4}, "data.batch_size: 8 in the run, now 4"),
    "order": (plain, {"shuffle": False}, "data.shuffle: true in the run, now false"),
    "steps of an epoch": (plain, {"steps_per_epoch": 3}, "steps_per_epoch"),
    "source": (plain, {"x": batches()}, "data"),
    "average": (lambda: plain(ema_decay=0.99), {}, r"model\.config\.ema_decay: 0.9 in the run, now 0.99"),
    "seed": (lambda: plain(seed=1), {}, r"model\.config\.seed: 0 in the run, now 1"),
    "drawn seed": (lambda: plain(seed=None), {}, r"model\.config\.seed: 0 in the run, now null"),
    "optimizer": (other_optimizer, {}, 'discriminator_optimizer.*: "Adam" in the run, now "SGD"'),
    "learning rate": (other_rate, {}, r"generator_optimizer\.config\.learning_rate: 0.001\d* in the run, now 0.003"),
    "architecture": (lambda: plain(width=2), {}, r"model\.config\.(generator|discriminator)"),
    "dropout": (lambda: plain(dropout=0.2), {}, r"model\.config\.discriminator.*rate: 0.3 in the run, now 0.2"),
    "loss": (lambda: plain(loss="minimax"), {}, r"model\.config\.loss.*\"NonSaturating\" in the run, now \"Minimax\""),
    "k": (lambda: plain(discriminator_steps=2), {}, r"model\.config\.discriminator_steps: 1 in the run, now 2"),
    "precision": (lambda: plain(policy="mixed_bfloat16"), {}, r"model\.config"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_run_is_refused_and_nothing_changed(interrupted, what):
    build, arguments, message = OTHERS[what]
    gan, before = build(), contents(interrupted)
    values = values_of(gan)
    with pytest.raises(InputError, match=rf"(?s)the run began with\. Received others:\n  .*{message}.*another folder"):
        fit(gan, interrupted, **arguments)
    assert contents(interrupted) == before
    assert_same_bits(values_of(gan), values)


def test_every_difference_is_listed(interrupted):
    with pytest.raises(InputError) as refusal:
        fit(plain(ema_decay=0.99, discriminator_steps=2), interrupted, IMAGES[:32], batch_size=4)
    for name in ("ema_decay", "discriminator_steps", "data.examples", "data.batch_size", "data.checksum"):
        assert f"{name}: " in str(refusal.value)


def test_resume_false_is_for_new_folders(reused, interrupted, tmp_path):
    before, gan = contents(interrupted), reused(plain)
    with pytest.raises(InputError, match=r"resume=False\. Received: .*Choose another folder"):
        fit(gan, None, callbacks=[Snapshots(interrupted, resume=False)])
    assert contents(interrupted) == before
    assert step_of(gan) == 0
    fit(gan, None, callbacks=[Snapshots(tmp_path / "new", resume=False)], epochs=1)
    assert len(contents(tmp_path / "new")) == 1


def test_if_no_snapshot_is_whole_nothing_is_changed(reused, tmp_path):
    gan = reused(plain)
    interrupt(gan, tmp_path)
    for path in tmp_path.iterdir():
        damage(path)
    before, values = contents(tmp_path), values_of(gan)
    with pytest.raises(DamagedSnapshotError, match="Nothing was changed"):
        fit(gan, tmp_path)
    assert contents(tmp_path) == before
    assert_same_bits(values_of(gan), values)


def test_goes_on_from_the_one_before_a_damaged_one(reused, undisturbed, tmp_path):
    interrupt(reused(plain), tmp_path)
    damage(max(tmp_path.iterdir()))
    gan = reused(plain)
    with pytest.warns(UserWarning, match="step_0000000007.*the one before it, step_0000000006"):
        assert fit(gan, tmp_path) == undisturbed[0]
    assert_same_bits(values_of(gan), undisturbed[1])


# -------------------------------------------------------------------------------------------------- signals and threads


class Send(keras.callbacks.Callback):
    """Sends this process signals when a step is done: at its end, or where else a callback is asked."""

    def __init__(self, numbers, step, hook="on_train_batch_end"):
        super().__init__()
        self.numbers, self.step = numbers, step
        setattr(self, hook, self._send)

    def _send(self, *_, **__):
        if int(self.model.step) == self.step:
            for number in self.numbers:
                os.kill(os.getpid(), number)


@pytest.fixture
def handlers():
    """Sets handlers that fail, should a signal get past `fit`; says whether they are in place."""

    def unexpected(number, frame):
        raise AssertionError(f"signal {number} outside of fit")

    before = {number: signal.signal(number, unexpected) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield lambda: all(signal.getsignal(number) is unexpected for number in before)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "raised", "code", "step", "hook"),
    [
        (signal.SIGINT, KeyboardInterrupt, None, 7, "on_train_batch_end"),
        (signal.SIGINT, KeyboardInterrupt, None, 15, "on_epoch_end"),
        (signal.SIGTERM, SystemExit, 143, 10, "on_train_batch_end"),
        (signal.SIGTERM, SystemExit, 143, 15, "on_epoch_end"),
        (signal.SIGHUP, SystemExit, 129, 7, "on_train_batch_end"),
    ],
)
def test_signals_leave_a_snapshot_of_that_step(
    reused, undisturbed, handlers, tmp_path, capfd, number, raised, code, step, hook
):
    with pytest.raises(raised) as left:
        fit(reused(plain), tmp_path, callbacks=[Send([number], step, hook)], every_steps=None)
    assert code is None or left.value.code == code
    assert [path.name for path in tmp_path.iterdir()] == [f"step_{step:010d}.snapshot"]
    assert "Finishing the step, then writing a snapshot" in capfd.readouterr().err
    assert handlers()
    gan = reused(plain)
    assert fit(gan, tmp_path) == undisturbed[0]
    assert_same_bits(values_of(gan), undisturbed[1])


@pytest.mark.parametrize(
    ("second", "raised", "code"),
    [(signal.SIGINT, KeyboardInterrupt, None), (signal.SIGTERM, SystemExit, 143), (signal.SIGHUP, SystemExit, 129)],
)
def test_a_second_signal_stops_at_once(reused, handlers, tmp_path, second, raised, code):
    with pytest.raises(raised) as left:
        fit(reused(plain), tmp_path, callbacks=[Send([signal.SIGTERM, second], 7)], every_steps=None)
    assert code is None or left.value.code == code
    assert not list(tmp_path.iterdir())
    assert handlers()


def test_a_signal_that_was_ignored_stays_ignored(reused, undisturbed, tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert fit(reused(plain), tmp_path, callbacks=[Send([signal.SIGHUP], 7)]) == undisturbed[0]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_is_noted_anew_by_the_next_fit(reused, undisturbed, handlers, tmp_path):
    snapshots = Snapshots(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(reused(plain), None, callbacks=[Send([signal.SIGINT], 7), snapshots])
    assert fit(reused(plain), None, callbacks=[snapshots]) == undisturbed[0]


def test_handlers_are_back_however_fit_ends(reused, handlers, tmp_path):
    interrupt(reused(plain), tmp_path)
    assert handlers()
    with pytest.raises(InputError):
        fit(reused(plain), tmp_path, batch_size=4)
    assert handlers()
    fit(reused(plain), tmp_path)
    assert handlers()


def test_fit_goes_on_in_another_thread(reused, undisturbed, handlers, tmp_path):
    def train(*callbacks):
        try:
            outcomes.append(fit(reused(plain), tmp_path, callbacks=callbacks))
        except UnpluggedError as error:
            outcomes.append(error)

    outcomes = []
    for callbacks in ([Interrupt(IN_MID_EPOCH)], []):
        thread = threading.Thread(target=train, args=callbacks)
        thread.start()
        thread.join()
    assert isinstance(outcomes[0], UnpluggedError)
    assert outcomes[1] == undisturbed[0]
    assert handlers()


# ----------------------------------------------------------------------------------------------------------- not finite


class Break(keras.callbacks.Callback):
    """Makes a weight NaN after a step, once."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step) == self.step:
            self.step = None
            weight = self.model.generator.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.nan))


def constant_rates(steps_per_execution=1):
    gan = small()
    optimizers = keras.optimizers.Adam(1e-2), keras.optimizers.SGD(0.1, momentum=0.5)
    gan.compile(*optimizers, steps_per_execution=steps_per_execution)
    return gan


def schedules():
    gan = small()
    rates = keras.optimizers.schedules.ExponentialDecay(1e-2, 5, 0.5), keras.optimizers.schedules.CosineDecay(0.1, 30)
    gan.compile(keras.optimizers.Adam(rates[0]), keras.optimizers.SGD(rates[1]), steps_per_execution=1)
    return gan


RATES = pytest.mark.parametrize(
    ("build", "rates"),
    [slow(constant_rates, (1e-2, 0.1)), (schedules, (1e-2 / 8, 0.1 / 2))],  # constants: in the next test as well
    ids=["constant", "schedules"],
)
RETRIES = pytest.mark.filterwarnings("ignore:Step .*Trying again")


@RATES
def test_goes_on_after_a_retry(build, rates, tmp_path):
    straight, again = build(), build()
    with pytest.warns(
        UserWarning, match=r"Step 6: .*weights of the generator\. .*back at step 5\. Trying again .* 0.5"
    ):
        history = fit(straight, tmp_path / "straight", callbacks=[Break(6), NaNGuard(retries=1)])
    with pytest.warns(UserWarning, match="Trying again"):
        interrupt(build(), tmp_path / "run", step=9, callbacks=[Break(6), NaNGuard(retries=1)])
    assert fit(again, tmp_path / "run", callbacks=[NaNGuard(retries=1)]) == history
    assert_same_bits(values_of(straight), values_of(again))
    halved = [float(getattr(again, f"{player}_optimizer").learning_rate) for player in ("generator", "discriminator")]
    assert halved == pytest.approx([rate / 2 for rate in rates])


@RETRIES
def test_retries_are_counted_over_interruptions(reused, tmp_path):
    interrupt(reused(constant_rates), tmp_path, step=9, callbacks=[Break(6), NaNGuard(retries=2)])
    interrupt(reused(constant_rates), tmp_path, step=12, callbacks=[Break(10), NaNGuard(retries=2)])
    gan = reused(constant_rates)
    with pytest.raises(NotFiniteError, match=r"Step 14: .*back at step 13\."):
        fit(gan, tmp_path, callbacks=[Break(14), NaNGuard(retries=2)])
    assert int(gan.step) == 13
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(0.1 / 4)
    assert all(np.isfinite(value).all() for value in values_of(gan))


@pytest.mark.slow
@RETRIES
@RATES
def test_the_same_model_goes_on_after_a_retry(build, rates, tmp_path):
    # As in a notebook, where the cell that was interrupted is run again.
    gan, fresh = build(), build()
    interrupt(gan, tmp_path / "run", step=9, callbacks=[Break(6), NaNGuard(retries=1)])
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    history = fit(fresh, tmp_path / "copy", callbacks=[NaNGuard(retries=1)])
    assert fit(gan, tmp_path / "run", callbacks=[NaNGuard(retries=1)]) == history
    assert_same_bits(values_of(gan), values_of(fresh))


# ----------------------------------------------------------------------------------------------------------- strategies


@pytest.mark.parametrize("saved_under", [slow(True), False], ids=["saved under a strategy", "loaded under a strategy"])
def test_keras_files_with_and_without_a_strategy(two_replicas, tmp_path, saved_under):
    scopes = [two_replicas.scope, contextlib.nullcontext]
    save_scope, load_scope = scopes if saved_under else scopes[::-1]
    with save_scope():
        gan = constant_rates()
    fit(gan, None, epochs=1)
    gan.save(tmp_path / "gan.keras")
    with load_scope():
        again = kgz.load(tmp_path / "gan.keras")
    assert_same_bits(values_of(gan), values_of(again))
    fit(again, None, epochs=1)
    assert step_of(again) == 2 * STEPS


@pytest.mark.slow
def test_goes_on_under_a_strategy(two_replicas, tmp_path):
    with two_replicas.scope():
        straight, again = constant_rates(), constant_rates()
    beginning = values_of(straight)
    history = fit(straight, None)
    end = values_of(straight)
    put(straight, beginning)
    interrupt(straight, tmp_path)
    for name, figures in fit(again, tmp_path).items():
        assert figures == pytest.approx(history[name], rel=1e-6)  # replicas' sums are added in another order
    assert_same_bits(values_of(again), end)


# ---------------------------------------------------------------------------------------------------------- run folders


@pytest.fixture
def recipe(tmp_path):
    np.savez(tmp_path / "images.npz", images=((IMAGES + 1) * 127.5).astype(np.uint8))
    return training.Recipe("dcgan", str(tmp_path / "images.npz"), 1, 8, model={"width": 1, "latent_dim": 2})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the log, which is left open
def test_a_finished_run_that_goes_on_is_not_finished(recipe, tmp_path):
    _, folder = training.train(recipe, tmp_path / "run", verbose=0)
    with pytest.raises(UnpluggedError):
        training.resume(
            folder, {"epochs": 3}, snapshots={"every_steps": 1}, more_callbacks=(Interrupt(IN_MID_EPOCH),), verbose=0
        )
    with pytest.warns(UserWarning, match="not finished"):
        assert step_of(kgz.load(folder)) == IN_MID_EPOCH


@pytest.mark.parametrize("newer", ["gan.keras", "snapshots"])
def test_whether_a_run_is_finished_does_not_hang_on_the_times_of_files(recipe, tmp_path, newer):
    _, folder = training.train(recipe, tmp_path / "run", verbose=0)
    for path in (folder / "gan.keras", *(folder / "snapshots").iterdir()):
        time = 2_000_000_000 if newer in path.parts else 1_000_000_000
        os.utime(path, (time, time))
    kgz.load(folder)  # whose warning would be an error
    [*_, snapshot] = sorted((folder / "snapshots").glob("step_*"))
    snapshot.rename(snapshot.with_name("step_0000000099.snapshot"))
    with pytest.warns(UserWarning, match="not finished"):
        kgz.load(folder)


def test_a_run_that_was_killed_before_its_recipe_was_there_begins_again(recipe, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".recipe.4711.unfinished.toml").write_text("variant = ")
    _, folder = training.train(recipe, tmp_path / "run", verbose=0)
    assert not list(folder.rglob("*unfinished*"))


# ------------------------------------------------------------------------------------------------- damaged .keras files


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    gan = kgz.GAN.for_images((2,), 1, architecture="mlp", units=1, seed=0)
    gan.compile("adam", "adam")
    fill(gan, seed=0)
    path = tmp_path_factory.mktemp("saved") / "gan.keras"
    gan.save(path)
    return path.read_bytes(), values_of(gan)


def check_refused_or_same(path, saved, damaged):
    path.write_bytes(damaged)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # or pytest would make of a warning an error, and so a refusal
            again = kgz.load(path)
    except InputError:
        return "refused"
    assert_same_bits(values_of(again), saved[1])
    return "same"


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_keras_files_are_refused_or_harmless(saved, tmp_path, damage):
    rng = np.random.default_rng(0)
    for _ in range(12):
        check_refused_or_same(tmp_path / "gan.keras", saved, DAMAGES[damage](saved[0], rng))


def outside_of_the_contents(whole, tmp_path) -> list[int]:
    """Positions that no checksum of the archive covers: its headers and its directory."""
    (tmp_path / "whole.keras").write_bytes(whole)
    covered = set()
    with zipfile.ZipFile(tmp_path / "whole.keras") as archive:
        for member in archive.infolist():
            name, more = (
                int.from_bytes(whole[at : at + 2], "little")
                for at in (member.header_offset + 26, member.header_offset + 28)
            )
            start = member.header_offset + 30 + name + more
            covered.update(range(start, start + member.compress_size))
    return [at for at in range(len(whole)) if at not in covered]


@pytest.mark.parametrize("every", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_changed_headers_of_keras_files_are_refused_or_harmless(saved, tmp_path, every):
    rng = np.random.default_rng(every)
    outcomes = [
        check_refused_or_same(
            tmp_path / "gan.keras",
            saved,
            saved[0][:at] + bytes([saved[0][at] ^ 1 << int(rng.integers(8))]) + saved[0][at + 1 :],
        )
        for at in outside_of_the_contents(saved[0], tmp_path)[::every]
    ]
    assert {"refused", "same"} <= set(outcomes)
