"""R3GAN: what differs from GAN, and a step worked out for a quadratic discriminator."""

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.by_hand import SEED, SIZE, derivative, linear, noise, players, quadratic, softplus

RATE = 0.1


def test_a_step_compares_scores_and_penalises_slopes_on_both_sides(float64):
    gan = kgz.R3GAN(linear("g", 0.7, 0.2), quadratic(-0.4, 0.6, 0.3), seed=SEED)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=True)
    (generator, discriminator), (first, last) = players(gan), noise(0, 2)
    real = np.random.default_rng(0).standard_normal(SIZE)

    def score(d, x):
        return d[0] * x + d[1] * x**2 + d[2]

    def d_loss(d):
        fake = generator[0] * first + generator[1]
        slopes = np.mean((d[0] + 2 * d[1] * real) ** 2) + np.mean((d[0] + 2 * d[1] * fake) ** 2)
        return np.mean(softplus(score(d, fake) - score(d, real))) + 0.1 / 2 * slopes

    moved = discriminator - RATE * derivative(d_loss, discriminator)

    def g_loss(g):
        return np.mean(softplus(score(moved, real) - score(moved, g[0] * last + g[1])))

    improved = generator - RATE * derivative(g_loss, generator)
    logs = gan.train_on_batch(real[:, None], return_dict=True)
    np.testing.assert_allclose(players(gan)[1], moved, rtol=1e-12)
    np.testing.assert_allclose(players(gan)[0], improved, rtol=1e-12)
    assert logs["d_loss"] == pytest.approx(d_loss(discriminator), rel=1e-6)
    averaged = np.concatenate([np.ravel(weight) for weight in gan.sampling_generator.weights])
    np.testing.assert_allclose(averaged, generator / 11 + improved * 10 / 11, rtol=1e-12)  # the first of all steps


def test_the_defaults():
    defaults = kgz.R3GAN.default_arguments((8, 8, 1))
    found = [defaults[name] for name in ("architecture", "loss", "discriminator_steps", "r1", "r2", "ema_decay")]
    assert found == ["r3gan", "relativistic", 1, 0.1, 0.1, 0.999]
    assert kgz.R3GAN.default_arguments((2,))["architecture"] == "mlp"
    optimizer = kgz.R3GAN.paper_optimizer()
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(2e-4)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.99)
