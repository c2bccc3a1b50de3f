"""Snapshots: a `fit` can be killed at any time and resumed with bitwise identical results."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import keras

from keras_gan_zoo.callbacks.journal import Journal
from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.core.claims import ClaimedError
from keras_gan_zoo.core.remote import RemotePath
from keras_gan_zoo.core.remote_claims import claimed
from keras_gan_zoo.distribution.workers import check_agreement, is_chief, is_multi_worker
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.remote_snapshots import snapshots_in
from keras_gan_zoo.state.snapshot import Snapshot

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Snapshots(keras.callbacks.Callback):
    """Regularly writes the complete state of a run to a folder, and resumes from it when `fit` is called again.

    A snapshot holds both players, their optimizers, averages, batch statistics, loss scales and random states, the
    position in the data, the logs so far and the states of other callbacks of this package. A `fit` with this callback
    finds the newest intact snapshot, checks that the model and the data are the ones that the run began with, and
    continues in the middle of the epoch. On the same machine with the same number of threads, the final weights are
    identical, bit for bit, to those of an uninterrupted run. For arrays and `data.Dataset`s the position is exact. A
    `tf.data.Dataset` is read from its beginning and the batches before the position are skipped; the result is exact
    only if the dataset yields the same order each time. `epochs` counts from the beginning of the run, so calling a
    finished `fit` again does nothing.

    In a job of several workers the chief writes. All workers read, and refuse to start from different snapshots, so
    the folder must be on a shared disk or on remote storage.

    Ctrl-C ends `fit` after the current step, with a snapshot, by a `KeyboardInterrupt`. So do SIGTERM and the SIGHUP of
    a closed terminal, by a `SystemExit` with the exit code that belongs to them. The last two snapshots are kept. A
    file is written under a temporary name, then renamed, so it is always complete. While `fit` runs,
    no other can use the folder.

    If another callback or a metric fails, a snapshot is written before its error ends `fit`. Outputs that a run can do
    without, such as `Log` and `SamplePictures`, only warn.

    Args:
        folder: Folder of the snapshots; it is created if necessary. It may be on remote storage that TensorFlow can
            write to, such as "gs://bucket/snapshots". A snapshot has a marker there when it was written as a whole.
        every_minutes: Time between snapshots.
        every_steps: If given, also the number of steps between snapshots.
        resume: Whether to resume from an existing snapshot. If False, the folder must not contain any.
        take_over: Whether to use the folder although a process on another machine, which has ended, did not release it.

    Raises:
        InputError: By `fit`, if the snapshots are of another model or other data (the differences are listed), if all
            of them are damaged, if there are any although `resume` is False, or if another `fit` uses the folder.
            Nothing is changed then. Also when another process has taken over a folder on remote storage.
        OSError: By `fit`, if the folder cannot be written to. Earlier snapshots are untouched.
        NotFiniteError: By `fit`, if a number is not finite when a snapshot is due, which is then not written.

    Example:
        ```python
        gan = kgz.DCGAN.for_images((28, 28, 1), seed=0)
        gan.compile()
        gan.fit(images, epochs=50, callbacks=[kgz.callbacks.Snapshots("snapshots")])   # run it, kill it, run it again
        ```
    """

    def __init__(
        self,
        folder: str | os.PathLike | RemotePath,
        every_minutes: float = 5,
        every_steps: int | None = None,
        resume: bool = True,
        take_over: bool = False,
    ):
        super().__init__()
        check_number("every_minutes", every_minutes, low=0, above=True)
        if every_steps is not None:
            check_count("every_steps", every_steps)
        self.folder = snapshots_in(folder)
        self.every_minutes, self.every_steps, self.resume = every_minutes, every_steps, resume
        self.take_over = take_over
        self._signal: int | None = None

    def claim(self, strategy) -> AbstractContextManager:
        """Within this context, which encloses the whole `fit`, no other process and no other `fit` uses the folder."""
        return claimed(self.folder.path, take_over=self.take_over) if is_chief(strategy) else nullcontext()

    def begin(self, journal: Journal) -> Snapshot | None:
        """The snapshot to resume from: the newest intact one, checked against model and data; None if there is none.

        Called by `fit`, before anything is changed.
        """
        self._journal, described = journal, journal.run
        snapshot = self.folder.newest()
        if snapshot is not None and not self.resume:
            raise InputError(
                f"Expected a folder without snapshots, because of resume=False. Received: {self.folder.path}. Choose "
                "another folder, or leave resume out."
            )
        if snapshot is not None:
            identity.check_same(snapshot.run, described)
        strategy = journal.model.distribute_strategy
        check_agreement(strategy, "step", -1 if snapshot is None else snapshot.step)
        check_agreement(strategy, "snapshot (its checksum)", 0 if snapshot is None else snapshot.checksum())
        self._writes, self._defers_signals = is_chief(strategy), not is_multi_worker(strategy)
        self._first_step = journal.model.steps_done if snapshot is None else snapshot.step
        if self._writes:
            self.folder.prepare()
        return snapshot

    def keep_from(self, error: Exception, is_whole: bool) -> None:
        """Writes what an error that ends the `fit` would throw away, and notes on the error how to go on.

        Args:
            error: The error.
            is_whole: Whether the last step was finished; otherwise nothing is written.
        """
        step = self._journal.model.steps_done
        if not self._writes or step == self._first_step:
            return
        try:
            if is_whole and step not in self.folder.steps()[:1]:
                self._write(self._journal.interrupted())
        except (OSError, ClaimedError, NotFiniteError) as second:
            error.add_note(f"No snapshot of step {step} could be written: {second}")
        with suppress(OSError):  # of remote storage that does not answer
            for newest in self.folder.steps()[:1]:
                error.add_note(f"The snapshot of step {newest} is in {self.folder.path}. Call the same fit to resume.")

    def steps_to_look(self) -> int | None:
        """Steps until the next snapshot by `every_steps`."""
        return self.every_steps and self.every_steps - (self.model.steps_done - self._step)

    def on_train_begin(self, logs=None):
        self._start_interval()

    def on_train_batch_end(self, batch, logs=None):
        is_late = time.monotonic() - self._time > 60 * self.every_minutes
        if is_late or self._signal or (self.every_steps and self.model.steps_done - self._step >= self.every_steps):
            self.write()
        if self._signal:
            self._raise_interrupt()

    def on_train_end(self, logs=None):
        self.write()
        if self._signal:
            self._raise_interrupt()

    def write(self) -> None:
        """Writes a snapshot now.

        Raises:
            NotFiniteError: If a number in it is not finite; nothing is written then.
            OSError: If it cannot be written; earlier snapshots are untouched.
        """
        if not self._writes:
            self._start_interval()
            return
        self._write(self._journal.snapshot(run=self._journal.run))
        self._start_interval()

    def _write(self, snapshot: Snapshot) -> None:
        broken = snapshot.not_finite()
        if broken:
            raise NotFiniteError(
                f"Step {snapshot.step}: expected finite numbers. Received NaN or infinity in {', '.join(broken)}. No "
                f"snapshot was written over those in {self.folder.path}. Lower the learning rate; callbacks.NaNGuard "
                "finds the step."
            )
        self.folder.write(snapshot)

    @contextmanager
    def defer_signals(self) -> Iterator[None]:
        """Within this context, signals that end a process wait for the end of the step; a second one does not."""
        if not self._defers_signals or threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals, and several workers would not stop at the same step
            return
        self._signal = None
        handled = [number for number in _SIGNALS if not _is_without_terminal(number)]
        before = {number: signal.signal(number, self._handle_signal) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle_signal(self, number, frame):
        if self._signal:
            raise _interrupt(number)
        self._signal = number
        os.write(2, b"\nFinishing the step, then writing a snapshot. Repeat to stop at once.\n")

    def _raise_interrupt(self):
        step = self.model.steps_done
        raise _interrupt(
            self._signal,
            f"Interrupted at step {step}. Its snapshot is in {self.folder.path}. Call the same fit to resume.",
        )

    def _start_interval(self) -> None:
        self._time, self._step = time.monotonic(), self.model.steps_done


def _is_without_terminal(number: int) -> bool:
    """Whether a signal is that of a closed terminal, which `nohup` tells the process to ignore."""
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN


def _interrupt(number: int, message: str = "") -> BaseException:
    """What Python raises for Ctrl-C; for other signals the exit code that shells give to a process they ended."""
    return KeyboardInterrupt(message) if number == signal.SIGINT else SystemExit(128 + number)
