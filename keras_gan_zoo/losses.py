r"""Adversarial losses on raw scores: two methods each, a scalar mean each.

A score is the discriminator's output before any sigmoid, so $D(x) = \sigma(s)$ where a paper speaks of
probabilities. Losses are written with $\operatorname{softplus}(s) = \log(1 + e^s)$, which neither overflows nor
underflows: $-\log \sigma(s) = \operatorname{softplus}(-s)$ and $-\log(1 - \sigma(s)) = \operatorname{softplus}(s)$.
"""

import keras
import tensorflow as tf

from keras_gan_zoo.errors import InputError, unknown


class AdversarialLoss:
    """What the two players minimise, given the raw scores of real and generated examples.

    Subclasses write both methods. A loss has no state but its constructor arguments, which `get_config` returns, and
    must be registered with Keras to be saved inside a model.

    Example:
        ```python
        @keras.saving.register_keras_serializable("my_project")
        class LeastSquares(kgz.losses.AdversarialLoss):
            def discriminator_loss(self, real_scores, fake_scores):
                return (tf.reduce_mean((real_scores - 1) ** 2) + tf.reduce_mean(fake_scores**2)) / 2

            def generator_loss(self, fake_scores):
                return tf.reduce_mean((fake_scores - 1) ** 2) / 2
        ```
    """

    def discriminator_loss(self, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def generator_loss(self, fake_scores: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "AdversarialLoss":
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Minimax(AdversarialLoss):
    r"""The two-player minimax game, Equation 1 of Goodfellow et al. (2014).

    $$\min_G \max_D V(D, G) = E_x[\log D(x)] + E_z[\log(1 - D(G(z)))]$$

    The discriminator minimises $-V$, the generator $V$. Early in training, when the discriminator rejects samples with
    confidence, the generator's gradient vanishes ("saturates"): see `NonSaturating`.

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars in nats.

    Example:
        >>> loss = Minimax()
        >>> round(float(loss.discriminator_loss(tf.constant([0.0]), tf.constant([0.0]))), 6)  # log 4: D cannot tell
        1.386294
        >>> round(float(loss.generator_loss(tf.constant([0.0]))), 6)  # -log 2
        -0.693147
    """

    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(tf.nn.softplus(fake_scores))

    def generator_loss(self, fake_scores):
        return -tf.reduce_mean(tf.nn.softplus(fake_scores))


@keras.saving.register_keras_serializable("keras_gan_zoo")
class NonSaturating(Minimax):
    r"""Minimax for the discriminator; the generator maximises $\log D(G(z))$ (Goodfellow et al., 2014, Section 3).

    Same fixed point of the dynamics, but strong gradients while the discriminator still rejects every sample.

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars in nats.

    Example:
        >>> round(float(NonSaturating().generator_loss(tf.constant([0.0]))), 6)  # log 2
        0.693147
    """

    def generator_loss(self, fake_scores):
        return tf.reduce_mean(tf.nn.softplus(-fake_scores))


LOSSES = {"minimax": Minimax, "non_saturating": NonSaturating}


def get(identifier: "str | dict | AdversarialLoss") -> AdversarialLoss:
    """A loss from its name in `LOSSES`, its serialized form, or itself.

    Example:
        >>> type(get("minimax")).__name__
        'Minimax'
    """
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if isinstance(identifier, dict):
        return keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str):
        if identifier not in LOSSES:
            raise unknown("loss", identifier, LOSSES)
        return LOSSES[identifier]()
    raise InputError(
        f"Expected a loss: a name ({', '.join(LOSSES)}) or an instance, losses.Minimax(). Received: {identifier!r}."
    )
