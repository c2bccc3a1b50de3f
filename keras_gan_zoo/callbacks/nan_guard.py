"""A guard against NaN and infinity, which finds the step where they arise and restores the model."""

import warnings

import keras
import tensorflow as tf

from keras_gan_zoo.callbacks.journal import Journal
from keras_gan_zoo.callbacks.snapshots import Snapshots
from keras_gan_zoo.callbacks.stateful import Stateful
from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.core.keras_internals import learning_rate
from keras_gan_zoo.core.tracing import counted_alone
from keras_gan_zoo.errors import NotFiniteError
from keras_gan_zoo.state.finiteness import is_finite
from keras_gan_zoo.state.snapshot import Snapshot


class NaNGuard(Stateful):
    """Stops or retries a `fit` in the very step in which a loss or a weight is no longer finite.

    The model returns to its last good state: the last one that `Snapshots` wrote, or the beginning of the epoch,
    whichever is later. If a retry is left, training continues from there, with both learning rates lowered. Otherwise
    a `NotFiniteError` is raised, which names the step and what failed first.

    Args:
        retries: Number of retries with lower learning rates, during the whole run.
        factor: Factor by which the learning rates, or their schedules, are multiplied in each retry.

    Raises:
        NotFiniteError: By `fit`, when no retry is left. The model is back in its last good state.

    Example:
        ```python
        gan.fit(images, epochs=50, callbacks=[kgz.callbacks.NaNGuard(retries=3)])
        ```
    """

    def __init__(self, retries: int = 0, factor: float = 0.5):
        super().__init__()
        check_count("retries", retries, low=0)
        check_number("factor", factor, low=0, above=True)
        self.retries, self.factor = retries, factor

    def begin(self, model, journal: Journal, snapshots: Snapshots | None) -> None:
        """Called by `fit` when the model is in its initial state."""
        self.set_model(model)
        self._journal, self._snapshots = journal, snapshots
        self._check = tf.function(counted_alone(lambda: is_finite(model)), autograph=False)
        self._lower_rates(times_in_variables=self._times)

    def steps_to_look(self) -> None:
        """Any step will do: an execution ends by itself with the first step that is not finite."""

    def on_train_begin(self, logs=None):
        self._good = self._journal.snapshot()

    def on_train_batch_end(self, batch, logs=None):
        broken = [name for name, fine in self._check().items() if not fine]
        if broken:
            raise NotFiniteError(f"Step {self.model.steps_done}: not finite any more: {', '.join(broken)}.")

    def on_epoch_end(self, epoch, logs=None):
        snapshot = self._journal.snapshot()
        broken = [
            part for part in snapshot.not_finite() if part != "metrics"
        ]  # they include those of the held-out data
        if broken:  # such as an optimizer's second moment, one step before the weights
            raise NotFiniteError(f"Step {snapshot.step}: not finite any more: {', '.join(broken)}.")
        self._good = snapshot

    def recover(self, error: NotFiniteError) -> Snapshot:
        """Restores the last good state, with lower rates; raises the error again if no retry is left."""
        start, times = self._last_good(), self._times
        state = {**self.state, "times": times + 1}
        start.restore(self.model)
        self._journal.resume_from(start)
        back = f"The model is back at step {start.step}."
        if times == self.retries:
            raise NotFiniteError(
                f"{error} {back} Lower the learning rates, or let callbacks.NaNGuard(retries=3) do it."
            ) from error
        self.state = state
        self._lower_rates(times_in_variables=start.callbacks.get(type(self).__name__, {}).get("times", 0))
        warnings.warn(f"{error} {back} Trying again with learning rates times {self.factor}.", stacklevel=2)
        return start

    @property
    def _times(self) -> int:
        return self.state.get("times", 0)

    def _last_good(self) -> Snapshot:
        written = self._snapshots.folder.newest() if self._snapshots else None
        return max([self._good, *([written] if written else [])], key=lambda snapshot: snapshot.step)

    def _lower_rates(self, times_in_variables: int) -> None:
        """Lowers the learning rates to their values after the retries so far.

        A rate that is a variable was restored with the snapshot, in which `times_in_variables` retries had lowered it.
        A schedule is not part of a snapshot: its factor is computed from the factor at the beginning of the run, so it
        is correct for a resumed run and for a new one.
        """
        began = self.state.setdefault("began", [_factor(optimizer) for optimizer in self._optimizers()])
        for optimizer, before in zip(self._optimizers(), began, strict=True):
            rate, factor = learning_rate(optimizer), before * self.factor**self._times
            if isinstance(rate, keras.Variable):
                optimizer.learning_rate = float(rate.numpy()) * self.factor ** (self._times - times_in_variables)
            elif factor != _factor(optimizer):
                optimizer.learning_rate = Lowered(rate.schedule if isinstance(rate, Lowered) else rate, factor)
                self.model.retrace()

    def _optimizers(self) -> list[keras.optimizers.Optimizer]:
        optimizers = [player.optimizer for player in self.model.players.values()]
        return [getattr(optimizer, "inner_optimizer", optimizer) for optimizer in optimizers]


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Lowered(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate schedule, or a function that returns a rate, multiplied by a factor."""

    def __init__(self, schedule, factor: float):
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        is_schedule = isinstance(self.schedule, keras.optimizers.schedules.LearningRateSchedule)
        return self.factor * (self.schedule(step) if is_schedule else self.schedule())

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])


def _factor(optimizer: keras.optimizers.Optimizer) -> float:
    rate = learning_rate(optimizer)
    return rate.factor if isinstance(rate, Lowered) else 1.0
