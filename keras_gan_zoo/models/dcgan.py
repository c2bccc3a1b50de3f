"""The deep convolutional GAN of Radford et al. (2015): the algorithm of GAN, with networks that train stably."""

import keras

from keras_gan_zoo.models.gan import GAN


@keras.saving.register_keras_serializable("keras_gan_zoo")
class DCGAN(GAN):
    """Deep convolutional GAN (Radford et al., 2015): architecture and initialisation, trained by Algorithm 1 of GAN.

    `for_images` builds the convolutional pair of `networks.dcgan_pair`, which follows the guidelines of the paper's
    Section 3. Real and generated images are scored as separate batches, so batch normalisation never mixes them.
    Arguments are the same as for `GAN`.

    Example:
        ```python
        gan = kgz.DCGAN.for_images((28, 28, 1))
        gan.compile()
        gan.fit(kgz.data.load("fashion_mnist"), batch_size=128, epochs=20)
        gan.save("dcgan.keras")
        ```
    """

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "dcgan"}

    @staticmethod
    def paper_optimizer(learning_rate: float = 2e-4) -> keras.optimizers.Optimizer:
        """Adam with the learning rate 2e-4 and momentum term 0.5 of the paper's Section 4."""
        return keras.optimizers.Adam(learning_rate, beta_1=0.5)
