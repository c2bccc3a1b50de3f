"""Bars on a terminal and nothing elsewhere; what the programs that use them say there."""

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console

from keras_gan_zoo.cli.evaluate import _stages
from keras_gan_zoo.core.progress import COLUMNS, Bar


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal would show."""
    screen = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=screen, force_terminal=True, width=120))
    return screen


def last_lines(screen):
    """The words of what was drawn last, line by line, without colours and movements."""
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).split() for line in re.split(r"[\r\n]", screen.getvalue())]
    return [line for line in lines if line]


def test_a_terminal_shows_a_bar_for_each_task(terminal):
    with Bar("{task.description}", "count", "{task.fields[more]}", on_stderr=True) as bar:
        assert bar.is_shown
        bar.show("reading", 3, 8, more="first")
        bar.show("writing", 1, 5, more="slow")
        bar.show("reading", 7, 8, description="reading: digits", more="last")
    assert last_lines(terminal)[-2:] == [["reading:", "digits", "7/8", "last"], ["writing", "1/5", "slow"]]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_is_drawn(terminal, column):
    with Bar("{task.description}", column) as bar:
        bar.show("work", 1, 2)
    [name, *drawn] = last_lines(terminal)[-1]
    assert name == "work"
    assert drawn


def test_a_total_may_be_unknown(terminal):
    with Bar("bytes") as bar:
        bar.show("file", 0, None)
        bar.show("file", 2000, None)
    assert "2.0/? kB" in terminal.getvalue()


def test_a_bar_that_was_stopped_is_silent(terminal):
    bar = Bar("{task.description}")
    bar.show("work", 1, 2)
    bar.stop()
    shown = terminal.getvalue()
    bar.show("work", 2, 2)
    bar.stop()
    assert terminal.getvalue() == shown


def test_elsewhere_nothing_is_shown(capsys):
    with Bar("{task.description}", "count", on_stderr=True) as bar:
        bar.show("work", 1, 2)
        assert not bar.is_shown
    assert capsys.readouterr() == ("", "")


def test_gan_zoo_evaluate_says_each_stage_once_where_there_is_no_terminal(capsys):
    with Bar("count", on_stderr=True) as bar:
        show = _stages(bar)
        for stage, done in (("features: real", 1), ("features: real", 2), ("features: generated", 1)):
            show(stage, done, 2)
    assert capsys.readouterr() == ("", "features: real ...\nfeatures: generated ...\n")


def test_gan_zoo_evaluate_draws_stages_of_one_name_in_one_bar(terminal, capsys):
    with Bar("{task.description}", "count", on_stderr=True) as bar:
        show = _stages(bar)
        show("measuring: frechet_distance", 0, 2)
        show("measuring: kernel_distance", 1, 2)
    assert last_lines(terminal)[-1] == ["measuring:", "kernel_distance", "1/2"]
    assert capsys.readouterr().err == ""


def test_rich_is_imported_for_a_bar_alone():
    code = "import sys; import keras_gan_zoo.core.progress; print('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
