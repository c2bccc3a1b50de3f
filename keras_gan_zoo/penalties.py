r"""Penalties on the slope of the discriminator, which keep it from growing without bound, and one on weights.

A slope is the gradient of a score with respect to the example it judges. Penalties add to the loss of a player and are
themselves differentiated, so everything here works inside a `GradientTape`.
"""

from collections.abc import Callable

import tensorflow as tf


def slopes(score: Callable[[tf.Tensor], tf.Tensor], examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores of examples, and the slope of each score: (scores, values). A pack of examples has one slope.

    Example:
        >>> scores, slope = slopes(lambda x: 3 * x, tf.constant([[2.0], [5.0]]))
        >>> slope.numpy().tolist()
        [[3.0], [3.0]]
    """
    with tf.GradientTape() as tape:
        tape.watch(examples)
        scores = score(examples)
    return scores, tf.reshape(tape.gradient(scores, examples), (tf.shape(scores)[0], -1))


def zero_centred(slope: tf.Tensor) -> tf.Tensor:
    r"""Half the mean squared slope, $\frac{1}{2} E\|\nabla D\|^2$: R1 on real examples, R2 on generated ones.

    Mescheder et al. (2018), Section 4.1, without their weight gamma.
    """
    return 0.5 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=1))


def one_centred(slope: tf.Tensor, one_sided: bool = False) -> tf.Tensor:
    r"""How far the slope is from 1, $E(\|\nabla D\| - 1)^2$ (Gulrajani et al., 2017, Equation 3), without its weight.

    With `one_sided`, only slopes above 1 count.
    """
    norm = tf.sqrt(tf.reduce_sum(slope**2, axis=1) + 1e-12)  # its own slope stays finite at zero
    excess = norm - 1
    return tf.reduce_mean((tf.nn.relu(excess) if one_sided else excess) ** 2)


def orthogonal(kernel: tf.Tensor) -> tf.Tensor:
    r"""How far columns are from being orthogonal, $\|W^T W \odot (1 - I)\|_F^2$, without its weight.

    Brock et al. (2019). It is the sum of the squared inner products of each column with all others. The lengths of the
    columns are left free.

    Args:
        kernel: Of any layer; W is its matrix with a column for each entry of the last axis.

    Example:
        >>> float(orthogonal(tf.constant([[3.0, 1.0], [0.0, 2.0]])))  # twice, as 3 * 1 is above and below the diagonal
        18.0
    """
    matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
    rows, columns = matrix.shape
    if columns <= rows:
        products = _squares(matrix)
        return tf.reduce_sum(tf.linalg.set_diag(products, tf.zeros_like(products[0])))
    # W W^T is smaller and has the same norm, of which the diagonal of W^T W is the part that the columns have alone.
    alone = tf.reduce_sum(matrix**2, axis=0)
    return tf.reduce_sum(_squares(tf.transpose(matrix))) - tf.reduce_sum(alone**2)


def _squares(matrix: tf.Tensor) -> tf.Tensor:
    """The squared inner products of all columns."""
    return tf.matmul(matrix, matrix, transpose_a=True) ** 2
