"""R3GAN of Huang et al. (2024): the algorithm of GAN, with a relativistic loss and penalties on both sides."""

import keras

from keras_gan_zoo import losses
from keras_gan_zoo.models.gan import GAN


@keras.saving.register_keras_serializable("keras_gan_zoo")
class R3GAN(GAN):
    r"""Regularised relativistic GAN (Huang et al., 2024), trained by Algorithm 1 of GAN with k = 1.

    The discriminator D scores real examples higher than generated ones beside them, and has a small slope at both. With
    $f(t) = \log(1 + e^{-t})$, the players minimise

    $$L_D = E[f(D(x) - D(G(z)))] + \tfrac{\gamma}{2} E\|\nabla D(x)\|^2 + \tfrac{\gamma}{2} E\|\nabla D(G(z))\|^2$$

    $$L_G = E[f(D(G(z)) - D(x))]$$

    By default, `for_images` builds the networks of `networks.r3gan_pair` for images, and perceptrons for vectors.

    Args:
        generator: As of `GAN`.
        discriminator: As of `GAN`.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        r1: Weight $\gamma$ of the gradient penalty at real examples, a number or a schedule.
        r2: Weight $\gamma$ of the gradient penalty at generated examples, a number or a schedule.
        ema_decay: Decay of the moving average of the generator's weights; None for none.
        **options: As for `GAN`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.R3GAN.for_images((32, 32, 3), num_classes=10, augmentation="colour,translation,cutout")
        gan.compile()
        gan.fit(kgz.data.load("cifar10"), batch_size=64, epochs=50)
        gan.sample(10)                                                      # the classes in turn
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "relativistic",
        r1: float | keras.optimizers.schedules.LearningRateSchedule = 0.1,
        r2: float | keras.optimizers.schedules.LearningRateSchedule = 0.1,
        ema_decay: float | None = 0.999,
        **options,
    ):
        super().__init__(generator, discriminator, loss=loss, r1=r1, r2=r2, ema_decay=ema_decay, **options)

    @staticmethod
    def network_defaults():
        return {"discriminator_normalization": "none"}  # penalties are on the slope at one example

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "r3gan" if len(shape) == 3 else "mlp"}

    @staticmethod
    def paper_optimizer(learning_rate: float = 2e-4) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 2e-4, beta 1 of 0 and beta 2 of 0.99.

        In the released code, the learning rate falls to 5e-5 and beta 2 rises from 0.9 to 0.99, both along a cosine. In
        Keras, beta 2 is a constant. Its last value averages over about 100 steps, of which even short runs have many,
        and its first one over 10. For a learning rate that falls, give a schedule.
        """
        return keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.99)
