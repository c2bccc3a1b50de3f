"""Metrics of features against independent implementations, closed forms and hand-worked cases; and bad input."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
from prdc import compute_prdc
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import KernelDensity

import keras_gan_zoo as kgz
from keras_gan_zoo import InputError, metrics
from keras_gan_zoo.metrics.protocol import check_metrics
from keras_gan_zoo.pictures import grid


def features(n=600, d=12, seed=0, shift=0.0):
    """Correlated, skewed, far from the origin: what rounding and a wrong centring would show on."""
    random = np.random.default_rng(seed)
    return np.exp(random.normal(size=(n, d)) @ random.normal(size=(d, d)) / d) + 100 + shift


# -------------------------------------------------------------------------------------------------- Frechet distance


def test_frechet_agrees_with_a_matrix_square_root():
    real, fake = features(seed=1), features(500, seed=2, shift=0.1)
    c1, c2 = np.cov(real.T), np.cov(fake.T)
    root = scipy.linalg.sqrtm(c1 @ c2).real
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * root)
    assert metrics.frechet_distance(real, fake).value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("m1", "s1", "m2", "s2"), [(0, 1, 1, 1), (0, 1, 0, 2), (0.5, 1.2, -0.3, 1)])
def test_frechet_of_two_normals_is_the_closed_form(m1, s1, m2, s2):
    z = scipy.stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    z = ((z - z.mean()) / z.std(ddof=1))[:, None]  # mean 0, variance 1 exactly
    value = metrics.frechet_distance(m1 + s1 * z, m2 + s2 * z).value
    assert value == pytest.approx((m1 - m2) ** 2 + (s1 - s2) ** 2, rel=1e-9)


def test_frechet_of_commuting_covariances_is_the_closed_form():
    """For shared axes the distance is the sum over the axes of that of one dimension."""
    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 3))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    axes = np.linalg.qr(random.normal(size=(3, 3)))[0]
    first, second = np.array([1.0, 2.0, 0.1]), np.array([3.0, 0.5, 0.1])
    value = metrics.frechet_distance(x * first @ axes.T, x * second @ axes.T + [1, 2, 2]).value
    assert value == pytest.approx(9 + ((first - second) ** 2).sum(), rel=1e-9)


def test_frechet_is_zero_where_covariances_are_singular_and_alike():
    flat = np.concatenate([features(100, 3), np.full((100, 2), 7.0)], axis=1)
    assert metrics.frechet_distance(flat, flat).value == pytest.approx(0, abs=1e-9)


def test_frechet_of_dependent_features_is_a_number():
    """Covariances of rank 3 in 6 dimensions, of which rounding makes eigenvalues below zero."""
    few = features(100, 3) @ np.random.default_rng(0).normal(size=(3, 6))
    assert np.linalg.eigvalsh(np.cov(few.T)).min() < 0
    assert metrics.frechet_distance(few, few + 2 * np.eye(6)[0]).value == pytest.approx(4, rel=1e-6)


def test_moments_do_not_depend_on_batches_and_are_stable():
    x = features(1000) + 1e6
    for sizes in ([1000], [1, 999], [300, 0, 700], [10] * 100):
        parts = np.split(x, np.cumsum(sizes)[:-1])
        moments = metrics.Moments.of(iter(parts))
        assert moments.count == 1000
        np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-12)
        np.testing.assert_allclose(moments.covariance, np.cov((x - 1e6).T), rtol=1e-6, atol=1e-9)
    streamed = metrics.frechet_distance(iter(np.array_split(x, 7)), metrics.Moments.of(x + 1))
    assert streamed.value == pytest.approx(metrics.frechet_distance(x, x + 1).value, rel=1e-9)


def test_frechet_says_how_many_examples_it_needs():
    with pytest.raises(InputError, match=r"at least 13 examples in fake.*Received: 12"):
        metrics.frechet_distance(features(20), features(12))


# --------------------------------------------------------------------------------------------------- kernel distance


def test_kernel_distance_is_the_unbiased_estimate():
    x, y = features(40, 5, 1), features(30, 5, 2, 0.2)
    kernel = {"degree": 3, "gamma": None, "coef0": 1}
    xx, yy, xy = polynomial_kernel(x, x, **kernel), polynomial_kernel(y, y, **kernel), polynomial_kernel(x, y, **kernel)
    expected = (xx.sum() - np.trace(xx)) / (40 * 39) + (yy.sum() - np.trace(yy)) / (30 * 29) - 2 * xy.mean()
    result = metrics.kernel_distance(x, y, block_size=None)
    assert result.value == pytest.approx(expected, rel=1e-6)
    assert math.isnan(result.std)


def test_kernel_distance_of_more_examples_than_are_compared_at_once():
    """Blocks of rows meet each pair once: of 2,100 examples 1,997 rows fit at once."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2100, 2)), random.normal(0.1, 1, size=(2200, 2))
    xx, yy, xy = (((a @ b.T) / 2 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    expected = (xx.sum() - np.trace(xx)) / (2100 * 2099) + (yy.sum() - np.trace(yy)) / (2200 * 2199) - 2 * xy.mean()
    assert metrics.kernel_distance(x, y, block_size=None).value == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_averages_blocks_that_use_every_example_once():
    x, y = np.random.default_rng(0).normal(size=(2, 3000, 4))
    result = metrics.kernel_distance(x, y, block_size=500, seed=3)
    assert result.protocol["blocks"] == 6
    random = np.random.default_rng(3)
    rows, columns = (np.array_split(random.permutation(3000), 6) for _ in range(2))
    each = [metrics.kernel_distance(x[i], y[j], block_size=None).value for i, j in zip(rows, columns, strict=True)]
    assert result.value == pytest.approx(np.mean(each), rel=1e-9)
    assert result.std == pytest.approx(np.std(each, ddof=1), rel=1e-9)
    assert result.standard_error == pytest.approx(result.std / math.sqrt(6))
    assert metrics.kernel_distance(x, y, block_size=500, seed=4).value != result.value


def test_kernel_distance_uses_all_of_a_larger_set():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(900, 4)), random.normal(size=(200, 4))
    result = metrics.kernel_distance(x, y, block_size=100)
    assert result.protocol["blocks"] == 2
    for row in range(0, 900, 90):
        changed = x.copy()
        changed[row] += 5
        assert metrics.kernel_distance(changed, y, block_size=100).value != result.value
    with pytest.raises(InputError, match="block_size"):
        metrics.kernel_distance(x, y, block_size=1)


def test_kernel_distance_has_no_bias():
    """Over many halves of one distribution the mean is zero, where the Frechet distance is not."""
    random = np.random.default_rng(0)
    pairs = [random.normal(size=(2, 100, 6)) for _ in range(200)]
    values = [metrics.kernel_distance(*pair, block_size=None).value for pair in pairs]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(len(values))
    assert min(metrics.frechet_distance(*pair).value for pair in pairs) > 0.1


# --------------------------------------------------------------------------------------------------- inception score


def test_inception_score_agrees_with_entropies():
    p = np.random.default_rng(0).dirichlet(np.full(7, 0.3), size=900)
    order = np.random.default_rng(5).permutation(900)
    parts = [p[part] for part in np.split(order, 3)]
    scores = [math.exp(np.mean([scipy.stats.entropy(row, part.mean(0)) for row in part])) for part in parts]
    result = metrics.inception_score(p, splits=3, seed=5)
    assert result.value == pytest.approx(np.mean(scores), rel=1e-9)
    assert result.std == pytest.approx(np.std(scores), rel=1e-9)


@pytest.mark.parametrize(("p", "score"), [(np.eye(4)[np.arange(40) % 4], 4), (np.full((40, 4), 0.25), 1)])
def test_inception_score_is_from_one_to_the_number_of_classes(p, score):
    assert metrics.inception_score(p, splits=1).value == pytest.approx(score)


def test_inception_score_does_not_depend_on_the_order_of_classes():
    sorted_classes = np.eye(10)[np.sort(np.arange(5000) % 10)]
    assert metrics.inception_score(sorted_classes).value == pytest.approx(10, abs=0.2)
    assert metrics.inception_score(sorted_classes).protocol["splits"] == 10


def test_inception_score_refuses_logits():
    with pytest.raises(InputError, match="Apply a softmax"):
        metrics.inception_score(np.random.default_rng(0).normal(size=(20, 5)))


# ----------------------------------------------------------------------------- precision, recall, density, coverage


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("sizes", [(300, 200), (150, 400)])
def test_manifold_agrees_with_another_implementation(k, sizes):
    real, fake = features(sizes[0], 8, 1), features(sizes[1], 8, 2, 0.3)
    expected = compute_prdc(real_features=real, fake_features=fake, nearest_k=k)
    found = metrics.precision_recall(real, fake, k).values | metrics.density_coverage(real, fake, k).values
    assert found == pytest.approx(expected, rel=1e-9)


def in_sevens(n, columns):
    return (slice(start, start + 7) for start in range(0, n, 7))


def test_manifold_gives_both_at_once_and_in_blocks(monkeypatch):
    real, fake = features(90, 6, 1), features(70, 6, 2)
    whole = [metrics.precision_recall(real, fake), metrics.density_coverage(real, fake)]
    monkeypatch.setattr(sys.modules["keras_gan_zoo.metrics.manifold"], "blocks", in_sevens)
    assert list(metrics.manifold(real, fake)) == whole


def test_manifold_by_hand():
    """On a line, k=1: balls of real examples reach 1.2 around 0 and 1.2, and 8.8 around 10, where 3 and 5 lie; those of
    generated ones 2 around 3 and 5, where 1.2 lies, and 25 around 30, where 10 lies."""
    real, fake = [[0.0], [1.2], [10.0]], [[3.0], [5.0], [30.0]]
    assert metrics.precision_recall(real, fake, k=1).values == {"precision": 2 / 3, "recall": 2 / 3}
    assert metrics.density_coverage(real, fake, k=1).values == {"density": 2 / 3, "coverage": 1 / 3}


def test_halves_of_one_distribution_have_the_known_floors():
    """Density 1; coverage 1 - (n-1)...(n-k) / (2n-1)...(2n-k), the share of balls in which the next is generated."""
    x, y = np.random.default_rng(0).normal(size=(2, 3000, 16))
    result = metrics.density_coverage(x, y, k=5)
    n = 3000
    missed = math.prod((n - i) / (2 * n - i) for i in range(1, 6))
    assert result.density == pytest.approx(1, abs=0.05)
    assert result.coverage == pytest.approx(1 - missed, abs=0.01)


def test_ties_and_duplicates_of_the_manifold_by_hand():
    """Four at 0 and one at 3: balls of k=3 have no radius at 0, where a generated 0 still lies within, and reach 3."""
    real = [[0.0], [0.0], [0.0], [0.0], [3.0]]
    result = metrics.precision_recall(real, [[0.0], [0.5], [6.0], [6.5]], k=3)
    assert result.precision == 0.75  # 6 - 3 is just the radius of the last ball; 6.5 is not
    assert metrics.precision_recall(real, [[0.0], [-0.5], [6.0], [6.5]], k=3).precision == 0.5
    assert metrics.precision_recall([[0.0], [0.5], [6.0], [6.5]], real, k=3).recall == 0.75  # the other way round


def test_manifold_tells_collapse_from_noise():
    real = features(500, 6, 1)
    collapsed = real[:1] + np.random.default_rng(0).normal(0, 1e-3, (500, 6))
    noisy = real + np.random.default_rng(0).normal(0, 5, real.shape)
    assert metrics.precision_recall(real, collapsed).precision == 1 > metrics.precision_recall(real, noisy).precision
    assert metrics.density_coverage(real, collapsed).coverage < 0.05


@pytest.mark.parametrize("k", [0, -1, 1.5, True, 50])
def test_impossible_neighbours_are_refused(k):
    with pytest.raises(InputError, match="k"):
        metrics.precision_recall(features(50), features(60), k)


# ------------------------------------------------------------------------------------------------------------ Parzen


@pytest.mark.parametrize("bandwidth", [0.1, 0.3, 1.0])
def test_parzen_agrees_with_a_kernel_density(bandwidth):
    random = np.random.default_rng(0)
    samples, test = random.uniform(size=(300, 20)), random.uniform(size=(100, 20))
    normaliser = math.log(300) + 20 * math.log(bandwidth * math.sqrt(2 * math.pi))
    expected = scipy.special.logsumexp(-cdist(test, samples, "sqeuclidean") / (2 * bandwidth**2), axis=1) - normaliser
    result = metrics.parzen_log_likelihood(samples, test, bandwidth)
    assert result.value == pytest.approx(expected.mean(), rel=1e-9)
    assert result.standard_error == pytest.approx(expected.std(ddof=1) / 10, rel=1e-9)
    if bandwidth > 0.1:  # where the tree of scikit-learn is right: at 0.1 its two tree types differ by ten nats
        assert result.value == pytest.approx(KernelDensity(bandwidth=bandwidth, rtol=0).fit(samples).score(test) / 100)


def test_parzen_survives_where_every_kernel_is_far():
    result = metrics.parzen_log_likelihood(np.zeros((5, 784)), np.full((3, 784), 10.0), 0.1)
    assert result.value == pytest.approx(-0.5 * 784 * 100 / 0.01 - 784 * math.log(0.1 * math.sqrt(2 * math.pi)))


def test_parzen_chooses_the_bandwidth_by_validation_data_or_by_leaving_out():
    random = np.random.default_rng(0)
    samples, test, validation = (random.normal(0, 0.5, (400, 3)) for _ in range(3))
    grid = np.logspace(-1, 0, 10)
    best = grid[np.argmax([metrics.parzen_log_likelihood(samples, validation, h).value for h in grid])]
    chosen = metrics.parzen_log_likelihood(samples, test, validation=validation)
    assert chosen.bandwidth == best
    assert chosen.value == metrics.parzen_log_likelihood(samples, test, best).value
    assert (
        metrics.parzen_log_likelihood(samples[:50], test, validation=np.repeat(validation, 3, axis=0)).protocol[
            "bandwidth"
        ]
        == "1000 validation examples"
    )
    few = samples[:100]
    left_out = [
        [metrics.parzen_log_likelihood(np.delete(few, i, 0), few[[i]], h).value for i in range(100)] for h in grid
    ]
    assert metrics.parzen_log_likelihood(few, test).bandwidth == grid[np.mean(left_out, axis=1).argmax()]


def test_parzen_leaves_out_each_samples_own_kernel_however_many_there_are():
    """Of 5,000 samples the first 1,000 choose, in two blocks of rows: 800 have an equal one, 200 one at a distance of
    1, and all others are far. The sum of 800 log(1/h) and 200 (log(1/h) - 1/(2 h^2)) is largest at h = sqrt(0.2)."""
    places = 10.0 * np.repeat(np.arange(500), 2)
    samples = np.concatenate([places + np.where(np.arange(1000) < 800, 0, np.arange(1000) % 2), np.full(4000, 1e5)])
    grid = np.logspace(-1, 0, 10)
    best = grid[np.argmax(-np.log(grid) - 0.1 / grid**2)]
    assert metrics.parzen_log_likelihood(samples[:, None], samples[:2, None]).bandwidth == best > 0.4


# ------------------------------------------------------------------------------------------------------------- modes


def test_mode_coverage_by_hand():
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    samples = [[0.2, 0], [0, 0.1], [10, 0.29], [0, 10.31], [5, 5]]
    result = metrics.mode_coverage(samples, centers, std=0.1)
    assert (result.modes, result.high_quality) == (2, 0.6)
    assert result.reverse_kl == pytest.approx(scipy.stats.entropy([2, 1, 0, 0], [1, 1, 1, 1]))
    assert math.isnan(metrics.mode_coverage([[50.0, 50.0]], centers, std=0.1).reverse_kl)
    assert metrics.mode_coverage(samples, centers, std=0.1, radius=4).modes == 3


def test_class_coverage_of_stacked_digits():
    digits = np.random.default_rng(0).integers(10, size=(5000, 3))
    images = np.zeros((5000, 4, 4, 3)) + digits[:, None, None]

    def classify(channel):
        return np.eye(10)[channel[:, 0, 0, 0].astype(int)]

    labels = metrics.stacked_labels(images, classify)
    assert (labels == digits @ [100, 10, 1]).all()
    result = metrics.class_coverage(labels, 1000)
    counts = np.bincount(labels, minlength=1000)
    assert result.modes == (counts > 0).sum()
    assert result.reverse_kl == pytest.approx(scipy.stats.entropy(counts, np.ones(1000)), rel=1e-9)


# -------------------------------------------------------------------------------- neighbours, structural similarity


def test_nearest_neighbours_find_copies():
    random = np.random.default_rng(0)
    train = random.uniform(-0.9, 0.9, (200, 8, 8, 1)).astype(np.float32)
    samples = np.concatenate([train[[3, 50]] + 0.01, random.uniform(-1, 1, (6, 8, 8, 1)).astype(np.float32)])
    result = metrics.nearest_neighbours(samples, train)
    assert result.indices[:2, 0].tolist() == [3, 50]
    assert result.copies == 0.25
    assert result.smallest == pytest.approx(0.08, rel=1e-3)
    assert result.distance == pytest.approx(result.distances[:, 0].mean())
    assert result.ratio == pytest.approx(np.median(result.distances[:, 0] / result.distances[:, 1]))
    assert result.ratio > 0.5
    distances = np.linalg.norm((samples[:, None] - train[None]).reshape(8, 200, -1), axis=-1)
    np.testing.assert_allclose(result.distances, np.sort(distances, axis=1)[:, :2], rtol=1e-5)
    assert result.picture(samples, train, rows=2).size[0] > 100


def test_a_copy_of_two_equal_training_images_is_a_copy():
    result = metrics.nearest_neighbours([[1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]])
    assert (result.copies, result.smallest) == (1.0, 0.0)


def test_the_share_of_copies_by_hand():
    """Nearest and next nearest are 0.3 and 0.7, 0.2 and 0.8, 0.25 and 0.75: one of them is less than a third."""
    result = metrics.nearest_neighbours([[0.3], [5.2], [9.25]], [[0.0], [1.0], [5.0], [6.0], [9.0], [10.0]])
    assert result.copies == pytest.approx(1 / 3)
    assert result.values == pytest.approx({"distance": 0.25, "smallest": 0.2, "ratio": 1 / 3, "copies": 1 / 3})


def test_the_picture_of_neighbours_shows_the_likeliest_copies_first():
    def flat(*greys):
        return np.stack([np.full((2, 2, 1), grey, np.uint8) for grey in greys])

    train = flat(0, 20, 100, 140, 200, 240)
    samples = flat(8, 101, 210, 202)  # nearest and next: 8 of 12, 1 of 39, 10 of 30, 2 of 38
    result = metrics.nearest_neighbours(samples, train)
    triples = flat(101, 100, 140, 202, 200, 240, 210, 200, 240)  # and no fourth
    assert result.picture(samples, train, rows=1).tobytes() == grid(triples, columns=9).tobytes()


def test_structural_similarity_of_pairs():
    random = np.random.default_rng(0)
    varied = random.uniform(-1, 1, (50, 28, 28, 1))
    alike = varied[:1] + random.normal(0, 0.02, (50, 28, 28, 1)).clip(-0.05, 0.05)
    alike = alike.clip(-1, 1)
    assert metrics.ms_ssim(varied, pairs=200).value < 0.1 < 0.9 < metrics.ms_ssim(alike, pairs=200).value
    assert metrics.ms_ssim(np.repeat(varied[:1], 3, axis=0), pairs=50).value == pytest.approx(1, abs=1e-6)
    assert metrics.ms_ssim(varied, pairs=200).protocol["scales"] == 2
    assert metrics.ms_ssim(varied, pairs=20, seed=1).value != metrics.ms_ssim(varied, pairs=20, seed=2).value
    two_kinds = np.concatenate([alike, np.repeat(varied[1:2], 50, axis=0)])
    labels = np.repeat([0, 1], 50)
    assert metrics.ms_ssim(two_kinds, labels, 200).value > 0.9 > metrics.ms_ssim(two_kinds, pairs=200).value
    with pytest.raises(InputError, match="at least 11 pixels"):
        metrics.ms_ssim(np.zeros((5, 8, 8, 1)))


@pytest.mark.parametrize(("side", "weights"), [(12, (0.0448,)), (24, (0.0448, 0.2856)), (44, (0.0448, 0.2856, 0.3001))])
def test_structural_similarity_of_flat_images_by_hand(side, weights):
    """Of two flat images only the luminance term of the coarsest scale is left, (2ab + c) / (a^2 + b^2 + c), to its
    share of the weights."""
    dark, light = np.full((1, side, side, 1), 60, np.uint8), np.full((1, side, side, 1), 200, np.uint8)
    c = (0.01 * 255) ** 2
    expected = ((2 * 60 * 200 + c) / (60**2 + 200**2 + c)) ** (weights[-1] / sum(weights))
    result = metrics.ms_ssim(np.concatenate([dark, light]), pairs=4)
    assert result.protocol["scales"] == len(weights)
    assert result.value == pytest.approx(expected, rel=1e-3)
    assert result.std == pytest.approx(0, abs=1e-6)


def test_pairs_are_of_different_images_and_of_all_of_them():
    from keras_gan_zoo.metrics.diversity import _pairs

    labels = np.array([2, 0, 2, 1, 0, 2, 0])
    first, second = _pairs(labels, 2000, seed=0)
    assert (first != second).all()
    assert (labels[first] == labels[second]).all()
    assert set(first) == set(second) == {0, 1, 2, 4, 5, 6}  # 3 is alone in its class


def test_one_and_another_classifier_learn_from_samples():
    digits = kgz.data.load("digits")
    x, y = digits.examples, digits.labels
    result = metrics.neighbour_classification(x[:1200], y[:1200], x[1200:], y[1200:])
    from sklearn.neighbors import KNeighborsClassifier

    flat = x.reshape(len(x), -1)
    expected = 1 - KNeighborsClassifier(1).fit(flat[:1200], y[:1200]).score(flat[1200:], y[1200:])
    assert result.value == pytest.approx(expected)
    with pytest.raises(InputError, match="a whole number for each example"):
        metrics.neighbour_classification(x[:1200], y[:10], x[1200:], y[1200:])


@pytest.mark.slow
def test_a_network_learns_from_samples():
    digits = kgz.data.load("digits")
    x, y = digits.examples, digits.labels
    result = metrics.network_classification(x[:1500], y[:1500], x[1500:], y[1500:], epochs=8)
    np.random.seed(3)
    shuffled = np.random.default_rng(0).permutation(y[:1500])
    assert result.value < 0.15 < metrics.network_classification(x[:1500], shuffled, x[1500:], y[1500:], epochs=1).value
    drawn = np.random.rand()
    np.random.seed(3)
    assert drawn == np.random.rand()  # whoever measures keeps the global random numbers


# ---------------------------------------------------------------------------------------------- results and bad input


def test_results_of_other_protocols_refuse_to_be_compared():
    x, y = features(100), features(100, seed=1)
    few, many = metrics.precision_recall(x, y), metrics.precision_recall(x, y, k=5)
    assert few <= metrics.precision_recall(x, y)
    for compare in (lambda: few < many, lambda: few > many, lambda: few <= many, lambda: few >= many):
        with pytest.raises(InputError, match="k 3 and 5"):
            compare()
    with pytest.raises(InputError, match="k 3 and 5"):
        few - many
    with pytest.raises(InputError, match="precision_recall and density_coverage"):
        _ = few < metrics.density_coverage(x, y)
    with pytest.raises(InputError, match="not given"):
        _ = few < few.under(extractor="mnist")
    with pytest.raises(InputError, match=r"Compare \.value"):
        _ = few < 0.5


def test_results_are_saved_and_read(tmp_path):
    result = metrics.precision_recall(features(50), features(60, seed=1)).under(extractor="mnist", sha256="a" * 64)
    result.save(tmp_path / "result.json")
    assert metrics.Result.load(tmp_path / "result.json") == result
    assert json.loads((tmp_path / "result.json").read_text())["protocol"]["k"] == 3
    assert "precision" in str(result)
    assert "aaaaaaaaaaaa)" in str(result)
    (tmp_path / "no.json").write_text("{")
    with pytest.raises(InputError, match=r"no\.json"):
        metrics.Result.load(tmp_path / "no.json")
    with pytest.raises(AttributeError, match="precision, recall"):
        _ = result.density


def test_figures_that_do_not_exist_are_no_numbers_in_json(tmp_path):
    result = metrics.kernel_distance(features(50), features(60, seed=1))
    result.save(tmp_path / "one.json")
    json.loads((tmp_path / "one.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert math.isnan(metrics.Result.load(tmp_path / "one.json").std)
    metrics.precision_recall(features(50), features(60), k=np.int64(3)).save(tmp_path / "two.json")
    given = metrics.parzen_log_likelihood(features(50), features(60), 0.1)
    with pytest.raises(InputError, match=r"given, 0\.1 and given, 0\.9"):
        _ = given < metrics.parzen_log_likelihood(features(50), features(60), 0.9)


def test_sets_may_come_in_batches_or_rows():
    x, y = features(60), features(50, seed=1)
    whole = metrics.kernel_distance(x, y).value
    assert metrics.kernel_distance(np.array_split(x, 7), iter(np.array_split(y, 3))).value == whole
    assert metrics.kernel_distance(list(x), y.tolist()).value == whole
    assert metrics.precision_recall(np.array_split(x, 7), y) <= metrics.precision_recall(x, y)
    assert metrics.frechet_distance(list(x), y).value == pytest.approx(metrics.frechet_distance(x, y).value)
    with pytest.raises(InputError, match="array of numbers"):
        metrics.precision_recall(x, [])
    with pytest.raises(InputError, match="at least 1 examples in fake"):
        metrics.precision_recall(x, iter([]))


WITH_TWO_SETS = [
    metrics.frechet_distance,
    metrics.kernel_distance,
    metrics.precision_recall,
    metrics.density_coverage,
    lambda x, y: metrics.parzen_log_likelihood(x, y, 0.2),
    metrics.nearest_neighbours,
    lambda x, y: metrics.mode_coverage(x, y, 0.1),
]


@pytest.mark.parametrize("metric", WITH_TWO_SETS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(metric, bad):
    x, y = features(40), features(40, seed=1)
    y[7, 3] = bad
    with pytest.raises(InputError, match="1 of 40 examples"):
        metric(x, y)
    with pytest.raises(InputError, match="1 of 40 examples"):
        metric(y, x)


@pytest.mark.parametrize("metric", WITH_TWO_SETS)
def test_sets_that_do_not_meet_are_refused(metric):
    with pytest.raises(InputError, match="same number of features"):
        metric(features(40, 5), features(40, 6))
    with pytest.raises(InputError, match="array of numbers"):
        metric(features(40), np.zeros(12))
    with pytest.raises(InputError):
        metric(features(40), np.zeros((0, 12)))


def test_unknown_metrics_are_refused():
    with pytest.raises(InputError, match="Did you mean 'frechet_distance'"):
        check_metrics(["frechet"])
    with pytest.raises(InputError, match="Received: none"):
        check_metrics([])


def test_metrics_need_no_tensorflow():
    code = (
        "import sys, numpy as np; from keras_gan_zoo import metrics as m; x = np.random.rand(50, 4);"
        "m.frechet_distance(x, x); m.manifold(x, x); m.parzen_log_likelihood(x, x, 0.2); m.extractor('mnist');"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "measured",
    [
        lambda samples, real: metrics.nearest_neighbours(samples, real),
        lambda samples, real: metrics.neighbour_classification(samples, [0, 1, 2], real, [0, 1, 2]),
        lambda samples, real: metrics.parzen_log_likelihood(samples, real),
    ],
)
def test_images_of_8_bits_are_not_compared_with_floats(measured):
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)
    with pytest.raises(InputError, match=r"one range. Received: float64 in samples, uint8 in"):
        measured(images / 127.5 - 1, images)
