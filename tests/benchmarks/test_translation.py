"""Measurement of translators, on pictures whose figures are known, and what is kept of interrupted comparisons."""

import dataclasses
import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data, metrics
from tests.benchmarks import translation, translation_floors, translation_judges, translation_scores, translation_tasks
from tests.benchmarks.translation_tasks import Pairs, Row, Task


@pytest.fixture
def random():
    return np.random.default_rng(0)


def noise(random, *shape: int) -> np.ndarray:
    return random.integers(0, 256, shape, np.uint8)


# --------------------------------------------------------------------------------------------------------------- scores


def test_a_constant_error_has_its_known_ratio():
    target = np.full((3, 12, 12, 3), 100, np.uint8)
    found = translation_scores.of_pixels(target + np.uint8(10), target)
    assert found["PSNR"] == found["mean PSNR"] == pytest.approx(20 * np.log10(255 / 10))
    assert found["L1"] == pytest.approx(10 / 127.5)


def test_the_ratio_of_the_mean_error_is_not_the_mean_of_ratios():
    target = np.zeros((2, 11, 11, 1), np.uint8)
    made = target + np.array([1, 10], np.uint8)[:, None, None, None]
    found = translation_scores.of_pixels(made, target)
    assert found["PSNR"] == pytest.approx(10 * np.log10(255**2 / ((1 + 100) / 2)))
    assert found["mean PSNR"] == pytest.approx(10 * np.log10(255**2 / 10))
    exact = translation_scores.of_pixels(np.concatenate([made[:1], target[:1]]), target)
    assert np.isinf(exact["mean PSNR"])
    assert np.isfinite(exact["PSNR"])


def test_pixels_of_an_area_weigh_the_same_in_all_pictures():
    target = np.zeros((2, 12, 12, 1), np.uint8)
    made, area = target.copy(), np.zeros((2, 12, 12), bool)
    made[0], made[1, 0, 0] = 51, 102
    area[0, 0, :3] = area[1, 0, 0] = True
    found = translation_scores.of_pixels(made, target, area)
    assert found["L1"] == pytest.approx((3 * 0.4 + 0.8) / 4)
    assert found["PSNR"] == pytest.approx(10 * np.log10(4 / ((3 * 0.4**2 + 0.8**2) / 4)))


def test_structural_similarity_of_one_window_is_that_of_the_formula(random):
    x, y = (noise(random, 1, 11, 11, 2).astype(float) for _ in range(2))
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(weights, weights) / weights.sum() ** 2
    each = []
    for a, b in zip(x[0].transpose(2, 0, 1), y[0].transpose(2, 0, 1), strict=True):
        mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
        var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
        together = (weights * (a - mean_a) * (b - mean_b)).sum()
        c1, c2 = 2.55**2, 7.65**2
        each.append(
            (2 * mean_a * mean_b + c1) * (2 * together + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
        )
    found = translation_scores.of_pixels(x.astype(np.uint8), y.astype(np.uint8))
    assert found["SSIM"] == pytest.approx(np.mean(each))
    assert translation_scores.of_pixels(x.astype(np.uint8), x)["SSIM"] == pytest.approx(1)


def test_retrieval_counts_targets_that_are_nearest_and_ties_by_their_share(random):
    features = random.standard_normal((50, 4))
    assert translation_scores.retrieval(features, features) == 1
    assert translation_scores.retrieval(np.roll(features, 1, axis=0), features) == 0
    assert translation_scores.retrieval(features, np.zeros((50, 4))) == pytest.approx(1 / 50)


def test_label_maps_are_compared_over_all_pictures():
    asked, read = np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), int)
    asked[0, 0], read[0, 0, 0], read[1, 1, 1] = 1, 1, 2
    found = translation_scores.of_label_maps(read, asked, 4)  # part 3 is nowhere
    assert found["pixel accuracy"] == 6 / 8
    assert found["IoU"] == pytest.approx((5 / 7 + 1 / 2 + 0) / 3)


def test_the_frechet_distance_of_shifted_features_is_the_square_of_the_shift(random):
    features = random.standard_normal((40, 3))
    moments = metrics.Moments.of(features)
    assert translation_scores.frechet(features + np.array([0, 3, 4]), moments) == pytest.approx(25)


# --------------------------------------------------------------------------------------------------------------- floors


def test_the_biharmonic_equation_continues_cubic_polynomials():
    y, x = np.mgrid[:12, :14].astype(float)
    whole = np.stack([x**3 - 2 * x * y**2 + y, x * y + 3 * y**2 - 7, 0 * x + 5], axis=-1)[None]
    whole = np.concatenate([whole, -whole])
    hole = (3, 4, 5, 6)
    broken = whole.copy()
    broken[:, translation_floors.within(hole, whole.shape[1:])] = 99
    np.testing.assert_allclose(translation_floors.smooth(broken, hole), whole, atol=1e-9)
    with pytest.raises(ValueError, match="two pixels around"):
        translation_floors.smooth(whole, (1, 4, 5, 6))


def test_holes_are_filled_and_nothing_else_changes(random):
    pictures, hole = noise(random, 5, 10, 10, 3), (3, 3, 4, 4)
    inside = translation_floors.within(hole, (10, 10))
    fills = {
        "mean": translation_floors.mean_colour(pictures, hole),
        "smooth": translation_floors.biharmonic(pictures, hole),
        "nearest": translation_floors.nearest_context(pictures, hole, np.roll(pictures, 2, axis=0)),
    }
    for filled in fills.values():
        np.testing.assert_array_equal(filled[:, ~inside], pictures[:, ~inside])
    np.testing.assert_array_equal(fills["nearest"], pictures)
    np.testing.assert_array_equal(fills["mean"][1, 4, 4], np.round(pictures[1][~inside].mean(axis=0)))


def test_colour_transfer_gives_mean_and_covariance_of_the_targets(random):
    sources = noise(random, 20, 9, 9, 3)
    targets = (noise(random, 15, 9, 9, 3) * [0.8, 0.4, 0.2] + noise(random, 15, 9, 9, 1) * [0, 0.1, 0.5]).astype(
        np.uint8
    )
    transfer = translation_floors.ColourTransfer(sources, targets)
    made, wanted = transfer.exact(sources).reshape(-1, 3), targets.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(made.mean(axis=0), wanted.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(np.cov(made.T), np.cov(wanted.T), rtol=1e-9)
    same = translation_floors.ColourTransfer(sources, sources)
    np.testing.assert_array_equal(same(sources), sources)


def test_the_nearest_is_found_in_any_block(random, monkeypatch):
    monkeypatch.setattr(translation_floors, "BLOCK", 4)
    others = noise(random, 11, 6, 6, 1)
    order = random.permutation(11)
    assert translation_floors.nearest(others[order], others).tolist() == order.tolist()


@pytest.mark.parametrize("method", ["BICUBIC", "LANCZOS"])
def test_enlarging_keeps_straight_slopes(method):
    slope = np.tile(np.arange(0, 160, 10, dtype=np.uint8)[None, None, :, None], (1, 16, 1, 3))
    large = translation_floors.enlarged(slope, 2, Image.Resampling[method])
    expected = (np.arange(32) - 0.5) * 5
    np.testing.assert_allclose(large[0, :, 8:24], np.broadcast_to(expected[8:24, None], (32, 16, 3)), atol=1)


def test_the_median_picture_is_that_of_each_pixel():
    pictures = np.array([0, 10, 200], np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    assert (translation_floors.median_picture(pictures) == 10).all()


# ---------------------------------------------------------------------------------------------------------------- tasks


def test_hues_are_sectors_and_grey_drawings_have_none():
    pictures = np.full((4, 8, 8, 3), 255, np.uint8)
    for picture, colour in zip(pictures, [(255, 0, 0), (0, 255, 255), (120, 120, 120)], strict=False):
        picture[2:5, 2:5] = colour
    grey = translation_judges.HUES
    assert translation_judges.hues(pictures).tolist() == [0, 4, grey, grey]


def test_what_is_coloured_is_where_picture_and_line_art_differ():
    lines = np.full((1, 4, 4, 1), 255, np.uint8)
    picture = np.full((1, 4, 4, 3), 255, np.uint8)
    picture[0, 1, 1], picture[0, 2, 2] = (255, 100, 255), 250
    area = translation_tasks.coloured(Pairs(lines, picture))
    assert np.argwhere(area).tolist() == [[0, 1, 1]]


def test_flags_and_plain_shapes_are_left_out():
    kept = translation_tasks.without_plain(data.load("openmoji", split="test"))
    known = kept.attributes
    assert 150 < len(kept) < 216
    assert not {known["group"][i] for i in range(len(kept))} & {"flags"}
    assert not {known["subgroup"][i] for i in range(len(kept))} & translation_tasks.PLAIN
    assert kept.sources.shape == (len(kept), 64, 64, 1)


@pytest.mark.parametrize("wanted", [1, 2000, 2100, 54_321])
def test_two_networks_get_equally_many_multiplications(wanted):
    found = translation_tasks.agreeing_width(lambda width: 2 * width**2 - 1, wanted)
    assert 2 * found**2 - 1 == pytest.approx(wanted, rel=0.05)


def test_widths_that_do_not_agree_are_refused():
    with pytest.raises(ValueError, match="No width"):
        translation_tasks.agreeing_width(lambda width: 100 ** (width // 2), 2000)


def brightness(factor: float) -> metrics.Extractor:
    return metrics.Extractor(lambda images: {"features": factor * images.mean(axis=(1, 2))}, f"brightness{factor}", "0")


def task(rows: dict[str, Row], steps_of_data: int = 12) -> Task:
    """Pictures of one colour, whose sources are their brightness."""
    colours = noise(np.random.default_rng(0), steps_of_data, 1, 1, 3)
    targets = np.ascontiguousarray(np.broadcast_to(colours, (steps_of_data, 8, 8, 3)))
    sources = targets.mean(axis=-1, keepdims=True).astype(np.uint8)
    held_out = Pairs(sources[:6], targets[:6])
    return Task(
        name="of_colours",
        selecting=Pairs(sources[6:], targets[6:]),
        reporting=held_out,
        features={"selecting": brightness(1.0), "reporting": brightness(2.0)},
        rows=rows,
        floors={"exact": held_out.targets, "one level off": held_out.targets ^ np.uint8(1)},
        reference=targets,
        area=lambda pairs: np.ones((1, 8, 8), bool),
    )


def test_answers_without_a_model_become_a_table_a_file_and_sheets(tmp_path, capsys):
    options = SimpleNamespace(out=tmp_path, seeds=3, steps=7)
    rows = translation.compare(task({}), options)
    assert rows["exact"][0]["feature distance"] == 0
    assert rows["one level off"][0]["PSNR"] == pytest.approx(20 * np.log10(255))
    assert rows["exact"][0]["Frechet distance"] == rows["real pictures"][0]["Frechet distance"] > 0
    assert list(rows["real pictures"][0]) == ["Frechet distance"]
    assert {file.name for file in tmp_path.rglob("*.png")} == {"exact.png", "one_level_off.png"}
    kept = json.loads((tmp_path / "of_colours.json").read_text(encoding="utf-8"))
    assert kept["options"] == {"seeds": 3, "steps": 7}
    assert kept["judges"]["reporting"]["extractor"] == "brightness2.0"
    assert kept["pictures"] == {"selecting": 6, "reporting": 6}
    assert "| one level off | 0.008 | 48.131 |" in capsys.readouterr().out
    translation.check_options(task({}), SimpleNamespace(out=tmp_path, seeds=5, steps=7))
    with pytest.raises(SystemExit, match="Choose another --out"):
        translation.compare(task({}), SimpleNamespace(out=tmp_path, seeds=3, steps=8))


def test_the_best_state_is_kept_and_none_of_the_first_steps(tmp_path):
    figures = [{"L1": value} for value in (0.1, 0.5, 0.3, 0.4)]
    saved = []
    model = SimpleNamespace(steps_done=0, save=lambda path: (saved.append(model.steps_done), path.touch()))
    seen = iter(figures)
    row = Row(build=lambda seed: None, dataset=None, best="L1", after=10)
    looks = translation.Looks(SimpleNamespace(seen=lambda model: next(seen)), row, tmp_path)
    looks.set_model(model)
    for model.steps_done in (10, 20, 30, 40):
        looks.on_epoch_end(0)
    assert saved == [20, 30]
    notes = json.loads((tmp_path / "looks.json").read_text(encoding="utf-8"))
    assert [look["L1"] for look in notes] == [0.1, 0.5, 0.3, 0.4]


def test_every_command_has_a_task_and_says_what_it_measures():
    for name in translation.COMMANDS:
        assert getattr(translation_tasks, name).__doc__
        assert f"\n{name}: " in translation.__doc__


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_to_the_same_models(tmp_path, monkeypatch):
    monkeypatch.setattr(translation, "LOOKS", 2)
    pairs = task({})
    learned = data.Dataset(pairs.reporting.targets, conditions=pairs.reporting.sources)

    def build(seed: int):
        sizes = {"width": 2, "depth": 1, "receptive_field": 1}
        return kgz.Pix2Pix.for_images((8, 8, 3), source_shape=(8, 8, 1), seed=seed, **sizes)

    compared = dataclasses.replace(pairs, rows={"L1 + cGAN": Row(build, learned, best="L1")})
    sizes = {"seeds": 1, "steps": 4, "batch_size": 3, "learning_rate": 1e-3}
    whole, broken = (SimpleNamespace(out=tmp_path / name, **sizes) for name in ("whole", "broken"))
    translation.train_all(compared, whole)

    look = translation.Looks.on_epoch_end

    def fails(self, epoch, logs=None):
        if epoch:
            raise KeyboardInterrupt
        look(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(translation.Looks, "on_epoch_end", fails)
        with pytest.raises(KeyboardInterrupt):
            translation.train_all(compared, broken)
    [[folder]] = translation.train_all(compared, broken).values()
    looks = [json.loads((run / "looks.json").read_text(encoding="utf-8")) for run in (folder, _only_run(whole))]
    assert [look["steps"] for look in looks[0]] == [2, 4]
    assert looks[0] == looks[1]
    monkeypatch.setattr(translation, "train", lambda *arguments: pytest.fail("trained again"))
    rows = translation.compare(compared, broken)
    assert rows["L1 + cGAN"][0]["L1"] > rows["exact"][0]["L1"] == 0
    assert (folder.parent.with_suffix(".png")).exists()


def _only_run(options):
    return options.out / "of_colours" / "L1___cGAN" / "0"


@pytest.mark.slow
def test_segmenters_learn_to_read_label_maps(random):
    maps = random.integers(0, 3, (120, 4, 4), np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    images = np.eye(3, dtype=np.uint8)[maps] * 200
    for role in ("selecting", "reporting"):
        train = partial(translation_judges.trained_segmenter, epochs=15, batch_size=10, width=6)
        read = translation_judges.Segmenter(train(images, maps, 3, role))(images)
        assert translation_scores.of_label_maps(read, maps, 3)["pixel accuracy"] > 0.95
