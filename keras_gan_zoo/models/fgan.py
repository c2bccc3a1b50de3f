"""The f-GAN of Nowozin et al. (2016): any f-divergence, by the single-step gradient method."""

import keras
import tensorflow as tf

from keras_gan_zoo import divergences, losses
from keras_gan_zoo.game.two_player import TwoPlayerModel


@keras.saving.register_keras_serializable("keras_gan_zoo")
class FGAN(TwoPlayerModel):
    r"""f-GAN (Nowozin et al., 2016): variational divergence minimisation by the single-step gradient method.

    Any f-divergence between data P and samples Q has a lower bound that a discriminator V can raise:

    $$D_f(P \| Q) \geq F = E_P[g_f(V(x))] + E_Q[-f^*(g_f(V(x)))]$$

    with the output activation $g_f$ and the conjugate $f^*$ of the divergence. One step moves the discriminator up and
    the generator down the gradient of F, both from the same point (the paper's Algorithm 1). F is logged as
    `divergence`. A score s says "real" where $g_f(s)$ exceeds the divergence's `threshold` $f'(1)$.

    `for_images` builds the perceptrons of the paper, or plain ones for vectors; for convolutions ask for
    `architecture="dcgan"`.

    Args:
        generator: Keras model from noise, or [noise, condition], to examples.
        discriminator: The paper's variational function before its output activation: Keras model from examples, or
            [examples, condition], to raw scores (batch, 1).
        divergence: A key of `divergences.F_DIVERGENCES`. Or an `FDivergence` of your own.
        generator_objective: Objective of the generator: `"minimax"`, as printed in the paper, or `"non_saturating"`,
            its practical variant. With the first, the generator minimises F, that is its part $-E_Q[f^*(g_f(V))]$; with
            the second, of Section 3.2, it maximises $E_Q[g_f(V)]$, which gives it strong gradients from the start.
            Where the generator cannot reach the data, the two have different fixed points, and only the first minimises
            the divergence.
        alpha: Parameter of the divergence `"alpha"`, above 0 and not 1; None for 0.5.
        weight: Parameter of the divergence `"weighted_jensen_shannon"`, between 0 and 1; None for 0.5.
        **options: `num_classes`, `class_names`, `packing`, `r1`, `r2`, `ema_decay`, `augmentation`, `seed`,
            `name`: see `TwoPlayerModel`.

    Raises:
        InputError: If the networks do not fit each other, or an argument is out of range.

    Example:
        ```python
        gan = kgz.FGAN.for_images((28, 28, 1), divergence="pearson")
        gan.compile()
        history = gan.fit(images, batch_size=128, epochs=20)
        history.history["divergence"]
        ```
    """

    logged = ("d_loss", "g_loss", "divergence")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        divergence: str | divergences.FDivergence = "jensen_shannon",
        generator_objective: str = "minimax",
        alpha: float | None = None,
        weight: float | None = None,
        **options,
    ):
        super().__init__(generator, discriminator, **options)
        self.divergence = divergences.get(divergence, alpha=alpha, weight=weight)
        self.adversarial_loss = losses.Variational(self.divergence, generator_objective)

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "elu" if len(shape) == 3 else "mlp"}

    @staticmethod
    def paper_optimizer(learning_rate: float = 2e-4) -> keras.optimizers.Optimizer:
        """Adam with the learning rate 2e-4 and beta 1 of 0.5."""
        return keras.optimizers.Adam(learning_rate, beta_1=0.5)

    def train_step(self, batch):
        """The single-step gradient method: both players move from the same point, judged on the same samples."""
        [(real, condition)] = self.minibatches(batch, 1)
        [noise] = self.noise(1, tf.shape(real)[0])
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            real_scores, fake_scores, penalty = self.judge(real, self.generate(noise, condition), condition)
            d_loss = self.adversarial_loss.discriminator_loss(real_scores, fake_scores) + penalty
            g_loss = self.adversarial_loss.generator_loss(fake_scores)
        self.descend(self.discriminator, d_loss, d_tape)
        self.descend(self.generator, g_loss, g_tape)
        return self.finish_step(d_loss=d_loss, g_loss=g_loss, **self.figures(real_scores, fake_scores))

    def figures(self, real_scores, fake_scores):
        """The variational bound F."""
        return {"divergence": self.adversarial_loss.bound(real_scores, fake_scores)}

    def get_config(self):
        return {
            **super().get_config(),
            "divergence": keras.saving.serialize_keras_object(self.divergence),
            "generator_objective": self.adversarial_loss.generator_objective,
        }
