"""Truncation, walks, morphs and inversion: values by hand or by SciPy, then every variant, then the command line."""

import dataclasses
import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy.spatial
import scipy.stats
from click.testing import CliRunner
from keras import layers
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import latent
from keras_gan_zoo.cli import main
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent import inversion
from tests.equality import CLASSES, KINDS, conditions_of
from tests.helpers import NOISE_KINDS, assert_same, weights_of
from tests.texts import text_gan

NOISE = np.random.default_rng(5).standard_normal((6, 4)).astype(np.float32)
CONDITIONAL = {name: variant for name, (variant, conditional) in KINDS.items() if conditional}


def distinct(gan):
    """The model with weights that are large enough for different noise to give different images."""
    random = np.random.default_rng(0)
    for network in (gan.generator, gan.ema_generator):
        for weight in [] if network is None else network.trainable_variables or network.weights:
            if len(weight.shape) > 1:
                weight.assign(random.normal(0, 1.5 / np.sqrt(np.prod(weight.shape[:-1])), weight.shape))
    return gan


def vector_gan(generator, **arguments):
    """A model of points of the plane around a generator from 2 noise values, with or without labels."""
    points = keras.Input(generator.output_shape[1:])
    if len(generator.inputs) == 1:
        return kgz.GAN(generator, keras.Model(points, layers.Dense(1)(points)), seed=0, **arguments)
    labels = keras.Input((), dtype="int32")
    scores = layers.Dense(1)(layers.Concatenate()([points, layers.CategoryEncoding(3, output_mode="one_hot")(labels)]))
    return kgz.GAN(generator, keras.Model([points, labels], scores), seed=0, **arguments)


def linear_gan():
    """x = (2 z1 + 1, 3 z2 - 1), which has an inverse."""
    noise = keras.Input((2,))
    generator = keras.Model(noise, layers.Dense(2)(noise))
    generator.set_weights([np.diag([2.0, 3.0]), np.array([1.0, -1.0])])
    return vector_gan(generator)


def labelled_gan(encode, **arguments):
    """x = W [z, encode(label)] without any nonlinearity."""
    noise, labels = keras.Input((2,)), keras.Input((), dtype="int32")
    output = layers.Dense(2, kernel_initializer="orthogonal")(layers.Concatenate()([noise, encode(labels)]))
    return vector_gan(keras.Model([noise, labels], output), num_classes=3, **arguments)


# --------------------------------------------------------------------------------------------------- from here to there


def test_a_line_by_hand():
    path = latent.interpolate([0.0, 2.0], [4.0, -2.0], steps=5)
    assert path.dtype == np.float32
    assert path.tolist() == [[0, 2], [1, 1], [2, 0], [3, -1], [4, -2]]


def test_a_quarter_of_a_circle_by_hand():
    path = latent.interpolate([3.0, 0.0], [0.0, 3.0], steps=4, spherical=True)
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(path, 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1), atol=1e-6)


def test_lengths_go_linearly_while_the_direction_turns():
    path = latent.interpolate([2.0, 0.0], [0.0, 8.0], steps=3, spherical=True)
    np.testing.assert_allclose(path[1], [5 / np.sqrt(2)] * 2, rtol=1e-6)


def test_directions_are_those_of_scipy():
    start, end = (vector / np.linalg.norm(vector) for vector in NOISE[:2].astype(np.float64))
    expected = scipy.spatial.geometric_slerp(start, end, np.linspace(0, 1, 9))
    np.testing.assert_allclose(latent.interpolate(start, end, 9, spherical=True), expected, atol=1e-6)


def test_the_printed_formula():
    a, b = NOISE[0].astype(np.float64), NOISE[1].astype(np.float64)
    (length_a, length_b), t = np.linalg.norm([a, b], axis=1), np.linspace(0, 1, 7)[:, None]
    theta = np.arccos(a @ b / length_a / length_b)
    turned = (np.sin((1 - t) * theta) * a / length_a + np.sin(t * theta) * b / length_b) / np.sin(theta)
    expected = ((1 - t) * length_a + t * length_b) * turned
    np.testing.assert_allclose(latent.interpolate(a, b, 7, spherical=True), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("spherical", [False, True])
def test_ends_are_exact_and_batches_are_their_rows(spherical):
    paths = latent.interpolate(NOISE[:3], NOISE[3:], 5, spherical)
    assert paths.shape == (3, 5, 4)
    np.testing.assert_array_equal(paths[:, 0], NOISE[:3])
    np.testing.assert_array_equal(paths[:, -1], NOISE[3:])
    for path, start, end in zip(paths, NOISE[:3], NOISE[3:], strict=True):
        np.testing.assert_array_equal(path, latent.interpolate(start, end, 5, spherical))


def test_parallel_vectors_and_zero_go_straight():
    for start, end in (([1.0, 2.0], [3.0, 6.0]), ([0.0, 0.0], [3.0, 6.0]), ([3.0, 6.0], [0.0, 0.0])):
        straight = latent.interpolate(start, end, 5)
        np.testing.assert_allclose(latent.interpolate(start, end, 5, spherical=True), straight, atol=1e-6)
    assert not latent.interpolate([0.0, 0.0], [0.0, 0.0], 3, spherical=True).any()


@pytest.mark.parametrize("start", [NOISE[0], NOISE[0] * 1.7, np.float32([0, 0, 1, 0])])
def test_opposite_vectors_turn_half_a_circle(start):
    path = latent.interpolate(start, -start, 7, spherical=True).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), np.linalg.norm(start), rtol=1e-6)
    np.testing.assert_array_equal(path[-1], -start)
    cosines = (path[1:] * path[:-1]).sum(axis=1) / (start @ start)
    np.testing.assert_allclose(cosines, np.cos(np.pi / 6), rtol=1e-5)


def test_nearly_opposite_vectors_of_two_lengths_stay_between_them():
    lengths = np.linalg.norm(latent.interpolate([10.0, 0.0], [-9.0, 1e-3], 9, spherical=True), axis=1)
    np.testing.assert_allclose(lengths, np.linspace(10, 9, 9), rtol=1e-4)


def test_opposite_numbers_have_no_way_but_through_zero():
    path = latent.interpolate([2.0], [-2.0], 3, spherical=True)
    np.testing.assert_allclose(path, [[2], [0], [-2]], atol=1e-6)


def test_the_line_leaves_the_sphere_that_noise_lies_on():
    start, end = np.random.default_rng(0).standard_normal((2, 50, 1000))
    middle = [np.linalg.norm(latent.interpolate(start, end, 3, way)[:, 1], axis=1).mean() for way in (False, True)]
    np.testing.assert_allclose(middle, [np.sqrt(500), np.sqrt(1000)], rtol=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], [1.0], 1), "steps to be a whole number of at least 2. Received: 1"),
        (([0.0], [1.0], 2.5), "Received: 2.5"),
        (([0.0], [1.0, 2.0], 3), r"of one shape .* Received: \(1,\) and \(2,\)"),
        ((0.0, 1.0, 3), r"Received: \(\) and \(\)"),
        (([0.0], [np.nan], 3), "Expected finite noise"),
    ],
)
def test_impossible_ways_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        latent.interpolate(*arguments)


# ----------------------------------------------------------------------------------------------------------- truncation


@pytest.mark.parametrize("truncation", [1e-3, 0.3, 1.0, 2.5])
def test_noise_has_the_truncated_distribution(truncation):
    noise = latent.truncated_noise(1000, 100, truncation, seed=1)
    assert noise.dtype == np.float32
    assert np.abs(noise).max() <= np.float32(truncation)
    assert scipy.stats.kstest(noise.ravel(), scipy.stats.truncnorm(-truncation, truncation).cdf).pvalue > 0.01


def test_what_is_within_the_threshold_stays():
    whole, cut = (latent.truncated_noise(50, 8, truncation, seed=3) for truncation in (None, 0.8))
    within = np.abs(whole) <= np.float32(0.8)
    assert 0.3 < within.mean() < 0.8
    np.testing.assert_array_equal(cut[within], whole[within])
    assert not np.isin(cut[~within], whole).any()


def test_first_rows_do_not_depend_on_their_number():
    np.testing.assert_array_equal(latent.truncated_noise(3, 4, 0.5, 7), latent.truncated_noise(9, 4, 0.5, 7)[:3])
    assert not np.array_equal(latent.truncated_noise(3, 4, 0.5, 7), latent.truncated_noise(3, 4, 0.5, 8))
    assert latent.truncated_noise(2, (3, 5), 0.5).shape == (2, 3, 5)


@pytest.mark.parametrize("truncation", [0, -1.0, np.nan, "1", True])
def test_impossible_thresholds_are_refused(truncation):
    with pytest.raises(InputError, match="truncation above 0"):
        latent.truncated_noise(3, 4, truncation)
    with pytest.raises(InputError, match="truncation above 0"):
        linear_gan().sample(3, truncation=truncation)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((0, 3), "n to be"), ((1.5, 3), "n to be"), ((2, [3]), "latent_dim to be"), ((2, (3, 0)), "latent_dim to be")],
)
def test_impossible_sizes_and_seeds_are_refused(arguments, words):
    with pytest.raises(InputError, match=f"Expected {words} a whole number of at least 1"):
        latent.truncated_noise(*arguments)
    for seed in (-1, "a", 1.5):
        with pytest.raises(InputError, match="Expected seed to be a whole number of at least 0"):
            latent.truncated_noise(2, 3, seed=seed)


def test_samples_without_truncation_have_the_noise_they_always_had():
    noise = np.random.default_rng(3).standard_normal((70, 2), dtype=np.float32)
    np.testing.assert_allclose(linear_gan().sample(70, seed=3), noise * [2, 3] + [1, -1], rtol=1e-5, atol=1e-6)


def test_samples_with_truncation():
    gan = linear_gan()
    samples = gan.sample(500, seed=3, truncation=0.5)
    np.testing.assert_array_equal(samples, gan.sample(500, seed=3, truncation=0.5))
    np.testing.assert_array_equal(samples, gan.sample_from(latent.truncated_noise(500, 2, 0.5, 3)))
    assert (np.abs(samples - [1, -1]) <= [1.00001, 1.50001]).all()


def test_noise_of_another_form_is_refused():
    for noise in (np.zeros((3, 5)), np.zeros(2), np.zeros((0, 2)), np.zeros((3, 2, 1))):
        with pytest.raises(InputError, match=r"Expected noise of shape \(n, 2\)"):
            linear_gan().sample_from(noise)
    with pytest.raises(InputError, match="Expected finite noise"):
        linear_gan().sample_from(np.full((3, 2), np.inf))


# ---------------------------------------------------------------------------------------------------------------- walks


def test_a_walk_goes_between_random_noises():
    gan = linear_gan()
    ways = latent.walk(gan, rows=3, steps=5, seed=2, spherical=False)
    ends = gan.sample(6, seed=2).reshape(3, 2, 2)
    np.testing.assert_allclose(
        ways, ends[:, :1] + np.linspace(0, 1, 5)[:, None] * (ends[:, 1:] - ends[:, :1]), atol=1e-5
    )
    np.testing.assert_array_equal(ways[:2], latent.walk(gan, rows=2, steps=5, seed=2, spherical=False))
    assert not np.allclose(ways, latent.walk(gan, rows=3, steps=5, seed=2))


def test_a_walk_has_a_class_per_row():
    gan = labelled_gan(layers.Embedding(3, 4, embeddings_initializer="normal"))
    ways = latent.walk(gan, rows=4, steps=3, seed=2)
    noise = latent.truncated_noise(8, 2, seed=2)
    np.testing.assert_allclose(ways[:, 0], gan.sample_from(noise[::2], [0, 1, 2, 0]), atol=1e-6)
    np.testing.assert_allclose(latent.walk(gan, 4, 3, 2, labels=1)[:, -1], gan.sample_from(noise[1::2], 1), atol=1e-6)


def test_impossible_walks_are_refused():
    for arguments in ({"rows": 0, "steps": 3}, {"rows": 3, "steps": 1}):
        with pytest.raises(InputError, match="whole number"):
            latent.walk(linear_gan(), **arguments)


# --------------------------------------------------------------------------------------------------------------- morphs


@pytest.mark.parametrize("variant", CONDITIONAL.values(), ids=CONDITIONAL)
def test_a_morph_ends_at_the_samples_of_its_classes(tiny, variant):
    gan = distinct(tiny(variant, conditional=True))
    before, config = weights_of(gan), gan.get_config()
    morph = latent.class_morph(gan, 0, 2, steps=4, noise=latent.truncated_noise(5, 4, seed=9))
    assert (morph.shape, morph.dtype) == ((5, 4, 8, 8, 1), np.float32)
    np.testing.assert_allclose(morph[:, 0], gan.sample(5, labels=0, seed=9), atol=2e-6)
    np.testing.assert_allclose(morph[:, -1], gan.sample(5, labels=2, seed=9), atol=2e-6)
    assert np.abs(morph[:, 0] - morph[:, -1]).max() > 1e-3
    assert_same(before, weights_of(gan))
    assert gan.get_config() == config


ENCODERS = {
    "embedding": lambda labels: layers.Embedding(3, 4, embeddings_initializer="normal")(labels),
    "one_hot": lambda labels: keras.ops.one_hot(labels, 3),
    "category_encoding": lambda labels: layers.CategoryEncoding(3, output_mode="one_hot")(labels),
    "behind a reshape": lambda labels: layers.Flatten()(layers.Embedding(3, 4)(layers.Reshape((1,))(labels))),
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_a_morph_mixes_encodings_linearly(encode):
    gan = labelled_gan(encode)  # so what a linear generator makes is mixed linearly too
    first, last = (gan.sample_from(NOISE[:, :2], label)[:, None] for label in (0, 1))
    t = np.linspace(0, 1, 5)[:, None]
    morph = latent.class_morph(gan, 0, 1, 5, NOISE[:, :2])
    np.testing.assert_allclose(morph, (1 - t) * first + t * last, atol=1e-6)


def test_a_morph_by_names_with_the_averaged_generator():
    gan = labelled_gan(ENCODERS["embedding"], class_names=["zero", "one", "two"], ema_decay=0.9)
    gan.ema_generator.set_weights([2 * weight for weight in gan.ema_generator.get_weights()])
    morph = latent.class_morph(gan, "two", "zero", 3, NOISE[:, :2])
    np.testing.assert_allclose(morph[:, 0], gan.sample_from(NOISE[:, :2], "two"), atol=1e-6)
    np.testing.assert_allclose(morph[:, 2], gan.sample_from(NOISE[:, :2], "zero"), atol=1e-6)


def test_a_generator_without_a_single_encoding_is_refused():
    def two(labels):
        return layers.Add()([layers.Embedding(3, 4)(labels), layers.Embedding(3, 4)(labels)])

    def learned(labels):
        return layers.Dense(4)(keras.ops.cast(layers.Reshape((1,))(labels), "float32"))

    for encode, message in ((two, "feeds them to embedding.* and embedding"), (learned, "feeds them to dense")):
        with pytest.raises(InputError, match=f"single Embedding.*{message}"):
            latent.class_morph(labelled_gan(encode), 0, 1, 3, NOISE[:, :2])


def test_impossible_morphs_are_refused(tiny):
    with pytest.raises(InputError, match="Expected a conditional model"):
        latent.class_morph(linear_gan(), 0, 1, 3, NOISE[:, :2])
    gan = labelled_gan(ENCODERS["embedding"])
    with pytest.raises(InputError, match="from 0 to 2"):
        latent.class_morph(gan, 0, 3, 3, NOISE[:, :2])
    with pytest.raises(InputError, match="steps"):
        latent.class_morph(gan, 0, 1, 1, NOISE[:, :2])
    with pytest.raises(InputError, match="Expected noise"):
        latent.class_morph(gan, 0, 1, 3, NOISE)


def test_a_morph_between_texts_goes_along_the_line_between_their_vectors():
    gan, texts = text_gan(), ["long green hair", "a red hat"]
    morph = latent.text_morph(gan, *texts, 3, latent.truncated_noise(2, 8, seed=1))
    vectors = gan.encoder.encode(texts)
    way = [vectors[0], vectors.mean(axis=0), vectors[1]]
    expected = np.stack([gan.sample(2, conditions=vector, seed=1) for vector in way], axis=1)
    np.testing.assert_allclose(morph, expected, atol=1e-5)
    assert np.abs(morph[:, 0] - morph[:, 2]).max() > 0.1
    with pytest.raises(InputError, match="not trained with texts"):
        latent.text_morph(linear_gan(), *texts, 3, np.zeros((1, 2)))
    with pytest.raises(InputError, match="steps to be a whole number of at least 2"):
        latent.text_morph(gan, *texts, 1, np.zeros((1, 8)))


# ------------------------------------------------------------------------------------------------------------ inversion


def test_a_linear_generator_is_inverted():
    points = np.float32([[1, -1], [3, 2], [-2.4, 0.2]])
    found = linear_gan().invert(points, prior=0)
    np.testing.assert_allclose(found.noise, [[0, 0], [1, 1], [-1.7, 0.4]], atol=2e-3)
    np.testing.assert_allclose(found.images, points, atol=5e-3)


def test_the_prior_weighs_the_mean_square_of_the_noise():
    # (2 z1 + 1 - x1)^2 / 2 + p z1^2 / 2 has its minimum at z1 = 2 (x1 - 1) / (4 + p), and so the other
    found = linear_gan().invert(np.float32([[3, 2]]), prior=2.0)
    np.testing.assert_allclose(found.noise, [[4 / 6, 9 / 11]], atol=2e-3)
    expected = np.sqrt(((2 * 4 / 6 + 1 - 3) ** 2 + (3 * 9 / 11 - 1 - 2) ** 2) / 2)
    np.testing.assert_allclose(found.error, [expected], atol=1e-3)


@pytest.mark.parametrize(("variant", "conditional"), NOISE_KINDS)
def test_the_generators_own_images_are_found_again(tiny, variant, conditional):
    units = {"generator_units": 60} if variant == "conditional_gan" else {}  # of which a sixth are fed by the noise
    gan = distinct(tiny(variant, conditional, ema_decay=0.9 if variant == "dcgan" else None, **units))
    before, steps, seed, config = weights_of(gan), int(gan.step), gan.seed, gan.get_config()
    labels = conditions_of(type(gan), np.array([2, 0, 1]), conditional)
    given = {"conditions": labels} if gan.takes_texts else {"labels": labels}
    images = gan.sample(3, seed=11, **given)
    found = gan.invert(images, **given, steps=200, prior=0)
    assert (found.noise.shape, found.images.shape, found.error.shape) == ((3, 4), (3, 8, 8, 1), (3,))
    np.testing.assert_array_equal(found.images, gan.sample_from(found.noise, **given))
    np.testing.assert_allclose(found.error, np.sqrt(((found.images - images) ** 2).mean(axis=(1, 2, 3))), rtol=1e-5)
    [(name, conditions)] = given.items()
    random = np.stack([gan.sample(1000, seed=12, **{name: c}) for c in ([None] * 3 if labels is None else conditions)])
    best = np.sqrt(((random - images[:, None]) ** 2).mean(axis=(2, 3, 4))).min(axis=1)
    assert (best > 0.02).all()
    assert (found.error < 0.1 * best).all()
    assert_same(before, weights_of(gan))
    assert (int(gan.step), gan.seed, gan.get_config()) == (steps, seed, config)


@pytest.fixture
def gan(tiny):
    return distinct(tiny("gan"))


def test_the_averaged_generator_is_the_one_inverted(tiny):
    gan = tiny("gan", ema_decay=0.9)
    distinct(gan)
    gan.generator.set_weights([np.zeros_like(weight) for weight in gan.generator.get_weights()])
    assert gan.invert(gan.sample(2, seed=11), steps=200).error.max() < 0.02


def test_inversion_repeats_and_leaves_training_as_it_was(tiny, images):
    gan, undisturbed = tiny("gan"), tiny("gan")
    first, second = (gan.invert(images[:2], steps=20, seed=4) for _ in range(2))
    for field in dataclasses.fields(first):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    assert not np.array_equal(first.noise, gan.invert(images[:2], steps=20, seed=5).noise)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.noise = second.noise
    for model in (gan, undisturbed):
        model.fit(images, batch_size=8, verbose=0)
    assert_same(weights_of(gan), weights_of(undisturbed))


def test_more_restarts_or_steps_are_no_worse_and_begin_at_the_best_sample(gan):
    images = gan.sample(4, seed=11)
    errors = [gan.invert(images, steps=s, restarts=k, prior=0).error for s, k in ((1, 1), (60, 1), (60, 6))]
    random = gan.sample(1000, seed=0)
    best = np.sqrt(((random - images[:, None]) ** 2).mean(axis=(2, 3, 4))).min(axis=1)
    np.testing.assert_allclose(errors[0], best, rtol=1e-5)
    assert (errors[1] < errors[0]).all()
    assert (errors[2] <= errors[1] + 1e-6).all()


def test_images_in_several_batches_are_found_alike(gan, images, monkeypatch):
    whole = gan.invert(images[:5], steps=30, restarts=2)
    monkeypatch.setattr(inversion, "TOGETHER", 4)
    np.testing.assert_allclose(gan.invert(images[:5], steps=30, restarts=2).error, whole.error, rtol=1e-3)


def test_uint8_images_are_inverted_as_floats(gan):
    grey = kgz.pictures.to_uint8(gan.sample(2, seed=11))
    as_floats = gan.invert((grey / 127.5 - 1).astype(np.float32), steps=20)
    np.testing.assert_allclose(gan.invert(grey, steps=20).error, as_floats.error, rtol=1e-4)
    assert gan.invert(grey[..., 0], steps=20).images.shape == (2, 8, 8, 1)


def test_classes_go_by_index_or_name_and_one_serves_all():
    gan = labelled_gan(ENCODERS["embedding"], class_names=["zero", "one", "two"])
    points = gan.sample(2, labels=2, seed=1)
    by_index = gan.invert(points, [2, 2], steps=20)
    for labels in (2, "two", ["two", "two"]):
        np.testing.assert_array_equal(gan.invert(points, labels, steps=20).noise, by_index.noise)


def test_progress_is_shown_when_asked_for(gan, images, capsys):
    gan.invert(images[:1], steps=20)
    assert capsys.readouterr().out == ""
    gan.invert(images[:1], steps=20, verbose=2)
    assert "10/10" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": np.zeros((2, 3))}, r"the generator makes, \(2,\)\. Received: \(3,\)"),
        ({"images": np.full((2, 2), np.nan)}, "Expected finite numbers"),
        ({"images": np.zeros((0, 2))}, r"at least one example\. Received: none"),
        ({"images": np.zeros((2, 2)), "steps": 0}, "steps to be a whole number"),
        ({"images": np.zeros((2, 2)), "restarts": 1.5}, "restarts to be a whole number"),
        ({"images": np.zeros((2, 2)), "learning_rate": 0}, "learning_rate to be a number above 0"),
        ({"images": np.zeros((2, 2)), "prior": -1}, "prior to be a number of at least 0"),
        ({"images": np.zeros((2, 2)), "seed": -1}, "Expected a seed"),
    ],
)
def test_impossible_inversions_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        linear_gan().invert(**arguments)


def test_labels_are_needed_and_must_be_known():
    gan = labelled_gan(ENCODERS["embedding"])
    with pytest.raises(InputError, match=r"Expected the labels of the examples.*Pass invert\(images, labels\)"):
        gan.invert(np.zeros((2, 2)))
    with pytest.raises(InputError, match="from 0 to 2"):
        gan.invert(np.zeros((2, 2)), 3)
    with pytest.raises(InputError, match="one label or 2 labels"):
        gan.invert(np.zeros((2, 2)), [0, 1, 2])


# ----------------------------------------------------------------------------------------------------- the command line


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A conditional model, an unconditional one, one of points, and data for them."""
    folder = tmp_path_factory.mktemp("saved")
    build = functools.partial(kgz.DCGAN.for_images, (8, 8, 1), latent_dim=4, width=4, seed=0)
    distinct(build(num_classes=CLASSES, class_names=["cat", "dog", "7"])).save(folder / "conditional.keras")
    distinct(build()).save(folder / "plain.keras")
    linear_gan().save(folder / "points.keras")
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    np.savez(folder / "images.npz", images=pixels, labels=np.arange(6) % CLASSES)
    np.save(folder / "points.npy", random.normal(size=(30, 2)).astype(np.float32))
    return folder


def size_of_grid(columns, rows):
    return kgz.pictures.grid(np.zeros((columns * rows, 8, 8, 1)), columns).size


def test_a_picture_of_walks(saved, tmp_path):
    result = run("interpolate", saved / "plain.keras", "--steps", 5, "--rows", 3, "-o", tmp_path / "walk.png")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("3 interpolations from noise to noise in 5 steps, seed 0: ")
    with Image.open(tmp_path / "walk.png") as picture:
        assert picture.size == size_of_grid(columns=5, rows=3)
    linear = ("--linear", "-o", tmp_path / "linear.png")
    assert run("interpolate", saved / "plain.keras", "--steps", 5, "--rows", 3, *linear).exit_code == 0
    assert (tmp_path / "walk.png").read_bytes() != (tmp_path / "linear.png").read_bytes()


def test_an_animation_goes_there_and_back(saved, tmp_path):
    result = run("interpolate", saved / "conditional.keras", "--steps", 5, "--rows", 3, "-o", tmp_path / "walk.gif")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "walk.gif") as animation:
        assert animation.n_frames == 8
        frames = []
        for number in range(8):
            animation.seek(number)
            assert animation.info["duration"] == 120
            frames.append(np.array(animation.convert("L")))
    np.testing.assert_array_equal(frames[1], frames[7])
    assert not np.array_equal(frames[0], frames[4])


def test_a_picture_of_a_morph(saved, tmp_path):
    out = tmp_path / "morph.png"
    labels = ("--from-label", "dog", "--to-label", "0", "--steps", 4, "--rows", 2)
    result = run("interpolate", saved / "conditional.keras", *labels, "--seed", 3, "-o", out)
    assert result.exit_code == 0, result.output
    assert "2 interpolations from dog to 0" in result.output
    gan = kgz.load(saved / "conditional.keras")
    morph = latent.class_morph(gan, 1, 0, 4, latent.truncated_noise(2, 4, seed=3))
    expected = kgz.pictures.grid(morph.reshape(-1, 8, 8, 1), columns=4)
    with Image.open(out) as picture:
        np.testing.assert_array_equal(np.array(picture), np.array(expected))


def test_points_are_walked_and_inverted_as_scatter_plots(saved, tmp_path):
    assert run("interpolate", saved / "points.keras", "-o", tmp_path / "walk.png").exit_code == 0
    result = run("invert", saved / "points.keras", "--data", saved / "points.npy", "-o", tmp_path / "found.png")
    assert result.exit_code == 0, result.output
    assert "root mean square error 0.00" in result.output


def test_a_picture_or_arrays_of_an_inversion(saved, tmp_path):
    options = ("--data", saved / "images.npz", "-n", 4, "--steps", 20, "--restarts", 2, "--seed", 1)
    for name in ("found.png", "found.npz"):
        result = run("invert", saved / "conditional.keras", *options, "-o", tmp_path / name)
        assert result.exit_code == 0, result.output
    assert result.output.startswith("4 examples, seed 1: root mean square error 0.")
    assert "(of random noise 2.0)" in result.output
    with Image.open(tmp_path / "found.png") as picture:
        assert picture.size == size_of_grid(columns=4, rows=2)
    with np.load(saved / "images.npz") as given, np.load(tmp_path / "found.npz") as found:
        gan = kgz.load(saved / "conditional.keras")
        expected = gan.invert(given["images"][:4], given["labels"][:4], steps=20, restarts=2, seed=1)
        np.testing.assert_allclose(found["noise"], expected.noise, atol=1e-5)
        np.testing.assert_allclose(found["error"], expected.error, atol=1e-6)


def test_samples_with_truncation_on_the_command_line(saved, tmp_path):
    out = tmp_path / "s.npz"
    assert run("sample", saved / "plain.keras", "-n", 5, "--truncation", 0.5, "-o", out).exit_code == 0
    expected = kgz.load(saved / "plain.keras").sample(5, seed=0, truncation=0.5)
    np.testing.assert_array_equal(np.load(out)["images"], expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["interpolate", "plain.keras", "--from-label", "1"], "--from-label and --to-label together"),
        (["interpolate", "plain.keras", "--from-label", "1", "--to-label", "2"], "Expected no --from-label"),
        (
            ["interpolate", "conditional.keras", "--from-label", "1", "--to-label", "2", "--linear"],
            "--linear without --from-label",
        ),
        (["interpolate", "conditional.keras", "--from-label", "dgo", "--to-label", "2"], "Did you mean 'dog'"),
        (["interpolate", "plain.keras", "-o", "walk.npz"], ".png, .jpg, .jpeg or .gif file"),
        (["interpolate", "plain.keras", "-o", "no/walk.png"], "a folder that exists"),
        (["interpolate", "plain.keras", "--steps", "1"], "--steps"),
        (["interpolate", "nowhere"], "does not exist"),
        (["invert", "plain.keras"], "--data"),
        (["invert", "plain.keras", "--data", "images.npz", "-n", "7"], "-n of at most 6"),
        (["invert", "plain.keras", "--data", "images.npz", "--split", "test"], "Expected no split"),
        (["invert", "plain.keras", "--data", "ring8"], "which cannot be resized"),
        (["invert", "conditional.keras", "--data", "unlabelled.npy", "-n", "4"], "Expected the labels"),
        (["invert", "plain.keras", "--data", "images.npz", "-o", "found.gif"], "found.gif"),
        (["sample", "plain.keras", "--truncation", "0"], "--truncation"),
    ],
)
def test_mistakes_are_one_line(saved, arguments, message, monkeypatch):
    monkeypatch.chdir(saved)
    with np.load("images.npz") as labelled:
        np.save("unlabelled.npy", labelled["images"])
    before = sorted(saved.iterdir())
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Error: " in result.output.splitlines()[-1]
    assert sorted(saved.iterdir()) == before


def test_help_is_complete():
    for command in ("interpolate", "invert"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert f"gan-zoo {command}" in result.output


def test_the_module_imports_no_tensorflow():
    code = "import sys, keras_gan_zoo as kgz; kgz.latent.interpolate([0.0], [1.0], 3); print('keras' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert result.stdout.strip() == "False"
