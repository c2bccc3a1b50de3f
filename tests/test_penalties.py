"""Penalties on the critic's slope: their values, their gradients, and `r1` and `r2` as options of every variant."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import penalties
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, derivative, linear, noise, players, quadratic, softplus

RATE = 0.1


def test_the_oracle_knows_its_calculus():
    np.testing.assert_allclose(derivative(lambda p: p[0] ** 3 * np.tanh(p[1]), [2.0, 0.0]), [0.0, 8.0], rtol=1e-15)


# ------------------------------------------------------------------------------------------------------------- values


def test_slopes_are_gradients_with_respect_to_the_example():
    x = np.random.default_rng(0).standard_normal((5, 4, 3, 2))
    w = np.random.default_rng(1).standard_normal((4, 3, 2))
    scores, slope = penalties.slopes(
        lambda x: tf.reshape(tf.reduce_sum(tf.sin(x) * w, axis=[1, 2, 3]), (-1, 1)), tf.constant(x)
    )
    np.testing.assert_allclose(scores, np.sum(np.sin(x) * w, axis=(1, 2, 3))[:, None], rtol=1e-12)
    np.testing.assert_allclose(slope, (np.cos(x) * w).reshape(5, -1), rtol=1e-12)


def test_a_pack_has_one_slope():
    gan = kgz.GAN.for_images((3,), 2, packing=2, discriminator_units=2, pieces=1, seed=0)  # one piece: linear
    x = np.random.default_rng(0).standard_normal((6, 3)).astype("float32")
    hidden, last, out = (layer for layer in gan.discriminator.layers if layer.weights)
    by_hand = np.array(hidden.kernel) @ np.array(last.kernel) @ np.array(out.kernel)  # (6, 1): of any pack
    scores, slope = penalties.slopes(lambda x: gan.score(x, None), tf.constant(x))
    assert scores.shape == (3, 1)
    np.testing.assert_allclose(slope, np.tile(by_hand.T, (3, 1)), rtol=1e-5)


def test_zero_centred_is_half_the_mean_squared_slope():
    slope = np.array([[3.0, 4.0], [0.0, 2.0]])
    assert float(penalties.zero_centred(tf.constant(slope))) == pytest.approx((25 + 4) / 2 / 2, rel=1e-12)


def test_one_centred_is_the_mean_squared_excess_over_one():
    slope = np.array([[3.0, 4.0], [0.0, 0.5]])
    assert float(penalties.one_centred(tf.constant(slope))) == pytest.approx((4**2 + 0.5**2) / 2, rel=1e-11)
    assert float(penalties.one_centred(tf.constant(slope), one_sided=True)) == pytest.approx(4**2 / 2, rel=1e-11)


@pytest.mark.parametrize("shape", [(3, 3, 2, 5), (4, 4), (2, 6)], ids=str)  # the last with fewer rows than columns
def test_orthogonal_is_the_squared_inner_products_of_different_columns(shape):
    kernel = tf.constant(np.random.default_rng(0).standard_normal(shape))
    matrix = np.reshape(kernel, (-1, shape[-1]))
    products = (matrix.T @ matrix) * (1 - np.eye(shape[-1]))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        value = penalties.orthogonal(kernel)
    assert float(value) == pytest.approx(np.sum(products**2), rel=1e-12)
    np.testing.assert_allclose(tape.gradient(value, kernel), np.reshape(4 * matrix @ products, shape), rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("one_sided", [None, False, True])
def test_a_critic_without_slope_has_a_finite_penalty_and_gradient(dtype, one_sided):
    slope = tf.zeros((3, 2), dtype)
    with tf.GradientTape() as tape:
        tape.watch(slope)
        value = (
            penalties.zero_centred(slope) if one_sided is None else penalties.one_centred(slope, one_sided=one_sided)
        )
    assert float(value) == pytest.approx(1.0 if one_sided is False else 0.0, abs=1e-5)
    np.testing.assert_array_equal(tape.gradient(value, slope), np.zeros((3, 2)))


# ------------------------------------------------------------------------------------------------------ r1, r2 in a fit


def quadratic_gan(**arguments):
    gan = kgz.GAN(linear("g", 0.7, 0.2), quadratic(-0.4, 0.6, 0.3), seed=SEED, **arguments)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    return gan


@pytest.fixture
def data():
    return np.random.default_rng(0).standard_normal((SIZE, 1))


@pytest.mark.parametrize(("r1", "r2"), [(0.8, 0.0), (0.0, 1.7)])
@pytest.mark.parametrize("simultaneous", [False, True], ids=["in turn", "at once"])
def test_a_step_descends_the_loss_with_both_penalties(float64, data, r1, r2, simultaneous):
    gan = quadratic_gan(r1=r1, r2=r2, simultaneous=simultaneous)
    generator, discriminator = players(gan)
    draws = noise(0, 1 if simultaneous else 2)
    first, last = draws[0], draws[-1]
    real, fake = data[:, 0], generator[0] * first + generator[1]

    def score(d, x):
        return d[0] * x + d[1] * x**2 + d[2]

    def d_loss(d):
        penalty = r1 / 2 * np.mean((d[0] + 2 * d[1] * real) ** 2) + r2 / 2 * np.mean((d[0] + 2 * d[1] * fake) ** 2)
        return np.mean(softplus(-score(d, real))) + np.mean(softplus(score(d, fake))) + penalty

    moved = discriminator - RATE * derivative(d_loss, discriminator)
    judge = discriminator if simultaneous else moved

    def g_loss(g):
        return np.mean(softplus(-score(judge, g[0] * last + g[1])))

    logs = gan.train_on_batch(data, return_dict=True)
    np.testing.assert_allclose(players(gan)[0], generator - RATE * derivative(g_loss, generator), rtol=1e-12)
    np.testing.assert_allclose(players(gan)[1], moved, rtol=1e-12)
    assert logs["d_loss"] == pytest.approx(d_loss(discriminator), rel=1e-6)


@pytest.mark.parametrize(
    ("variant", "options"),
    [(kgz.GAN, {}), (kgz.GAN, {"simultaneous": True}), (kgz.WGAN, {}), (kgz.WGANGP, {}), (kgz.FGAN, {})],
    ids=["gan", "gan at once", "wgan", "wgan_gp", "fgan"],
)
def test_every_variant_adds_both_penalties_to_what_it_descends(float64, data, variant, options):
    """The slope of a line is 0.4: r1 = 1 and r2 = 2 add (1 + 2) / 2 times its square, and move it by as much a rate."""
    losses, moved = [], []
    for weights in ({}, {"r1": 1.0, "r2": 2.0}):
        steps = {} if variant in (kgz.GAN, kgz.FGAN) else {"discriminator_steps": 1}
        bound = {"clip": 9.0} if variant is kgz.WGAN else {}
        gan = variant(linear("g", 0.7, 0.2), linear("d", -0.4, 0.3), seed=SEED, **steps, **bound, **options, **weights)
        gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
        losses.append(gan.train_on_batch(data, return_dict=True)["d_loss"])
        moved.append(players(gan)[1][0])
    assert losses[1] - losses[0] == pytest.approx(1.5 * 0.4**2, rel=1e-6)
    assert moved[1] - moved[0] == pytest.approx(RATE * 3 * 0.4, rel=1e-9)


def test_a_schedule_gives_the_weight_of_each_step(float64, data):
    falling = keras.optimizers.schedules.PolynomialDecay(0.8, decay_steps=4, end_learning_rate=0.0)  # 0.8, 0.6, ...
    scheduled, fixed = quadratic_gan(r1=falling, r2=falling), [quadratic_gan(r1=w, r2=w) for w in (0.8, 0.6)]
    for gan in fixed:
        gan.generator.set_weights(scheduled.generator.get_weights())
        gan.discriminator.set_weights(scheduled.discriminator.get_weights())
        gan.step.assign(scheduled.step)  # of the noise
        logs = [each.train_on_batch(data, return_dict=True) for each in (scheduled, gan)]
        assert logs[0] == pytest.approx(logs[1], rel=1e-6)
        np.testing.assert_allclose(players(scheduled)[1], players(gan)[1], rtol=1e-6)


def test_penalties_change_what_the_discriminator_learns(float64, data):
    plain, penalised = quadratic_gan(), quadratic_gan(r1=1.0)
    for gan in (plain, penalised):
        gan.train_on_batch(data)
    assert not np.allclose(players(plain)[1], players(penalised)[1], rtol=1e-3)


def test_evaluation_leaves_penalties_out(float64, data):
    plain, penalised = (gan.evaluate(data, verbose=0) for gan in (quadratic_gan(), quadratic_gan(r1=5.0, r2=7.0)))
    assert plain == penalised


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "1", True, None])
@pytest.mark.parametrize("name", ["r1", "r2"])
def test_impossible_weights_are_refused(name, weight):
    with pytest.raises(InputError, match=f"Expected {name} to be a number of at least 0, or a schedule of keras"):
        quadratic_gan(**{name: weight})


def test_schedules_that_could_not_be_saved_are_refused():
    class Constant(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1

    with pytest.raises(InputError, match=r"Received: a Constant without get_config\. Write this method"):
        quadratic_gan(r1=Constant())


def test_penalties_are_saved(tmp_path):
    gan = kgz.GAN.for_images((2,), 3, generator_units=4, discriminator_units=2, r1=0.25, r2=3)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert (again.r1, again.r2) == (0.25, 3)


def test_schedules_of_penalties_are_saved(tmp_path):
    falling = keras.optimizers.schedules.CosineDecay(0.05, 100, alpha=0.1)
    gan = kgz.R3GAN.for_images((2,), 3, units=4, r1=falling, r2=0.5)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert again.r1.get_config() == falling.get_config()
    assert again.r2 == 0.5


@pytest.mark.parametrize("option", ["r1", "r2"])
def test_penalties_take_examples_from_a_generator_in_half_precision(option):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = kgz.GAN(linear("g", 0.7, 0.2), linear("d", -0.4, 0.3), seed=0, **{option: 3.0})
        gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
        plain = kgz.GAN(gan.generator, gan.discriminator, seed=0)
        plain.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
        assert gan.generator.outputs[0].dtype == "float16"
        losses = [
            model.train_on_batch(np.ones((4, 1), np.float32), return_dict=True)["d_loss"] for model in (gan, plain)
        ]
    finally:
        keras.config.set_dtype_policy("float32")
    assert losses[0] - losses[1] == pytest.approx(3 / 2 * 0.4**2, rel=1e-3)
