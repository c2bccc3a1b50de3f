"""When to stop: a criterion with patience, and an alarm when the generator collapses."""

import warnings
from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from keras_gan_zoo.callbacks.stateful import Checkpoint, Stateful
from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.distribution.workers import broadcast_from_chief
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.metrics.sources import labels_in_shares


class Stopping(Stateful):
    """Stops when a figure no longer improves, and gives back the model of its best epoch.

    The losses of a two-player game say nothing by themselves: each measures one player against the other. WGAN's
    estimate does, and so do metrics of samples. With `Snapshots` beside it, patience and the best epoch survive a kill.
    Of several workers, the chief's figure decides.

    Args:
        criterion: Name of a logged figure, such as `"wasserstein"` or `"val_wasserstein"`; or a function that takes
            the model and returns a number.
        mode: `"min"` if lower is better, or `"max"`.
        patience: Epochs without an improvement after which training stops; those in which the figure was not measured
            do not count.
        min_delta: What counts as an improvement.
        start_from_epoch: Epochs that do not count: at first a critic is too weak for its estimate to mean anything.

    Raises:
        InputError: If an argument is out of range; by `fit`, if there is no such figure, or it is not a number.

    Example:
        ```python
        stopping = kgz.callbacks.Stopping("wasserstein", patience=10, start_from_epoch=5)
        gan.fit(images, epochs=1000, callbacks=[stopping])
        ```
    """

    def __init__(
        self,
        criterion: str | Callable,
        mode: str = "min",
        patience: int = 10,
        min_delta: float = 0.0,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        if mode not in ("min", "max"):
            raise unknown("mode", mode, ["min", "max"])
        if not isinstance(criterion, str) and not callable(criterion):
            raise InputError(f"Expected the name of a figure, or a function of the model. Received: {criterion!r}.")
        for name, value in (("patience", patience), ("min_delta", min_delta), ("start_from_epoch", start_from_epoch)):
            check_number(name, value, low=0)
        self.criterion, self.mode = criterion, mode
        self.patience, self.min_delta, self.start_from_epoch = patience, min_delta, start_from_epoch
        self._best = Checkpoint(self, "best")

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.start_from_epoch:
            return
        value = self._value(logs or {})
        if value is None:
            return
        best = self.state.get("value")
        gain = None if best is None else (best - value if self.mode == "min" else value - best)
        if gain is None or gain > self.min_delta:
            self.state = {"value": value, "epoch": epoch, "waited": 0}
            self._best.save(self.model, epoch)
            return
        self.state["waited"] += 1
        if self.state["waited"] >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.state:
            self._best.restore(self.model)

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 0, with the best figure so far."""
        return self.state.get("epoch")

    def _value(self, logs: dict) -> float | None:
        """The figure of this epoch; None where a figure that was there before was not measured."""
        if callable(self.criterion):
            value = float(self.criterion(self.model))
        elif self.criterion in logs:
            value = float(logs[self.criterion])
        elif self.state:
            return None
        else:
            raise unknown("figure to stop by", self.criterion, logs)
        value = broadcast_from_chief(
            self.model.distribute_strategy, value
        )  # a worker that stopped alone would leave the others
        if not np.isfinite(value):
            raise InputError(f"Expected a finite criterion. Received: {value} from {self.criterion!r}.")
        return value


class CollapseAlarm(Stateful):
    """Warns when samples fall on few of the real examples: the generator has collapsed to some modes.

    After an epoch, a fixed batch of samples is held against as many real examples: `diversity` is the share of those
    that are nearest (in Euclidean distance) to some sample, relative to the share that other real examples reach. It
    is near 1 for samples like the data, and near 0 for copies of one example; one digit of ten gives 0.13, two of 25
    modes 0.12, half of eight modes 0.67. It is logged; callbacks after this one, such as a log file, see it. A
    generator that has learned little yet scores low as well, so the first steps do not count.

    Args:
        threshold: Diversity below which the alarm is raised.
        patience: Looks in a row below the threshold before it is raised.
        start_from_step: Steps of training before the first look that counts.
        stop: Whether training stops then, and the model of the last look above the threshold is given back.
        every: Epochs from look to look.
        n: Number of samples, and of real examples.
        real: 2 n real examples, needed where `fit` is given neither arrays nor a `data.Dataset`.

    Raises:
        InputError: If an argument is out of range; by `fit`, if there are no real examples.

    Example:
        ```python
        gan.fit(images, epochs=50, callbacks=[kgz.callbacks.CollapseAlarm(stop=True)])
        ```
    """

    def __init__(
        self,
        threshold: float = 0.2,
        patience: int = 2,
        start_from_step: int = 2000,
        stop: bool = False,
        every: int = 1,
        n: int = 256,
        real: np.ndarray | None = None,
    ):
        super().__init__()
        check_number("threshold", threshold, low=0, above=True)
        check_count("patience", patience)
        check_count("start_from_step", start_from_step, low=0)
        check_count("every", every)
        check_count("n", n, low=2)
        self.threshold, self.patience, self.start_from_step = threshold, patience, start_from_step
        self.stop, self.every, self.n, self.real = stop, every, n, real
        self._healthy = Checkpoint(self, "healthy")

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data, if it knows them: half of the real ones say what is reached by chance."""
        if dataset is None and self.real is None:
            raise InputError(
                "Expected arrays or a data.Dataset to compare samples with. Received: another source of batches. Pass "
                f"CollapseAlarm(real=examples) with {2 * self.n} real examples."
            )
        dataset = dataset if self.real is None else Dataset(self.real)
        half = min(self.n, len(dataset) // 2)
        if half < 1 or dataset.example_shape != self.model.example_shape:
            raise InputError(
                f"Expected at least two real examples {self.model.example_shape} to compare samples with. Received: "
                f"{dataset}."
            )
        real, conditions = dataset.some(2 * half, seed=0, with_conditions=self.model.conditional)
        self._real = real[:half]
        self._conditions = None if conditions is None else conditions[:half]
        if self.model.has_classes:  # in equal shares, they would reach few examples of a class that has many
            known = conditions if dataset.labels is None else dataset.labels
            self._conditions, _ = labels_in_shares(self.model.condition, half, known)
        self._reached_by_real = _count_reached(real[half:], self._real)
        self.model.condition_of(half, conditions=self._conditions)  # says early what is missing

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or "diversity" not in self.state:
            self._measure_diversity(epoch)
        if logs is not None:
            logs["diversity"] = self.state["diversity"]

    def _measure_diversity(self, epoch: int) -> None:
        reached = _count_reached(self.model.sample(len(self._real), seed=0, conditions=self._conditions), self._real)
        reached = round(broadcast_from_chief(self.model.distribute_strategy, reached))
        self.state["diversity"] = reached / self._reached_by_real
        if self.model.steps_done < self.start_from_step:
            return
        if self.state["diversity"] >= self.threshold:
            self.state["below"] = 0
            if self.stop:
                self._healthy.save(self.model, epoch)
            return
        self.state["below"] = self.state.get("below", 0) + 1
        if self.state["below"] == self.patience:
            self._raise_alarm(epoch, reached)

    def _raise_alarm(self, epoch: int, reached: int) -> None:
        warnings.warn(
            f"Epoch {epoch + 1}: samples are alike. Of {len(self._real)} real examples, as many samples are nearest to "
            f"{reached}; other real ones to {self._reached_by_real}. The generator has collapsed, or learned little "
            "yet: look at the samples. packing=2, r1=1 with loss='relativistic', or wgan_gp keep more modes.",
            stacklevel=2,
        )
        if self.stop:
            self.state["stopped"] = True
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.state.get("stopped") and self._healthy.exists:
            self._healthy.restore(self.model)


def _count_reached(samples: np.ndarray, real: np.ndarray) -> int:
    """How many of the real examples are the nearest one of some sample."""
    distances = cdist(samples.reshape(len(samples), -1), real.reshape(len(real), -1))
    return len(np.unique(distances.argmin(axis=1)))
