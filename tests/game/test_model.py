"""Models of one player, and of players with several parts: fitted, saved, resumed and guarded like all others."""

import ast
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.callbacks import NaNGuard, Snapshots
from keras_gan_zoo.errors import InputError, NotFiniteError

EXAMPLES = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


@keras.saving.register_keras_serializable("tests")
class Autoencoder(kgz.GameModel):
    def train_step(self, batch):
        [(x, _)] = self.minibatches(batch, 1)
        [noise] = self.normal(1, tf.shape(x)[0], (6,))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.network(x + 0.1 * noise, training=True) - x) ** 2)
        self.descend(self.network, loss, tape)
        return self.finish_step(loss=loss)

    def test_step(self, batch):
        x, _ = self.unpacked(batch)
        return self.tracked({"loss": tf.reduce_mean((self.network(x, training=False) - x) ** 2)})


@keras.saving.register_keras_serializable("tests")
class Cycle(kgz.GameModel):
    """Two players of two parts each, as in CycleGAN, on pairs of one source."""

    logged = ("g_loss", "d_loss")

    def train_step(self, batch):
        [(x, _)] = self.minibatches(batch, 1)
        y = x[::-1]
        with tf.GradientTape() as tape:
            fake_y, fake_x = self.mappings([x, y], training=True)
            back_y, back_x = self.mappings([fake_x, fake_y], training=True)
            judged_y, judged_x = self.judges([fake_y, fake_x], training=True)
            cycle = tf.reduce_mean(tf.abs(back_x - x)) + tf.reduce_mean(tf.abs(back_y - y))
            g_loss = tf.reduce_mean((judged_y - 1) ** 2) + tf.reduce_mean((judged_x - 1) ** 2) + 10 * cycle
        self.descend(self.mappings, g_loss, tape)
        with tf.GradientTape() as tape:
            real, fake = self.judges([y, x], training=True), self.judges([fake_y, fake_x], training=True)
            d_loss = sum(tf.reduce_mean((r - 1) ** 2) + tf.reduce_mean(f**2) for r, f in zip(real, fake, strict=True))
        self.descend(self.judges, d_loss, tape)
        return self.finish_step(g_loss=g_loss, d_loss=d_loss)


def dense(units: int, seed: int, **options):
    return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed), **options)


def autoencoder(seed: int = 1) -> Autoencoder:
    x = keras.Input((6,))
    hidden = keras.layers.Dropout(0.2, seed=3)(dense(4, 0, activation="tanh")(x))
    model = Autoencoder({"network": keras.Model(x, dense(6, 1)(hidden))}, seed=seed)
    model.compile(keras.optimizers.Adam(0.01), steps_per_execution=1)
    return model


def cycle() -> Cycle:
    x, y = keras.Input((6,)), keras.Input((6,))
    mappings = keras.Model([x, y], [dense(6, 0)(x), dense(6, 1)(y)])
    judges = keras.Model([x, y], [dense(1, 2)(x), dense(1, 3)(y)])
    model = Cycle({"mappings": mappings, "judges": judges}, seed=1)
    model.compile("adam", "sgd", steps_per_execution=1)
    return model


MAKERS = pytest.mark.parametrize("make", [autoencoder, cycle], ids=["one player", "players of two parts"])


def state_of(model) -> list[np.ndarray]:
    optimizers = [variable for player in model.players.values() for variable in player.optimizer.variables]
    return [np.array(variable) for variable in (*model.variables, *optimizers)]


def assert_same(first, second):
    for a, b in zip(state_of(first), state_of(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_autoencoder_learns():
    model = autoencoder()
    before = model.evaluate(EXAMPLES, verbose=0)
    history = model.fit(EXAMPLES, batch_size=10, epochs=30, verbose=0).history
    assert list(history) == ["loss"]
    assert model.evaluate(EXAMPLES, verbose=0) < before
    assert model.steps_done == 120


@MAKERS
def test_training_is_repeated_exactly(make):
    first, second = make(), make()
    for model in (first, second):
        model.fit(EXAMPLES, batch_size=10, epochs=2, verbose=0)
    assert_same(first, second)


@MAKERS
def test_a_loaded_model_goes_on_alike(make, tmp_path):
    model = make()
    model.fit(EXAMPLES, batch_size=10, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(model, again)
    for each in (model, again):
        each.fit(EXAMPLES, batch_size=10, verbose=0)
    assert_same(model, again)


class Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.steps_done == 6:
            raise RuntimeError("unplugged")


@MAKERS
def test_an_interrupted_fit_is_resumed_to_the_same_bits(make, tmp_path):
    whole, broken, resumed = make(), make(), make()
    whole.fit(EXAMPLES, batch_size=10, epochs=3, verbose=0)

    def snapshots():
        return Snapshots(tmp_path / "snapshots", every_steps=1)

    with pytest.raises(RuntimeError, match="unplugged"):
        broken.fit(EXAMPLES, batch_size=10, epochs=3, verbose=0, callbacks=[Interrupt(), snapshots()])
    resumed.fit(EXAMPLES, batch_size=10, epochs=3, verbose=0, callbacks=[snapshots()])
    assert_same(whole, resumed)


def test_a_finished_fit_that_is_trained_longer_logs_each_epoch_by_itself(tmp_path):
    whole = autoencoder().fit(EXAMPLES, batch_size=10, epochs=2, verbose=0).history
    for epochs in (1, 2):
        snapshots = Snapshots(tmp_path / "snapshots")
        history = autoencoder().fit(EXAMPLES, batch_size=10, epochs=epochs, verbose=0, callbacks=[snapshots]).history
    assert history == whole


@pytest.mark.parametrize(
    ("make", "found"),
    [(autoencoder, "loss of the network"), (cycle, "loss of the mappings")],
    ids=["one player", "players of two parts"],
)
def test_the_guard_says_what_broke(make, found):
    model = make()
    network = next(iter(model.players.values())).network
    kernel = network.trainable_variables[-2]
    kernel.assign(np.full(kernel.shape, 1e30))
    with pytest.raises(NotFiniteError, match=f"Step 1: not finite any more: {found}"):
        model.fit(EXAMPLES, batch_size=10, verbose=0, callbacks=[NaNGuard()])


def test_a_single_player_is_compiled_as_keras_models_are():
    model = autoencoder()
    model.compile(optimizer="sgd")
    assert isinstance(model.network_optimizer, keras.optimizers.SGD)
    model.compile()
    assert isinstance(model.players["network"].optimizer, keras.optimizers.Adam)
    with pytest.raises(InputError, match="expects network_optimizer"):
        model.compile(loss="mse")
    with pytest.raises(InputError, match="Received: 2 optimizers"):
        model.compile("sgd", "sgd")


def test_players_are_checked():
    x = keras.Input((6,))
    network = keras.Model(x, dense(6, 0)(x))
    model, shared = cycle(), keras.optimizers.SGD()
    with pytest.raises(InputError, match="one instance for both"):
        model.compile(shared, shared)
    with pytest.raises(InputError, match="weights that both networks share"):
        Cycle({"mappings": network, "judges": network})
    with pytest.raises(InputError, match=r"a keras\.Model that knows its inputs"):
        Autoencoder({"network": keras.Sequential([keras.layers.Dense(6)])})
    with pytest.raises(InputError, match="Expected a model that can be evaluated"):
        model.evaluate(EXAMPLES, verbose=0)


def classes_of_the_game() -> list[type]:
    """Of this package: what the models are made of, from the first base to the last variant."""
    found = [base for variant in kgz.VARIANTS.values() for base in variant.__mro__]
    return list(dict.fromkeys(base for base in found if base.__module__.startswith("keras_gan_zoo.")))


@pytest.mark.parametrize("cls", classes_of_the_game(), ids=lambda cls: cls.__name__)
def test_a_class_uses_only_what_it_or_its_bases_define(cls):
    """Then a reader reaches every word of a `train_step` by one jump."""
    trees = [ast.parse(inspect.getsource(base)) for base in cls.__mro__ if base.__module__.startswith("keras_gan_zoo.")]
    of_self = [
        [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        ]
        for tree in trees
    ]
    assigned = {node.attr for nodes in of_self for node in nodes if isinstance(node.ctx, ast.Store)}
    declared = {name for base in cls.__mro__ for name in getattr(base, "__annotations__", {})}
    used = {node.attr for node in of_self[0] if isinstance(node.ctx, ast.Load)}
    of_instances = {"name", "compiled", "predict_function", "_distribute_strategy"}
    of_keras = of_instances if issubclass(cls, keras.Model) else set()
    assert used - assigned - declared - of_keras - set(dir(cls)) - set(dir(type)) == set()
