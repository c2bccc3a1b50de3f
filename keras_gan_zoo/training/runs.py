"""Runs: training by a recipe, into a folder with the model, pictures, logs, and the recipe."""

import dataclasses
import os
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks, data, pictures
from keras_gan_zoo.core.files import remove_unfinished, written_beside
from keras_gan_zoo.core.registry import HIGHER
from keras_gan_zoo.core.run_files import MODEL_FILE, RECIPE_FILE, SNAPSHOTS
from keras_gan_zoo.data import located
from keras_gan_zoo.distribution.workers import check_agreement, is_chief, is_multi_worker, name_lost_workers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.protocol import BETTER
from keras_gan_zoo.state.identity import differences
from keras_gan_zoo.training.build import build, metrics_of, resolve
from keras_gan_zoo.training.planning import announcing
from keras_gan_zoo.training.recipe import Recipe


def train(recipe: Recipe, out: str | os.PathLike | None = None, *, strategy=None, **arguments):
    """Trains a model by a recipe, into a new run folder.

    The folder holds `recipe.toml`, `log.csv`, `tensorboard/`, `samples/` (a picture per epoch, more within long epochs,
    and `history.gif`),
    `samples.png` (the last one), `snapshots/` (the last two, see `callbacks.Snapshots`) and, when training is done,
    `gan.keras`.

    Args:
        recipe: The recipe.
        out: The run folder, new or empty; by default `runs/<variant>_<data>`, numbered if that exists. Required
            for several workers, on a shared disk: the first worker writes.
        strategy: A `tf.distribute.Strategy`, see `distribution.strategy`; by default the current one.
        **arguments: `snapshots`, a dictionary of arguments of `callbacks.Snapshots`, such as its interval;
            `more_callbacks`, further Keras callbacks; `verbose`, as in `keras.Model.fit`; `announce`, a function that
            is called with the `Plan` of the run before its first step: by default it is printed, unless verbose is 0.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the recipe does not fit the data, or the folder is in use. Nothing is written then.
        OSError: If the folder cannot be written.
        NotFiniteError: If a number becomes NaN or infinite, and no retry is left.

    Example:
        ```python
        gan, folder = kgz.training.train(kgz.training.Recipe("dcgan", "digits", epochs=300))
        ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    folder = run_folder(recipe, out, strategy)
    with name_lost_workers(strategy):
        return _train_into(folder, recipe, strategy, **arguments)


def resume(
    folder: str | os.PathLike,
    changes: dict | None = None,
    out: str | os.PathLike | None = None,
    *,
    strategy=None,
    **arguments,
):
    """Resumes an interrupted run from its newest snapshot, or from its beginning if there is none yet.

    The recipe in the folder is used. Only its number of epochs may change, and the folder in which its data lie.

    Args:
        folder: Folder of the run.
        changes: Requested values of the recipe. A value that differs is refused, except for `epochs`, and
            for `data` of the same name in another folder.
        out: If given, a new folder, to which the run is copied before it is resumed.
        strategy: As in `train`. It may differ from the one that the run began with; results then differ by rounding.
        **arguments: As in `train`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the folder holds no run, a value must not change (the differences are listed), or all snapshots
            are damaged. Nothing is changed then.
        OSError: If the folder cannot be written.
        NotFiniteError: If a number becomes NaN or infinite, and no retry is left.

    Example:
        ```python
        gan, folder = kgz.training.resume("runs/dcgan_digits", {"epochs": 500})
        ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    folder = Path(folder)
    recipe = _with_changes(_read_recipe(folder), changes or {})
    if out is not None and is_multi_worker(strategy):
        raise InputError("Expected no out for several workers, which would not wait for the copy. Copy the run first.")
    if out is not None:
        arguments["copy_of"], folder = folder, run_folder(recipe, out)
    with name_lost_workers(strategy):
        return _train_into(folder, recipe, strategy, **arguments)


def _read_recipe(folder: Path) -> Recipe:
    file = folder / RECIPE_FILE
    if not file.is_file():
        raise InputError(f"Expected the folder of a run, with a {RECIPE_FILE}. Received: {folder}, which has none.")
    return Recipe.from_toml(file.read_text())


def _with_changes(recipe: Recipe, changes: dict) -> Recipe:
    """The recipe with the requested epochs, and with its data where they are now; other differences are refused."""
    asked = {**changes, "model": {**recipe.model, **changes.get("model", {})}}
    present = {name: value for name, value in dataclasses.asdict(recipe).items() if name in asked}
    epochs = {name: asked.pop(name) for name in ("epochs",) if name in asked}
    place = located(asked.get("data", recipe.data))
    if Path(place).name == Path(recipe.data).name:  # the snapshots tell whether they are the same data
        asked.pop("data", None)
        recipe = dataclasses.replace(recipe, data=place)
    lines = [line for name in asked for line in differences(present[name], asked[name], name)]
    if lines:
        listed = "\n  ".join(lines)
        raise InputError(
            "Expected the recipe that the run began with, where only epochs may change, and the folder that the data "
            f"are in. Received other values:\n  {listed}\nLeave them out, or start a new run."
        )
    return dataclasses.replace(recipe, **epochs)


def _train_into(
    folder: Path,
    recipe: Recipe,
    strategy,
    copy_of=None,
    snapshots=None,
    more_callbacks: tuple = (),
    verbose="auto",
    announce=None,
) -> tuple[keras.Model, Path]:
    recipe, dataset = resolve(recipe)
    begun = any((copy_of or folder).glob(f"{SNAPSHOTS}/*"))  # then its weights come from a snapshot
    with strategy.scope():
        gan = build(dataclasses.replace(recipe, from_preset=None) if begun else recipe, dataset)
    writes = is_chief(strategy)
    if writes:
        folder.mkdir(parents=True, exist_ok=True)
        if copy_of is not None:
            shutil.copytree(copy_of, folder, dirs_exist_ok=True)
        with written_beside(folder / RECIPE_FILE) as beside:
            beside.write_text(recipe.to_toml())

    is_drawn = pictures.can_draw(dataset.example_shape)
    real = dataset.examples[:2500] if dataset.example_shape == (2,) else None
    mode = "max" if BETTER.get(recipe.stop_by) == HIGHER else "min"
    watchers = [
        callbacks.CollapseAlarm(stop=recipe.stop_on_collapse, every=max(1, recipe.epochs // 50)),
        *metrics_of(recipe),
        *([callbacks.Stopping(recipe.stop_by, mode, patience=recipe.patience)] if recipe.stop_by else []),
        callbacks.NaNGuard(retries=recipe.retries),
        callbacks.Snapshots(folder / SNAPSHOTS, **(snapshots or {})),
        *more_callbacks,
    ]
    if writes:
        watchers += [
            *announcing(recipe, dataset, announce, verbose),
            callbacks.Log(str(folder / "log.csv")),
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            *(
                [callbacks.SamplePictures(folder / "samples", real=real, every_steps=_picture_steps(recipe, dataset))]
                if is_drawn
                else []
            ),
        ]
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
    if writes:
        with written_beside(folder / MODEL_FILE) as beside:
            gan.save(beside)
        if is_drawn:
            pictures.save(pictures.draw_samples(gan, real=real), folder / "samples.png")
    check_agreement(strategy, "steps", gan.steps_done)  # the others wait here while the first one writes
    return gan, folder


def _picture_steps(recipe: Recipe, dataset: data.Dataset) -> int | None:
    """Steps between pictures within an epoch, for about 50 in a run of few long epochs; None if epochs are shorter."""
    steps_per_epoch = len(dataset) // recipe.batch_size
    steps = max(50, recipe.epochs * steps_per_epoch // 50)
    return steps if steps < steps_per_epoch else None


def run_folder(recipe: Recipe, out: str | os.PathLike | None = None, strategy=None) -> Path:
    """The folder for a run: `out`, which must be new or empty, or the first default that does not exist."""
    if strategy is not None and is_multi_worker(strategy):
        if out is None:
            raise InputError("Expected a folder for the run of several workers, which all must know. Give out.")
        if not is_chief(strategy):
            return Path(out)  # the chief may have created it already
    if out is None:
        base = Path("runs") / f"{recipe.variant}_{Path(recipe.data).stem}"
        numbered = (base.with_name(f"{base.name}_{number}") for number in range(2, 10_000))
        return next(folder for folder in (base, *numbered) if not folder.exists())
    folder = Path(out)
    if folder.is_dir():
        remove_unfinished(folder, ".toml")  # of a process that was killed before it had written the recipe
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"Expected a new or empty folder for the run. Received: {folder}, which is in use. Choose another."
        )
    return folder
