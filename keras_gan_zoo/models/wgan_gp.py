"""The Wasserstein GAN with gradient penalty of Gulrajani et al. (2017): Algorithm 1."""

import keras
import tensorflow as tf

from keras_gan_zoo import penalties
from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.models.wgan import WassersteinModel


@keras.saving.register_keras_serializable("keras_gan_zoo")
class WGANGP(WassersteinModel):
    r"""Wasserstein GAN with gradient penalty (Gulrajani et al., 2017, Algorithm 1).

    Instead of clipping its weights, the critic (the `discriminator`) is held to a slope of 1 at random points
    $\hat x = \epsilon x + (1 - \epsilon) \tilde x$ between real examples x and generated ones:

    $$L = E[D(\tilde x)] - E[D(x)] + \lambda \, E[(\|\nabla_{\hat x} D(\hat x)\|_2 - 1)^2]$$

    The critic's lead, logged as `wasserstein`, estimates the Wasserstein-1 distance between data and samples.
    `for_images` builds the networks of DCGAN with a critic without normalisation, or perceptrons for vectors; batch
    normalisation in the critic would make the slope at one example depend on the others.

    Args:
        generator: Keras model from noise, or [noise, condition], to examples.
        discriminator: The critic: Keras model from examples, or [examples, condition], to raw scores (batch, 1).
        discriminator_steps: Discriminator steps per generator step; they must divide the batch size.
            The paper's n_critic.
        penalty_weight: Weight of the gradient penalty, the paper's lambda, at least 0.
        one_sided: Whether to penalise only gradient norms above 1.
        **options: `num_classes`, `class_names`, `packing`, `r1`, `r2`, `ema_decay`, `augmentation`, `seed`,
            `name`: see `TwoPlayerModel`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.WGANGP.for_images((28, 28, 1), discriminator_normalization="layer")
        gan.compile()                                # Adam, as in the paper
        gan.fit(images, batch_size=320, epochs=20)   # five minibatches of 64
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        discriminator_steps: int = 5,
        penalty_weight: float = 10.0,
        one_sided: bool = False,
        **options,
    ):
        super().__init__(generator, discriminator, discriminator_steps=discriminator_steps, **options)
        check_number("penalty_weight", penalty_weight, low=0)
        self.penalty_weight, self.one_sided = penalty_weight, one_sided

    @staticmethod
    def paper_optimizer(learning_rate: float = 1e-4) -> keras.optimizers.Optimizer:
        """Adam with the learning rate 1e-4, beta 1 of 0 and beta 2 of 0.9 of Algorithm 1."""
        return keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.9)

    def train_step(self, batch):
        """One iteration of Algorithm 1."""
        minibatches = self.minibatches(batch, self.discriminator_steps)
        k, rows = len(minibatches), tf.shape(minibatches[0][0])[0]
        *noises, last_noise = self.noise(k + 1, rows)

        for (real, condition), noise, epsilon in zip(minibatches, noises, self.uniform(k, rows), strict=True):
            fake = self.generate(noise, condition)
            with tf.GradientTape() as tape:
                real_scores, fake_scores, penalty = self.judge(real, fake, condition)
                penalty += self.penalty_weight * self.gradient_penalty(real, fake, condition, epsilon)
                d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
            self.descend(self.discriminator, d_loss, tape)

        with tf.GradientTape() as tape:
            g_loss = self.adversarial_loss.generator_loss(self.score(self.generate(last_noise, condition), condition))
        self.descend(self.generator, g_loss, tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss, **self.figures(real_scores, fake_scores))

    def gradient_penalty(self, real, fake, condition, epsilon):
        """How far the critic's slope is from 1 at points between real and generated examples, in full precision."""
        epsilon = tf.reshape(epsilon, (-1, *[1] * (real.shape.rank - 1)))
        between = epsilon * real + (1 - epsilon) * fake
        _, slope = penalties.slopes(lambda examples: self.score(examples, condition), between)
        return penalties.one_centred(slope, self.one_sided)

    def get_config(self):
        return {**super().get_config(), "penalty_weight": self.penalty_weight, "one_sided": self.one_sided}
