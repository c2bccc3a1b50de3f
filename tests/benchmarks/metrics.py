"""Metrics beside independent implementations: seconds, memory and agreement, each in a process of its own.

    python -m tests.benchmarks.metrics                # a few minutes
    python -m tests.benchmarks.metrics --share 0.1

Others: `prdc` (Naeem et al.), SciPy's matrix square root, scikit-learn's kernels, and SciPy's distances and
`logsumexp`. Every pair works on the same arrays, in turn, three times; the least seconds of each count, because other
work on the machine only adds to them. The ratio is the other's time by ours; memory is the peak above the arrays.
"""

import argparse
import contextlib
import multiprocessing
import operator
import resource
import time

import numpy as np


def features(n: int, d: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.maximum(random.normal(size=(n, d)) + 0.3 * random.normal(size=(n, 1)), 0).astype(np.float32)


def our_manifold(real, fake):
    from keras_gan_zoo import metrics

    first, second = metrics.manifold(real, fake, 5, 5)
    return [first.precision, first.recall, second.density, second.coverage]


def their_manifold(real, fake):
    from prdc import compute_prdc

    with contextlib.redirect_stdout(None):
        found = compute_prdc(real_features=real.astype(np.float64), fake_features=fake.astype(np.float64), nearest_k=5)
    return [found[name] for name in ("precision", "recall", "density", "coverage")]


def our_frechet(real, fake):
    from keras_gan_zoo import metrics

    return [metrics.frechet_distance(real, fake).value]


def their_frechet(real, fake):
    from scipy.linalg import sqrtm

    c1, c2 = (np.cov(x.astype(np.float64), rowvar=False) for x in (real, fake))
    shift = real.mean(axis=0, dtype=np.float64) - fake.mean(axis=0, dtype=np.float64)
    return [shift @ shift + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)]


def our_kernel(real, fake):
    from keras_gan_zoo import metrics

    return [metrics.kernel_distance(real, fake, block_size=None).value]


def their_kernel(real, fake):
    from sklearn.metrics.pairwise import polynomial_kernel

    x, y = real.astype(np.float64), fake.astype(np.float64)
    n, m = len(x), len(y)
    xx, yy = polynomial_kernel(x, degree=3), polynomial_kernel(y, degree=3)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return [within - 2 * polynomial_kernel(x, y, degree=3).mean()]


def our_parzen(samples, test):
    from keras_gan_zoo import metrics

    return [metrics.parzen_log_likelihood(samples, test, 1.0).value]


def their_parzen(samples, test):
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp

    found = logsumexp(cdist(test, samples, "sqeuclidean") / -2, axis=1) - np.log(len(samples))
    return [found.mean() - samples.shape[1] * np.log(2 * np.pi) / 2]


ROWS = {  # name: (ours, theirs, examples, features)
    "precision, recall, density, coverage": (our_manifold, their_manifold, 10_000, 512),
    "Frechet distance": (our_frechet, their_frechet, 50_000, 512),
    "kernel distance, one block": (our_kernel, their_kernel, 10_000, 512),
    "Parzen windows": (our_parzen, their_parzen, 10_000, 784),
}


ROUNDS = 3
seconds_of = operator.itemgetter(1)


def measured(function, n: int, d: int, pipe) -> None:
    x, y = features(n, d, 0), features(n, d, 1)
    function(x[:1000], y[:1000])  # imports, and the pages of libraries
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    found = function(x, y)
    seconds = time.perf_counter() - started
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    pipe.send((np.asarray(found), seconds, peak))


def in_a_process(function, n: int, d: int):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=measured, args=(function, n, d, theirs))
    process.start()
    result = ours.recv()
    process.join()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the examples: 0.1 for a look")
    share = parser.parse_args().share
    print(
        f"{'':38} {'examples':>9} {'ours':>8} {'memory':>9} {'other':>8} {'memory':>9} {'ratio':>6} {'difference':>11}"
    )
    for name, (ours, theirs, n, d) in ROWS.items():
        n = max(2 * d, int(n * share))
        rounds = [(in_a_process(ours, n, d), in_a_process(theirs, n, d)) for _ in range(ROUNDS)]
        (a, seconds, peak), (b, their_seconds, their_peak) = (
            min(side, key=seconds_of) for side in zip(*rounds, strict=True)
        )
        difference = np.max(np.abs(a - b) / np.abs(b))
        print(
            f"{name:38} {n:>9,} {seconds:>6.1f} s {peak:>6.2f} GB {their_seconds:>6.1f} s {their_peak:>6.2f} GB "
            f"{their_seconds / seconds:>6.1f} {difference:>11.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
