"""The position of a `fit` and its logs: the part of a snapshot besides the values of the model's variables."""

from dataclasses import replace
from functools import cached_property

import keras

from keras_gan_zoo.callbacks.stateful import Stateful
from keras_gan_zoo.state import identity
from keras_gan_zoo.state.snapshot import Snapshot, metrics_of


class Journal(keras.callbacks.Callback):
    """Records the position and the logs of a `fit`, which adds this callback automatically.

    Args:
        model: The compiled model.
        data: A description of the data and their batches, in plain values.
        callbacks: The other callbacks of this `fit`, some of which are `Stateful`.
    """

    def __init__(self, model, data: dict, callbacks: list[keras.callbacks.Callback]):
        super().__init__()
        self.set_model(model)
        self._data = data
        self._stateful = _by_name(callbacks)
        self.at_last_step = _AtLastStep(self)
        self.resume_from(None)

    @cached_property
    def run(self) -> dict:
        """The description of this run, which only snapshots need: others may have networks without one."""
        return identity.describe_run(self.model, self._data)

    def resume_from(self, start: Snapshot | None) -> None:
        """Restores the position, the logs and the callbacks' states from a snapshot; None resets them."""
        self.epoch, self.batch = (0, 0) if start is None else (start.epoch, start.batch)
        self._steps_before: int | None = None  # an epoch that has begun
        self.at_last_step.forget()
        self.history = [] if start is None else list(start.history)
        self.is_stopped = start is not None and start.is_stopped
        for name, callback in self._stateful.items():
            callback.state = {} if start is None else dict(start.callbacks.get(name, {}))

    def snapshot(self, **described) -> Snapshot:
        """Captures the complete state of the run at this moment; to be written, it also needs the description `run`."""
        return Snapshot.capture(
            self.model,
            **described,
            epoch=self.epoch,
            batch=self.batch,
            history=tuple(self.history),
            **self.states(),
        )

    def interrupted(self) -> Snapshot:
        """Captures the state of the run after its last step, whatever has been called for it or for its epoch since."""
        if self._steps_before is not None:
            self.batch = self.model.steps_done - self._steps_before
        return self.at_last_step.of(self.snapshot(run=self.run))

    def states(self) -> dict:
        """What callbacks change at the end of an epoch."""
        return {
            "callbacks": {name: dict(callback.state) for name, callback in self._stateful.items()},
            "is_stopped": self.is_stopped or self.model.stop_training,
        }

    def steps_to_look(self) -> None:
        """Any step will do: the position is read when it is needed."""

    def on_epoch_begin(self, epoch, logs=None):
        broken = self.model.session.executions.interrupted
        self._steps_before = self.model.steps_done - (broken.start.batch if broken else 0)
        self.epoch, self.batch = epoch, 0
        self.at_last_step.forget()

    def on_train_batch_end(self, batch, logs=None):
        self.batch = self.model.steps_done - self._steps_before

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: float(value) for name, value in (logs or {}).items()}
        self.history.append({"epoch": epoch, **figures})
        self.epoch, self.batch = epoch + 1, 0
        self._steps_before = None
        self.at_last_step.forget()


class _AtLastStep(keras.callbacks.Callback):
    """The first callback of a `fit`: keeps what validation and other callbacks change after the last step of an epoch.

    An epoch that was interrupted there ends once more when the run is resumed.
    """

    def __init__(self, journal: Journal):
        super().__init__()
        self._journal = journal
        self.forget()

    def forget(self) -> None:
        self._states, self._metrics = None, {}

    def of(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot with what was kept."""
        arrays = {**snapshot.arrays, **self._metrics}
        return replace(snapshot, arrays=arrays, **(self._states or {}))

    def on_test_begin(self, logs=None):
        self._keep()

    def on_epoch_end(self, epoch, logs=None):
        self._keep()

    def _keep(self) -> None:
        if self._states is None:
            self._states, self._metrics = self._journal.states(), metrics_of(self.model)


def _by_name(callbacks) -> dict[str, Stateful]:
    named: dict[str, Stateful] = {}
    for callback in callbacks:
        if isinstance(callback, Stateful):
            name = type(callback).__name__
            namesakes = sum(other.startswith(name) for other in named)
            callback.suffix = f"_{namesakes + 1}" if namesakes else ""
            named[name + callback.suffix] = callback
    return named
