"""Two replicas with half the batch each against one with all of it: the same weights, in float64 with SGD."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from tests.conftest import CLASSES, TINY, weights_of

STEPS, BATCH = 20, 24


@pytest.fixture
def trained(two_replicas, float64):
    """Weights after 20 steps, on one replica or on two."""

    def train(build, replicas: int, conditional: bool, optimizers=None):
        rng = np.random.default_rng(0)
        images = rng.uniform(-1, 1, (5 * BATCH, 8, 8, 1))
        labels = np.arange(5 * BATCH) % CLASSES
        strategy = two_replicas if replicas == 2 else tf.distribute.get_strategy()
        with strategy.scope():
            gan = build()
            gan.compile(*(optimizers or sgd)())
            for weight in gan.trainable_variables:  # large enough to matter
                weight.assign(np.random.default_rng(1).normal(0, 0.2, weight.shape))
        before = weights_of(gan)
        history = gan.fit(images, labels if conditional else None, batch_size=BATCH, epochs=STEPS // 5, verbose=0)
        assert gan.steps_done == STEPS
        return before, weights_of(gan), history.history

    return train


def sgd():
    return keras.optimizers.SGD(0.05, momentum=0.5), keras.optimizers.SGD(0.05)


def assert_equal_updates(trained, build, conditional, optimizers=None):
    before, one, logs_of_one = trained(build, 1, conditional, optimizers)
    _, two, logs_of_two = trained(build, 2, conditional, optimizers)
    assert max(np.abs(a - b).max() for a, b in zip(before, one, strict=True)) > 1e-3  # something moved
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    for name, values in logs_of_one.items():
        np.testing.assert_allclose(values, logs_of_two[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("conditional", [False, True], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("variant", list(TINY))
def test_two_replicas_make_the_updates_of_one(trained, variant, conditional):
    cls = kgz.VARIANTS[variant]
    if cls.needs_labels and not conditional:
        pytest.skip("its networks take labels")

    def build():
        classes = CLASSES if conditional else None
        return cls.for_images((8, 8, 1), latent_dim=4, num_classes=classes, seed=0, **TINY[variant])

    assert_equal_updates(trained, build, conditional)


OPTIONS = {
    "k=3": {"discriminator_steps": 3},
    "simultaneous": {"simultaneous": True},
    "packing": {"packing": 2},
    "packing, k=2": {"packing": 2, "discriminator_steps": 2},
    "r1 and r2": {"r1": 0.1, "r2": 0.1, "discriminator_normalization": "none"},
    "r1 through batch normalisation": {"r1": 0.1},
    "relativistic": {"loss": "relativistic"},
    "relativistic average": {"loss": "relativistic_average"},
    "dropout": {"dropout": 0.3},
    "dropout, k=2, average": {"dropout": 0.3, "discriminator_steps": 2, "ema_decay": 0.9},
    "spectral normalisation": {"spectral_normalization": True, "discriminator_normalization": "none"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
def test_what_mixes_examples_sees_those_of_all_replicas(trained, options):
    def build():
        return kgz.DCGAN.for_images((8, 8, 1), latent_dim=4, width=4, seed=0, **options)

    assert_equal_updates(trained, build, conditional=False)


CLIPS = {"clipnorm": 0.01, "clipvalue": 1e-3, "global_clipnorm": 0.01}


@pytest.mark.parametrize("scaled", [False, True], ids=["", "with a loss scale"])
@pytest.mark.parametrize("clip", CLIPS)
def test_clipping_and_loss_scales_see_the_gradient_of_all_replicas(trained, clip, scaled):
    def build():
        return kgz.DCGAN.for_images((8, 8, 1), latent_dim=4, width=4, seed=0)

    def clipped():
        optimizers = [keras.optimizers.SGD(0.5, **{clip: CLIPS[clip]}) for _ in range(2)]
        if scaled:
            optimizers = [keras.optimizers.LossScaleOptimizer(o, initial_scale=8.0) for o in optimizers]
        return optimizers

    assert_equal_updates(trained, build, False, clipped)
