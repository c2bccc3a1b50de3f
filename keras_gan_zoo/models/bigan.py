"""BiGAN of Donahue et al. (2016): a GAN that learns to encode examples too."""

import keras
import tensorflow as tf

from keras_gan_zoo import losses
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_networks, check_raw_scores, parts_of
from keras_gan_zoo.game.encoding import EncoderSampler
from keras_gan_zoo.game.two_player import TwoPlayerModel

PARTS = ("generator", "encoder")


@keras.saving.register_keras_serializable("keras_gan_zoo")
class BiGAN(EncoderSampler, TwoPlayerModel):
    r"""Bidirectional GAN (Donahue et al., 2016), also known as ALI (Dumoulin et al., 2016).

    Besides the generator G, an encoder E learns the way back, from examples to noise. The discriminator judges pairs:
    an example with its code, or noise with what is made of it:

    $$\min_{G, E} \max_D E_x[\log D(x, E(x))] + E_z[\log(1 - D(G(z), z))]$$

    At the optimum, E inverts G. Generator and encoder are one player. As in the papers, it descends the
    discriminator's loss with the labels exchanged, and both players move at once, by one pass through all networks:

    $$L_{G, E} = -E_x[\log(1 - D(x, E(x)))] - E_z[\log D(G(z), z)]$$

    Other losses are exchanged likewise, so "minimax" is here the same as "non_saturating". The encoder has no noise of
    its own, as in BiGAN; that of ALI has some.

    Args:
        generator: Keras model of the parts `generator`, from noise (batch, latent_dim) to examples, and `encoder`, from
            examples to codes (batch, latent_dim), as `networks.joined` makes it: one player of two networks.
        discriminator: Keras model from [examples, codes] to raw scores (batch, 1), or to maps of them.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        **options: `packing`, `r1`, `r2`, `ema_decay`, `augmentation`, `seed`, `name`: see `TwoPlayerModel`. The slopes
            of `r1` and `r2` are those with respect to the examples. Only the discriminator sees augmented images.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        bigan = kgz.BiGAN.for_images((28, 28, 1), latent_dim=50)
        bigan.compile()
        bigan.fit(images, batch_size=128, epochs=50)
        codes = bigan.encode(images[:8])              # float32 (8, 50)
        again = bigan.reconstruct(images[:8])         # float32 (8, 28, 28, 1) in [-1, 1]
        bigan.sample(16, seed=0)
        ```
    """

    parts = PARTS

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "non_saturating",
        **options,
    ):
        given = [name for name in ("num_classes", "class_names") if options.get(name) is not None]
        if given:
            raise InputError(f"Expected no {given[0]}, because BiGAN takes no classes. Received one. Leave it out.")
        super().__init__(generator, discriminator, **options)
        self.adversarial_loss = losses.get(loss)

    @staticmethod
    def check_players(generator, discriminator, packing=1):
        check_networks({"generator": generator, "discriminator": discriminator})
        decoder, encoder = parts_of("generator", generator, PARTS)
        code, example = _shapes(decoder.inputs + decoder.outputs)
        expected = [example, code, *((*shape[:-1], packing * shape[-1]) for shape in (example, code))]
        received = _shapes(encoder.inputs + encoder.outputs + discriminator.inputs)
        if received != expected or len(discriminator.outputs) != 1:
            raise InputError(
                f"Expected an encoder from {example} to {code}, because the generator is from {code} to {example}, and "
                f"a discriminator of {' and '.join(map(str, expected[2:]))} with packing={packing}, with one output. "
                f"Received: {' to '.join(map(str, received[:2]))}, and {' and '.join(map(str, received[2:]))}, with "
                f"{len(discriminator.outputs)} outputs. Change their shapes."
            )
        check_raw_scores(discriminator)

    @staticmethod
    def paper_networks(shape):
        if len(shape) == 3:
            return {"architecture": "bigan"}
        return {"architecture": "bigan_mlp"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with beta 1 of 0.5 and a learning rate of 2e-4, which the authors let fall in the second half."""
        return keras.optimizers.Adam(2e-4 if learning_rate is None else learning_rate, beta_1=0.5)

    # -------------------------------------------------------------------------------------------------------- training

    def train_step(self, batch):
        """One step of both players from the same scores."""
        [(real, _)] = self.minibatches(batch, 1)
        [noise] = self.noise(1, tf.shape(real)[0])
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            real_scores, fake_scores, penalty = self.judge_pairs(real, noise)
            d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
            g_loss = self.adversarial_loss.discriminator_loss(fake_scores, real_scores)  # the labels are exchanged
        self.descend(self.discriminator, d_loss, d_tape)
        self.descend(self.generator, g_loss, g_tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss)

    def judge_pairs(self, real, noise, training: bool = True) -> tuple:
        """Scores of examples with their codes, and of what is made of noise with the noise, and the penalties."""
        codes, fake = self.through("encoder", real, training), self.through("generator", noise, training)
        real_scores, real_penalty = self._penalised(real, codes, self.r1, training)
        fake_scores, fake_penalty = self._penalised(fake, noise, self.r2, training)
        return real_scores, fake_scores, real_penalty + fake_penalty

    def through(self, part: str, given, training: bool = True):
        """What a part makes, in training rather than its average; never in half precision."""
        return tf.cast(self.generator.get_layer(part)(given, training=training), keras.backend.floatx())

    def generate(self, noise, condition=None, training: bool = True):
        """Examples from noise."""
        return self.through("generator", noise, training)

    def _both_scores(self, real, noise, condition) -> tuple:
        return self.judge_pairs(real, noise, training=False)[:2]

    def test_step(self, batch):
        """Both losses in inference mode, without penalties, on noise that is not used in training."""
        real, _, size = self.to_evaluate(batch)
        [noise] = self.noise(1, tf.shape(real)[0], self.evaluation_step())
        real_scores, fake_scores, _ = self.judge_pairs(real, noise, training=False)
        d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores)
        g_loss = self.adversarial_loss.discriminator_loss(fake_scores, real_scores)
        return self.tracked({"d_loss": d_loss, "g_loss": g_loss}, weight=size)

    # ----------------------------------------------------------------------------------------------------------- using

    @property
    def sampler(self):
        return self.sampling_generator.get_layer("generator")

    @property
    def condition(self):
        return None

    @property
    def data_condition(self):
        return None

    def get_config(self):
        return {**super().get_config(), "loss": keras.saving.serialize_keras_object(self.adversarial_loss)}


def _shapes(tensors) -> list[tuple[int, ...]]:
    return [tuple(tensor.shape[1:]) for tensor in tensors]
