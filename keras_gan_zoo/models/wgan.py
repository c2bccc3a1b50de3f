"""The Wasserstein GAN of Arjovsky et al. (2017): Algorithm 1, with clipped weights."""

import keras
import tensorflow as tf

from keras_gan_zoo import losses
from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_discriminator_steps
from keras_gan_zoo.game.two_player import TwoPlayerModel

NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.RMSNormalization,
)


class WassersteinModel(TwoPlayerModel):
    """The common base of the two Wasserstein GANs: the loss, the estimate of the distance, the default networks."""

    logged = ("d_loss", "g_loss", "wasserstein")

    def __init__(self, generator: keras.Model, discriminator: keras.Model, *, discriminator_steps: int = 5, **options):
        super().__init__(generator, discriminator, **options)
        check_discriminator_steps(discriminator_steps)
        self.discriminator_steps = discriminator_steps
        self.adversarial_loss = losses.Wasserstein()

    @staticmethod
    def network_defaults():
        return {"discriminator_normalization": "none"}  # the bound is on the slope at one example

    @staticmethod
    def paper_networks(shape):
        if len(shape) == 3:
            return {"architecture": "dcgan"}
        return {"architecture": "mlp"}

    def figures(self, real_scores, fake_scores):
        """The critic's lead, which estimates the Wasserstein-1 distance up to a factor: the bound on its slope."""
        return {"wasserstein": tf.reduce_mean(real_scores) - tf.reduce_mean(fake_scores)}

    def get_config(self):
        return {**super().get_config(), "discriminator_steps": self.discriminator_steps}


@keras.saving.register_keras_serializable("keras_gan_zoo")
class WGAN(WassersteinModel):
    r"""Wasserstein GAN (Arjovsky et al., 2017, Algorithm 1).

    The critic (here as everywhere the `discriminator`) takes `discriminator_steps` steps, each on a fresh minibatch and
    each followed by clipping its weights to [-c, c]; then the generator takes one. The critic's lead, logged as
    `wasserstein`, estimates the Wasserstein-1 distance between data and samples up to a factor that depends on c:

    $$\max_{w \in [-c, c]^l} E_x[f_w(x)] - E_z[f_w(g_\theta(z))]$$

    It falls as samples get better, which the losses of other GANs do not. `for_images` builds the networks of DCGAN
    with a critic without normalisation, or perceptrons for vectors.

    Args:
        generator: Keras model from noise, or [noise, condition], to examples.
        discriminator: The critic: Keras model from examples, or [examples, condition], to raw scores (batch, 1).
        discriminator_steps: Discriminator steps per generator step; they must divide the batch size.
            The paper's n_critic.
        clip: Clipping bound, the paper's c: the largest absolute value of a critic weight, above 0.
        clip_normalization: Whether to clip the scales and offsets (gamma, beta) of the critic's normalisation layers
            too. True is the letter of the algorithm, but a scale of at most 0.01 nearly silences the layer.
        critic_head_start: Whether to train the critic for 100 steps before each of the first 25 generator steps and
            every 500th after, as in the authors' released code. The paper leaves this schedule out.
        **options: `num_classes`, `class_names`, `packing`, `r1`, `r2`, `ema_decay`, `augmentation`, `seed`,
            `name`: see `TwoPlayerModel`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.WGAN.for_images((28, 28, 1))
        gan.compile()                                          # RMSprop, as in the paper
        history = gan.fit(images, batch_size=320, epochs=20)   # five minibatches of 64
        history.history["wasserstein"]                         # the curve to read
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        discriminator_steps: int = 5,
        clip: float = 0.01,
        clip_normalization: bool = True,
        critic_head_start: bool = False,
        **options,
    ):
        super().__init__(generator, discriminator, discriminator_steps=discriminator_steps, **options)
        check_number("clip", clip, low=0, above=True)
        if any(isinstance(layer, keras.layers.SpectralNormalization) for layer in discriminator.layers):
            raise InputError(
                "Expected a critic without spectral normalisation, which would undo the clipping of its weights. "
                "Received: a critic with it. Leave it out, or use WGANGP."
            )
        self.clip, self.clip_normalization, self.critic_head_start = clip, clip_normalization, critic_head_start

    @staticmethod
    def paper_optimizer(learning_rate: float = 5e-5) -> keras.optimizers.Optimizer:
        """RMSprop with the learning rate 5e-5 of Algorithm 1; momentum made the critic unstable (Section 4)."""
        return keras.optimizers.RMSprop(learning_rate)

    def train_step(self, batch):
        """One iteration of Algorithm 1."""
        minibatches = self.minibatches(batch, self.discriminator_steps)
        *noises, last_noise = self.noise(len(minibatches) + 1, tf.shape(minibatches[0][0])[0])

        for (real, condition), noise in zip(minibatches, noises, strict=True):  # n_critic steps
            fake = self.generate(noise, condition)
            with tf.GradientTape() as tape:
                real_scores, fake_scores, penalty = self.judge(real, fake, condition)
                d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
            self.descend(self.discriminator, d_loss, tape)
            for weight in self._clipped_weights():
                weight.assign(tf.clip_by_value(weight, -self.clip, self.clip))

        with tf.GradientTape() as tape:
            g_loss = self.adversarial_loss.generator_loss(self.score(self.generate(last_noise, condition), condition))
        self.descend(self.generator, g_loss, tape, when=self._is_generators_turn())
        return self.finish_step(d_loss=d_loss, g_loss=g_loss, **self.figures(real_scores, fake_scores))

    def _clipped_weights(self) -> list:
        """The weights to clip. They are not kept as an attribute, because Keras would save them with this model."""
        excluded = () if self.clip_normalization else _normalization_weights(self.discriminator)
        return [weight for weight in self.discriminator.trainable_variables if id(weight) not in excluded]

    def _is_generators_turn(self):
        """None if it always is; with a head start, whether the critic has taken enough steps."""
        if not self.critic_head_start:
            return None
        return is_generators_turn(self.step, steps_per_turn=-(-100 // self.discriminator_steps))

    def get_config(self):
        return {
            **super().get_config(),
            "clip": self.clip,
            "clip_normalization": self.clip_normalization,
            "critic_head_start": self.critic_head_start,
        }


def is_generators_turn(step, steps_per_turn: int):
    """Whether the generator takes a step: in the last step of each long turn, and in every step otherwise.

    Generator steps 0 ... 24 and 500, 1000, ... have long turns, of `steps_per_turn` steps.
    """
    start = 25 * steps_per_turn + 475  # steps before generator step 500
    in_period = (step - start) % (steps_per_turn + 499)
    in_first = (step + 1) % steps_per_turn == 0
    return tf.where(step < 25 * steps_per_turn, in_first, tf.logical_or(step < start, in_period >= steps_per_turn - 1))


def _normalization_weights(network: keras.Model) -> set[int]:
    layers = [layer for layer in all_layers(network) if isinstance(layer, NORMALIZATIONS)]
    return {id(weight) for layer in layers for weight in layer.trainable_variables}
