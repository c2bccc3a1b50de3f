"""Keras' own callbacks beside two players, those that are refused, and learning rates by schedule."""

import copy
import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import NaNGuard
from keras_gan_zoo.errors import InputError
from tests.games import DEFAULT, EAGER, ONE, SGD, STEPS, VECTORS, Breaking, Watch, game, state, train
from tests.helpers import assert_same, slow

Callbacks = keras.callbacks

# ------------------------------------------------------------------------------------------------------ those that work


def test_model_checkpoint_of_each_epoch(tmp_path):
    gan, watch = game(keras.optimizers.Adam(0.01), SGD(0.1)), Watch()
    whole = Callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    weights = Callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)
    train(gan, watch, whole, weights, epochs=2)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("1.keras", "2.keras"),
        *("1.weights.h5", "2.weights.h5"),
    }
    for epoch in (1, 2):
        again = keras.saving.load_model(tmp_path / f"{epoch}.keras")
        assert_same(state(again), watch.after[STEPS * epoch])
        other = game(keras.optimizers.Adam(0.01), SGD(0.1))
        other.load_weights(tmp_path / f"{epoch}.weights.h5")
        np.testing.assert_array_equal(other.sample(3, seed=0), again.sample(3, seed=0))


def test_model_checkpoint_of_the_best_epoch(tmp_path):
    gan, watch = game(SGD(0.5), SGD(0.5)), Watch()
    best = Callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True, monitor="g_loss", mode="min")
    losses = train(gan, watch, best, epochs=5).history["g_loss"]
    assert 0 < np.argmin(losses) < 4  # or the first or the last epoch would do as well
    again = keras.saving.load_model(tmp_path / "best.keras")
    assert_same(state(again), watch.after[STEPS * (1 + np.argmin(losses))])


def test_early_stopping_restores_the_best_weights():
    gan = game(SGD(0.5), SGD(0.5))
    stopping = Callbacks.EarlyStopping(monitor="val_g_loss", mode="min", patience=1, restore_best_weights=True)
    losses = train(gan, stopping, epochs=20, validation_data=VECTORS[:16]).history["val_g_loss"]
    assert 2 < len(losses) < 20
    assert np.argmin(losses) == len(losses) - 2
    restored = gan.evaluate(VECTORS[:16], batch_size=8, return_dict=True, verbose=0)
    assert restored["g_loss"] == pytest.approx(min(losses), rel=1e-6)


def test_csv_logger(tmp_path):
    history = train(game(), Callbacks.CSVLogger(tmp_path / "log.csv"), validation_data=VECTORS[:16]).history
    with (tmp_path / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert set(rows[0]) == {"epoch", "d_loss", "g_loss", "val_d_loss", "val_g_loss"}
    for name, figures in history.items():
        assert [float(row[name]) for row in rows] == pytest.approx(figures)


def test_csv_logger_keeps_its_rows_when_the_guard_goes_back(tmp_path):
    gan = game(loss=Breaking("generator", {20: 0.06}))  # in the third epoch
    with pytest.warns(UserWarning, match="Trying again"):
        train(gan, Callbacks.CSVLogger(tmp_path / "log.csv"), NaNGuard(retries=1), epochs=4)
    with (tmp_path / "log.csv").open() as log:
        assert [row["epoch"] for row in csv.DictReader(log)] == ["0", "1", "2", "3"]


def points(folder, name):
    """What TensorBoard was told about a figure: {step: value}."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(name)}


def test_tensorboard_with_its_defaults(tmp_path):
    history = train(game(), Callbacks.TensorBoard(tmp_path), validation_data=VECTORS[:16]).history
    for name in ("d_loss", "g_loss"):
        assert points(tmp_path / "train", f"epoch_{name}") == pytest.approx(dict(enumerate(history[name])))
        assert points(tmp_path / "validation", f"epoch_{name}") == pytest.approx(
            dict(enumerate(history[f"val_{name}"]))
        )


@pytest.mark.parametrize("execution", [slow(ONE), DEFAULT], ids=["1 step", "default"])
def test_tensorboard_of_each_batch(tmp_path, execution):
    history = train(game(execution=execution), Callbacks.TensorBoard(tmp_path, update_freq="batch"), epochs=2).history
    figures = points(tmp_path / "train", "batch_d_loss")
    assert list(figures) == list(range(1, 2 * STEPS + 1))
    assert figures[2 * STEPS] == pytest.approx(history["d_loss"][-1])


def test_tensorboard_of_every_fifth_batch(tmp_path):
    train(game(execution=DEFAULT), Callbacks.TensorBoard(tmp_path, update_freq=5), epochs=2)
    assert list(points(tmp_path / "train", "batch_d_loss")) == [5, 10, 15]


def test_model_checkpoint_of_every_third_batch(tmp_path):
    gan, watch = game(execution=DEFAULT), Watch()
    checkpoints = Callbacks.ModelCheckpoint(
        tmp_path / "{epoch}_{batch}.weights.h5", save_weights_only=True, save_freq=3
    )
    train(gan, watch, checkpoints, epochs=2)
    steps = {"1_3": 3, "1_6": 6, "2_1": 9, "2_4": 12, "2_7": 15}
    assert {path.name.removesuffix(".weights.h5") for path in tmp_path.iterdir()} == set(steps)
    for name, step in steps.items():
        gan.load_weights(tmp_path / f"{name}.weights.h5")
        assert_same(state(gan), watch.after[step])


def test_tensorboard_with_histograms_of_both_players(tmp_path):
    gan = game()
    train(gan, Callbacks.TensorBoard(tmp_path, histogram_freq=1), epochs=2)
    events = EventAccumulator(str(tmp_path / "train"))
    events.Reload()
    names = {tag.removesuffix("/histogram") for tag in events.Tags()["tensors"] if tag.endswith("/histogram")}
    assert names == {weight.path for weight in gan.trainable_variables}


def test_lambda_callbacks_see_epochs_and_executions():
    gan, seen = game(execution={"steps_per_execution": 3}), []
    watch = Callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_begin=lambda epoch, logs: seen.append(f"epoch {epoch}"),
        on_train_batch_end=lambda batch, logs: seen.append((int(gan.step), sorted(logs))),
        on_epoch_end=lambda epoch, logs: seen.append(("end", epoch, sorted(logs))),
        on_train_end=lambda logs: seen.append("end"),
    )
    train(gan, watch, epochs=2)
    losses = ["d_loss", "g_loss"]
    first = ["epoch 0", (3, losses), (6, losses), (8, losses), ("end", 0, losses)]
    second = ["epoch 1", (11, losses), (14, losses), (16, losses), ("end", 1, losses)]
    assert seen == ["begin", *first, *second, "end"]


def test_callbacks_may_come_in_a_callback_list(tmp_path):
    watch, gan = Watch(), game()
    gan.fit(VECTORS, batch_size=8, callbacks=Callbacks.CallbackList([watch]), verbose=0)
    assert watch.epochs == [0]
    assert STEPS in watch.after


# --------------------------------------------------------------------------------------------------- those that do not


@pytest.mark.parametrize(
    ("refused", "ours"),
    [
        (
            Callbacks.LearningRateScheduler(lambda epoch: 0.1),
            "schedule of keras.optimizers.schedules in each optimizer",
        ),
        (Callbacks.ReduceLROnPlateau(monitor="g_loss"), r"schedule of .*callbacks\.Stopping"),
        (Callbacks.BackupAndRestore("backup"), r"callbacks\.Snapshots"),
        (Callbacks.SwapEMAWeights(), "ema_decay"),
        (Callbacks.TerminateOnNaN(), r"callbacks\.NaNGuard"),
        (Callbacks.ModelCheckpoint("best.keras", save_best_only=True), r"Received: 'val_loss'\. .*callbacks\.Stopping"),
        (Callbacks.ModelCheckpoint("best.keras", save_best_only=True, monitor="g_loss"), "mode='min' or mode='max'"),
        (Callbacks.EarlyStopping(), r"Received: 'val_loss'\. .*callbacks\.Stopping"),
        (Callbacks.EarlyStopping(monitor="g_loss"), "mode='min' or mode='max'"),
        (Callbacks.EarlyStopping(monitor="loss", mode="min"), r"Received: 'loss'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Callbacks.Callback) else "",
)
def test_refused_before_any_step_with_one_sentence_that_names_ours(player, refused, ours):
    with pytest.raises(InputError, match=ours) as error:
        train(player, refused)
    assert type(refused).__name__ in str(error.value)
    assert "\n" not in str(error.value)
    assert int(player.step) == 0


@pytest.fixture(scope="module")
def player():
    return game()


def test_subclasses_of_refused_ones_are_refused_too(player):
    class Mine(Callbacks.TerminateOnNaN):
        pass

    with pytest.raises(InputError, match=r"Received: Mine\. Use callbacks\.NaNGuard"):
        train(player, Mine())


def test_refused_in_a_callback_list_too(player):
    with pytest.raises(InputError, match=r"callbacks\.NaNGuard"):
        player.fit(VECTORS, batch_size=8, callbacks=Callbacks.CallbackList([Callbacks.TerminateOnNaN()]), verbose=0)


# ------------------------------------------------------------------------------------ those that read model.optimizer

Decay = keras.optimizers.schedules.ExponentialDecay


class Reader(keras.callbacks.Callback):
    """Reads what loggers of experiments read: the rate as WandbMetricsLogger does, the rest as MLflow does."""

    def __init__(self):
        super().__init__()
        self.rates, self.said, self.steps = [], [], []

    def on_train_begin(self, logs=None):
        self.config, self.lines = self.model.optimizer.get_config(), []
        self.model.summary(print_fn=lambda line, **_: self.lines.append(line))

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(int(self.model.optimizer.iterations.numpy()))

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(self.rate())

    def rate(self):
        rate = self.model.optimizer.learning_rate
        if isinstance(rate, (tf.Variable, tf.Tensor)) or (hasattr(rate, "shape") and rate.shape == ()):
            return float(rate.numpy().item())
        try:
            return float(rate(step=0).numpy().item())
        except Exception as error:  # which it writes to the terminal, once
            self.said.append(str(error))
            return None


def test_loggers_read_the_learning_rate_of_all_players():
    reader = Reader()
    train(game(), reader, epochs=2)
    assert reader.rates == pytest.approx([0.1, 0.1])
    assert reader.steps == list(range(1, 2 * STEPS + 1))
    assert {name: config["learning_rate"] for name, config in reader.config.items()} == pytest.approx(
        {"generator": 0.1, "discriminator": 0.1}
    )
    assert any("Optimizer params" in line for line in reader.lines)
    train(game(SGD(Decay(0.1, 4, 0.5)), SGD(Decay(0.1, 4, 0.5))), reader, epochs=1)
    assert reader.rates[-1] == pytest.approx(0.1 * 0.5 ** (STEPS / 4))


def test_loggers_are_told_how_to_log_different_rates():
    gan, reader = game(SGD(0.1), SGD(0.2)), Reader()
    rates = Callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(generator_lr=float(gan.generator_optimizer.learning_rate))
    )
    history = train(gan, rates, reader, epochs=2)
    assert reader.rates == [None, None]
    assert "Received: generator 0.1, discriminator 0.2." in reader.said[0]
    assert "logs.update(generator_lr=float(gan.generator_optimizer.learning_rate))" in reader.said[0]
    assert history.history["generator_lr"] == pytest.approx([0.1, 0.1])
    for read in (float, np.asarray, lambda rate: rate.numpy(), keras.ops.convert_to_numpy):
        with pytest.raises(InputError, match="Expected one learning rate"):
            read(gan.optimizer.learning_rate)


def test_one_players_rate_is_that_of_the_model():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model = kgz.GameModel({"network": network}, seed=0)
    assert model.optimizer is None
    model.compile(SGD(0.3))
    assert float(model.optimizer.learning_rate) == pytest.approx(0.3)


def test_what_belongs_to_one_player_is_not_changed_for_all(player):
    for change in ("learning_rate", "weight_decay"):
        with pytest.raises(InputError, match=r"model\.generator_optimizer or model\.discriminator_optimizer"):
            setattr(player.optimizer, change, 0.5)
    with pytest.raises(InputError, match="generator_optimizer or discriminator_optimizer"):
        player.optimizer = SGD(0.1)
    with pytest.raises(AttributeError, match=r"one player for lr\..*model\.generator_optimizer"):
        _ = player.optimizer.lr
    assert not hasattr(player.optimizer, "inner_optimizer")
    assert float(copy.copy(player.optimizer).learning_rate) == pytest.approx(0.1)


def test_a_model_is_compiled_again_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = game()
        gan.compile(SGD(0.1), SGD(0.1))
        assert float(gan.optimizer.learning_rate) == pytest.approx(0.1)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.slow
def test_weights_and_biases(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="wandb is not installed: pip install .[tracking]")
    from wandb.integration.keras import WandbMetricsLogger, WandbModelCheckpoint

    with wandb.init(mode="offline", dir=tmp_path, settings=wandb.Settings(silent=True)):
        logged, log = [], wandb.log
        monkeypatch.setattr(wandb, "log", lambda figures: (logged.append(dict(figures)), log(figures)))
        checkpoint = WandbModelCheckpoint(tmp_path / "{epoch}.keras")
        history = train(game(), WandbMetricsLogger(), checkpoint, epochs=2, validation_data=VECTORS[:16]).history
        assert logged[-1] == pytest.approx(
            {f"epoch/{name}": values[-1] for name, values in history.items()}
            | {"epoch/epoch": 1, "epoch/learning_rate": 0.1}
        )
        assert sorted(path.name for path in tmp_path.glob("*.keras")) == ["1.keras", "2.keras"]
        train(game(SGD(0.1), SGD(0.2)), WandbMetricsLogger(log_freq="batch"), epochs=1)
        assert "batch/d_loss" in logged[-2]
        assert "batch/learning_rate" not in logged[-2]


@pytest.mark.slow
def test_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install .[tracking]")
    keras_callback = pytest.importorskip("mlflow.keras", reason="MLflow is not installed: pip install .[tracking]")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())

    def logged(callback, name, **arguments):
        with mlflow.start_run() as run:
            history = train(game(SGD(0.1), SGD(0.2), execution=DEFAULT), callback, epochs=2, **arguments).history
        mlflow.flush_async_logging()
        points = mlflow.MlflowClient().get_metric_history(run.info.run_id, name)
        return history, {point.step: point.value for point in points}, mlflow.get_run(run.info.run_id).data.params

    history, figures, parameters = logged(keras_callback.MlflowCallback(), "val_d_loss", validation_data=VECTORS[:16])
    assert figures == pytest.approx(dict(enumerate(history["val_d_loss"])))
    assert "'learning_rate': 0.2" in parameters["optimizer_discriminator"]
    every_fifth = keras_callback.MlflowCallback(log_every_epoch=False, log_every_n_steps=5)
    assert list(logged(every_fifth, "g_loss")[1]) == [5, 10, 15]


# ------------------------------------------------------------------------------------------------------ learning rates

ExponentialDecay = keras.optimizers.schedules.ExponentialDecay
PiecewiseConstantDecay = keras.optimizers.schedules.PiecewiseConstantDecay


class ByTheGradient(keras.optimizers.SGD):
    """Notes the rate of each update, as it is within the graph, in a weight of its own."""

    def build(self, variables):
        super().build(variables)
        self.noted = self.add_variable(shape=(100,), dtype="float32", name="noted")

    def apply(self, grads, trainable_variables=None):
        rate = keras.ops.cast(self._get_current_learning_rate(), "float32")
        self.noted.assign_add(rate * tf.one_hot(self.iterations, 100))
        super().apply(grads, trainable_variables)

    @property
    def rates(self):
        return np.array(self.noted)[: int(self.iterations)]


@pytest.mark.parametrize("execution", [ONE, slow(DEFAULT), slow(EAGER)], ids=["1 step", "default", "eager"])
def test_each_player_follows_its_own_schedule(execution):
    """A schedule counts the updates of its player: with k = 2, the discriminator's run twice as fast."""
    generators = ByTheGradient(ExponentialDecay(0.1, decay_steps=4, decay_rate=0.5))
    discriminators = ByTheGradient(PiecewiseConstantDecay([9, 19], [0.2, 0.05, 0.01]))
    gan = game(generators, discriminators, execution=execution, discriminator_steps=2)
    gan.fit(VECTORS, batch_size=16, epochs=3, verbose=0)  # four steps an epoch
    np.testing.assert_allclose(generators.rates, 0.1 * 0.5 ** (np.arange(12) / 4), rtol=1e-6)
    np.testing.assert_allclose(discriminators.rates, np.repeat([0.2, 0.05, 0.01], [10, 10, 4]), rtol=1e-6)


def test_a_schedule_beside_a_constant():
    generators, discriminators = ByTheGradient(0.03), ByTheGradient(ExponentialDecay(0.1, 4, 0.5))
    train(game(generators, discriminators, execution=DEFAULT), epochs=1)
    np.testing.assert_allclose(generators.rates, np.full(8, 0.03), rtol=1e-6)
    np.testing.assert_allclose(discriminators.rates, 0.1 * 0.5 ** (np.arange(8) / 4), rtol=1e-6)


def test_a_constant_can_be_changed_between_fits():
    generators = ByTheGradient(0.1)
    gan = game(generators, SGD(0.1))
    train(gan, epochs=1)
    generators.learning_rate = 0.02
    train(gan, epochs=1)
    np.testing.assert_allclose(generators.rates, np.repeat([0.1, 0.02], 8), rtol=1e-6)


@pytest.mark.parametrize("execution", [ONE, slow(DEFAULT), slow(EAGER)], ids=["1 step", "default", "eager"])
def test_the_end_of_data_of_unknown_length_is_no_step(execution):
    """Or schedules, noise and averages would run ahead by one step in each epoch."""
    known = tf.data.Dataset.from_tensor_slices(VECTORS).batch(8, drop_remainder=True)
    gans = []
    for source in (known, known.filter(lambda batch: True)):
        gans.append(game(SGD(ExponentialDecay(0.1, 4, 0.5)), SGD(0.1), execution=execution, ema_decay=0.9))
        train(gans[-1], data=source)
    assert [int(gan.step) for gan in gans] == [3 * STEPS] * 2
    assert_same(*map(state, gans))
