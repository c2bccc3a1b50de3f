"""Checks that there is no NaN or infinity: as part of the graph of training, in weights, and in what they make."""

import numpy as np
import tensorflow as tf

from keras_gan_zoo.errors import NotFiniteError


def is_finite(model) -> dict[str, tf.Tensor]:
    """Whether the losses of this epoch and the players' weights are finite, in the order in which they are computed."""
    checks = {}
    losses = model.player_losses
    for name in (*losses, *(name for name in model.players if name not in losses)):
        # Replicas may differ in their losses; a loss that breaks on one breaks the weights of all.
        if name in losses and model.distribute_strategy.num_replicas_in_sync == 1:
            checks[f"loss of the {name}"] = _is_finite([model.loss_total(losses[name])])
        checks[f"weights of the {name}"] = _is_finite(model.players[name].network.weights)
    return checks


def _is_finite(variables) -> tf.Tensor:
    """Whether the sum of each variable is finite: a single pass, and a sum is finite only if all its terms are."""
    sums = [tf.reduce_sum(tf.convert_to_tensor(variable)) for variable in variables]
    return tf.reduce_all([tf.math.is_finite(total) for total in sums if total.dtype.is_floating])


def check_weights(*networks) -> None:
    """Raises a `NotFiniteError` if a weight of a network is NaN or infinite."""
    if not all(np.isfinite(weights).all() for network in networks for weights in network.get_weights()):
        raise NotFiniteError("Expected a model with finite weights. Received: NaN or infinity. Train it anew.")


def check_examples(examples: np.ndarray, network) -> np.ndarray:
    """The examples that a network has made; raises a `NotFiniteError` if there is NaN or infinity among them."""
    if not np.isfinite(examples).all():
        check_weights(network)
        raise NotFiniteError(
            "Expected a model that makes finite examples. Received: NaN or infinity, although its weights are finite: "
            "numbers within it become too large. Train it anew, or in another precision."
        )
    return examples
