"""Whether training is still within the finite numbers, asked within the graph."""

import tensorflow as tf


def is_finite(model) -> dict[str, tf.Tensor]:
    """Whether the losses of this epoch and the weights of the players are finite, in the order they are computed."""
    answers = {}
    losses = model.player_losses
    for name in (*losses, *(name for name in model.players if name not in losses)):
        # Replicas may differ in their losses; a loss that breaks on one breaks the weights of all.
        if name in losses and model.distribute_strategy.num_replicas_in_sync == 1:
            answers[f"loss of the {name}"] = _is_finite([model.loss_total(losses[name])])
        answers[f"weights of the {name}"] = _is_finite(model.players[name].network.weights)
    return answers


def _is_finite(variables) -> tf.Tensor:
    """By sums, in one pass over the memory: a sum is finite only if all its terms are."""
    sums = [tf.reduce_sum(tf.convert_to_tensor(variable)) for variable in variables]
    return tf.reduce_all([tf.math.is_finite(total) for total in sums if total.dtype.is_floating])
