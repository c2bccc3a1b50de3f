"""Divergences between Gaussians: in closed form where there is one, else by quadrature."""

import itertools
import math

import numpy as np
import tensorflow as tf

from keras_gan_zoo.divergences import table
from keras_gan_zoo.errors import InputError

REACH = 20  # standard deviations that the quadrature covers


def gaussian(divergence, mean_p: float, std_p: float, mean_q: float, std_q: float) -> float:
    """The divergence of N(mean_p, std_p²) from N(mean_q, std_q²), infinite where it diverges.

    In closed form where there is one; else by quadrature to about 1e-8, over 20 standard deviations of both. What does
    not decay in this range it takes as divergent.

    Args:
        divergence: Name or instance; one of your own needs only `f`.
        mean_p: Mean of P.
        std_p: Standard deviation of P.
        mean_q: Mean of Q.
        std_q: Standard deviation of Q.

    Raises:
        InputError: If a standard deviation is not positive, or a number not finite.

    Example:
        >>> gaussian("kl", 0, 1, 1, 1)
        0.5
        >>> gaussian("pearson", 0, 2, 0, 1)
        inf
    """
    divergence = table.get(divergence)
    if not (np.isfinite([mean_p, std_p, mean_q, std_q]).all() and std_p > 0 and std_q > 0):
        raise InputError(
            "Expected finite means and positive standard deviations. Received: "
            f"N({mean_p}, {std_p}²) and N({mean_q}, {std_q}²). Standard deviations, not variances, are positive."
        )
    shift, scale = (mean_q - mean_p) / std_p, std_q / std_p  # P becomes N(0, 1), which changes no divergence
    ours = type(table.F_DIVERGENCES.get(divergence.name)) is type(divergence)
    if ours and divergence.name in _CLOSED_FORMS:
        return _CLOSED_FORMS[divergence.name](divergence, float(shift), float(scale))
    return _quadrature(divergence, float(shift), float(scale))


def _kl(shift: float, scale: float) -> float:
    """KL(N(0, 1) || N(shift, scale²))."""
    return math.log(scale) + (1 + shift * shift) / (2 * scale * scale) - 0.5


def _reverse_kl(shift: float, scale: float) -> float:
    return _kl(shift / scale, 1 / scale)


def _power(order: float, shift: float, scale: float) -> float:
    """The integral of p^order q^(1 - order), minus 1, for p = N(0, 1) and q = N(shift, scale²)."""
    variance = order * scale * scale + 1 - order
    if variance <= 0:
        return math.inf
    exponent = order * (1 - order) * shift * shift / (2 * variance)
    log_integral = order * math.log(scale) - math.log(variance) / 2 - exponent
    return math.expm1(log_integral) if log_integral < 700 else math.inf


_CLOSED_FORMS = {
    "kl": lambda divergence, *q: _kl(*q),
    "reverse_kl": lambda divergence, *q: _reverse_kl(*q),
    "jeffrey": lambda divergence, *q: _kl(*q) + _reverse_kl(*q),
    "pearson": lambda divergence, *q: _power(2, *q),
    "neyman": lambda divergence, *q: _power(-1, *q),
    "squared_hellinger": lambda divergence, *q: -2 * _power(0.5, *q),
    "alpha": lambda divergence, *q: _power(divergence.alpha, *q) / (divergence.alpha * (divergence.alpha - 1)),
}


def _quadrature(divergence, shift: float, scale: float) -> float:
    """The integral of q f(p/q), piece by piece: f may have a kink where p = q, and either density may be narrow."""
    from scipy.integrate import quad

    def relative_f(log_ratio: float) -> float:
        """f(u) / max(1, u) at u = exp(log_ratio), continued linearly where u or its powers would overflow."""
        if abs(log_ratio) > 300:
            at, before = (relative_f(math.copysign(edge, log_ratio)) for edge in (300, 299))
            return at + (abs(log_ratio) - 300) * (at - before) if math.isfinite(at) else at
        u = math.exp(log_ratio)
        return float(divergence.f(tf.constant(u, tf.float64))) / max(1, u)

    def integrand(x: float) -> float:
        log_p, log_q = -x * x / 2, -(((x - shift) / scale) ** 2) / 2 - math.log(scale)
        larger = math.exp(max(log_p, log_q)) / math.sqrt(2 * math.pi)
        return larger * relative_f(log_p - log_q) if larger else 0.0

    ends = np.array([-REACH, -8, 0, 8, REACH])
    points = np.concatenate([ends, shift + scale * ends])
    low, high = points.min(), points.max()
    if (abs(integrand(low)) + abs(integrand(high))) * (high - low) > 1e-9:
        return math.inf
    points = np.unique([*points, *(x for x in _equal_densities(shift, scale) if low < x < high)])
    # full_output keeps scipy from warning that rounding errors limit the accuracy it reached
    pieces = [quad(integrand, *ab, epsabs=1e-10, epsrel=1e-10, full_output=1)[0] for ab in itertools.pairwise(points)]
    return math.fsum(pieces)


def _equal_densities(shift: float, scale: float) -> list[float]:
    """Where N(0, 1) and N(shift, scale²) have the same density: the roots of a x² - 2 b x + c."""
    a, b, c = scale**2 - 1, -shift, -(shift**2) - 2 * scale**2 * math.log(scale)
    if abs(a) < 1e-9:
        return [c / (2 * b)] if b else []
    root = b + math.copysign(math.sqrt(max(b * b - a * c, 0)), b)  # the other root would lose digits to cancellation
    return [root / a, c / root]
