"""The guard against NaN and infinity: found in the step where they arise, and undone."""

import warnings

import keras
import tensorflow as tf

from keras_gan_zoo.callbacks.journal import Journal
from keras_gan_zoo.callbacks.snapshots import Snapshots
from keras_gan_zoo.callbacks.stateful import Stateful
from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.core.keras_internals import learning_rate
from keras_gan_zoo.errors import NotFiniteError
from keras_gan_zoo.state.finiteness import is_finite
from keras_gan_zoo.state.snapshot import Snapshot


class NaNGuard(Stateful):
    """Ends or retries a `fit` in the very step in which a loss or a weight is no longer finite.

    The model goes back to the last good snapshot: that of `Snapshots`, or the beginning of the epoch, whichever is
    later. If a retry is left, training goes on from there, with both learning rates lowered. Otherwise
    `NotFiniteError` is raised, which names the step and what broke first.

    Args:
        retries: How often to go back and try with lower rates, during the whole run.
        factor: What the learning rates, or their schedules, are multiplied by each time.

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
        """Called by `fit` when the model is where it starts."""
        self.set_model(model)
        self._journal, self._snapshots = journal, snapshots
        self._check = tf.function(lambda: is_finite(model), autograph=False)
        self._lower_rates(times_in_variables=self._times)

    def on_train_begin(self, logs=None):
        self._good = self._journal.snapshot()

    def on_train_batch_end(self, batch, logs=None):
        broken = [name for name, fine in self._check().items() if not fine]
        if broken:
            raise NotFiniteError(f"Step {self.model.steps_done}: not finite any more: {', '.join(broken)}.")

    def on_epoch_end(self, epoch, logs=None):
        snapshot = self._journal.snapshot()
        broken = [part for part in snapshot.not_finite() if part != "metrics"]  # which are of the data held out
        if broken:  # such as a second moment, a step before the weights
            raise NotFiniteError(f"Step {snapshot.step}: not finite any more: {', '.join(broken)}.")
        self._good = snapshot

    def recover(self, error: NotFiniteError) -> Snapshot:
        """The last good state, with lower rates, to go on from; or the error again, if no retry is left."""
        start, times = self._last_good(), self._times
        remembered = {**self.state, "times": times + 1}
        start.restore(self.model)
        self._journal.resume_from(start)
        back = f"The model is back at step {start.step}."
        if times == self.retries:
            raise NotFiniteError(
                f"{error} {back} Lower the learning rates, or let callbacks.NaNGuard(retries=3) do it."
            ) from error
        self.state = remembered
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
        """A rate that is a variable came with the snapshot, perhaps lowered; a schedule is that of the model.

        What a schedule is multiplied by is counted from where the run began, so that a model may go on, or begin again.
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
    """A schedule, or a function that gives a rate, times a factor."""

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
