"""Runs side by side: what their recipes differ in, how their figures ended, and means over seeds."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_gan_zoo.core.remote import RemotePath
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.reports.runs import Run

SEED = "seed"
NONE = "-"
MOST_COLUMNS = 6  # for what recipes differ in; more are a table of their own


@dataclass(frozen=True)
class Table:
    """A table as text, for a terminal or a page.

    Args:
        title: What it shows.
        head: The headings of its columns.
        rows: Its rows, as many cells each.
    """

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True)
class Group:
    """Runs whose recipes differ by the seed alone.

    Args:
        name: The values of the recipe by which it differs from the other runs.
        runs: The runs, at least two.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> list[Any]:
        return [run.recipe.get(SEED) for run in self.runs]

    def last(self, figure: str) -> tuple[float, float] | None:
        """Mean and sample standard deviation of the last values of a figure; None unless all runs have a finite one."""
        values = [run.figures[figure].last if figure in run.figures else None for run in self.runs]
        return _mean_and_deviation(values)

    def curve(self, figure: str) -> list[tuple[int, float, float]]:
        """(epoch, mean, sample standard deviation) of each epoch for which all runs have a finite value."""
        by_run = [dict(run.figures[figure].points) if figure in run.figures else {} for run in self.runs]
        epochs = sorted(set(by_run[0]).intersection(*by_run[1:]))
        found = {epoch: _mean_and_deviation([values[epoch] for values in by_run]) for epoch in epochs}
        return [(epoch, *both) for epoch, both in found.items() if both is not None]


class Comparison:
    """Runs side by side.

    Args:
        runs: The runs, in the order in which they are shown.

    Raises:
        InputError: If there is none, or one is there twice.

    Example:
        ```python
        comparison = kgz.reports.compare(["runs/seed=0", "runs/seed=1"])
        print(comparison.groups[0].last("g_loss"))
        ```
    """

    def __init__(self, runs: Sequence[Run]):
        self.runs = tuple(runs)
        places = [run.remote or run.folder.resolve() for run in self.runs]
        if not places or len(set(places)) < len(places):
            twice = next((run.path for run, place in zip(runs, places, strict=True) if places.count(place) > 1), None)
            raise InputError(
                f"Expected the folders of runs, each once. Received: {'none' if twice is None else f'{twice} twice'}. "
                "Name each run once."
            )
        self.names = _short_names(self.runs)
        self.differences = _differences(self.runs)
        self.figures = list(dict.fromkeys(name for run in self.runs for name in run.figures))
        self.groups = self._groups()

    def _groups(self) -> list[Group]:
        same: dict[str, list[Run]] = {}
        for run in self.runs:
            same.setdefault(repr(sorted(_without_seed(run).items())), []).append(run)
        named = [name for name in self.differences if name != SEED]
        return [
            Group(", ".join(f"{name}={as_text(runs[0].recipe.get(name))}" for name in named), tuple(runs))
            for runs in same.values()
            if len({repr(run.recipe.get(SEED)) for run in runs}) > 1
        ]

    def tables(self) -> list[Table]:
        """What a terminal and a page show: the runs, their figures, and means over seeds if there are such runs."""
        differences = [name for name in self.differences if name != "epochs"]  # which has a column anyway
        in_columns = differences if len(differences) <= MOST_COLUMNS else []
        tables = [self._of_runs(in_columns)]
        if differences != in_columns:
            rows = [(name, *map(as_text, self.differences[name])) for name in differences]
            tables.append(Table("Recipes differ in", ("value", *self.names), rows))
        if self.figures:
            cells = [[_last_and_best(run, figure) for figure in self.figures] for run in self.runs]
            rows = [(name, *row) for name, row in zip(self.names, cells, strict=True)]
            tables.append(Table("Last figures (best ones)", ("run", *self.figures), rows))
        if self.groups and self.figures:
            tables.append(self._over_seeds())
        return tables

    def _of_runs(self, differences: list[str]) -> Table:
        rows = [
            (
                name,
                *(as_text(run.recipe.get(value)) for value in differences),
                run.state,
                f"{run.epochs}/{as_text(run.recipe.get('epochs'))}",
                NONE if run.steps is None else f"{run.steps:,}",
                NONE if run.minutes is None else f"{run.minutes:.1f}",
            )
            for name, run in zip(self.names, self.runs, strict=True)
        ]
        return Table(
            "Runs" if len(rows) > 1 else "Run", ("run", *differences, "state", "epochs", "steps", "minutes"), rows
        )

    def _over_seeds(self) -> Table:
        rows = [
            (
                group.name or "all runs",
                ", ".join(map(as_text, group.seeds)),
                *(_mean_with_deviation(group.last(figure)) for figure in self.figures),
            )
            for group in self.groups
        ]
        title = "Last figures over seeds: mean ± sample standard deviation"
        return Table(title, ("runs", "seeds", *self.figures), rows)

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values, for JSON. Numbers that are not finite are None."""
        return {
            "runs": [{"name": name, **_described(run)} for name, run in zip(self.names, self.runs, strict=True)],
            "differences": self.differences,
            "groups": [self._described(group) for group in self.groups],
        }

    def _described(self, group: Group) -> dict[str, Any]:
        names = {run.folder: name for run, name in zip(self.runs, self.names, strict=True)}
        last = {figure: group.last(figure) for figure in self.figures}
        means = {figure: {"mean": both[0], "deviation": both[1]} for figure, both in last.items() if both is not None}
        return {"runs": [names[run.folder] for run in group.runs], "seeds": group.seeds, "last": means}


def compare(folders: Iterable[str | os.PathLike | RemotePath]) -> Comparison:
    """Reads run folders and puts them side by side.

    Args:
        folders: Folders of runs, which may be on remote storage, such as "gs://bucket/run".

    Raises:
        InputError: If one is not the folder of a run, or is named twice.

    Example:
        ```python
        for table in kgz.reports.compare(["runs/dcgan_digits", "runs/gan_digits"]).tables():
            print(table.title, table.head, *table.rows, sep="\\n")
        ```
    """
    return Comparison([Run.read(folder) for folder in folders])


def _differences(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The values of the recipes that are not the same in all runs, by name; None where a recipe has none."""
    names = dict.fromkeys(name for run in runs for name in run.recipe)
    values = {name: [run.recipe.get(name) for run in runs] for name in names}
    return {name: given for name, given in values.items() if len({repr(value) for value in given}) > 1}


def _without_seed(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.recipe.items() if name != SEED}


def _short_names(runs: Sequence[Run]) -> list[str]:
    """The last parts of their paths, as many as it takes to tell them apart."""
    parts = [run.remote.split("/") if run.remote else run.folder.resolve().parts for run in runs]
    for number in range(1, max(map(len, parts))):
        names = ["/".join(each[-number:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [run.path for run in runs]


def _mean_and_deviation(values: list[float | None]) -> tuple[float, float] | None:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(finite) < len(values):
        return None
    return statistics.fmean(finite), statistics.stdev(finite)


def _last_and_best(run: Run, name: str) -> str:
    figure = run.figures.get(name)
    if figure is None or figure.last is None:
        return NONE
    best = figure.best
    return f"{figure.last:.4g}" + ("" if best is None else f" ({best[1]:.4g} in epoch {best[0]})")


def _mean_with_deviation(both: tuple[float, float] | None) -> str:
    return NONE if both is None else f"{both[0]:.4g} ± {both[1]:.2g}"


def as_text(value: Any) -> str:
    """A value of a recipe, as a person writes it."""
    if value is None:
        return NONE
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _described(run: Run) -> dict[str, Any]:
    return {
        "folder": run.path,
        "state": run.state,
        "epochs": run.epochs,
        "steps": run.steps,
        "minutes": run.minutes,
        "recipe": run.recipe,
        "figures": {name: _described_figure(figure) for name, figure in run.figures.items()},
        "remarks": list(run.remarks),
    }


def _described_figure(figure) -> dict[str, Any]:
    described = {"last": figure.last if figure.last is not None and math.isfinite(figure.last) else None}
    if figure.best is not None:
        described |= {"best": figure.best[1], "best_epoch": figure.best[0]}
    return described
