"""Runs: training by a recipe, into a folder with the model, pictures, logs, and the recipe."""

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks, data, pictures
from keras_gan_zoo.callbacks.side_outputs import SideOutput
from keras_gan_zoo.callbacks.uploads import Uploads
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.recipe_files import RECIPE, with_digest
from keras_gan_zoo.core.registry import HIGHER
from keras_gan_zoo.core.remote import RemotePath, place
from keras_gan_zoo.core.remote_claims import check_unclaimed, claimed, confirm
from keras_gan_zoo.core.remote_copies import local_copy, write_whole
from keras_gan_zoo.core.run_files import LAST_SAMPLES, MODEL_FILE, RECIPE_FILE, SNAPSHOTS
from keras_gan_zoo.data import located, located_sources
from keras_gan_zoo.distribution.workers import check_agreement, is_chief, is_multi_worker, name_lost_workers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.protocol import BETTER
from keras_gan_zoo.state.identity import differences
from keras_gan_zoo.state.remote_snapshots import RemoteSnapshotFolder, snapshots_in
from keras_gan_zoo.training.build import build, metrics_of, resolve
from keras_gan_zoo.training.planning import announcing
from keras_gan_zoo.training.recipe import Recipe
from keras_gan_zoo.training.run_folders import COPYING, copy_run, new_folder

NOT_MIRRORED = (RECIPE_FILE, MODEL_FILE, f"{SNAPSHOTS}/*")  # of a remote run: written by themselves


def train(
    recipe: Recipe,
    out: str | os.PathLike | RemotePath | None = None,
    *,
    strategy=None,
    take_over: bool = False,
    **arguments,
) -> tuple[keras.Model, Path | str]:
    """Trains a model by a recipe, into a new run folder.

    The folder holds `recipe.toml`, `log.csv`, `tensorboard/`, `samples/` (a picture per epoch, more within long epochs,
    and `history.gif`), `samples.png` (the last one), `snapshots/` (the last two, see `callbacks.Snapshots`) and, when
    training is done, `gan.keras`. While the run trains, no other process can write to its folder.

    The folder may be on remote storage that TensorFlow can write to, such as "gs://bucket/run". Snapshots, and the
    model at the end, are then written there as a whole, each with a marker. Pictures and logs are written to a
    temporary folder, and uploaded before each snapshot and at the ends of epochs; where that fails, training goes on
    with a warning.

    Args:
        recipe: The recipe.
        out: The run folder, new or empty; by default `runs/<variant>_<data>`, numbered if that exists. Required
            for several workers, on a shared disk or on remote storage: the first worker writes.
        strategy: A `tf.distribute.Strategy`, see `distribution.strategy`; by default the current one.
        take_over: Whether to use the folder although a process on another machine, which has ended, did not release it.
        **arguments: `snapshots`, a dictionary of arguments of `callbacks.Snapshots`, such as its interval;
            `more_callbacks`, further Keras callbacks; `verbose`, as in `keras.Model.fit`; `announce`, a function that
            is called with the `Plan` of the run before its first step: by default it is printed, unless verbose is 0.

    Returns:
        The trained model and the folder: a `Path`, or a string if it is on remote storage.

    Raises:
        InputError: If the recipe does not fit the data, or the folder is in use. Nothing is written then.
        OSError: If the folder cannot be written, or remote storage does not answer.
        NotFiniteError: If a number becomes NaN or infinite, and no retry is left.

    Example:
        ```python
        gan, folder = kgz.training.train(kgz.training.Recipe("dcgan", "digits", epochs=300))
        ```
    """
    with new_folder(recipe, out, strategy=strategy, take_over=take_over) as folder:
        return train_in(folder, recipe, strategy=strategy, take_over=take_over, **arguments)


def resume(
    folder: str | os.PathLike | RemotePath,
    changes: dict | None = None,
    out: str | os.PathLike | RemotePath | None = None,
    *,
    strategy=None,
    take_over: bool = False,
    **arguments,
) -> tuple[keras.Model, Path | str]:
    """Resumes an interrupted run from its newest snapshot, or from its beginning if there is none yet.

    The recipe in the folder is used. Only its number of epochs may change, though not to fewer than it has been trained
    for, and the folder in which its data lie.

    Args:
        folder: Folder of the run, which may be on remote storage, as in `train`.
        changes: Requested values of the recipe. A value that differs is refused, except for `epochs`, and
            for `data` of the same name in another folder.
        out: If given, a new folder, to which the run is copied before it is resumed.
        strategy: As in `train`. It may differ from the one that the run began with; results then differ by rounding.
        take_over: As in `train`.
        **arguments: As in `train`.

    Returns:
        The trained model and the folder: a `Path`, or a string if it is on remote storage.

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
    run = place(folder)
    arguments.update(strategy=strategy, take_over=take_over)
    recipe = check_resumable(run, changes or {})
    if out is None:
        with claimed(run, take_over=take_over) if is_chief(strategy) else nullcontext():
            return train_in(run, recipe, **arguments)
    if is_multi_worker(strategy):
        raise InputError("Expected no out for several workers, which would not wait for the copy. Copy the run first.")
    check_unclaimed(run)
    with ExitStack() as stack:
        copy = stack.enter_context(new_folder(recipe, out, strategy=strategy, take_over=take_over))
        original = stack.enter_context(local_copy(run))
        return train_in(copy, recipe, copy_of=original, **arguments)


def check_resumable(folder: Path | RemotePath, changes: dict) -> Recipe:
    """The recipe by which a run goes on, as `resume` takes it; an `InputError`, as there, if it cannot."""
    recorded = _read_recipe(folder)
    recipe = _with_changes(recorded, changes)
    _check_epochs(folder, recorded, recipe.epochs)
    return recipe


def _read_recipe(folder: Path | RemotePath) -> Recipe:
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
        found = locate(asked.get(name, recorded))
        if None not in (found, recorded) and Path(found).name == Path(recorded).name:  # snapshots tell the data apart
            asked.pop(name, None)
            recipe = dataclasses.replace(recipe, **{name: found})
    lines = [line for name in asked for line in differences(present[name], asked[name], name)]
    if lines:
        listed = "\n  ".join(lines)
        raise InputError(
            "Expected the recipe that the run began with, where only epochs may change, and the folder that the data "
            f"are in. Received other values:\n  {listed}\nLeave them out, or start a new run."
        )
    return dataclasses.replace(recipe, **epochs)


def _check_epochs(folder: Path | RemotePath, recipe: Recipe, asked: int | None) -> None:
    """Checks that a run can be trained for so many epochs: otherwise its recipe would not be that of its weights."""
    recorded = recipe.epochs
    if recipe.decay is not None and asked != recorded:
        raise InputError(
            f"Expected epochs={recorded}, as before, because the learning rates fall by them: decay={recipe.decay}. "
            f"Received: epochs={asked}. Leave epochs out, or start a new run."
        )
    snapshots = snapshots_in(folder / SNAPSHOTS)
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


def train_in(
    folder: Path | RemotePath, recipe: Recipe, *, strategy=None, **arguments
) -> tuple[keras.Model, Path | str]:
    """Trains in a folder that this process has claimed. See `train` for the arguments.

    Args:
        copy_of: The folder of a run, a local one, which is copied first.
    """
    strategy = strategy or tf.distribute.get_strategy()
    with name_lost_workers(strategy):
        return _train_in(folder, recipe, strategy, **arguments)


def _train_in(
    folder: Path | RemotePath,
    recipe: Recipe,
    strategy,
    *,
    take_over: bool = False,
    copy_of: Path | None = None,
    snapshots: dict | None = None,
    more_callbacks: tuple = (),
    verbose="auto",
    announce=None,
) -> tuple[keras.Model, Path | str]:
    recipe, dataset = resolve(recipe)
    begun = snapshots_in((copy_of or folder) / SNAPSHOTS).files()  # then its weights come from a snapshot
    with strategy.scope():
        gan = build(dataclasses.replace(recipe, from_preset=None) if begun else recipe, dataset)
    writes = is_chief(strategy)
    if writes and copy_of is not None:
        copy_run(copy_of, folder)
        _write(folder, RECIPE.content(copy_of / RECIPE_FILE).decode("utf-8"))  # last: then it can be resumed
    text = with_digest(recipe.given())
    if writes and not begun:
        _write(folder, text)
    if writes:  # whoever copied: it may have been killed before this
        (folder / COPYING).unlink(missing_ok=True)
    # The recipe of a run that is resumed is replaced when model and data are known to be those of its snapshots.
    begins = [keras.callbacks.LambdaCallback(on_train_begin=lambda logs: _write(folder, text))] if begun else []
    kept = callbacks.Snapshots(folder / SNAPSHOTS, take_over=take_over, **(snapshots or {}))
    watchers = [*(begins if writes else []), *_steering(recipe), kept, *more_callbacks]
    with _local(folder) as local:
        drawing = _drawing(local, recipe, dataset)
        uploads = _uploads(local, folder, kept) if writes else []
        if writes:
            watchers += announcing(recipe, dataset, announce, verbose)
            watchers += [*_recording(local, recipe, dataset), *drawing, *uploads]
        gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
        if writes:
            _save(gan, local, folder)
            for drawn in drawing:
                with SideOutput(f"The run ends without {folder / LAST_SAMPLES}"):
                    pictures.save(drawn.draw(), local / LAST_SAMPLES)
            for each in uploads:
                each.upload()
    check_agreement(strategy, "steps", gan.steps_done)  # the others wait here while the first one writes
    return gan, folder if isinstance(folder, Path) else str(folder)


@contextmanager
def _local(folder: Path | RemotePath) -> Iterator[Path]:
    """The folder that pictures and logs are written to: that of the run, or a temporary one if it is remote."""
    if isinstance(folder, Path):
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


def _uploads(local: Path, folder: Path | RemotePath, snapshots: callbacks.Snapshots) -> list[Uploads]:
    """What keeps a remote run like the local folder, at the latest before each snapshot; nothing for a local run."""
    if isinstance(folder, Path):
        return []
    uploads = Uploads(local, folder, NOT_MIRRORED)
    if isinstance(snapshots.folder, RemoteSnapshotFolder):
        snapshots.folder.before_writing = uploads.upload
    return [uploads]


def _save(gan: keras.Model, local: Path, folder: Path | RemotePath) -> None:
    """Saves the trained model; to a remote run with its marker.

    Raises:
        OSError: If it cannot be written.
    """
    gan.save(local / MODEL_FILE)
    if isinstance(folder, Path):
        return
    try:
        confirm(folder)
        write_whole(folder / MODEL_FILE, (local / MODEL_FILE).read_bytes())
    except OSError as error:
        raise OSError(
            f"Expected to write the model to {folder / MODEL_FILE}. Received: {error.strerror or error}. Its weights "
            "are in the last snapshot. Mend it, then resume the run, which only writes the model."
        ) from error


def _write(folder: Path | RemotePath, recipe: str) -> None:
    if isinstance(folder, RemotePath):
        (folder / RECIPE_FILE).write_bytes(recipe.encode())
        return
    with written_beside(folder / RECIPE_FILE) as beside:
        beside.write_text(recipe, encoding="utf-8")


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
