"""Reading a loss curve: WGAN's estimate falls as its samples improve, and a GAN's loss does not.

    python wgan_curve.py                  needs matplotlib: pip install 'keras-gan-zoo[plots]'

Both models have the same networks, optimizer and number of generator steps. The data are eight Gaussians in a ring. The
run is divided into stretches; after each, the exact Wasserstein-1 distance between 500 samples and 500 real points
measures the quality of the samples.
"""

import argparse

import keras
import matplotlib
import numpy as np
from scipy import optimize, spatial, stats

import keras_gan_zoo as kgz

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STRETCH, MINIBATCH = 100, 256

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--stretches", type=int, default=40, help="number of stretches, of 100 generator steps each")
arguments = parser.parse_args()

points = kgz.data.load("ring8")
real = points.examples[:500]


def distance(samples) -> float:
    """Wasserstein-1 distance between equally many samples and real points: the mean distance of the best pairing."""
    costs = spatial.distance.cdist(samples, real)
    return costs[optimize.linear_sum_assignment(costs)].mean()


def run(gan, figure: str) -> tuple[list, list]:
    """A logged value and the distance, for each stretch."""
    gan.compile(keras.optimizers.RMSprop(5e-4), keras.optimizers.RMSprop(5e-4))
    logged, distances = [], []
    for _ in range(arguments.stretches):
        batch_size = MINIBATCH * gan.discriminator_steps  # five minibatches for WGAN's critic
        history = gan.fit(points, batch_size=batch_size, steps_per_epoch=STRETCH, verbose=0).history
        logged += history[figure]
        distances.append(distance(gan.sample(500, seed=1)))
    return logged, distances


networks = {"latent_dim": 2, "architecture": "mlp", "seed": 0}
runs = {
    "wasserstein": (kgz.WGAN.for_images((2,), clip=0.1, **networks), "WGAN"),
    "g_loss": (kgz.GAN.for_images((2,), **networks), "GAN"),
}
figure, panels = plt.subplots(1, 2, figsize=(9, 3.5), dpi=90, layout="constrained")
steps = np.arange(1, arguments.stretches + 1) * STRETCH
for axes, (logged, (gan, name)) in zip(panels, runs.items(), strict=True):
    curve, distances = run(gan, logged)
    correlation = stats.spearmanr(curve, distances).statistic
    print(f"{name:5} {logged:12} rank correlation with the distance of samples to data: {correlation:5.2f}", flush=True)
    axes.plot(steps, distances, color="0.5")
    axes.set(title=f"{name}: rank correlation {correlation:.2f}", xlabel="generator steps")
    axes.set_ylabel("distance of samples to data (grey)")
    twin = axes.twinx()
    twin.plot(steps, curve, color="tab:blue")
    twin.set_ylabel(f"{logged} (blue)", color="tab:blue")
figure.savefig("wgan_curve.png")
