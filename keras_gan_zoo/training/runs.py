"""Runs: training by a recipe, into a folder with the model, pictures, logs, and the recipe."""

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks, data, pictures
from keras_gan_zoo.callbacks.side_outputs import SideOutput
from keras_gan_zoo.core.claims import LOCK_FILE, ClaimedError, check_unclaimed, claimed
from keras_gan_zoo.core.files import remove_unfinished, written_beside
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.recipe_files import RECIPE, with_digest
from keras_gan_zoo.core.registry import HIGHER
from keras_gan_zoo.core.run_files import MODEL_FILE, RECIPE_FILE, SNAPSHOTS
from keras_gan_zoo.data import located, located_sources
from keras_gan_zoo.distribution.workers import check_agreement, is_chief, is_multi_worker, name_lost_workers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.protocol import BETTER
from keras_gan_zoo.state.identity import differences
from keras_gan_zoo.state.snapshot import SnapshotFolder
from keras_gan_zoo.training.build import build, metrics_of, resolve
from keras_gan_zoo.training.planning import announcing
from keras_gan_zoo.training.recipe import Recipe

COPYING = ".copying.json"  # in a folder that a run is being copied to: the names of what belongs to the copy
NOT_COPIED = (LOCK_FILE, RECIPE_FILE, COPYING, ".*.unfinished*")


def train(
    recipe: Recipe, out: str | os.PathLike | None = None, *, strategy=None, take_over: bool = False, **arguments
) -> tuple[keras.Model, Path]:
    """Trains a model by a recipe, into a new run folder.

    The folder holds `recipe.toml`, `log.csv`, `tensorboard/`, `samples/` (a picture per epoch, more within long epochs,
    and `history.gif`), `samples.png` (the last one), `snapshots/` (the last two, see `callbacks.Snapshots`) and, when
    training is done, `gan.keras`. While the run trains, no other process can write to its folder.

    Args:
        recipe: The recipe.
        out: The run folder, new or empty; by default `runs/<variant>_<data>`, numbered if that exists. Required
            for several workers, on a shared disk: the first worker writes.
        strategy: A `tf.distribute.Strategy`, see `distribution.strategy`; by default the current one.
        take_over: Whether to use the folder although a process on another machine, which has ended, did not release it.
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
    with new_folder(recipe, out, strategy=strategy, take_over=take_over) as folder:
        return train_in(folder, recipe, strategy=strategy, take_over=take_over, **arguments)


def resume(
    folder: str | os.PathLike,
    changes: dict | None = None,
    out: str | os.PathLike | None = None,
    *,
    strategy=None,
    take_over: bool = False,
    **arguments,
) -> tuple[keras.Model, Path]:
    """Resumes an interrupted run from its newest snapshot, or from its beginning if there is none yet.

    The recipe in the folder is used. Only its number of epochs may change, though not to fewer than it has been trained
    for, and the folder in which its data lie.

    Args:
        folder: Folder of the run.
        changes: Requested values of the recipe. A value that differs is refused, except for `epochs`, and
            for `data` of the same name in another folder.
        out: If given, a new folder, to which the run is copied before it is resumed.
        strategy: As in `train`. It may differ from the one that the run began with; results then differ by rounding.
        take_over: As in `train`.
        **arguments: As in `train`.

    Returns:
        The trained model and the folder's path.

    Raises:
        InputError: If the folder holds no run, the run still trains, a value must not change (the differences are
            listed), or all snapshots are damaged. Nothing is changed then.
        OSError: If the folder cannot be written.
        NotFiniteError: If a number becomes NaN or infinite, and no retry is left.

    Example:
        ```python
        gan, folder = kgz.training.resume("runs/dcgan_digits", {"epochs": 500})
        ```
    """
    strategy = strategy or tf.distribute.get_strategy()
    folder = Path(folder)
    arguments.update(strategy=strategy, take_over=take_over)
    recipe = check_resumable(folder, changes or {})
    if out is None:
        with claimed(folder, take_over=take_over) if is_chief(strategy) else nullcontext():
            return train_in(folder, recipe, **arguments)
    if is_multi_worker(strategy):
        raise InputError("Expected no out for several workers, which would not wait for the copy. Copy the run first.")
    check_unclaimed(folder)
    with new_folder(recipe, out, strategy=strategy, take_over=take_over) as copy:
        return train_in(copy, recipe, copy_of=folder, **arguments)


def check_resumable(folder: Path, changes: dict) -> Recipe:
    """The recipe by which a run goes on, as `resume` takes it; an `InputError`, as there, if it cannot."""
    recorded = _read_recipe(folder)
    recipe = _with_changes(recorded, changes)
    _check_epochs(folder, recorded, recipe.epochs)
    return recipe


def _read_recipe(folder: Path) -> Recipe:
    file = folder / RECIPE_FILE
    if not exists(file):
        raise InputError(f"Expected the folder of a run, with a {RECIPE_FILE}. Received: {folder}, which has none.")
    return Recipe.read(file)


def _with_changes(recipe: Recipe, changes: dict) -> Recipe:
    """The recipe with the requested epochs, and with its data where they are now; other differences are refused."""
    asked = {**changes, "model": {**recipe.model, **changes.get("model", {})}}
    present = {name: value for name, value in dataclasses.asdict(recipe).items() if name in asked}
    epochs = {name: asked.pop(name) for name in ("epochs",) if name in asked}
    for name, locate in {"data": located, "sources": located_sources}.items():
        recorded = getattr(recipe, name)
        place = locate(asked.get(name, recorded))
        if None not in (place, recorded) and Path(place).name == Path(recorded).name:  # snapshots tell the data apart
            asked.pop(name, None)
            recipe = dataclasses.replace(recipe, **{name: place})
    lines = [line for name in asked for line in differences(present[name], asked[name], name)]
    if lines:
        listed = "\n  ".join(lines)
        raise InputError(
            "Expected the recipe that the run began with, where only epochs may change, and the folder that the data "
            f"are in. Received other values:\n  {listed}\nLeave them out, or start a new run."
        )
    return dataclasses.replace(recipe, **epochs)


def _check_epochs(folder: Path, recipe: Recipe, asked: int | None) -> None:
    """Checks that a run can be trained for so many epochs: otherwise its recipe would not be that of its weights."""
    recorded = recipe.epochs
    if recipe.decay is not None and asked != recorded:
        raise InputError(
            f"Expected epochs={recorded}, as before, because the learning rates fall by them: decay={recipe.decay}. "
            f"Received: epochs={asked}. Leave epochs out, or start a new run."
        )
    snapshots = SnapshotFolder(folder / SNAPSHOTS)
    if not snapshots.files() and (folder / MODEL_FILE).exists():
        raise InputError(
            f"Expected the snapshots of a run, to resume it. Received: {folder}, which has a {MODEL_FILE}, but no "
            "snapshots any more. Restore them, or start a new run."
        )
    newest = None if asked == recorded else snapshots.newest()
    if newest is None:
        return
    if newest.is_stopped:
        raise InputError(
            f"Expected epochs={recorded}, as before, because this run stopped by itself, in epoch {newest.epoch}. "
            f"Received: epochs={asked}. Leave epochs out, or start a new run."
        )
    trained = newest.epoch + (newest.batch > 0)
    if asked < trained:
        begun = f"{newest.epoch} epochs and {newest.batch} steps" if newest.batch else f"{trained} epochs"
        raise InputError(
            f"Expected epochs of at least {trained}, because this run has been trained for {begun}. Received: "
            f"epochs={asked}. Give more, or start a new run."
        )


def train_in(folder: Path, recipe: Recipe, *, strategy=None, **arguments) -> tuple[keras.Model, Path]:
    """Trains in a folder that this process has claimed. See `train` for the arguments.

    Args:
        copy_of: The folder of a run, which is copied first.
    """
    strategy = strategy or tf.distribute.get_strategy()
    with name_lost_workers(strategy):
        return _train_in(folder, recipe, strategy, **arguments)


def _train_in(
    folder: Path,
    recipe: Recipe,
    strategy,
    *,
    take_over: bool = False,
    copy_of: Path | None = None,
    snapshots: dict | None = None,
    more_callbacks: tuple = (),
    verbose="auto",
    announce=None,
) -> tuple[keras.Model, Path]:
    recipe, dataset = resolve(recipe)
    begun = SnapshotFolder((copy_of or folder) / SNAPSHOTS).files()  # then its weights come from a snapshot
    with strategy.scope():
        gan = build(dataclasses.replace(recipe, from_preset=None) if begun else recipe, dataset)
    writes = is_chief(strategy)
    if writes and copy_of is not None:
        _copy(copy_of, folder)
        _write(folder, RECIPE.content(copy_of / RECIPE_FILE).decode("utf-8"))  # last: then it can be resumed
    text = with_digest(recipe.given())
    if writes and not begun:
        _write(folder, text)
    if writes:  # whoever copied: it may have been killed before this
        (folder / COPYING).unlink(missing_ok=True)
    # The recipe of a run that is resumed is replaced when model and data are known to be those of its snapshots.
    begins = [keras.callbacks.LambdaCallback(on_train_begin=lambda logs: _write(folder, text))] if begun else []
    drawing = _drawing(folder, recipe, dataset)
    watchers = [
        *(begins if writes else []),
        *_steering(recipe),
        callbacks.Snapshots(folder / SNAPSHOTS, take_over=take_over, **(snapshots or {})),
        *more_callbacks,
    ]
    if writes:
        watchers += [*announcing(recipe, dataset, announce, verbose), *_recording(folder, recipe, dataset), *drawing]
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
    if writes:
        gan.save(folder / MODEL_FILE)
        for drawn in drawing:
            picture = folder / "samples.png"
            with SideOutput(f"The run ends without {picture}"):
                pictures.save(drawn.draw(), picture)
    check_agreement(strategy, "steps", gan.steps_done)  # the others wait here while the first one writes
    return gan, folder


def _write(folder: Path, recipe: str) -> None:
    with written_beside(folder / RECIPE_FILE) as beside:
        beside.write_text(recipe, encoding="utf-8")


def _copy(run: Path, folder: Path) -> None:
    """Copies a run, without its recipe. Until there is one, a file names what was copied, should the process be killed.

    Nothing else is in the folder, so that the next one can remove it.
    """
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    names = {path.name for path in run.iterdir()}
    with written_beside(folder / COPYING) as beside:
        beside.write_text(json.dumps(sorted(names - ignored(str(run), list(names)))), encoding="utf-8")
    shutil.copytree(run, folder, ignore=ignored, dirs_exist_ok=True)


def _steering(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """What measures a run, and may end it."""
    mode = "max" if BETTER.get(recipe.stop_by) == HIGHER else "min"
    return [
        callbacks.CollapseAlarm(stop=recipe.stop_on_collapse, every=max(1, recipe.epochs // 50)),
        *metrics_of(recipe),
        *([callbacks.Stopping(recipe.stop_by, mode, patience=recipe.patience)] if recipe.stop_by else []),
        callbacks.NaNGuard(retries=recipe.retries),
    ]


def _recording(folder: Path, recipe: Recipe, dataset: data.Dataset) -> list[keras.callbacks.Callback]:
    """What writes figures into the folder of a run. TensorBoard gets pictures about 50 times."""
    steps = _picture_steps(recipe, dataset)
    return [
        callbacks.Log(str(folder / "log.csv")),
        callbacks.TensorBoard(folder / "tensorboard", every=max(1, recipe.epochs // 50), every_steps=steps),
    ]


def _drawing(folder: Path, recipe: Recipe, dataset: data.Dataset) -> list[callbacks.SamplePictures]:
    """What draws pictures into the folder of a run, if its examples can be drawn."""
    if not pictures.can_draw(dataset.example_shape):
        return []
    return [callbacks.SamplePictures(folder / "samples", every_steps=_picture_steps(recipe, dataset))]


def _picture_steps(recipe: Recipe, dataset: data.Dataset) -> int | None:
    """Steps between pictures within an epoch, for about 50 in a run of few long epochs; None if epochs are shorter."""
    steps_per_epoch = len(dataset) // recipe.batch_size
    steps = max(50, recipe.epochs * steps_per_epoch // 50)
    return steps if steps < steps_per_epoch else None


@contextmanager
def new_folder(
    recipe: Recipe, out: str | os.PathLike | None = None, *, strategy=None, take_over: bool = False
) -> Iterator[Path]:
    """The folder of a new run, which belongs to this process while the block runs. See `train` for the arguments.

    Of several workers, only the chief claims the folder. It is removed if nothing was written to it.
    """
    strategy = strategy or tf.distribute.get_strategy()
    if is_multi_worker(strategy) and out is None:
        raise InputError("Expected a folder for the run of several workers, which all must know. Give out.")
    with ExitStack() as stack:
        if out is None:
            yield _default_folder(recipe, stack)
            return
        folder = Path(out)
        if is_chief(strategy):
            _check_usable(folder)
            stack.enter_context(claimed(folder, take_over=take_over))
            _check_usable(folder)  # again: another process may have claimed, used and released it meanwhile
            _remove_beginning(folder)
        yield folder


def _default_folder(recipe: Recipe, stack: ExitStack) -> Path:
    """The first default folder that does not exist, and that no process claims at the same time."""
    base = Path("runs") / f"{recipe.variant}_{Path(recipe.data).stem}"
    for folder in (base, *(base.with_name(f"{base.name}_{number}") for number in range(2, 10_000))):
        with suppress(FileExistsError, ClaimedError):
            stack.enter_context(claimed(folder, is_new=True))
            return folder
    raise InputError(f"Expected fewer than 10,000 runs named {base}. Received: no free number. Give out.")


def _check_usable(folder: Path) -> None:
    """Raises an `InputError` unless a folder is new, or empty but for what killed processes have left."""
    if not folder.exists():
        return
    if folder.is_dir():
        begun = _beginning(folder)
        if all(_is_leftover(path) or path in begun for path in folder.iterdir()):
            return
    check_unclaimed(folder)  # if it still trains, that is the better reason
    raise InputError(
        f"Expected a new or empty folder for the run. Received: {folder}, which is in use. Choose another."
    )


def _is_leftover(path: Path) -> bool:
    return path.name == LOCK_FILE or path.match(".*.unfinished*")


def _beginning(folder: Path) -> list[Path]:
    """What a process that was killed while it copied a run has left in a folder, which is not a run yet."""
    if (folder / RECIPE_FILE).exists() or not (folder / COPYING).is_file():
        return []
    try:
        names = list(json.loads((folder / COPYING).read_text(encoding="utf-8")))
    except (ValueError, TypeError):  # then it is not ours
        return []
    return [path for path in folder.iterdir() if path.name in (*names, COPYING)]


def _remove_beginning(folder: Path) -> None:
    """Removes what a process has left that was killed before it had written the recipe; its list comes last."""
    for path in sorted(_beginning(folder), key=lambda path: path.name == COPYING):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    remove_unfinished(folder, "*")
