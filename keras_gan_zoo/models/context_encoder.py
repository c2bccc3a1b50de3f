"""Context Encoders of Pathak et al. (2016): holes in pictures are filled."""

from collections.abc import Sequence

import keras

from keras_gan_zoo.core.regions import region_of
from keras_gan_zoo.data import Masked
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.saving import described
from keras_gan_zoo.models.translator import Translator
from keras_gan_zoo.networks.context_encoder import pasted, within


@keras.saving.register_keras_serializable("keras_gan_zoo")
class ContextEncoder(Translator):
    r"""Context Encoder (Pathak et al., 2016): fills a hole in a picture from its surroundings.

    The generator paints the hole. The discriminator sees the hole alone: with its surroundings, it would only look for
    the seam. Within the hole, with M for what it cuts out,

    $$L_G = 0.999 \; \text{MSE}(M(y), G(x)) - 0.001 \log D(G(x))$$

    Both networks become parts of networks of whole pictures. What the generator then makes is the source with another
    hole, and what was in the hole is never looked at: the sources may be the pictures themselves. `l1`, `psnr` and
    `ssim` are those of the hole. The released code weighs the error in a border of the hole ten times as high, which is
    not included.

    Args:
        generator: Keras model from pictures, `keras.Input((height, width, channels))`, to what fills the hole.
        discriminator: Keras model from contents of the hole to raw scores (batch, 1), or to a map of them.
        region: The hole: "centre", half of each side, or (top, left, height, width), also as "8,8,16,16".
        adversarial_weight: Weight of the adversarial loss in the generator's.
        content: Content loss: "l1" for the mean absolute difference, "mse" for the mean squared one.
        content_weight: Weight of the content loss.
        **options: As for `Translator`.

    Raises:
        InputError: If the hole is not within the pictures, the networks do not have its shape, or an argument is out of
            range.

    Example:
        ```python
        model = kgz.ContextEncoder.for_images((32, 32, 3), region=(8, 8, 16, 16))
        model.compile()
        model.fit(photos, batch_size=64, epochs=40)
        model.translate(photos)                                # the same photos with another centre
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        region: str | Sequence[int] = "centre",
        adversarial_weight: float = 1e-3,
        content: str = "mse",
        content_weight: float = 0.999,
        **options,
    ):
        shape = tuple(generator.input_shape[1:])
        hole = region_of(region, shape)
        _check_hole(generator, discriminator, (*hole[2:], shape[-1]))
        weights = {"adversarial_weight": adversarial_weight, "content_weight": content_weight}
        whole = pasted(generator, hole), within(discriminator, hole, shape)
        super().__init__(*whole, content=content, **weights, **options)
        self.region = hole

    @property
    def painter(self) -> keras.Model:
        """The part of the generator that paints the hole."""
        return _part(self.generator)

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "context_encoder"}

    @staticmethod
    def paper_optimizer(learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """Adam with a learning rate of 2e-4 and beta 1 of 0.5. In the paper, that of the generator is 2e-3."""
        return keras.optimizers.Adam(2e-4 if learning_rate is None else learning_rate, beta_1=0.5)

    def compared(self, pictures):
        """What is in the hole."""
        top, left, rows, columns = self.region
        return pictures[:, top : top + rows, left : left + columns]

    def degradation(self):
        """The hole is cut out; see `data.Masked`."""
        return Masked(self.region)

    def get_config(self):
        parts = {"generator": self.painter, "discriminator": _part(self.discriminator)}
        networks = {name: described(name, part) for name, part in parts.items()}
        return {**super().get_config(), **networks, "region": list(self.region)}


def _part(network: keras.Model) -> keras.Model:
    """The network of the hole in one of whole pictures."""
    return next(layer for layer in network.layers if isinstance(layer, keras.Model))


def _check_hole(generator: keras.Model, discriminator: keras.Model, shape: tuple) -> None:
    made, judged = tuple(generator.output_shape[1:]), tuple(discriminator.input_shape[1:])
    if made != shape or judged[:2] != shape[:2]:
        raise InputError(
            f"Expected a generator that makes the hole, {shape}, and a discriminator of it. Received: one that makes "
            f"{made} and one of {judged}. Build both for the hole, as the architecture 'context_encoder' does."
        )
