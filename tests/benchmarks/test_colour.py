"""The comparison on CIFAR-10: its recipes can be trained, and a run is measured after parts of its steps."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from keras_gan_zoo.data import Dataset
from keras_gan_zoo.training import build, resolve
from keras_gan_zoo.training.recipe import Recipe
from tests.benchmarks import colour


@pytest.mark.slow
@pytest.mark.parametrize("command", colour.ROWS)
def test_recipes_build_models_of_photographs(command, monkeypatch):
    labels = np.arange(200) % 10
    photographs = Dataset(np.zeros((200, 32, 32, 3), np.uint8), labels, class_names=[str(c) for c in range(10)])
    monkeypatch.setattr("keras_gan_zoo.data.load", lambda name, **form: photographs)
    for recipe in colour.ROWS[command].values():
        gan = build(*resolve(Recipe(**recipe, data=colour.DATA, decay=1.0, epochs=1)))
        assert gan.example_shape == (32, 32, 3)
        assert (gan.condition is not None) == recipe.get("conditional", False)


def test_a_run_is_looked_at_after_parts_of_its_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(colour, "DATA", "digits")
    monkeypatch.setattr(colour, "N", 20)
    monkeypatch.setattr(colour, "affordable", lambda recipe, dataset, minutes: 17)
    seen = []
    judge = SimpleNamespace(figures=lambda images, labels: seen.append((images.shape, labels)) or {"coverage": 0.5})
    small = {"architecture": "mlp", "units": 4}
    recipe = {"variant": "gan", "conditional": True, "batch_size": 32, "model": small}
    for seed, looks in ((0, [1, 2, 4, 8]), (1, [8])):
        colour.run(tmp_path / f"{seed}.json", recipe, seed, 1.0, judge)
        record = json.loads((tmp_path / f"{seed}.json").read_text(encoding="utf-8"))
        assert record["steps"] == 16
        assert len(record["looks"]) == len(looks)
        minutes = [look["core_minutes"] for look in record["looks"]]
        assert minutes == sorted(minutes)
    assert [shape for shape, _ in seen] == [(20, 16, 16, 1)] * 5
    assert seen[0][1].tolist() == [*range(10), *range(10)]
    assert (tmp_path / "0.png").is_file()


def test_pictures_are_judged_with_classes_and_without(monkeypatch):
    random, labels = np.random.default_rng(0), np.arange(1400) % 10
    pictures = random.integers(0, 256, (1400, 32, 32, 3)).astype(np.uint8)
    photographs = Dataset(pictures, labels, class_names=[str(c) for c in range(10)])
    monkeypatch.setattr("keras_gan_zoo.data.load", lambda name, **form: photographs)
    monkeypatch.setattr(colour, "N", 1400)
    judge = colour.Judge()
    assert set(judge.figures(pictures)) == {"frechet_distance", "recall", "coverage"}
    figures = judge.figures(pictures, labels)
    assert figures["frechet_distance"] == pytest.approx(0, abs=1e-3)
    assert figures["within_classes"] == pytest.approx(0, abs=1e-3)
    seen = judge.extractor.probabilities(pictures).argmax(axis=-1)
    assert figures["label_agreement"] == pytest.approx(np.mean(seen == labels))


def test_rows_without_classes_have_no_figures_of_classes():
    plain, conditional = {"frechet_distance": 2.0, "recall": 0.5, "coverage": 0.25}, {"label_agreement": 0.75}
    lines = colour.table({"a": [plain, plain], "b": [plain | conditional]}, "head").splitlines()
    assert lines[0] == (
        "| head | Frechet distance | recall | coverage | label agreement | Frechet distance within classes |"
    )
    assert lines[2].split("|")[2].strip().startswith("2.0")
    assert [cell.strip() for cell in lines[2].split("|")[5:7]] == ["", ""]
    assert lines[3].split("|")[5].strip().startswith("0.75")


def test_the_command_writes_a_table_and_a_picture(tmp_path, monkeypatch):
    looks = [{"core_minutes": spent, "frechet_distance": 9 / spent, "recall": 0.5, "coverage": 0.5} for spent in (1, 3)]
    monkeypatch.setattr(colour, "Judge", lambda: SimpleNamespace(real_figures=lambda: {"frechet_distance": 0.1}))
    monkeypatch.setattr(colour, "train_all", lambda rows, judge, options: {row: [{"looks": looks}] for row in rows})
    monkeypatch.setattr("sys.argv", ["colour", "small", "--only", "DCGAN", "--seeds", "1", "--out", str(tmp_path)])
    colour.main()
    first, _, ours, real = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert first.startswith("| 3 core minutes, 1 seeds | Frechet distance |")
    assert ours.startswith("| DCGAN | 3.000 | 0.500 |")
    assert real.startswith("| real pictures | 0.100 |")
    assert (tmp_path / "time_to_quality.png").is_file()
