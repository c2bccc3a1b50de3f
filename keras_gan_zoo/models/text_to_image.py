"""GAN-INT-CLS of Reed et al. (2016): a conditional GAN whose condition is a text."""

from collections.abc import Callable, Collection, Sequence
from typing import Self, Unpack

import keras
import tensorflow as tf

from keras_gan_zoo.core.conditions import as_array, is_text
from keras_gan_zoo.core.texts import words_of
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.encoded import EncodedDataset
from keras_gan_zoo.encoders import Encoder, as_encoder, replacing
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.arguments import PassedOn
from keras_gan_zoo.models.gan import GAN


@keras.saving.register_keras_serializable("keras_gan_zoo")
class TextToImageGAN(GAN):
    r"""Text-to-image GAN (Reed et al., 2016, Algorithm 1): GAN-INT-CLS, or one of its halves.

    An encoder turns a text into a vector h, which both players take. With matching-aware discrimination (CLS), the
    discriminator also takes real images x with the vector of a wrong text, and so learns to judge whether an image and
    a text belong together. It ascends

    $$\log D(x, h) + \tfrac{1}{2} \log(1 - D(x, \hat{h})) + \tfrac{1}{2} \log(1 - D(G(z, h), h))$$

    The wrong text of an example is that of the next one in the minibatch. Where the two are equal, the generated image
    takes the place of the wrong pair. With interpolation (INT), the generator also takes the vectors midway between an
    example's text and the wrong one: no text belongs to them, but they fill the gaps between those of the data.

    Losses of the generator's own layers, such as that of `networks.ConditioningAugmentation`, are added to its loss.
    Generator and discriminator take their steps in turn, on fresh noise each. The losses that `evaluate` and validation
    give are those of `GAN`: without wrong texts, texts between two, and losses of layers.

    Args:
        generator: Keras model from [noise, vectors (batch, d)] to images, channels last in [-1, 1].
        discriminator: Keras model from [images, vectors (batch, d)] to raw scores (batch, 1).
        encoder: From texts to vectors of length d: a key of `encoders.ENCODERS`; in Python also a function of a list of
            texts, or a Keras model. Its name and digest are saved with the model. A function or a model must be given
            again after loading, as `gan.encoder = function`.
        matching_aware: Whether the discriminator takes wrong texts.
        interpolation: Whether the generator takes vectors between those of texts.
        vocabulary: The words of the texts of training; those of the data that it is trained on are added.
        **options: As for `GAN`, without classes.

    Raises:
        InputError: If the networks do not take vectors of the encoder's length, or an argument is out of range.

    Example:
        ```python
        faces = kgz.data.load("avatars")
        gan = kgz.TextToImageGAN.for_images((16, 16, 3))
        gan.compile()
        gan.fit(faces, batch_size=64, epochs=40)  # or fit(images, captions)
        gan.sample(4, text="long green hair, dark glasses and a happy mouth", seed=0)
        ```
    """

    takes_texts = True

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        encoder: str | Callable | dict = "characters",
        matching_aware: bool = True,
        interpolation: bool = True,
        vocabulary: Collection[str] | None = None,
        **options,
    ):
        super().__init__(generator, discriminator, **options)
        if self.latent_shape is None or self.condition is None or self.condition.kind != "vectors":
            raise InputError(
                "Expected a generator that takes noise and vectors, keras.Input((d,), name='condition'). Received: one "
                f"with the inputs {generator.input_shape}. Use GAN for other conditions."
            )
        if self.simultaneous:
            raise InputError(
                "Expected the players to take their steps in turn, as in Algorithm 1. Received: simultaneous=True. "
                "Leave it out."
            )
        self.matching_aware, self.interpolation = matching_aware, interpolation
        self.vocabulary = None if vocabulary is None else words_of([vocabulary])
        self._encoder: Encoder | None = None
        self.encoder = encoder
        self._encoded: list[EncodedDataset] = []  # of training and validation, for the next call of fit

    @property
    def encoder(self) -> Encoder:
        """From texts to the vectors that the networks take."""
        return self._encoder

    @encoder.setter
    def encoder(self, encoder) -> None:
        self._encoder = replacing(self._encoder, encoder, self.condition.shape[0])

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "text_dcgan"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 2e-4 and beta 1 of 0.5."""
        return keras.optimizers.Adam(2e-4 if learning_rate is None else learning_rate, beta_1=0.5)

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        latent_dim: int = 100,
        num_classes: int | None = None,
        *,
        encoder: str | Callable | Encoder = "characters",
        **arguments: Unpack[PassedOn],
    ) -> Self:
        """As in `GAN`; the networks take the vectors of the encoder."""
        encoder = as_encoder(encoder)
        if "text_dim" in arguments:
            raise InputError(
                f"Expected the length of vectors from the encoder, {encoder.dim}. Received: text_dim="
                f"{arguments['text_dim']!r}. Leave text_dim out."
            )
        return super().for_images(
            image_shape, latent_dim, num_classes, encoder=encoder, text_dim=encoder.dim, **arguments
        )

    def train_step(self, batch):
        """One iteration of Algorithm 1."""
        minibatches = self.minibatches(batch, self.discriminator_steps)
        *noises, last_noise, noise_between = self.noise(len(minibatches) + 2, tf.shape(minibatches[0][0])[0])

        for (real, text), noise in zip(minibatches, noises, strict=True):
            fake = self.generate(noise, text)
            with tf.GradientTape() as tape:
                real_scores, fake_scores, penalty = self.judge(real, fake, text)
                d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores)
                if self.matching_aware:
                    wrong_scores = self.wrong_scores(real, text, fake_scores)
                    d_loss = (d_loss + self.adversarial_loss.discriminator_loss(real_scores, wrong_scores)) / 2
                d_loss += penalty
            self.descend(self.discriminator, d_loss, tape)

        noise, texts, repeats = last_noise, text, 1
        if self.interpolation:
            noise, repeats = self.in_turn(last_noise, noise_between), 2
            texts = self.in_turn(text, (text + self.mismatched(text)) / 2)
        with tf.GradientTape() as tape:
            fake_scores = self.score(self.generate(noise, texts), texts)
            g_loss = self.generator_loss(fake_scores, lambda: tf.repeat(self.score(real, text), repeats, axis=0))
            g_loss += sum(self.generator.losses)
        self.descend(self.generator, g_loss, tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss)

    def in_turn(self, first, second):
        """The rows of both, a pack of each in turn: what belongs to one example is then on one replica."""
        packs = [tf.reshape(rows, (-1, self.packing, *rows.shape[1:])) for rows in (first, second)]
        return tf.reshape(tf.stack(packs, axis=1), (-1, *first.shape[1:]))

    def wrong_scores(self, real, text, fake_scores):
        """Scores of real images with wrong texts. Where the next text is the same, the scores of generated images."""
        wrong = self.mismatched(text)
        scores = self.score(real, wrong)
        differs = tf.reduce_any(text != wrong, axis=-1)
        differs = tf.reduce_all(tf.reshape(differs, (-1, self.packing)), axis=1)
        return tf.where(tf.reshape(differs, (-1, *[1] * (len(scores.shape) - 1))), scores, fake_scores)

    def arranged(self, x, y):
        """As in `GameModel`; examples with texts become examples with captions."""
        has_texts = y is not None and hasattr(x, "shape") and is_text(as_array(y))
        return (CaptionedDataset(x, y), None) if has_texts else super().arranged(x, y)

    def prepared(self, dataset):
        """Captioned examples with the vectors of their captions; other data have vectors of their own."""
        if not isinstance(dataset, CaptionedDataset):
            if dataset.condition_shape == self.condition.shape:
                return dataset
            raise InputError(
                f"Expected captions, or vectors {self.condition.shape} as conditions. Received: {dataset}. Choose data "
                "with captions, such as 'avatars', or pass captions, as in fit(images, captions)."
            )
        known = [each for each in self._encoded if each.source is dataset and each.encoder is self.encoder]
        encoded = known[0] if known else EncodedDataset(dataset, self.encoder, self.seed)
        self._encoded = [encoded, *(each for each in self._encoded if each is not encoded)][:2]
        return encoded

    def adopt(self, dataset) -> None:
        """Adopts the words of the captions."""
        if isinstance(dataset, EncodedDataset):
            self.vocabulary = (self.vocabulary or frozenset()) | dataset.vocabulary

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": self.encoder.get_config(),
            "matching_aware": self.matching_aware,
            "interpolation": self.interpolation,
            "vocabulary": None if self.vocabulary is None else sorted(self.vocabulary),
        }
