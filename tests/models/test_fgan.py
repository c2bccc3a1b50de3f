"""The single-step gradient method of f-GAN, held against updates worked out on paper."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.divergences import F_DIVERGENCES, FDivergence, formula
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, derivative, linear, noise, players
from tests.equality import CLASSES
from tests.helpers import assert_same, weights_of

RATE = 0.1
VECTORS = np.random.default_rng(0).standard_normal((32, 2)).astype("float32")


def linear_fgan(w=-0.4, **arguments):
    """The variational function w x + c, the generator a z + b."""
    gan = kgz.FGAN(linear("g", 0.7, 0.2), linear("d", w, 0.3), seed=SEED, **arguments)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    return gan


def vector_fgan(**arguments):
    return kgz.FGAN.for_images((2,), 3, units=4, depth=1, seed=0, **arguments)


@pytest.fixture
def data():
    return np.random.default_rng(0).standard_normal((SIZE, 1))


# ----------------------------------------------------------------------------------------------- the algorithm on paper

CONJUGATES = {  # of both divergences the activation is the identity
    "kl": (lambda t: np.exp(t - 1), lambda t: np.exp(t - 1)),  # f* and its derivative
    "pearson": (lambda t: t**2 / 4 + t, lambda t: t / 2 + 1),  # from t = -2 on
}


@pytest.mark.parametrize("name", CONJUGATES)
@pytest.mark.parametrize("objective", ["minimax", "non_saturating"])
def test_a_step_moves_both_players_from_the_same_point(float64, data, name, objective):
    conjugate, slope = CONJUGATES[name]
    gan = linear_fgan(divergence=name, generator_objective=objective)
    (a, b), (w, c) = players(gan)
    [z] = noise(0, 1)
    x, fake = data[:, 0], a * z + b
    real_scores, fake_scores = w * x + c, w * fake + c
    assert fake_scores.min() > -2
    bound = np.mean(real_scores) - np.mean(conjugate(fake_scores))
    w_slope = np.mean(x) - np.mean(slope(fake_scores) * fake)  # of F, which the discriminator raises
    c_slope = 1 - np.mean(slope(fake_scores))
    pull = slope(fake_scores) if objective == "minimax" else np.ones(SIZE)  # -dL_G / dV
    g_loss = -np.mean(conjugate(fake_scores) if objective == "minimax" else fake_scores)
    logs = gan.train_on_batch(data, return_dict=True)
    np.testing.assert_allclose(
        players(gan)[0], [a + RATE * np.mean(pull * w * z), b + RATE * np.mean(pull * w)], rtol=1e-12
    )
    np.testing.assert_allclose(players(gan)[1], [w + RATE * w_slope, c + RATE * c_slope], rtol=1e-12)
    assert logs["divergence"] == pytest.approx(bound, rel=1e-6)
    assert logs["d_loss"] == -logs["divergence"]
    assert logs["g_loss"] == pytest.approx(g_loss, rel=1e-6)


def test_a_slope_penalty_is_in_the_loss_but_not_in_the_bound(float64, data):
    plain, penalised = linear_fgan(divergence="pearson"), linear_fgan(divergence="pearson", r1=0.5)
    first, second = (gan.train_on_batch(data, return_dict=True) for gan in (plain, penalised))
    assert second["divergence"] == first["divergence"]
    assert second["d_loss"] == pytest.approx(first["d_loss"] + 0.5 / 2 * 0.4**2, rel=1e-6)


def test_evaluation_logs_the_bound(float64, data):
    gan = linear_fgan(divergence="kl")
    gan.generator.set_weights([np.zeros((1, 1)), np.array([0.5])])  # the noise of evaluation does not matter
    logs = gan.evaluate(data, return_dict=True, verbose=0)
    expected = np.mean(-0.4 * data + 0.3) - np.exp(-0.4 * 0.5 + 0.3 - 1)
    assert logs["divergence"] == pytest.approx(expected, rel=1e-6)
    assert logs["d_loss"] == -logs["divergence"]


# -------------------------------------------------------------------------------------------------- the same as the GAN


@pytest.mark.parametrize("conditional", [False, True], ids=["unconditional", "conditional"])
def test_the_gan_divergence_is_the_minimax_gan_bit_for_bit(conditional):
    arguments = {
        "num_classes": CLASSES if conditional else None,
        "architecture": "mlp",
        "units": 6,
        "depth": 1,
        "seed": 4,
    }
    batch = (VECTORS, np.arange(32) % CLASSES) if conditional else (VECTORS,)
    fgan = kgz.FGAN.for_images((2,), 3, divergence="gan", **arguments)
    gan = kgz.GAN.for_images((2,), 3, loss="minimax", simultaneous=True, **arguments)
    before = weights_of(gan)
    logs = []
    for model in (fgan, gan):
        model.compile("adam", "adam", run_eagerly=conditional)
        logs.append(model.fit(*batch, batch_size=8, verbose=0).history)
    assert_same(weights_of(fgan), weights_of(gan))
    assert not np.array_equal(before[1], weights_of(gan)[1])
    for name in ("d_loss", "g_loss"):
        assert logs[0][name] == pytest.approx(logs[1][name], rel=1e-6)


def test_the_non_saturating_objective_is_that_of_the_gan():
    arguments = {"architecture": "mlp", "units": 6, "depth": 1, "seed": 4}
    fgan = kgz.FGAN.for_images((2,), 3, divergence="gan", generator_objective="non_saturating", **arguments)
    gan = kgz.GAN.for_images((2,), 3, simultaneous=True, **arguments)
    for model in (fgan, gan):
        model.compile("adam", "adam", run_eagerly=True)
        model.fit(VECTORS, batch_size=8, verbose=0)
    assert_same(weights_of(fgan), weights_of(gan))


# ----------------------------------------------------------------------------------------------------- every divergence


@pytest.mark.parametrize("objective", ["minimax", "non_saturating"])
@pytest.mark.parametrize("name", F_DIVERGENCES)
def test_every_divergence_trains(name, objective):
    gan = vector_fgan(divergence=name, generator_objective=objective)
    gan.compile("adam", "adam", run_eagerly=True)
    before = weights_of(gan)
    history = gan.fit(VECTORS, batch_size=16, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert history["d_loss"][0] == -history["divergence"][0]
    assert not any(np.array_equal(a, b) for a, b in zip(before, weights_of(gan), strict=True))


# ------------------------------------------------------------------------------------------------- one's own divergence


@keras.saving.register_keras_serializable("test_fgan")
class LeCam(FDivergence):
    """The example in the docstring of `FDivergence`, with a parameter."""

    domain = (-math.inf, 1.0)
    f = formula(lambda self, u: self.scale * (u - 1) ** 2 / (u + 1))
    conjugate = formula(
        lambda self, t: (
            self.scale * (4 - tf.maximum(t / self.scale, -3) - 4 * tf.sqrt(1 - tf.maximum(t / self.scale, -3)))
        )
    )
    activation = formula(lambda self, v: self.scale * (1 - tf.exp(-v)))

    def __init__(self, scale=1.0):
        self.scale = scale

    def get_config(self):
        return {"scale": self.scale}


def test_a_divergence_of_ones_own_trains_and_is_saved(float64, data, tmp_path):
    gan = linear_fgan(divergence=LeCam(2.0))
    (a, b), d = players(gan)
    [z] = noise(0, 1)

    def bound(d):
        real, fake = 2 * (1 - np.exp(-(d[0] * data[:, 0] + d[1]))), 1 - np.exp(-(d[0] * (a * z + b) + d[1]))
        return np.mean(real) - np.mean(2 * (4 - fake - 4 * np.sqrt(1 - fake)))

    gan.train_on_batch(data)
    np.testing.assert_allclose(players(gan)[1], d + RATE * derivative(bound, d), rtol=1e-12)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert type(again.divergence) is LeCam
    assert again.divergence.scale == 2.0
    for model in (gan, again):
        model.train_on_batch(data)
    assert_same(weights_of(gan), weights_of(again))


# -------------------------------------------------------------------------------------------------------- its arguments


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        ({"divergence": "alpha", "alpha": 0.3}, "alpha", 0.3),
        ({"divergence": "alpha", "alpha": 2.5}, "alpha", 2.5),
        ({"divergence": "alpha"}, "alpha", 0.5),
        ({"divergence": "weighted_jensen_shannon", "weight": 0.2}, "weight", 0.2),
        ({"divergence": "weighted_jensen_shannon"}, "weight", 0.5),
    ],
)
def test_parameters_of_divergences_arrive_and_are_saved(arguments, name, value, tmp_path):
    gan = vector_fgan(**arguments, generator_objective="non_saturating")
    assert getattr(gan.divergence, name) == value
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert again.divergence.name == arguments["divergence"]
    assert getattr(again.divergence, name) == getattr(again.adversarial_loss.divergence, name) == value
    assert again.adversarial_loss.generator_objective == "non_saturating"


def test_one_divergence_does_not_change_another():
    vector_fgan(divergence="alpha", alpha=0.3)
    assert vector_fgan(divergence="alpha").divergence.alpha == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"divergence": "kl", "alpha": 0.3}, "Expected alpha with 'alpha' only. Received: 'kl'"),
        ({"alpha": 0.3}, "Received: 'jensen_shannon'"),
        ({"divergence": "jensen_shannon", "weight": 0.3}, "Expected weight with 'weighted_jensen_shannon' only"),
        ({"divergence": "alpha", "weight": 0.3}, "Expected weight with"),
        ({"divergence": "alpha", "alpha": 1}, "Use reverse_kl for 0, kl for 1"),
        ({"divergence": "alpha", "alpha": 0.0}, "Expected alpha in"),
        ({"divergence": "alpha", "alpha": -0.5}, "Expected alpha in"),
        ({"divergence": "alpha", "alpha": float("nan")}, "Expected alpha in"),
        ({"divergence": "alpha", "alpha": float("inf")}, "Expected alpha in"),
        ({"divergence": "weighted_jensen_shannon", "weight": 0.0}, "between 0 and 1"),
        ({"divergence": "weighted_jensen_shannon", "weight": 1}, "between 0 and 1"),
        ({"divergence": "weighted_jensen_shannon", "weight": float("nan")}, "between 0 and 1"),
        ({"divergence": "pearsn"}, "Unknown divergence 'pearsn'.*Did you mean 'pearson'"),
        ({"divergence": "KL"}, "Unknown divergence 'KL'. Expected one of: alpha, gan, jeffrey"),
        ({"divergence": 3}, "Expected the name of a divergence or an instance"),
        ({"divergence": None}, "Expected the name of a divergence or an instance"),
        ({"generator_objective": "saturating"}, "Did you mean 'non_saturating'"),
        ({"loss": "minimax"}, "Unknown argument of FGAN.for_images 'loss'"),
    ],
)
def test_mistaken_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        vector_fgan(**arguments)


def test_the_networks_and_the_optimizer_are_the_papers():
    gan = kgz.FGAN.for_images((28, 28, 1))
    hidden = [layer for layer in gan.generator.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in hidden] == [1200, 1200, 784]
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in gan.generator.layers) == 2
    hidden = [layer for layer in gan.discriminator.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in hidden] == [240, 240, 1]
    assert [layer.activation for layer in hidden] == [keras.activations.elu] * 2 + [keras.activations.linear]
    gan.compile()
    assert type(gan.discriminator_optimizer) is type(gan.generator_optimizer) is keras.optimizers.Adam
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(2e-4)
    assert gan.generator_optimizer.beta_1 == 0.5
