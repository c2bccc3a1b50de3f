"""Small games in the plane, how they break, and callbacks that watch or kill them."""

import keras
import numpy as np
import tensorflow as tf

import keras_gan_zoo as kgz
from tests.helpers import weights_of

VECTORS = np.random.default_rng(0).standard_normal((64, 2)).astype(np.float32)
STEPS = 8  # of an epoch
SGD = keras.optimizers.SGD
ONE, EIGHT = {"steps_per_execution": 1}, {"steps_per_execution": 8}
DEFAULT, EAGER = {}, {"run_eagerly": True}  # the default of so small a game is 64 steps at a time


@keras.saving.register_keras_serializable("tests")
class Spike(keras.optimizers.schedules.LearningRateSchedule):
    """0.1, but for one update, counted from 0."""

    def __init__(self, at, height):
        self.at, self.height = at, height

    def __call__(self, step):
        return tf.where(tf.cast(step, "int64") == self.at, self.height, 0.1)

    def get_config(self):
        return {"at": self.at, "height": self.height}


class Breaking(kgz.losses.NonSaturating):
    """A player's loss is NaN in some steps, where the rate is above some value; with `gradient`, its gradient too."""

    def __init__(self, player, steps, gradient=False):
        self.player, self.steps, self.gradient = player, steps, gradient

    def _broken(self, player, loss):
        if player != self.player:
            return loss
        rate = self.game.generator_optimizer.learning_rate
        hits = tf.reduce_any([(self.game.step == step) & (rate > fine) for step, fine in self.steps.items()])
        return loss * tf.where(hits, np.nan, 1.0) if self.gradient else loss + tf.where(hits, np.nan, 0.0)

    def discriminator_loss(self, real_scores, fake_scores):
        return self._broken("discriminator", super().discriminator_loss(real_scores, fake_scores))

    def generator_loss(self, fake_scores):
        return self._broken("generator", super().generator_loss(fake_scores))


def game(*optimizers, execution=ONE, **options):
    """Two perceptrons in the plane, always from the same weights."""

    def dense(units, seed):
        return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed))

    generator = keras.Sequential([keras.Input((3,)), dense(4, 0), keras.layers.LeakyReLU(), dense(2, 1)])
    discriminator = keras.Sequential([keras.Input((2,)), dense(4, 2), keras.layers.LeakyReLU(), dense(1, 3)])
    gan = kgz.GAN(generator, discriminator, seed=0, **options)
    gan.compile(*(optimizers or (SGD(0.1), SGD(0.1))), **execution)
    if isinstance(gan.adversarial_loss, Breaking):
        gan.adversarial_loss.game = gan
    return gan


def diverging(execution=ONE):
    """Least squares at a rate of 1, which leaves the finite numbers in the second epoch."""
    return game(SGD(1.0), SGD(1.0), execution=execution, loss="least_squares")


def train(gan, *watchers, epochs=3, data=VECTORS, **arguments):
    batch_size = 8 if isinstance(data, np.ndarray) else None
    return gan.fit(data, batch_size=batch_size, epochs=epochs, callbacks=list(watchers), **{"verbose": 0, **arguments})


def state(gan):
    """Everything: weights, averages, the step, and both optimizers."""
    optimizers = [*gan.generator_optimizer.variables, *gan.discriminator_optimizer.variables]
    return [*weights_of(gan), *(np.array(variable) for variable in optimizers)]


def is_finite(arrays):
    return all(np.isfinite(array).all() for array in arrays)


class Watch(keras.callbacks.Callback):
    """The state after each step, and the epochs that ended."""

    def __init__(self):
        super().__init__()
        self.after, self.epochs = {}, []

    def on_train_begin(self, logs=None):
        self.after[int(self.model.step)] = state(self.model)

    def on_train_batch_end(self, batch, logs=None):
        self.after[int(self.model.step)] = state(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)


class Kill(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step) == self.at:
            raise RuntimeError("killed")
