"""How fast the default pairs train as images, networks and batches grow, beside their multiplications.

    python -m tests.benchmarks.growth                         on idle cores: it takes its time
    python -m tests.benchmarks.growth --picture growth.png    also a picture, by Matplotlib (the extra `plots`)
    python -m tests.benchmarks.growth --pairs dcgan --rounds 3

One of resolution, width and batch grows, the others are 32x32x3, the default width and 64. Each pair is trained by the
model of its paper, in steps of one turn of each player. The share is the rate at which a step multiplies by its kernels
(see `arithmetic`), by the rate of products of 1024x1024 float32 matrices in the same round: its median over the rounds,
and their middle half.

A curve bends at the first size from which doubling brings less than 1.2 times the share: up to there, more work at once
is also faster work; beyond, images per second fall as multiplications rise.
"""

import argparse
import gc
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_gan_zoo as kgz
from keras_gan_zoo.core.files import written_beside
from tests.benchmarks import arithmetic, ours
from tests.benchmarks.measuring import CLOCK, in_turn

BEND = 1.2  # times the share that a doubling brings where a curve does not bend yet
EXAMPLES = 512  # of noise, in memory


@dataclass(frozen=True)
class Pair:
    """A pair of networks with the model of its paper.

    Args:
        variant: A key of `kgz.VARIANTS`.
        width: The default of the pair.
        widths: The arguments that are called so.
        arguments: Others, for steps of one turn of each player.
    """

    variant: str
    width: int
    widths: tuple[str, ...] = ("width",)
    arguments: tuple[tuple[str, int], ...] = ()


PAIRS = {
    "dcgan": Pair("dcgan", 32),
    "resnet": Pair("sngan", 64, ("width", "discriminator_width"), (("discriminator_steps", 1),)),
    "r3gan": Pair("r3gan", 32),
}


@dataclass(frozen=True)
class Size:
    """What a step is measured at."""

    width: int
    resolution: int = 32
    batch: int = 64


GROWING = {"resolution": (16, 32, 64, 128), "width": (16, 32, 64, 128), "batch": (8, 16, 32, 64, 128, 256)}


@dataclass(frozen=True)
class Point:
    """A measured step.

    Args:
        rate: Images per second, the median of the rounds.
        macs: Multiplications with additions for one image, of generator and discriminator.
        speed: Floating-point operations per second, in thousands of millions.
        shares: Of the rate of matrix products: lower quartile, median, upper quartile.
    """

    rate: float
    macs: tuple[int, int]
    speed: float
    shares: tuple[float, float, float]

    @property
    def share(self) -> float:
        return self.shares[1]


def model(pair: Pair, size: Size) -> kgz.GAN:
    """Compiled as by default."""
    widths = dict.fromkeys(pair.widths, size.width)
    shape = (size.resolution, size.resolution, 3)
    gan = kgz.VARIANTS[pair.variant].for_images(shape, seed=0, **widths, **dict(pair.arguments))
    gan.compile()
    return gan


@cache
def measured(pair: Pair, size: Size, rounds: int) -> Point:
    """Once for each size, which may be on several curves."""
    keras.backend.clear_session()
    gc.collect()
    gan = model(pair, size)
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *gan.example_shape), dtype=np.uint8)
    step = ours.one_step(gan, iter(kgz.data.Dataset(images).batches(size.batch, seed=0)))
    products, of_products = arithmetic.matrix_products()
    taken = in_turn({"step": step, "products": products}, rounds, warm_up=2)
    seconds, in_products = taken["step"][:, CLOCK], taken["products"][:, CLOCK]
    operations = arithmetic.operations_of(gan, size.batch)
    shares = np.percentile(operations / seconds / (of_products / in_products), [25, 50, 75])
    macs = tuple(arithmetic.macs(player) for player in (gan.generator, gan.discriminator))
    middle = float(np.median(seconds))
    return Point(size.batch / middle, macs, operations / middle / 1e9, tuple(map(float, shares)))


def bend_of(points: dict[int, Point]) -> int | None:
    """The first size from which doubling brings less than `BEND` times the share; None if each brings more."""
    rises = itertools.pairwise(points.items())
    return next((size for (size, before), (_, after) in rises if after.share < BEND * before.share), None)


def row(name: str, growing: str, size: int, point: Point) -> str:
    low, middle, high = (100 * share for share in point.shares)
    cost = " + ".join(f"{count / 1e6:,.1f}" for count in point.macs)
    share = f"{middle:>4.0f} % ({low:.0f} to {high:.0f})"
    return f"{name:8} {growing:10} {size:>5} {point.rate:>9,.0f} {cost:>21} {point.speed:>8,.0f}  {share}"


def table(pairs: Sequence[str], rounds: int) -> dict[tuple[str, str], dict[int, Point]]:
    """Prints each row when it is measured; the curves by (pair, what grows)."""
    print(f"{'':25} {'':>9} {'million MACs':>21} {'':>8}  of matrix products")
    print(f"{'pair':8} {'grows':10} {'to':>5} {'images/s':>9} {'per image':>21} {'GFLOP/s':>8}  (middle half)")
    curves = {}
    for name, growing in itertools.product(pairs, GROWING):
        points = curves[name, growing] = {}
        for size in GROWING[growing]:
            at = replace(Size(PAIRS[name].width), **{growing: size})
            points[size] = measured(PAIRS[name], at, rounds)
            print(row(name, growing, size, points[size]), flush=True)
        print(f"{name:8} {growing:10} {in_words(bend_of(points), max(points))}\n", flush=True)
    return curves


def in_words(bend: int | None, last: int) -> str:
    return f"does not bend up to {last}" if bend is None else f"bends at {bend}"


def picture(curves: dict[tuple[str, str], dict[int, Point]], path: Path) -> None:
    """Images per second, with a ring where a curve bends; dotted, what the rate of matrix products would allow."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(GROWING), figsize=(10, 4), layout="constrained", sharey=True)
    for axis, growing in zip(axes, GROWING, strict=True):
        for name in dict.fromkeys(name for name, _ in curves):
            points = curves[name, growing]
            rates = {size: point.rate for size, point in points.items()}
            (line,) = axis.plot([*rates], [*rates.values()], marker="o", markersize=3, label=name)
            allowed = [point.rate / point.share for point in points.values()]
            axis.plot([*rates], allowed, color=line.get_color(), linestyle=":", linewidth=1)
            bend = bend_of(points)
            if bend is not None:
                axis.plot(bend, rates[bend], "o", markersize=10, fillstyle="none", color=line.get_color())
        axis.set(xscale="log", yscale="log", xlabel=growing)
        axis.set_xticks(GROWING[growing], [str(size) for size in GROWING[growing]])
        axis.minorticks_off()
    axes[0].set_ylabel("images/s in training")
    axes[-1].legend()
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=90, format="png")
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=[*PAIRS])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="a .png")
    arguments = parser.parse_args()
    curves = table(arguments.pairs, arguments.rounds)
    if arguments.picture:
        picture(curves, arguments.picture)


if __name__ == "__main__":
    main()
