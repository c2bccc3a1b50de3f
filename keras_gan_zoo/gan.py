"""The generative adversarial network of Goodfellow et al. (2014): Algorithm 1 as a Keras model."""

import inspect

import keras
import tensorflow as tf

from keras_gan_zoo import losses, networks
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.two_player import TwoPlayerModel


@keras.saving.register_keras_serializable("keras_gan_zoo")
class GAN(TwoPlayerModel):
    r"""Generative adversarial network (Goodfellow et al., 2014, Algorithm 1).

    In each iteration the discriminator takes k steps, each on a fresh minibatch of data and of noise, then the
    generator takes one step on fresh noise:

    $$\min_G \max_D V(D, G) = E_x[\log D(x)] + E_z[\log(1 - D(G(z)))]$$

    The noise of a step is a function of the seed, the step and the position in the batch. The step is saved with the
    weights, so a run can be repeated and continued exactly.

    Args:
        generator: Keras model from noise (batch, latent_dim), or [noise, labels (batch,)], to examples. Images are
            channels last in [-1, 1]; any other shape works too, fed as a `tf.data.Dataset`.
        discriminator: Keras model from examples, or [examples, labels], to raw scores (batch, 1): logits, no sigmoid.
        loss: `"non_saturating"` (default), `"minimax"`, or a `losses.AdversarialLoss`.
        discriminator_steps: k. A batch given to `fit` is cut into k minibatches, so k divides its size.
        simultaneous: If True both players move at once on the same samples, which saves a generator pass per step.
            Needs `discriminator_steps=1`.
        num_classes: Number of classes of the labels, if the networks take labels.
        ema_decay: If given, such as 0.999, a moving average of the generator's weights is kept, which `sample`
            and `predict` use. After step t it decays by the smaller of this and t / (t + 10).
        seed: Fixes the noise and the order of the data; drawn if None, and kept in the config.
        **kwargs: `name`, and other arguments of `keras.Model`.

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

    build_networks = staticmethod(networks.maxout_pair)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "non_saturating",
        discriminator_steps: int = 1,
        simultaneous: bool = False,
        num_classes: int | None = None,
        ema_decay: float | None = None,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(generator, discriminator, num_classes=num_classes, ema_decay=ema_decay, seed=seed, **kwargs)
        if discriminator_steps < 1 or (simultaneous and discriminator_steps > 1):
            raise InputError(
                "Expected discriminator_steps of at least 1, and exactly 1 for simultaneous updates. Received: "
                f"discriminator_steps={discriminator_steps}, simultaneous={simultaneous}."
            )
        self.adversarial_loss = losses.get(loss)
        self.discriminator_steps = discriminator_steps
        self.simultaneous = simultaneous

    @classmethod
    def for_images(cls, image_shape, latent_dim: int = 100, num_classes: int | None = None, **arguments) -> "GAN":
        """The paper's networks for examples of one shape.

        Args:
            image_shape: (height, width, channels), or (features,) for vectors.
            latent_dim: Number of noise values per example.
            num_classes: If given, both networks take labels 0 ... num_classes - 1.
            **arguments: Of the constructor, and of the network builder in `networks`; `seed` fixes the initial
                weights too.

        Returns:
            The model, not compiled.
        """
        of_networks, of_model = cls._keywords()
        for name in arguments:
            if name not in {*of_networks, *of_model, "name"}:
                raise unknown(f"argument of {cls.__name__}.for_images", name, {*of_networks, *of_model})
        sizes = {name: arguments.pop(name) for name in set(of_networks) & set(arguments) - {"seed"}}
        players = cls.build_networks(tuple(image_shape), latent_dim, num_classes, seed=arguments.get("seed"), **sizes)
        return cls(*players, num_classes=num_classes, **arguments)

    @classmethod
    def default_arguments(cls) -> dict:
        """What `for_images` uses where nothing is given, so that a recipe can say it; without what defaults to None."""
        of_networks, of_model = cls._keywords()
        return {name: default for name, default in {**of_networks, **of_model}.items() if default is not None}

    @classmethod
    def _keywords(cls) -> tuple[dict, dict]:
        """Keyword arguments and their defaults: of the network builder, and of the constructor."""
        signatures = inspect.signature(cls.build_networks), inspect.signature(cls)
        return tuple(
            {
                name: parameter.default
                for name, parameter in signature.parameters.items()
                if parameter.kind.name == "KEYWORD_ONLY"
            }
            for signature in signatures
        )

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

        for (real, labels), noise in zip(minibatches, noises, strict=True):  # k steps
            fake = self.generate(noise, labels)
            with tf.GradientTape() as tape:
                d_loss = self.adversarial_loss.discriminator_loss(self.score(real, labels), self.score(fake, labels))
            self.descend(self.discriminator, d_loss, tape)

        with tf.GradientTape() as tape:
            g_loss = self.adversarial_loss.generator_loss(self.score(self.generate(last_noise, labels), labels))
        self.descend(self.generator, g_loss, tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss)

    def _simultaneous_step(self, batch):
        """Both players descend from the same point, judged on the same samples."""
        [(real, labels)] = self.minibatches(batch, 1)
        [noise] = self.noise(1, tf.shape(real)[0])
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            fake_scores = self.score(self.generate(noise, labels), labels)
            d_loss = self.adversarial_loss.discriminator_loss(self.score(real, labels), fake_scores)
            g_loss = self.adversarial_loss.generator_loss(fake_scores)
        self.descend(self.discriminator, d_loss, d_tape)
        self.descend(self.generator, g_loss, g_tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss)

    def test_step(self, batch):
        """The same two losses in inference mode, on noise that training never sees: that of negative steps."""
        [(real, labels)] = self.minibatches(batch, 1)
        size = tf.shape(real)[0]
        seen = tf.cast(self._trackers["d_loss"].count, self.step.dtype)
        [noise] = self.noise(1, size, step=-1 - seen)
        fake_scores = self.score(self.generate(noise, labels, training=False), labels, training=False)
        d_loss = self.adversarial_loss.discriminator_loss(self.score(real, labels, training=False), fake_scores)
        g_loss = self.adversarial_loss.generator_loss(fake_scores)
        return self._track({"d_loss": d_loss, "g_loss": g_loss}, weight=size)

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.adversarial_loss),
            "discriminator_steps": self.discriminator_steps,
            "simultaneous": self.simultaneous,
        }
