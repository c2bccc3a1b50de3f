"""Layers by other operations of TensorFlow, which compute the same function from the same weights.

Each replaces `call` of a class of Keras' layers, where it applies:

- Batch normalisation of training as one operation, in place of means, variances and products.
- A 4x4 kernel with a stride of 2 from few channels as a 2x2 kernel on pixels of 2x2: each has their channels.
- Such a transposed convolution to few channels as a 2x2 kernel, which makes such pixels: all four phases at once.
"""

from collections.abc import Callable

import tensorflow as tf
from keras import layers

FEW = 4  # channels, of images
ONE_OPERATION, PIXELS = "batch normalisation in one operation", "images as pixels of 2x2"


def use(name: str) -> None:
    """Replaces the calls of layers, for the rest of the process."""
    for kind, call in REPLACED[name].items():
        kind.call = call


def normalized(layer, x, training=None, mask=None):
    """Batch normalisation, over all axes but the last."""
    if not training:
        return KERAS[layers.BatchNormalization](layer, x, training=training, mask=mask)
    maps = tf.reshape(x, (-1, 1, 1, x.shape[-1])) if len(x.shape) == 2 else x
    mean_and_variance = {"mean": tf.zeros(0), "variance": tf.zeros(0)}  # none: they are computed
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=layer.gamma, offset=layer.beta, epsilon=layer.epsilon, is_training=True, **mean_and_variance
    )
    rows = tf.cast(tf.size(maps) // maps.shape[-1], tf.float32)
    for average, value in ((layer.moving_mean, mean), (layer.moving_variance, variance * (rows - 1) / rows)):
        average.assign(average * layer.momentum + value * (1 - layer.momentum))
    return tf.reshape(y, tf.shape(x))


def convolved(layer, x):
    """A convolution: rows 2i - 1 to 2i + 2 of the input are rows i and i + 1 of pairs, after a row of padding."""
    if not _is_halving(layer) or x.shape[-1] > FEW or any(side % 2 for side in x.shape[1:3]):
        return KERAS[layers.Conv2D](layer, x)
    *_, channels, filters = layer.kernel.shape
    pairs = tf.reshape(layer.kernel, (2, 2, 2, 2, channels, filters))  # (pair, within it) of rows, then of columns
    kernel = tf.reshape(tf.transpose(pairs, (0, 2, 1, 3, 4, 5)), (2, 2, 4 * channels, filters))
    y = tf.nn.conv2d(tf.nn.space_to_depth(_bordered(x), 2), kernel, 1, "VALID")
    return y + layer.bias if layer.use_bias else y


def enlarged(layer, x):
    """A transposed convolution: rows 2i - 1 and 2i of the output come from rows i - 1 and i of the input."""
    if not _is_halving(layer) or layer.filters > FEW:
        return KERAS[layers.Conv2DTranspose](layer, x)
    *_, filters, channels = layer.kernel.shape
    pairs = tf.reverse(tf.reshape(layer.kernel, (2, 2, 2, 2, filters, channels)), (0, 2))
    kernel = tf.reshape(tf.transpose(pairs, (0, 2, 5, 1, 3, 4)), (2, 2, channels, 4 * filters))
    y = tf.nn.depth_to_space(tf.nn.conv2d(_bordered(x), kernel, 1, "VALID"), 2)[:, 1:-1, 1:-1]
    return y + layer.bias if layer.use_bias else y


def _is_halving(layer) -> bool:
    return layer.kernel_size == (4, 4) and layer.strides == (2, 2) and layer.padding == "same"


def _bordered(x):
    return tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


REPLACED: dict[str, dict[type, Callable]] = {
    ONE_OPERATION: {layers.BatchNormalization: normalized},
    PIXELS: {layers.Conv2D: convolved, layers.Conv2DTranspose: enlarged},
}
KERAS = {kind: kind.call for replaced in REPLACED.values() for kind in replaced}
