"""One call of `fit`: where it starts, where it is, and where it resumes after a failure."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import keras

from keras_gan_zoo.callbacks import Journal, NaNGuard, Snapshots, Stateful
from keras_gan_zoo.callbacks.side_outputs import original, tolerated
from keras_gan_zoo.distribution.workers import name_lost_workers
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.game.execution import Executions, InterruptedEpoch, counted_singly, reads_to_the_end
from keras_gan_zoo.state.environment import warn_of_other_rounding
from keras_gan_zoo.state.snapshot import Snapshot


class Session:
    """Runs Keras' `fit` from the snapshot that `Snapshots` found, and again from `NaNGuard`'s after each failure.

    While it runs, it is available as `model.session` and holds everything that the model must know about its `fit`.

    Args:
        model: The compiled model.
        callbacks: The user's callbacks.
        journal: The journal of this `fit`.
        batches_before: If the source of batches starts from its beginning, so that the batches of finished steps must
            be skipped: a function from an epoch to their number before it. None if it starts where the run is resumed.

    Attributes:
        is_guarded: Whether an execution ends with the first step that produces NaN or infinity.
        executions: What Keras' `fit` is running.
    """

    executions: Executions

    def __init__(
        self,
        model,
        callbacks: list[keras.callbacks.Callback],
        journal: Journal,
        batches_before: Callable[[int], int] | None,
    ):
        self.model, self.journal, self.batches_before = model, journal, batches_before
        self.snapshots, self.guard = _at_most_one(Snapshots, callbacks), _at_most_one(NaNGuard, callbacks)
        self.others = [tolerated(callback) for callback in callbacks if callback not in (self.snapshots, self.guard)]
        self.is_guarded = self.guard is not None
        if self.snapshots:
            for callback in callbacks:
                if isinstance(callback, Stateful):
                    callback.folder = self.snapshots.folder.path

    def run(self, fit: Callable, batches: Callable, arguments: dict) -> keras.callbacks.History:
        """Calls `fit(batches(), ...)` until it finishes or can no longer recover."""
        self.model.session = self
        try:
            with name_lost_workers(self.model.distribute_strategy):
                return self._run(fit, batches, arguments)
        finally:
            self.model.session = None

    def _run(self, fit: Callable, batches: Callable, arguments: dict) -> keras.callbacks.History:
        with ExitStack() as stack:
            if self.snapshots:
                stack.enter_context(self.snapshots.claim(self.model.distribute_strategy))
            start = self._begin()
            if self.snapshots:
                stack.enter_context(self.snapshots.defer_signals())
            while True:
                try:
                    return self._fit_from(start, fit, batches, arguments)
                except NotFiniteError as error:
                    for callback in self.others:
                        callback.on_train_end()  # closes their files
                        if isinstance(logger := original(callback), keras.callbacks.CSVLogger):
                            logger.append = True
                    if self.guard is None:
                        raise
                    start = self.guard.recover(error)

    def _begin(self) -> Snapshot | None:
        start = self.snapshots.begin(self.journal) if self.snapshots else None
        if start is not None:
            warn_of_other_rounding(start.environment)
            start.restore(self.model)
            self.journal.resume_from(start)
        if self.guard:
            self.guard.begin(self.model, self.journal, self.snapshots)
        return start

    def _fit_from(self, start: Snapshot | None, fit: Callable, batches: Callable, arguments: dict):
        # The journal comes before the callbacks that take snapshots; the guard checks before one is written.
        first, *last = self.journal.at_last_step, self.journal, *filter(None, (self.guard, self.snapshots))
        watchers = [first, *self.others, *last]
        interrupted = None
        if start is not None:
            arguments = {**arguments, "initial_epoch": arguments["epochs"] if start.is_stopped else start.epoch}
            before = None if self.batches_before is None else self.batches_before(start.epoch)
            interrupted = InterruptedEpoch(start, before)
        steps, is_given = self.model.steps_per_execution, self.model.steps_are_given
        self.executions = Executions(watchers, arguments["verbose"], steps, is_given, interrupted)
        with self._kept(), counted_singly(self.model), reads_to_the_end(arguments.get("steps_per_epoch")):
            history = fit(batches(), callbacks=[self.executions], shuffle=False, **{**arguments, "verbose": 0})
        if start is not None:
            rows = self.journal.history
            names = dict.fromkeys(name for row in rows for name in row if name != "epoch")
            history.epoch = [row["epoch"] for row in rows]
            history.history = {name: [row[name] for row in rows if name in row] for name in names}
        return history

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Within this context, an error ends the `fit` only after a snapshot; one of NaN has its own way back."""
        try:
            yield
        except NotFiniteError:
            raise
        except Exception as error:
            if self.snapshots:
                self.snapshots.keep_from(error, self.executions.is_whole)
            raise


def _at_most_one(kind: type, callbacks: list):
    of_kind = [callback for callback in callbacks if isinstance(callback, kind)]
    if len(of_kind) > 1:
        raise InputError(f"Expected at most one {kind.__name__}. Received: {len(of_kind)}. Leave the others out.")
    return of_kind[0] if of_kind else None
