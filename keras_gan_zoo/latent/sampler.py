"""`Sampler`, the common base of models and exported files. It imports neither Keras nor TensorFlow."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np

from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.core.conditions import Condition, as_array
from keras_gan_zoo.core.free_size import FreeSize, Tile
from keras_gan_zoo.core.texts import check_known, checked_texts
from keras_gan_zoo.encoders import Encoder
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.latent.noise import checked_noise, truncated_noise

TILE = 256  # pixels of a side that are translated at once, beside those around them, unless training had more


class Sampler:
    """Makes examples from noise, conditions or both. Subclasses set the attributes and implement `_examples_of`.

    Attributes:
        latent_shape: Shape of the noise of one example, such as (100,); None if no noise is taken.
        condition: The condition: classes, vectors or pictures; None if none is taken.
        encoder: Turns texts into vectors, if the condition is one of texts; see `encoders`.
        vocabulary: The words of the texts of training, if they are known.
        backward: The other direction of a model that translates in two, such as a `CycleGAN`; None for others.
        free_size: The sizes of pictures that are translated beside that of training; None for no others.
    """

    latent_shape: tuple[int, ...] | None
    condition: Condition | None
    encoder: Encoder | None = None
    vocabulary: frozenset[str] | None = None
    backward: Sampler | None = None
    free_size: FreeSize | None = None

    def sample(
        self,
        n: int,
        labels=None,
        seed: int | None = None,
        truncation: float | None = None,
        *,
        conditions=None,
        text=None,
    ) -> np.ndarray:
        """Generated examples.

        Args:
            n: Number of examples, at least 1.
            labels: For networks that take classes: one class for all, or n classes, each by its index or its name; by
                default the classes in turn.
            seed: The same seed gives the same examples; the first ones do not depend on n. None draws new noise. Layers
                that draw random numbers themselves follow the seed if they do so by `keras.random`.
            truncation: Threshold above 0 beyond which noise is drawn again, such as 1.0, for examples that are more
                typical and vary less, see `latent.truncated_noise`. None for no truncation.
            conditions: For networks that take vectors or pictures: one for all, or n of them.
            text: For networks that take texts: one for all, or n of them.

        Returns:
            Array (n, *example_shape): float32, images in [-1, 1]; or uint8 from a file that was exported with `uint8`.

        Raises:
            InputError: If n, the conditions or the threshold are invalid.
            NotFiniteError: If the examples contain NaN or infinity, as weights that are not finite make them.
        """
        if not is_count(n):
            raise InputError(f"sample() expects a number of examples of at least 1. Received: n={n!r}.")
        if self.latent_shape is None and truncation is not None:
            raise InputError(
                f"Expected no truncation, because the generator takes no noise. Received: {truncation}. Leave it out."
            )
        noise = None if self.latent_shape is None else truncated_noise(n, self.latent_shape, truncation, seed)
        with self._drawing(seed):
            return self._examples_of(noise, self.condition_of(n, labels, conditions, text))

    def sample_from(self, noise: np.ndarray, labels=None, *, conditions=None, text=None) -> np.ndarray:
        """Generates examples from given noise, like `sample`.

        Args:
            noise: (n, *latent_shape), such as `latent.interpolate` makes.
            labels: As in `sample`.
            conditions: As in `sample`.
            text: As in `sample`.

        Returns:
            An array as from `sample`.

        Raises:
            InputError: If the noise is of another shape or not finite, or the conditions are invalid.
            NotFiniteError: As in `sample`.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> kgz.GAN.for_images((2,), latent_dim=3).sample_from(np.zeros((5, 3))).shape
            (5, 2)
        """
        noise = self.checked_noise(noise)
        return self._examples_of(noise, self.condition_of(len(noise), labels, conditions, text))

    def translate(self, pictures) -> np.ndarray:
        """Translates pictures, by a model of pictures to pictures.

        Args:
            pictures: (n, *condition.shape), uint8 or in [-1, 1]; grey ones may go without the axis of channels. Models
                whose networks have only convolutions take other heights and widths too. If these also normalise nothing
                over places, pictures of more than 256 pixels a side are translated in tiles. Each overlaps its
                neighbours by what the network looks at, so the result is the same and needs less memory.

        Returns:
            An array as from `sample`, one picture for each.

        Raises:
            InputError: If the model does not translate pictures, or they have another shape or range.
            NotFiniteError: As in `sample`.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> model = kgz.Pix2Pix.for_images((16, 16, 3), source_shape=(16, 16, 1), width=4)
            >>> model.translate(np.zeros((5, 16, 16), np.uint8)).shape
            (5, 16, 16, 3)
        """
        condition, array = self.translated(), as_array(pictures)
        array = array[..., None] if array.shape[1:] == condition.shape[:2] and condition.shape[2] == 1 else array
        if array.shape[1:] != condition.shape and self.is_of_free_size(array.shape[1:]):
            condition = Condition(array.shape[1:])
        if array.shape[1:] != condition.shape or not len(array):
            one = " Put the picture into a batch: pictures[None]." if array.shape == condition.shape else ""
            raise InputError(
                f"translate() expects pictures (n, {', '.join(map(str, condition.shape))}){self.or_free_size()}. "
                f"Received: {array.shape}.{one or ' Resize them, or change their channels.'}"
            )
        return self._in_tiles(condition.to_sample(len(array), array))

    def _in_tiles(self, given: np.ndarray) -> np.ndarray:
        """Translations of pictures, in tiles if they are large and the network looks at a part of them at a time."""
        sides, most = given.shape[1:3], max(TILE, *self.translated().shape[:2])
        if max(sides) <= most or self.free_size is None or self.free_size.reach is None:
            return self._examples_of(None, given)
        rows, columns = (self.free_size.tiles(side, most) for side in sides)
        return np.concatenate(
            [np.concatenate([self._tile(given, row, column) for column in columns], axis=2) for row in rows], axis=1
        )

    def _tile(self, given: np.ndarray, row: Tile, column: Tile) -> np.ndarray:
        made = self._examples_of(None, given[:, row.first : row.last, column.first : column.last])
        used = []
        for size, (first, start, end, last) in zip(made.shape[1:3], (row, column), strict=True):
            used.append(slice((start - first) * size // (last - first), (end - first) * size // (last - first)))
        return made[:, used[0], used[1]]

    def translated(self) -> Condition:
        """The condition of a model that translates pictures; raises an `InputError` for others."""
        if not self.translates or self.condition is None:
            raise InputError(
                "Expected a model that translates pictures, such as Pix2Pix. Received: one that takes "
                f"{'noise' if self.latent_shape is not None else 'no pictures'}. Use sample()."
            )
        return self.condition

    @property
    def translates(self) -> bool:
        """Whether pictures are all that is taken."""
        return self.latent_shape is None and self.condition is not None and self.condition.kind == "pictures"

    def is_of_free_size(self, shape: tuple[int, ...]) -> bool:
        """Whether pictures of another shape than that of training can be translated."""
        if self.condition is None or self.free_size is None or shape[2:] != self.condition.shape[2:]:
            return False
        return self.free_size.fits(shape[:2])

    def or_free_size(self) -> str:
        """The sizes that are translated beside that of training, as a part of a sentence; empty for none."""
        return "" if self.free_size is None else f", or others {self.free_size}"

    @property
    def conditional(self) -> bool:
        """Whether a condition is taken."""
        return self.condition is not None

    @property
    def has_classes(self) -> bool:
        """Whether the condition is a class."""
        return self.condition is not None and self.condition.is_class

    def noise_shape(self) -> tuple[int, ...]:
        """Returns `latent_shape`; raises an `InputError` if no noise is taken."""
        if self.latent_shape is None:
            raise InputError("Expected a generator that takes noise. Received: one that takes none. Use sample().")
        return self.latent_shape

    def checked_noise(self, noise) -> np.ndarray:
        """Noise as float32 (n, *latent_shape), or an `InputError`."""
        return checked_noise(noise, self.noise_shape())

    def condition_of(self, n: int, labels=None, conditions=None, text=None) -> np.ndarray | None:
        """The conditions of n examples as an array, see `Condition.to_sample`; None if none are taken."""
        if sum(given is not None for given in (labels, conditions, text)) > 1:
            raise InputError("Expected one of labels, conditions and text. Received: several. Leave the others out.")
        if text is not None:
            conditions = self._vectors_of(n, text)
        given = labels if conditions is None else conditions
        if self.encoder is not None and (given is None or labels is not None or np.asarray(given).dtype.kind in "US"):
            raise InputError(
                "Expected a text, because this model was trained with texts. Received: "
                f"{'none' if given is None else repr(given)}. Pass text=, one for all or one for each sample."
            )
        if self.translates and given is None:
            raise InputError(
                "Expected pictures, because this model translates them and takes no noise. Received: none. Use "
                "translate(pictures), or on the command line gan-zoo translate."
            )
        if self.condition is not None:
            if labels is not None and not self.condition.is_class:
                raise InputError(
                    f"Expected conditions, because the networks take {self.condition.kind} {self.condition.shape}. "
                    "Received: labels. Pass conditions=."
                )
            return self.condition.to_sample(n, given)
        if given is not None:
            what = "labels" if conditions is None else "conditions"
            raise InputError(
                f"Expected no {what}, because the networks take none. Received: {given!r}. Leave them out."
            )
        return None

    def _vectors_of(self, n: int, text) -> np.ndarray:
        """The vectors of one text for all of n samples, or of n texts."""
        if self.encoder is None:
            raise InputError(
                f"Expected no text, because this model was not trained with texts. Received: {text!r}. Leave it out."
            )
        texts = checked_texts([text] if isinstance(text, str) else text)
        if len(texts) not in (1, n):
            raise InputError(
                f"Expected one text, or one for each of {n} samples. Received: {len(texts)}. Add or remove some."
            )
        for each in dict.fromkeys(texts) if self.vocabulary else ():
            check_known(each, self.vocabulary)
        vectors = self.encoder.encode(texts)
        return vectors if len(texts) == n else vectors[0]

    def _drawing(self, seed: int | None) -> AbstractContextManager:
        """A context in which random numbers that are drawn besides the noise follow the seed."""
        return nullcontext()

    def _examples_of(self, noise: np.ndarray | None, condition: np.ndarray | None) -> np.ndarray:
        raise NotImplementedError
