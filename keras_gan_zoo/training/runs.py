"""Runs: training by a recipe, into a folder with the model, pictures, logs, and the recipe."""

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from fnmatch import fnmatch
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks, data, pictures
from keras_gan_zoo.callbacks.side_outputs import SideOutput
from keras_gan_zoo.callbacks.uploads import Uploads
from keras_gan_zoo.core import claims
from keras_gan_zoo.core.claims import LOCK_FILE, ClaimedError
from keras_gan_zoo.core.files import remove_unfinished, written_beside
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.recipe_files import RECIPE, with_digest
from keras_gan_zoo.core.registry import HIGHER
from keras_gan_zoo.core.remote import MARKED, UNFINISHED, RemotePath, local_copy, place, write_whole
from keras_gan_zoo.core.remote_claims import CLAIM_FILE, check_unclaimed, claimed, confirm
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

COPYING = ".copying.json"  # in a folder that a run is being copied to: the names of what belongs to the copy
NOT_COPIED = (LOCK_FILE, CLAIM_FILE, RECIPE_FILE, COPYING, f"{UNFINISHED}*")
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
        (_copy if isinstance(folder, Path) else _upload)(copy_of, folder)
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
        if writes:
            watchers += announcing(recipe, dataset, announce, verbose)
            watchers += [*_recording(local, recipe, dataset), *drawing, *_uploads(local, folder, kept)]
        gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=watchers, verbose=verbose)
        if writes:
            _save(gan, local, folder)
            for drawn in drawing:
                with SideOutput(f"The run ends without {folder / LAST_SAMPLES}"):
                    pictures.save(drawn.draw(), local / LAST_SAMPLES)
            for uploads in filter(lambda watcher: isinstance(watcher, Uploads), watchers):
                uploads.upload()
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


def _copy(run: Path, folder: Path) -> None:
    """Copies a run, without its recipe. Until there is one, a file names what was copied, should the process be killed.

    Nothing else is in the folder, so that the next one can remove it.
    """
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    names = {path.name for path in run.iterdir()}
    with written_beside(folder / COPYING) as beside:
        beside.write_text(json.dumps(sorted(names - ignored(str(run), list(names)))), encoding="utf-8")
    shutil.copytree(run, folder, ignore=ignored, dirs_exist_ok=True)


def _upload(run: Path, folder: RemotePath) -> None:
    """Copies a run to remote storage, as `_copy` does; what needs a marker gets one."""
    files = [path for path in sorted(run.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(run) for path in files}
    copied = {path: name for path, name in names.items() if not any(fnmatch(name.name, each) for each in NOT_COPIED)}
    listed = sorted({name.parts[0] for name in copied.values()})
    (folder / COPYING).write_bytes(json.dumps(listed).encode())
    for path, name in copied.items():
        target = folder / name.as_posix()
        if any(fnmatch(name.name, kind) for kind in MARKED):
            write_whole(target, path.read_bytes())
        else:
            target.upload(path)


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
    recipe: Recipe, out: str | os.PathLike | RemotePath | None = None, *, strategy=None, take_over: bool = False
) -> Iterator[Path | RemotePath]:
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
        folder = place(out)
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
            stack.enter_context(claims.claimed(folder, is_new=True))
            return folder
    raise InputError(f"Expected fewer than 10,000 runs named {base}. Received: no free number. Give out.")


def _check_usable(folder: Path | RemotePath) -> None:
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


def _is_leftover(path: Path | RemotePath) -> bool:
    return path.name in (LOCK_FILE, CLAIM_FILE) or path.match(f"{UNFINISHED}*")


def _beginning(folder: Path | RemotePath) -> list[Path | RemotePath]:
    """What a process that was killed while it copied a run has left in a folder, which is not a run yet."""
    if (folder / RECIPE_FILE).exists() or not (folder / COPYING).is_file():
        return []
    try:
        names = list(json.loads((folder / COPYING).read_text(encoding="utf-8")))
    except (ValueError, TypeError):  # then it is not ours
        return []
    return [path for path in folder.iterdir() if path.name in (*names, COPYING)]


def _remove_beginning(folder: Path | RemotePath) -> None:
    """Removes what a process has left that was killed before it had written the recipe; its list comes last."""
    for path in sorted(_beginning(folder), key=lambda path: path.name == COPYING):
        _remove(path)
    if isinstance(folder, Path):
        remove_unfinished(folder, "*")
    else:
        for path in folder.iterdir():
            if path.match(UNFINISHED):
                path.unlink(missing_ok=True)


def _remove(path: Path | RemotePath) -> None:
    if isinstance(path, RemotePath) and path.is_dir():
        path.rmtree()
    elif isinstance(path, Path) and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
