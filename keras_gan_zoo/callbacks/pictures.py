"""Pictures of samples during training."""

import os
from pathlib import Path

import keras
import numpy as np

from keras_gan_zoo import pictures
from keras_gan_zoo.data import Dataset


class SamplePictures(keras.callbacks.Callback):
    """Writes a picture of samples after each epoch, always from the same noise, and an animated GIF of them at the end.

    Images are arranged in a grid `epoch_0001.png`, with a column per class if the model is conditional. Points of the
    plane are drawn as a scatter plot over real points.

    Args:
        directory: Folder of the pictures; it is created if necessary.
        n: Number of samples; by default 64 images, rounded up to full rows of classes, or 2,500 points.
        seed: Seed of the noise.
        real: Real points (m, 2) to plot beneath the generated ones.
        every: Number of epochs between pictures.

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
        self._conditions = None

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data, or None. Conditions that are vectors or pictures are taken from them."""
        if self.model.conditional and not self.model.has_classes and dataset is not None:
            self.n = min(self.n or 64, len(dataset))
            _, self._conditions = dataset.some(self.n, self.seed, with_conditions=True)

    def on_train_begin(self, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            path = self.directory / f"epoch_{epoch + 1:04d}.png"
            pictures.save(pictures.draw_samples(self.model, self.n, self.seed, self.real, self._conditions), path)

    def on_train_end(self, logs=None):
        paths = sorted(self.directory.glob("epoch_*.png"))
        if paths:
            pictures.save_history(paths, self.directory / "history.gif")
