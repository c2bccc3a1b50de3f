"""One call of `fit`: where it starts, and where it goes on after a failure."""

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

    Args:
        model: The compiled model.
        callbacks: The user's.
        journal: Of this `fit`.
        reads_over: Whether the batches always come from the beginning, so that those of done steps must be skipped.
    """

    def __init__(self, model, callbacks: list[keras.callbacks.Callback], journal: Journal, reads_over: bool):
        self.model, self.journal, self.reads_over = model, journal, reads_over
        self.snapshots, self.guard = _the_only(Snapshots, callbacks), _the_only(NaNGuard, callbacks)
        self.others = [callback for callback in callbacks if callback not in (self.snapshots, self.guard)]
        if self.snapshots:
            for callback in callbacks:
                if isinstance(callback, Stateful):
                    callback.folder = self.snapshots.folder.path

    def run(self, fit: Callable, batches: Callable, arguments: dict) -> keras.callbacks.History:
        """Calls `fit(batches(), ...)` until it comes to its end, or cannot."""
        try:
            with lost_workers_named(self.model.distribute_strategy):
                return self._run(fit, batches, arguments)
        finally:
            for callback in self.others:
                if isinstance(callback, Log):
                    callback.close()

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
        if self.model.is_guarded != bool(self.guard):
            self.model.is_guarded, self.model.train_function = bool(self.guard), None
        return start

    def _fit_from(self, start: Snapshot | None, fit: Callable, batches: Callable, arguments: dict):
        # The journal knows the position before the others take a snapshot; the guard looks before one is written.
        watchers = [*self.others, self.journal, *filter(None, (self.guard, self.snapshots))]
        if start is not None:
            arguments = {**arguments, "initial_epoch": arguments["epochs"] if start.is_stopped else start.epoch}
            # Keras reads on from epoch to epoch where it is told their length, and else begins anew in each.
            before = start.epoch * (arguments.get("steps_per_epoch") or 0) if self.reads_over else None
            self.model.broken_epoch = BrokenEpoch(start, before)
        try:
            history = fit(batches(), callbacks=watchers, shuffle=False, **arguments)
        finally:
            self.model.broken_epoch = None
        if start is not None:
            rows = self.journal.history
            names = dict.fromkeys(name for row in rows for name in row if name != "epoch")
            history.epoch = [row["epoch"] for row in rows]
            history.history = {name: [row[name] for row in rows if name in row] for name in names}
        return history


def _the_only(kind: type, callbacks: list):
    found = [callback for callback in callbacks if isinstance(callback, kind)]
    if len(found) > 1:
        raise InputError(f"Expected at most one {kind.__name__}. Received: {len(found)}. Leave the others out.")
    return found[0] if found else None
