"""Our side of a case: the networks of the library, trained by its step."""

from collections.abc import Callable
from functools import partial

import keras

import keras_gan_zoo as kgz
from tests.benchmarks.cases import Case

ALGORITHMS = {
    "alternating": kgz.GAN,
    "simultaneous": partial(kgz.GAN, simultaneous=True),
    "wgan": kgz.WGAN,
    "wgan_gp": kgz.WGANGP,
}
Players = tuple[keras.Model, keras.Model]


def players(case: Case, **arguments) -> Players:
    """Generator and discriminator, which ours and the hand-written side share."""
    return kgz.networks.ARCHITECTURES[case.networks](case.shape, seed=0, **case.arguments, **arguments)


def optimizers(case: Case) -> list[keras.optimizers.Optimizer]:
    name, arguments = case.optimizer
    return [getattr(keras.optimizers, name)(**arguments) for _ in range(2)]


def model(case: Case, players: Players) -> kgz.GAN:
    gan = ALGORITHMS[case.algorithm](*players, seed=0)
    gan.compile(*optimizers(case))
    return gan


def turn(case: Case, players: Players, examples) -> Callable:
    """Runs one training step with its input, or one `fit`."""
    gan, dataset = model(case, players), kgz.data.Dataset(examples)
    if case.fit_steps:
        steps = {"batch_size": case.batch_size, "steps_per_epoch": case.fit_steps}
        return lambda: gan.fit(dataset, verbose=0, **steps)
    return one_step(gan, iter(dataset.batches(case.batch_size, seed=0)))


def one_step(model: keras.Model, batches) -> Callable:
    """Runs one step of any Keras model on its next batch, and waits for the result."""
    model.make_train_function()
    return lambda: float(model.train_function(batches)["d_loss"])
