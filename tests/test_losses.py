"""Losses: values worked out on paper, and that a GAN trains on each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import divergences, losses
from keras_gan_zoo.divergences import F_DIVERGENCES
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, linear, noise, players, sigmoid, softplus
from tests.helpers import weights_of

RATE = 0.1
R, F = np.array([[2.0], [-1.0], [0.25]]), np.array([[0.5], [-3.0], [1.5]])
REAL, FAKE = tf.constant(R), tf.constant(F)
PAIR_REAL, PAIR_FAKE = tf.constant([[2.0], [-1.0]], tf.float64), tf.constant([[0.5], [-3.0]], tf.float64)
ALL = {**{name: kind() for name, kind in losses.LOSSES.items()}, "variational": losses.Variational("kl")}


def generator_loss(loss, fake, real):
    return loss.generator_loss(fake, real) if loss.needs_real_scores else loss.generator_loss(fake)


# -------------------------------------------------------------------------------------------------------------- values


def test_minimax_is_the_value_function_of_equation_1():
    value = np.mean(np.log(sigmoid(PAIR_REAL))) + np.mean(np.log(1 - sigmoid(PAIR_FAKE)))
    loss = losses.Minimax()
    assert float(loss.discriminator_loss(PAIR_REAL, PAIR_FAKE)) == pytest.approx(-value, rel=1e-6)
    assert float(loss.generator_loss(PAIR_FAKE)) == pytest.approx(np.mean(np.log(1 - sigmoid(PAIR_FAKE))), rel=1e-6)


def test_minimax_by_hand():
    # softplus(-2) = 0.126928, softplus(1) = 1.313262, softplus(0.5) = 0.974077, softplus(-3) = 0.048587
    assert float(losses.Minimax().discriminator_loss(PAIR_REAL, PAIR_FAKE)) == pytest.approx(
        0.720095 + 0.511332, abs=2e-6
    )
    assert float(losses.Minimax().generator_loss(PAIR_FAKE)) == pytest.approx(-0.511332, abs=2e-6)
    # softplus(-0.5) = 0.474077, softplus(3) = 3.048587
    assert float(losses.NonSaturating().generator_loss(PAIR_FAKE)) == pytest.approx(1.761332, abs=2e-6)


def test_agrees_with_keras_cross_entropy():
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = cross_entropy(tf.ones_like(PAIR_REAL), PAIR_REAL) + cross_entropy(tf.zeros_like(PAIR_FAKE), PAIR_FAKE)
    assert float(losses.NonSaturating().discriminator_loss(PAIR_REAL, PAIR_FAKE)) == pytest.approx(
        float(expected), rel=1e-6
    )
    expected = cross_entropy(tf.ones_like(PAIR_FAKE), PAIR_FAKE)
    assert float(losses.NonSaturating().generator_loss(PAIR_FAKE)) == pytest.approx(float(expected), rel=1e-6)


def test_only_minimax_saturates_where_the_discriminator_rejects():
    def slope(loss):
        score = tf.constant([[-10.0]])
        with tf.GradientTape() as tape:
            tape.watch(score)
            value = loss.generator_loss(score)
        return float(tape.gradient(value, score)[0, 0])

    assert slope(losses.Minimax()) == pytest.approx(-sigmoid(-10.0), rel=1e-4)  # vanishes
    assert slope(losses.NonSaturating()) == pytest.approx(-sigmoid(10.0), rel=1e-6)  # does not


@pytest.mark.parametrize("name", losses.LOSSES)
def test_get_by_name_instance_and_config(name):
    loss = losses.get(name)
    assert type(loss) is losses.LOSSES[name]
    assert losses.get(loss) is loss
    assert type(losses.get(keras.saving.serialize_keras_object(loss))) is type(loss)


def test_unknown_losses_are_refused():
    with pytest.raises(InputError, match="Did you mean 'minimax'"):
        losses.get("mini_max")
    with pytest.raises(InputError, match="Expected a loss"):
        losses.get(3)


def test_least_squares_by_hand():
    # ((2 - 1)² + (-1 - 1)² + (.25 - 1)²) / 3 = 5.5625 / 3; (.25 + 9 + 2.25) / 3; (.25 + 16 + .25) / 3
    assert float(losses.LeastSquares().discriminator_loss(REAL, FAKE)) == pytest.approx((5.5625 + 11.5) / 6, rel=1e-12)
    assert float(losses.LeastSquares().generator_loss(FAKE)) == pytest.approx(16.5 / 6, rel=1e-12)


def test_least_squares_is_keras_mean_squared_error():
    error = keras.losses.MeanSquaredError()
    expected = (error(np.ones_like(R), R) + error(np.zeros_like(F), F)) / 2
    assert float(losses.LeastSquares().discriminator_loss(REAL, FAKE)) == pytest.approx(float(expected), rel=1e-6)
    assert float(losses.LeastSquares().generator_loss(FAKE)) == pytest.approx(
        float(error(np.ones_like(F), F)) / 2, rel=1e-6
    )


def test_hinge_by_hand():
    # 1 - R: -1, 2, .75; 1 + F: 1.5, -2, 2.5
    assert float(losses.Hinge().discriminator_loss(REAL, FAKE)) == pytest.approx((2.75 + 4) / 3, rel=1e-12)
    assert float(losses.Hinge().generator_loss(FAKE)) == pytest.approx(1 / 3, rel=1e-12)


def test_hinge_is_keras_hinge():
    hinge = keras.losses.Hinge()
    expected = hinge(np.ones_like(R), R) + hinge(-np.ones_like(F), F)
    assert float(losses.Hinge().discriminator_loss(REAL, FAKE)) == pytest.approx(float(expected), rel=1e-6)


def test_wasserstein_by_hand():
    assert float(losses.Wasserstein().discriminator_loss(REAL, FAKE)) == pytest.approx((-1 - 1.25) / 3, rel=1e-12)
    assert float(losses.Wasserstein().generator_loss(FAKE)) == pytest.approx(1 / 3, rel=1e-12)


def test_relativistic_compares_each_example_with_the_one_beside_it():
    # R - F: 1.5, 2, -1.25
    leads = np.array([1.5, 2.0, -1.25])
    loss = losses.Relativistic()
    assert float(loss.discriminator_loss(REAL, FAKE)) == pytest.approx(-np.mean(np.log(sigmoid(leads))), rel=1e-12)
    assert float(loss.generator_loss(FAKE, REAL)) == pytest.approx(-np.mean(np.log(sigmoid(-leads))), rel=1e-12)
    assert float(loss.generator_loss(FAKE, REAL)) != float(loss.generator_loss(REAL, FAKE))


def test_relativistic_average_compares_each_example_with_the_mean_of_the_others():
    real_lead, fake_lead = R + 1 / 3, F - 1.25 / 3  # the means of F and R are -1/3 and 1.25/3
    loss = losses.RelativisticAverage()
    value = -np.mean(np.log(sigmoid(real_lead))) - np.mean(np.log(1 - sigmoid(fake_lead)))
    assert float(loss.discriminator_loss(REAL, FAKE)) == pytest.approx(value, rel=1e-12)
    value = -np.mean(np.log(sigmoid(fake_lead))) - np.mean(np.log(1 - sigmoid(real_lead)))
    assert float(loss.generator_loss(FAKE, REAL)) == pytest.approx(value, rel=1e-12)


def test_variational_by_hand():
    # KL: the activation is v, f*(t) = exp(t - 1)
    loss = losses.Variational("kl")
    conjugate = np.mean(np.exp(F - 1))
    assert float(loss.bound(REAL, FAKE)) == pytest.approx(np.mean(R) - conjugate, rel=1e-12)
    assert float(loss.discriminator_loss(REAL, FAKE)) == pytest.approx(conjugate - np.mean(R), rel=1e-12)
    assert float(loss.generator_loss(FAKE)) == pytest.approx(-conjugate, rel=1e-12)
    practical = losses.Variational("kl", "non_saturating")
    assert float(practical.generator_loss(FAKE)) == pytest.approx(-np.mean(F), rel=1e-12)
    assert float(practical.discriminator_loss(REAL, FAKE)) == float(loss.discriminator_loss(REAL, FAKE))


def test_variational_loss_of_the_gan_divergence_is_minimax():
    for method, scores in (("discriminator_loss", (REAL, FAKE)), ("generator_loss", (FAKE,))):
        first, second = (getattr(loss, method)(*scores) for loss in (losses.Variational("gan"), losses.Minimax()))
        assert float(first) == pytest.approx(float(second), rel=1e-12)


@pytest.mark.parametrize("name", ["relativistic", "relativistic_average", "wasserstein"])
def test_only_differences_of_scores_count(name):
    loss = ALL[name]
    assert float(loss.discriminator_loss(REAL + 100, FAKE + 100)) == pytest.approx(
        float(loss.discriminator_loss(REAL, FAKE)), rel=1e-10
    )
    if loss.needs_real_scores:
        assert float(loss.generator_loss(FAKE + 100, REAL + 100)) == pytest.approx(
            float(loss.generator_loss(FAKE, REAL)), rel=1e-10
        )


@pytest.mark.parametrize("name", [name for name in ALL if name != "variational"])
def test_better_scores_make_better_losses(name):
    """The discriminator gains as real examples rise and generated ones fall; the generator as generated ones rise."""
    loss, real, fake = ALL[name], tf.constant([[0.3], [-0.2]]), tf.constant([[0.1], [0.4]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        d_loss, g_loss = loss.discriminator_loss(real, fake), generator_loss(loss, fake, real)
    assert np.max(tape.gradient(d_loss, real)) < 0 < np.min(tape.gradient(d_loss, fake))
    assert np.max(tape.gradient(g_loss, fake)) < 0


@pytest.mark.parametrize("score", [-1e4, -50.0, 0.0, 50.0, 1e4])
@pytest.mark.parametrize("name", [name for name in ALL if name != "variational"])
def test_values_and_gradients_are_finite_for_any_score(name, score):
    loss, real = ALL[name], tf.constant([[0.0], [1.0]])
    for first, second in ((tf.constant([[score], [0.5]]), real), (real, tf.constant([[score], [0.5]]))):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([first, second])
            values = [loss.discriminator_loss(first, second), generator_loss(loss, second, first)]
        assert np.isfinite([float(value) for value in values]).all()
        for value in values:
            for scores in (first, second):
                slope = tape.gradient(value, scores)
                assert slope is None or np.isfinite(slope).all()


# -------------------------------------------------------------------------------------------------------- serialization


@pytest.mark.parametrize("name", ALL)
def test_losses_survive_serialization(name):
    again = losses.get(keras.saving.serialize_keras_object(ALL[name]))
    assert type(again) is type(ALL[name])
    assert float(again.discriminator_loss(REAL, FAKE)) == float(ALL[name].discriminator_loss(REAL, FAKE))


@pytest.mark.parametrize("name", F_DIVERGENCES)
def test_a_variational_loss_keeps_its_divergence_and_objective(name):
    loss = losses.Variational(name, "non_saturating")
    again = losses.get(keras.saving.serialize_keras_object(loss))
    assert again.divergence.get_config() == loss.divergence.get_config()
    assert (again.divergence.name, again.generator_objective) == (name, "non_saturating")


# ------------------------------------------------------------------------------------------------------------- in a GAN


@pytest.mark.parametrize("simultaneous", [False, True], ids=["in turn", "at once"])
@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_gan_trains_on_every_loss(name, simultaneous):
    gan = kgz.GAN.for_images(
        (2,), 3, loss=name, simultaneous=simultaneous, architecture="mlp", units=4, depth=1, seed=0
    )
    gan.compile("adam", "adam", run_eagerly=True)
    kernels = [gan.generator.trainable_weights[0], gan.discriminator.trainable_weights[0]]
    before = [np.array(kernel) for kernel in kernels]
    history = gan.fit(np.random.default_rng(0).standard_normal((8, 2)), batch_size=4, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert int(gan.step) == 2
    assert not any(np.array_equal(a, b) for a, b in zip(before, kernels, strict=True))
    assert type(gan.adversarial_loss) is losses.LOSSES[name]


@pytest.mark.parametrize("simultaneous", [False, True], ids=["in turn", "at once"])
def test_a_relativistic_step_scores_real_examples_with_the_same_discriminator(float64, simultaneous):
    gan = kgz.GAN(
        linear("g", 0.7, 0.2), linear("d", -0.4, 0.3), seed=SEED, loss="relativistic", simultaneous=simultaneous
    )
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    (a, b), (w, c) = players(gan)
    x = np.random.default_rng(0).standard_normal(SIZE)
    draws = noise(0, 1 if simultaneous else 2)
    z, last = draws[0], draws[-1]
    fake = a * z + b
    w_slope = np.mean(sigmoid(w * (fake - x)) * (fake - x))  # of mean softplus(w (fake - x)); c cancels
    moved = w - RATE * w_slope
    judge = w if simultaneous else moved
    fake = a * last + b
    pull = sigmoid(judge * (x - fake)) * judge  # -dL_G / d fake
    logs = gan.train_on_batch(x[:, None], return_dict=True)
    np.testing.assert_allclose(players(gan)[1], [moved, c], rtol=1e-12)
    np.testing.assert_allclose(players(gan)[0], [a + RATE * np.mean(pull * last), b + RATE * np.mean(pull)], rtol=1e-12)
    assert logs["g_loss"] == pytest.approx(np.mean(softplus(judge * (x - fake))), rel=1e-6)


def test_evaluation_compares_generated_examples_with_real_ones(float64):
    gan = kgz.GAN(linear("g", 0.0, 0.5), linear("d", -0.4, 0.3), loss="relativistic")  # which generates 0.5 alone
    gan.compile()
    x = np.random.default_rng(0).standard_normal((SIZE, 1))
    logs = gan.evaluate(x, return_dict=True, verbose=0)
    leads = -0.4 * (x - 0.5)  # of the real examples' scores
    assert logs["d_loss"] == pytest.approx(np.mean(softplus(-leads)), rel=1e-6)
    assert logs["g_loss"] == pytest.approx(np.mean(softplus(leads)), rel=1e-6)


def test_a_loss_of_ones_own_trains():
    class Exponential(losses.AdversarialLoss):
        def discriminator_loss(self, real_scores, fake_scores):
            return tf.reduce_mean(tf.exp(-real_scores)) + tf.reduce_mean(tf.exp(fake_scores))

        def generator_loss(self, fake_scores):
            return tf.reduce_mean(tf.exp(-fake_scores))

    gan = kgz.GAN.for_images((2,), 3, loss=Exponential(), generator_units=4, discriminator_units=2, seed=0)
    gan.compile("adam", "adam", run_eagerly=True)
    before = weights_of(gan)
    gan.fit(np.zeros((4, 2)), batch_size=4, verbose=0)
    assert not np.array_equal(before[1], weights_of(gan)[1])


# ------------------------------------------------------------------------------------------------- losses of the user's


def of_user(**methods):
    """A loss with these methods, and those of the non-saturating loss besides."""
    return type("Own", (losses.NonSaturating,), methods)()


class Half(losses.AdversarialLoss):
    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Half(), "Half without generator_loss"),
        (losses.AdversarialLoss(), "without discriminator_loss and generator_loss"),
        (losses.Hinge, "the class Hinge. Call it"),
        (keras.losses.BinaryCrossentropy(), "Binary cross-entropy is 'non_saturating'"),
        (keras.losses.binary_crossentropy, "Binary cross-entropy is 'non_saturating'"),
        (lambda real, fake: real, "derive from losses.AdversarialLoss"),
        (None, "a name"),
        ("binary_crossentropy", "Did you mean 'non_saturating'"),
        ("mse", "Did you mean 'least_squares'"),
        (of_user(generator_loss=lambda self: 0.0), "generator_loss to take fake_scores"),
        (of_user(needs_real_scores=True), "real scores too"),
        (of_user(discriminator_loss=lambda self, scores: scores), "take real_scores and fake_scores"),
    ],
)
def test_losses_that_cannot_work_are_refused_at_once(loss, message):
    with pytest.raises(InputError, match=message):
        losses.get(loss)


def gradient_stopped(self, fake_scores):
    return tf.reduce_mean(tf.stop_gradient(fake_scores))


def test_a_divergence_without_its_conjugate_is_refused_where_that_is_needed():
    class Half(divergences.FDivergence):
        f = divergences.formula(lambda self, u: (u - 1) ** 2)

    assert divergences.get(Half()).f(3.0) == 4  # for divergences that are computed by f alone
    with pytest.raises(InputError, match=r"Expected a FDivergence with conjugate\. Received: a Half without"):
        losses.Variational(Half())


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"generator_loss": lambda self, fake: -fake}, r"shape \(4, 1\)"),
        ({"generator_loss": lambda self, fake: None}, "Received: None"),
        ({"generator_loss": lambda self, fake: 0.5}, r"Received: 0\.5"),
        ({"generator_loss": lambda self, fake: tf.size(fake)}, "int32"),
        ({"generator_loss": gradient_stopped}, "without a gradient"),
        ({"discriminator_loss": lambda self, real, fake: tf.reduce_mean(real - fake, 0)}, r"shape \(1,\)"),
        ({"discriminator_loss": lambda self, real, fake: tf.reduce_mean(tf.round(real + fake))}, "without a gradient"),
    ],
)
def test_a_loss_is_one_number_with_a_gradient(methods, message):
    with pytest.raises(InputError, match=message):
        losses.check_values(of_user(**methods), (4, 1))


@pytest.mark.parametrize("shape", [(4, 1), (4, 3, 3, 1)])
def test_losses_that_work_are_left_alone(shape):
    def none_of_real(self, real_scores, fake_scores):
        return tf.reduce_mean(fake_scores)

    def by_real(self, fake_scores, real_scores):
        return tf.reduce_mean(fake_scores - real_scores)

    for methods in ({}, {"discriminator_loss": none_of_real}, {"generator_loss": by_real, "needs_real_scores": True}):
        losses.check_values(losses.get(of_user(**methods)), shape)


def test_fit_checks_a_loss_before_the_first_step():
    gan = kgz.GAN.for_images(
        (2,), 3, architecture="mlp", units=4, loss=of_user(generator_loss=lambda self, fake: -fake)
    )
    gan.compile()
    with pytest.raises(InputError, match="Expected generator_loss of Own to return one number"):
        gan.fit(np.zeros((64, 2), np.float32), verbose=0)
    assert gan.steps_done == 0
