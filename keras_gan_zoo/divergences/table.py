r"""The f-divergences of Nowozin et al. (2016), "f-GAN": the paper's tables as code.

$$D_f(P \| Q) = \int q(x) \, f(p(x) / q(x)) \, dx \ge E_P[g(V(x))] - E_Q[f^*(g(V(x)))]$$

for convex $f$ with conjugate $f^*$, any critic $V$ and an activation $g$ onto the domain of $f^*$. The bound is tight
where $g(V) = T^* = f'(p/q)$. Values are in nats; all have $f(1) = 0$ but `gan`, with $-\log 4$ by convention.
"""

import functools
import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core import registry
from keras_gan_zoo.errors import InputError, unknown


def formula(function: Callable) -> Callable[..., tf.Tensor]:
    """A method of one argument, given a float tensor whatever it is called with: float64 for numbers and integers."""

    @functools.wraps(function)
    @tf.autograph.experimental.do_not_convert  # which makes tracing eight times faster
    def method(self, x):
        x = tf.convert_to_tensor(x if tf.is_tensor(x) else np.asarray(x))
        return function(self, x if x.dtype.is_floating else tf.cast(x, tf.float64))

    return method


class FDivergence:
    """One f-divergence: a row of the paper's table, its methods elementwise and best made by `formula`.

    Subclasses write `f` and `conjugate`; where the conjugate is not finite everywhere, also `activation` and `domain`,
    the interval that it maps the reals to. The constructor's arguments are what `get_config` returns.

    Example:
        ```python
        @keras.saving.register_keras_serializable("my_project")
        class LeCam(FDivergence):
            domain = (-math.inf, 1.0)
            f = formula(lambda self, u: (u - 1) ** 2 / (u + 1))
            conjugate = formula(lambda self, t: 4 - tf.maximum(t, -3) - 4 * tf.sqrt(1 - tf.maximum(t, -3)))
            activation = formula(lambda self, v: 1 - tf.exp(-v))
        ```
    """

    name: str
    domain: tuple[float, float] = (-math.inf, math.inf)

    def __init_subclass__(cls):
        cls.name = vars(cls).get("name", cls.__name__)

    def f(self, u) -> tf.Tensor:
        """The convex function of the density ratio u = p/q; at 0 its limit."""
        raise NotImplementedError

    @formula
    @tf.function(autograph=False, reduce_retracing=True)
    def derivative(self, u):
        """f'(u), the optimal T* for u = p/q."""
        return tf.gradients(self.f(u), u)[0]

    def conjugate(self, t) -> tf.Tensor:
        """f*(t), the supremum of ut - f(u) over u >= 0: infinite above the domain."""
        raise NotImplementedError

    activation = formula(lambda self, v: v)
    conjugate_of_activation = formula(lambda self, v: self.conjugate(self.activation(v)))

    @property
    def threshold(self) -> float:
        """f'(1), which is T* where p = q: above it, a critic deems an example real."""
        with tf.init_scope():  # a number, even while a graph is traced
            return float(self.derivative(1.0)) + 0.0  # which makes 0.0 of -0.0

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "FDivergence":
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value}' for key, value in self.get_config().items())})"


def _up_to(high: float, t, expression):
    """The expression up to `high`, infinity above, where it is not evaluated: gradients would be NaN."""
    inside = t <= high
    return tf.where(inside, expression(tf.where(inside, t, -1)), math.inf)  # every row of the table is finite at -1


def _u_log_u(u):
    return tf.math.xlogy(u, u)  # 0 at 0


@tf.custom_gradient
def _log_omega(x):
    """The root L of L + exp(L) = x, by Newton's method: the logarithm of Wright's omega function."""
    root = tf.where(x > 1, tf.math.log(tf.maximum(x, 1)), x)  # above the root, whence the steps descend to it
    for _ in range(6):
        root -= (root + tf.exp(root) - x) / (1 + tf.exp(root))
    return root, lambda upstream: upstream * tf.sigmoid(-_log_omega(x))  # dL/dx = 1 / (1 + exp(L))


class KL(FDivergence):
    """Kullback-Leibler: Q must cover all that P covers."""

    f = formula(lambda self, u: _u_log_u(u))
    derivative = formula(lambda self, u: 1 + tf.math.log(u))
    conjugate = formula(lambda self, t: tf.exp(t - 1))


class ReverseKL(FDivergence):
    """KL(Q || P): Q must not leave what P covers."""

    domain = (-math.inf, 0.0)
    f = formula(lambda self, u: -tf.math.log(u))
    derivative = formula(lambda self, u: -1 / u)
    conjugate = formula(lambda self, t: _up_to(0, t, lambda t: -1 - tf.math.log(-t)))
    activation = formula(lambda self, v: -tf.exp(-v))
    conjugate_of_activation = formula(lambda self, v: v - 1)


class Pearson(FDivergence):
    """Pearson's chi-squared: the integral of (p - q)² / q. The supremum of its conjugate is at u = 0 where t < -2."""

    f = formula(lambda self, u: (u - 1) ** 2)
    derivative = formula(lambda self, u: 2 * (u - 1))
    conjugate = formula(lambda self, t: tf.maximum(t, -2) ** 2 / 4 + tf.maximum(t, -2))  # the paper's from t = -2 on


class Neyman(FDivergence):
    """Neyman's chi-squared: the integral of (p - q)² / p."""

    domain = (-math.inf, 1.0)
    f = formula(lambda self, u: (1 - u) ** 2 / u)
    derivative = formula(lambda self, u: 1 - 1 / u**2)
    conjugate = formula(lambda self, t: _up_to(1, t, lambda t: 2 - 2 * tf.sqrt(1 - t)))
    activation = formula(lambda self, v: -tf.math.expm1(-v))
    conjugate_of_activation = formula(lambda self, v: -2 * tf.math.expm1(-v / 2))


class SquaredHellinger(FDivergence):
    """Squared Hellinger distance: the integral of (√p - √q)²."""

    domain = (-math.inf, 1.0)
    f = formula(lambda self, u: (tf.sqrt(u) - 1) ** 2)
    derivative = formula(lambda self, u: 1 - 1 / tf.sqrt(u))
    conjugate = formula(lambda self, t: _up_to(1, t, lambda t: t / (1 - t)))
    activation = formula(lambda self, v: -tf.math.expm1(-v))
    conjugate_of_activation = formula(lambda self, v: tf.math.expm1(v))


class Jeffrey(FDivergence):
    """Jeffrey's divergence, KL(P || Q) + KL(Q || P)."""

    f = formula(lambda self, u: (u - 1) * tf.math.log(u))
    derivative = formula(lambda self, u: 1 + tf.math.log(u) - 1 / u)

    @formula
    def conjugate(self, t):
        log_w = _log_omega(1 - t)  # the paper's W + 1/W + t - 2, where W + log W = 1 - t
        return tf.math.expm1(-log_w) - log_w


class JensenShannon(FDivergence):
    """KL(P || M) + KL(Q || M) with M = (P + Q) / 2: the Jensen-Shannon divergence twice, as the paper defines it."""

    domain = (-math.inf, math.log(2))
    f = formula(lambda self, u: _u_log_u(u) - 2 * _u_log_u((u + 1) / 2))
    derivative = formula(lambda self, u: tf.math.log(2 * u / (u + 1)))
    conjugate = formula(lambda self, t: _up_to(math.log(2), t, lambda t: -tf.math.log1p(-tf.math.expm1(t))))
    activation = formula(lambda self, v: math.log(2) - tf.nn.softplus(-v))
    conjugate_of_activation = formula(lambda self, v: tf.nn.softplus(v) - math.log(2))


class WeightedJensenShannon(FDivergence):
    """w KL(P || M) + (1 - w) KL(Q || M) with M = w P + (1 - w) Q; at w = 1/2 the Jensen-Shannon divergence once."""

    def __init__(self, weight: float = 0.5):
        if not 0 < weight < 1:
            raise InputError(f"Expected a weight of P between 0 and 1, such as 0.5. Received: weight={weight}.")
        self.weight, self.rest = float(weight), 1 - float(weight)
        self.domain = (-math.inf, -self.weight * math.log(self.weight))

    f = formula(lambda self, u: self.weight * _u_log_u(u) - _u_log_u(self.rest + self.weight * u))
    derivative = formula(lambda self, u: self.weight * tf.math.log(u / (self.rest + self.weight * u)))
    activation = formula(lambda self, v: self.domain[1] - self.weight * tf.nn.softplus(-v))
    conjugate_of_activation = formula(lambda self, v: self.rest * (tf.nn.softplus(v) + math.log(self.rest)))

    @formula
    def conjugate(self, t):
        w, rest = self.weight, self.rest
        return _up_to(self.domain[1], t, lambda t: -rest * tf.math.log1p(-w / rest * tf.math.expm1(t / w)))

    def get_config(self):
        return {"weight": self.weight}


class GANDivergence(FDivergence):
    """The value of the original GAN's game under its best discriminator: `jensen_shannon` - log 4."""

    domain = (-math.inf, 0.0)
    f = formula(lambda self, u: _u_log_u(u) - _u_log_u(u + 1))
    derivative = formula(lambda self, u: -tf.math.log1p(1 / u))
    conjugate = formula(lambda self, t: _up_to(0, t, lambda t: -tf.math.log(-tf.math.expm1(t))))
    activation = formula(lambda self, v: -tf.nn.softplus(-v))
    conjugate_of_activation = formula(lambda self, v: tf.nn.softplus(v))


class TotalVariation(FDivergence):
    """Total variation distance: the integral of |p - q| / 2."""

    domain = (-0.5, 0.5)
    f = formula(lambda self, u: tf.abs(u - 1) / 2)
    derivative = formula(lambda self, u: tf.sign(u - 1) / 2)
    conjugate = formula(lambda self, t: _up_to(0.5, t, lambda t: tf.maximum(t, -0.5)))
    activation = formula(lambda self, v: tf.tanh(v) / 2)
    conjugate_of_activation = formula(lambda self, v: tf.tanh(v) / 2)


class Alpha(FDivergence):
    """The alpha-divergences: 1/2 is squared Hellinger twice, 2 half of Pearson; between reverse KL at 0 and KL at 1.

    Below 1, f*(g(v)) grows like exp(v alpha / (1 - alpha)): for alpha above 0.63 it leaves float32 before v = 50.
    """

    def __init__(self, alpha: float = 0.5):
        if not 0 < alpha < math.inf or alpha == 1:
            raise InputError(f"Expected alpha in (0, 1) or above 1. Received: {alpha}. Use reverse_kl for 0, kl for 1.")
        self.alpha = float(alpha)
        self.domain = FDivergence.domain if alpha > 1 else (-math.inf, 1 / (1 - self.alpha))

    f = formula(lambda self, u: (u**self.alpha - 1 - self.alpha * (u - 1)) / (self.alpha * (self.alpha - 1)))
    derivative = formula(lambda self, u: (u ** (self.alpha - 1) - 1) / (self.alpha - 1))
    activation = formula(lambda self, v: v if self.alpha > 1 else self.domain[1] - tf.nn.softplus(-v))

    @formula
    def conjugate(self, t):
        inside = (self.alpha - 1) * t > -1
        log_base = tf.math.log1p(tf.where(inside, (self.alpha - 1) * t, 0))
        return tf.where(inside, self._power(log_base), -1 / self.alpha if self.alpha > 1 else math.inf)

    @formula
    def conjugate_of_activation(self, v):
        if self.alpha > 1:
            return self.conjugate(v)
        near, far = tf.minimum(v, 17), tf.maximum(v, 17)  # far out, softplus vanishes and its slope overflows
        log_softplus = tf.where(v > 17, -far - tf.exp(-far) / 2, tf.math.log(tf.nn.softplus(-near)))
        return self._power(math.log1p(-self.alpha) + log_softplus)

    def _power(self, log_base):
        return tf.math.expm1(log_base * self.alpha / (self.alpha - 1)) / self.alpha

    def get_config(self):
        return {"alpha": self.alpha}


F_DIVERGENCES: dict[str, FDivergence] = {}
for _name, _kind in registry.load_all(registry.F_DIVERGENCES).items():
    _kind.name = _name
    F_DIVERGENCES[_name] = keras.saving.register_keras_serializable("keras_gan_zoo")(_kind)()


def get(identifier: str | dict | FDivergence, *, alpha: float | None = None, weight: float | None = None):
    """A divergence from its name in `F_DIVERGENCES`, its serialized form, or itself.

    Example:
        >>> get("alpha", alpha=0.3), get("weighted_jensen_shannon", weight=0.1)
        (Alpha(alpha=0.3), WeightedJensenShannon(weight=0.1))
    """
    for option, value, row in (("alpha", alpha, Alpha), ("weight", weight, WeightedJensenShannon)):
        if value is not None and identifier != row.name:
            raise InputError(f"Expected {option} with {row.name!r} only. Received: {identifier!r}. Leave {option} out.")
    if alpha is not None or weight is not None:
        return Alpha(alpha) if weight is None else WeightedJensenShannon(weight)
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, FDivergence):
        return identifier
    if not isinstance(identifier, str):
        raise InputError(f"Expected the name of a divergence or an instance, such as KL(). Received: {identifier!r}.")
    if identifier not in F_DIVERGENCES:
        raise unknown("divergence", identifier, F_DIVERGENCES)
    return F_DIVERGENCES[identifier]
