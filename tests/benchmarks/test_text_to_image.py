"""Measurement of text-to-image models, on pictures and captions whose scores are known."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.data.captioned import Attribute, CaptionedDataset
from keras_gan_zoo.encoders import as_encoder
from tests.benchmarks import attributes, matching, stages, text_scores, text_to_image
from tests.benchmarks.text_scores import Asked, Judges

COLOURS, SHADES = ("red", "green", "blue"), ("dark", "light")
VALUES = [[colour, shade] for colour in range(3) for shade in range(2)]


def squares(times: int) -> CaptionedDataset:
    """Squares of three colours, dark or light; each is there several times, a little lighter each time."""
    codes = np.array(VALUES * times, np.int32)
    images = np.zeros((len(codes), 8, 8, 3), np.uint8)
    for number, (image, (colour, shade)) in enumerate(zip(images, codes, strict=True)):
        image[..., colour] = 100 + 100 * shade + number // len(VALUES)
    names = [f"a {SHADES[shade]} {COLOURS[colour]} square" for colour, shade in codes]
    known = {"colour": Attribute(COLOURS, codes[:, 0]), "shade": Attribute(SHADES, codes[:, 1])}
    return CaptionedDataset(images, [(name, f"it is {name}") for name in names], attributes=known)


class Seeing:
    """In the place of networks: reads squares without error."""

    attributes, encoder = ("colour", "shade"), as_encoder("characters")

    def codes(self, images):
        pixels = attributes.scaled(images)[:, 0, 0] * 127.5 + 127.5
        return np.stack([pixels.argmax(axis=1), pixels.max(axis=1) > 190], axis=1)

    def features(self, images):
        return self.codes(images).astype(float)

    def products(self, images, texts):
        words = [text.split() for text in texts]
        asked = [[COLOURS.index(word[-2]), SHADES.index(word[-3])] for word in words]
        return (self.codes(images)[:, None] == np.array(asked)[None]).mean(axis=-1)


@pytest.fixture(scope="module")
def data():
    return squares(30)


@pytest.fixture(scope="module")
def asked(data):
    return Asked(data, text_scores.complete(data.captions))


@pytest.fixture(scope="module")
def judges():
    return Judges(Seeing(), Seeing())


class Painter:
    """In the place of a model: paints what a caption asks for; the noise makes it a little lighter."""

    steps_done = 7

    def __init__(self, data):
        texts = [texts[0] for texts in data.captions[: len(VALUES)]]
        self.encoder = as_encoder("characters")
        self.vectors, self.images = self.encoder.encode(texts), attributes.scaled(data.examples[: len(VALUES)])

    def noise_shape(self):
        return (2,)

    def sample_from(self, noise, conditions):
        images = self.images[(conditions @ self.vectors.T).argmax(axis=1)]
        return np.clip(images + np.abs(noise[:, :1, None, None]) / 100, -1, 1)


def test_rates_count_each_attribute_their_mean_and_all():
    found = attributes.rates(np.array([[0, 1], [1, 1], [2, 0], [1, 1]]), np.array(VALUES[:4]), ["colour", "shade"])
    assert found == {"colour": 0.5, "shade": 0.75, "mean": 0.625, "all": 0.25}


def test_r_precision_of_the_right_caption_of_no_opinion_and_of_the_wrong_one():
    codes = np.stack([np.arange(200), np.zeros(200)], axis=1)
    assert matching.r_precision(np.eye(200), codes) == (1.0, 0.0)
    assert matching.r_precision(np.zeros((200, 200)), codes) == (pytest.approx(0.01), pytest.approx(0))
    assert matching.r_precision(-np.eye(200), codes) == (0.0, 0.0)


def test_r_precision_takes_rivals_that_ask_for_something_else(asked, judges):
    """Thirty captions each say the same: none of them is a rival, and so every picture finds its own."""
    products = judges.matcher.products(asked.pictures.examples, asked.texts)
    assert matching.r_precision(products, asked.codes) == (1.0, 0.0)
    random = np.random.default_rng(0).standard_normal((400, 400))
    mean, between = matching.r_precision(random, np.arange(400)[:, None])
    assert mean < 0.03
    assert 0 < between < 0.03


def test_a_model_that_obeys_has_the_scores_of_real_pictures(data, asked, judges):
    found = text_scores.scores_of_model(Painter(data), asked, judges)
    exact = {"colour": 1.0, "shade": 1.0, "mean": 1.0, "all": 1.0, "R-precision": 1.0, "between groups": 0.0}
    assert found["samples"] == exact
    other = found["samples of other captions"]
    assert other["colour"] == pytest.approx(1 / 3, abs=0.1)
    assert other["shade"] == pytest.approx(1 / 2, abs=0.1)
    without = text_scores.scores_without_model(asked, matching.encoded(data), judges)
    assert without["real pictures"] == without["picture of the nearest caption"] == exact
    assert without["most frequent values"] == {"colour": 1 / 3, "shade": 0.5, "mean": 5 / 12, "all": 1 / 6}


def test_nearest_captions_are_found_by_direction_among_all_of_a_picture(data):
    vectors = as_encoder("characters").encode([texts[1] for texts in data.captions[:6]])
    assert text_scores.nearest_captions(7 * vectors, matching.encoded(data[:6])).tolist() == list(range(6))


def test_diversity_compares_samples_of_a_caption_with_its_real_pictures(data, asked, judges):
    assert [len(same) for _, same in text_scores.familiar(asked, data)] == [30] * 6
    assert text_scores.familiar(asked, data[:6]) == []  # one picture each: nothing to compare with
    found = text_scores.diversity(Painter(data), asked, data, judges)
    assert found["samples of a caption"]["features"] == found["real pictures of its attributes"]["features"] == 0
    assert 0 < found["samples of a caption"]["pixels"] < found["samples of one noise"]["pixels"]
    levels = np.arange(30) / 127.5
    expected = np.abs(levels[:, None] - levels).sum() / (30 * 29) / np.sqrt(3)
    assert found["real pictures of its attributes"]["pixels"] == pytest.approx(expected, rel=1e-5)


def test_copies_are_counted(data):
    images = data.examples[:4].copy()
    images[0] += 7
    found, _ = text_scores.copies(images, data)
    assert found["equal"] == 0.75


def test_results_of_models_become_tables(data, asked, judges, tmp_path):
    measurement = object.__new__(text_to_image.Measurement)
    measurement.name, measurement.asked, measurement.judges = "squares", {"unseen": asked}, judges
    measurement.training = matching.encoded(data)
    model = measurement.of_model(Painter(data), tmp_path / "first_")
    assert {file.name for file in tmp_path.iterdir()} == {"first_nearest.png", "first_captions.png"}
    results = {
        "data": "squares",
        "judges": {"reporting": "12ab"},
        "captions": {"unseen": 180},
        "models": {"first": model, "second": model},
        "without model": {"unseen": text_scores.scores_without_model(asked, measurement.training, judges)},
        "copies among test pictures": text_scores.copies(data.examples[:9], data)[0],
    }
    text = text_to_image.page(json.loads(json.dumps(results)))
    assert "| samples | 1.000 ± 0.000 | 1.000 ± 0.000 |" in text
    assert "| most frequent values | 0.333 | 0.500 | 0.417 | 0.167 |  |" in text
    assert "| real pictures of its attributes | 0.000 ± 0.000 |" in text
    report = text_to_image.report(results, "first")
    assert report.rows()[:2] == [("attributes_unseen", "", ""), ("  colour", "1", "1")]
    assert report.generated[0].protocol == {"data": "squares", "seed": 0, "reporting_sha256": "12ab", "captions": 180}


@pytest.mark.slow
def test_judges_learn_and_are_kept(tmp_path):
    data = squares(30)[np.random.default_rng(0).permutation(180)]  # both halves have all values
    for role in attributes.ROLES:
        trained = attributes.train(data, role, epochs=20, batch_size=10, width=4)
        assert (
            attributes.rates(trained.codes(data.examples), attributes.codes_of(data), trained.attributes)["all"] > 0.9
        )
    network = attributes.kept(tmp_path / "judge.keras", lambda: trained.model)
    again = attributes.Reader(attributes.kept(tmp_path / "judge.keras", lambda: pytest.fail("trained again")))
    np.testing.assert_array_equal(attributes.Reader(network).features(data.examples), again.features(data.examples))
    matcher = matching.Matcher(matching.train(matching.encoded(data), epochs=12, batch_size=12, width=4))
    texts = text_scores.complete(data.captions)
    assert matching.r_precision(matcher.products(data.examples, texts), attributes.codes_of(data))[0] > 0.9


@pytest.mark.slow
def test_a_run_of_the_ablation_goes_on_and_keeps_the_best(tmp_path, monkeypatch):
    data = squares(11)
    monkeypatch.setattr(text_to_image.data, "load", lambda name, split="train": data)
    monkeypatch.setattr(text_to_image, "selecting", lambda name: Asked(data, text_scores.complete(data.captions)))
    monkeypatch.setattr(text_to_image, "reader", lambda *arguments: Seeing())
    monkeypatch.setattr(text_to_image, "LOOKS", 2)
    named = {"data": "squares", "out": tmp_path, "judges": tmp_path, "seeds": 1, "steps": 4}
    options = SimpleNamespace(**named, width=4, ema=0.5, r1=0.1, learning_rate=1e-3, batch_size=32)
    runs = text_to_image.train_all(options)
    assert [len(folders) for folders in runs.values()] == [1] * 5
    looks = json.loads((runs["neither"][0] / "looks.json").read_text(encoding="utf-8"))
    assert [look["steps"] for look in looks] == [2, 4]
    assert {"colour", "shade", "mean", "all"} < set(looks[0])
    monkeypatch.setattr(text_to_image, "train", lambda *arguments: pytest.fail("trained again"))
    assert text_to_image.train_all(options) == runs


def test_a_budget_ends_training_by_the_time_of_all_cores(tmp_path, monkeypatch):
    """Epochs take 7.5 seconds; looks and what else comes between them take none of the budget."""
    clock, looks = [0.0], []
    monkeypatch.setattr(stages.time, "process_time", lambda: clock[0])
    looking = SimpleNamespace(set_model=lambda model: None, on_epoch_end=lambda epoch, logs: looks.append(epoch))

    def epochs(model, first):
        budget = stages.Budget(1, looking, tmp_path / "minutes.json")
        budget.set_model(model)
        budget.on_train_begin()
        for epoch in range(first, 20):
            budget.on_epoch_begin(epoch)
            clock[0] += 7.5
            model.steps_done += 50
            budget.on_epoch_end(epoch)
            clock[0] += 100  # for what is not training
            if model.stop_training or (first == 0 and epoch == 4):
                return epoch
        return None

    assert epochs(SimpleNamespace(steps_done=0, stop_training=False), 0) == 4
    assert epochs(SimpleNamespace(steps_done=200, stop_training=False), 4) == 7  # from a snapshot of an epoch before
    assert looks == [0, 1, 2, 3, 4, 4, 5, 6, 7]
    assert json.loads((tmp_path / "minutes.json").read_text(encoding="utf-8"))[-1] == {"steps": 400, "minutes": 1}


@pytest.mark.slow
def test_stages_are_trained_one_after_the_other(tmp_path, monkeypatch):
    small, large = (
        CaptionedDataset(np.kron(data.examples[:, ::4, ::4], np.ones((1, side, side, 1), np.uint8)), data.captions)
        for data, side in ((squares(6), 4), (squares(6), 8))
    )
    monkeypatch.setattr(stages.data, "load", lambda name, image_size: {8: small, 16: large}[image_size])
    monkeypatch.setattr(stages, "reader", lambda *arguments: Seeing())
    asked = Asked(squares(6), text_scores.complete(squares(6).captions))
    monkeypatch.setattr(text_to_image, "selecting", lambda name: asked)
    monkeypatch.setattr(stages, "SMALL", 8)
    monkeypatch.setattr(stages, "LARGE", 16)
    monkeypatch.setattr(stages, "STEPS", 2)
    jobs = {
        row: dataclasses.replace(job, image_size={32: 8, 64: 16}[job.image_size], arguments={"width": 4})
        for row, job in stages.JOBS.items()
    }
    monkeypatch.setattr(stages, "JOBS", jobs)
    named = {"data": "squares", "out": tmp_path, "judges": tmp_path, "seeds": 1, "minutes": 0.01}
    options = SimpleNamespace(**named, learning_rate=1e-3, batch_size=12, ema=0.5, r1=0.1)
    runs = stages.train_all(options)
    assert list(runs) == ["StackGAN", "one stage"]
    large, first = (kgz.load(tmp_path / name) for name in ("StackGAN_0/last.keras", "first_stage_0/last.keras"))
    noise, vectors = np.ones((2, 100), np.float32), large.encoder.encode(["a dark red square", "a light blue square"])
    np.testing.assert_array_equal(large.first_stage([noise, vectors]), first.sampler([noise, vectors]))
    for folders in runs.values():
        assert (folders[0] / "best.keras").exists()
    monkeypatch.setattr(stages, "train", lambda *arguments: pytest.fail("trained again"))
    assert stages.train_all(options) == runs
