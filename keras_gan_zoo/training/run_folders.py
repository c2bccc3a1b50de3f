"""The folders of runs: new ones, and copies, of which nothing is taken for a run until it is one."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

import tensorflow as tf

from keras_gan_zoo.core import claims
from keras_gan_zoo.core.claims import LOCK_FILE, ClaimedError
from keras_gan_zoo.core.files import remove_unfinished, written_beside
from keras_gan_zoo.core.remote import UNFINISHED, RemotePath, place
from keras_gan_zoo.core.remote_claims import CLAIM_FILE, check_unclaimed, claimed
from keras_gan_zoo.core.remote_copies import MARKED, write_whole
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.distribution.workers import is_chief, is_multi_worker
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.training.recipe import Recipe

COPYING = ".copying.json"  # in a folder that a run is being copied to: the names of what belongs to the copy
NOT_COPIED = (LOCK_FILE, CLAIM_FILE, RECIPE_FILE, COPYING, f"{UNFINISHED}*")


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


def copy_run(run: Path, folder: Path | RemotePath) -> None:
    """Copies a local run, without its recipe.

    Until there is one, a file names what was copied, should the process be killed. Nothing else is in the folder, so
    that the next one can remove it.
    """
    if isinstance(folder, RemotePath):
        _upload(run, folder)
        return
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    names = {path.name for path in run.iterdir()}
    with written_beside(folder / COPYING) as beside:
        beside.write_text(json.dumps(sorted(names - ignored(str(run), list(names)))), encoding="utf-8")
    shutil.copytree(run, folder, ignore=ignored, dirs_exist_ok=True)


def _upload(run: Path, folder: RemotePath) -> None:
    """Copies a run to remote storage, as `copy_run` does; what needs a marker gets one."""
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
