"""Does WGAN's loss curve follow the quality of its samples, and does it keep the modes that a GAN loses?

    python -m tests.benchmarks.wgan_curve          about five minutes on two cores

Both models have the same networks without any normalisation (three hidden layers of 128), optimizer, minibatches of 256
and generator steps, on ring8. Quality is the Wasserstein-1 distance between 1,000 samples and 1,000 real points, by
optimal assignment, after each of fifty stretches of the run; the curve is the mean of `wasserstein` over a stretch. The
rank correlation is Spearman's, over the whole run and over its second half, where the easy progress is past.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from scipy import optimize, spatial, stats

import keras_gan_zoo as kgz
from keras_gan_zoo import metrics

STRETCHES, STEPS, MINIBATCH, RATE = 50, 200, 256, 5e-4


def distance(samples: np.ndarray, real: np.ndarray) -> float:
    """Wasserstein-1 between two sets of as many points."""
    costs = spatial.distance.cdist(samples, real)
    return costs[optimize.linear_sum_assignment(costs)].mean()


def run(variant: str, seed: int, **arguments) -> dict:
    points = kgz.data.load("ring8")
    gan = kgz.VARIANTS[variant].for_images((2,), 2, architecture="mlp", seed=seed, **arguments)
    gan.compile(keras.optimizers.RMSprop(RATE), keras.optimizers.RMSprop(RATE))
    curve, quality = [], []
    for _ in range(STRETCHES):
        batch_size = MINIBATCH * gan.discriminator_steps
        history = gan.fit(points, batch_size=batch_size, steps_per_epoch=STEPS, verbose=0).history
        curve.append(history.get("wasserstein", history["g_loss"])[0])
        quality.append(distance(gan.sample(1000, seed=1), points.examples[:1000]))
    found = metrics.mode_coverage(gan.sample(2500, seed=2), points.centers, points.std)
    return {"curve": curve, "quality": quality, "modes": found.modes, "share": found.high_quality}


def spearman(result: dict, start: int = 0) -> float:
    return stats.spearmanr(result["curve"][start:], result["quality"][start:]).statistic


def picture(results: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    steps = np.arange(1, STRETCHES + 1) * STEPS
    for axis, (name, label) in zip(axes, {"wgan": "wasserstein", "gan": "g_loss"}.items(), strict=True):
        axis.plot(steps, results[name]["quality"], color="0.5")
        axis.set(title=name.upper(), xlabel="generator steps", ylabel="distance of samples to data (grey)")
        twin = axis.twinx()
        twin.plot(steps, results[name]["curve"], color="tab:blue")
        twin.set_ylabel(f"{label} (blue)", color="tab:blue")
    figure.savefig(path, dpi=90)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--clip", type=float, default=0.1)
    parser.add_argument("--picture", type=Path, help="where to draw the curves of the first seed")
    arguments = parser.parse_args()
    print("| model | seed | rank correlation | of the second half | modes of 8 | high quality, % | final distance |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(arguments.seeds):
        results = {"wgan": run("wgan", seed, clip=arguments.clip), "gan": run("gan", seed)}
        for name, result in results.items():
            half = spearman(result, STRETCHES // 2)
            print(
                f"| {name} | {seed} | {spearman(result):.2f} | {half:.2f} | {result['modes']} | "
                f"{100 * result['share']:.1f} | {result['quality'][-1]:.3f} |",
                flush=True,
            )
        if seed == 0 and arguments.picture:
            picture(results, arguments.picture)


if __name__ == "__main__":
    main()
