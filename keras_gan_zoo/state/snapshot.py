"""Snapshots: the complete state of a run at one moment, and the file that holds it.

A file consists of a line with its format, the SHA-256 of the rest, and the rest: a NumPy archive of every variable and
a header in JSON. A damaged file is refused. Reading a file executes no code from it.
"""

import dataclasses
import hashlib
import io
import json
import os
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.files import remove_unfinished, written_beside
from keras_gan_zoo.core.reading import Kind, check_archive
from keras_gan_zoo.core.remote import RemotePath
from keras_gan_zoo.core.run_files import SNAPSHOT_FILES, SNAPSHOT_SUFFIX, step_in
from keras_gan_zoo.distribution.workers import is_multi_worker
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.environment import environment

KIND = b"keras_gan_zoo snapshot "
FIRST_LINE = KIND + b"1\n"


class DamagedSnapshotError(InputError):
    """A file is not a snapshot, or not a complete one."""


SNAPSHOT = Kind(
    "snapshot",
    "a whole snapshot of this version of keras_gan_zoo",
    "Take an earlier one of the run, or train again.",
    DamagedSnapshotError,
)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The state of a model and of its `fit` at one moment.

    Args:
        arrays: Values of all variables, named by their part (`model`, an optimizer, `metrics`) and a number.
        seed: The model's seed.
        run: The description of the model and its data, see `identity.describe_run`.
        epoch: The epoch, from 0.
        batch: Number of finished steps of that epoch.
        callbacks: The states of callbacks, by the names of their classes.
        history: The logs of the earlier epochs, each with its number as `epoch`.
        is_stopped: Whether a callback ended the training here.
        environment: What it was computed by, see `environment.environment`; empty in files of earlier versions.
    """

    arrays: dict[str, np.ndarray]
    seed: int
    run: dict[str, Any] = dataclasses.field(default_factory=dict)
    epoch: int = 0
    batch: int = 0
    callbacks: dict[str, dict] = dataclasses.field(default_factory=dict)
    history: tuple[dict, ...] = ()
    is_stopped: bool = False
    environment: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def capture(cls, model, **facts) -> "Snapshot":
        """Captures the values of all variables of a compiled model: weights, optimizers, averages, random states."""
        arrays = {name: _value(variable, model) for name, variable in _variables(model).items()}
        return cls(arrays, model.seed, **facts, environment=environment())

    def restore(self, model) -> None:
        """Assigns these values to a model of the same kind."""
        variables = _variables(model)
        fits = variables.keys() == self.arrays.keys() and all(
            variable.shape == self.arrays[name].shape for name, variable in variables.items()
        )
        if not fits:
            raise InputError("Expected a snapshot of this model. Received: one with weights of other shapes.")
        if model.seed != self.seed:
            model.seed = self.seed
            model.retrace()
        for name, variable in variables.items():
            self._assign(name, variable)

    def model(self):
        """Builds a new model of the same kind with these values.

        Raises:
            InputError: If Keras cannot rebuild it, such as for want of the definition of a layer.
        """
        model = identity.rebuilt(self.run.get("model", {}), "the snapshot of a run")
        self.restore(model)
        return model

    def has_weights_of(self, model) -> bool:
        """Whether the weights of a model have these values, bit for bit; optimizers are not compared."""
        values = _in_parts({"model": _weights(model)})
        ours = {name: array for name, array in self.arrays.items() if name.startswith("model/")}
        return values.keys() == ours.keys() and all(
            np.array(variable).tobytes() == ours[name].tobytes() for name, variable in values.items()
        )

    def restore_metrics(self, model) -> None:
        """Restores only the running means of the epoch, which Keras resets at the start of an epoch."""
        for name, variable in _variables(model).items():
            if name.startswith("metrics/"):
                self._assign(name, variable)

    def _assign(self, name: str, variable) -> None:
        array = self.arrays[name]
        variable.assign(array.view(variable.numpy().dtype) if array.dtype.kind == "V" else array)  # bfloat16

    @property
    def step(self) -> int:
        """Number of finished training steps."""
        return int(self.arrays["step"])

    def checksum(self) -> int:
        """A checksum of all values."""
        return zlib.crc32(b"".join(np.ascontiguousarray(array).tobytes() for array in self.arrays.values()))

    def not_finite(self) -> list[str]:
        """Names of the parts that hold a NaN or an infinity."""
        return sorted({name.split("/")[0] for name, array in self.arrays.items() if not _is_finite(array)})

    def write(self, path: str | os.PathLike | RemotePath) -> None:
        """Writes the file under a temporary name, flushes and renames it.

        Raises:
            OSError: If it cannot be written; an earlier file at `path` is untouched.
        """
        if isinstance(path, RemotePath):
            path.write_bytes(b"".join(self.parts()))
            return
        with written_beside(path) as beside, open(beside, "wb") as file:
            file.writelines(self.parts())

    def parts(self) -> tuple:
        """The content of the file: its first line, a digest, and what that is of."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "arrays"}
        header = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        archive = io.BytesIO()
        np.savez(archive, header=header, **self.arrays)
        content = archive.getbuffer()
        return FIRST_LINE, hashlib.sha256(content).digest(), content

    @classmethod
    def read(cls, path: str | os.PathLike | RemotePath) -> "Snapshot":
        """Reads a file that `write` wrote.

        Raises:
            DamagedSnapshotError: If the file is not a snapshot, or any byte of it is missing, added or changed.
            OSError: If the machine, or remote storage, cannot read it: it may be whole.
        """
        return cls.of(SNAPSHOT.content(path), path)

    @classmethod
    def of(cls, file: bytes, path: str | os.PathLike | RemotePath) -> "Snapshot":
        """The snapshot in the content of a file, as `read` reads it; the path is for messages."""
        if not file.startswith(FIRST_LINE):
            raise SNAPSHOT.refusal(path, "one of another version" if file.startswith(KIND) else "which is none")
        digest, content = file[len(FIRST_LINE) :][:32], file[len(FIRST_LINE) + 32 :]
        if hashlib.sha256(content).digest() != digest:
            raise SNAPSHOT.refusal(path, "which is truncated or changed: its checksum is wrong")
        with SNAPSHOT.border(path):
            arrays = _arrays_in(content)
            facts = json.loads(arrays.pop("header").tobytes())
            return cls(arrays, **_checked({**facts, "history": tuple(facts["history"])}, arrays))


SNAPSHOT.reader(Snapshot.read)


class SnapshotFolder:
    """The newest snapshots of a run, in files named by their step.

    Args:
        path: The folder. It is created with the first snapshot.
        keep: Number of snapshots to keep.
    """

    def __init__(self, path: str | os.PathLike, keep: int = 2):
        self.path, self.keep = Path(path), keep

    def files(self) -> list[Path]:
        """The files of the snapshots, newest first: those whose names have a step, as others are not ours to remove."""
        named = [path for path in self._named_like_one() if step_in(path) is not None]
        return sorted(named, key=step_in, reverse=True)

    def steps(self) -> list[int]:
        """The steps of the snapshots, taken from the names of the files; newest first."""
        return [step_in(path) for path in self.files()]

    def _named_like_one(self) -> list[Path]:
        return list(self.path.glob(SNAPSHOT_FILES))

    def prepare(self) -> None:
        """Creates the folder, removes unfinished files of killed processes, and checks that it can be written to.

        Raises:
            OSError: If it cannot be written to.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self.path, SNAPSHOT_SUFFIX)
        with written_beside(self.path / f"probe{SNAPSHOT_SUFFIX}") as beside:
            beside.touch()
        (self.path / f"probe{SNAPSHOT_SUFFIX}").unlink()

    def write(self, snapshot: Snapshot) -> Path:
        """Adds a snapshot, and only then removes all but the last few, and any of later steps.

        Snapshots of later steps are obsolete: their files were damaged, or training went back to an earlier step.

        Raises:
            OSError: If it cannot be written; the earlier ones are untouched.
        """
        path = self.path / f"step_{snapshot.step:010d}{SNAPSHOT_SUFFIX}"
        try:
            self._write(snapshot, path)
        except OSError as error:
            kept = self._kept_in_words()
            raise OSError(
                f"Expected to write a snapshot to {path}. Received: {error.strerror or error}. {kept}. Free some space "
                "or fix the folder's permissions, then resume."
            ) from error
        files = self.files()
        written = files.index(path)
        for other in (*files[:written], *files[written + self.keep :]):
            self._remove(other)
        return path

    def _kept_in_words(self) -> str:
        earlier = next(iter(self.files()), None)
        return "There is no earlier one" if earlier is None else f"The last whole one is {earlier.name}"

    def _write(self, snapshot: Snapshot, path: Path) -> None:
        snapshot.write(path)

    def _read(self, path: Path) -> Snapshot:
        return Snapshot.read(path)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def newest(self) -> Snapshot | None:
        """The newest intact snapshot, with a warning for each newer one that is damaged; None if there are no files.

        Raises:
            DamagedSnapshotError: If there are files, but all of them are damaged.
        """
        for path in self._named_like_one():
            if step_in(path) is None:
                warnings.warn(f"Left out {path}, because its name has no step.", stacklevel=2)
        damaged = []
        for path in self.files():
            try:
                snapshot = self._read(path)
            except DamagedSnapshotError as error:
                damaged.append(error)
                continue
            for error in damaged:
                warnings.warn(f"{error} Continuing from the one before it, {path.name}.", stacklevel=2)
            return snapshot
        if damaged:
            raise DamagedSnapshotError(
                f"{damaged[0]} No other snapshot in {self.path} is intact. Nothing was changed: start a new run in "
                "another folder."
            )
        return None


def _checked(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The header of a snapshot; raises a `TypeError` or a `KeyError` if it is not one."""
    facts = {"environment": {}, **facts}  # which earlier versions did not write
    kinds = {"seed": int, "epoch": int, "batch": int, "is_stopped": bool}
    kinds |= dict.fromkeys(("run", "callbacks", "environment"), dict)
    of_dicts = (*facts["history"], *facts["callbacks"].values())
    if not all(isinstance(facts[name], kind) for name, kind in kinds.items()) or not all(
        isinstance(member, dict) for member in of_dicts
    ):
        raise TypeError("facts of another kind")
    if arrays["step"].shape != () or arrays["step"].dtype.kind not in "iu":
        raise TypeError("no number of steps")
    return facts


def _arrays_in(content: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_archive(archive)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def metrics_of(model) -> dict[str, np.ndarray]:
    """The running means of the epoch, named as in a snapshot."""
    return {name: _value(value, model) for name, value in _variables(model).items() if name.startswith("metrics/")}


def _variables(model) -> dict[str, Any]:
    parts = {
        "model": _weights(model),
        **{f"{name}_optimizer": player.optimizer.variables for name, player in model.players.items()},
        "metrics": [variable for metric in model.metrics for variable in metric.variables],
    }
    return {"step": model.step, **_in_parts(parts)}


def _weights(model) -> list:
    return [variable for variable in model.variables if variable is not model.step]


def _in_parts(parts: dict[str, list]) -> dict[str, Any]:
    return {f"{part}/{i}": variable for part, members in parts.items() for i, variable in enumerate(members)}


def _value(variable, model) -> np.ndarray:
    """The value of a variable. If replicas are summed on reading, as for running means, it is the worker's own sum,
    scaled up to all workers.
    """
    strategy = model.distribute_strategy
    if not (is_multi_worker(strategy) and isinstance(variable.value, tf.distribute.DistributedValues)):
        return np.array(variable)
    local = strategy.experimental_local_results(variable.value)
    if variable.synchronization != "on_read":
        return local[0].numpy()
    return np.sum([part.numpy() for part in local], axis=0) * strategy.num_replicas_in_sync / len(local)


def _is_finite(array: np.ndarray) -> bool:
    array = array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16
    return array.dtype.kind in "biu" or bool(np.isfinite(array).all())
