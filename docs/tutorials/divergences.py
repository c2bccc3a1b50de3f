"""What the choice of a divergence changes: one Gaussian, fitted to a mixture by four divergences.

    python divergences.py                 needs matplotlib: pip install 'keras-gan-zoo[plots]'

The data are a mixture of two Gaussians in one dimension. The generator is a single Gaussian, so it can cover both
components or concentrate on one. Which of these is best depends on the divergence. f-GAN minimises each divergence from
samples alone.
"""

import argparse

import keras
import matplotlib
import numpy as np
from scipy import optimize, stats

import keras_gan_zoo as kgz

matplotlib.use("Agg")
import matplotlib.pyplot as plt

WEIGHT, FIRST, SECOND = 0.7, (-1.0, 0.6), (1.5, 1.0)
DIVERGENCES = ("pearson", "kl", "jensen_shannon", "reverse_kl")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=8000, help="training steps for each of the four divergences")
arguments = parser.parse_args()

rng = np.random.default_rng(0)
parts = np.where(rng.random((200_000, 1)) < WEIGHT, FIRST[0], SECOND[0]), np.array([FIRST[1], SECOND[1]])
stds = np.where(parts[0] == FIRST[0], *parts[1])
data = (parts[0] + stds * rng.standard_normal(stds.shape)).astype(np.float32)
x = np.linspace(-12, 12, 4001)
density = WEIGHT * stats.norm.pdf(x, *FIRST) + (1 - WEIGHT) * stats.norm.pdf(x, *SECOND)


def misfit(name: str, mean: float, std: float) -> float:
    """The divergence between the mixture and a Gaussian, by quadrature."""
    log_q = stats.norm.logpdf(x, mean, std)
    ratio = np.exp(np.clip(np.log(density) - log_q, -600, 600))
    return float(np.trapezoid(np.exp(log_q) * kgz.divergences.get(name).f(ratio).numpy(), x))


def best(name: str) -> tuple[float, float]:
    """The Gaussian with the smallest divergence, by numerical search from three starts: what training should find."""
    searches = [
        optimize.minimize(lambda theta: misfit(name, theta[0], np.exp(theta[1])), start, method="Nelder-Mead")
        for start in [(data.mean(), np.log(data.std())), (FIRST[0], np.log(FIRST[1])), (SECOND[0], np.log(SECOND[1]))]
    ]
    mean, log_std = min(searches, key=lambda search: search.fun).x
    return mean, np.exp(log_std)


def trained(name: str) -> tuple[float, float]:
    """The Gaussian that FGAN finds from samples."""
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="generator")
    generator.set_weights([np.array([[1.0]]), np.array([0.0])])  # N(0, 1)
    hidden = [keras.layers.Dense(64, "tanh") for _ in range(2)]
    discriminator = keras.Sequential([keras.Input((1,)), *hidden, keras.layers.Dense(1)], name="discriminator")
    gan = kgz.FGAN(generator, discriminator, divergence=name, ema_decay=0.999, seed=0)
    falling = [keras.optimizers.schedules.CosineDecay(rate, arguments.steps) for rate in (2e-3, 4e-3)]
    gan.compile(*[keras.optimizers.Adam(rate, beta_1=0.5) for rate in falling])
    gan.fit(data, batch_size=500, steps_per_epoch=arguments.steps, verbose=0)
    [[std]], [mean] = gan.sampler.get_weights()
    return float(mean), abs(float(std))


figure, axes = plt.subplots(figsize=(7, 3.5), dpi=100, layout="constrained")
axes.fill_between(x, density, color="#1f77b4", alpha=0.15, label="data")
print(f"{'divergence':16}{'best mean':>10}{'std':>7}{'trained mean':>14}{'std':>7}")
for name in DIVERGENCES:
    optimum, found = best(name), trained(name)
    print(f"{name:16}{optimum[0]:10.2f}{optimum[1]:7.2f}{found[0]:14.2f}{found[1]:7.2f}", flush=True)
    axes.plot(x, stats.norm.pdf(x, *found), label=name)
axes.set(xlim=(-5, 6), xlabel="x", ylabel="density")
axes.legend(frameon=False)
figure.savefig("divergences.png")
