"""Algorithm 1 of WGAN, held against updates worked out on paper, and its schedule against the released code's loop."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.models.wgan import is_generators_turn
from tests.by_hand import SEED, SIZE, linear, noise
from tests.helpers import assert_same, weights_of

RATE, CLIP = 0.1, 0.25
NORMALIZING = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)


def linear_wgan(optimizer=keras.optimizers.SGD, run_eagerly=False, **arguments):
    """The critic f(x) = w x + c, the generator a z + b; c starts beyond the bound, and no loss depends on it."""
    arguments = {"clip": CLIP, "discriminator_steps": 2, "seed": SEED, **arguments}
    gan = kgz.WGAN(linear("g", 0.7, 0.2), linear("d", -0.2, 0.4), **arguments)
    gan.compile(optimizer(RATE), optimizer(RATE), run_eagerly=run_eagerly)
    return gan


def players(gan):
    return [
        float(np.array(weight).squeeze()) for player in (gan.generator, gan.discriminator) for weight in player.weights
    ]


def clipped(value):
    return min(max(value, -CLIP), CLIP)


@pytest.fixture
def data():
    """Two minibatches: the first drives w beyond the bound, the second back inside."""
    x = np.random.default_rng(0).standard_normal((2, SIZE, 1))
    return (x - x.mean(axis=1, keepdims=True) + np.array([6.0, -1.0]).reshape(2, 1, 1)).swapaxes(0, 1).reshape(-1, 1)


# ---------------------------------------------------------------------------------------------------------- Algorithm 1


def test_a_step_is_algorithm_1(float64, data):
    gan = linear_wgan()
    a, b, w, c = players(gan)
    z1, z2, last = noise(0, 3)
    x1, x2 = data[::2, 0], data[1::2, 0]
    free = w - RATE * (np.mean(a * z1 + b) - np.mean(x1))  # the gradient in c is 1 - 1
    assert free > CLIP  # so that clipping only at the end would lead elsewhere
    w1, c1 = clipped(free), clipped(c)
    w2, c2 = w1 - RATE * (np.mean(a * z2 + b) - np.mean(x2)), c1
    assert abs(w2) < CLIP
    logs = gan.train_on_batch(data, return_dict=True)
    expected = [a + RATE * np.mean(w2 * last), b + RATE * w2, w2, c2]
    np.testing.assert_allclose(players(gan), expected, rtol=1e-12)
    lead = w1 * np.mean(x2) - w1 * np.mean(a * z2 + b)  # of the last critic step, before its update
    assert logs["wasserstein"] == pytest.approx(lead, rel=1e-6)
    assert logs["d_loss"] == pytest.approx(-lead, rel=1e-6)
    assert logs["g_loss"] == pytest.approx(-np.mean(w2 * (a * last + b) + c2), rel=1e-6)


def test_a_step_with_rmsprop_is_algorithm_1(float64, data):
    gan = linear_wgan(lambda rate: keras.optimizers.RMSprop(rate, rho=0.8))
    a, b, w, c = players(gan)
    z1, z2, last = noise(0, 3)
    x1, x2 = data[::2, 0], data[1::2, 0]

    def move(gradient, mean_square):
        mean_square = 0.8 * mean_square + 0.2 * gradient**2
        return RATE * gradient / np.sqrt(mean_square + 1e-7), mean_square

    change, mean_square = move(np.mean(a * z1 + b) - np.mean(x1), 0.0)
    change2, _ = move(np.mean(a * z2 + b) - np.mean(x2), mean_square)
    assert w - change < CLIP < c
    w -= change
    assert clipped(w - change2) == w - change2
    w, c = w - change2, clipped(c)
    a_change, b_change = move(-np.mean(w * last), 0.0)[0], move(-w, 0.0)[0]
    gan.train_on_batch(data)
    np.testing.assert_allclose(players(gan), [a - a_change, b - b_change, w, c], rtol=1e-12)


def test_later_steps_draw_other_noise(float64, data):
    gan = linear_wgan(discriminator_steps=1)
    for step in range(2):
        a, b, w, c = players(gan)
        z, last = noise(step, 2)
        w, c = clipped(w - RATE * (np.mean(a * z + b) - np.mean(data[:SIZE]))), clipped(c)
        gan.train_on_batch(data[:SIZE])
        np.testing.assert_allclose(players(gan), [a + RATE * np.mean(w * last), b + RATE * w, w, c], rtol=1e-12)


# ------------------------------------------------------------------------------------------------------------- clipping


def critic(nested=False):
    inner = [
        keras.layers.Dense(4),
        keras.layers.BatchNormalization(momentum=0.5),
        keras.layers.LayerNormalization(),
    ]
    inner = [keras.Sequential([keras.Input((3,)), *inner])] if nested else inner
    return keras.Sequential([keras.Input((3,)), *inner, keras.layers.Dense(1)])


def normalized_wgan(discriminator, **arguments):
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    gan = kgz.WGAN(generator, discriminator, discriminator_steps=1, seed=0, **arguments)
    gan.compile(run_eagerly=True)
    gan.fit(np.random.default_rng(0).normal(50, 20, (8, 3)), batch_size=8, verbose=0)
    return gan


def named(model, *names):
    return [weight for weight in model.weights if weight.name in names]


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("clip_normalization", [True, False])
def test_scales_of_normalisation_are_clipped_on_request(nested, clip_normalization):
    gan = normalized_wgan(critic(nested), clip_normalization=clip_normalization)
    scales, kernels = named(gan.discriminator, "gamma"), named(gan.discriminator, "kernel", "bias")
    assert (len(scales), len(kernels)) == (2, 4)
    for scale in scales:
        if clip_normalization:
            np.testing.assert_allclose(scale, 0.01, rtol=1e-6)  # from 1, where they started
        else:
            np.testing.assert_allclose(scale, 1, atol=1e-3)
    assert max(np.abs(kernel).max() for kernel in kernels) <= np.float32(0.01)


def test_moving_statistics_are_never_clipped():
    gan = normalized_wgan(critic(), clip_normalization=True)
    [mean], [variance] = named(gan.discriminator, "moving_mean"), named(gan.discriminator, "moving_variance")
    assert np.abs(mean).max() > 1
    assert np.min(variance) > 0.1  # the bound is 0.01


def test_frozen_weights_are_not_clipped():
    discriminator = critic()
    discriminator.layers[0].trainable = False
    before = [np.array(weight) for weight in discriminator.layers[0].weights]
    assert np.abs(before[0]).max() > 0.01
    gan = normalized_wgan(discriminator)
    assert_same(before, [np.array(weight) for weight in gan.discriminator.layers[0].weights])


def test_the_generator_is_not_clipped():
    gan = normalized_wgan(critic())
    assert np.abs(gan.generator.layers[0].kernel).max() > 0.01


# -------------------------------------------------------------------------------------------------- critic_head_start


def released_loop(discriminator_steps):
    """Whether the generator moves after each step of n_critic minibatches, by the loop of the authors' main.py."""
    for generator_iterations in itertools.count():
        critic_steps = 100 if generator_iterations < 25 or generator_iterations % 500 == 0 else discriminator_steps
        yield from [False] * (math.ceil(critic_steps / discriminator_steps) - 1)
        yield True


@pytest.mark.parametrize(("k", "steps_per_turn"), [(5, 20), (3, 34), (1, 100), (40, 3), (100, 1)])
def test_the_schedule_is_that_of_the_released_code(k, steps_per_turn):
    expected = list(itertools.islice(released_loop(k), 3000))
    assert sum(expected) > 100
    np.testing.assert_array_equal(is_generators_turn(tf.range(3000, dtype=tf.int64), steps_per_turn), expected)


def optimizer_state(optimizer):
    return [np.array(variable) for variable in optimizer.variables]


def weights(player):
    return [np.array(weight) for weight in player.weights]


@pytest.mark.parametrize("optimizer", [keras.optimizers.Adam, keras.optimizers.RMSprop])
def test_out_of_turn_the_generator_stands_still_and_in_turn_it_moves_as_always(float64, optimizer):
    def wgan(step, **arguments):
        gan = linear_wgan(optimizer, discriminator_steps=3, run_eagerly=True, **arguments)  # turns of 34 steps
        gan.step.assign(step)
        return gan

    def train(gan):
        gan.fit(np.random.default_rng(0).standard_normal((12, 1)), batch_size=12, verbose=0)

    gan, in_turn, plain = wgan(32, critic_head_start=True), wgan(33, critic_head_start=True), wgan(33)
    before = [*weights(gan.generator), *optimizer_state(gan.generator_optimizer)]
    critic_before = weights(gan.discriminator)
    for model in (gan, in_turn, plain):
        train(model)
    assert_same(before, [*weights(gan.generator), *optimizer_state(gan.generator_optimizer)])
    assert not np.array_equal(critic_before[0], gan.discriminator.weights[0])
    assert int(gan.discriminator_optimizer.iterations) == 3
    assert not np.array_equal(before[0], plain.generator.weights[0])
    assert_same(weights_of(plain), weights_of(in_turn))
    assert_same(optimizer_state(plain.generator_optimizer), optimizer_state(in_turn.generator_optimizer))
    train(gan)  # step 33
    assert int(gan.generator_optimizer.iterations) == 1
    assert not np.array_equal(before[0], gan.generator.weights[0])


def test_the_head_start_goes_on_after_loading(tmp_path):
    gan = linear_wgan(critic_head_start=True, clip_normalization=False)
    gan.step.assign(49)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert int(again.step) == 49
    assert (again.clip, again.clip_normalization, again.critic_head_start) == (CLIP, False, True)
    assert again.discriminator_steps == 2
    assert players(again) == players(gan)


# --------------------------------------------------------------------------------------------------- defaults, errors


def test_the_default_optimizer_is_the_papers():
    gan = kgz.WGAN.for_images((2,), units=2)
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert type(optimizer) is keras.optimizers.RMSprop
        assert float(optimizer.learning_rate) == pytest.approx(5e-5)
        assert optimizer.momentum == 0
    assert (gan.clip, gan.discriminator_steps, gan.critic_head_start) == (0.01, 5, False)


@pytest.mark.parametrize("shape", [(16, 16, 1), (2,)], ids=str)
def test_the_default_critic_has_no_normalisation(shape):
    gan = kgz.WGAN.for_images(shape, 4)
    assert not [layer for layer in gan.discriminator.layers if isinstance(layer, NORMALIZING)]
    kinds = {type(layer).__name__ for layer in gan.discriminator.layers}
    assert ("Conv2D" in kinds) == (len(shape) == 3)


def test_an_image_critic_may_have_one():
    gan = kgz.WGAN.for_images((16, 16, 1), 4, discriminator_normalization="batch", width=2)
    assert [layer for layer in gan.discriminator.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize("clip", [0, -0.01, float("nan"), float("inf"), "0.01", None, True])
def test_impossible_bounds_are_refused(clip):
    with pytest.raises(InputError, match="Expected clip to be a number above 0"):
        linear_wgan(clip=clip)


@pytest.mark.parametrize("k", [0, -1, 2.5, None])
def test_impossible_step_counts_are_refused(k):
    with pytest.raises(InputError, match="discriminator_steps to be a whole number of at least 1"):
        linear_wgan(discriminator_steps=k)


def test_a_batch_must_be_divisible_by_n_critic():
    gan = linear_wgan(discriminator_steps=3)
    with pytest.raises(InputError, match=r"divisible by discriminator_steps=3. Received: batches of 8"):
        gan.fit(np.zeros((16, 1)), batch_size=8, verbose=0)


def test_there_is_no_loss_to_choose():
    with pytest.raises(InputError, match=r"Unknown argument of WGAN.for_images 'loss'"):
        kgz.WGAN.for_images((2,), loss="hinge")
