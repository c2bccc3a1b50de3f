"""When training stops, what is given back, and when the generator counts as collapsed."""

import csv
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import CollapseAlarm, Log, Snapshots, Stopping
from keras_gan_zoo.errors import InputError
from tests.games import DEFAULT, ONE, SGD, VECTORS, Kill, Watch, game, state, train
from tests.helpers import assert_same, slow


def scripted(*values):
    """A criterion with one value per epoch, of a model that takes one step per epoch; then the last for ever."""
    return lambda model: values[min(int(model.step), len(values)) - 1]


def epochs_of_one_step(gan, *watchers, epochs):
    return gan.fit(VECTORS, batch_size=len(VECTORS), epochs=epochs, callbacks=list(watchers), verbose=0)


# ------------------------------------------------------------------------------------------------------------ stopping


@pytest.fixture(scope="module")
def player():
    """A game that is not trained: what a criterion says here does not depend on it."""
    return game()


def test_the_figure_of_the_chief_decides(player, monkeypatch):
    monkeypatch.setattr("keras_gan_zoo.callbacks.stopping.broadcast_from_chief", lambda strategy, value: 5.0)
    stopping = Stopping("figure", patience=1)
    stopping.set_model(player)
    player.stop_training = False
    for epoch, figure in enumerate([1, 0]):  # its own would go on
        stopping.on_epoch_end(epoch, {"figure": figure})
    assert (player.stop_training, stopping.best_epoch) == (True, 0)


@pytest.mark.parametrize(
    ("arguments", "figures", "best", "stopped_after"),
    [
        ({"patience": 3}, [3, 2, 2.5, 2.5, 2.5, 0], 1, 4),
        ({"patience": 3}, [3, 2, 2.5, 2.5, 1, 2, 2, 2], 4, 7),
        ({"patience": 1}, [3, 2, 2], 1, 2),  # as good is not better
        ({"patience": 0}, [3, 2, 2.5], 1, 2),
        ({"patience": 3}, [3, 2, 1, 0], 3, None),
        ({"patience": 2, "mode": "max"}, [-3, -2, -2.5, -3], 1, 3),
        ({"patience": 2, "mode": "max"}, [1, 2, 3, 4], 3, None),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.6, 2.5, 0], 0, 2),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.4, 2, 1.8], 3, None),  # against the best, not the last
        ({"patience": 2, "min_delta": 0.5, "mode": "max"}, [0, 0.5, 0.6, 0.7], 2, None),
        ({"patience": 2, "start_from_epoch": 3}, [0, 0, 0, 9, 9, 9], 3, 5),
        ({"patience": 2, "start_from_epoch": 3}, [0, 0, 0, 9, 8, 7], 5, None),
    ],
)
def test_the_best_epoch_and_the_last(player, arguments, figures, best, stopped_after):
    stopping = Stopping("figure", **arguments)
    stopping.set_model(player)
    player.stop_training = False
    epoch = -1
    while not player.stop_training and epoch + 1 < len(figures):
        epoch += 1
        stopping.on_epoch_end(epoch, {"figure": figures[epoch]})
    assert stopping.best_epoch == best
    assert (epoch if player.stop_training else None) == stopped_after


@pytest.mark.parametrize("execution", [ONE, slow(DEFAULT)], ids=["1 step", "default"])
def test_stops_and_gives_back_the_whole_best_state(tiny, images, execution):
    gan = tiny("dcgan", ema_decay=0.9, compiled=False)
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.RMSprop(1e-3), **execution)
    watch, seen = Watch(), []

    def criterion(model):
        seen.append(int(model.step))
        return abs(int(model.step) - 10)

    history = gan.fit(images, batch_size=8, epochs=50, callbacks=[watch, Stopping(criterion, patience=2)], verbose=0)
    assert seen == [5, 10, 15, 20]
    assert history.epoch == [0, 1, 2, 3]
    assert int(gan.step) == 10
    assert_same(state(gan), watch.after[10])


def test_gives_the_best_state_back_where_epochs_run_out():
    gan, watch = game(), Watch()
    epochs_of_one_step(gan, watch, Stopping(scripted(3, 1, 2, 2)), epochs=4)
    assert max(watch.after) == 4
    assert_same(state(gan), watch.after[2])


def test_the_best_epoch_may_be_the_last():
    gan, watch = game(), Watch()
    epochs_of_one_step(gan, watch, Stopping(scripted(3, 2, 1)), epochs=3)
    assert_same(state(gan), watch.after[3])


@pytest.mark.parametrize(("criterion", "mode"), [("val_g_loss", "max"), slow("wasserstein", "min")])
def test_stops_by_the_name_of_a_figure(tiny, images, criterion, mode):
    gan, data = (tiny("wgan"), images) if criterion == "wasserstein" else (game(), VECTORS)
    stopping = Stopping(criterion, mode=mode, patience=1)
    history = gan.fit(data, batch_size=20, epochs=12, validation_data=data[:8], callbacks=[stopping], verbose=0).history
    figures = history[criterion]
    assert stopping.best_epoch == (np.argmin(figures) if mode == "min" else np.argmax(figures))
    assert len(figures) in (stopping.best_epoch + 2, 12)
    assert int(gan.step) == len(data) // 20 * (stopping.best_epoch + 1)


def test_an_unknown_figure_is_refused():
    with pytest.raises(InputError, match=r"Unknown figure to stop by 'g_los'. .* Did you mean 'g_loss'"):
        train(game(), Stopping("g_los"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_criterion_that_is_no_number_is_refused(value):
    with pytest.raises(InputError, match=f"Expected a finite criterion. Received: {value}"):
        epochs_of_one_step(game(), Stopping(lambda model: value), epochs=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "auto"}, "Unknown mode 'auto'"),
        ({"criterion": 3}, "the name of a figure, or a function"),
        ({"patience": -1}, "patience"),
        ({"min_delta": -0.1}, "min_delta"),
        ({"min_delta": np.nan}, "min_delta"),
        ({"start_from_epoch": -1}, "start_from_epoch"),
    ],
)
def test_impossible_criteria_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Stopping(**{"criterion": "g_loss", **arguments})


def test_a_second_fit_begins_anew():
    gan, stopping = game(), Stopping(lambda model: abs(int(model.step) - 2), patience=2)
    epochs_of_one_step(gan, stopping, epochs=9)
    assert int(gan.step) == 2
    stopping.criterion = lambda model: -int(model.step)
    history = epochs_of_one_step(gan, stopping, epochs=3)
    assert history.epoch == [0, 1, 2]
    assert int(gan.step) == 5


# ----------------------------------------------------------------------------------------------- stopping and Snapshots


def criterion(model):
    """Best after the third epoch."""
    return abs(int(model.step) - 24)


def stopped(folder, *watchers, stoppings=(criterion,), execution=ONE, epochs=50, **interval):
    gan = game(keras.optimizers.Adam(1e-3), SGD(0.1), execution=execution)
    stoppings = [Stopping(by, patience=4) for by in stoppings]
    history = train(gan, *stoppings, Snapshots(folder, **interval), *watchers, epochs=epochs)
    return gan, history


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    gan, history = stopped(tmp_path_factory.mktemp("run"))
    assert int(gan.step) == 24
    assert len(history.epoch) == 7
    return state(gan), history.history


@pytest.mark.parametrize("killed_after", [slow(13), slow(24), 45], ids=["before the best", "at the best", "after it"])
def test_a_killed_run_stops_where_an_undisturbed_one_does(tmp_path, undisturbed, killed_after):
    with pytest.raises(RuntimeError, match="killed"):
        stopped(tmp_path, Kill(killed_after), every_steps=3)
    assert (tmp_path / "best.snapshot").exists()
    gan, history = stopped(tmp_path, every_steps=3)
    weights, figures = undisturbed
    assert_same(state(gan), weights)
    assert history.history == figures


@pytest.mark.parametrize("interval", [{}, {"every_steps": 3}], ids=["at the end", "every 3 steps"])
def test_a_stopped_run_called_again_does_not_train(tmp_path, undisturbed, interval):
    stopped(tmp_path, **interval)
    watch = Watch()
    gan, history = stopped(tmp_path, watch, epochs=60, **interval)
    weights, figures = undisturbed
    assert set(watch.after) == {24}
    assert_same(state(gan), weights)
    assert history.history == figures


@pytest.mark.slow
def test_two_criteria_keep_their_best_apart(tmp_path):
    """Both give their best back at the end, the last one has the word."""

    def later(model):
        return abs(int(model.step) - 32)

    both = (later, criterion)
    straight, _ = stopped(tmp_path / "straight", stoppings=both)
    with pytest.raises(RuntimeError, match="killed"):
        stopped(tmp_path / "killed", Kill(45), stoppings=both, every_steps=3)
    resumed, _ = stopped(tmp_path / "killed", stoppings=both, every_steps=3)
    assert int(straight.step) == 24
    assert_same(state(resumed), state(straight))


# ------------------------------------------------------------------------------------------------------------ collapse


def hold(alarm, gan, data, epochs=1):
    """The diversity an alarm sees in samples of a model, without training."""
    alarm.set_model(gan)
    alarm.begin(data)
    for epoch in range(epochs):
        alarm.on_epoch_end(epoch, {})
    return alarm.state["diversity"]


class Modes(keras.layers.Layer):
    """Noise as points of some modes of a mixture of Gaussians, with its own spread."""

    def __init__(self, centers, std):
        super().__init__()
        self.centers, self.std = tf.constant(centers, tf.float32), std

    def call(self, noise):
        share = (tf.math.erf(noise[:, 2] / 2**0.5) + 1) / 2  # uniform
        mode = tf.cast(share * (len(self.centers) - 1e-3), tf.int32)
        return tf.gather(self.centers, mode) + self.std * noise[:, :2]


def of_modes(ring, modes):
    noise, point = keras.Input((3,)), keras.Input((2,))
    generator = keras.Model(noise, Modes(ring.centers[:modes], ring.std)(noise))
    return kgz.GAN(generator, keras.Model(point, keras.layers.Dense(1)(point)), seed=0)


def test_diversity_is_about_the_share_of_modes_that_samples_reach():
    ring = kgz.data.load("ring8")
    seen = {modes: hold(CollapseAlarm(), of_modes(ring, modes), ring) for modes in (1, 2, 4, 8)}
    assert {modes: round(diversity, 1) for modes, diversity in seen.items()} == {1: 0.2, 2: 0.4, 4: 0.7, 8: 1.1}
    assert seen[1] < CollapseAlarm().threshold < seen[2]  # one mode of eight raises it, two do not


def test_constant_samples_raise_the_alarm_and_it_says_what_was_seen():
    gan = game(SGD(0.0), SGD(0.0))
    gan.generator.set_weights([np.zeros_like(weight) for weight in gan.generator.get_weights()])
    seen, others = VECTORS[:30], VECTORS[30:60]
    by_chance = len(np.unique(((others[:, None] - seen) ** 2).sum(axis=-1).argmin(axis=1)))
    alarm = CollapseAlarm(n=30, real=VECTORS[:60], start_from_step=0)
    message = rf"^Epoch 2: .* 30 real examples, .* samples are nearest to 1; .* {by_chance}\."
    with pytest.warns(UserWarning, match=message) as caught:
        history = train(gan, alarm, epochs=4).history
    assert sum("Epoch" in str(warning.message) for warning in caught) == 1
    assert history["diversity"] == pytest.approx([1 / by_chance] * 4)


def test_samples_like_the_data_do_not_raise_it():
    """Noise passed through, and data that are such noise."""
    noise = keras.Input((2,))
    generator = keras.Sequential([noise, keras.layers.Dense(2, kernel_initializer="identity")])
    gan = kgz.GAN(generator, keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), seed=0)
    gan.compile(SGD(0.0), SGD(0.0))
    data = np.random.default_rng(1).standard_normal((600, 2))
    history = gan.fit(
        data, batch_size=100, epochs=3, callbacks=[CollapseAlarm(start_from_step=0)], verbose=0
    ).history  # a warning would be an error
    assert history["diversity"] == pytest.approx([1.0] * 3, abs=0.15)


class Diversities(keras.callbacks.Callback):
    """Makes a game's samples collapse, from an epoch on."""

    def __init__(self, collapsed_from):
        super().__init__()
        self.collapsed_from = collapsed_from

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self.collapsed_from:
            for layer in (self.model.generator.layers[0], self.model.generator.layers[-1]):
                layer.kernel.assign(tf.zeros_like(layer.kernel))


def still_game():
    """Its generator does not learn, its discriminator does."""
    return game(SGD(0.0), SGD(0.1))


def of_all_samples(**arguments):
    return CollapseAlarm(**{"n": 32, "start_from_step": 0, **arguments})


def test_an_alarm_that_stops_gives_back_the_last_healthy_state():
    gan, watch, alarm = still_game(), Watch(), of_all_samples(stop=True, patience=3)
    with pytest.warns(UserWarning, match=r"^Epoch 5: .* nearest to 1;"):
        history = train(gan, alarm, Diversities(collapsed_from=[2]), watch, epochs=50)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert (np.array(history.history["diversity"]) > 0.2).tolist() == [True, True, False, False, False]
    assert int(gan.step) == 16
    assert_same(state(gan), watch.after[16])


@pytest.mark.slow
def test_an_alarm_that_does_not_stop_changes_nothing():
    watched, plain = still_game(), still_game()
    with pytest.warns(UserWarning, match="collapsed"):
        train(watched, of_all_samples(), Diversities([0]), epochs=4)
    train(plain, Diversities([0]), epochs=4)
    assert_same(state(watched), state(plain))


@pytest.mark.parametrize(
    ("arguments", "diversities", "raised_after"),
    [
        ({"patience": 3}, [1, 0.1, 0.1, 1, 0.1, 0.1, 0.1, 0.1], [7]),
        ({"patience": 1}, [1, 0.1, 0.1, 1, 0.1], [2, 5]),
        ({"patience": 1, "threshold": 0.1}, [0.2, 0.1, 0.05], [3]),  # at the threshold is not below
        ({"patience": 2, "every": 2}, [0, 0.1, 0, 0.1, 0, 0.1], [2]),  # before the first look there is one
        ({"patience": 1, "start_from_step": 3}, [0.1, 0.1, 0.1, 0.1], [3]),
        ({"patience": 2, "start_from_step": 3}, [0.1, 0.1, 0.1, 0.1], [4]),
    ],
)
def test_patience_counts_looks_in_a_row(player, monkeypatch, arguments, diversities, raised_after):
    """Of 100 real examples that as many real ones reach, all by construction."""
    alarm = CollapseAlarm(**{"start_from_step": 0, "n": 100, **arguments})
    alarm.set_model(player)
    alarm.begin(kgz.data.Dataset(np.random.default_rng(0).standard_normal((200, 2))))
    alarm._reached_by_real = 100
    raised = []
    for epoch, diversity in enumerate(diversities):
        monkeypatch.setattr("keras_gan_zoo.callbacks.stopping._count_reached", lambda *_, d=diversity: round(100 * d))
        player.step.assign(epoch + 1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            alarm.on_epoch_end(epoch, {})
        raised += [epoch + 1] * any("collapsed" in str(warning.message) for warning in caught)
    assert raised == raised_after


def test_diversity_is_logged_between_looks_too_and_comes_to_the_log_file(tmp_path):
    gan, alarm = still_game(), of_all_samples(every=3, start_from_step=10**6)
    history = train(gan, alarm, Log(tmp_path / "log.csv"), Diversities([2]), epochs=4).history
    first, second, third, fourth = history["diversity"]
    assert first == second > third == fourth
    with (tmp_path / "log.csv").open() as log:
        assert [float(row["diversity"]) for row in csv.DictReader(log)] == history["diversity"]


def test_other_sources_of_batches_need_real_examples():
    batches = tf.data.Dataset.from_tensor_slices(VECTORS).batch(8)
    gan = game()
    with pytest.raises(InputError, match=r"CollapseAlarm\(real=examples\) with 64 real examples"):
        train(gan, CollapseAlarm(n=32), data=batches, epochs=1)
    assert int(gan.step) == 0
    history = train(gan, CollapseAlarm(n=32, real=VECTORS), data=batches, epochs=1).history
    assert 0 < history["diversity"][0] < 2


def test_real_examples_may_be_uint8_images():
    """The generator makes exactly the real ones."""
    images = np.random.default_rng(0).integers(0, 256, (64, 2, 2, 1), dtype=np.uint8)

    class Copies(keras.layers.Layer):
        def call(self, noise):
            share = (tf.math.erf(noise[:, 0] / 2**0.5) + 1) / 2
            return tf.gather(tf.constant(images / 127.5 - 1, tf.float32), tf.cast(share * 63.99, tf.int32))

    noise, image = keras.Input((1,)), keras.Input((2, 2, 1))
    scores = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    gan = kgz.GAN(keras.Model(noise, Copies()(noise)), keras.Model(image, scores), seed=0)
    as_floats = hold(CollapseAlarm(n=32, real=images / 127.5 - 1), gan, None)
    assert as_floats > 0.7
    assert hold(CollapseAlarm(n=32, real=images), gan, None) == as_floats


@pytest.mark.parametrize("real", [VECTORS[:1], np.zeros((64, 3))], ids=["too few", "of another shape"])
def test_unfit_real_examples_are_refused_before_training(real):
    gan = game()
    with pytest.raises(InputError):
        train(gan, CollapseAlarm(n=32, real=real), epochs=1)
    assert int(gan.step) == 0


def test_data_of_one_example_are_refused_before_training():
    gan = game()
    with pytest.raises(InputError):
        gan.fit(VECTORS[:1], batch_size=1, callbacks=[CollapseAlarm()], verbose=0)
    assert int(gan.step) == 0


def test_conditional_models_are_watched():
    gan = kgz.GAN.for_images((2,), 3, num_classes=4, generator_units=4, discriminator_units=2)
    gan.compile(SGD(0.1), SGD(0.1), steps_per_execution=1)
    history = gan.fit(VECTORS, np.arange(64) % 4, batch_size=32, callbacks=[CollapseAlarm()], verbose=0).history
    assert 0 < history["diversity"][0] < 2


def test_classes_that_cannot_be_sampled_are_refused_before_training():
    players = kgz.networks.maxout_pair((2,), 3, 4, generator_units=4, discriminator_units=2)
    gan = kgz.GAN(*players)  # without num_classes
    gan.compile(SGD(0.1), SGD(0.1), steps_per_execution=1)
    with pytest.raises(InputError, match="num_classes"):
        gan.fit(VECTORS, np.arange(64) % 4, batch_size=8, callbacks=[CollapseAlarm(n=32, real=VECTORS)], verbose=0)
    assert int(gan.step) == 0
    history = gan.fit(VECTORS, np.arange(64) % 4, batch_size=32, callbacks=[CollapseAlarm()], verbose=0).history
    assert 0 < history["diversity"][0] < 2  # the data say which classes there are


@pytest.mark.parametrize("killed_after", [slow(17), 30], ids=["while healthy", "between two looks"])
def test_an_alarm_survives_a_kill(tmp_path, killed_after):
    def run(folder, *watchers):
        gan = still_game()
        watchers = [of_all_samples(stop=True, patience=3), Diversities([2]), *watchers]
        train(gan, *watchers, Snapshots(tmp_path / folder, every_steps=3), epochs=50)
        return gan

    with pytest.raises(RuntimeError, match="killed"):
        run("killed", Kill(killed_after))
    with pytest.warns(UserWarning, match=r"^Epoch 5: .* nearest to 1;"):
        resumed = run("killed")
    with pytest.warns(UserWarning, match=r"^Epoch 5: .* nearest to 1;"):
        straight = run("straight")
    assert_same(state(resumed), state(straight))
    assert int(straight.step) == 16


@pytest.mark.parametrize(
    "arguments",
    [{"threshold": 0}, {"patience": 0}, {"start_from_step": -1}, {"every": 0}, {"n": 1}, {"threshold": np.nan}],
)
def test_impossible_alarms_are_refused(arguments):
    with pytest.raises(InputError, match=f"Expected {next(iter(arguments))} to be"):
        CollapseAlarm(**arguments)


@pytest.mark.slow
def test_two_replicas_stop_too(two_replicas):
    with two_replicas.scope():
        gan = still_game()
    stopping = Stopping("d_loss", mode="max", patience=1)
    train(gan, stopping, CollapseAlarm(n=32), epochs=20)
    assert int(keras.ops.convert_to_numpy(gan.step)) == 8 * (stopping.best_epoch + 1)
