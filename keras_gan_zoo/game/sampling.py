"""Samples of a trained model: from noise and conditions to NumPy arrays, and back by inversion."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo import data
from keras_gan_zoo.core.bounds import check_count, check_seed
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.core.free_size import FreeSize
from keras_gan_zoo.core.keras_internals import random_states
from keras_gan_zoo.core.tracing import counted_alone
from keras_gan_zoo.export import export
from keras_gan_zoo.game.standing import set_statistics
from keras_gan_zoo.latent.inversion import Inversion, invert
from keras_gan_zoo.latent.noise import truncated_noise
from keras_gan_zoo.latent.sampler import Sampler
from keras_gan_zoo.networks.free_size import free_size_of, of_any_size
from keras_gan_zoo.networks.roles import inputs
from keras_gan_zoo.state.finiteness import check_examples


class GeneratorSampler(Sampler):
    """A `Sampler` with a Keras network, which can also be inverted and exported. Subclasses define `sampler`."""

    sampler: keras.Model
    example_shape: tuple[int, ...]

    def invert(
        self,
        images,
        labels=None,
        *,
        conditions=None,
        text=None,
        steps: int = 500,
        restarts: int = 4,
        learning_rate: float = 0.2,
        prior: float = 0.003,
        seed: int = 0,
        verbose: int = 0,
    ) -> Inversion:
        """Finds, by gradient descent, noise from which the generator makes given examples as closely as possible.

        For each example, several descents by Adam on the mean squared error start from the nearest of 1,000 random
        samples; the learning rate falls to zero over their second half, and the result is the noise with
        the lowest loss in any of them. The model is not changed.

        Args:
            images: Examples (n, *example_shape): uint8 images, floats in [-1, 1], or vectors.
            labels: Needed by networks that take classes: one class for all, or n classes, by index or name.
            conditions: Needed by networks that take vectors or pictures: one for all, or n of them.
            text: Needed by models that take texts: one for all, or n of them.
            steps: Number of steps of each descent.
            restarts: Number of descents for each example.
            learning_rate: Adam's learning rate.
            prior: Weight of the mean square of the noise in the loss: it pulls towards noise that the generator was
                trained on, at the cost of a slightly larger error.
            seed: Same seed, same result.
            verbose: 1 for Keras' progress bar, 2 for lines, 0 for silence.

        Returns:
            An `Inversion` with `noise`, `images` and `error`.

        Raises:
            InputError: If the examples have another shape or range, labels are missing, or a number is out of range.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> gan = kgz.GAN.for_images((2,), latent_dim=3, seed=0)
            >>> bool(gan.invert(gan.sample(4, seed=1), prior=0).error.max() < 0.01)
            True
        """
        options = {"steps": steps, "restarts": restarts, "learning_rate": learning_rate, "prior": prior}
        return invert(self, images, labels, conditions, text, **options, seed=seed, verbose=verbose)

    def standing_statistics(
        self,
        labels=None,
        *,
        conditions=None,
        text=None,
        batches: int = 16,
        batch_size: int = data.BATCH_SIZE,
        seed: int = 0,
        truncation: float | None = None,
    ) -> None:
        """Replaces the statistics of batch normalisation by those of several batches of samples (Brock et al., 2019).

        `sample` normalises by moving averages of what batches had in training. They lag behind the weights, and are of
        noise that is not truncated. This computes batches of samples, of which each is normalised by itself as in
        training, and keeps the means over the batches of all means and variances. It changes the generator that
        `sample`, `save` and `export` use, the averaged one if there is one, and nothing else. If training goes on, so
        do the moving averages.

        Args:
            labels: As in `sample`, for all `batches * batch_size` samples.
            conditions: As in `sample`, for all samples.
            text: As in `sample`, for all samples.
            batches: Number of batches.
            batch_size: Number of samples in each batch: best as many as in a minibatch of training.
            seed: Same seed, same statistics; the samples are those of `sample(batches * batch_size, seed=seed)`.
            truncation: As in `sample`. Statistics of truncated noise are for samples that are truncated alike.

        Raises:
            InputError: If the generator has no batch normalisation, or an argument is invalid.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> gan = kgz.BigGAN.for_images((8, 8, 1), latent_dim=4, width=1, seed=0)
            >>> gan.standing_statistics(batches=4, batch_size=8)
            >>> gan.sample(1).shape
            (1, 8, 8, 1)
        """
        check_not_forked()
        check_count("batches", batches)
        check_count("batch_size", batch_size)
        n = batches * batch_size
        noise = None
        if self.latent_shape is not None:
            noise = truncated_noise(n, self.latent_shape, truncation, check_seed(seed))
        condition = self.condition_of(n, labels, conditions, text)
        pieces = [slice(start, start + batch_size) for start in range(0, n, batch_size)]
        parts = [[None if values is None else values[piece] for values in (noise, condition)] for piece in pieces]
        set_statistics(self.sampler, [inputs(*part) for part in parts])

    def export(self, path, format: str | None = None, **options):
        """Exports the generator, the averaged one if there is one, as ONNX, SavedModel or LiteRT.

        Unlike Keras' `export`, it exports only the network that `sample` uses, with stable names, and compares the
        results of the exported file with those of Keras. See `export.export` for all options.

        Args:
            path: A file ending in `.onnx` or `.tflite`, or a folder without suffix for a SavedModel.
            format: "onnx", "litert" or "saved_model"; by default the one that the suffix of the path implies.
            **options: Options of ONNX: `opset`, `uint8`, `half`, `int8` and `metadata`.

        Returns:
            An `export.Exported` with `path`, `format`, `size` and `difference`.

        Raises:
            InputError: If an argument is invalid, or the format cannot express a layer.
            ParityError: If the file does not compute the same as Keras; it is then deleted.
        """
        check_not_forked()
        return export(self, path, format, **options)

    @contextmanager
    def _drawing(self, seed: int | None) -> Iterator[None]:
        """Sets the states of random layers by the seed, and then back, so that sampling changes no training."""
        states = [] if seed is None else random_states(self)
        before = [tf.identity(state.value) for state in states]
        for number, state in enumerate(states):
            state.assign(np.array([(seed + number) % 2**32, 0], np.uint32))
        try:
            yield
        finally:
            for state, value in zip(states, before, strict=True):
                state.assign(value)

    @cached_property
    def free_size(self) -> FreeSize | None:
        """The sizes of pictures that are translated beside that of training; None for no others."""
        return free_size_of(self.sampler) if self.translates else None

    @cached_property
    def _of_any_size(self) -> Callable[[], keras.Model]:
        """Gives the copy for any size. Keras would save it with the model if it were not behind a function."""
        return cache(lambda: of_any_size(self.sampler))

    def _of_other_size(self, pictures: np.ndarray) -> np.ndarray:
        network = self._of_any_size()
        network.set_weights(self.sampler.get_weights())
        made = [network(picture[None], training=False)[0] for picture in pictures]  # which may be large
        return check_examples(np.stack(made), self.sampler).astype(np.float32)

    def _examples_of(self, noise: np.ndarray | None, condition: np.ndarray | None) -> np.ndarray:
        check_not_forked()
        if self.translates and condition.shape[1:] != self.condition.shape:
            return self._of_other_size(condition)
        rows = len(noise if condition is None else condition)
        pieces = [slice(start, start + data.BATCH_SIZE) for start in range(0, rows, data.BATCH_SIZE)]
        parts = [[None if values is None else values[piece] for values in (noise, condition)] for piece in pieces]
        made = (check_examples(self._sample(inputs(*part)).numpy(), self.sampler) for part in parts)
        return np.concatenate(list(made)).astype(np.float32)

    @cached_property
    def _sample(self):
        function = counted_alone(lambda inputs: self.sampler(inputs, training=False))
        return tf.function(function, autograph=False, reduce_retracing=True)
