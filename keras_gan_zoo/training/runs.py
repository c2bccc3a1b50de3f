"""A recipe and a data set become a run: a folder that holds the model, its pictures, its logs, and the recipe."""

import dataclasses
import os
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks, pictures
from keras_gan_zoo.core.files import remove_unfinished, written_beside
from keras_gan_zoo.core.registry import HIGHER
from keras_gan_zoo.core.run_files import MODEL_FILE, RECIPE_FILE, SNAPSHOTS
from keras_gan_zoo.distribution.workers import check_agreement, is_chief, is_multi_worker, name_lost_workers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.protocol import BETTER
from keras_gan_zoo.state.identity import differences
from keras_gan_zoo.training.build import build, metrics_of, resolve
from keras_gan_zoo.training.recipe import Recipe


def train(recipe: Recipe, out: str | os.PathLike | None = None, *, strategy=None, **arguments):
    """Trains by a recipe, into a new run folder.

    The folder holds `recipe.toml`, `log.csv`, `tensorboard/`, `samples/` (a picture per epoch and `history.gif`),
    `samples.png` (the last one), `snapshots/` (the last two, see `callbacks.Snapshots`) and, when training is done,
    `gan.keras`.

    Args:
        recipe: What to train, on what.
        out: The run folder, new or empty; by default `runs/<variant>_<data>`, numbered if that exists. Several workers
            need it, on a shared disk: the first of them writes.
        strategy: A `tf.distribute.Strategy`, see `distribution.strategy`; by default the one in scope.
        **arguments: `snapshots`, a dictionary of arguments of `callbacks.Snapshots`, such as its interval;
            `more_callbacks`, further Keras callbacks; `verbose`, as in `keras.Model.fit`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the recipe does not fit the data, or the folder is in use. Nothing is written then.
        OSError: If the folder cannot be written.
        NotFiniteError: If the numbers leave the finite ones, and no retry is left.

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
    """Goes on with a run that was interrupted, from its newest snapshot, or from its beginning if there is none yet.

    The recipe in the folder governs. Only its number of epochs may change.

    Args:
        folder: Of the run.
        changes: Values of the recipe that are asked for; a value that differs is refused, but for `epochs`.
        out: If given, a new folder that the run is copied to before it goes on.
        strategy: As of `train`. It may be another than the run began with; then the result differs by rounding.
        **arguments: As of `train`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the folder holds no run, a value may not change (the differences are listed), or no snapshot is
            whole. Nothing is changed then.
        OSError: If the folder cannot be written.
        NotFiniteError: If the numbers leave the finite ones, and no retry is left.

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
    """The recipe with other epochs; any other value that differs is refused."""
    asked = {**changes, "model": {**recipe.model, **changes.get("model", {})}}
    present = {name: value for name, value in dataclasses.asdict(recipe).items() if name in asked}
    epochs = {name: asked.pop(name) for name in ("epochs",) if name in asked}
    found = [line for name in asked for line in differences(present[name], asked[name], name)]
    if found:
        listed = "\n  ".join(found)
        raise InputError(
            "Expected the recipe that the run began with, where only epochs may change. Received other values:\n  "
            f"{listed}\nLeave them out, or start a new run."
        )
    return dataclasses.replace(recipe, **epochs)


def _train_into(
    folder: Path, recipe: Recipe, strategy, copy_of=None, snapshots=None, more_callbacks: tuple = (), verbose="auto"
) -> tuple[keras.Model, Path]:
    recipe, dataset = resolve(recipe)
    begun = any((copy_of or folder).glob(f"{SNAPSHOTS}/*"))  # then its weights are those of a snapshot
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
            callbacks.Log(str(folder / "log.csv")),
            keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
            *([callbacks.SamplePictures(folder / "samples", real=real)] if is_drawn else []),
        ]
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
    if writes:
        with written_beside(folder / MODEL_FILE) as beside:
            gan.save(beside)
        if is_drawn:
            pictures.save(pictures.draw_samples(gan, real=real), folder / "samples.png")
    check_agreement(strategy, "steps", gan.steps_done)  # the others wait here while the first one writes
    return gan, folder


def run_folder(recipe: Recipe, out: str | os.PathLike | None = None, strategy=None) -> Path:
    """Where a run may be written: `out`, which must be new or empty, or the first free default."""
    if strategy is not None and is_multi_worker(strategy):
        if out is None:
            raise InputError("Expected a folder for the run of several workers, which all must know. Give out.")
        if not is_chief(strategy):
            return Path(out)  # which the chief may have made already
    if out is None:
        base = Path("runs") / f"{recipe.variant}_{Path(recipe.data).stem}"
        numbered = (base.with_name(f"{base.name}_{number}") for number in range(2, 10_000))
        return next(folder for folder in (base, *numbered) if not folder.exists())
    folder = Path(out)
    if folder.is_dir():
        remove_unfinished(folder, ".toml")  # of a start that was killed before its recipe was there
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"Expected a new or empty folder for the run. Received: {folder}, which is in use. Choose another."
        )
    return folder
