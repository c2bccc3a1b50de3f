"""The variational autoencoder of Kingma and Welling (2013): no GAN, but what GANs are compared with."""

import math

import keras
import tensorflow as tf

from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.game.checks import check_networks, parts_of
from keras_gan_zoo.game.encoding import EncoderSampler
from keras_gan_zoo.game.for_images import ForImages
from keras_gan_zoo.game.model import GameModel
from keras_gan_zoo.game.presets import AsPreset

PARTS = ("encoder", "decoder")
LIKELIHOODS = ("gaussian", "bernoulli")


@keras.saving.register_keras_serializable("keras_gan_zoo")
class VAE(EncoderSampler, ForImages, AsPreset, GameModel):
    r"""Variational autoencoder (Kingma and Welling, 2013): the likelihood of examples, bounded from below.

    It has one player, an autoencoder, and no discriminator. The decoder gives the distribution $p(x|z)$ of examples
    made from noise z, the encoder approximates that of the noise they were made from, $q(z|x) = N(\mu(x),
    \sigma^2(x))$. Both descend the negative evidence lower bound (ELBO), with one z drawn for each example:

    $$-\log p(x) \le E_{q(z|x)}[-\log p(x|z)] + D_{KL}(q(z|x) \| N(0, I))$$

    Training and `evaluate` log this bound as `loss`, and its two terms as `reconstruction` and `kl`, all in nats per
    example, sums over its pixels. The noise of a step is a function of the seed, the step and the position in the
    batch; that of `evaluate` is never used in training.

    Args:
        autoencoder: Keras model of the parts `encoder`, from examples to the means and then the log variances of codes
            (batch, 2 * latent_dim), and `decoder`, from noise (batch, latent_dim) to the means of examples, as
            `networks.joined` makes it. Images are channels last in [-1, 1].
        likelihood: The distribution of examples around what the decoder makes: "gaussian", or for images "bernoulli",
            whose probabilities are pixels scaled to 0 to 1. The latter suits black and white; for grey levels, the
            bound is not that of a density.
        stddev: Standard deviation of the Gaussian. With 1, the reconstruction is half the squared error, but for a
            constant; a smaller one weighs it more.
        seed: Fixes the noise and the order of the data; drawn if None, and kept in the config.
        **kwargs: `name`, and other arguments of `keras.Model`.

    Raises:
        InputError: If the parts do not fit each other, or an argument is out of range.

    Example:
        ```python
        vae = kgz.VAE.for_images((28, 28, 1), latent_dim=20, likelihood="bernoulli")
        vae.compile()
        vae.fit(images, batch_size=100, epochs=20)
        vae.sample(16, seed=0)                      # the means of p(x|z), for z of N(0, I)
        vae.reconstruct(images[:8])
        vae.evaluate(held_out, return_dict=True)    # {"loss": ..., "reconstruction": ..., "kl": ...}
        ```
    """

    logged = ("loss", "reconstruction", "kl")
    parts = PARTS
    has_discriminator = False
    condition = num_classes = class_names = ema_generator = None
    autoencoder: keras.Model

    def __init__(
        self,
        autoencoder: keras.Model,
        *,
        likelihood: str = "gaussian",
        stddev: float = 1.0,
        seed: int | None = None,
        **kwargs,
    ):
        self.check_parts(autoencoder)
        super().__init__({"autoencoder": autoencoder}, seed=seed, **kwargs)
        if likelihood not in LIKELIHOODS:
            raise unknown("likelihood", likelihood, LIKELIHOODS)
        if likelihood == "bernoulli" and len(self.example_shape) != 3:
            raise InputError(
                "Expected images for likelihood='bernoulli', whose probabilities are pixels. Received: examples "
                f"{self.example_shape}. Leave it out, for 'gaussian'."
            )
        check_number("stddev", stddev, low=0, above=True)
        if likelihood == "bernoulli" and stddev != 1:
            raise InputError(
                f"Expected no stddev with likelihood='bernoulli', which has none. Received: {stddev}. Leave it out."
            )
        self.likelihood, self.stddev = likelihood, stddev

    @staticmethod
    def check_parts(autoencoder: keras.Model) -> None:
        """Raises an `InputError` if an encoder and a decoder do not fit together."""
        check_networks({"autoencoder": autoencoder})
        encoder, decoder = parts_of("autoencoder", autoencoder, PARTS)
        noise, example = (tuple(tensor.shape[1:]) for tensor in decoder.inputs + decoder.outputs)
        received = [tuple(tensor.shape[1:]) for tensor in encoder.inputs + encoder.outputs]
        if len(noise) != 1 or received != [example, (2 * noise[0],)]:
            raise InputError(
                f"Expected an encoder from the examples of the decoder, {example}, to two numbers, a mean and a log "
                f"variance, for each one of its noise, {noise}. Received: {received[0]} to {received[1]}. Change their "
                "shapes."
            )

    @staticmethod
    def paper_networks(shape):
        if len(shape) == 3:
            return {"architecture": "vae"}
        return {"architecture": "vae_mlp"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 1e-3, which has replaced the paper's Adagrad, whose rate was found by trial."""
        return keras.optimizers.Adam(1e-3 if learning_rate is None else learning_rate)

    # -------------------------------------------------------------------------------------------------------- training

    def train_step(self, batch):
        """One step on the negative ELBO, estimated with one code for each example."""
        [(examples, _)] = self.minibatches(batch, 1)
        [noise] = self.normal(1, tf.shape(examples)[0], self.latent_shape)
        with tf.GradientTape() as tape:
            reconstruction, kl = self.negative_elbo(examples, noise)
            loss = reconstruction + kl
        self.descend(self.autoencoder, loss, tape)
        return self.finish_step(loss=loss, reconstruction=reconstruction, kl=kl)

    def negative_elbo(self, examples, noise, training: bool = True) -> tuple:
        """The two terms of the negative ELBO, means over the examples, with codes drawn by standard normal noise."""
        mean, log_variance = tf.split(self.through("encoder", examples, training), 2, axis=-1)
        codes = mean + tf.exp(log_variance / 2) * noise
        log_likelihood = self.log_likelihood(examples, self.through("decoder", codes, training))
        kl = tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - 1 - log_variance, axis=-1) / 2
        return -tf.reduce_mean(log_likelihood), tf.reduce_mean(kl)

    def log_likelihood(self, examples, made):
        """The log likelihood (batch,) of examples, given what the decoder makes."""
        if self.likelihood == "bernoulli":
            tiny = keras.config.epsilon()  # probabilities of 0 and 1 would have no logarithm
            pixels, chances = (examples + 1) / 2, tf.clip_by_value((made + 1) / 2, tiny, 1 - tiny)
            terms = pixels * tf.math.log(chances) + (1 - pixels) * tf.math.log(1 - chances)
        else:
            terms = -tf.square((examples - made) / self.stddev) / 2 - math.log(self.stddev) - math.log(2 * math.pi) / 2
        return tf.reduce_sum(terms, axis=range(1, len(terms.shape)))

    def through(self, part: str, given, training: bool = True):
        """What a part makes; never in half precision."""
        return tf.cast(self.autoencoder.get_layer(part)(given, training=training), keras.backend.floatx())

    def test_step(self, batch):
        """The negative ELBO and its terms in inference mode, on noise that is not used in training."""
        examples, _, size = self.to_evaluate(batch)
        [noise] = self.normal(1, tf.shape(examples)[0], self.latent_shape, self.evaluation_step())
        reconstruction, kl = self.negative_elbo(examples, noise, training=False)
        return self.tracked({"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}, weight=size)

    # ----------------------------------------------------------------------------------------------------------- using

    @property
    def sampling_generator(self) -> keras.Model:
        """The autoencoder: presets keep both of its parts."""
        return self.autoencoder

    @property
    def sampler(self):
        return self.autoencoder.get_layer("decoder")

    def encode(self, examples):
        """The means of the codes of examples, float32 (n, latent_dim); otherwise as `BiGAN.encode`."""
        return super().encode(examples)[:, : self.latent_shape[0]]

    def call(self, inputs, training=False):
        """Examples from noise."""
        return self.sampler(inputs, training=training)

    # ---------------------------------------------------------------------------------------------------------- saving

    def get_config(self):
        config = super().get_config()
        own = {"likelihood": self.likelihood, "stddev": self.stddev, "seed": config["seed"]}
        return {"name": config["name"], **config["players"], **own}

    @classmethod
    def from_config(cls, config):
        check_not_forked()
        return cls(**{**config, "autoencoder": keras.saving.deserialize_keras_object(config["autoencoder"])})
