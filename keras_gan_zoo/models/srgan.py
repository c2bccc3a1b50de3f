"""SRGAN of Ledig et al. (2017): small pictures to large ones."""

import keras

from keras_gan_zoo.data import Downscaled
from keras_gan_zoo.models.translator import Translator


@keras.saving.register_keras_serializable("keras_gan_zoo")
class SRGAN(Translator):
    r"""SRGAN (Ledig et al., 2017): enlarges pictures, with details that look real.

    Of all large pictures that a small one may come from, the mean squared error prefers their mean, which is blurred.
    The discriminator, which sees only large pictures, prefers one of them:

    $$L_G = \text{MSE}(y, G(x)) - 10^{-3} \log D(G(x))$$

    The first steps train the generator by the squared error alone. `pretrain_steps` larger than the number of all steps
    makes the paper's SRResNet, which has the better peak signal-to-noise ratio, and the worse details. The loss of
    ESRGAN (Wang et al., 2018) is `loss="relativistic_average"`. The paper's loss on features of VGG is not included.

    Args:
        generator: As of `Translator`, from small pictures to large ones.
        discriminator: As of `Translator`; that of the paper takes large pictures only.
        adversarial_weight: Weight of the adversarial loss in the generator's.
        content: Content loss: "l1" for the mean absolute difference, "mse" for the mean squared one.
        content_weight: Weight of the content loss.
        pretrain_steps: Number of first steps on the content loss alone.
        **options: As for `Translator`.

    Raises:
        InputError: If the generator takes anything but pictures, or an argument is out of range.

    Example:
        ```python
        model = kgz.SRGAN.for_images((32, 32, 3), scale=2)
        model.compile()
        model.fit(kgz.data.load("cifar10"), epochs=20)         # which are scaled down; or fit(small, large)
        model.translate(small)                                 # float32 (n, 32, 32, 3) in [-1, 1]
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        adversarial_weight: float = 1e-3,
        content: str = "mse",
        content_weight: float = 1.0,
        pretrain_steps: int = 1000,
        **options,
    ):
        weights = {"adversarial_weight": adversarial_weight, "content_weight": content_weight}
        super().__init__(generator, discriminator, content=content, pretrain_steps=pretrain_steps, **weights, **options)

    def degradation(self):
        """Pictures are scaled down, if those that are made are larger; see `data.Downscaled`."""
        factor = self.example_shape[0] // self.condition.shape[0]
        return Downscaled(factor) if factor > 1 else None

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "srresnet"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 1e-4; the paper's last 1e5 steps, at a tenth of it, need a schedule."""
        return keras.optimizers.Adam(1e-4 if learning_rate is None else learning_rate)
