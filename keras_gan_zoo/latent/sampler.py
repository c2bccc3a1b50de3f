"""What makes examples from noise: the part that models and exported files share. Neither Keras nor TensorFlow here."""

from __future__ import annotations

import numpy as np

from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.core.labels import labels_to_sample
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.noise import checked_noise, truncated_noise


class Sampler:
    """Samples from noise and, if it is conditional, labels. Subclasses say what they take and write `_examples_of`.

    Attributes:
        latent_shape: Shape of the noise of one example, such as (100,).
        conditional: Whether labels are taken.
        num_classes: How many classes there are, if that is known.
        class_names: Their names, if they have any.
    """

    latent_shape: tuple[int, ...]
    conditional: bool
    num_classes: int | None
    class_names: tuple[str, ...] | None

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
            Array (n, *example_shape): float32, images in [-1, 1]; uint8 of a file that was exported with `uint8`.

        Raises:
            InputError: If n, the labels or the threshold are not of that form.
        """
        if not is_count(n):
            raise InputError(f"sample() expects a number of examples of at least 1. Received: n={n!r}.")
        return self.sample_from(truncated_noise(n, self.latent_shape, truncation, seed), labels)

    def sample_from(self, noise: np.ndarray, labels=None) -> np.ndarray:
        """What the generator makes of given noise, as `sample` would.

        Args:
            noise: (n, *latent_shape), such as `latent.interpolate` makes.
            labels: As in `sample`.

        Returns:
            As of `sample`.

        Raises:
            InputError: If the noise is of another shape or not finite, or the labels are unknown.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> kgz.GAN.for_images((2,), latent_dim=3).sample_from(np.zeros((5, 3))).shape
            (5, 2)
        """
        noise = self.checked_noise(noise)
        return self._examples_of(noise, self.labels_to_sample(len(noise), labels))

    def checked_noise(self, noise) -> np.ndarray:
        """Noise as float32 (n, *latent_shape), or an `InputError`."""
        return checked_noise(noise, self.latent_shape)

    def labels_to_sample(self, n: int, labels) -> np.ndarray | None:
        """The classes of n examples by index, int32 (n,), the classes in turn by default; None without labels."""
        if self.conditional:
            return labels_to_sample(n, labels, self.num_classes, self.class_names)
        if labels is not None:
            raise InputError(
                f"Expected no labels, because the networks take none. Received: {labels!r}. Leave them out."
            )
        return None

    def _examples_of(self, noise: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        raise NotImplementedError
