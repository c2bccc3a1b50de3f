"""What the input costs: our step with its pipeline against the same step on one batch that is in memory already.

`alone` is the pipeline without any step, in core seconds as a share of the step's: the firmest figure, because the two
are not subtracted from each other. The target is 3 %. The pipeline runs in threads of its own, so by the clock the step
need not wait for it.
"""

import itertools

import numpy as np

import keras_gan_zoo as kgz
from tests.benchmarks import ours
from tests.benchmarks.cases import DCGAN_28, DCGAN_32, MLP, Case
from tests.benchmarks.measuring import CORES, HEAD_OF_RATIO, in_turn, ratio

STEPS = 4  # of one turn


def table(rounds: int) -> None:
    print(f"{'step with pipeline / on one batch':36} {HEAD_OF_RATIO}  {'alone':>7}")
    for case in (MLP, DCGAN_28, DCGAN_32):
        row(case, rounds)


def row(case: Case, rounds: int) -> None:
    gan, dataset = ours.model(case, ours.players(case)), kgz.data.Dataset(case.examples(60_000))
    batches, drawn = (iter(dataset.batches(case.batch_size, seed=0)) for _ in range(2))
    sides = {
        "piped": repeated(ours.one_step(gan, batches)),
        "one batch": repeated(ours.one_step(gan, itertools.repeat(next(batches)))),
        "alone": repeated(lambda: next(drawn)),
    }
    times = in_turn(sides, rounds)
    alone = np.median(times["alone"][:, CORES] / times["one batch"][:, CORES])
    print(f"{case.name:36} {ratio(times, 'piped', 'one batch')}  {100 * alone:>5.1f} %", flush=True)


def repeated(run):
    def turn():
        for _ in range(STEPS):
            run()

    return turn
