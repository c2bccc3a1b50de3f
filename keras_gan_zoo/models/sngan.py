"""SNGAN of Miyato et al. (2018): the algorithm of GAN, with a spectrally normalised discriminator."""

import keras

from keras_gan_zoo import losses
from keras_gan_zoo.models.gan import GAN


@keras.saving.register_keras_serializable("keras_gan_zoo")
class SNGAN(GAN):
    r"""Spectrally normalised GAN (Miyato et al., 2018), trained by Algorithm 1 of GAN with the hinge loss.

    Every kernel of the discriminator, as a matrix W, is divided by its largest singular value, so that it makes no
    vector longer:

    $$\bar W = W / \sigma(W), \qquad \sigma(W) = \max_{h \ne 0} \|W h\| / \|h\|$$

    `for_images` normalises the discriminator of any architecture. By default it builds the residual networks of
    `networks.resnet_pair` for images, and perceptrons for vectors. With labels, these networks are those of Miyato and
    Koyama (2018), with a projection in the discriminator. A discriminator of your own is normalised by
    `networks.spectrally_normalized`.

    Args:
        generator: As of `GAN`.
        discriminator: As of `GAN`; not normalised by the constructor.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        discriminator_steps: Discriminator steps per generator step; they must divide the batch size.
        **options: As for `GAN`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.SNGAN.for_images((32, 32, 3), num_classes=10)
        gan.compile()                                                       # Adam, as in the paper
        gan.fit(kgz.data.load("cifar10"), batch_size=320, epochs=50)        # five minibatches of 64
        gan.sample(10)                                                      # the classes in turn
        ```
    """

    spectral_normalization = True

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "hinge",
        discriminator_steps: int = 5,
        **options,
    ):
        super().__init__(generator, discriminator, loss=loss, discriminator_steps=discriminator_steps, **options)

    @staticmethod
    def network_defaults():
        return {"discriminator_normalization": "none"}  # which would undo the bound on the slope

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "resnet" if len(shape) == 3 else "mlp"}

    @staticmethod
    def paper_optimizer(learning_rate: float = 2e-4) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 2e-4, beta 1 of 0 and beta 2 of 0.9. For the paper's decay, give a schedule."""
        return keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.9)
