r"""Adversarial losses on raw scores: two methods each, a scalar mean each.

A score is the discriminator's output before any sigmoid, so $D(x) = \sigma(s)$ where a paper speaks of
probabilities. Losses are written with $\operatorname{softplus}(s) = \log(1 + e^s)$, which neither overflows nor
underflows: $-\log \sigma(s) = \operatorname{softplus}(-s)$ and $-\log(1 - \sigma(s)) = \operatorname{softplus}(s)$.
"""

import inspect

import keras
import tensorflow as tf

from keras_gan_zoo import divergences
from keras_gan_zoo.core import registry
from keras_gan_zoo.core.bounds import check_written
from keras_gan_zoo.distribution import replicas
from keras_gan_zoo.errors import InputError, unknown


class AdversarialLoss:
    """The losses that the two players minimise, given the raw scores of real and generated examples.

    Subclasses write both methods. A loss has no state except for its constructor arguments, which `get_config` returns.
    It must be registered with Keras to be saved as part of a model.

    Example:
        ```python
        @keras.saving.register_keras_serializable("my_project")
        class Exponential(kgz.losses.AdversarialLoss):
            def discriminator_loss(self, real_scores, fake_scores):
                return tf.reduce_mean(tf.exp(-real_scores)) + tf.reduce_mean(tf.exp(fake_scores))

            def generator_loss(self, fake_scores):
                return tf.reduce_mean(tf.exp(-fake_scores))
        ```
    """

    needs_real_scores = False  # whether `generator_loss` takes the real scores too, as its second argument
    scores_are_logits = False  # whether the sigmoid of a score is the probability that the example is real

    def discriminator_loss(self, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
        """The discriminator's loss, a mean over scores (batch, 1) of both kinds."""
        raise NotImplementedError

    def generator_loss(self, fake_scores: tf.Tensor) -> tf.Tensor:
        """The generator's loss, a mean over the scores (batch, 1) of generated examples."""
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

    scores_are_logits = True

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


@keras.saving.register_keras_serializable("keras_gan_zoo")
class LeastSquares(AdversarialLoss):
    r"""Least squares GAN (Mao et al., 2017), with the coding 0 for generated and 1 for real examples.

    $$L_D = \frac{1}{2} E_x[(D(x) - 1)^2] + \frac{1}{2} E_z[D(G(z))^2], \qquad
      L_G = \frac{1}{2} E_z[(D(G(z)) - 1)^2]$$

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars.

    Example:
        >>> float(LeastSquares().discriminator_loss(tf.constant([0.5]), tf.constant([0.5])))  # D cannot tell
        0.25
    """

    def discriminator_loss(self, real_scores, fake_scores):
        return (tf.reduce_mean((real_scores - 1) ** 2) + tf.reduce_mean(fake_scores**2)) / 2

    def generator_loss(self, fake_scores):
        return tf.reduce_mean((fake_scores - 1) ** 2) / 2


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Hinge(AdversarialLoss):
    r"""Hinge loss (Lim and Ye, 2017): scores beyond the margins at -1 and 1 are good enough for the discriminator.

    $$L_D = E_x[\max(0, 1 - D(x))] + E_z[\max(0, 1 + D(G(z)))], \qquad L_G = -E_z[D(G(z))]$$

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars.

    Example:
        >>> float(Hinge().discriminator_loss(tf.constant([0.0]), tf.constant([0.0])))  # D cannot tell
        2.0
    """

    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean(tf.nn.relu(1 - real_scores)) + tf.reduce_mean(tf.nn.relu(1 + fake_scores))

    def generator_loss(self, fake_scores):
        return -tf.reduce_mean(fake_scores)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Wasserstein(AdversarialLoss):
    r"""The game of WGAN (Arjovsky et al., 2017): the critic's lead is the estimate of the Wasserstein-1 distance.

    $$L_D = E_z[D(G(z))] - E_x[D(x)], \qquad L_G = -E_z[D(G(z))]$$

    That holds for a critic of bounded slope: see `WGAN` and `WGANGP`, or `r1` and `r2` of any variant.

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars in units of the examples.

    Example:
        >>> float(Wasserstein().discriminator_loss(tf.constant([3.0]), tf.constant([1.0])))
        -2.0
    """

    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)

    def generator_loss(self, fake_scores):
        return -tf.reduce_mean(fake_scores)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Relativistic(AdversarialLoss):
    r"""Relativistic GAN (Jolicoeur-Martineau, 2018): real examples are to score higher than generated ones beside them.

    $$L_D = E_{x,z}[-\log \sigma(D(x) - D(G(z)))], \qquad L_G = E_{x,z}[-\log \sigma(D(G(z)) - D(x))]$$

    With `r1` and `r2`, training near a solution converges to it, without any normalisation (Huang et al., 2024).

    Shapes: as many real as fake scores, usually (batch, 1); the losses are scalars in nats.

    Example:
        >>> round(float(Relativistic().generator_loss(tf.constant([5.0]), tf.constant([5.0]))), 6)  # log 2
        0.693147
    """

    needs_real_scores = True

    def discriminator_loss(self, real_scores, fake_scores):
        return tf.reduce_mean(tf.nn.softplus(fake_scores - real_scores))

    def generator_loss(self, fake_scores, real_scores):
        return tf.reduce_mean(tf.nn.softplus(real_scores - fake_scores))


@keras.saving.register_keras_serializable("keras_gan_zoo")
class RelativisticAverage(AdversarialLoss):
    r"""Relativistic average GAN (Jolicoeur-Martineau, 2018): scores count relative to the mean score of the other side.

    $$L_D = -E_x[\log \sigma(D(x) - E_z D(G(z)))] - E_z[\log(1 - \sigma(D(G(z)) - E_x D(x)))]$$

    and the generator's loss is the same with real and generated examples exchanged. The means are over the
    minibatch, of all replicas if there are several.

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars in nats.

    Example:
        >>> loss = RelativisticAverage()
        >>> round(float(loss.discriminator_loss(tf.constant([7.0]), tf.constant([7.0]))), 6)  # log 4: D cannot tell
        1.386294
    """

    needs_real_scores = True

    def discriminator_loss(self, real_scores, fake_scores):
        real_lead = real_scores - replicas.mean(tf.reduce_mean(fake_scores))
        fake_lead = fake_scores - replicas.mean(tf.reduce_mean(real_scores))
        return tf.reduce_mean(tf.nn.softplus(-real_lead)) + tf.reduce_mean(tf.nn.softplus(fake_lead))

    def generator_loss(self, fake_scores, real_scores):
        return self.discriminator_loss(fake_scores, real_scores)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Variational(AdversarialLoss):
    r"""The saddle of f-GAN (Nowozin et al., 2016, Equation 6): a lower bound on a divergence of data P and samples Q.

    $$\min_G \max_V F = E_P[g_f(V(x))] + E_Q[-f^*(g_f(V(x)))]$$

    with the output activation $g_f$ and the conjugate $f^*$ of the divergence. The discriminator V minimises -F.

    Args:
        divergence: A key of `divergences.F_DIVERGENCES`, or an `FDivergence`.
        generator_objective: `"minimax"`, the letter of the paper: the generator minimises F. `"non_saturating"`, the
            practical variant of its Section 3.2: it maximises $E_Q[g_f(V(x))]$. The two have different fixed points
            where the generator cannot reach the data.

    Shapes: scores of any shape, usually (batch, 1); the losses are scalars in nats.

    Example:
        >>> loss = Variational("gan")  # the same as Minimax
        >>> round(float(loss.discriminator_loss(tf.constant([0.0]), tf.constant([0.0]))), 6)
        1.386294
    """

    OBJECTIVES = ("minimax", "non_saturating")

    def __init__(self, divergence: str | divergences.FDivergence, generator_objective: str = "minimax"):
        if generator_objective not in self.OBJECTIVES:
            raise unknown("generator_objective", generator_objective, self.OBJECTIVES)
        self.divergence = divergences.get(divergence)
        if type(self.divergence).conjugate_of_activation is divergences.FDivergence.conjugate_of_activation:
            check_written(self.divergence, divergences.FDivergence, "conjugate")
        self.generator_objective = generator_objective

    def bound(self, real_scores, fake_scores):
        """The bound F: a lower bound on the divergence, apart from the sampling error of the minibatch."""
        return tf.reduce_mean(self.divergence.activation(real_scores)) - tf.reduce_mean(
            self.divergence.conjugate_of_activation(fake_scores)
        )

    def discriminator_loss(self, real_scores, fake_scores):
        return -self.bound(real_scores, fake_scores)

    def generator_loss(self, fake_scores):
        if self.generator_objective == "minimax":
            return -tf.reduce_mean(self.divergence.conjugate_of_activation(fake_scores))
        return -tf.reduce_mean(self.divergence.activation(fake_scores))

    def get_config(self) -> dict:
        divergence = keras.saving.serialize_keras_object(self.divergence)
        return {"divergence": divergence, "generator_objective": self.generator_objective}


LOSSES = registry.load_all(registry.LOSSES)


def get(identifier: "str | dict | AdversarialLoss") -> AdversarialLoss:
    """A loss from its name in `LOSSES`, its serialized form, or itself.

    Raises:
        InputError: If there is no such loss, or it lacks one of the two methods.

    Example:
        >>> type(get("minimax")).__name__
        'Minimax'
    """
    if isinstance(identifier, dict):
        return keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str):
        if identifier not in LOSSES:
            raise unknown("loss", identifier, LOSSES)
        return LOSSES[identifier]()
    if isinstance(identifier, type) and issubclass(identifier, AdversarialLoss):
        raise InputError(f"Expected an instance of a loss. Received: the class {identifier.__name__}. Call it first.")
    if not isinstance(identifier, AdversarialLoss):
        raise InputError(
            f"Expected a loss of two players: a name ({', '.join(LOSSES)}) or an instance, losses.Minimax(). "
            f"Received: {identifier!r}. Binary cross-entropy is 'non_saturating'; for your own formula derive from "
            "losses.AdversarialLoss."
        )
    check_written(identifier, AdversarialLoss, "discriminator_loss", "generator_loss")
    _check_arguments(identifier)
    return identifier


def _check_arguments(loss: AdversarialLoss) -> None:
    """Checks that the methods of a loss take the scores that they are called with."""
    of_generator = ("fake_scores", "real_scores") if loss.needs_real_scores else ("fake_scores",)
    for name, scores in (("discriminator_loss", ("real_scores", "fake_scores")), ("generator_loss", of_generator)):
        signature = inspect.signature(getattr(loss, name))
        try:
            signature.bind(*scores)
        except TypeError as error:
            raise InputError(
                f"Expected {name} to take {' and '.join(scores)}. Received: {name}{signature}. Change it; with "
                "needs_real_scores = True the generator's loss takes the real scores too."
            ) from error


def check_values(loss: AdversarialLoss, shape: tuple[int, ...]) -> None:
    """Checks that a user's loss returns one number each, which depends on scores of a shape. Nothing is computed.

    Raises:
        InputError: If it returns something else.
    """
    if type(loss) in (*LOSSES.values(), Variational):
        return
    scores = tf.TensorSpec(shape, keras.backend.floatx())

    def traced(real_scores, fake_scores):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch((real_scores, fake_scores))
            of_generator = (fake_scores, real_scores) if loss.needs_real_scores else (fake_scores,)
            values = {
                "discriminator_loss": loss.discriminator_loss(real_scores, fake_scores),
                "generator_loss": loss.generator_loss(*of_generator),
            }
        for name, value in values.items():
            what = f"Expected {name} of {type(loss).__name__} to return one number, a mean over scores."
            if not tf.is_tensor(value) or not value.dtype.is_floating:
                raise InputError(f"{what} Received: {value!r}. Return a tensor of floats.")
            if value.shape.rank not in (0, None):
                raise InputError(f"{what} Received: shape {tuple(value.shape)}. Return its tf.reduce_mean.")
            if all(gradient is None for gradient in tape.gradient(value, (real_scores, fake_scores))):
                raise InputError(
                    f"{what} Received: one without a gradient, so that no player could learn from it. Compute it from "
                    "the scores with operations of TensorFlow that have one."
                )

    tf.function(traced, autograph=False).get_concrete_function(scores, scores)
