"""Whether training is still within the finite numbers, asked within the graph."""

import tensorflow as tf


def is_finite(model) -> dict[str, tf.Tensor]:
    """Whether the losses of this epoch and the weights of both players are finite, in the order they are computed."""
    weights = {
        "weights of the discriminator": _is_finite(model.discriminator.weights),
        "weights of the generator": _is_finite(model.generator.weights),
    }
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return weights  # which tell all replicas the same; a loss that breaks on one breaks the weights of all
    return {
        "loss of the discriminator": _is_finite([model.loss_total("d_loss")]),
        "weights of the discriminator": weights["weights of the discriminator"],
        "loss of the generator": _is_finite([model.loss_total("g_loss")]),
        "weights of the generator": weights["weights of the generator"],
    }


def _is_finite(variables) -> tf.Tensor:
    """By sums, in one pass over the memory: a sum is finite only if all its terms are."""
    sums = [tf.reduce_sum(tf.convert_to_tensor(variable)) for variable in variables]
    return tf.reduce_all([tf.math.is_finite(total) for total in sums if total.dtype.is_floating])
