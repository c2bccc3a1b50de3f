"""The guard against NaN: what it sees, in which step, what it gives back, and how it tries again."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import callbacks
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.state.snapshot import Snapshot
from tests.games import (
    DEFAULT,
    EAGER,
    EIGHT,
    ONE,
    SGD,
    STEPS,
    VECTORS,
    Breaking,
    Kill,
    Spike,
    Watch,
    diverging,
    game,
    is_finite,
    state,
    train,
)
from tests.helpers import assert_same, slow, weights_of

NAMES = ["1 step", "8 steps", "default", "eager"]
any_execution = pytest.mark.parametrize("execution", [ONE, EIGHT, DEFAULT, EAGER], ids=NAMES)


# ------------------------------------------------------------------------------------------------------ where it breaks


@pytest.fixture(scope="module")
def first_broken_step():
    """Of the diverging game, watched step by step without a guard."""
    gan, watch, losses = diverging(), Watch(), {}
    logged = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.update({int(gan.step): list(logs.values())})
    )
    train(gan, watch, logged)
    broken = [step for step in losses if not is_finite([*watch.after[step], losses[step]])]
    assert STEPS < broken[0] < 2 * STEPS
    return broken[0]


@any_execution
def test_stops_in_the_step_that_breaks_and_goes_back_to_the_start_of_the_epoch(first_broken_step, execution):
    gan, watch = diverging(execution), Watch()
    message = rf"^Step {first_broken_step}: not finite any more: .* The model is back at step 8\."
    with pytest.raises(NotFiniteError, match=message):
        train(gan, watch, callbacks.NaNGuard())
    assert_same(state(gan), watch.after[STEPS])


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("what", ["loss", "weights"])
def test_names_the_step_and_what_broke(player, what):
    spike = [
        SGD(Spike(11, np.inf) if what == "weights" and player == it else 0.1) for it in ("generator", "discriminator")
    ]
    gan = game(*spike, loss=Breaking(player, {11: 0.0} if what == "loss" else {-1: 0.0}), simultaneous=True)
    with pytest.raises(NotFiniteError, match=rf"^Step 12: not finite any more: {what} of the {player}\. The"):
        train(gan, callbacks.NaNGuard())
    assert int(gan.step) == STEPS


def test_what_broke_first_comes_first():
    gan = game(loss=Breaking("discriminator", {2: 0.0}, gradient=True))
    order = "loss of the discriminator, weights of the discriminator, loss of the generator, weights of the generator"
    with pytest.raises(NotFiniteError, match=rf"^Step 3: not finite any more: {order}\."):
        train(gan, callbacks.NaNGuard())


@keras.saving.register_keras_serializable("tests")
class Counting(keras.layers.Layer):
    """A statistic that nothing is computed from, ten orders of magnitude larger after each batch."""

    def build(self, shape):
        self.seen = self.add_weight(shape=(), initializer="ones", trainable=False)

    def call(self, inputs, training=False):
        if training:
            self.seen.assign(self.seen * 1e10)
        return inputs


@pytest.mark.parametrize(("player", "batches_per_step"), [("generator", 2), slow("discriminator", 3)])
def test_sees_statistics_that_overflow_while_the_losses_are_finite(player, batches_per_step):
    gan = game()
    counted = {"generator": gan.generator, "discriminator": gan.discriminator}
    counted[player] = keras.Sequential([*counted[player].layers, Counting()])
    counted[player].build(gan.generator.input_shape if player == "generator" else gan.discriminator.input_shape)
    gan = kgz.GAN(**counted, seed=0)
    gan.compile(SGD(0.1), SGD(0.1))
    breaks = -(-39 // (10 * batches_per_step))  # the largest float is 3.4e38
    with pytest.raises(NotFiniteError, match=rf"^Step {breaks}: not finite any more: weights of the {player}\."):
        train(gan, callbacks.NaNGuard())


@pytest.mark.parametrize("execution", [slow(ONE), slow(EIGHT), DEFAULT, slow(EAGER)], ids=NAMES)
def test_a_nan_in_the_data_is_refused_before_it_is_learned(execution):
    examples = VECTORS.copy()
    examples[16 + 3, 1] = np.nan  # in the third batch
    gan = game(execution=execution)
    with pytest.raises(kgz.InputError, match=r"Expected finite numbers.*first in example 3"):
        train(gan, callbacks.NaNGuard(), data=tf.data.Dataset.from_tensor_slices(examples).batch(8))
    assert is_finite(state(gan))


def test_large_finite_weights_and_losses_are_fine():
    gan = game(SGD(0.0), SGD(0.0))
    gan.discriminator.layers[-1].kernel.assign(np.full((4, 1), 1e30))
    train(gan, callbacks.NaNGuard(), epochs=1)
    assert int(gan.step) == STEPS


def test_other_fits_are_not_guarded():
    gan = diverging(execution=DEFAULT)
    with pytest.raises(NotFiniteError):
        train(gan, callbacks.NaNGuard())
    train(gan, epochs=1)
    assert not is_finite(weights_of(gan))
    assert int(gan.step) == 2 * STEPS


@pytest.mark.parametrize("execution", [slow(ONE), DEFAULT], ids=["1 step", "default"])
def test_a_guard_without_failure_changes_no_bit(execution):
    watched, plain = game(execution=execution), game(execution=execution)
    histories = [train(watched, callbacks.NaNGuard(retries=3)).history, train(plain).history]
    assert histories[0] == histories[1]
    assert_same(state(watched), state(plain))


def test_steps_that_a_loss_scale_skips_are_no_failure():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = game(*(keras.optimizers.LossScaleOptimizer(SGD(0.1), initial_scale=2.0**60) for _ in range(2)))
    finally:
        keras.config.set_dtype_policy("float32")
    before = weights_of(gan)
    train(gan, callbacks.NaNGuard(retries=1), epochs=1)
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert float(optimizer.dynamic_scale) == 2.0 ** (60 - STEPS)
    assert_same(before[1:], weights_of(gan)[1:])  # all but the step
    assert int(gan.step) == STEPS


# ------------------------------------------------------------------------------------------------------------- retries

SCHEDULE = keras.optimizers.schedules.ExponentialDecay


def rates_of(gan):
    return [float(optimizer.learning_rate) for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer)]


def warned(function):
    """What a function returns, and the messages of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function()
    return result, [str(warning.message) for warning in caught if "__array__" not in str(warning.message)]


def slow_rates(kind, times=1.0):
    """Factors are powers of two here, so that scaling a rate rounds nothing."""
    if kind == "constant":
        return SGD(1.0 * times), SGD(1.0 * times)
    return SGD(SCHEDULE(1.0 * times, 9000, 0.5)), SGD(SCHEDULE(1.0 * times, 5000, 0.5))


@pytest.mark.parametrize(
    ("kind", "execution"),
    [("constant", ONE), slow("constant", DEFAULT), slow("schedule", ONE), ("schedule", DEFAULT)],
    ids=["constant, 1 step", "constant, default", "schedule, 1 step", "schedule, default"],
)
def test_a_retry_is_the_run_from_the_last_good_state_with_both_rates_lowered(kind, execution):
    gan = game(*slow_rates(kind), execution=execution, loss="least_squares")
    watch = Watch()
    history, messages = warned(lambda: train(gan, watch, callbacks.NaNGuard(retries=3, factor=0.125), epochs=4))
    assert [message.split(": ")[1] for message in messages] == ["not finite any more"]
    assert messages[0].endswith("The model is back at step 8. Trying again with learning rates times 0.125.")

    by_hand = game(*slow_rates(kind), execution=execution, loss="least_squares")
    first = train(by_hand, epochs=1).history
    lower = game(*slow_rates(kind, times=0.125), execution=execution, loss="least_squares")
    Snapshot.capture(by_hand).restore(lower)
    if kind == "constant":  # the rate is one of the variables
        for optimizer in (lower.generator_optimizer, lower.discriminator_optimizer):
            optimizer.learning_rate = 0.125
    rest = train(lower, epochs=3).history
    assert_same(weights_of(gan), weights_of(lower))
    assert rates_of(gan) == rates_of(lower)
    assert history.epoch == [0, 1, 2, 3]
    assert history.history == {name: first[name] + rest[name] for name in first}
    assert int(gan.step) == 4 * STEPS


def test_the_papers_schedules_are_lowered_too():
    gan = game(None, None, loss="least_squares")
    paper = kgz.GAN.paper_optimizer().learning_rate
    history, messages = warned(lambda: train(gan, callbacks.NaNGuard(retries=2, factor=1e-4), data=100 * VECTORS))
    assert len(messages) == 1
    assert is_finite(state(gan))
    assert np.shape(list(history.history.values())) == (2, 3)
    assert rates_of(gan) == pytest.approx([float(paper) * 1e-4] * 2, rel=1e-3)


def test_retries_are_bounded_and_each_is_announced():
    gan = game(SGD(0.5), SGD(SCHEDULE(0.5, 10, 1.0)), loss=Breaking("generator", {12: 0.0}))
    watch = Watch()

    def fails():
        with pytest.raises(NotFiniteError, match=r"back at step 8\. Lower the learning rates"):
            train(gan, watch, callbacks.NaNGuard(retries=2, factor=0.25))

    _, messages = warned(fails)
    assert len(messages) == 2
    assert all(message.startswith("Step 13: not finite any more: loss of the generator. ") for message in messages)
    assert rates_of(gan) == [0.5 * 0.25**2] * 2
    assert_same(weights_of(gan), watch.after[STEPS][: len(weights_of(gan))])


def test_retries_count_for_the_whole_run():
    """Two failures in different epochs take two retries."""

    gan = game(SGD(0.5), SGD(0.5), loss=Breaking("generator", {4: 0.3, 12: 0.1}))
    _, messages = warned(lambda: train(gan, callbacks.NaNGuard(retries=2, factor=0.25)))
    assert [message.partition(":")[0] for message in messages] == ["Step 5", "Step 13"]
    assert rates_of(gan) == [0.5 * 0.25**2] * 2
    assert int(gan.step) == 3 * STEPS


def test_other_callbacks_see_every_epoch_once():
    gan, watch = game(loss=Breaking("generator", {12: 0.0})), Watch()
    alarm = callbacks.CollapseAlarm(threshold=100.0, patience=9, start_from_step=0)
    with pytest.warns(UserWarning, match="Trying again"), pytest.raises(NotFiniteError):
        train(gan, alarm, watch, callbacks.NaNGuard(retries=1))
    assert watch.epochs == [0]
    assert alarm.state["below"] == 1


def test_training_figures_survive_a_retry_beside_validation():
    """At the end of an epoch the running means are those of the validation data."""
    retried, straight = game(loss=Breaking("generator", {12: 0.06})), game()
    with pytest.warns(UserWarning, match="Trying again"):
        history = train(retried, callbacks.NaNGuard(retries=1), epochs=2, validation_data=VECTORS[:16]).history
    first = train(straight, epochs=1, validation_data=VECTORS[:16]).history
    assert {name: figures[:1] for name, figures in history.items()} == first
    assert {len(figures) for figures in history.values()} == {2}


@pytest.mark.parametrize("length", [slow("known"), "unknown"])
def test_a_source_of_batches_is_read_on_after_a_retry(length):
    source = tf.data.Dataset.from_tensor_slices(VECTORS).batch(8)
    if length == "unknown":
        source = source.filter(lambda batch: True)
    gan = game(execution=DEFAULT, loss=Breaking("generator", {12: 0.06}))
    with pytest.warns(UserWarning, match="Trying again"):
        history = train(gan, callbacks.NaNGuard(retries=1), data=source)
    assert int(gan.step) == 3 * STEPS
    assert history.epoch == [0, 1, 2]
    assert np.shape(list(history.history.values())) == (2, 3)


def test_a_guard_can_be_used_again():
    guard = callbacks.NaNGuard(retries=1, factor=0.125)
    rates = []
    for _ in range(2):
        gan = game(*slow_rates("schedule"), loss="least_squares")
        with pytest.warns(UserWarning, match="Trying again"):
            train(gan, guard)
        rates.append(rates_of(gan))
    assert rates[0] == rates[1]


@keras.saving.register_keras_serializable("tests")
def a_rate():
    return 1.0


def test_a_rate_may_be_a_function():
    gan = game(SGD(a_rate), SGD(1.0), loss="least_squares")
    with pytest.warns(UserWarning, match="Trying again"):
        train(gan, callbacks.NaNGuard(retries=1, factor=0.125))
    assert rates_of(gan) == [0.125, 0.125]


def test_the_last_good_state_is_finite_with_its_optimizers():
    """Adam's second moment overflows a step before its weights do: here in the last step of an epoch."""

    class Steep(kgz.losses.NonSaturating):
        def generator_loss(self, fake_scores):
            return super().generator_loss(fake_scores) * tf.where(gan.step == STEPS - 1, 1e25, 1.0)

    gan = game(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), loss=Steep())
    with pytest.raises(NotFiniteError):
        train(gan, callbacks.NaNGuard())
    assert is_finite(state(gan))


def test_lowered_schedules_are_saved_and_go_on_alike(tmp_path):
    gan = game(*slow_rates("schedule"), loss="least_squares")
    with pytest.warns(UserWarning, match="Trying again"):
        train(gan, callbacks.NaNGuard(retries=1, factor=0.125))
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert rates_of(again) == rates_of(gan)
    for model in (gan, again):
        train(model, epochs=1)
    assert_same(state(gan), state(again))


@pytest.mark.slow
def test_loss_scales_keep_their_place_when_rates_are_lowered():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = game(SGD(1.0), SGD(SCHEDULE(1.0, 10, 1.0)), loss=Breaking("generator", {2: 0.0}))
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.warns(UserWarning, match="Trying again"), pytest.raises(NotFiniteError):
        train(gan, callbacks.NaNGuard(retries=1, factor=0.25))
    assert rates_of(gan) == [0.25, 0.25]
    assert float(gan.generator_optimizer.dynamic_scale) == 2.0**15


# ------------------------------------------------------------------------------------------------------ with Snapshots


def test_goes_back_to_the_newest_snapshot(tmp_path):
    gan = game(*slow_rates("schedule", times=0.1), loss=Breaking("generator", {13: 0.0}, gradient=True))
    watch = Watch()
    with pytest.raises(NotFiniteError, match=r"^Step 14: .* The model is back at step 12\."):
        train(gan, watch, callbacks.NaNGuard(), callbacks.Snapshots(tmp_path, every_steps=3))
    assert_same(state(gan), watch.after[12])


@pytest.mark.parametrize(
    ("guarded", "execution"),
    [(False, ONE), slow(True, ONE), slow(False, EIGHT), (True, EIGHT)],
    ids=["alone, 1 step", "guarded, 1 step", "alone, 8 steps", "guarded, 8 steps"],
)
def test_no_snapshot_is_written_of_what_is_not_finite(tmp_path, guarded, execution):
    gan = game(SGD(Spike(12, np.inf)), SGD(0.1), execution=execution)
    watchers = [callbacks.NaNGuard()] if guarded else []
    message = r"^Step 13: not finite any more" if guarded else r"^Step (13|16): expected finite numbers"
    with pytest.raises(NotFiniteError, match=message):
        train(gan, *watchers, callbacks.Snapshots(tmp_path, every_steps=1))
    written = [Snapshot.read(path) for path in sorted(tmp_path.glob("step_*.snapshot"))]
    assert [snapshot.step for snapshot in written] == ([11, 12] if execution == ONE else [8])
    assert all(not snapshot.not_finite() for snapshot in written)
    assert not list(tmp_path.glob(".*"))
    if guarded:
        assert int(gan.step) == written[-1].step


def test_a_retry_goes_on_within_the_epoch_from_a_snapshot(tmp_path):
    gan = game(*slow_rates("constant"), loss="least_squares")
    watch, snapshots = Watch(), callbacks.Snapshots(tmp_path, every_steps=5)
    history, messages = warned(lambda: train(gan, watch, callbacks.NaNGuard(retries=1, factor=2.0**-20), snapshots))
    assert len(messages) == 1
    assert "back at step 10" in messages[0]
    assert watch.epochs == history.epoch == [0, 1, 2]
    assert int(gan.step) == 3 * STEPS
    assert is_finite([state(gan)[-1], *history.history.values()])

    by_hand = game(*slow_rates("constant", times=2.0**-20), loss="least_squares")
    for variable, value in zip(by_hand.weights, watch.after[10], strict=False):
        variable.assign(value)
    train(by_hand, epochs=1, steps_per_epoch=3 * STEPS - 10)
    assert_same(weights_of(gan), weights_of(by_hand))


@pytest.mark.parametrize("again", ["in a new process", slow("in the same process")])
def test_a_run_killed_after_a_retry_goes_on_with_the_lowered_rates(tmp_path, again):
    def players():
        generators, discriminators = slow_rates("constant")[0], slow_rates("schedule")[1]
        return game(generators, discriminators, loss="least_squares")

    def watchers(folder):
        return callbacks.NaNGuard(retries=1, factor=2.0**-20), callbacks.Snapshots(tmp_path / folder, every_steps=5)

    straight, killed = players(), players()
    with pytest.warns(UserWarning, match="Trying again"):
        history = train(straight, *watchers("straight"), epochs=4).history
    with pytest.warns(UserWarning, match="Trying again"), pytest.raises(RuntimeError, match="killed"):
        train(killed, *watchers("killed"), Kill(21), epochs=4)
    resumed = players() if again == "in a new process" else killed
    assert train(resumed, *watchers("killed"), epochs=4).history == history
    assert_same(state(resumed), state(straight))
    assert rates_of(resumed) == rates_of(straight)


@pytest.mark.slow
def test_retries_spent_before_a_kill_are_spent(tmp_path):
    def run():
        gan = game(loss=Breaking("generator", {4: 0.06, 12: 0.0}))
        with pytest.raises(NotFiniteError, match=r"^Step 13: .* back at step 12"):
            train(gan, callbacks.NaNGuard(retries=1, factor=0.5), callbacks.Snapshots(tmp_path, every_steps=4))
        return rates_of(gan)

    rates, messages = warned(run)
    assert len(messages) == 1
    assert rates == pytest.approx([0.05, 0.05])
    rates, messages = warned(run)  # from a snapshot that was written after the retry
    assert len(messages) == 0
    assert rates == pytest.approx([0.05, 0.05])


# --------------------------------------------------------------------------------------------------------- other games


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "options", "execution"),
    [
        ("dcgan", {"ema_decay": 0.9}, DEFAULT),
        ("conditional_gan", {"class_names": ["a", "b", "c"]}, DEFAULT),
        ("wgan", {"critic_head_start": True}, ONE),
        ("wgan", {"critic_head_start": True}, DEFAULT),
        ("wgan", {"critic_head_start": True}, EAGER),
        ("wgan_gp", {"packing": 2}, DEFAULT),
        ("fgan", {"r1": 0.1}, EIGHT),
    ],
)
def test_every_variant_is_guarded(tiny, images, labels, variant, options, execution):
    gan = tiny(variant, compiled=False, conditional=variant == "conditional_gan", **options)
    gan.compile(SGD(0.01), SGD(Spike(2 * gan.discriminator_steps, np.inf)), **execution)
    before = state(gan)
    batches = (images, labels) if gan.conditional else (images,)
    with pytest.raises(NotFiniteError, match=r"^Step 3: .*weights of the discriminator"):
        gan.fit(*batches, batch_size=8, verbose=0, callbacks=[callbacks.NaNGuard()])
    assert_same(before, state(gan))


@pytest.mark.slow
def test_compiled_steps_are_guarded():
    gan = game(SGD(Spike(5, np.inf)), SGD(0.1), execution={"jit_compile": True})
    before = state(gan)
    with pytest.raises(NotFiniteError, match=r"^Step 6: not finite any more: weights of the generator"):
        train(gan, callbacks.NaNGuard())
    assert_same(before, state(gan))


@pytest.mark.slow
def test_two_replicas_are_guarded(two_replicas):
    with two_replicas.scope():
        gan = game(SGD(Spike(11, np.inf)), SGD(0.1))
    with pytest.raises(NotFiniteError, match=r"^Step 12: not finite any more: weights of the generator.* at step 8"):
        train(gan, callbacks.NaNGuard())
    assert is_finite(state(gan))


# ---------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "arguments", [{"retries": -1}, {"retries": 1.5}, {"factor": 0}, {"factor": -0.5}, {"factor": np.nan}]
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(InputError, match=f"Expected {next(iter(arguments))} to be"):
        callbacks.NaNGuard(**arguments)


def test_two_guards_are_refused():
    with pytest.raises(InputError, match="at most one NaNGuard"):
        train(game(), callbacks.NaNGuard(), callbacks.NaNGuard())
