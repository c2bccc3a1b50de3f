"""Translators from pictures to pictures: one algorithm, of which several papers print configurations."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_gan_zoo import data, losses
from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.game.likeness import absolute_difference, likeness, squared_difference, ssim, trackers
from keras_gan_zoo.game.two_player import TwoPlayerModel

CONTENTS = {"l1": absolute_difference, "mse": squared_difference}  # by how far two batches of pictures are apart


class Translator(TwoPlayerModel):
    r"""A conditional GAN from pictures, the sources, to pictures that correspond to them, the targets.

    The discriminator D says whether a picture looks real, and the content loss C how far it is from the target y of the
    source x. With the weights a, c and d, the losses of the players are

    $$L_D = d \, L(D(y, x), D(G(x), x)), \quad L_G = a \, L(D(G(x), x)) + c \, C(y, G(x))$$

    Each step makes one picture of each source. The discriminator moves first, then the generator, judged on the same
    pictures by the discriminator that has just moved. The discriminator need not take the sources.

    Besides both losses, training logs `l1`, the mean absolute difference from the targets, whose pixels are from -1 to
    1, and `psnr`, the peak signal-to-noise ratio of the mean squared error in decibels. `evaluate` and validation
    log these two and `ssim`, the structural similarity (Wang et al., 2004), of what `translate` makes.

    Data are given in the order of Keras: `fit(sources, targets)`, batches (sources, targets). A `data.Dataset` has the
    targets as its examples and the sources as their conditions.

    Args:
        generator: Keras model from pictures, `keras.Input((height, width, channels), name="condition")`, to pictures,
            channels last in [-1, 1].
        discriminator: Keras model from pictures, or [pictures, sources], to raw scores (batch, 1), or to a map of them.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        adversarial_weight: Weight of the adversarial loss in the generator's.
        content: Content loss: "l1" for the mean absolute difference, "mse" for the mean squared one.
        content_weight: Weight of the content loss.
        discriminator_weight: Weight of the discriminator's loss.
        pretrain_steps: Number of first steps on the content loss alone. The discriminator then stays as it is, and its
            loss is logged as 0.
        **options: As for `TwoPlayerModel`, without classes.

    Raises:
        InputError: If the generator takes anything but pictures, or an argument is out of range.
    """

    takes_pictures = True
    condition_comes_first = True
    logged = ("d_loss", "g_loss", "l1", "psnr")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "non_saturating",
        adversarial_weight: float = 1.0,
        content: str = "l1",
        content_weight: float = 100.0,
        discriminator_weight: float = 1.0,
        pretrain_steps: int = 0,
        **options,
    ):
        super().__init__(generator, discriminator, **options)
        if self.latent_shape is not None or self.condition is None or self.condition.kind != "pictures":
            raise InputError(
                "Expected a generator that takes only pictures, keras.Input((height, width, channels), "
                f"name='condition'). Received: one with the inputs {generator.input_shape}. Use GAN for others."
            )
        if content not in CONTENTS:
            raise unknown("content loss", content, CONTENTS)
        check_number("adversarial_weight", adversarial_weight, low=0)
        check_number("content_weight", content_weight, low=0)
        check_number("discriminator_weight", discriminator_weight, low=0, above=True)
        check_count("pretrain_steps", pretrain_steps, low=0)
        self.adversarial_loss = losses.get(loss)
        self.adversarial_weight, self.content_weight = adversarial_weight, content_weight
        self.discriminator_weight = discriminator_weight
        self.content, self.pretrain_steps = content, pretrain_steps
        self._trackers |= trackers()

    def train_step(self, batch):
        """One step of both players."""
        [(target, source)] = self.minibatches(batch, 1)
        is_adversarial = self._is_adversarial()
        with tf.GradientTape() as g_tape:
            made = self.generate(None, source)

        with tf.GradientTape() as d_tape:
            d_loss = self._only(is_adversarial, lambda: self.discriminator_loss(target, made, source))
        self.descend(self.discriminator, d_loss, d_tape, when=is_adversarial)

        with g_tape:
            g_loss = self._only(is_adversarial, lambda: self.adversarial_weight * self.judgement(target, made, source))
            g_loss += self.content_weight * self.content_loss(target, made)
        self.descend(self.generator, g_loss, g_tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss, **self.likeness(target, made))

    def discriminator_loss(self, target, made, source):
        """The discriminator's loss, with its penalties."""
        real_scores, fake_scores, penalty = self.judge(target, made, source)
        return self.discriminator_weight * self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty

    def judgement(self, target, made, source):
        """The adversarial part of the generator's loss."""
        return self.generator_loss(self.score(made, source), lambda: self.score(target, source))

    def content_loss(self, target, made):
        """How far pictures are from their targets."""
        return CONTENTS[self.content](self.compared(target), self.compared(made))

    def compared(self, pictures):
        """The part of pictures that is compared with the targets: all of them."""
        return pictures

    def likeness(self, target, made) -> dict:
        """What training logs besides the losses."""
        return likeness(self.compared(target), self.compared(made))

    def evaluated(self, real, fake, condition):
        figures = super().evaluated(real, fake, condition)
        adversarial, content = self.adversarial_weight * figures["g_loss"], self.content_loss(real, fake)
        losses_of_players = {
            "d_loss": self.discriminator_weight * figures["d_loss"],
            "g_loss": adversarial + self.content_weight * content,
        }
        made = fake if self.ema_generator is None else tf.cast(self.sampler(condition, training=False), fake.dtype)
        similarity = ssim(self.compared(real), self.compared(made))
        return {**losses_of_players, **self.likeness(real, made), "ssim": similarity}

    def updates_in(self, steps):
        """The discriminator is not updated in the first steps on the content loss alone."""
        return [steps, max(0, steps - self.pretrain_steps)]

    def _is_adversarial(self):
        """None if all steps are; otherwise whether this one is."""
        return self.step >= self.pretrain_steps if self.pretrain_steps else None

    def _only(self, is_adversarial, loss: Callable) -> tf.Tensor:
        """A loss in adversarial steps, and 0 in others, where it is not computed if that changes nothing else."""
        if is_adversarial is None:
            return loss()
        has_state = bool(self.discriminator.non_trainable_variables)  # which a computation moves
        if has_state or replicas.count() > 1 or tf.executing_eagerly():  # replicas talk to each other outside branches
            return tf.where(is_adversarial, loss(), 0)
        return tf.cond(is_adversarial, loss, lambda: tf.zeros((), keras.backend.floatx()))

    # ----------------------------------------------------------------------------------------------------------- data

    @property
    def data_condition(self):
        return dataclasses.replace(super().data_condition, are_sources=True)

    def prepared(self, dataset):
        """Pairs as they are; pictures without sources with those that `degradation` makes of them."""
        if isinstance(dataset, data.UnpairedDataset):
            raise InputError(
                f"Expected pairs of pictures. Received: {dataset}, whose sources and targets do not belong together. "
                "Train CycleGAN on them, or load pairs, as by data='twemoji' with sources='noto'."
            )
        if dataset.example_shape != self.example_shape:
            return dataset  # which `check_dataset` refuses
        return data.with_sources(dataset, self.condition.shape, self.degradation(), self.seed)

    def degradation(self) -> data.Degradation | None:
        """What makes sources of pictures that have none; None if nothing does."""
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.adversarial_loss),
            "adversarial_weight": self.adversarial_weight,
            "content": self.content,
            "content_weight": self.content_weight,
            "discriminator_weight": self.discriminator_weight,
            "pretrain_steps": self.pretrain_steps,
        }
