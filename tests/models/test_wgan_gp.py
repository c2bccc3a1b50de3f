"""Algorithm 1 of WGAN-GP, held against a critic of one hidden layer whose penalty is differentiated independently."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, derivative, noise, players

RATE, HIDDEN = 0.01, 3


def wgan_gp(run_eagerly=False, **arguments):
    """The critic v · tanh(x W + b) + c of points x of the plane, the generator z A + a."""
    rng = np.random.default_rng(3)
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(HIDDEN, "tanh"), keras.layers.Dense(1)])
    for player in (generator, critic):
        player.set_weights([rng.normal(0, 1.2, weight.shape) for weight in player.weights])
    gan = kgz.WGANGP(generator, critic, **{"discriminator_steps": 2, "seed": SEED, **arguments})
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=run_eagerly)
    return gan


def generate(g, z):
    return z[:, None] * g[:2] + g[2:]


def hidden(d, x):
    return np.tanh(x @ d[: 2 * HIDDEN].reshape(2, HIDDEN) + d[2 * HIDDEN : 3 * HIDDEN])


def score(d, x):
    return hidden(d, x) @ d[3 * HIDDEN : 4 * HIDDEN] + d[-1]


def steepness(d, x):
    """The length of the critic's slope at each x, by the chain rule."""
    slope = (1 - hidden(d, x) ** 2) * d[3 * HIDDEN : 4 * HIDDEN] @ d[: 2 * HIDDEN].reshape(2, HIDDEN).T
    return np.sqrt(np.sum(slope**2, axis=1))


def epsilons(step, draws):
    shape = (draws, SIZE)
    seed = tf.random.experimental.stateless_fold_in(tf.constant([SEED, step], tf.int64), 1)
    return tf.random.stateless_uniform(shape, seed, dtype="float64").numpy()


def critic_loss(d, real, fake, epsilon, weight, one_sided):
    between = epsilon[:, None] * real + (1 - epsilon[:, None]) * fake
    excess = steepness(d, between) - 1
    if one_sided:
        excess = excess * (excess.real > 0)
    return np.mean(score(d, fake)) - np.mean(score(d, real)) + weight * np.mean(excess**2)


@pytest.fixture
def data():
    return np.random.default_rng(1).standard_normal((2 * SIZE, 2))


@pytest.mark.parametrize(("weight", "one_sided"), [(10.0, False), (0.7, False), (10.0, True), (0.0, False)])
def test_a_step_is_algorithm_1(float64, data, weight, one_sided):
    gan = wgan_gp(penalty_weight=weight, one_sided=one_sided)
    g, d = players(gan)
    *z, last = noise(0, 3)
    for i, epsilon in enumerate(epsilons(0, 2)):
        real, fake = data[i::2], generate(g, z[i])
        steep = steepness(d, epsilon[:, None] * real + (1 - epsilon[:, None]) * fake)
        assert 0 < np.sum(steep > 1) < SIZE  # some slopes are penalised on either side
        d_before = d
        d = d - RATE * derivative(lambda d: critic_loss(d, real, fake, epsilon, weight, one_sided), d)  # noqa: B023
    lead = np.mean(score(d_before, real)) - np.mean(score(d_before, fake))
    logs = gan.train_on_batch(data, return_dict=True)
    np.testing.assert_allclose(players(gan)[1], d, rtol=1e-9)
    assert logs["wasserstein"] == pytest.approx(lead, rel=1e-6)
    assert logs["d_loss"] == pytest.approx(critic_loss(d_before, real, fake, epsilon, weight, one_sided), rel=1e-6)
    assert logs["g_loss"] == pytest.approx(-np.mean(score(d, generate(g, last))), rel=1e-6)
    g = g - RATE * derivative(lambda g: -np.mean(score(d, generate(g, last))), g)
    np.testing.assert_allclose(players(gan)[0], g, rtol=1e-9)


def test_later_steps_draw_other_points(float64, data):
    gan = wgan_gp(discriminator_steps=1)
    for step in range(2):
        (g, d), z, [epsilon] = players(gan), noise(step, 2)[0], epsilons(step, 1)
        fake = generate(g, z)
        d = d - RATE * derivative(lambda d: critic_loss(d, data[:SIZE], fake, epsilon, 10, False), d)  # noqa: B023
        gan.train_on_batch(data[:SIZE])
        np.testing.assert_allclose(players(gan)[1], d, rtol=1e-9)


def test_points_lie_between_real_and_generated_examples(float64, data):
    gan = wgan_gp()
    d, real, fake = players(gan)[1], data[:SIZE], data[SIZE:] + 3
    for share in (0.0, 0.25, 1.0):
        penalty = gan.gradient_penalty(
            tf.constant(real), tf.constant(fake), None, tf.fill([SIZE], tf.constant(share, "float64"))
        )
        expected = np.mean((steepness(d, share * real + (1 - share) * fake) - 1) ** 2)
        assert float(penalty) == pytest.approx(expected, rel=1e-6)


def test_one_epsilon_serves_all_pixels_of_an_image():
    gan = kgz.WGANGP.for_images((8, 8, 1), 4, architecture="mlp", units=4, seed=0)
    seen = []
    gan.score = lambda examples, labels: seen.append(examples) or tf.reduce_sum(examples, [1, 2, 3])
    epsilon = np.array([0.0, 0.25, 1.0], np.float32)
    gan.gradient_penalty(tf.ones((3, 8, 8, 1)), tf.zeros((3, 8, 8, 1)), None, tf.constant(epsilon))
    np.testing.assert_array_equal(seen[0], np.broadcast_to(epsilon.reshape(3, 1, 1, 1), (3, 8, 8, 1)))


def test_one_sided_leaves_a_flat_critic_alone(float64, data):
    flat, plain = wgan_gp(one_sided=True), wgan_gp(penalty_weight=0)
    for gan in (flat, plain):
        gan.discriminator.set_weights([0.1 * np.array(weight) for weight in gan.discriminator.weights])
        gan.train_on_batch(data)
    np.testing.assert_array_equal(players(flat)[1], players(plain)[1])


def steep_wgan_gp(features):
    """A critic 300 Σ x: the square of its slope is 90,000 for each feature."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(features)])
    critic = keras.Sequential([keras.Input((features,)), keras.layers.Dense(1, dtype=keras.config.dtype_policy())])
    critic.set_weights([np.full((features, 1), 300.0), np.zeros(1)])
    return kgz.WGANGP(generator, critic, discriminator_steps=1, seed=0)


def test_the_penalty_is_computed_in_full_precision_under_mixed_float16():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = steep_wgan_gp(64)
        real, fake = tf.fill((4, 64), 0.01), tf.fill((4, 64), -0.01)
        penalty = gan.gradient_penalty(real, fake, None, tf.fill((4,), 0.5))
        assert penalty.dtype == tf.float32
        assert float(np.finfo(np.float16).max) < 300**2 * 64
        assert float(penalty) == pytest.approx((300 * np.sqrt(64) - 1) ** 2, rel=1e-3)
        gan.compile(run_eagerly=True)
        logs = gan.fit(np.full((4, 64), 0.01, np.float32), batch_size=4, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(logs["d_loss"]).all()
    assert logs["d_loss"][0] > 1e7


def test_the_default_optimizer_is_the_papers():
    gan = kgz.WGANGP.for_images((2,), units=2)
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert type(optimizer) is keras.optimizers.Adam
        assert float(optimizer.learning_rate) == pytest.approx(1e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.9)
    assert (gan.penalty_weight, gan.one_sided, gan.discriminator_steps) == (10.0, False, 5)


def test_the_default_critic_has_no_batch_normalisation():
    gan = kgz.WGANGP.for_images((16, 16, 1), 4, width=2)
    assert not [layer for layer in gan.discriminator.layers if "Normalization" in type(layer).__name__]
    gan = kgz.WGANGP.for_images((16, 16, 1), 4, width=2, discriminator_normalization="layer")
    assert [type(x).__name__ for x in gan.discriminator.layers if "Normalization" in type(x).__name__] == [
        "LayerNormalization"
    ]


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "10", None])
def test_impossible_weights_are_refused(weight):
    with pytest.raises(InputError, match="Expected penalty_weight to be a number of at least 0"):
        wgan_gp(penalty_weight=weight)


def test_impossible_step_counts_are_refused():
    with pytest.raises(InputError, match="discriminator_steps to be a whole number of at least 1"):
        wgan_gp(discriminator_steps=0)


def test_options_survive_saving(tmp_path):
    gan = wgan_gp(penalty_weight=0.1, one_sided=True)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert (again.penalty_weight, again.one_sided, again.discriminator_steps) == (0.1, True, 2)
