"""Progress of a run: a CSV file, and lines or a bar with the time left."""

import csv
import os
import time
from itertools import count
from pathlib import Path

import keras

from keras_gan_zoo.callbacks.pace import Pace, time_left
from keras_gan_zoo.core.files import check_place, written_beside
from keras_gan_zoo.core.log_files import NOT_LOGGED, rows_in
from keras_gan_zoo.core.progress import Bar
from keras_gan_zoo.core.user_line import warn


class Log(keras.callbacks.Callback):
    """A CSV file with a row per epoch, continued after an interruption: rows of epochs that are trained again go.

    With `Snapshots` beside it, rows that the file has lost are restored. A file that cannot be read is kept under
    another name. Where the file cannot be written, a warning says so, and training goes on.

    Args:
        filename: The file.
        separator: What separates the values of a row.

    Example:
        ```python
        gan.fit(images, epochs=20, callbacks=[kgz.callbacks.Log("log.csv")])
        ```
    """

    def __init__(self, filename: str | os.PathLike, separator: str = ","):
        super().__init__()
        self.filename, self.separator = Path(filename), separator
        self._names: list[str] = []  # of the figures; empty before the first row
        self._is_ready = False  # whether the file holds the rows of the earlier epochs, and nothing else

    @property
    def side_output(self) -> str:
        """Without the file, a `fit` goes on."""
        return str(self.filename)

    def on_train_begin(self, logs=None):
        self._is_ready = False

    def on_epoch_begin(self, epoch, logs=None):
        if not self._is_ready:
            self._keep_rows_before(epoch)
            self._is_ready = True

    def on_epoch_end(self, epoch, logs=None):
        self.on_epoch_begin(epoch)
        self._is_ready = False  # if a full disk ends the file within this row, the next epoch mends it
        row = _row(epoch, logs or {})
        if self._names:
            with self.filename.open("a", newline="", encoding="utf-8") as file:
                self._writer(file).writerow(row)
        else:
            self._write([row])
        self._is_ready = True

    def _keep_rows_before(self, epoch: int) -> None:
        """Rewrites the file without later and incomplete rows, and with those of the run's history that it lacks."""
        check_place(self.filename)
        session = getattr(self.model, "session", None)
        history = [] if session is None else session.journal.history
        rows = {row["epoch"]: _row(row["epoch"], row) for row in history}
        try:
            rows |= self._read()
        except (ValueError, csv.Error) as error:
            self._put_aside(error)
        rows = [rows[number] for number in sorted(rows) if number < epoch]
        self._names = []
        if rows:
            self._write(rows)
        else:
            self.filename.unlink(missing_ok=True)

    def _read(self) -> dict[int, dict]:
        """The complete rows by their epochs."""
        if not self.filename.exists():
            return {}
        with self.filename.open(newline="", encoding="utf-8") as file:
            return rows_in(file, self.separator)

    def _put_aside(self, error: Exception) -> None:
        names = (self.filename.with_stem(f"{self.filename.stem}.damaged{number or ''}") for number in count())
        aside = next(path for path in names if not path.exists())
        os.replace(self.filename, aside)
        warn(f"{self.filename} is damaged ({error}). It is now {aside.name}; rows that are known are written anew.")

    def _write(self, rows: list[dict]) -> None:
        """Writes a new file; the names of its figures are those of its first row."""
        self._names = list(rows[0])[1:]
        with written_beside(self.filename) as beside, beside.open("w", newline="", encoding="utf-8") as file:
            writer = self._writer(file)
            writer.writeheader()
            writer.writerows(rows)

    def _writer(self, file) -> csv.DictWriter:
        names = ["epoch", *self._names]
        return csv.DictWriter(file, names, restval=NOT_LOGGED, extrasaction="ignore", delimiter=self.separator)


def _row(epoch: int, figures: dict) -> dict:
    return {"epoch": epoch, **{name: float(figures[name]) for name in sorted(figures) if name != "epoch"}}


class Progress(keras.callbacks.Callback):
    """Epoch, losses and time left: a live bar on a terminal, elsewhere about twenty lines and an estimate.

    Use it with `fit(verbose=0)`.
    """

    side_output = "its progress"
    LINES = 20
    _bar: Bar | None = None
    _first_epoch: int | None = None

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
        self._steps_in_epoch = batch + 1
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
        per_second, steps = self._pace.steps_per_second, self._steps or self._steps_in_epoch
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
