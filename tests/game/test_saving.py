"""Networks that Keras cannot copy are averaged and trained; files are whole or not there."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.python.distribute.values import SyncOnReadVariable

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.players import shares_layers
from tests.games import VECTORS


class Undescribed(layers.Layer):
    """Keras cannot describe it, because one argument is a function."""

    def __init__(self, function):
        super().__init__()
        self.function, self.dense, self.norm = function, layers.Dense(2), layers.BatchNormalization(momentum=0.5)

    def call(self, x, training=False):
        return self.function(self.norm(self.dense(x), training=training))


class OfASubclass(keras.Model):
    """Its constructor takes no name, which Keras gives it back."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def doubled(x):
    return 2 * x


NOT_COPIED = {
    "lambda": lambda: layers.Lambda(lambda x: 2 * x),
    "no get_config": lambda: Undescribed(tf.tanh),
    "no name": OfASubclass,
    "unregistered function": lambda: layers.Dense(2, activation=doubled),
    "within a layer": lambda: layers.TimeDistributed(layers.Dense(2, activation=doubled)),
}


def game(*last, **options):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(4), *last, layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), layers.Dense(4, "relu"), layers.Dense(1)])
    gan = kgz.GAN(generator, discriminator, seed=0, **options)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), steps_per_execution=1)
    return gan


class Weights(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.generator.get_weights())


@pytest.mark.parametrize("layer", [NOT_COPIED["lambda"], NOT_COPIED["no get_config"], NOT_COPIED["no name"]])
def test_the_average_is_that_of_the_steps_whatever_the_layers(layer):
    gan, weights = game(layer(), ema_decay=0.3), Weights()
    average = gan.generator.get_weights()
    assert shares_layers(gan.ema_generator)
    gan.fit(VECTORS[:32], batch_size=8, callbacks=[weights], verbose=0)
    for step, values in enumerate(weights.seen, 1):
        decay = min(0.3, step / (step + 10))
        average = [decay * mean + (1 - decay) * value for mean, value in zip(average, values, strict=True)]
    for mean, ours in zip(average, gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_allclose(ours, mean, atol=1e-6)
    samples = gan.sample(4, seed=0)
    assert not np.allclose(samples, gan.generator(kgz.latent.truncated_noise(4, (3,), seed=0)))
    gan.generator.set_weights(average)
    np.testing.assert_allclose(samples, gan.generator(kgz.latent.truncated_noise(4, (3,), seed=0)), atol=1e-6)


@pytest.mark.parametrize("layer", NOT_COPIED.values(), ids=NOT_COPIED)
def test_a_copy_has_the_same_weights(layer):
    shape = [layers.Reshape((1, 4)), layer(), layers.Flatten()]
    gan = game(*shape, ema_decay=0.9)
    np.testing.assert_array_equal(gan.sample(4, seed=0), gan.generator(kgz.latent.truncated_noise(4, (3,), seed=0)))
    assert len(gan.ema_generator.trainable_variables) == 0 < len(gan.generator.trainable_variables)


@pytest.mark.parametrize("kind", ["lambda", "unregistered function"])
def test_such_an_average_is_saved_and_loaded(kind, tmp_path):
    gan = game(NOT_COPIED[kind](), ema_decay=0.9)
    gan.ema_generator.set_weights([weights + 0.1 for weights in gan.ema_generator.get_weights()])
    gan.save(tmp_path / "gan.keras")
    with keras.saving.custom_object_scope({"doubled": doubled}):  # with which Keras could copy the layers
        again = keras.saving.load_model(tmp_path / "gan.keras", safe_mode=False)
    np.testing.assert_array_equal(gan.sample(4, seed=0), again.sample(4, seed=0))


def test_networks_that_keras_cannot_describe_are_trained_but_not_saved(tmp_path):
    gan = game(Undescribed(tf.tanh))
    gan.fit(VECTORS, batch_size=32, callbacks=[kgz.callbacks.NaNGuard()], verbose=0)
    assert gan.steps_done == 2
    for save in (
        lambda: gan.save(tmp_path / "gan.keras"),
        lambda: gan.save_preset(tmp_path / "preset"),
        lambda: gan.fit(VECTORS, callbacks=[kgz.callbacks.Snapshots(tmp_path / "snapshots")], verbose=0),
    ):
        with pytest.raises(InputError, match=r"the layer 'undescribed\w*', a Undescribed.*get_config"):
            save()
    assert not [*tmp_path.iterdir()]
    assert gan.steps_done == 2


def test_saving_reads_no_sum_over_workers(two_replicas, monkeypatch, tmp_path):
    """Only one worker saves: it would wait for the others."""
    with two_replicas.scope():
        gan = game()

    read, get = [], SyncOnReadVariable._get_cross_replica
    monkeypatch.setattr(SyncOnReadVariable, "_get_cross_replica", lambda self: (read.append(self), get(self))[1])
    gan.save(tmp_path / "gan.keras")
    assert not read
    assert gan.metrics[0].count.numpy() == 0
    assert read


@pytest.fixture(scope="module")
def gan():
    return game()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.h5", "Call it .*x.keras"),
        ("x", "Call it .*x.keras"),
        ("x.weights.h5", "Call it .*x.keras"),
        ("X.KERAS", "Call it .*X.keras"),
        (".keras", "Call it .*gan.keras"),
        ("nowhere/x.keras", "Make the folder first"),
        ("folder.keras", "which is a folder"),
        ("folder", "Call it .*folder.keras"),
    ],
)
def test_models_are_saved_as_keras_files_only(gan, name, message, tmp_path):
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(InputError, match=message):
        gan.save(tmp_path / name)
    assert [*tmp_path.iterdir()] == [tmp_path / "folder.keras"]


@pytest.mark.parametrize("name", ["x", "x.h5", "x.keras", "x.weights"])
def test_weights_are_saved_as_weights_only(gan, name, tmp_path):
    with pytest.raises(InputError, match=r"Call it .*x\.weights\.h5"):
        gan.save_weights(tmp_path / name)
    assert not [*tmp_path.iterdir()]


def test_a_saved_file_is_whole_or_the_earlier_one(gan, tmp_path, monkeypatch):
    path, weights = tmp_path / "model_0.5.keras", tmp_path / "w.weights.h5"
    gan.save(str(path))
    gan.save_weights(weights)
    before = path.read_bytes(), weights.read_bytes()
    with pytest.raises(InputError, match="overwrite=False"):
        gan.save(path, overwrite=False)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(gan), "save_own_variables", full)
    for save in (gan.save, gan.save_weights):
        with pytest.raises(OSError, match="No space left"):
            save(path if save == gan.save else weights)
    assert (path.read_bytes(), weights.read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == [path, weights]
    monkeypatch.undo()
    again = kgz.load(path)
    again.load_weights(weights)
    np.testing.assert_array_equal(again.sample(2, seed=0), gan.sample(2, seed=0))


def test_spectral_normalisation_leaves_layers_without_weights_alone():
    def discriminator(*last):
        return keras.Sequential([keras.Input((2,)), layers.Dense(4), *last, layers.Dense(1)])

    normalised = kgz.networks.spectrally_normalized(discriminator(layers.Lambda(lambda x: 2 * x)), seed=0)
    assert normalised(np.ones((3, 2))).shape == (3, 1)
    with pytest.raises(InputError, match=r"layers that Keras can copy. Received: the layer 'undescribed\w*'"):
        kgz.networks.spectrally_normalized(discriminator(Undescribed(tf.tanh)))


def test_the_export_of_half_precision_names_a_layer_that_cannot_be_copied(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        gan = game(layers.Lambda(lambda x: 2 * x))
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(InputError, match=r"layers that Keras can copy. Received: the layer 'lambda\w*'"):
        gan.export(tmp_path / "g.onnx")
