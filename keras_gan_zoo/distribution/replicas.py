"""What makes several replicas of a model compute what one would on the whole batch.

Outside a strategy there is one replica, and everything here is the identity.
"""

import keras
import tensorflow as tf

from keras_gan_zoo.core import keras_internals
from keras_gan_zoo.distribution.workers import is_multi_worker


def count() -> int:
    """How many replicas the present strategy keeps in step."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def draw_for_replica(rows, draw, axis: int = 0):
    """This replica's rows, along an axis, of what `draw(rows)` draws for the global batch.

    So replicas differ, and together have what one replica would draw, whatever their number.
    """
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group
    whole = draw(context.num_replicas_in_sync * rows)
    return whole[(*[slice(None)] * axis, slice(replica * rows, (replica + 1) * rows))]


def mean(value):
    """The mean of a tensor over replicas; gradients flow through it."""
    context = tf.distribute.get_replica_context()
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def logs_for_workers(logs: dict) -> dict:
    """Figures as Keras can average them over workers, which it does along an axis that scalars lack."""
    if not is_multi_worker(tf.distribute.get_strategy()):
        return logs
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


def prepare(network: keras.Model) -> None:
    """Under a strategy of several replicas: batch statistics of the global batch, and random layers that differ.

    Keras' random layers draw the same numbers on every replica. Here each folds the replica into its seed, unless it
    says `draws_for_global_batch`: such a layer, as `networks.Dropout`, draws what one replica would.
    """
    if count() == 1:
        return
    for layer in keras_internals.all_layers(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
        if not getattr(layer, "draws_for_global_batch", False):
            for generator in keras_internals.seed_generators(layer):
                keras_internals.replace_next(generator, _fold_in_replica)


def clip_globally(gradients: list, optimizer: keras.optimizers.Optimizer) -> list:
    """Gradients as an optimizer must get them so that clipping and loss scales see the global batch.

    Optimizers clip, and look for infinities, on each replica before they sum over replicas. Where one does either, the
    gradients are summed and clipped here, and each replica hands over an equal share of the result.
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
