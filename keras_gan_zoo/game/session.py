"""One call of `fit`: where it starts, where it is, and where it goes on after a failure."""

from collections.abc import Callable
from contextlib import nullcontext

import keras

from keras_gan_zoo.callbacks import Journal, Log, NaNGuard, Snapshots, Stateful
from keras_gan_zoo.distribution.workers import lost_workers_named
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.game.execution import BrokenEpoch
from keras_gan_zoo.state.snapshot import Snapshot


class Session:
    """Keras' `fit`, from where `Snapshots` says, and once more from where `NaNGuard` says after each failure.

    While it runs it is `model.session`, and holds all that the model must know of its `fit`.

    Args:
        model: The compiled model.
        callbacks: The user's.
        journal: Of this `fit`.
        epoch_length: Steps of an epoch; None where the data say when it ends.
        reads_anew: Whether the batches always come from the beginning, so that those of done steps must be skipped.

    Attributes:
        is_guarded: Whether an execution ends with the first step that leaves the finite numbers.
        broken_epoch: The epoch that this run is resumed in, until its done steps are skipped; else None.
    """

    def __init__(
        self,
        model,
        callbacks: list[keras.callbacks.Callback],
        journal: Journal,
        epoch_length: int | None,
        reads_anew: bool,
    ):
        self.model, self.journal, self.epoch_length, self.reads_anew = model, journal, epoch_length, reads_anew
        self.snapshots, self.guard = _the_only(Snapshots, callbacks), _the_only(NaNGuard, callbacks)
        self.others = [callback for callback in callbacks if callback not in (self.snapshots, self.guard)]
        self.is_guarded = self.guard is not None
        self.broken_epoch: BrokenEpoch | None = None
        if self.snapshots:
            for callback in callbacks:
                if isinstance(callback, Stateful):
                    callback.folder = self.snapshots.folder.path

    def run(self, fit: Callable, batches: Callable, arguments: dict) -> keras.callbacks.History:
        """Calls `fit(batches(), ...)` until it comes to its end, or cannot."""
        self.model.session = self
        try:
            with lost_workers_named(self.model.distribute_strategy):
                return self._run(fit, batches, arguments)
        finally:
            self.model.session = None
            for callback in self.others:
                if isinstance(callback, Log):
                    callback.close()

    def steps_of_next_execution(self, done: int) -> int:
        """How many steps an execution runs after so many steps of the epoch: no more than the epoch has left."""
        steps = self.model.steps_per_execution - done % self.model.steps_per_execution
        return steps if self.epoch_length is None else min(steps, self.epoch_length - done)

    def _run(self, fit: Callable, batches: Callable, arguments: dict) -> keras.callbacks.History:
        start = self._begin()
        with self.snapshots.signals_noted() if self.snapshots else nullcontext():
            while True:
                try:
                    return self._fit_from(start, fit, batches, arguments)
                except NotFiniteError as error:
                    for callback in self.others:
                        callback.on_train_end()  # closes their files
                        if isinstance(callback, keras.callbacks.CSVLogger):
                            callback.append = True
                    if self.guard is None:
                        raise
                    start = self.guard.recover(error)

    def _begin(self) -> Snapshot | None:
        start = self.snapshots.begin(self.journal) if self.snapshots else None
        if start is not None:
            start.put_back(self.model)
            self.journal.go_on_from(start)
        if self.guard:
            self.guard.begin(self.model, self.journal, self.snapshots)
        return start

    def _fit_from(self, start: Snapshot | None, fit: Callable, batches: Callable, arguments: dict):
        # The journal knows the position before the others take a snapshot; the guard looks before one is written.
        watchers = [*self.others, self.journal, *filter(None, (self.guard, self.snapshots))]
        if start is not None:
            arguments = {**arguments, "initial_epoch": arguments["epochs"] if start.is_stopped else start.epoch}
            # Keras reads on from epoch to epoch where it is told their length, and else begins anew in each.
            before = start.epoch * (arguments.get("steps_per_epoch") or 0) if self.reads_anew else None
            self.broken_epoch = BrokenEpoch(start, before)
        try:
            history = fit(batches(), callbacks=watchers, shuffle=False, **arguments)
        finally:
            self.broken_epoch = None
        if start is not None:
            rows = self.journal.history
            names = dict.fromkeys(name for row in rows for name in row if name != "epoch")
            history.epoch = [row["epoch"] for row in rows]
            history.history = {name: [row[name] for row in rows if name in row] for name in names}
        return history


def _the_only(kind: type, callbacks: list):
    of_kind = [callback for callback in callbacks if isinstance(callback, kind)]
    if len(of_kind) > 1:
        raise InputError(f"Expected at most one {kind.__name__}. Received: {len(of_kind)}. Leave the others out.")
    return of_kind[0] if of_kind else None
