"""`Run`: a run folder as it is at one moment, also while it trains."""

from __future__ import annotations

import math
import os
import weakref
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from keras_gan_zoo.core import log_files
from keras_gan_zoo.core.claims import ClaimedError
from keras_gan_zoo.core.event_files import training_minutes
from keras_gan_zoo.core.reading import exists, shown
from keras_gan_zoo.core.recipe_files import RECIPE, values_in
from keras_gan_zoo.core.registry import HIGHER, LOWER, METRICS, figures_of
from keras_gan_zoo.core.remote import RemotePath, place
from keras_gan_zoo.core.remote_claims import check_unclaimed
from keras_gan_zoo.core.remote_copies import chosen, local_copy
from keras_gan_zoo.core.run_files import (
    LOG_FILE,
    MODEL_FILE,
    RECIPE_FILE,
    SCORES_FILE,
    SNAPSHOT_FILES,
    SNAPSHOTS,
    step_in,
    step_named,
)
from keras_gan_zoo.errors import InputError

TRAINING, FINISHED, INTERRUPTED = "training", "finished", "interrupted"
# Which of two values is better: of metrics, and of what models and callbacks log beside their losses.
BETTER = {name: way for metric in METRICS for name, way in figures_of(metric).items() if way} | {
    "diversity": HIGHER,
    "l1": LOWER,
    "psnr": HIGHER,
    "wasserstein": LOWER,
}


@dataclass(frozen=True)
class Figure:
    """What was logged under one name.

    Args:
        points: (epoch, value) of each epoch that it was logged for. Epochs are counted from 1; a value may be NaN.
        better: `LOWER` or `HIGHER`; empty if neither is better, as for losses.
    """

    points: list[tuple[int, float]]
    better: str = ""

    @property
    def last(self) -> float | None:
        """The last value; None if there is none."""
        return self.points[-1][1] if self.points else None

    @property
    def best(self) -> tuple[int, float] | None:
        """(epoch, value) of the best finite value, the first of equals; None if none is better."""
        finite = [point for point in self.points if math.isfinite(point[1])]
        if not finite or not self.better:
            return None
        return min(finite, key=lambda point: -point[1] if self.better == HIGHER else point[1])


@dataclass(frozen=True)
class Scores:
    """What `gan-zoo evaluate` wrote into the folder.

    Args:
        rows: (figure, samples, real images), see `metrics.Report.rows`.
        protocol: How they were measured.
    """

    rows: list[tuple[str, str, str]]
    protocol: str


@dataclass(frozen=True)
class Run:
    """A run folder as it is at one moment.

    Args:
        folder: Its path; of a run on remote storage, a copy that lasts as long as this object.
        recipe: The values of its recipe; those of the model are among the others.
        epochs: Number of epochs that are logged.
        figures: What was logged, by name.
        state: "training", "finished" or "interrupted".
        steps: Steps of the newest snapshot; None without one.
        minutes: Minutes of training; None if TensorBoard's log does not tell.
        scores: The contents of `scores.json` in the folder, if there is one.
        remarks: What is missing, or cannot be read, in sentences.
        remote: The path of a run on remote storage; empty for others.

    Example:
        ```python
        run = kgz.reports.Run.read("runs/dcgan_digits")
        print(run.state, run.epochs, run.figures["g_loss"].last)
        ```
    """

    folder: Path
    recipe: dict[str, Any]
    epochs: int = 0
    figures: dict[str, Figure] = field(default_factory=dict)
    state: str = INTERRUPTED
    steps: int | None = None
    minutes: float | None = None
    scores: Scores | None = None
    remarks: tuple[str, ...] = ()
    remote: str = ""

    @classmethod
    def read(cls, folder: str | os.PathLike | RemotePath) -> Run:
        """Reads what a run has written so far. A log that is missing or damaged is a remark, not an error.

        Raises:
            InputError: If it is not the folder of a run, or its recipe cannot be read.
        """
        folder = place(folder)
        return cls._read_copy(folder) if isinstance(folder, RemotePath) else cls._read(folder)

    @property
    def path(self) -> str:
        """Where it is."""
        return self.remote or str(self.folder)

    @classmethod
    def _read_copy(cls, folder: RemotePath) -> Run:
        with ExitStack() as stack:
            copy = stack.enter_context(local_copy(folder, besides=(f"{SNAPSHOTS}/*", MODEL_FILE)))
            run = replace(cls._read(copy), remote=str(folder), state=_state(folder), steps=_steps(folder))
            weakref.finalize(run, stack.pop_all().close)
            return run

    @classmethod
    def _read(cls, folder: Path) -> Run:
        recipe, remarks = _recipe_in(folder), []
        rows = _read(lambda: log_files.read(folder / LOG_FILE), remarks) if exists(folder / LOG_FILE) else {}
        if rows == {}:
            remarks.append(f"No epoch is logged in {LOG_FILE} yet.")
        return cls(
            folder,
            recipe,
            len(rows or {}),
            _figures(rows or {}),
            _state(folder),
            _steps(folder),
            training_minutes(folder),
            _read(lambda: _scores(folder / SCORES_FILE), remarks) if exists(folder / SCORES_FILE) else None,
            tuple(remarks),
        )


def _recipe_in(folder: Path) -> dict[str, Any]:
    file = folder / RECIPE_FILE
    if not exists(file):
        raise InputError(
            f"Expected the folder of a run, with a {RECIPE_FILE}. Received: {shown(folder)}, which has none."
        )
    with RECIPE.border(file):
        values = values_in(RECIPE.content(file).decode("utf-8"), file)
    model = values.pop("model", {})
    return {**values, **(model if isinstance(model, dict) else {"model": model})}


def _read(read, remarks: list[str]):
    """What a function reads; None, with a remark, if the file is not what it should be."""
    try:
        return read()
    except InputError as error:
        remarks.append(str(error))
        return None


def _figures(rows: dict[int, dict[str, float | None]]) -> dict[str, Figure]:
    names = dict.fromkeys(name for row in rows.values() for name in row)
    logged = {name: [(epoch + 1, row.get(name)) for epoch, row in sorted(rows.items())] for name in names}
    return {
        name: Figure([point for point in points if point[1] is not None], BETTER.get(name.removeprefix("val_"), ""))
        for name, points in logged.items()
    }


def _state(folder: Path | RemotePath) -> str:
    try:
        check_unclaimed(folder)
    except ClaimedError:
        return TRAINING
    return FINISHED if exists(folder / MODEL_FILE) else INTERRUPTED


def _steps(folder: Path | RemotePath) -> int | None:
    if isinstance(folder, RemotePath):
        names = chosen([path.name for path in (folder / SNAPSHOTS).iterdir()])
        steps = [step_named(Path(name).stem) for name in names if fnmatch(name, SNAPSHOT_FILES)]
    else:
        steps = [step_in(path) for path in (folder / SNAPSHOTS).glob(SNAPSHOT_FILES)]
    return max((step for step in steps if step is not None), default=None)


def _scores(file: Path) -> Scores:
    from keras_gan_zoo.metrics.report import REPORT, Report  # imports NumPy and SciPy

    with REPORT.border(file):
        report = Report.load(file)
        return Scores(report.rows(), f"{report.subject}: {report.protocol()}")
