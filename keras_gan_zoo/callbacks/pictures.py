"""Pictures of samples during training."""

import os
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from keras_gan_zoo import pictures
from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.core.run_files import position_in
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.data import Dataset

ROWS = 8  # of captions
TRANSLATED = 16  # pictures, each beside its source and its target


class SamplePictures(keras.callbacks.Callback):
    """Writes pictures of samples during training, always from the same noise, and an animated GIF of them at the end.

    Images are arranged in a grid: with a column per class if the model takes classes, or a row per caption, of eight
    from the data, if it takes texts. Where pictures are translated, sources, translations and targets from the data are
    side by side; without pairs, sources, translations and what these are when they are translated back. Points of the
    plane are drawn as a scatter plot over real points. `epoch_0001.png` shows the end of the first epoch. Pictures
    within an epoch are named by the finished epochs and by the model's step, such as `epoch_0000_step_0000100.png`, so
    that names are in the order of time.

    Args:
        directory: Folder of the pictures; it is created if necessary.
        n: Number of samples; by default 64 images, rounded up to full rows of classes or captions, 16 translations, or
            2,500 points.
        seed: Seed of the noise.
        real: Real points (m, 2) to plot beneath the generated ones.
        every: Number of epochs between pictures.
        every_steps: If given, there are also pictures within epochs, whenever the model's steps are a multiple of this.

    Raises:
        InputError: If an interval is not a whole number of at least 1.

    Example:
        ```python
        gan.fit(images, epochs=20, callbacks=[kgz.callbacks.SamplePictures("samples", every_steps=500)])
        ```
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        n: int | None = None,
        seed: int = 0,
        real: np.ndarray | None = None,
        every: int = 1,
        every_steps: int | None = None,
    ):
        super().__init__()
        check_count("every", every)
        if every_steps is not None:
            check_count("every_steps", every_steps)
        self.directory, self.n, self.seed, self.real = Path(directory), n, seed, real
        self.every, self.every_steps = every, every_steps
        self._conditions = self._columns = self._targets = None

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data, or None. Conditions that are vectors or pictures are taken from them."""
        if self.model.conditional and not self.model.has_classes and dataset is not None:
            self.n = min(self.n or (TRANSLATED if self.model.translates else 64), len(dataset))
            if self.model.encoder is not None:
                self._columns = -(-self.n // ROWS)
            targets, some = dataset.some(-(-self.n // (self._columns or 1)), self.seed, with_conditions=True)
            self._conditions = np.repeat(some, self._columns or 1, axis=0)
            self.n = len(self._conditions)
            self._targets = targets if self.model.translates and dataset.is_paired else None

    @property
    def side_output(self) -> str:
        """Without pictures, a `fit` goes on."""
        return str(self.directory)

    def steps_to_look(self) -> int | None:
        """Steps until the next multiple of `every_steps`."""
        return self.every_steps and self.every_steps - self.model.steps_done % self.every_steps

    def on_train_begin(self, logs=None):
        self._seen, self._epoch, self._frames = self.model.steps_done, None, []
        self.directory.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch, logs=None):
        if self._epoch is None:
            self._frames = self._frames_before(epoch)
            self._draw_if_missing(epoch)
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        before, self._seen = self._seen, self.model.steps_done
        if self.every_steps and before // self.every_steps < self._seen // self.every_steps:
            self._draw(self._path(self._epoch, self._seen))

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            same = self._path(epoch, self.model.steps_done)
            self._frames = [frame for frame in self._frames if frame != same]
            self._draw(self._path(epoch + 1))
            same.unlink(missing_ok=True)

    def on_train_end(self, logs=None):
        damaged = pictures.save_history(self._frames, self.directory / "history.gif")
        if damaged:
            warn(f"Left out of {self.directory / 'history.gif'}, because they are damaged: {', '.join(damaged)}.")

    def draw(self) -> Image.Image:
        """The picture of the model as it is."""
        if self.model.translates and self._conditions is not None:
            return pictures.draw_translations(self.model, self._conditions, self._targets)
        return pictures.draw_samples(self.model, self.n, self.seed, self.real, self._conditions, self._columns)

    def _draw(self, path: Path) -> None:
        pictures.save(self.draw(), path)
        self._frames.append(path)

    def _draw_if_missing(self, epoch: int) -> None:
        """Draws the picture of the step that a run is resumed at, where another callback failed just before it."""
        step, interrupted = self.model.steps_done, self.model.session.executions.interrupted
        is_due = self.every_steps and step % self.every_steps == 0 and interrupted and interrupted.start.batch
        if is_due and not self._path(epoch, step).exists():
            self._draw(self._path(epoch, step))

    def _path(self, *position: int) -> Path:
        """The file of a position: the number of finished epochs, and the model's step within an epoch."""
        epochs, *step = position
        return self.directory / f"epoch_{epochs:04d}{''.join(f'_step_{number:07d}' for number in step)}.png"

    def _frames_before(self, epoch: int) -> list[Path]:
        """The pictures of a resumed run up to where it starts; others are of an earlier `fit`."""
        interrupted = self.model.session.executions.interrupted
        start = (epoch, self.model.steps_done) if interrupted and interrupted.start.batch else (epoch,)
        files = filter(Path.is_file, self.directory.glob("epoch_*.png"))
        return sorted((path for path in files if position_in(path) <= start), key=position_in)
