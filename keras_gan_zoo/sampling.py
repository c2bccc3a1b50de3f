"""Samples of a trained model: noise and labels in, NumPy arrays out."""

from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data
from keras_gan_zoo.checks import check_labels
from keras_gan_zoo.errors import InputError, unknown


class Sampling:
    """Adds `sample` to a model of two players, and the shapes of what its generator takes and makes."""

    def sample(self, n: int, labels=None, seed: int | None = None) -> np.ndarray:
        """Generated examples.

        Args:
            n: How many, at least 1.
            labels: For conditional networks: one class for all, or n classes, each by its index or its name; by
                default the classes in turn.
            seed: Same seed, same examples, of which the first do not depend on n. None draws afresh.

        Returns:
            float32 array (n, *example_shape); images are in [-1, 1].

        Raises:
            InputError: If n or the labels are not of that form.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise InputError(f"sample() expects a number of examples of at least 1. Received: n={n!r}.")
        noise = np.random.default_rng(seed).standard_normal((n, *self.latent_shape), dtype=np.float32)
        labels = self._labels_to_sample(n, labels)
        pieces = [slice(start, start + data.BATCH_SIZE) for start in range(0, n, data.BATCH_SIZE)]
        examples = [self._sample(inputs(noise[i], None if labels is None else labels[i])).numpy() for i in pieces]
        return np.concatenate(examples).astype(np.float32)

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

    @cached_property
    def _sample(self):
        return tf.function(lambda inputs: self(inputs, training=False), autograph=False, reduce_retracing=True)

    def _labels_to_sample(self, n: int, labels) -> np.ndarray | None:
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
