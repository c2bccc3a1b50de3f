"""Progress of a run: a CSV file, and lines or a bar with the time left."""

import csv
import time
from pathlib import Path

import keras

from keras_gan_zoo.callbacks.pace import Pace, time_left
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.core.progress import Bar


class Log(keras.callbacks.CSVLogger):
    """Keras' CSV log, continued after an interruption: rows of epochs that are trained again are replaced.

    Example:
        ```python
        gan.fit(images, epochs=20, callbacks=[kgz.callbacks.Log("log.csv")])
        ```
    """

    def __init__(self, filename, separator=","):
        super().__init__(filename, separator, append=True)

    def on_train_begin(self, logs=None):
        """Does nothing: the file is opened when the number of the first epoch is known."""

    def on_epoch_begin(self, epoch, logs=None):
        if self.csv_file is None:
            names = self._keep_rows_before(epoch)
            self.append_header = True
            super().on_train_begin()
            self.keys = names

    def on_epoch_end(self, epoch, logs=None):
        if self.keys is None:
            self.keys = sorted(logs or {})  # without Keras' empty validation columns
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Closes the file, even if training was interrupted."""
        if self.csv_file is not None:
            super().on_train_end()
            self.csv_file = None

    def _keep_rows_before(self, epoch: int) -> list[str] | None:
        """Rewrites the file without later and incomplete rows; returns the names of its figures, if any row is left."""
        path = Path(self.filename)
        if not path.exists():
            return None
        with path.open(newline="", encoding="utf-8") as file:
            complete = [row for row in csv.DictReader(file, delimiter=self.sep) if None not in row.values()]
        rows = [row for row in complete if int(row["epoch"]) < epoch]
        if not rows:
            path.unlink()
            return None
        with written_beside(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=self.sep)
            writer.writeheader()
            writer.writerows(rows)
        return list(rows[0])[1:]


class Progress(keras.callbacks.Callback):
    """Epoch, losses and time left: a live bar on a terminal, elsewhere about twenty lines and an estimate.

    Use it with `fit(verbose=0)`.
    """

    LINES = 20
    _bar: Bar | None = None

    @property
    def saw_an_epoch(self) -> bool:
        """Whether the last `fit` had an epoch to train."""
        return self._first_epoch is not None

    def steps_to_look(self) -> None:
        """Any step will do: the last one is shown."""

    def on_train_begin(self, logs=None):
        self.stop()
        self._epochs, self._steps = self.params["epochs"], self.params["steps"]
        self._started, self._first_epoch = time.monotonic(), None
        self._pace = Pace(self.model.steps_done)
        self._bar = Bar("epoch", "count", "bar", "{task.fields[figures]}", "elapsed", "left", "time left")
        self._show(0)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if self._first_epoch is None:
            self._first_epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if not self._bar.is_shown:
            self._estimate(batch)
            return  # reading the figures of each batch would only cost time
        self._show(round(self._epoch + (batch + 1) / self._steps, 2) if self._steps else self._epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        if self._bar.is_shown:
            self._show(epoch + 1, logs)
            return
        done, elapsed = epoch + 1, time.monotonic() - self._started
        if done % max(1, self._epochs // self.LINES) == 0 or done in (1, self._epochs):
            left = self._left(done)
            print(f"epoch {done:>4}/{self._epochs}   {_figures(logs)}   {_clock(elapsed)}   left {left}", flush=True)

    def on_train_end(self, logs=None):
        self.stop()

    def stop(self) -> None:
        """Restores the terminal, even if training was interrupted."""
        if self._bar is not None:
            self._bar.stop()

    def _estimate(self, batch: int) -> None:
        """Prints how long the run will take, once, as soon as its first steps tell."""
        if self._pace.is_known:
            return  # reading the number of steps waits for them
        self._pace.look(self.model.steps_done)
        left = (self._epochs - self._epoch) * (self._steps or 0) - (batch + 1)
        if self._pace.is_known and left > 0:
            print(time_left(left, self._pace.steps_per_second), flush=True)

    def _left(self, done: int) -> str:
        """The time that the epochs after the first `done` will take, at the pace so far."""
        if done == self._epochs:
            return _clock(0)
        self._pace.look(self.model.steps_done)
        per_second, steps = self._pace.steps_per_second, self._steps or self.model.steps_in_epoch
        return "-:--" if per_second is None else _clock((self._epochs - done) * steps / per_second)

    def _show(self, done: float, logs: dict | None = None) -> None:
        self._bar.show("", done, self._epochs, figures=_figures(logs))


def _figures(logs: dict | None) -> str:
    return "  ".join(f"{name} {_shown(float(value))}" for name, value in (logs or {}).items())


def _shown(value: float) -> str:
    return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:.4f}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
