"""Estimates divergences from samples, by the bound that a critic reaches."""

import dataclasses
import math

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.tracing import counted_alone
from keras_gan_zoo.divergences import table
from keras_gan_zoo.errors import InputError

FEWEST = 50  # smallest number of samples of P and of Q
PERIOD = 25  # number of steps between validations of the critic


@dataclasses.dataclass(frozen=True)
class Estimate:
    """The variational estimate of a divergence on samples its critic was not trained on.

    Attributes:
        value: The estimate in nats; in expectation a lower bound, whatever the critic.
        standard_error: Standard error of the value, for this critic.
        n_train: Number of samples of P and Q for training and validation of the critic.
        n_held_out: Number of samples of P and Q from which the value is computed.

    Example:
        >>> print(Estimate(0.4931, 0.0124, 20_000, 20_000))
        0.493 ± 0.012 (20000 samples for training, 20000 held out)
    """

    value: float
    standard_error: float
    n_train: int
    n_held_out: int

    def __str__(self) -> str:
        counts = f"{self.n_train} samples for training, {self.n_held_out} held out"
        return f"{self.value:.3g} ± {self.standard_error:.2g} ({counts})"


def estimate(
    p_samples,
    q_samples,
    divergence,
    *,
    units: int = 64,
    steps: int = 2000,
    batch_size: int = 500,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> Estimate:
    """Estimates a divergence from samples: the bound that a small critic reaches on samples it has not seen.

    A multilayer perceptron V maximises E_P[g(V)] - E_Q[f*(g(V))] on a random half of the samples, a fifth of which
    selects its best weights. The value on the other half is, in expectation, a lower bound of the divergence. n samples
    limit it: the value for KL, for example, cannot exceed 1 + log n.

    Args:
        p_samples: Samples of P, (n, features) or (n,).
        q_samples: Samples of Q, (m, features) or (m,).
        divergence: Name or instance; `get("alpha", alpha=0.3)` for one with a parameter.
        units: Units of each of the critic's two hidden layers.
        steps: Steps of Adam.
        batch_size: Samples of P, and as many of Q, per step.
        learning_rate: Initial learning rate; it falls to zero along a cosine.
        seed: Fixes the halves, the critic and the batches.

    Raises:
        InputError: If the samples are not finite, too few, or of different numbers of features.

    Example:
        >>> draw = np.random.default_rng(0)
        >>> p, q = draw.normal(0, 1, 2000), draw.normal(1, 1, 2000)
        >>> 0.3 < estimate(p, q, "kl", steps=300).value < 0.7  # 0.5 exactly
        True
    """
    divergence = table.get(divergence)
    p, q = _to_samples("p_samples", p_samples), _to_samples("q_samples", q_samples)
    if p.shape[1] != q.shape[1]:
        raise InputError(
            f"Expected samples of the same number of features. Received: p_samples of {p.shape[1]}, q_samples of "
            f"{q.shape[1]}. Pass arrays (n, features)."
        )
    draw = np.random.default_rng([seed, len(p), len(q)])  # not default_rng(seed), from which the samples may be drawn
    (p_train, p_rest), (q_train, q_rest) = (np.array_split(draw.permutation(samples), 2) for samples in (p, q))
    both = np.concatenate([p_train, q_train])
    mean, std = both.mean(axis=0), both.std(axis=0)
    std[std == 0] = 1

    def standardize(samples):
        return ((samples - mean) / std).astype(np.float32)

    critic = Critic(p.shape[1], units, divergence, len(both), draw)
    critic.train(standardize(p_train), standardize(q_train), steps, batch_size, learning_rate, draw)
    p_terms, q_terms = critic.terms(standardize(p_rest), standardize(q_rest))
    error = math.sqrt(p_terms.var() / len(p_terms) + q_terms.var() / len(q_terms))
    return Estimate(float(p_terms.mean() - q_terms.mean()), error, len(both), len(p_rest) + len(q_rest))


def _to_samples(name: str, samples) -> np.ndarray:
    samples = np.asarray(samples, np.float64)
    if samples.ndim not in (1, 2) or len(samples) < FEWEST:
        raise InputError(
            f"Expected {name} as an array (n, features) of at least {FEWEST} samples. Received: {samples.shape}."
        )
    if not np.isfinite(samples).all():
        raise InputError(f"Expected finite {name}. Received: NaN or infinite values. Leave those samples out.")
    return samples.reshape(len(samples), -1)


class Critic:
    """A multilayer perceptron V whose g(V) stays among the values f'(u) for ratios u that the samples can witness.

    Without bounds, a single gap between the samples of P and Q lets a divergence with unbounded f' grow for ever. They
    are f'(1/n) and f'(n) for n samples. The critic starts at f'(1), as if P and Q were equal.
    """

    def __init__(self, features: int, units: int, divergence, n: int, draw: np.random.Generator):
        self.divergence = divergence
        grid = np.sinh(np.linspace(-30, 30, 60_001))  # of outputs V, fine near 0 and up to 5e12
        values = np.asarray(divergence.activation(tf.constant(grid)))
        ratios = tf.constant([1 / n, 1, n], tf.float64)
        at = np.searchsorted(values, divergence.derivative(ratios)).clip(0, len(grid) - 1)
        self.low, start, self.high = grid[at]

        def hidden():
            initializer = keras.initializers.GlorotUniform(seed=int(draw.integers(2**31)))
            return keras.layers.Dense(units, activation="silu", kernel_initializer=initializer, dtype="float32")

        first = keras.initializers.Constant(start)
        output = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer=first, dtype="float32")
        self.network = keras.Sequential([keras.Input((features,), dtype="float32"), hidden(), hidden(), output])

    def __call__(self, samples) -> tf.Tensor:
        return tf.clip_by_value(self.network(samples), self.low, self.high)

    def terms(self, p, q) -> tuple[np.ndarray, np.ndarray]:
        """The terms for each sample, in float64; the bound is the difference of their means."""
        v_p, v_q = (tf.cast(self(samples), tf.float64) for samples in (p, q))
        return np.asarray(self.divergence.activation(v_p)), np.asarray(self.divergence.conjugate_of_activation(v_q))

    def train(self, p, q, steps: int, batch_size: int, learning_rate: float, draw: np.random.Generator) -> None:
        """Maximises the bound on four fifths of the samples, and keeps the weights that are best on the last fifth."""
        p_fit, p_valid = np.split(p, [len(p) * 4 // 5])
        q_fit, q_valid = np.split(q, [len(q) * 4 // 5])
        p_fit, q_fit = tf.constant(p_fit), tf.constant(q_fit)
        variables = self.network.trainable_variables
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
        optimizer.build(variables)

        @tf.function
        @counted_alone
        def several_steps(p_batches, q_batches):
            for step in tf.range(tf.shape(p_batches)[0]):
                with tf.GradientTape() as tape:
                    on_p = self.divergence.activation(self(tf.gather(p_fit, p_batches[step])))
                    on_q = self.divergence.conjugate_of_activation(self(tf.gather(q_fit, q_batches[step])))
                    loss = tf.reduce_mean(on_q) - tf.reduce_mean(on_p)
                optimizer.apply(tape.gradient(loss, variables), variables)

        def bound() -> float:
            p_terms, q_terms = self.terms(p_valid, q_valid)
            return float(p_terms.mean() - q_terms.mean())

        best, best_weights = bound(), self.network.get_weights()
        for done in range(0, steps, PERIOD):
            sizes = (min(PERIOD, steps - done), batch_size)
            several_steps(*(tf.constant(draw.integers(len(samples), size=sizes)) for samples in (p_fit, q_fit)))
            if (value := bound()) > best:
                best, best_weights = value, self.network.get_weights()
        self.network.set_weights(best_weights)
