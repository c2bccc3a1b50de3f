"""Pictures of samples during training, as files."""

import os
from pathlib import Path

import numpy as np

from keras_gan_zoo import pictures
from keras_gan_zoo.callbacks.drawing import Drawing
from keras_gan_zoo.core.run_files import position_in
from keras_gan_zoo.core.user_line import warn


class SamplePictures(Drawing):
    """Writes pictures of samples during training, always from the same noise, and an animated GIF of them at the end.

    Images are arranged in a grid: with a column per class if the model takes classes, or a row per caption, of eight
    from the data, if it takes texts. Where pictures are translated, sources, translations and targets from the data are
    side by side; without pairs, sources, translations and what these are when they are translated back. Points of the
    plane are drawn as a scatter plot over real points. `epoch_0001.png` shows the end of the first epoch. Pictures
    within an epoch are named by the finished epochs and by the model's step, such as `epoch_0000_step_0000100.png`, so
    that names are in the order of time.

    The discriminator colours the plane beneath the points: blue where it takes them for real, green where it takes them
    for generated, white where it cannot tell. The colours are probabilities where the loss makes probabilities of
    scores, as in the original GAN; otherwise scores, from the lowest to the highest in the picture. The plane stays
    white if the discriminator judges more than a point: also a condition, a pack of several, or a code.

    Args:
        directory: Folder of the pictures; it is created if necessary.
        n: Number of samples; by default 64 images, rounded up to full rows of classes or captions, 16 translations, or
            2,500 points.
        seed: Seed of the noise.
        real: Real points (m, 2) to plot beneath the generated ones; by default the first 2,500 of the data.
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
        super().__init__(n, seed, real, every, every_steps)
        self.directory = Path(directory)

    @property
    def side_output(self) -> str:
        """Without pictures, a `fit` goes on."""
        return str(self.directory)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._epoch, self._frames = None, []
        if self._looks:
            self.directory.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch, logs=None):
        if self._epoch is None and self._looks:
            self._frames = self._frames_before(epoch)
            self._draw_if_missing(epoch)
        self._epoch = epoch

    def after_steps(self, step, logs):
        self._draw(self._path(self._epoch, step))

    def after_epoch(self, epoch, logs):
        same = self._path(epoch, self.model.steps_done)
        self._frames = [frame for frame in self._frames if frame != same]
        self._draw(self._path(epoch + 1))
        same.unlink(missing_ok=True)

    def on_train_end(self, logs=None):
        if not self._looks:
            return
        damaged = pictures.save_history(self._frames, self.directory / "history.gif")
        if damaged:
            warn(f"Left out of {self.directory / 'history.gif'}, because they are damaged: {', '.join(damaged)}.")

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
