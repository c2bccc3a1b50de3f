"""The generative adversarial network of Goodfellow et al. (2014): Algorithm 1 as a Keras model."""

import keras
import tensorflow as tf

from keras_gan_zoo import losses
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_discriminator_steps
from keras_gan_zoo.game.two_player import TwoPlayerModel


@keras.saving.register_keras_serializable("keras_gan_zoo")
class GAN(TwoPlayerModel):
    r"""Generative adversarial network (Goodfellow et al., 2014, Algorithm 1).

    In each iteration the discriminator takes k steps, each on a fresh minibatch of data and of noise, then the
    generator takes one step on fresh noise:

    $$\min_G \max_D V(D, G) = E_x[\log D(x)] + E_z[\log(1 - D(G(z)))]$$

    The noise of a step is a function of the seed, the step and the position in the batch. The step is saved with the
    weights, so a run can be repeated and continued exactly.

    Args:
        generator: Keras model from noise (batch, latent_dim), or [noise, condition], to examples. Images are
            channels last in [-1, 1]; any other shape works too, fed as a `tf.data.Dataset`.
        discriminator: Keras model from examples, or [examples, condition], to raw scores (batch, 1): logits, no
            sigmoid.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        discriminator_steps: Discriminator steps per generator step; they must divide the batch size.
            The paper's k: a batch given to `fit` is cut into k minibatches.
        simultaneous: Whether to update both networks at once on the same samples, which saves a generator pass per
            step. Needs `discriminator_steps=1`.
        **options: `num_classes`, `class_names`, `packing`, `r1`, `r2`, `ema_decay`, `augmentation`, `seed`,
            `name`: see `TwoPlayerModel`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.GAN.for_images((28, 28, 1))
        gan.compile()
        gan.fit(images, batch_size=100, epochs=50)     # uint8, or float32 in [-1, 1]
        gan.sample(16, seed=0)                         # float32 (16, 28, 28, 1) in [-1, 1]
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "non_saturating",
        discriminator_steps: int = 1,
        simultaneous: bool = False,
        **options,
    ):
        super().__init__(generator, discriminator, **options)
        check_discriminator_steps(discriminator_steps)
        if simultaneous and discriminator_steps > 1:
            raise InputError(
                "Expected discriminator_steps=1 for simultaneous updates. Received: "
                f"discriminator_steps={discriminator_steps}. Leave one of the two out."
            )
        self.adversarial_loss = losses.get(loss)
        self.discriminator_steps = discriminator_steps
        self.simultaneous = simultaneous

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "maxout"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Momentum SGD as in the released MNIST model: the rate falls from 0.1 by a factor 1.000004 with each step."""
        falling = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=250_000, decay_rate=1.000004**-250_000)
        return keras.optimizers.SGD(falling if learning_rate is None else learning_rate, momentum=0.5)

    def train_step(self, batch):
        """One iteration of Algorithm 1."""
        if self.simultaneous:
            return self._simultaneous_step(batch)
        minibatches = self.minibatches(batch, self.discriminator_steps)
        *noises, last_noise = self.noise(len(minibatches) + 1, tf.shape(minibatches[0][0])[0])

        for (real, condition), noise in zip(minibatches, noises, strict=True):  # k steps
            fake = self.generate(noise, condition)
            with tf.GradientTape() as tape:
                real_scores, fake_scores, penalty = self.judge(real, fake, condition)
                d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
            self.descend(self.discriminator, d_loss, tape)

        with tf.GradientTape() as tape:
            fake_scores = self.score(self.generate(last_noise, condition), condition)
            g_loss = self.generator_loss(fake_scores, lambda: self.score(real, condition)) + self.generator_penalty()
        self.descend(self.generator, g_loss, tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss)

    def _simultaneous_step(self, batch):
        """Both players descend from the same point, judged on the same samples."""
        [(real, condition)] = self.minibatches(batch, 1)
        [noise] = self.noise(1, tf.shape(real)[0])
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            real_scores, fake_scores, penalty = self.judge(real, self.generate(noise, condition), condition)
            d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
            g_loss = self.generator_loss(fake_scores, lambda: real_scores) + self.generator_penalty()
        self.descend(self.discriminator, d_loss, d_tape)
        self.descend(self.generator, g_loss, g_tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss)

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.adversarial_loss),
            "discriminator_steps": self.discriminator_steps,
            "simultaneous": self.simultaneous,
        }
