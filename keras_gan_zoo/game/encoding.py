"""Models with an encoder: from examples to codes, and back."""

from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.core.tracing import counted_alone
from keras_gan_zoo.game.sampling import GeneratorSampler
from keras_gan_zoo.latent.inversion import checked_examples
from keras_gan_zoo.state.finiteness import check_examples


class EncoderSampler(GeneratorSampler):
    """A `Sampler` whose model also has an encoder, from examples to noise: a part of the player that it samples."""

    sampling_generator: keras.Model

    @property
    def encoding_network(self) -> keras.Model:
        return self.sampling_generator.get_layer("encoder")

    @property
    def latent_shape(self) -> tuple[int, ...]:
        return tuple(self.sampler.inputs[0].shape[1:])

    @property
    def example_shape(self) -> tuple[int, ...]:
        return tuple(self.sampler.outputs[0].shape[1:])

    def encode(self, examples) -> np.ndarray:
        """The codes of examples, by the averaged encoder if there is one: noise from which `sample_from` makes them.

        Args:
            examples: (n, *example_shape): uint8 images, floats in [-1, 1], or vectors.

        Returns:
            Array (n, *latent_shape): float32.

        Raises:
            InputError: If the examples have another shape or range.
            NotFiniteError: If the codes contain NaN or infinity.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> model = kgz.BiGAN.for_images((8, 8, 1), latent_dim=3, width=4)
            >>> model.encode(np.zeros((5, 8, 8, 1), np.uint8)).shape
            (5, 3)
        """
        check_not_forked()
        examples = checked_examples(self, examples)
        pieces = [examples[start : start + data.BATCH_SIZE] for start in range(0, len(examples), data.BATCH_SIZE)]
        made = [check_examples(self._encode(piece).numpy(), self.encoding_network) for piece in pieces]
        return np.concatenate(made).astype(np.float32)

    def reconstruct(self, examples) -> np.ndarray:
        """What the generator makes of the codes of examples.

        Args:
            examples: As in `encode`.

        Returns:
            Array (n, *example_shape): float32, images in [-1, 1].

        Raises:
            InputError: As in `encode`.
            NotFiniteError: As in `encode`.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> model = kgz.BiGAN.for_images((8, 8, 1), latent_dim=3, width=4)
            >>> model.reconstruct(np.zeros((5, 8, 8, 1), np.uint8)).shape
            (5, 8, 8, 1)
        """
        return self.sample_from(self.encode(examples))

    @cached_property
    def _encode(self):
        function = counted_alone(lambda examples: self.encoding_network(examples, training=False))
        return tf.function(function, autograph=False, reduce_retracing=True)
