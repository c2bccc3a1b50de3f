"""Algorithm 1, held against updates worked out on paper for players of two weights each."""

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, linear, noise, sigmoid

RATE = 0.1


def linear_gan(**arguments):
    gan = kgz.GAN(linear("g", 0.7, 0.2), linear("d", -0.4, 0.3), seed=SEED, **arguments)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=False)
    return gan


def players(gan):
    return np.array([float(weight.numpy().squeeze()) for weight in gan.trainable_variables])


def generator_slope(scores, loss):
    """dL/ds of one generated example's loss: log(1 - sigmoid(s)) or -log sigmoid(s)."""
    return -sigmoid(scores) if loss == "minimax" else -sigmoid(-scores)


def updated_discriminator(x, fake, w, c):
    real_slope, fake_slope = -sigmoid(-(w * x + c)), sigmoid(w * fake + c)
    w_slope = np.mean(real_slope * x) + np.mean(fake_slope * fake)
    return w - RATE * w_slope, c - RATE * (np.mean(real_slope) + np.mean(fake_slope))


def updated_generator(z, a, b, w, c, loss):
    slope = generator_slope(w * (a * z + b) + c, loss)
    return a - RATE * np.mean(slope * w * z), b - RATE * np.mean(slope * w)


@pytest.fixture
def data():
    return np.random.default_rng(0).standard_normal((2 * SIZE, 1))


@pytest.mark.parametrize("loss", ["non_saturating", "minimax"])
@pytest.mark.parametrize("k", [1, 2])
def test_alternating_step_is_algorithm_1(float64, data, loss, k):
    gan = linear_gan(loss=loss, discriminator_steps=k)
    a, b, w, c = players(gan)
    *z, last = noise(0, k + 1)
    for i in range(k):  # the discriminator first, on fresh data and noise each time
        w, c = updated_discriminator(data[: k * SIZE][i::k, 0], a * z[i] + b, w, c)
    a, b = updated_generator(last, a, b, w, c, loss)  # against the updated discriminator
    gan.train_on_batch(data[: k * SIZE])
    np.testing.assert_allclose(players(gan), [a, b, w, c], rtol=1e-12)


@pytest.mark.parametrize("loss", ["non_saturating", "minimax"])
def test_simultaneous_step_moves_both_from_the_same_point(float64, data, loss):
    gan = linear_gan(loss=loss, simultaneous=True)
    a, b, w, c = players(gan)
    [z] = noise(0, 1)
    expected = (*updated_generator(z, a, b, w, c, loss), *updated_discriminator(data[:SIZE, 0], a * z + b, w, c))
    gan.train_on_batch(data[:SIZE])
    np.testing.assert_allclose(players(gan), expected, rtol=1e-12)


def test_logged_losses_are_those_of_the_step(float64, data):
    gan = linear_gan()
    a, b, w, c = players(gan)
    z, last = noise(0, 2)
    x, fake = data[:SIZE, 0], a * z + b
    d_loss = np.mean(np.log1p(np.exp(-(w * x + c)))) + np.mean(np.log1p(np.exp(w * fake + c)))
    w, c = updated_discriminator(x, fake, w, c)
    g_loss = np.mean(np.log1p(np.exp(-(w * (a * last + b) + c))))
    logs = gan.train_on_batch(data[:SIZE], return_dict=True)
    assert logs["d_loss"] == pytest.approx(d_loss, rel=1e-6)
    assert logs["g_loss"] == pytest.approx(g_loss, rel=1e-6)


def test_at_the_fixed_point_the_discriminator_loses_log_4(float64):
    gan = kgz.GAN(linear("g", 1.0, 0.0), linear("d", 0.0, 0.0))
    gan.compile()
    losses = gan.evaluate(np.random.default_rng(0).standard_normal((64, 1)), return_dict=True, verbose=0)
    assert losses["d_loss"] == pytest.approx(np.log(4), rel=1e-6)
    assert losses["g_loss"] == pytest.approx(np.log(2), rel=1e-6)


def test_the_default_optimizer_is_the_papers():
    optimizer = kgz.GAN.paper_optimizer()
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert optimizer.momentum == 0.5
    optimizer.build([keras.Variable(0.0)])
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    optimizer.iterations.assign(1000)
    assert float(optimizer.learning_rate) == pytest.approx(0.1 / 1.000004**1000, rel=1e-6)
    adam = kgz.DCGAN.paper_optimizer()
    assert (float(adam.learning_rate), adam.beta_1) == (pytest.approx(2e-4), 0.5)


def test_averaged_generator_follows_its_formula(float64, data):
    """In each step: an average forgets where it began, and a decay of 1/2 would not tell the two weights apart."""
    gan = linear_gan(ema_decay=0.7)
    average = [np.array(weight) for weight in gan.ema_generator.weights]
    for step in range(1, 30):
        gan.train_on_batch(data[:SIZE])
        decay = min(0.7, step / (step + 10))
        average = [
            decay * old + (1 - decay) * np.array(new) for old, new in zip(average, gan.generator.weights, strict=True)
        ]
        for mine, theirs in zip(average, gan.ema_generator.weights, strict=True):
            np.testing.assert_allclose(theirs, mine, rtol=1e-6)
    assert gan.sampler is gan.ema_generator


@pytest.mark.parametrize("arguments", [{"discriminator_steps": 0}, {"discriminator_steps": 2, "simultaneous": True}])
def test_impossible_step_counts_are_refused(arguments):
    with pytest.raises(InputError, match="discriminator_steps"):
        kgz.GAN(linear("g", 1.0, 0.0), linear("d", 1.0, 0.0), **arguments)


@pytest.mark.slow
def test_learns_a_gaussian():
    rng = np.random.default_rng(0)
    data = rng.normal(3.0, 0.5, (20_000, 1)).astype("float32")
    gan = kgz.GAN.for_images((1,), latent_dim=4, generator_units=32, discriminator_units=16, ema_decay=0.99, seed=0)
    gan.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5))
    gan.fit(data, batch_size=256, epochs=30, verbose=0)
    samples = gan.sample(5000, seed=0)
    assert samples.mean() == pytest.approx(3.0, abs=0.1)
    assert samples.std() == pytest.approx(0.5, abs=0.15)
