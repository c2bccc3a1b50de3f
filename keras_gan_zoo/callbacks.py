"""Keras callbacks for watching a GAN train."""

import os
import time
from pathlib import Path

import keras
import numpy as np

from keras_gan_zoo import pictures


class SamplePictures(keras.callbacks.Callback):
    """Writes a picture of samples after each epoch, always from the same noise, and their history as a GIF at the end.

    Images make a grid `epoch_0001.png`, with a column per class where the model is conditional; points of the plane a
    scatter plot over real ones.

    Args:
        directory: Folder of the pictures, made if missing.
        n: Number of samples; by default 64 images, rounded up to full rows of classes, or 2,500 points.
        seed: Of the noise.
        real: Real points (m, 2) to plot beneath generated ones.
        every: Epochs from picture to picture.

    Example:
        ```python
        gan.fit(images, epochs=20, callbacks=[kgz.callbacks.SamplePictures("samples")])
        ```
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        n: int | None = None,
        seed: int = 0,
        real: np.ndarray | None = None,
        every: int = 1,
    ):
        super().__init__()
        self.directory, self.n, self.seed, self.real, self.every = Path(directory), n, seed, real, every

    def on_train_begin(self, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.paths = []

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            self.paths.append(self.directory / f"epoch_{epoch + 1:04d}.png")
            pictures.save(pictures.draw_samples(self.model, self.n, self.seed, self.real), self.paths[-1])

    def on_train_end(self, logs=None):
        if self.paths:
            pictures.save_history(self.paths, self.directory / "history.gif")


class Log(keras.callbacks.CSVLogger):
    """Keras' CSV log of the figures there are, without its empty validation columns for the others."""

    def on_epoch_end(self, epoch, logs=None):
        if self.keys is None:
            self.keys = sorted(logs or {})
        super().on_epoch_end(epoch, logs)


class Progress(keras.callbacks.Callback):
    """Epoch, losses and time left: a live bar on a terminal, about twenty lines elsewhere.

    Pass `verbose=0` to `fit` beside it.
    """

    LINES = 20

    def on_train_begin(self, logs=None):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._epochs, self._steps = self.params["epochs"], self.params["steps"]
        self._console, self._started = Console(), time.monotonic()
        self._first_epoch = None
        self._bar = None
        if self._console.is_terminal:
            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[figures]}"))
            self._bar = Bar(
                *columns, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=self._console
            )
            self._task = self._bar.add_task("", total=self._epochs, figures="")
            self._bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if self._first_epoch is None:
            self._first_epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._bar is not None:
            done = self._epoch + min((batch + 1) / self._steps, 1) if self._steps else self._epoch
            self._bar.update(self._task, completed=round(done, 2), figures=_figures(logs))

    def on_epoch_end(self, epoch, logs=None):
        if self._bar is not None:
            self._bar.update(self._task, completed=epoch + 1, figures=_figures(logs))
            return
        done, elapsed = epoch + 1, time.monotonic() - self._started
        if done % max(1, self._epochs // self.LINES) == 0 or done in (1, self._epochs):
            left = elapsed / (done - self._first_epoch) * (self._epochs - done)
            print(
                f"epoch {done:>4}/{self._epochs}   {_figures(logs)}   {_clock(elapsed)}   left {_clock(left)}",
                flush=True,
            )

    def on_train_end(self, logs=None):
        self.stop()

    def stop(self) -> None:
        """Leaves the terminal in order, also when training was interrupted."""
        if getattr(self, "_bar", None) is not None:
            self._bar.stop()


def _figures(logs: dict | None) -> str:
    return "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
