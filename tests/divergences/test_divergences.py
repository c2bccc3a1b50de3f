"""Every f-divergence against oracles of its own: densities in NumPy, suprema by search, integrals by quadrature."""

import dataclasses
import functools
import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import lambertw, ndtr, wrightomega

from keras_gan_zoo import divergences
from keras_gan_zoo.divergences import (
    F_DIVERGENCES,
    Alpha,
    FDivergence,
    WeightedJensenShannon,
    estimate,
    formula,
    gaussian,
    table,
)
from keras_gan_zoo.errors import InputError
from tests.helpers import slow

EVERY = [
    *F_DIVERGENCES.values(),
    *(WeightedJensenShannon(weight) for weight in (0.1, 0.9)),
    *(Alpha(alpha) for alpha in (0.1, 0.6, 0.9, 1.5, 2.0, 2.5)),
]
SMOOTH = [divergence for divergence in EVERY if divergence.name != "total_variation"]
every, smooth = (pytest.mark.parametrize("divergence", rows, ids=str) for rows in (EVERY, SMOOTH))
PAIRS = [(0, 1, 1, 1), (0, 1, 1, 1.5), (0, 1, 0, 2), (0.5, 1.2, -0.3, 1)]

LINE = np.linspace(-30, 30, 40_001)  # the trapezoidal rule on it is exact to rounding for smooth integrands
FORMULAS = ["f", "derivative", "conjugate", "activation", "conjugate_of_activation"]


def integrand(divergence, p, q):
    """What the divergence integrates, by its definition on densities."""
    w, a = getattr(divergence, "weight", None), getattr(divergence, "alpha", None)
    with np.errstate(divide="ignore", invalid="ignore"):
        match divergence.name:
            case "kl":
                return p * np.log(p / q)
            case "reverse_kl":
                return q * np.log(q / p)
            case "pearson":
                return (p - q) ** 2 / q
            case "neyman":
                return (p - q) ** 2 / p
            case "squared_hellinger":
                return p + q - 2 * np.sqrt(p) * np.sqrt(q)
            case "jeffrey":
                return (p - q) * (np.log(p) - np.log(q))
            case "jensen_shannon":
                return p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))
            case "weighted_jensen_shannon":
                mixture = w * p + (1 - w) * q
                return w * p * np.log(p / mixture) + (1 - w) * q * np.log(q / mixture)
            case "gan":
                return p * np.log(p / (p + q)) + q * np.log(q / (p + q))
            case "total_variation":
                return np.abs(p - q) / 2
            case "alpha":
                return (p * (p / q) ** (a - 1) - a * p - (1 - a) * q) / (a * (a - 1))


def exact_conjugate_of_activation(divergence, v):
    """f*(g(v)) on paper, in float64."""
    w, a = getattr(divergence, "weight", None), getattr(divergence, "alpha", None)
    softplus, omega = np.logaddexp(0, v), wrightomega(1 - v)
    closed_forms = {
        "kl": lambda: np.exp(v) / np.e,
        "reverse_kl": lambda: v - 1,
        "pearson": lambda: np.where(v < -2, -1, (v / 2 + 1) ** 2 - 1),
        "neyman": lambda: 2 - 2 / np.sqrt(np.exp(v)),
        "squared_hellinger": lambda: np.exp(v) - 1,
        "jeffrey": lambda: omega + 1 / omega + v - 2,
        "jensen_shannon": lambda: softplus - np.log(2),
        "weighted_jensen_shannon": lambda: (1 - w) * np.log((1 - w) * (1 + np.exp(v))),
        "gan": lambda: softplus,
        "total_variation": lambda: 0.5 - 1 / (1 + np.exp(2 * v)),
        "alpha": lambda: (
            (((1 - a) * np.log1p(np.exp(-v))) ** (-a / (1 - a)) - 1) / a
            if a < 1
            else (np.maximum(1 + (a - 1) * v, 0) ** (a / (a - 1)) - 1) / a
        ),
    }
    return closed_forms[divergence.name]()


exact_value = functools.cache(lambda divergence, pair: gaussian(divergence, *pair))


def density(mean, std, x=LINE):
    return np.exp(-(((x - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))


def suprema(divergence, t):
    """sup over u >= 0 of ut - f(u) for each t by search, with f by its definition."""
    u = np.exp(np.linspace(-16, 16, 200_001))
    f = integrand(divergence, u, 1.0)
    at_zero = -float(divergence.f(0.0))
    return [max(np.max(u * slope - f), at_zero) for slope in t]


def derivatives(function, x):
    """First and second derivative of an elementwise function."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = function(x)
        first = inner.gradient(value, x)
    return np.asarray(first), np.asarray(outer.gradient(first, x, unconnected_gradients="zero"))


# ------------------------------------------------------------------------------------------------------- f and f'


@every
def test_f_is_the_divergence_between_densities(divergence):
    u = np.geomspace(1e-4, 1e4, 401)
    np.testing.assert_allclose(divergence.f(u), integrand(divergence, u, 1.0), rtol=1e-9, atol=1e-12)


@every
def test_f_is_convex_and_zero_at_one(divergence):
    expected = -np.log(4) if divergence.name == "gan" else 0
    assert float(divergence.f(1)) == pytest.approx(expected, abs=1e-15)
    u = np.linspace(0.01, 20, 2001)
    f = np.asarray(divergence.f(u))
    chord = (f[:-2] + f[2:]) / 2 - f[1:-1]
    assert chord.min() > -1e-12
    assert chord.max() > 1e-7


def test_f_at_zero_is_its_limit():
    limits = {
        **{"kl": 0, "reverse_kl": np.inf, "pearson": 1, "neyman": np.inf, "squared_hellinger": 1, "jeffrey": np.inf},
        **{"jensen_shannon": np.log(2), "weighted_jensen_shannon": np.log(2) / 2, "gan": 0, "total_variation": 0.5},
        "alpha": 2,
    }
    assert {name: float(row.f(0)) for name, row in F_DIVERGENCES.items()} == pytest.approx(limits, abs=1e-15)
    assert float(Alpha(3).f(0)) == pytest.approx(1 / 3)


@every
def test_derivative_and_threshold(divergence):
    u = np.geomspace(1e-2, 1e2, 41)  # its middle is the kink of total variation, where the slope is 0 by symmetry
    step = 1e-5 * u
    slope = (integrand(divergence, u + step, 1.0) - integrand(divergence, u - step, 1.0)) / (2 * step)
    np.testing.assert_allclose(divergence.derivative(u), slope, rtol=1e-6, atol=1e-7)
    assert divergence.threshold == pytest.approx(slope[20], abs=1e-7)
    assert isinstance(divergence.threshold, float)


@every
def test_derivative_agrees_with_differentiating_f(divergence):
    u = np.geomspace(1e-3, 1e3, 40)
    np.testing.assert_allclose(divergence.derivative(u), FDivergence.derivative(divergence, u), rtol=1e-9, atol=1e-12)


def test_thresholds_of_the_paper():
    nonzero = {"kl": 1.0, "reverse_kl": -1.0, "gan": -np.log(2)}
    expected = {name: nonzero.get(name, 0.0) for name in F_DIVERGENCES}
    assert {name: row.threshold for name, row in F_DIVERGENCES.items()} == pytest.approx(expected, abs=1e-15)


# ------------------------------------------------------------------------------------------------------ conjugates


@every
def test_conjugate_is_the_supremum(divergence):
    low = max(divergence.domain[0], -30)
    slopes = np.asarray(divergence.derivative(np.geomspace(1e-3, 1e3, 25)))
    t = np.unique([*slopes[slopes >= low], *np.linspace(low, min(divergence.domain[1] - 0.05, 3), 15)])
    np.testing.assert_allclose(divergence.conjugate(t), suprema(divergence, t), rtol=1e-6, atol=2e-7)


@smooth
def test_slope_of_the_conjugate_is_where_the_supremum_is(divergence):
    u = np.geomspace(1e-2, 1e2, 41)
    first, second = derivatives(divergence.conjugate, divergence.derivative(u))
    np.testing.assert_allclose(first, u, rtol=1e-7)
    _, curvature = derivatives(divergence.f, u)
    np.testing.assert_allclose(second, 1 / curvature, rtol=1e-6)  # f*'' = 1 / f''


def test_conjugates_where_the_supremum_is_at_zero():
    assert np.asarray(F_DIVERGENCES["pearson"].conjugate([-2.0, -3.0, -1e6])).tolist() == [-1, -1, -1]
    assert np.asarray(F_DIVERGENCES["total_variation"].conjugate([-0.5, -3.0, 0.25, 0.5])).tolist() == [
        *(-0.5, -0.5, 0.25, 0.5)
    ]
    np.testing.assert_allclose(Alpha(3).conjugate([-0.5, -2.0, -100.0]), -1 / 3)
    assert float(F_DIVERGENCES["neyman"].conjugate(1.0)) == 2  # a supremum that no u attains


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outside_its_domain_a_conjugate_is_infinite_and_its_gradients_are_numbers(divergence, dtype):
    t = np.array([-1, 0.01, 1, 100], dtype) + dtype(min(divergence.domain[1], 1e9))
    values = np.asarray(divergence.conjugate(t))
    finite_everywhere = divergence.domain[1] == math.inf
    assert np.isinf(values[1:]).all() != finite_everywhere or divergence.name in ("kl", "jeffrey")
    t = t if not finite_everywhere else np.array([-1, 1, 10, 50], dtype)
    assert np.isfinite(derivatives(divergence.conjugate, t)).all()
    assert np.isfinite(values[0]) or finite_everywhere


@given(st.sampled_from(EVERY), st.floats(0, 1e5), st.floats(-12, 12))
def test_fenchel_young_inequality(divergence, u, v):
    t, f = float(divergence.activation(v)), float(divergence.f(u))
    conjugate = float(divergence.conjugate_of_activation(v))
    assert u * t <= f + conjugate + 1e-9 * (1 + abs(u * t) + abs(conjugate))


@given(st.sampled_from(SMOOTH), st.floats(1e-3, 1e3))
def test_fenchel_young_is_an_equality_at_the_slope(divergence, u):
    t = float(divergence.derivative(u))
    gap = float(divergence.f(u)) + float(divergence.conjugate(t)) - u * t
    assert abs(gap) <= 1e-8 * (1 + abs(u * t))


# ------------------------------------------------------------------------------------------------------ activations


@every
def test_activation_increases_from_the_reals_onto_the_domain(divergence):
    low, high = divergence.domain
    values = np.asarray(divergence.activation(np.linspace(-17, 17, 341)))
    assert (np.diff(values) > 0).all()
    assert low < values[0]
    assert values[-1] < high
    ends = np.asarray(divergence.activation([-700.0, 40.0]))
    assert ends[0] == pytest.approx(low) if low > -math.inf else ends[0] < -60
    assert ends[1] == pytest.approx(high) if high < math.inf else ends[1] >= 40


@every
def test_activation_in_float32_never_leaves_the_domain_nor_decreases(divergence):
    values = np.asarray(divergence.activation(np.linspace(-50, 50, 2001, dtype=np.float32)))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert (np.diff(values) >= -2 * np.spacing(np.abs(values[1:]))).all()  # but for rounding
    assert np.float32(divergence.domain[0]) <= values.min()
    assert values.max() <= np.float32(divergence.domain[1])


@every
def test_conjugate_of_activation_is_their_composition(divergence):
    v = np.linspace(-12, 12, 241)
    expected = divergence.conjugate(divergence.activation(v))
    np.testing.assert_allclose(divergence.conjugate_of_activation(v), expected, rtol=1e-8, atol=1e-10)


@every
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_conjugate_of_activation_is_exact_from_minus_50_to_50(divergence, dtype, rtol):
    v = _representable(divergence, np.linspace(-50, 50, 2001), dtype)
    expected = exact_conjugate_of_activation(divergence, v.astype(np.float64))
    values = np.asarray(divergence.conjugate_of_activation(v))
    assert values.dtype == dtype
    np.testing.assert_allclose(values, expected, rtol=rtol, atol=rtol / 10)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_are_finite_from_minus_50_to_50(divergence, dtype):
    v = _representable(divergence, [*np.linspace(-50, 50, 1001), -2, -1, 0, 1], dtype)
    for function in (divergence.activation, divergence.conjugate_of_activation):
        assert np.isfinite(derivatives(function, v)).all()
    first, _ = derivatives(divergence.conjugate_of_activation, v)
    assert (first >= 0).all()  # f* and g increase


def _representable(divergence, v, dtype):
    """Alpha from 0.64 on exceeds float32 (at 0.9 like exp(9 v)), and float64 sometime."""
    alpha = getattr(divergence, "alpha", 0)
    growth = alpha / (1 - alpha) if alpha < 1 else 0
    highest = np.log(np.finfo(dtype).max) / growth - 5 if growth > 1.6 else np.inf
    v = np.asarray(v, dtype)
    return v[v < highest]


def test_gan_is_the_value_function_bit_for_bit():
    v = tf.constant(np.random.default_rng(0).normal(0, 10, 10_000), tf.float32)
    np.testing.assert_array_equal(F_DIVERGENCES["gan"].activation(v), -tf.nn.softplus(-v))
    np.testing.assert_array_equal(F_DIVERGENCES["gan"].conjugate_of_activation(v), tf.nn.softplus(v))


def test_log_omega_against_scipy():
    x = np.linspace(-60, 60, 4801)
    log_omega = table._log_omega(tf.constant(x))
    np.testing.assert_allclose(np.exp(log_omega), wrightomega(x), rtol=2e-14)
    np.testing.assert_allclose(np.exp(log_omega), lambertw(np.exp(x)).real, rtol=2e-14)
    single = table._log_omega(tf.constant(x, tf.float32))
    assert single.dtype == tf.float32
    np.testing.assert_allclose(single, np.log(wrightomega(x.astype(np.float32).astype(float))), rtol=5e-7, atol=5e-7)


def test_log_omega_differentiates_twice():
    x = np.linspace(-60, 60, 481)
    omega = wrightomega(x)
    first, second = derivatives(table._log_omega, x)
    np.testing.assert_allclose(first, 1 / (1 + omega), rtol=1e-13)
    np.testing.assert_allclose(second, -omega / (1 + omega) ** 3, rtol=1e-12, atol=1e-15)


# ------------------------------------------------------------------------------------------------- as TensorFlow code


@every
def test_what_goes_in_and_what_comes_out(divergence):
    for name in FORMULAS:
        method, x = getattr(divergence, name), -0.25 if "conjugate" in name else 0.25
        expected = float(method(x))
        assert method(x).dtype == tf.float64
        assert method(np.array([x, x])).shape == (2,)
        assert method([x]).dtype == method(np.array([1])).dtype == method(tf.constant(1)).dtype == tf.float64
        for single in (np.float32([x]), tf.constant([x]), tf.Variable([x]), keras.Variable([x])):
            assert method(single).dtype == tf.float32
            assert float(method(single)[0]) == pytest.approx(expected, rel=1e-5)


@every
def test_formulas_trace_into_a_graph(divergence):
    @tf.function
    def traced(v):
        return [getattr(divergence, name)(v) for name in FORMULAS], tf.constant(divergence.threshold, tf.float64)

    v = tf.constant([0.1, 0.2, 0.3], tf.float64)
    values, threshold = traced(v)
    for name, value in zip(FORMULAS, values, strict=True):
        np.testing.assert_allclose(value, getattr(divergence, name)(v), rtol=1e-12)
    assert float(threshold) == divergence.threshold


def test_gradients_reach_the_weights_that_compute_v_and_their_slopes():
    x = tf.constant(np.random.default_rng(0).normal(size=(16, 2)))
    weights = tf.Variable(np.ones((2, 1)))
    for divergence in EVERY:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_sum(divergence.conjugate_of_activation(x @ weights))
            penalty = tf.reduce_sum(inner.gradient(value, x) ** 2)
        assert np.isfinite(outer.gradient(penalty, weights)).all()
        assert float(penalty) > 0


# --------------------------------------------------------------------------------------------------------- Gaussians


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@every
def test_gaussian_is_the_integral_of_the_definition(divergence, pair):
    exact = exact_value(divergence, pair)
    if divergence.name == "neyman" and 2 * pair[1] ** 2 <= pair[3] ** 2:
        assert exact == math.inf
        return
    p, q = density(*pair[:2]), density(*pair[2:])
    integral = np.trapezoid(np.nan_to_num(integrand(divergence, p, q)), LINE)
    assert exact == pytest.approx(integral, rel=1e-6 if divergence.name == "total_variation" else 1e-9)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@every
def test_the_bound_is_tight_at_the_optimal_critic_and_holds_elsewhere(divergence, pair):
    exact = exact_value(divergence, pair)
    if divergence.name == "neyman" and 2 * pair[1] ** 2 <= pair[3] ** 2:
        assert exact == math.inf
        return
    p, q = density(*pair[:2]), density(*pair[2:])
    if (
        divergence.domain[1] < math.inf
    ):  # T* rounds to the end of the domain where p > 1e13 q, outside of which f* is inf
        p, q = np.where(p < 1e13 * q, (p, q), 1e-200)
    optimum = divergence.derivative(p / q)
    bound = np.trapezoid(p * optimum - q * np.asarray(divergence.conjugate(optimum)), LINE)
    assert bound == pytest.approx(exact, rel=1e-6, abs=1e-6)
    draw = np.random.default_rng(0)
    for slope, offset in draw.normal(size=(5, 2)):
        v = np.tanh(slope * LINE + offset)
        terms = p * np.asarray(divergence.activation(v)) - q * np.asarray(divergence.conjugate_of_activation(v))
        assert np.trapezoid(terms, LINE) < exact - 1e-4


# KL, reverse KL, Pearson, squared Hellinger, JSD, total variation, GAN's value: computed apart from this package
TABLE = {
    (0, 1, 1, 1): (0.5, 0.5, 1.718282, 0.235006, 0.111421, 0.382924, -1.163451),
    (0, 1, 1, 1.5): (0.349910, 0.719535, 0.600415, 0.220731, 0.099290, 0.346123, -1.187714),
    (0, 1, 0, 2): (0.318147, 0.806853, 0.511858, 0.211146, 0.092733, 0.322674, -1.200828),
    (0.5, 1.2, -0.3, 1): (0.357678, 0.251766, 2.491896, 0.142356, 0.067595, 0.291992, -1.251104),
}


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_gaussian_against_the_table(pair):
    names = ["kl", "reverse_kl", "pearson", "squared_hellinger", "weighted_jensen_shannon", "total_variation", "gan"]
    assert [gaussian(name, *pair) for name in names] == pytest.approx(TABLE[pair], abs=1e-6)
    kl, reverse_kl, _, _, jsd, _, gan = TABLE[pair]
    assert gaussian("jensen_shannon", *pair) == pytest.approx(2 * jsd, abs=2e-6)
    assert gan == pytest.approx(2 * jsd - np.log(4), abs=2e-6)
    assert gaussian("jeffrey", *pair) == pytest.approx(kl + reverse_kl, abs=2e-6)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_identities_between_divergences(pair):
    def value(name, **parameters):
        return gaussian(divergences.get(name, **parameters), *pair)

    swapped = (*pair[2:], *pair[:2])
    assert value("jensen_shannon") == pytest.approx(value("gan") + np.log(4), abs=1e-9)
    assert value("weighted_jensen_shannon") == pytest.approx(value("jensen_shannon") / 2, abs=1e-9)
    assert value("weighted_jensen_shannon", weight=0.1) == pytest.approx(
        gaussian(WeightedJensenShannon(0.9), *swapped), abs=1e-9
    )
    assert value("alpha", alpha=2) == pytest.approx(value("pearson") / 2)
    assert value("alpha", alpha=0.5) == pytest.approx(2 * value("squared_hellinger"))
    assert value("alpha", alpha=1 - 1e-6) == pytest.approx(value("kl"), rel=1e-4)
    assert value("alpha", alpha=1 + 1e-6) == pytest.approx(value("kl"), rel=1e-4)
    assert value("alpha", alpha=1e-6) == pytest.approx(value("reverse_kl"), rel=1e-4)
    for name, mirrored in [("kl", "reverse_kl"), ("pearson", "neyman"), ("total_variation", "total_variation")]:
        assert value(name) == pytest.approx(gaussian(mirrored, *swapped), rel=1e-8)


def test_alpha_2_is_half_of_pearson_and_one_half_is_hellinger_twice_everywhere():
    u, t = np.geomspace(1e-3, 1e3, 99), np.linspace(-5, 0.9, 99)
    np.testing.assert_allclose(2 * Alpha(2).f(u), F_DIVERGENCES["pearson"].f(u), atol=1e-12)
    np.testing.assert_allclose(2 * Alpha(2).conjugate(t), F_DIVERGENCES["pearson"].conjugate(2 * t), atol=1e-12)
    np.testing.assert_allclose(Alpha(0.5).f(u), 2 * F_DIVERGENCES["squared_hellinger"].f(u), atol=1e-12)
    twice = 2 * F_DIVERGENCES["squared_hellinger"].conjugate(t)
    np.testing.assert_allclose(Alpha(0.5).conjugate(2 * t), twice, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("pearson", (0, 2, 0, 1)),
        ("pearson", (0, 1, 3, math.sqrt(0.5))),
        ("neyman", (0, 1, 0, 2)),
        (Alpha(3), (0, 1, 0, 0.8)),
    ],
    ids=str,
)
def test_gaussian_is_infinite_where_the_integral_diverges(name, pair):
    assert gaussian(name, *pair) == math.inf


def test_gaussian_of_equal_distributions():
    for divergence in EVERY:
        expected = -np.log(4) if divergence.name == "gan" else 0
        assert gaussian(divergence, 3, 0.1, 3, 0.1) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("distance", [0.1, 2, 30, 1e4])
def test_total_variation_of_shifted_gaussians(distance):
    exact = 2 * ndtr(distance / 2 / 0.3) - 1
    assert gaussian("total_variation", 5, 0.3, 5 - distance, 0.3) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("narrow", [0.5, 1e-2, 1e-5])
def test_quadrature_finds_narrow_densities(narrow):
    crossing = brentq(lambda x: np.log(narrow) + (x / narrow) ** 2 / 2 - x**2 / 2, narrow, 30 * narrow)
    exact = 2 * (ndtr(crossing / narrow) - ndtr(crossing))
    assert gaussian("total_variation", 0, 1, 0, narrow) == pytest.approx(exact, abs=1e-11)
    assert gaussian("total_variation", 0, narrow, 0, 1) == pytest.approx(exact, abs=1e-8)


def test_jensen_shannon_of_distant_gaussians_is_log_4():
    assert gaussian("jensen_shannon", 0, 1, 1000, 5) == pytest.approx(np.log(4), abs=1e-8)
    assert gaussian("gan", 0, 1, -1000, 5) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("numbers", [(0, 0, 0, 1), (0, 1, 0, -1), (0, 1, 0, math.nan), (math.inf, 1, 0, 1)], ids=str)
def test_gaussian_refuses_what_is_no_gaussian(numbers):
    with pytest.raises(InputError, match="positive standard deviations"):
        gaussian("kl", *numbers)


# ------------------------------------------------------------------------------------------------- divergences of users


@keras.saving.register_keras_serializable("test_divergences")
class LeCam(FDivergence):
    domain = (-math.inf, 1.0)
    f = formula(lambda self, u: (u - 1) ** 2 / (u + 1))
    conjugate = formula(lambda self, t: 4 - tf.maximum(t, -3) - 4 * tf.sqrt(1 - tf.maximum(t, -3)))
    activation = formula(lambda self, v: 1 - tf.exp(-v))


class OwnKL(FDivergence):
    def f(self, u):
        return tf.math.xlogy(u, u)


class OwnPearson(FDivergence):
    @formula
    def f(self, u):
        """The squared excess."""
        return (u - 1) ** 2


def test_a_divergence_of_ones_own():
    own = LeCam()
    assert (own.name, repr(own), own.threshold) == ("LeCam", "LeCam()", 0.0)
    assert float(tf.function(lambda: tf.constant(own.threshold))()) == 0.0
    u = np.geomspace(0.01, 100, 30)
    t = np.asarray(own.derivative(u))
    np.testing.assert_allclose(t, 1 - 4 / (u + 1) ** 2, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(own.conjugate(t), u * t - np.asarray(own.f(u)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(own.conjugate_of_activation(u), own.conjugate(own.activation(u)))
    assert type(divergences.get(keras.saving.serialize_keras_object(own))) is LeCam
    assert OwnPearson.f.__doc__ == "The squared excess."


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_gaussian_of_ones_own(pair):
    def integrand(x):
        p, q = density(*pair[:2], x), density(*pair[2:], x)
        return (p - q) ** 2 / (p + q)

    assert gaussian(LeCam(), *pair) == pytest.approx(quad(integrand, -25, 25, points=[0])[0], abs=1e-8)


@pytest.mark.parametrize(
    "pair", [*PAIRS, (0, 1, 0, 0.75), (0, 1, 0.1, 0.02), (0, 0.01, 0.3, 1), (2, 1, 40, 1)], ids=str
)
def test_quadrature_agrees_with_closed_forms(pair):
    assert gaussian(OwnKL(), *pair) == pytest.approx(gaussian("kl", *pair), rel=1e-9)
    if pair[2] - pair[0] < 10:
        assert gaussian(OwnPearson(), *pair) == pytest.approx(gaussian("pearson", *pair), rel=1e-8)


def test_quadrature_too_is_infinite_where_the_integral_diverges():
    assert gaussian(OwnPearson(), 0, 2, 0, 1) == math.inf
    assert gaussian(OwnPearson(), 0, 1, 0, math.sqrt(0.5)) == math.inf  # of a constant, which only does not decay


def test_a_subclass_of_ours_is_not_mistaken_for_it():
    class Doubled(divergences.KL):
        f = formula(lambda self, u: 2 * tf.math.xlogy(u, u))

    assert Doubled().name == "Doubled"
    assert gaussian(Doubled(), 0, 1, 1, 1) == pytest.approx(1)


# ------------------------------------------------------------------------------------------------------ get and saving


def test_every_row_is_under_its_name():
    names = "kl reverse_kl pearson neyman squared_hellinger jeffrey jensen_shannon weighted_jensen_shannon gan"
    assert list(F_DIVERGENCES) == [*names.split(), "total_variation", "alpha"]
    for name, row in F_DIVERGENCES.items():
        assert row.name == name
        assert divergences.get(name) is divergences.get(row) is row


def test_get_with_a_parameter():
    assert divergences.get("alpha", alpha=0.3).alpha == 0.3
    assert divergences.get("weighted_jensen_shannon", weight=0.3).weight == 0.3
    assert divergences.get("alpha").alpha == divergences.get("weighted_jensen_shannon").weight == 0.5


@every
def test_saving_and_loading(divergence):
    stored = json.loads(json.dumps(keras.saving.serialize_keras_object(divergence)))
    assert stored["registered_name"] == f"keras_gan_zoo>{type(divergence).__name__}"
    loaded = divergences.get(stored)
    assert type(loaded) is type(divergence)
    assert loaded.get_config() == divergence.get_config()
    assert repr(loaded) == repr(divergence)
    assert loaded.domain == divergence.domain


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: divergences.get("pearsn"), "Unknown divergence 'pearsn'.*Did you mean 'pearson'"),
        (lambda: divergences.get(3), "Expected the name of a divergence or an instance.*Received: 3"),
        (lambda: divergences.get(divergences.KL), "such as KL\\(\\)"),
        (lambda: divergences.get({}), "Received: {}"),
        (lambda: divergences.get("kl", alpha=0.3), "Expected alpha with 'alpha' only. Received: 'kl'"),
        (lambda: divergences.get(Alpha(), alpha=0.3), "Expected alpha with 'alpha' only"),
        (lambda: divergences.get("alpha", weight=0.3), "Expected weight with 'weighted_jensen_shannon' only"),
        (lambda: divergences.get("alpha", alpha=0.3, weight=0.3), "Expected weight with"),
        *((lambda weight=weight: WeightedJensenShannon(weight), "between 0 and 1") for weight in (0, 1, -1, math.nan)),
        *((lambda alpha=alpha: Alpha(alpha), "reverse_kl for 0, kl for 1") for alpha in (0, 1, -1, math.nan, math.inf)),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_base_class_has_no_formulas():
    for name in ("f", "conjugate"):
        with pytest.raises(NotImplementedError):
            getattr(FDivergence(), name)(0.5)


# ------------------------------------------------------------------------------------------------------------ estimates


def samples(n, *, means=(0, 1), stds=(1, 1), shape=(), seed=0):
    draw = np.random.default_rng(seed)
    return [draw.normal(mean, std, (n, *shape)) for mean, std in zip(means, stds, strict=True)]


@pytest.mark.parametrize("name", ["kl", *map(slow, ["reverse_kl", "pearson", "squared_hellinger", "jensen_shannon"])])
def test_estimate_is_close_to_the_exact_value(name):
    exact = gaussian(name, 0, 1, 1, 1)
    estimated = estimate(*samples(20_000), name, steps=300)
    assert abs(estimated.value - exact) < 4 * estimated.standard_error + 0.03 * abs(exact)
    assert 0 < estimated.standard_error < 0.1 * abs(exact)
    assert (estimated.n_train, estimated.n_held_out) == (20_000, 20_000)
    if name == "kl":  # log p/q has variance 1 under P, and p/q has e - 1 under Q
        assert estimated.standard_error == pytest.approx(math.sqrt(math.e / 10_000), rel=0.1)


@pytest.mark.parametrize("divergence", [slow(LeCam()), Alpha(0.9), slow(F_DIVERGENCES["total_variation"])], ids=str)
def test_estimate_of_other_divergences(divergence):
    exact = gaussian(divergence, 0, 1, 1, 1.5)
    estimated = estimate(*samples(5_000, stds=(1, 1.5)), divergence, steps=300)
    assert abs(estimated.value - exact) < 4 * estimated.standard_error + 0.03 * exact


def test_estimate_in_several_dimensions():
    p, q = samples(8_000, means=(0, 0.5), shape=(3,))  # KL adds up over independent features
    estimated = estimate(p * [1, 100, 1e-3] + 7, q * [1, 100, 1e-3] + 7, "kl", steps=300)
    assert abs(estimated.value - 3 / 8) < 4 * estimated.standard_error + 0.03 * 3 / 8


@pytest.mark.parametrize("steps", [50, 200])  # on the samples it has seen the value would be 0.7 after 50
def test_estimate_is_not_flattered_by_what_its_critic_has_seen(steps):
    estimated = estimate(*samples(100, means=(0, 0), shape=(20,)), "kl", steps=steps)
    assert -0.3 < estimated.value < 0.1  # KL is 0; a critic could learn its 100 samples in 20 dimensions by heart


@pytest.mark.parametrize("name", [slow("kl"), "pearson"])
def test_estimate_stays_finite_where_samples_tell_only_that_they_are_apart(name):
    estimated = estimate(*samples(1000, means=(0, 100)), name, steps=100)
    assert np.isfinite([estimated.value, estimated.standard_error]).all()
    most = {"kl": 1 + np.log(1000), "pearson": 2 * 999 + 1}[name]  # g(V) is at most f'(n), f*(g(V)) at least -f(0)
    assert 10 < 2 * estimated.value < 2.02 * most


def test_estimate_depends_on_its_seed_alone():
    p, q = samples(500)
    first = estimate(p, q, "kl", steps=25)
    keras.utils.set_random_seed(1)
    again = estimate(p[:, None], q[:, None].tolist(), "kl", steps=25)
    assert again.value == pytest.approx(first.value, rel=1e-4)
    assert estimate(p, q, "kl", steps=25, seed=1).value != pytest.approx(first.value, rel=1e-4)


def test_estimate_with_a_constant_feature_and_unequal_numbers(float64):
    p, q = samples(400)[0], samples(300)[1]
    estimated = estimate(np.stack([p, p * 0 + 5], 1), np.stack([q, q * 0 + 5], 1), "gan", steps=50)
    assert -2 < estimated.value < 0
    assert (estimated.n_train, estimated.n_held_out) == (350, 350)


def test_the_critic_takes_the_steps_it_is_told_at_a_rate_that_falls_to_zero(monkeypatch):
    made, adam = [], keras.optimizers.Adam

    def spy(rate):
        made.append((rate, adam(rate)))
        return made[-1][1]

    monkeypatch.setattr(keras.optimizers, "Adam", spy)
    estimate(*samples(100), "kl", steps=30, learning_rate=0.01)
    [(rate, optimizer)] = made
    assert int(optimizer.iterations) == 30
    assert [float(rate(step)) for step in (0, 15, 30)] == pytest.approx([0.01, 0.005, 0], abs=1e-9)


def test_an_estimate_is_frozen_and_prints_as_one_line():
    estimated = divergences.Estimate(0.49876, 0.0123, 100, 90)
    assert str(estimated) == "0.499 ± 0.012 (100 samples for training, 90 held out)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimated.value = 1.0


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        (np.zeros((100, 2)), np.zeros((100, 3)), "same number of features. Received: p_samples of 2, q_samples of 3"),
        (np.zeros(49), np.zeros(100), "Expected p_samples as an array .* at least 50 samples. Received: \\(49,\\)"),
        (np.zeros(100), np.zeros((100, 2, 2)), "Expected q_samples as an array"),
        (np.zeros(100), np.full(100, np.nan), "Expected finite q_samples. Received: NaN"),
        (np.full(100, np.inf), np.zeros(100), "Expected finite p_samples"),
    ],
)
def test_estimate_refuses_unusable_samples(p, q, message):
    with pytest.raises(InputError, match=message):
        estimate(p, q, "kl")
