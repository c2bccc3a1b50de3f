"""pix2pix of Isola et al. (2017): pictures to pictures, learned from pairs."""

import keras

from keras_gan_zoo.models.translator import Translator


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Pix2Pix(Translator):
    r"""pix2pix (Isola et al., 2017): a U-Net, judged patch by patch together with its source.

    $$\min_G \max_D \; E[\log D(y, x)] + E[\log(1 - D(G(x), x))] + \lambda E[\| y - G(x) \|_1]$$

    The absolute difference, with a weight of 100, makes the picture right in the large, and the discriminator of
    patches makes it sharp in the small. The discriminator's loss is halved, to slow it down.

    Args:
        generator: As of `Translator`.
        discriminator: As of `Translator`; that of the paper takes [pictures, sources] and returns a map of scores.
        content_weight: Weight of the content loss, the paper's lambda.
        discriminator_weight: Weight of the discriminator's loss.
        **options: As for `Translator`.

    Raises:
        InputError: If the generator takes anything but pictures, or an argument is out of range.

    Example:
        ```python
        emoji = kgz.data.load("openmoji")                      # line art and colour
        model = kgz.Pix2Pix.for_images((64, 64, 3), source_shape=(64, 64, 1))
        model.compile()
        model.fit(emoji, batch_size=8, epochs=100)             # or fit(sources, targets)
        model.translate(drawings)                              # float32 (n, 64, 64, 3) in [-1, 1]
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        content_weight: float = 100.0,
        discriminator_weight: float = 0.5,
        **options,
    ):
        weights = {"content_weight": content_weight, "discriminator_weight": discriminator_weight}
        super().__init__(generator, discriminator, **weights, **options)

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "unet"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 2e-4 and beta 1 of 0.5."""
        return keras.optimizers.Adam(2e-4 if learning_rate is None else learning_rate, beta_1=0.5)
