"""How alike two batches of pictures in [-1, 1] are: as a loss, and as what training and evaluation log."""

import keras
import tensorflow as tf

from keras_gan_zoo.distribution import replicas

WINDOW = 11  # side of the windows of SSIM


def absolute_difference(target, made):
    """The mean absolute difference of pixels."""
    return tf.reduce_mean(tf.abs(target - made))


def squared_difference(target, made):
    """The mean squared difference of pixels."""
    return tf.reduce_mean(tf.square(target - made))


def ssim(target, made):
    """The mean structural similarity (Wang et al., 2004), in windows of at most 11 pixels a side."""
    side = min(WINDOW, *target.shape[1:3])
    return tf.reduce_mean(tf.image.ssim(target + 1, made + 1, max_val=2.0, filter_size=side))


def likeness(target, made) -> dict:
    """`l1`, and the mean squared error, which the tracker of `psnr` turns into decibels."""
    return {"l1": absolute_difference(target, made), "psnr": squared_difference(target, made)}


def trackers() -> dict[str, keras.metrics.Metric]:
    """Those of `likeness` and of `ssim`."""
    return {"l1": keras.metrics.Mean(name="l1"), "psnr": PSNR(name="psnr"), "ssim": keras.metrics.Mean(name="ssim")}


class PSNR(keras.metrics.Mean):
    """The peak signal-to-noise ratio of pictures in [-1, 1], in decibels: that of the mean squared error of all.

    The mean of the ratios of single pictures would be infinite as soon as one of them is exactly right. For the same
    reason it is that of all replicas together, not a mean of theirs.
    """

    def result(self):
        # Workers agree on tensors, which variables of metrics become by `identity`.
        total, count = (replicas.mean(tf.identity(each)) for each in (self.total, self.count))
        return -10 * keras.ops.log10(tf.math.divide_no_nan(total, tf.cast(count, total.dtype)) / 4)
