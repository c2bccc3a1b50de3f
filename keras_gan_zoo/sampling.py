"""Samples of a trained model: noise and labels in, NumPy arrays out; and the way back."""

from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data
from keras_gan_zoo.checks import check_labels
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.inversion import Inversion, invert
from keras_gan_zoo.latent import truncated_noise


class Sampling:
    """Adds `sample`, `sample_from` and `invert` to a model of two players, and the shapes of its generator."""

    def sample(self, n: int, labels=None, seed: int | None = None, truncation: float | None = None) -> np.ndarray:
        """Generated examples.

        Args:
            n: How many, at least 1.
            labels: For conditional networks: one class for all, or n classes, each by its index or its name; by
                default the classes in turn.
            seed: Same seed, same examples, of which the first do not depend on n. None draws afresh.
            truncation: Threshold above 0 beyond which noise is drawn anew, such as 1.0: examples that are more typical
                and vary less, see `latent.truncated_noise`. None for all of the noise.

        Returns:
            float32 array (n, *example_shape); images are in [-1, 1].

        Raises:
            InputError: If n, the labels or the threshold are not of that form.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise InputError(f"sample() expects a number of examples of at least 1. Received: n={n!r}.")
        noise = truncated_noise(n, self.latent_shape, truncation, seed)
        return self._examples_of(noise, self.labels_to_sample(n, labels))

    def sample_from(self, noise: np.ndarray, labels=None) -> np.ndarray:
        """What the generator makes of given noise, as `sample` would.

        Args:
            noise: (n, *latent_shape), such as `latent.interpolate` makes.
            labels: As in `sample`.

        Returns:
            float32 array (n, *example_shape); images are in [-1, 1].

        Raises:
            InputError: If the noise is of another shape or not finite, or the labels are unknown.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> kgz.GAN.for_images((2,), latent_dim=3).sample_from(np.zeros((5, 3))).shape
            (5, 2)
        """
        noise = self.checked_noise(noise)
        return self._examples_of(noise, self.labels_to_sample(len(noise), labels))

    def invert(
        self,
        images,
        labels=None,
        *,
        steps: int = 500,
        restarts: int = 4,
        learning_rate: float = 0.2,
        prior: float = 0.003,
        seed: int = 0,
        verbose: int = 0,
    ) -> Inversion:
        """Noise from which the generator makes given examples, as nearly as gradient descent finds it.

        For each example, several descents by Adam on the mean squared error start from the nearest of 1,000 random
        samples; the learning rate falls to zero over their second half, and the lowest loss on the way of the best
        descent counts. The model stays as it is.

        Args:
            images: Examples (n, *example_shape): uint8 images, floats in [-1, 1], or vectors.
            labels: Needed by conditional networks: one class for all, or n classes, by index or name.
            steps: Of each descent.
            restarts: Descents for each example.
            learning_rate: Adam's.
            prior: Weight of the mean square of the noise in the loss: a pull towards noise that the generator was
                trained on, for a little error.
            seed: Same seed, same result.
            verbose: 1 for Keras' progress bar, 2 for lines, 0 for silence.

        Returns:
            An `Inversion` with `noise`, `images` and `error`.

        Raises:
            InputError: If the examples are of another shape or range, labels are missing, or a number is out of range.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> gan = kgz.GAN.for_images((2,), latent_dim=3, seed=0)
            >>> bool(gan.invert(gan.sample(4, seed=1), prior=0).error.max() < 0.01)
            True
        """
        options = {"steps": steps, "restarts": restarts, "learning_rate": learning_rate, "prior": prior}
        return invert(self, images, labels, **options, seed=seed, verbose=verbose)

    @property
    def sampler(self) -> keras.Model:
        """The generator that samples come from: the moving average where there is one."""
        return self.generator if self.ema_generator is None else self.ema_generator

    @property
    def conditional(self) -> bool:
        """Whether the networks take labels."""
        return len(self.generator.inputs) == 2

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one example, such as (100,)."""
        return tuple(self.generator.inputs[0].shape[1:])

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one generated example, such as (28, 28, 1)."""
        return tuple(self.generator.output_shape[1:])

    def checked_noise(self, noise) -> np.ndarray:
        """Noise as float32 (n, *latent_shape), or an `InputError`."""
        noise = np.asarray(noise, np.float32)
        if noise.shape[1:] != self.latent_shape or noise.ndim != 1 + len(self.latent_shape) or len(noise) == 0:
            raise InputError(
                f"Expected noise of shape (n, {', '.join(map(str, self.latent_shape))}). Received: {noise.shape}. "
                "Draw it with latent.truncated_noise(n, latent_dim)."
            )
        if not np.isfinite(noise).all():
            raise InputError("Expected finite noise. Received: NaN or infinity. Draw it with latent.truncated_noise.")
        return noise

    def _examples_of(self, noise: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        pieces = [slice(start, start + data.BATCH_SIZE) for start in range(0, len(noise), data.BATCH_SIZE)]
        examples = [self._sample(inputs(noise[i], None if labels is None else labels[i])).numpy() for i in pieces]
        return np.concatenate(examples).astype(np.float32)

    @cached_property
    def _sample(self):
        return tf.function(lambda inputs: self(inputs, training=False), autograph=False, reduce_retracing=True)

    def labels_to_sample(self, n: int, labels) -> np.ndarray | None:
        """The classes of n examples by index, int32 (n,), the classes in turn by default; None without labels."""
        if not self.conditional:
            return None
        if labels is None and self.num_classes is None:
            raise InputError(
                "sample() expects labels, because the networks take them and num_classes is unknown. Received: none. "
                "Pass labels, or num_classes to the constructor."
            )
        labels = np.arange(n) % self.num_classes if labels is None else self._indices(labels)
        if labels.shape not in ((), (n,)):
            raise InputError(f"sample({n}) expects one label or {n} labels. Received: shape {labels.shape}.")
        if self.num_classes is not None:
            check_labels(labels, self.num_classes)
        return np.broadcast_to(labels.astype(np.int32), (n,))

    def _indices(self, labels) -> np.ndarray:
        """Labels with names of classes replaced by their indices."""

        def index(label):
            if not isinstance(label, str):
                return label
            if not self.class_names:
                raise InputError(
                    f"Expected labels by index, because this model knows no class names. Received: {label!r}. Pass "
                    "class_names to the constructor, or an index."
                )
            if label not in self.class_names:
                raise unknown("class", label, self.class_names)
            return self.class_names.index(label)

        if isinstance(labels, (list, tuple, np.ndarray)) and np.ndim(labels) == 1:
            return np.array([index(label) for label in labels])
        return np.asarray(index(labels))


def inputs(first, labels):
    """What a network takes: labels come second where there are any."""
    return first if labels is None else [first, labels]
