"""What draws samples during training, always from the same noise: after epochs, and every so many steps."""

from collections.abc import Callable

import keras
import numpy as np
from PIL import Image

from keras_gan_zoo import pictures
from keras_gan_zoo.core.bounds import check_count, check_seed
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.distribution.workers import is_chief
from keras_gan_zoo.latent.sampler import Sampler

ROWS = 8  # of captions
TRANSLATED = 16  # pictures, each beside its source and its target
POINTS = 2500  # real points of the plane


class Drawing(keras.callbacks.Callback):
    """The base of callbacks that look at a model by its samples. Of several workers, only the chief looks.

    Subclasses write `after_steps` and `after_epoch`, which are called when a picture is due. `fit` ends executions of
    several steps there.

    Args:
        n: Number of samples; by default 64 images, rounded up to full rows of classes or captions, 16 translations, or
            2,500 points.
        seed: Seed of the noise, and of the conditions that are taken from the data.
        real: Real points (m, 2) to plot beneath the generated ones; by default the first 2,500 of the data.
        every: Number of epochs between pictures.
        every_steps: If given, there are also pictures within epochs, whenever the model's steps are a multiple of this.
    """

    def __init__(
        self,
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
        self.n, self.seed, self.real = n, check_seed(seed), real
        self.every, self.every_steps = every, every_steps
        self._real, self._conditions, self._columns, self._targets = real, None, None, None
        self._looks = True

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data, or None. Conditions that are vectors or pictures are taken from them."""
        if dataset is None or not self.draws:
            return
        if self.real is None and self.model.example_shape == (2,):
            self._real = dataset.glimpse(POINTS)[:POINTS]
        if self.model.conditional and not self.model.has_classes:
            self.n = min(self.n or (TRANSLATED if self.model.translates else 64), len(dataset))
            if self.model.encoder is not None:
                self._columns = -(-self.n // ROWS)
            targets, some = dataset.some(-(-self.n // (self._columns or 1)), self.seed, with_conditions=True)
            self._conditions = np.repeat(some, self._columns or 1, axis=0)
            self.n = len(self._conditions)
            self._targets = targets if self.model.translates and dataset.is_paired else None

    @property
    def draws(self) -> bool:
        """Whether there are pictures of this model: it makes images, or points of the plane."""
        return isinstance(self.model, Sampler) and pictures.can_draw(self.model.example_shape)

    def steps_to_look(self) -> int | None:
        """Steps until the next multiple of `every_steps`."""
        return self.every_steps and self.every_steps - self.model.steps_done % self.every_steps

    def on_train_begin(self, logs=None):
        self._seen, self._looks = self.model.steps_done, is_chief(self.model.distribute_strategy)

    def on_train_batch_end(self, batch, logs=None):
        before, self._seen = self._seen, self.model.steps_done
        if self._looks and self.every_steps and before // self.every_steps < self._seen // self.every_steps:
            self.after_steps(self._seen, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self._looks and (epoch + 1) % self.every == 0:
            self.after_epoch(epoch, logs or {})

    def after_steps(self, step: int, logs: dict) -> None:
        """Shows the model within an epoch."""
        raise NotImplementedError

    def after_epoch(self, epoch: int, logs: dict) -> None:
        """Shows the model at the end of an epoch, counted from 0."""
        raise NotImplementedError

    def draw(self) -> Image.Image:
        """The picture of the model as it is."""
        if self.model.translates and self._conditions is not None:
            return pictures.draw_translations(self.model, self._conditions, self._targets)
        return pictures.draw_samples(
            self.model, self.n, self.seed, self._real, self._conditions, self._columns, realness_of(self.model)
        )


def realness_of(model) -> Callable[[np.ndarray], np.ndarray] | None:
    """How real the discriminator takes points of the plane for, from 0 to 1; None if it does not judge single points.

    That is a probability if the loss makes one of a score. Other scores are relative to those of the same points.
    """
    judge = getattr(model, "discriminator", None)
    if model.example_shape != (2,) or judge is None or len(judge.inputs) > 1 or model.packing > 1:
        return None
    is_logit = getattr(getattr(model, "adversarial_loss", None), "scores_are_logits", False)

    def realness(points: np.ndarray) -> np.ndarray:
        scores = keras.ops.convert_to_numpy(model.score(points, None, training=False)).reshape(len(points))
        if is_logit:
            return np.asarray(keras.ops.sigmoid(scores))
        return (scores - scores.min()) / (np.ptp(scores) or 1.0)

    return realness
