"""How fast a run trains, and how long it will still take."""

import time

import keras


class Pace:
    """Steps per second of a run that goes on. Its first execution does not count: there the graph is built.

    Args:
        steps_done: The model's `steps_done` when the run begins.
    """

    STEPS, SECONDS = 20, 5.0  # of which either suffices for an estimate

    def __init__(self, steps_done: int):
        self._begin, self._first = steps_done, None
        self._steps, self._seconds = 0, 0.0

    def look(self, steps_done: int) -> None:
        """Takes the time, after an execution. Steps that a resumed run skips do not count."""
        now = time.monotonic()
        if self._first is not None:
            self._steps, self._seconds = steps_done - self._first[0], now - self._first[1]
        elif steps_done > self._begin:
            self._first = steps_done, now

    @property
    def is_known(self) -> bool:
        """Whether enough was seen for an estimate."""
        return self._steps > 0 and (self._steps >= self.STEPS or self._seconds >= self.SECONDS)

    @property
    def steps_per_second(self) -> float | None:
        """None before a second execution."""
        return self._steps / max(self._seconds, 1e-9) if self._steps > 0 else None


class TimeLeft(keras.callbacks.Callback):
    """Prints once, at the end of an epoch and from the first steps on, how long the run will still take.

    Keras' own bar shows the time that is left in an epoch.

    Example:
        ```python
        gan.fit(images, epochs=50, callbacks=[kgz.callbacks.TimeLeft()])
        ```
    """

    side_output = "the time left"

    def steps_to_look(self) -> None:
        """Any step will do: the pace is that of executions."""

    def on_train_begin(self, logs=None):
        self._pace, self._is_said = Pace(self.model.steps_done), False

    def on_train_batch_end(self, batch, logs=None):
        if not self._pace.is_known:  # reading the number of steps waits for them
            self._pace.look(self.model.steps_done)

    def on_epoch_begin(self, epoch, logs=None):
        left = (self.params["epochs"] - epoch) * (self.params["steps"] or 0)
        if self._pace.is_known and not self._is_said and left:
            self._pace.look(self.model.steps_done)
            print(time_left(left, self._pace.steps_per_second), flush=True)
            self._is_said = True


def time_left(steps: int, steps_per_second: float, left: str = " left") -> str:
    """The line for a number of steps that are left, or with left="" for a run that has not begun.

    Example:
        >>> time_left(4500, 31.4)
        'time      about 2 min left for 4,500 steps (31 steps/s)'
    """
    pace = f"{float(f'{steps_per_second:.2g}'):,g}"
    return f"{'time':<9} about {_duration(steps / steps_per_second)}{left} for {steps:,} steps ({pace} steps/s)"


def _duration(seconds: float) -> str:
    """Two units at most, without a precision that an estimate does not have.

    Example:
        >>> [_duration(seconds) for seconds in (0.2, 50, 130, 5400, 40_000, 400_000)]
        ['1 s', '50 s', '2 min', '1.5 h', '11 h', '4.6 days']
    """
    for size, unit, digits in ((86400, "days", ".2g"), (3600, "h", ".2g"), (60, "min", ".0f")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:{digits}} {unit}"
    return f"{max(1, round(seconds))} s"
