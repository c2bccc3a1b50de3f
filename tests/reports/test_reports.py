"""Comparisons and pages of runs whose files are written here, by the project's own functions, without training."""

import json
import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_gan_zoo import reports
from keras_gan_zoo.callbacks import Log
from keras_gan_zoo.cli import main
from keras_gan_zoo.core.claims import claimed
from keras_gan_zoo.core.recipe_files import with_digest
from keras_gan_zoo.metrics.report import Report
from keras_gan_zoo.metrics.result import Result
from keras_gan_zoo.reports.curves import Axis, Series, chart
from keras_gan_zoo.reports.frames import SIDE, frames_of
from keras_gan_zoo.training import Recipe
from tests.chromium import EXECUTABLE, Page


def a_run(folder, rows=(), pictures=(), **recipe):
    """A run with these figures of its epochs; None in place of an epoch without a row."""
    values = Recipe(**{"variant": "gan", "data": "ring8", "epochs": max(1, len(rows)), **recipe}).given()
    (folder / "samples").mkdir(parents=True)
    (folder / "recipe.toml").write_text(with_digest(values))
    log = Log(folder / "log.csv")
    log.set_model(SimpleNamespace(session=None))
    for epoch, figures in enumerate(rows):
        log.on_epoch_end(epoch, figures)
    for number, name in enumerate(pictures):
        Image.new("RGB", (64, 64), (number, 0, 0)).save(folder / "samples" / f"{name}.png")
    return folder


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def seeds(tmp_path):
    """Three seeds at one learning rate, one of them an epoch behind, and a run at another."""
    of_seeds = {0: [1.0, 1.0], 1: [3.0, 2.0], 2: [5.0, 6.0]}
    for seed, losses in of_seeds.items():
        rows = [{"g_loss": loss, "diversity": 0.5} for loss in losses]
        a_run(tmp_path / f"seed={seed}", rows, seed=seed, epochs=2, learning_rate=0.1)
    a_run(tmp_path / "other", [{"g_loss": 9.0}], epochs=2, learning_rate=0.2)
    return [tmp_path / name for name in ("seed=0", "seed=1", "seed=2", "other")]


# ------------------------------------------------------------------------------------------------------ the comparison


def test_last_and_best_values_are_those_of_the_log(tmp_path):
    rows = [
        {"d_loss": 1.0, "diversity": 0.2, "frechet_distance": 30.0},
        {"d_loss": 0.5, "diversity": 0.8},  # measured every other epoch
        {"d_loss": 0.7, "diversity": 0.6, "frechet_distance": 10.0},
        {"d_loss": math.nan, "diversity": 0.8, "frechet_distance": 20.0},
    ]
    read = reports.Run.read(a_run(tmp_path / "run", rows))
    assert read.figures["frechet_distance"].points == [(1, 30.0), (3, 10.0), (4, 20.0)]
    assert {name: figure.best for name, figure in read.figures.items()} == {
        "d_loss": None,  # a lower loss is not better
        "diversity": (2, 0.8),  # the first of equals, and the highest
        "frechet_distance": (3, 10.0),
    }
    assert read.figures["frechet_distance"].last == 20.0
    assert math.isnan(read.figures["d_loss"].last)
    assert (read.epochs, read.state, read.steps, read.minutes, read.remarks) == (4, "interrupted", None, None, ())


def test_runs_that_differ_by_the_seed_alone_are_one_group(seeds):
    comparison = reports.compare(seeds)
    assert comparison.differences == {"seed": [0, 1, 2, 0], "learning_rate": [0.1, 0.1, 0.1, 0.2]}
    [group] = comparison.groups
    assert (group.name, group.seeds) == ("learning_rate=0.1", [0, 1, 2])
    assert group.last("g_loss") == pytest.approx((3.0, math.sqrt(((1 - 3) ** 2 + (2 - 3) ** 2 + (6 - 3) ** 2) / 2)))
    assert group.curve("g_loss") == [pytest.approx((1, 3.0, 2.0)), pytest.approx((2, 3.0, math.sqrt(7)))]
    assert group.last("d_loss") is None
    (seeds[2] / "log.csv").write_text("epoch,g_loss\n0,5.0\n1,nan\n")
    [group] = reports.compare(seeds).groups
    assert group.last("g_loss") is None  # a mean without the run that failed would please
    assert [epoch for epoch, *_ in group.curve("g_loss")] == [1]


def test_what_a_run_has_done_is_read_from_its_files(tmp_path):
    folder = a_run(tmp_path / "run", [{"loss": 1.0}])
    (folder / "snapshots").mkdir()
    for name in ("step_0000000040", "step_0000000300", "step_x"):
        (folder / "snapshots" / f"{name}.snapshot").touch()
    with claimed(folder):
        assert reports.Run.read(folder).state == "training"
    (folder / "gan.keras").touch()
    assert (reports.Run.read(folder).state, reports.Run.read(folder).steps) == ("finished", 300)


def test_the_terminal_shows_every_run_and_means(seeds):
    result = run("compare", *seeds)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["run", "seed", "learning_rate", "state", "epochs", "steps", "minutes"] in lines
    assert ["seed=1", "1", "0.1", "interrupted", "2/2", "-", "-"] in lines
    assert ["seed=2", "0.5", "(0.5", "in", "epoch", "1)", "6"] in lines
    assert ["learning_rate=0.1", "0,", "1,", "2", "0.5", "±", "0", "3", "±", "2.6"] in lines


def test_programs_get_json_though_a_number_is_not_finite(seeds):
    (seeds[3] / "log.csv").write_text("epoch,g_loss\n0,inf\n")
    result = run("compare", *seeds, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert [entry["name"] for entry in found["runs"]] == ["seed=0", "seed=1", "seed=2", "other"]
    assert found["runs"][3]["figures"]["g_loss"] == {"last": None}
    assert found["groups"][0]["runs"] == ["seed=0", "seed=1", "seed=2"]
    assert found["groups"][0]["last"]["g_loss"] == pytest.approx({"mean": 3.0, "deviation": math.sqrt(7)})


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"epoch,a\n0,x\n", b"epoch,a\n0,1e200\n", b'epoch,"a\n', None])
def test_without_a_log_there_is_a_page_that_says_so(content, tmp_path):
    folder = a_run(tmp_path / "run")
    if content is not None:
        (folder / "log.csv").write_bytes(content)
    result = run("report", folder, "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    assert ("Expected the log of a run" if content is not None else "No epoch is logged") in result.output + (
        tmp_path / "r.html"
    ).read_text()
    assert "<svg" not in (tmp_path / "r.html").read_text()
    assert "Warning: run: " in run("compare", folder).output


@pytest.mark.parametrize("command", ["compare", "report"])
def test_mistakes_are_one_line(command, seeds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        ([tmp_path], "Expected the folder of a run, with a recipe.toml."),
        ([seeds[0], seeds[0]], "twice"),
        ([tmp_path / "nowhere"], "which has none"),
        *([([seeds[0], "-o", "x.png"], "an .html file")] * (command == "report")),
        *([([seeds[0], "-o", "no/x.html"], "a folder that exists")] * (command == "report")),
    ):
        result = run(command, *arguments)
        assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
        assert message in result.output.splitlines()[-1]
    (seeds[0] / "recipe.toml").write_text("variant = [")
    assert "Expected a recipe in TOML" in run(command, seeds[0]).output
    assert not list(tmp_path.glob("*.html"))


# -------------------------------------------------------------------------------------------------------------- curves


def test_a_curve_is_drawn_where_its_values_are():
    drawn = chart("loss", [Series("one", [(1, 0.0), (2, 2.5), (3, 10.0)])], has_legend=False)
    [path] = re.findall(r'class="line c0" d="([^"]*)"', drawn)
    assert path == "M52.0,186.0L202.0,141.5L352.0,8.0"  # the axes are from 52 to 352, and from 186 up to 8
    assert re.findall(r">([\d.]+)</text>", drawn) == ["0", "2", "4", "6", "8", "10", "1", "2", "3"]


def test_a_curve_is_broken_where_a_value_is_not_finite():
    points = [(1, 1.0), (2, 2.0), (3, math.nan), (4, 1.0), (5, math.inf), (6, 2.0), (7, 1.0)]
    drawn = chart("loss", [Series("one", points)], has_legend=False)
    [path] = re.findall(r'class="line c0" d="([^"]*)"', drawn)
    assert path.count("M") == 2
    assert drawn.count("<circle") == 1  # a value between two gaps
    assert chart("loss", [Series("one", [(1, math.nan)])]) == ""


def test_a_band_lies_around_its_curve():
    drawn = chart("loss", [Series("mean", [(1, 5.0), (2, 5.0)], [(1, 0.0, 10.0), (2, 4.0, 6.0)])])
    [path] = re.findall(r'class="band c0" d="([^"]*)"', drawn)
    assert path == "M52.0,8.0L352.0,79.2L352.0,114.8L52.0,186.0Z"


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [-1e100, 1e100], [1e-320, 2e-320], [1e9, 1e9 + 1]])
def test_any_range_has_ticks_within_it(values):
    axis = Axis.of(values, 186, 8)
    assert 1 <= len(axis.ticks) <= 8
    assert all(8 <= axis.pixel(value) <= 186 for value in (*values, *axis.ticks))
    assert len({axis.label(tick) for tick in axis.ticks}) >= min(2, len(axis.ticks))


def test_a_single_run_has_its_losses_in_one_chart_and_seeds_have_a_mean(seeds, tmp_path):
    from keras_gan_zoo.reports.page import charts_of

    alone = a_run(tmp_path / "alone", [{"d_loss": 1.0, "g_loss": 2.0, "diversity": 0.5}])
    charts = charts_of(reports.compare([alone]))
    assert {title: [each.name for each in series] for title, series in charts.items()} == {
        "losses": ["d_loss", "g_loss"],
        "diversity": ["diversity"],
    }
    several = charts_of(reports.compare(seeds))["g_loss"]
    assert [each.name for each in several] == ["learning_rate=0.1 (3 seeds)", "other"]
    assert several[0].band[0] == pytest.approx((1, 1.0, 5.0))
    one_figure = a_run(tmp_path / "one", [{"kl": 1.0}], epochs=2)
    charts = charts_of(reports.compare([*seeds, one_figure]))
    numbers = {title: [each.number for each in series] for title, series in charts.items()}
    assert numbers == {"diversity": [0], "g_loss": [0, 1], "kl": [2]}  # a run has one colour in all charts


# ------------------------------------------------------------------------------------------------------------ pictures


def test_some_pictures_are_chosen_evenly_and_damaged_ones_are_named(tmp_path):
    names = ["epoch_0000_step_0000050", *(f"epoch_{number:04d}" for number in range(1, 41)), "epoch_0040_step_0000900"]
    folder = a_run(tmp_path / "run", pictures=names)
    (folder / "samples" / "epoch_0001.png").write_bytes(b"\x89PNG")
    frames, remarks = frames_of(folder, 30)
    assert (frames[0].label, frames[-1].label, len(frames)) == ("step 50", "epoch 40, step 900", 29)
    assert len(remarks) == 1
    assert "epoch_0001.png" in remarks[0]
    assert frames_of(folder, 1)[0][0].label == "epoch 40, step 900"


def test_large_pictures_are_made_smaller(tmp_path):
    import base64
    import io

    folder = a_run(tmp_path / "run")
    noise = np.random.default_rng(0).integers(0, 256, (700, 800, 3), np.uint8)
    Image.fromarray(noise).save(folder / "samples.png")
    [[frame], _] = frames_of(folder, 30)
    kind, _, content = frame.address.partition(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert (kind, picture.size) == ("data:image/webp", (SIDE, 560))
    assert len(content) < (folder / "samples.png").stat().st_size / 4


# ------------------------------------------------------------------------------------------------------------ the page


class _Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def test_what_others_wrote_is_text_and_nothing_is_loaded(tmp_path):
    attack = '"><img src=x onerror=alert(1)><'
    folder = a_run(
        tmp_path / attack, [{attack: 1.0}], ["epoch_0001", "epoch_0002"], features=attack, model={attack: attack}
    )
    result = Result(attack, {"value": 1.0}, {attack: attack})
    Report(attack, [result], [result]).save(folder / "scores.json")
    (folder / "neighbours.png").write_text(attack)  # which is no picture
    other = a_run(tmp_path / "other", [{attack: 1.0}], variant="wgan")
    for runs in ([folder], [folder, other]):
        page = reports.html_of(reports.compare(runs))
        found = _Tags(page)
        assert found.tags.count("img") == 2
        assert found.tags.count("script") == 1
        assert attack not in page
        assert all(value.startswith("data:image/png;base64,") for name, value in found.attributes if name == "src")
        assert not {name for name, _ in found.attributes if name.startswith("on") or name in ("href", "style")}
        assert "default-src 'none'" in page


def test_scores_are_beside_real_images_and_damaged_ones_are_named(tmp_path):
    folder = a_run(tmp_path / "run", [{"g_loss": 1.0}])
    assert "if gan-zoo evaluate has written scores.json" in reports.html_of(reports.compare([folder]))
    ours, real = (Result("frechet_distance", {"value": value}, {"real": 50}) for value in (7.5, 1.25))
    Report("run", [ours], [real]).save(folder / "scores.json")
    Image.new("RGB", (9, 9)).save(folder / "neighbours.png")
    page = reports.html_of(reports.compare([folder]))
    assert "<td>frechet_distance</td><td>7.5</td><td>1.25</td>" in page
    assert "run: real 50" in page
    assert "Nearest training images" in page
    for content in ('{"subject": "x", "generated": [], "reference": []}', "["):
        (folder / "scores.json").write_text(content)
        [remark] = reports.Run.read(folder).remarks
        assert remark.startswith("Expected a report")


@pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed")
def test_the_page_works_from_a_file_on_wide_and_narrow_screens(seeds, tmp_path):
    pictures = [f"epoch_{number:04d}" for number in range(1, 4)]
    seeds.append(a_run(tmp_path / ("long" * 30), [{"g_loss": 1.0}] * 3, pictures, features="x" * 200))
    for runs in ([seeds[-1]], seeds):
        reports.write(runs, tmp_path / "r.html")
        with Page((tmp_path / "r.html").as_uri()) as page:
            page.wait_for("document.readyState === 'complete' && !!document.querySelector('.frames output')")
            for width in (390, 1280):
                size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
                page.call("Emulation.setDeviceMetricsOverride", **size)
                assert page.run("innerWidth") == width
                assert page.run("document.documentElement.scrollWidth <= innerWidth")
                # Text in a curve is drawn in its own size.
                assert page.run("document.querySelector('svg[role=img] text').getBoundingClientRect().height") > 9
            seen = "[...document.querySelectorAll('.frames img')].filter(p => p.offsetHeight).map(p => p.alt).join()"
            assert page.run(seen) == "epoch 3"
            page.run("s = document.querySelector('.frames input'); s.value = 0; s.dispatchEvent(new Event('input'))")
            assert page.run(seen) == page.run("document.querySelector('.frames output').textContent") == "epoch 1"
            back = "getComputedStyle(document.body).backgroundColor"
            features = [{"name": "prefers-color-scheme", "value": "dark"}]
            light = page.run(back)
            page.call("Emulation.setEmulatedMedia", features=features)
            assert page.run(back) != light
