"""Makes several replicas of a model compute the same as a single replica would on the whole batch.

Without a strategy there is one replica, and these functions return their input unchanged.
"""

import keras
import tensorflow as tf

from keras_gan_zoo.core import keras_internals
from keras_gan_zoo.distribution.workers import is_multi_worker


def count() -> int:
    """Number of replicas that the current strategy keeps in sync."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def draw_for_replica(rows, draw, axis: int = 0):
    """Draws random numbers for the global batch by `draw(rows)`, and returns this replica's rows along an axis.

    The replicas' numbers differ, and together they equal those of a single replica, whatever the number of replicas.
    """
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group
    drawn = draw(context.num_replicas_in_sync * rows)
    return drawn[(*[slice(None)] * axis, slice(replica * rows, (replica + 1) * rows))]


def next_rows(values):
    """For each row the next one of the global batch, and the first one for the last."""
    rolled = own_rows(tf.roll(everyone(values), -1, axis=0), tf.shape(values)[0])
    return tf.ensure_shape(rolled, values.shape)  # which gathering forgets


def everyone(values):
    """The rows of the global batch, those of all replicas."""
    context = tf.distribute.get_replica_context()
    return values if context.num_replicas_in_sync == 1 else context.all_gather(values, axis=0)


def own_rows(values, rows):
    """This replica's rows of the global batch, of which each replica has as many."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return values[replica * rows : (replica + 1) * rows]


def mean(value):
    """The mean of a tensor over replicas; gradients flow through it."""
    context = tf.distribute.get_replica_context()
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def moments(x, axes: list[int]) -> tuple:
    """Means and variances over the global batch, by one sum over replicas, where Keras waits for three."""
    of_values, of_squares = tf.unstack(mean(tf.stack([tf.reduce_mean(x, axes), tf.reduce_mean(tf.square(x), axes)])))
    return of_values, tf.maximum(of_squares - tf.square(of_values), 0)


def logs_for_workers(logs: dict) -> dict:
    """Logs in a form that Keras can average over workers: it concatenates along an axis, which scalars lack."""
    if not is_multi_worker(tf.distribute.get_strategy()):
        return logs
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


def prepare(network: keras.Model) -> None:
    """Prepares a network for several replicas: it normalises over the global batch, and its random layers differ.

    Each replica sees its own losses of layers, such as regularisers. Keras' random layers draw the same numbers on
    every replica. Here each replica's number is folded into the seed. A layer with `draws_for_global_batch`, such as
    `networks.Dropout`, is left alone: it draws for the global batch.
    """
    if count() == 1:
        return
    for layer in keras_internals.all_layers(network):
        keras_internals.separate_losses(layer)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
            keras_internals.replace_moments(layer, moments)
        if not getattr(layer, "draws_for_global_batch", False):
            for generator in keras_internals.seed_generators(layer):
                keras_internals.replace_next(generator, _fold_in_replica)


def clip_globally(gradients: list, optimizer: keras.optimizers.Optimizer) -> list:
    """Sums and clips gradients over the global batch, if the optimizer clips them or scales the loss.

    Keras' optimizers clip, and check for infinity, on each replica before they sum over replicas. For such an optimizer
    the gradients are summed and clipped here, and each replica passes on an equal share of the result.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    clips = any((inner.clipnorm, inner.clipvalue, inner.global_clipnorm))
    if count() == 1 or not (clips or inner is not optimizer):
        return gradients
    present = [gradient for gradient in gradients if gradient is not None]
    scale = optimizer.scale_loss(tf.ones(()))
    summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, present)
    clipped = keras_internals.clipped(inner, [gradient / tf.cast(scale, gradient.dtype) for gradient in summed])
    shares = iter([gradient * tf.cast(scale / count(), gradient.dtype) for gradient in clipped])
    return [None if gradient is None else next(shares) for gradient in gradients]


def _fold_in_replica(draw_seed):
    def next_seed(ordered=True):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.random.experimental.stateless_fold_in(tf.cast(draw_seed(ordered), tf.int32), replica)

    return next_seed
