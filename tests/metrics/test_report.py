"""Extractors, whole protocols, metrics while training, and `gan-zoo evaluate` as a user meets it."""

import csv
import functools
import hashlib
import json
import subprocess
import sys
import tomllib

import keras
import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import InputError, metrics
from keras_gan_zoo.callbacks import CollapseAlarm, Metrics, Stopping
from keras_gan_zoo.cli import main
from keras_gan_zoo.cli.evaluate import trained_on
from keras_gan_zoo.core.conditions import Condition, renumbered
from keras_gan_zoo.latent.sampler import Sampler
from keras_gan_zoo.metrics import real_images
from keras_gan_zoo.metrics.features import extractors
from keras_gan_zoo.metrics.protocol import measure
from keras_gan_zoo.metrics.sets import ImageSet, Sets
from keras_gan_zoo.metrics.sources import as_source
from keras_gan_zoo.training.recipe import Recipe
from tests.helpers import needs_tfds


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def digits():
    return kgz.data.load("digits")


@pytest.fixture
def digits_file(digits, tmp_path):
    np.savez(tmp_path / "digits.npz", images=digits.examples[:400], labels=digits.labels[:400])
    return tmp_path / "digits.npz"


def tiny_classifier(classes=10):
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 1))
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(images))
    return keras.Model(images, {"features": pooled, "logits": keras.layers.Dense(classes)(pooled)}, name="tiny")


# ----------------------------------------------------------------------------------------------------- the extractors


@pytest.mark.parametrize("name", extractors.shipped())
def test_shipped_classifiers_are_what_their_cards_say(name):
    path = extractors.CLASSIFIERS / f"{name}.onnx"
    card = tomllib.loads(path.with_suffix(".toml").read_text())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size <= 2 * 2**20
    extractor = metrics.extractor(name)
    side, channels = (32, 3) if name == "cifar10" else (28, 1)
    images = np.random.default_rng(0).integers(256, size=(5, side, side, channels), dtype=np.uint8)
    outputs = extractor.outputs(images)
    assert outputs["features"].shape == (5, card["features"])
    assert extractor.probabilities(images).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        pytest.param("mnist", 0.993, marks=needs_tfds("mnist")),
        pytest.param("fashion_mnist", 0.925, marks=needs_tfds("fashion_mnist")),
    ],
)
def test_shipped_classifiers_name_real_test_images(name, least):
    test = kgz.data.load(name, split="test")
    right = metrics.extractor(name).probabilities(test.examples).argmax(axis=1) == test.labels
    card = tomllib.loads((extractors.CLASSIFIERS / f"{name}.toml").read_text())
    assert right.mean() >= least
    assert right.mean() == pytest.approx(card["accuracy"], abs=2e-4)


def test_grey_pictures_saved_in_colour_are_measured_in_one_channel(digits, tmp_path):
    for number, image in enumerate(digits.examples[:50]):
        Image.fromarray(image[..., 0]).convert("RGB").save(tmp_path / f"{number}.png")
    measured = {"metrics": ["kernel_distance"], "extractor": "pixels", "n": 50}
    with pytest.raises(InputError, match="or its image_size or channels"):
        metrics.evaluate(tmp_path, "digits", **measured)
    assert len(metrics.evaluate(tmp_path, "digits", channels=1, **measured).generated) == 1


def test_a_damaged_classifier_is_refused(tmp_path):
    for suffix in (".onnx", ".toml"):
        content = (extractors.CLASSIFIERS / f"mnist{suffix}").read_bytes()
        (tmp_path / f"mnist{suffix}").write_bytes(content)
    damaged = bytearray((tmp_path / "mnist.onnx").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "mnist.onnx").write_bytes(damaged)
    with pytest.raises(InputError, match="Install the package again"):
        extractors._classifier(tmp_path / "mnist.onnx")


def test_an_extractor_gives_the_same_whatever_the_batches_and_the_format(digits):
    extractor = metrics.extractor(tiny_classifier())
    images = digits.examples[:37]
    whole = extractor(images)
    np.testing.assert_array_equal(extractor(images, batch_size=10), whole)
    np.testing.assert_array_equal(extractor(images.astype(np.float32) / 127.5 - 1), whole)
    streamed = [outputs["features"] for outputs in extractor.stream(np.array_split(images, 4))]
    np.testing.assert_array_equal(np.concatenate(streamed), whole)
    assert metrics.frechet_distance(iter(streamed), whole).value == pytest.approx(0, abs=1e-6)


def test_the_digest_of_a_keras_model_is_of_its_weights():
    one, same, other = tiny_classifier(), tiny_classifier(), tiny_classifier()
    other.layers[-1].bias.assign(np.ones(10))
    digests = [metrics.extractor(model).sha256 for model in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]
    images = keras.Input((16, 16, 1))
    pools = (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)
    of_pools = [metrics.extractor(keras.Model(images, pool(4)(images), name="pool")).sha256 for pool in pools]
    assert of_pools[0] != of_pools[1]
    functions = [metrics.extractor(f).sha256 for f in (lambda x: x, lambda x: x.mean(axis=1))]
    assert functions[0] != functions[1]


def test_the_same_network_built_twice_is_one_extractor():
    twice = [keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten()]) for _ in range(2)]
    assert twice[0].name != twice[1].name
    assert metrics.extractor(twice[0]).protocol == metrics.extractor(twice[1]).protocol


def test_extractors_refuse_what_they_cannot_take(digits):
    with pytest.raises(InputError, match="Did you mean 'fashion_mnist'"):
        metrics.extractor("fashion-mnist")
    with pytest.raises(InputError, match=r"\(28, 28, 1\) for the extractor mnist"):
        metrics.extractor("mnist")(digits.examples)
    with pytest.raises(InputError, match="or leave this metric out"):
        metrics.extractor("pixels").probabilities(digits.examples)
    with pytest.raises(InputError, match="from 0 to 255"):
        metrics.extractor("pixels")(digits.examples.astype(np.float32))
    with pytest.raises(InputError, match="NaN"):
        metrics.extractor("pixels")(np.full((2, 4, 4, 1), np.nan, np.float32))
    for nothing in (digits.examples[:0], iter([])):
        with pytest.raises(InputError):
            metrics.extractor("pixels")(nothing)
    with pytest.raises(InputError, match=r"features \(3, \.\.\.\) for 3 images"):
        metrics.extractor(lambda images: images.mean(axis=0))(digits.examples[:3])
    with pytest.raises(InputError, match="knows its one input"):
        metrics.extractor(keras.Sequential([keras.layers.Flatten()]))
    with pytest.raises(InputError, match="a function"):
        metrics.extractor(3)


# ---------------------------------------------------------------------------------------------------- whole protocols


def test_measure_is_the_metrics_themselves(digits):
    extractor = metrics.extractor(tiny_classifier())
    x, y = (ImageSet(part, extractor) for part in (digits.examples[:500], digits.examples[500:1100]))
    found = {result.metric: result for result in measure(Sets(x, y, seed=3), data="digits")}
    a, b = extractor(x.images), extractor(y.images)
    assert found["frechet_distance"].values == metrics.frechet_distance(b, a).values
    assert found["precision_recall"].values == metrics.precision_recall(b, a).values
    assert found["density_coverage"].values == metrics.density_coverage(b, a).values
    assert found["kernel_distance"].value == metrics.kernel_distance(b, a, seed=3).value
    probabilities = extractor.probabilities(x.images)
    assert found["inception_score"].values == metrics.inception_score(probabilities, seed=3).values
    for result in found.values():
        assert result.protocol.items() >= {"sha256": extractor.sha256, "data": "digits", "seed": 3}.items()


def test_measure_gives_each_metric_its_own_side(digits):
    """Sets of different sizes: what is generated, real, trained on cannot change places unseen."""
    extractor = metrics.extractor(tiny_classifier())
    x, y, z = digits.examples[:300], digits.examples[300:700], digits.examples[700:1200]
    labels = [digits.labels[:300], digits.labels[300:700]]
    sets = Sets(
        ImageSet(x, extractor, labels[0]),
        ImageSet(y, extractor, labels[1]),
        ImageSet(z, extractor),
        ImageSet(z, extractor),
    )
    names = ["nearest_neighbours", "neighbour_classification", "parzen_log_likelihood", "ms_ssim", "label_agreement"]
    found = {result.metric: result for result in measure(sets, [*names, "class_coverage"])}
    flat = [part.reshape(len(part), -1) / 255 for part in (x, y, z)]
    assert found["nearest_neighbours"].values == metrics.nearest_neighbours(flat[0], flat[2]).values
    expected = metrics.neighbour_classification(flat[0], labels[0], flat[1], labels[1])
    assert found["neighbour_classification"].values == expected.values
    assert (
        found["parzen_log_likelihood"].values
        == metrics.parzen_log_likelihood(flat[0], flat[1], validation=flat[2]).values
    )
    assert found["ms_ssim"].values == metrics.ms_ssim(x, labels[0]).values
    named = extractor.outputs(x)["logits"].argmax(axis=1)
    assert found["label_agreement"].value == (named == labels[0]).mean()
    assert found["class_coverage"].values == metrics.class_coverage(named, 10).values


@pytest.mark.parametrize("bad", [np.full((9, 16, 16, 1), np.nan), np.full((9, 16, 16, 1), 255.0), np.ones((9, 4))])
def test_images_that_are_none_are_refused_everywhere(bad):
    for measure_bad in (
        lambda: ImageSet(bad, metrics.extractor("pixels")),
        lambda: metrics.ms_ssim(bad),
        lambda: metrics.network_classification(bad, np.zeros(9, int), bad, np.zeros(9, int)),
        lambda: metrics.evaluate(bad, "digits", extractor="pixels", metrics=["kernel_distance"]),
    ):
        with pytest.raises(InputError, match="Received"):
            measure_bad()


def test_one_extractor_sees_all(digits):
    one, other = metrics.extractor("pixels"), metrics.extractor(tiny_classifier())
    with pytest.raises(InputError, match="one extractor"):
        Sets(ImageSet(digits.examples[:9], one), ImageSet(digits.examples[:9], other))


def test_real_images_in_the_samples_place_are_the_floor(digits, tmp_path):
    def noise(n):
        return np.random.default_rng(n).uniform(-1, 1, (n, 16, 16, 1)).astype(np.float32)

    stages = []
    report = metrics.evaluate(
        noise,
        "digits",
        metrics=["frechet_distance", "nearest_neighbours", "parzen_log_likelihood", "ms_ssim"],
        extractor=tiny_classifier(),
        n=700,
        progress=lambda *stage: stages.append(stage),
    )
    ours, real = ({result.metric: result for result in row} for row in (report.generated, report.reference))
    assert ours["frechet_distance"].value - real["frechet_distance"].value > 9 * real["frechet_distance"].value
    assert ours["frechet_distance"] > real["frechet_distance"]
    assert ours["parzen_log_likelihood"] < real["parzen_log_likelihood"]
    assert real["nearest_neighbours"].copies < 0.05  # of the other half: no image is its own neighbour
    assert ("samples", 700, 700) in stages
    assert all(done <= total for _, done, total in stages)
    report.save(tmp_path / "report.json")
    assert metrics.Report.load(tmp_path / "report.json").generated[0] == report.generated[0]
    assert report.neighbours is not None


def test_copies_are_found_in_all_of_a_set_without_splits(digits):
    report = metrics.evaluate(digits.examples, "digits", metrics=["nearest_neighbours"], extractor="pixels", n=800)
    assert report.generated[0].copies == 1


def test_labels_of_folders_are_those_of_their_names():
    """Folders sort as eight, five, four ...: their order says nothing."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert renumbered(np.array([0, 1, 2]), ("eight", "five", "four"), names).tolist() == [8, 5, 4]
    assert renumbered(np.array([0, 1]), ("cats", "dogs"), names) is None


# ------------------------------------------------------------------------------------------ the conditions of samples


class Perfect(Sampler):
    """Draws from the real images of each class, or of each condition, themselves."""

    example_shape, latent_shape = (16, 16, 1), (1,)

    def __init__(self, images, conditions, condition):
        self.images, self.conditions, self.condition, self.given = images, conditions, condition, []

    def _examples_of(self, noise, condition):
        self.given.append(condition)
        found = []
        for z, each in zip(noise[:, 0], condition, strict=True):
            alike = np.flatnonzero((self.conditions == each).reshape(len(self.images), -1).all(axis=1))
            found.append(alike[int(abs(z) * 1e4) % len(alike)])
        return self.images[found] / np.float32(127.5) - 1


def four_patches(images):
    return images.reshape(len(images), 2, 8, 2, 8).mean(axis=(2, 4)).reshape(len(images), 4)


UNBALANCED = {"metrics": ["frechet_distance"], "extractor": four_patches, "n": 200}


@pytest.fixture(scope="module")
def unbalanced(digits):
    """Many zeros and few of three other digits, named as classes; as a Dataset."""
    random = np.random.default_rng(0)
    classes = np.repeat(np.arange(4), [340, 20, 20, 20])
    chosen = [random.choice(np.flatnonzero(digits.labels == each)) for each in classes]
    return kgz.data.Dataset(digits.examples[chosen], classes)


def saved(folder, images, **others):
    np.savez(folder / "unbalanced.npz", images=images, **others)
    return folder / "unbalanced.npz"


def test_a_perfect_model_of_unbalanced_data_is_perfect(unbalanced, tmp_path):
    perfect = Perfect(unbalanced.examples, unbalanced.labels, Condition((), 6))
    file = saved(tmp_path, unbalanced.examples, labels=unbalanced.labels)
    report = metrics.evaluate(perfect, file, **UNBALANCED)
    [ours], [real] = report.generated, report.reference
    assert ours.value < 3 * real.value
    assert ours.protocol["labels"] == "in the shares of the real images"
    assert "labels in the shares of the real images" in report.protocol()
    report.save(tmp_path / "report.json")
    assert metrics.Report.load(tmp_path / "report.json").generated[0].protocol["labels"] == ours.protocol["labels"]
    assert np.bincount(np.concatenate(perfect.given), minlength=6)[4:].sum() == 0  # no real image is of these classes
    again = Perfect(unbalanced.examples, unbalanced.labels, Condition((), 6))
    assert metrics.evaluate(again, file, **UNBALANCED).generated[0].value == ours.value

    perfect.condition = Condition((), 4)
    in_turn = metrics.evaluate(perfect, saved(tmp_path, unbalanced.examples), **UNBALANCED).generated[0]
    assert in_turn.protocol["labels"] == "in turn"
    with pytest.raises(InputError, match="labels"):
        _ = ours.under(checksum=0, data="") < in_turn.under(checksum=0, data="")
    unconditional = metrics.Result("frechet_distance", {"value": 1e9}, {**ours.protocol})
    del unconditional.protocol["labels"]
    assert ours < unconditional  # of a model without labels, or measured before they were noted


def test_classes_of_samples_are_those_of_the_same_name(unbalanced, tmp_path):
    """The folder's classes sort in another order; the model knows one more, and not the last."""
    names = ("zero", "one", "two", "never")
    for name, image in zip(
        np.array(["zero", "one", "two", "three"])[unbalanced.labels], unbalanced.examples, strict=True
    ):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(tmp_path / name / f"{len(list((tmp_path / name).iterdir()))}.png")
    perfect = Perfect(unbalanced.examples, unbalanced.labels, Condition((), 4, names))
    result = metrics.evaluate(perfect, str(tmp_path), **{**UNBALANCED, "n": 190}).generated[0]
    assert result.protocol["labels"] == "in the shares of the real images, of the classes that can be sampled"
    counts = np.bincount(np.concatenate(perfect.given), minlength=4)
    assert counts[0] > 160
    assert counts[3] == 0
    assert counts.sum() == 190


def test_conditions_that_are_vectors_are_those_of_the_real_images(unbalanced, tmp_path):
    vectors = np.eye(4, dtype=np.float32)[unbalanced.labels]
    perfect = Perfect(unbalanced.examples, vectors, Condition((4,)))
    report = metrics.evaluate(perfect, saved(tmp_path, unbalanced.examples, conditions=vectors), **UNBALANCED)
    assert report.generated[0].value < 3 * report.reference[0].value
    assert report.generated[0].protocol["conditions"] == "of the real images"
    with pytest.raises(InputError, match=r"Expected real images with conditions.*evaluate\(gan\.sample"):
        metrics.evaluate(perfect, saved(tmp_path, unbalanced.examples), **UNBALANCED)


def test_a_generator_without_noise_is_measured(unbalanced, tmp_path):
    class Deaf(Perfect):
        latent_shape = None

        def _examples_of(self, noise, condition):
            assert noise is None
            return super()._examples_of(np.arange(len(condition))[:, None] / 1e4, condition)

    file = saved(tmp_path, unbalanced.examples, labels=unbalanced.labels)
    deaf = Deaf(unbalanced.examples, unbalanced.labels, Condition((), 4))
    assert metrics.evaluate(deaf, file, **UNBALANCED).generated[0].value < 10


def test_metrics_while_training_draw_labels_as_the_real_ones(unbalanced):
    perfect = Perfect(unbalanced.examples, unbalanced.labels, Condition((), 4))
    quality = Metrics(["frechet_distance"], extractor=four_patches, n=150)

    def measured(dataset):
        perfect.given.clear()
        quality.set_model(perfect)
        quality.set_params({"epochs": 1})
        quality.begin(dataset)
        quality.on_epoch_end(0, logs := {})
        [result] = quality.results
        return logs["frechet_distance"], result.protocol["labels"], np.bincount(np.concatenate(perfect.given))

    score, how, counts = measured(unbalanced)
    assert how == "in the shares of the real images"
    assert counts.tolist() == [128, 8, 7, 7]  # of 127.5 and three times 7.5
    in_turn, how, counts = measured(kgz.data.Dataset(unbalanced.examples))
    assert how == "in turn"
    assert counts.tolist() == [38, 38, 37, 37]
    assert score < in_turn / 5
    balanced = kgz.data.Dataset(unbalanced.examples, np.arange(400) % 4)
    assert measured(balanced)[2].tolist() == [38, 38, 37, 37]


def test_the_alarm_draws_labels_as_the_real_ones(unbalanced):
    perfect, alarm = Perfect(unbalanced.examples, unbalanced.labels, Condition((), 4)), CollapseAlarm(n=200)
    alarm.set_model(perfect)
    alarm.begin(unbalanced)
    assert np.bincount(alarm._conditions).tolist() == [170, 10, 10, 10]


def test_metrics_while_training_say_early_that_conditions_are_missing(unbalanced):
    quality = Metrics(["frechet_distance"], extractor=four_patches, n=150)
    quality.set_model(Perfect(unbalanced.examples, unbalanced.labels, Condition((4,))))
    with pytest.raises(InputError, match="conditions"):
        quality.begin(kgz.data.Dataset(unbalanced.examples))


# ------------------------------------------------------------------------------------------------ images, and what fits


def test_images_that_exist_are_taken_in_an_order_of_their_own(digits):
    order = np.argsort(digits.labels, kind="stable")
    batches, labels = as_source(digits.examples[order]).draw(300)
    taken = np.concatenate(list(batches))
    assert len(taken) == 300
    assert labels is None
    classes = [digits.labels[(digits.examples == image).all(axis=(1, 2, 3)).argmax()] for image in taken[:60]]
    assert len(set(classes)) == 10


def test_samples_of_another_shape_or_number_are_refused():
    with pytest.raises(InputError, match=r"samples of shape \(16, 16, 1\)"):
        metrics.evaluate(lambda n: np.zeros((n, 8, 8, 1)), "digits", metrics=["kernel_distance"], extractor="pixels")
    few = {"metrics": ["kernel_distance"], "extractor": "pixels", "n": 50}
    with pytest.raises(InputError, match=r"Expected 50 samples\. Received: 3"):
        metrics.evaluate(lambda n: np.zeros((3, 16, 16, 1)), "digits", **few)
    with pytest.raises(InputError, match="Ask for 898"):
        metrics.evaluate(lambda n: np.zeros((n, 16, 16, 1)), "digits", extractor="pixels", n=900)


def test_mixtures_are_measured_by_their_modes():
    grid = kgz.data.load("grid25")
    found = metrics.evaluate(lambda n: np.repeat(grid.centers[:5], n // 5, axis=0), "grid25")
    (ours,), (real,) = found.generated, found.reference
    assert (ours.modes, ours.high_quality, ours.reverse_kl) == (5, 1.0, pytest.approx(np.log(5)))
    assert real.modes == 25
    assert real.high_quality == pytest.approx(1 - np.exp(-4.5), abs=0.01)  # within three deviations in the plane
    assert ours.protocol["generated"] == real.protocol["generated"] == 2500
    assert ours.protocol["data"] == "grid25"
    assert [row[0] for row in found.rows()] == ["mode_coverage", "  modes", "  high_quality", "  reverse_kl"]


@pytest.mark.parametrize(
    "wrong", [{"metrics": ["frechet_distance"]}, {"split": "test"}, {"extractor": "pixels"}, {"image_size": 8}]
)
def test_mixtures_refuse_what_images_have(wrong):
    with pytest.raises(InputError, match="mode_coverage alone"):
        metrics.evaluate(lambda n: np.zeros((n, 2)), "ring8", **wrong)


@pytest.mark.parametrize(
    ("shape", "data", "arguments", "message"),
    [
        ((8, 8, 1), "ring8", {}, r"shape \(2,\), as the real examples are\. Received: \(8, 8, 1\).*trained on\.$"),
        ((2,), "digits", {"metrics": "kernel_distance", "extractor": "pixels"}, r"shape \(16, 16, 1\).*\(2,\)"),
        ((2,), "swiss_roll", {"metrics": "mode_coverage"}, r"Expected ring8 or grid25 .* Received: swiss_roll"),
        ((2,), "swiss_roll", {}, r"Expected images, or .*: ring8, grid25\. Received: .*swiss_roll.*kernel_distance"),
        ((2,), kgz.data.Dataset(np.zeros((4, 8, 8, 1), np.uint8)), {}, r"the path of real images\. Received: Dataset"),
        ((2,), np.zeros((4, 8, 8, 1), np.uint8), {}, r"real images\. Received: ndarray\. .*np\.savez"),
    ],
)
def test_data_that_do_not_fit_get_advice_that_can_be_followed(shape, data, arguments, message):
    with pytest.raises(InputError, match=message):
        metrics.evaluate(lambda n: np.zeros((n, *shape)), data, **arguments)


@pytest.mark.parametrize("source", [None, 3, kgz.data.Dataset(np.zeros((4, 8, 8, 1), np.uint8))])
def test_what_cannot_be_measured_is_named(source):
    with pytest.raises(InputError, match=f"Expected a model, .* Received: {type(source).__name__}"):
        metrics.evaluate(source, "digits")


@needs_tfds("mnist")
def test_sets_that_stream_are_measured(monkeypatch):
    """A set too large for memory is read for the measurement, labels too."""
    loaded = functools.partial(kgz.data.load, memory_limit=0)
    monkeypatch.setattr(real_images, "load", loaded)
    form = {"split": "test[:40]", "train_split": "train[:40]", "n": 30, "metrics": ["kernel_distance"]}
    streamed = metrics.evaluate(lambda n: np.zeros((n, 28, 28, 1)), "mnist", **form)
    monkeypatch.undo()
    held = metrics.evaluate(lambda n: np.zeros((n, 28, 28, 1)), "mnist", **form)
    assert [found.value for found in streamed.generated] == [found.value for found in held.generated]
    assert streamed.reference[0].value == held.reference[0].value
    whole, again = kgz.data.load("mnist", split="test[:9]"), loaded("mnist", split="test[:9]").in_memory()
    np.testing.assert_array_equal(whole.labels, again.labels)


# ----------------------------------------------------------------------------------------------------- while training


def test_metrics_are_logged_and_stopped_by(tiny, images):
    real = kgz.data.Dataset(images)
    gan = tiny("dcgan", ema_decay=0.9)
    quality = Metrics(["kernel_distance", "precision_recall"], extractor="pixels", n=30, every=2)
    again = Metrics(["kernel_distance"], real=images[::2], extractor="pixels", n=20, prefix="half_")
    history = gan.fit(real, batch_size=8, epochs=5, callbacks=[quality, again], verbose=0).history
    assert len(history["d_loss"]) == len(history["half_kernel_distance"]) == 5
    assert len(history["kernel_distance"]) == len(history["recall"]) == 4  # after epochs 1, 2, 4, 5
    (batch,) = real.batches(30, seed=0).take(1)
    extractor = metrics.extractor("pixels")
    averaged = metrics.kernel_distance(extractor(batch.numpy()), extractor(gan.sample(30, seed=0))).value
    assert history["kernel_distance"][-1] == averaged == quality.results[0].value
    gan.ema_generator.set_weights(gan.generator.get_weights())
    assert metrics.kernel_distance(extractor(batch.numpy()), extractor(gan.sample(30, seed=0))).value != averaged
    assert quality.results[0].protocol["data"] == "arrays"
    with pytest.raises(InputError, match="checksum"):
        _ = quality.results[0] < again.results[0]


def test_epochs_without_a_measurement_do_not_wait(tiny, images):
    quality = Metrics(["kernel_distance"], extractor="pixels", n=30, every=3)
    stopping = Stopping("kernel_distance", patience=3, min_delta=1e9)  # nothing is an improvement
    gan = tiny("dcgan")
    history = gan.fit(images, batch_size=8, epochs=30, callbacks=[quality, stopping], verbose=0).history
    assert len(history["d_loss"]) == 9  # the first look, and three more, of epochs 3, 6, 9
    assert gan.steps_done == 5  # the first was the best


def test_copies_while_training_are_looked_for_in_all_that_is_trained_on(tiny, images):
    quality = Metrics(["nearest_neighbours"], real=images[:10], extractor="pixels", n=10)
    history = tiny("dcgan").fit(images, batch_size=8, epochs=1, callbacks=[quality], verbose=0).history
    assert quality.results[0].protocol["train"] == 40
    assert "nearest_neighbours_copies" in history


def test_metrics_while_training_say_early_what_is_wrong(tiny, images):
    for callback, message in (
        (Metrics(), "have one. Received: none"),
        (Metrics(["frechet_distance"], extractor="pixels", n=20), "Expected more than 64 images"),
        (Metrics(["neighbour_classification"], extractor="pixels"), "labels in both sets"),
        (Metrics(real=np.zeros((9, 4, 4, 1), np.uint8), extractor="pixels"), r"real images \(8, 8, 1\)"),
    ):
        with pytest.raises(InputError, match=message):
            tiny("dcgan").fit(images, batch_size=8, epochs=1, callbacks=[callback], verbose=0)
    with pytest.raises(InputError, match="Unknown metric"):
        Metrics(["fid"])


def test_a_run_measures_itself(digits_file, tmp_path):
    small = ["--width", 4, "--latent-dim", 4, "--batch-size", 32, "--epochs", 2]
    measured = ["--metrics", "kernel_distance,density_coverage", "--metrics-samples", 50, "--features", "pixels"]
    folder = tmp_path / "run"
    stop = ["--stop-by", "coverage", "--patience", 5]
    result = run("train", "dcgan", "--data", digits_file, "--out", folder, *small, *measured, *stop)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    assert float(rows[1]["coverage"]) >= 0
    assert "kernel_distance" in rows[0]
    assert "density" in result.output
    again = run("train", "--resume", folder, "--epochs", 3)
    assert again.exit_code == 0, again.output
    assert len(list(csv.DictReader((folder / "log.csv").read_text().splitlines()))) == 3
    unknown = run("train", "dcgan", "--data", digits_file, "--out", tmp_path / "x", *small, "--metrics", "fid")
    assert unknown.exit_code == 2
    assert "Unknown metric 'fid'" in unknown.output


# --------------------------------------------------------------------------------------------------- the command line

FEW = ["--metrics", "kernel_distance,precision_recall,neighbour_classification", "--features", "pixels", "-n", 100]


def test_evaluate_shows_a_table_and_writes_all_figures(digits_file, tmp_path):
    model = tmp_path / "gan.keras"
    kgz.ConditionalGAN.for_images((16, 16, 1), num_classes=10, latent_dim=4, seed=0).save(model)
    out, picture = tmp_path / "scores.json", tmp_path / "nearest.png"
    result = run("evaluate", model, "--data", "digits", *FEW, "--json", out, "--neighbours", picture)
    assert result.exit_code == 0, result.output
    assert "real images" in result.output
    assert "kernel_distance" in result.output
    content = json.loads(out.read_text())
    assert [entry["metric"] for entry in content["generated"]][:2] == ["kernel_distance", "precision_recall"]
    assert content["generated"][2]["values"]["value"] > content["reference"][2]["values"]["value"]
    assert content["generated"][0]["protocol"]["extractor"] == "pixels"
    assert picture.stat().st_size > 1000
    run("evaluate", model, "--data", "digits", *FEW, "--json", tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["generated"] == content["generated"][:3]


def test_evaluate_takes_images_of_any_program(digits, tmp_path):
    for name in ("pictures", "pictures/deep"):
        (tmp_path / name).mkdir()
    for number, image in enumerate(digits.examples[:100]):
        kgz.pictures.save(
            kgz.pictures.Image.fromarray(image[..., 0]), tmp_path / "pictures" / "deep" / f"{number:03}.png"
        )
    np.savez(tmp_path / "few.npz", images=digits.examples[:100])
    few = ["--metrics", "kernel_distance", "--features", "pixels", "-n", 100]
    scores = []
    for source in (tmp_path / "few.npz", tmp_path / "pictures"):
        result = run("evaluate", source, "--data", "digits", *few, "--json", tmp_path / "scores.json")
        assert result.exit_code == 0, result.output
        scores.append(json.loads((tmp_path / "scores.json").read_text())["generated"][0]["values"])
    assert scores[0] == scores[1]


def onnx_generator(path, inputs=("noise",), classes="10"):
    """Repeats the first four numbers of the noise, clipped, as an image (16, 16, 1)."""
    values = [helper.make_tensor_value_info(inputs[0], TensorProto.FLOAT, ["batch", 4])]
    values += [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch"]) for name in inputs[1:]]
    shape = helper.make_tensor("shape", TensorProto.INT64, [4], [-1, 16, 16, 1])
    nodes = [
        helper.make_node("Tile", [inputs[0], "repeats"], ["long"]),
        helper.make_node("Reshape", ["long", "shape"], ["square"]),
        helper.make_node("Tanh", ["square"], ["images"]),
    ]
    constants = [shape, helper.make_tensor("repeats", TensorProto.INT64, [2], [1, 64])]
    output = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 16, 16, 1])
    graph = helper.make_graph(nodes, "generator", values, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"num_classes": classes} if classes else {})
    onnx.save(model, path)
    return path


def test_a_run_is_compared_with_what_its_recipe_says(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    kgz.ConditionalGAN.for_images((16, 16, 1), num_classes=10, latent_dim=4, seed=0).save(folder / "gan.keras")
    recipe = Recipe("conditional_gan", "digits", image_size=16, model={"latent_dim": 4})
    (folder / "recipe.toml").write_text(recipe.to_toml())
    result = run("evaluate", folder, *FEW)
    assert result.exit_code == 0, result.output
    assert "digits" in result.output
    assert trained_on(str(folder)) == {"data": "digits", "image_size": 16}
    assert trained_on("dcgan_crawl_tiles") == {"data": "crawl_tiles_32_rgba.npz", "background": "black"}

    result = run("evaluate", folder / "gan.keras", *FEW)
    assert result.exit_code == 2
    assert "such as --data mnist" in result.output


def run_without_keras(*arguments):
    """gan-zoo in a process of its own, which ends with code 1 if it imported Keras or TensorFlow."""
    code = (
        f"import sys; from keras_gan_zoo.cli import main\ntry: main({[str(each) for each in arguments]})\n"
        "finally: assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


def test_evaluate_names_the_nearest_preset_at_once():
    done = run_without_keras("evaluate", "gan_mnis")
    assert done.returncode == 2, done.stderr
    assert "Did you mean 'gan_mnist'" in done.stderr
    assert "gan-zoo list" in done.stderr


def test_evaluating_exported_generators_takes_no_tensorflow(tmp_path):
    generator = onnx_generator(tmp_path / "g.onnx", ("noise", "labels"))
    done = run_without_keras("evaluate", generator, "--data", "digits", *FEW)
    assert done.returncode == 0, done.stderr
    assert "kernel_distance" in done.stdout


def test_evaluate_takes_exported_generators(tmp_path):
    result = run("evaluate", onnx_generator(tmp_path / "g.onnx", ("noise", "labels")), "--data", "digits", *FEW)
    assert result.exit_code == 0, result.output
    (tmp_path / "text.onnx").write_text("no model")
    for path, message in (
        (tmp_path / "text.onnx", "Expected a whole ONNX model"),
        (tmp_path / "none.onnx", "does not exist"),
        (onnx_generator(tmp_path / "other.onnx", ("input",)), "the inputs noise and"),
        (
            onnx_generator(tmp_path / "nameless.onnx", ("noise", "labels"), ""),
            "num_classes from 1 to 1048576 in the metadata",
        ),
    ):
        result = run("evaluate", path, "--data", "digits", *FEW)
        assert result.exit_code == 2
        assert message in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digits", "--metrics", "fid"], "Unknown metric 'fid'"),
        (["--data", "digits", "--metrics", ","], "Received: none"),
        (["--data", "digits"], "have one. Received: none"),
        (["--data", "digits", "-n", 700, "--features", "pixels"], "Ask for 400"),
        (["--data", "nothing_such"], "Unknown data set"),
        (["--data", "digits", "--json", "no/such/folder.json"], "a folder that exists"),
        (["--data", "digits", "--features", "lpips"], "Unknown extractor"),
        (["--data", "digits", "--features", "mnist", "-n", 100], "Choose another extractor"),
        (["--data", "digits", "--features", "inception", "-n", 100], "classify_image_graph_def.pb"),
        (["--data", "digits", "--features", "pixels", "-n", 100], "Expected more than 256 images"),
    ],
)
def test_evaluate_says_what_it_cannot_do(digits_file, arguments, message, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GAN_ZOO_CACHE", str(tmp_path / "cache"))
    count = [] if "-n" in arguments else ["-n", 100]
    result = run("evaluate", digits_file, *arguments, *count)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
