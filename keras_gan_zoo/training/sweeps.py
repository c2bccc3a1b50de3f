"""Sweeps: a run for each combination of values of a recipe, below one folder; interrupted ones go on."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import os
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.remote import RemotePath, place
from keras_gan_zoo.core.run_files import MODEL_FILE, RECIPE_FILE, SNAPSHOTS
from keras_gan_zoo.distribution.workers import is_multi_worker
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.remote_snapshots import snapshots_in
from keras_gan_zoo.training.build import build, resolve
from keras_gan_zoo.training.fine_tuning import changed
from keras_gan_zoo.training.recipe import Recipe
from keras_gan_zoo.training.runs import check_resumable, resume, train

FIELDS = [field.name for field in dataclasses.fields(Recipe) if field.name != "model"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run of a sweep ended.

    Args:
        folder: The folder of the run; what `str` makes of it can be given to `resume`.
        recipe: Its recipe.
        was_finished: Whether it had been finished before, so that nothing was trained.
        error: What ended it; None if it was finished.
    """

    folder: Path | RemotePath
    recipe: Recipe
    was_finished: bool = False
    error: Exception | None = None


def recipes_of(recipe: Recipe, values: Mapping[str, Iterable[Any]]) -> dict[str, Recipe]:
    """The recipes of a sweep, by the names of their folders.

    Args:
        recipe: The recipe that they share.
        values: For each name, the values to try: names of a recipe or of arguments of its model.

    Raises:
        InputError: If there is no value, one is there twice, or one does not fit.

    Example:
        >>> list(recipes_of(Recipe("gan", "ring8"), {"learning_rate": [0.1, 0.2], "seed": [0, 1]}))
        ['learning_rate=0.1,seed=0', 'learning_rate=0.1,seed=1', 'learning_rate=0.2,seed=0', 'learning_rate=0.2,seed=1']
    """
    tried = {name: list(given) for name, given in values.items()}
    if "deterministic" in tried:
        raise InputError(
            "Expected no values of 'deterministic', which holds for a whole process. Give one for all runs."
        )
    for name, given in tried.items():
        if not given or len({_as_name(value) for value in given}) < len(given):
            raise InputError(f"Expected values of {name} to try, each once. Received: {given}. Name each once.")
    found = {}
    for combination in itertools.product(*tried.values()):
        named = dict(zip(tried, combination, strict=True))
        folder = ",".join(f"{name}={_as_name(value)}" for name, value in named.items())
        found[folder] = Recipe(**changed(recipe.given(), _as_changes(named)))
    return found


def sweep(
    recipe: Recipe,
    values: Mapping[str, Iterable[Any]],
    out: str | os.PathLike | RemotePath,
    *,
    strategy=None,
    begin: Callable[[Path | RemotePath, int, int], object] | None = None,
    **arguments,
) -> list[Outcome]:
    """Trains a run for each combination of values, one after the other, into a folder of its own.

    All recipes are checked before the first is trained. The same call again goes on where an earlier one ended: runs
    that are finished stay as they are, and runs that were begun are resumed. A run that fails does not end the sweep.

    Args:
        recipe: The recipe that the runs share.
        values: For each name, the values to try: names of a recipe or of arguments of its model.
        out: The folder of the run folders, whose names are those of the values, such as `learning_rate=0.001,seed=0`.
        strategy: As in `train`; one of several workers is refused.
        begin: A function that is called with the folder, the number from 1, and the number of all runs, before each
            run that is trained.
        **arguments: As in `train`.

    Returns:
        How each run ended.

    Raises:
        InputError: If a recipe does not fit the data, or a run in its folder has another recipe. Nothing is trained
            then.

    Example:
        ```python
        kgz.training.sweep(kgz.training.Recipe("dcgan", "digits", epochs=30), {"seed": [0, 1, 2]}, "runs/seeds")
        ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    if is_multi_worker(strategy):
        raise InputError("Expected one run for several workers. Received: a sweep. Train its runs one by one.")
    runs = _checked(recipes_of(recipe, values), place(out), strategy)
    outcomes = []
    for number, (folder, each) in enumerate(runs.items(), 1):
        if _is_finished(folder, each):
            outcomes.append(Outcome(folder, each, was_finished=True))
            continue
        if begin is not None:
            begin(folder, number, len(runs))
        outcomes.append(_outcome(folder, each, strategy=strategy, **arguments))
    return outcomes


def _as_name(value: Any) -> str:
    """A value in the name of a folder: of a path, its last part."""
    return re.sub(r"[^\w.+-]", "_", os.path.basename(str(value)))  # noqa: PTH119


def _as_changes(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a recipe as `changed` takes them, those of its model in a table of their own."""
    of_recipe = {name: value for name, value in values.items() if name in FIELDS}
    return {**of_recipe, "model": {name: value for name, value in values.items() if name not in FIELDS}}


def _checked(recipes: dict[str, Recipe], out: Path | RemotePath, strategy) -> dict[Path | RemotePath, Recipe]:
    """The complete recipes by folders, each checked with its data and networks, and with the run in its folder."""
    runs, built = {}, set()
    for name, recipe in recipes.items():
        complete, dataset = resolve(recipe)
        alike = repr(dataclasses.replace(complete, seed=0))
        if alike not in built:  # other seeds have the same networks
            with strategy.scope():
                build(complete, dataset)
            built.add(alike)
        folder = out / name
        if exists(folder / RECIPE_FILE) and not _is_finished(folder, complete):
            check_resumable(folder, complete.given())
        runs[folder] = complete
    return runs


def _is_finished(folder: Path | RemotePath, recipe: Recipe) -> bool:
    """Whether a folder has the finished run of a recipe: a model alone may be that of fewer epochs."""
    model, snapshots = folder / MODEL_FILE, snapshots_in(folder / SNAPSHOTS)
    if not exists(model) or Recipe.read(folder / RECIPE_FILE) != recipe:
        return False
    newest = snapshots.newest()
    if newest is None:
        return True
    is_saved = model.stat().st_mtime_ns >= snapshots.files()[0].stat().st_mtime_ns
    return is_saved and (newest.is_stopped or newest.epoch >= recipe.epochs)


def _outcome(folder: Path | RemotePath, recipe: Recipe, **arguments) -> Outcome:
    try:
        if exists(folder / RECIPE_FILE):
            resume(folder, recipe.given(), **arguments)
        else:
            train(recipe, folder, **arguments)
    except Exception as error:  # whatever it is, the other runs are trained, and it is told at the end
        traceback.clear_frames(error.__traceback__)  # which would keep the model in memory
        return Outcome(folder, recipe, error=error)
    finally:
        gc.collect()  # the graphs of a model are circles of references
    return Outcome(folder, recipe)
