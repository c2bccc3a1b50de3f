"""BigGAN of Brock et al. (2019): the algorithm of GAN, with orthogonal regularisation of the generator."""

import keras

from keras_gan_zoo import losses, penalties
from keras_gan_zoo.core.bounds import check_number
from keras_gan_zoo.models.gan import GAN
from keras_gan_zoo.networks.parts import CLASS_VECTORS


@keras.saving.register_keras_serializable("keras_gan_zoo")
class BigGAN(GAN):
    r"""BigGAN (Brock et al., 2019), trained by Algorithm 1 of GAN with the hinge loss.

    The generator also minimises, for each of its kernels as a matrix W, how far the columns are from being orthogonal.
    Their lengths do not matter:

    $$L_G = -E[D(G(z))] + \beta \sum_W \|W^T W \odot (1 - I)\|_F^2$$

    `for_images` normalises both networks spectrally, as those of `SNGAN`, whatever the architecture. By default it
    builds the networks of `networks.biggan_pair` for images, and perceptrons for vectors. Networks of your own are
    normalised by `networks.spectrally_normalized`.

    Samples come from an averaged generator. `sample(truncation=0.5)` draws large noise values again, for samples that
    are more typical and vary less. `standing_statistics` replaces the statistics of batch normalisation by those of
    many samples.

    Args:
        generator: As of `GAN`; not normalised by the constructor.
        discriminator: As of `GAN`; not normalised by the constructor.
        loss: A key of `losses.LOSSES`. Or a `losses.AdversarialLoss`.
        discriminator_steps: Discriminator steps per generator step; they must divide the batch size.
        orthogonal_regularization: Weight of the orthogonal regularisation of the generator's kernels, the paper's beta;
            0 for none. It is left out in `evaluate`.
        ema_decay: Decay of the moving average of the generator's weights; None for none.
        **options: As for `GAN`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.BigGAN.for_images((32, 32, 3), num_classes=10)
        gan.compile()                                                       # Adam, as in the paper
        gan.fit(kgz.data.load("cifar10"), batch_size=128, epochs=50)        # two minibatches of 64
        gan.standing_statistics(truncation=0.5)
        gan.sample(10, truncation=0.5)                                      # the classes in turn
        ```
    """

    spectral_normalization = True
    normalizes_generator = True

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str | losses.AdversarialLoss = "hinge",
        discriminator_steps: int = 2,
        orthogonal_regularization: float = 1e-4,
        ema_decay: float | None = 0.9999,
        **options,
    ):
        fixed = {"loss": loss, "discriminator_steps": discriminator_steps, "ema_decay": ema_decay}
        super().__init__(generator, discriminator, **fixed, **options)
        check_number("orthogonal_regularization", orthogonal_regularization, low=0)
        self.orthogonal_regularization = orthogonal_regularization

    @staticmethod
    def network_defaults():
        return {"discriminator_normalization": "none"}  # which would undo the bound on the slope

    @staticmethod
    def paper_networks(shape):
        attention = {"attention": 64} if len(shape) == 3 and min(shape[:2]) == 128 else {}
        return {"architecture": "biggan" if len(shape) == 3 else "mlp", **attention}

    @staticmethod
    def paper_optimizer(learning_rate: float = 2e-4) -> keras.optimizers.Optimizer:
        """Adam with beta 1 of 0 and beta 2 of 0.999. In `compile`, the generator has a learning rate of 5e-5."""
        return keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.999)

    @classmethod
    def default_optimizer(cls, player):
        """`paper_optimizer` with a learning rate of 5e-5 for the generator, and of 2e-4 for the discriminator."""
        return cls.paper_optimizer(5e-5 if player == "generator" else 2e-4)

    def generator_penalty(self):
        """The orthogonal regularisation of all kernels of the generator, but not of its class vectors."""
        if not self.orthogonal_regularization:
            return 0.0
        weights = self.generator.trainable_variables
        kernels = [weight for weight in weights if weight.name == "kernel" and CLASS_VECTORS not in weight.path]
        return self.orthogonal_regularization * sum(penalties.orthogonal(kernel) for kernel in kernels)

    def get_config(self):
        return {**super().get_config(), "orthogonal_regularization": self.orthogonal_regularization}
