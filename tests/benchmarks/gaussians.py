"""A Gaussian fitted to mixtures by every divergence, against the optimum found by quadrature.

    python -m tests.benchmarks.gaussians                       all divergences, three mixtures: about twenty minutes
    python -m tests.benchmarks.gaussians --divergences kl --mixtures 0

A Gaussian cannot reach a mixture of two, so every divergence has an optimum (mean, std) of its own. `FGAN.fit` is given
samples only. Printed are the relative errors of what it found, and how the Gaussian trained on each divergence (row)
does by each divergence (column), evaluated exactly, relative to the best of the column.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from scipy import optimize, stats

import keras_gan_zoo as kgz

# Weight of the first component, then (mean, std) of both.
MIXTURES = [(0.7, (1.0, 0.6), (3.0, 0.9)), (0.35, (-2.0, 0.8), (-0.4, 0.5)), (0.5, (2.0, 0.4), (3.5, 1.2))]
DIVERGENCES = ["kl", "reverse_kl", "jensen_shannon", "jeffrey", "pearson", "squared_hellinger", "neyman"]
SAMPLES, BATCH, STEPS, RATE = 400_000, 1000, 12_000, 2e-3


class Mixture:
    """Two Gaussians, and the exact divergence of a Gaussian from them on a grid."""

    def __init__(self, weight, first, second):
        self.weights, self.parts = (weight, 1 - weight), (first, second)
        means, stds = np.array([first, second]).T
        self.grid = np.linspace((means - 12 * stds).min(), (means + 12 * stds).max(), 20_001)
        self.density = sum(
            w * stats.norm.pdf(self.grid, *part) for w, part in zip(self.weights, self.parts, strict=True)
        )
        self.mean = np.dot(self.weights, means)
        self.std = np.sqrt(np.dot(self.weights, stds**2 + means**2) - self.mean**2)

    def samples(self, n: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        means, stds = np.array(self.parts)[rng.choice(2, n, p=self.weights)].T
        return (means + stds * rng.standard_normal(n)).astype(np.float32)[:, None]

    def divergence(self, name: str, mean: float, std: float) -> float:
        """D_f(mixture || Gaussian), by the trapezoidal rule."""
        log_q = stats.norm.logpdf(self.grid, mean, std)
        ratio = np.exp(np.clip(np.log(self.density) - log_q, -600, 600))
        return np.trapezoid(np.exp(log_q) * np.asarray(kgz.divergences.F_DIVERGENCES[name].f(ratio)), self.grid)

    def optimum(self, name: str) -> tuple[float, float]:
        def value(x):
            return self.divergence(name, x[0], np.exp(x[1]))

        starts = [(self.mean, self.std), *self.parts]
        found = [
            optimize.minimize(value, (mean, np.log(std)), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
            for mean, std in starts
        ]
        best = min(found, key=lambda result: result.fun)
        return best.x[0], np.exp(best.x[1])


def fitted(mixture: Mixture, name: str, objective: str = "minimax", seed: int = 0, steps: int = STEPS):
    """The mean and the standard deviation that FGAN finds, averaged over its last steps."""
    keras.utils.set_random_seed(seed)
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="generator")
    start = mixture.mean + 0.5 * mixture.std, 0.6 * mixture.std  # far from every optimum
    generator.set_weights([np.array([[start[1]]]), np.array([start[0]])])
    discriminator = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(64, "tanh"), keras.layers.Dense(64, "tanh"), keras.layers.Dense(1)],
        name="discriminator",
    )
    gan = kgz.FGAN(
        generator, discriminator, divergence=name, generator_objective=objective, ema_decay=0.9995, seed=seed
    )

    def falling(rate):
        return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps), beta_1=0.5)

    gan.compile(falling(RATE / 4), falling(RATE))
    gan.fit(mixture.samples(SAMPLES, seed), batch_size=BATCH, steps_per_epoch=steps, verbose=0)
    [[std]], [mean] = gan.sampler.get_weights()
    return float(mean), abs(float(std))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--divergences", nargs="+", default=DIVERGENCES)
    parser.add_argument("--mixtures", nargs="+", type=int, default=range(len(MIXTURES)))
    parser.add_argument("--objective", default="minimax")
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    for number in arguments.mixtures:
        mixture = Mixture(*MIXTURES[number])
        print(f"\nmixture {number}: {MIXTURES[number]}\n")
        print("| divergence | mean, optimum | found | error, % | std, optimum | found | error, % | seconds |")
        print("|---|---|---|---|---|---|---|---|")
        found = {}
        for name in arguments.divergences:
            started = time.perf_counter()
            best = mixture.optimum(name)
            found[name] = fitted(mixture, name, arguments.objective, steps=arguments.steps)
            cells = [f"{b:.4f} | {f:.4f} | {100 * abs(f / b - 1):.1f}" for b, f in zip(best, found[name], strict=True)]
            print(f"| {name} | {' | '.join(cells)} | {time.perf_counter() - started:.0f} |", flush=True)
        print(f"\n| trained on, evaluated by | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
        exact = {row: [mixture.divergence(column, *found[row]) for column in found] for row in found}
        lowest = np.min(list(exact.values()), axis=0)
        for row, values in exact.items():
            print(f"| {row} | {' | '.join(f'{value / low:.3f}' for value, low in zip(values, lowest, strict=True))} |")


if __name__ == "__main__":
    main()
