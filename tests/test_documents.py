"""What the documents say is run, and what they name exists."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.helpers import DOCUMENTS, ROOT

README = (ROOT / "README.md").read_text()


def test_the_readme_sets_up_with_two_commands():
    commands = re.findall(r"^(?:python3|\.venv/bin).*", README, flags=re.M)
    assert len(commands) == 2
    assert "gan-zoo train dcgan --data digits" in commands[0]
    assert "pytest" in commands[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_the_design_names_every_room():
    rooms = re.findall(r"^  (\w+)(?:\.py|/) ", (ROOT / "docs" / "design.md").read_text(), flags=re.M)
    package = [path for path in (ROOT / "keras_gan_zoo").iterdir() if path.suffix == ".py" or path.is_dir()]
    assert set(rooms) == {path.stem for path in package} - {"__main__", "__pycache__"}


def test_commands_of_the_readme_are_understood():
    from click.testing import CliRunner

    from keras_gan_zoo.cli import main

    for command in re.findall(r"^gan-zoo (.*?)(?: {2,}#.*)?$", README, flags=re.M):
        result = CliRunner().invoke(main, [*command.split(), "--help"])
        assert result.exit_code == 0, command


@pytest.mark.slow
def test_the_readmes_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", README, flags=re.S):
        exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "grid.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", ["data.md", "metrics.md", "training.md", "distribution.md", "latent.md", "export.md", "zoo.md"]
)
def test_the_examples_of_a_page_run(tmp_path, monkeypatch, page):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), flags=re.S)
    assert blocks
    for code in blocks:
        exec(compile(code, page, "exec"), {})


@pytest.mark.slow
def test_the_examples_of_comparing_run(tmp_path, monkeypatch):
    """But for the search, whose library is no dependency."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "compare.md").read_text(), flags=re.S)
    for code in blocks:
        if "keras_tuner" not in code:
            exec(compile(code, "compare.md", "exec"), {})
    assert (tmp_path / "two.html").is_file()
    assert len(list((tmp_path / "tries").iterdir())) == 4


@pytest.mark.slow
def test_the_main_job_makes_recognisable_digits(tmp_path):
    """A classifier of real digits is sure of most samples, and they are of every class."""
    from sklearn.svm import SVC

    run = os.environ.get("RUN_OF_README")  # where the same command was run a moment ago, as .ci/run does
    if run is None:
        command = [sys.executable, "-m", "keras_gan_zoo", "train", "dcgan", "--data", "digits"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=900)
        run = tmp_path / "runs" / "dcgan_digits"
    samples = kgz.load(run).sample(1000, seed=1).reshape(1000, -1)
    digits = kgz.data.load("digits")
    real = digits.examples.reshape(len(digits), -1) / 127.5 - 1
    train, test = np.arange(len(real)) % 5 > 0, np.arange(len(real)) % 5 == 0
    classifier = SVC().fit(real[train], digits.labels[train])
    assert classifier.score(real[test], digits.labels[test]) > 0.97

    def margin(images):  # between the two likeliest classes
        best = np.sort(classifier.decision_function(images), axis=1)
        return best[:, -1] - best[:, -2]

    sure = margin(samples) > np.percentile(margin(real[test]), 5)
    assert sure.mean() > 0.7
    assert np.bincount(classifier.predict(samples[sure]), minlength=10).min() > 0.02 * sure.sum()
