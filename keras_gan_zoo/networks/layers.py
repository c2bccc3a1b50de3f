"""Layers that Keras lacks, or whose Keras version gives other results with several replicas."""

import functools

import keras
import tensorflow as tf

from keras_gan_zoo.core.bounds import check_count, check_number
from keras_gan_zoo.distribution.replicas import count, draw_for_replica
from keras_gan_zoo.errors import InputError


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Maxout(keras.layers.Layer):
    r"""Maxout units (Goodfellow et al., 2013): each is the largest of several linear functions of its input.

    $$h_i(x) = \max_j \; x^T W_{\cdot ji} + b_{ji}$$

    Args:
        units: Number of units; the output has shape (batch, units).
        pieces: Linear functions per unit.
        kernel_initializer: Initial weights; biases start at zero.

    Example:
        >>> Maxout(3, pieces=2)(keras.ops.ones((5, 4))).shape
        TensorShape([5, 3])
    """

    def __init__(self, units: int, pieces: int, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        dtype = self.dtype_policy  # not the global policy, which may differ when the layer is loaded
        self.dense = keras.layers.Dense(units * pieces, kernel_initializer=self.kernel_initializer, dtype=dtype)

    def build(self, input_shape):
        self.dense.build(input_shape)

    @property
    def kernel(self) -> keras.Variable:
        """The weights of all pieces, under the name that `SpectralNormalization` expects."""
        return self.dense.kernel

    def call(self, inputs):
        linear = keras.ops.reshape(self.dense(inputs), (-1, self.pieces, self.units))
        return keras.ops.max(linear, axis=1)  # twice as fast as along the last axis

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": initializer,
        }


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Dropout(keras.layers.Dropout):
    """Keras' Dropout, with masks drawn for the global batch, so that they do not depend on the number of replicas.

    Example:
        ```python
        x = kgz.networks.Dropout(0.5)(x)
        ```
    """

    draws_for_global_batch = True

    def call(self, inputs, training=False):
        if count() == 1 or not training or self.rate == 0:
            return super().call(inputs, training=training)
        mask = draw_for_replica(tf.shape(inputs)[0], lambda rows: self._mask(rows, inputs))
        return inputs * mask

    def _mask(self, rows, inputs):
        ones = tf.ones((rows, *inputs.shape[1:]), inputs.dtype)
        return keras.random.dropout(ones, self.rate, self.noise_shape, self.seed_generator)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class ConditioningAugmentation(keras.layers.Layer):
    r"""Conditioning augmentation (Zhang et al., 2017): a condition c that is drawn around the vector h of a text.

    $$c = \mu(h) + \sigma(h) \odot \epsilon$$

    Here mu and log sigma^2 are linear in h. The layer draws nothing. It takes epsilon, standard normal numbers, as its
    second input: they are a part of the noise of a generator, so that this noise still determines every sample.

    In training it adds a multiple of the divergence of c from N(0, I) to its `losses`, unless it is not trainable:

    $$D_{KL}(N(\mu, \sigma^2) \| N(0, I)) = \tfrac{1}{2} (\mu^2 + \sigma^2 - 1 - \log \sigma^2)$$

    It is the mean over the examples and over the numbers of c, with a weight of 2, as in the authors' code.

    Args:
        units: Length of c.
        weight: Weight of the divergence, at least 0.
        kernel_initializer: Initial weights; biases start at zero.

    Raises:
        InputError: If the number of units is below 1, or the weight below 0.

    Example:
        >>> h, epsilon = keras.ops.ones((5, 64)), keras.random.normal((5, 8))
        >>> ConditioningAugmentation(8)([h, epsilon]).shape
        TensorShape([5, 8])
    """

    def __init__(self, units: int, weight: float = 2.0, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        check_count("units", units)
        check_number("weight", weight, low=0)
        self.units, self.weight = units, weight
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.dense = keras.layers.Dense(2 * units, kernel_initializer=self.kernel_initializer, dtype=self.dtype_policy)

    def build(self, input_shape):
        self.dense.build(input_shape[0])

    def call(self, inputs, training=False):
        vectors, epsilon = inputs
        mean, log_variance = keras.ops.split(self.dense(vectors), 2, axis=-1)  # pyright: ignore[reportGeneralTypeIssues]
        if training and self.trainable:
            self.add_loss(self.weight * self._divergence(mean, log_variance))
        return mean + keras.ops.exp(log_variance / 2) * epsilon

    def _divergence(self, mean, log_variance):
        mean, log_variance = (keras.ops.cast(each, self.variable_dtype) for each in (mean, log_variance))
        return keras.ops.mean(mean**2 + keras.ops.exp(log_variance) - 1 - log_variance) / 2

    def compute_output_shape(self, input_shape):
        return input_shape[1]

    def get_config(self):
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "units": self.units,
            "weight": self.weight,
            "kernel_initializer": initializer,
        }


@keras.saving.register_keras_serializable("keras_gan_zoo")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads images, or feature maps, by their reflection at each border, of which the border itself is not a part.

    Args:
        padding: Number of pixels to add on each side, less than the height and the width.

    Raises:
        InputError: If the number is below 1, or not less than a side.

    Example:
        >>> rows = keras.ops.reshape(keras.ops.convert_to_tensor([[0.0, 1.0, 2.0]] * 3), (1, 3, 3, 1))
        >>> ReflectionPadding2D(2)(rows)[0, 0, :, 0].numpy().tolist()
        [2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]
    """

    def __init__(self, padding: int, **kwargs):
        super().__init__(**kwargs)
        check_count("padding", padding)
        self.padding = padding

    def call(self, inputs):
        own = [self.padding, self.padding]
        return keras.ops.pad(inputs, [[0, 0], own, own, [0, 0]], mode="reflect")

    def compute_output_shape(self, input_shape):
        rows, *sides, channels = input_shape
        if any(side is not None and side <= self.padding for side in sides):
            raise InputError(
                f"Expected images of more than {self.padding} pixels a side, to pad them by reflection. Received: "
                f"{tuple(sides)}. Enlarge them, or choose a smaller padding."
            )
        return (rows, *(None if side is None else side + 2 * self.padding for side in sides), channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Gain(keras.layers.Layer):
    """Multiplies by one trained number, gamma, which starts at 0, as after self-attention (Zhang et al., 2019).

    What it follows thus begins as if it were not there.

    Example:
        >>> Gain()(keras.ops.ones((1, 2))).numpy().tolist()
        [[0.0, 0.0]]
    """

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def call(self, inputs):
        return self.gamma * inputs

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("keras_gan_zoo")
class GroupedConv2D(keras.layers.Conv2D):
    """Keras' Conv2D, computed as one convolution for each of its groups.

    TensorFlow has no gradient of a grouped convolution on CPUs. Keras therefore compiles such convolutions with XLA,
    outside of a graph again in every step.

    Example:
        >>> GroupedConv2D(8, 3, groups=2, padding="same")(keras.ops.ones((1, 5, 5, 4))).shape
        TensorShape([1, 5, 5, 8])
    """

    def convolution_op(self, inputs, kernel):
        if self.groups == 1:
            return super().convolution_op(inputs, kernel)
        axis = -1 if self.data_format == "channels_last" else 1
        split = keras.ops.split(inputs, self.groups, axis), keras.ops.split(kernel, self.groups, axis=-1)
        return keras.ops.concatenate([*map(super().convolution_op, *split)], axis)


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Blur2D(keras.layers.Layer):
    """Smooths images, or feature maps, by the filter [1, 2, 1] / 4 along both sides; zeros are around the border.

    Before average pooling, or after pixels were repeated, this is bilinear resampling.

    Example:
        >>> column = keras.ops.reshape(keras.ops.convert_to_tensor([0.0, 0.0, 4.0, 0.0]), (1, 4, 1, 1))
        >>> Blur2D()(column)[0, :, 0, 0].numpy().tolist()  # half of it, as the neighbours in the row are zeros
        [0.0, 0.5, 1.0, 0.5]
    """

    def call(self, inputs):
        rows = keras.ops.reshape(keras.ops.convert_to_tensor([0.25, 0.5, 0.25], self.compute_dtype), (3, 1, 1, 1))
        kernel = keras.ops.tile(rows * keras.ops.transpose(rows, (1, 0, 2, 3)), (1, 1, inputs.shape[-1], 1))
        return keras.ops.depthwise_conv(inputs, kernel, padding="same", data_format="channels_last")

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("keras_gan_zoo")
class BilinearUpSampling2D(keras.layers.Layer):
    """Enlarges pictures by bilinear interpolation. Keras' UpSampling2D does so only if height and width are known.

    Args:
        size: How many times as high and as wide the enlarged picture is.

    Example:
        >>> row = keras.ops.reshape(keras.ops.convert_to_tensor([0.0, 4.0]), (1, 1, 2, 1))
        >>> BilinearUpSampling2D(2)(row)[0, 0, :, 0].numpy().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        check_count("size", size)
        self.size = size

    def call(self, inputs):
        known, actual = inputs.shape[1:3], tf.shape(inputs)
        sides = [self.size * (actual[1 + axis] if known[axis] is None else known[axis]) for axis in range(2)]
        return tf.cast(tf.image.resize(inputs, sides, "bilinear"), inputs.dtype)

    def compute_output_shape(self, input_shape):
        rows, *sides, channels = input_shape
        return (rows, *(None if side is None else self.size * side for side in sides), channels)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Basis(keras.layers.Layer):
    """Maps from vectors: for each number a trained map of one channel, multiplied by it (Huang et al., 2024).

    Args:
        sides: (height, width) of the maps.
        initializer: Initial maps.

    Example:
        >>> Basis((4, 4))(keras.ops.ones((5, 8))).shape
        TensorShape([5, 4, 4, 8])
    """

    def __init__(self, sides: tuple[int, int], initializer="random_normal", **kwargs):
        super().__init__(**kwargs)
        self.sides, self.initializer = tuple(sides), keras.initializers.get(initializer)

    def build(self, input_shape):
        self.maps = self.add_weight((*self.sides, input_shape[-1]), self.initializer, name="maps")

    def call(self, inputs):
        return self.maps * keras.ops.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.sides, input_shape[-1])

    def get_config(self):
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "sides": self.sides, "initializer": initializer}


class WithOtherWeights(keras.layers.Layer):
    """Computes what a network computes, with other weights, which this layer owns and which start as those.

    A copy for layers that Keras cannot copy, because their configuration does not describe them.

    Args:
        network: The network. It is not part of this layer: its own weights are neither used nor saved here.
    """

    def __init__(self, network: keras.Model, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self._network = lambda: network  # an attribute that Keras does not track
        for weight in network.weights:
            initial = functools.partial(_value_of, weight)
            self.add_weight(weight.shape, initial, weight.dtype, trainable=False, name=weight.name)

    def call(self, inputs):
        network = self._network()
        with keras.StatelessScope(list(zip(network.weights, self.weights, strict=True))):
            return network(inputs, training=False)


def _value_of(variable, *_, **__):
    return keras.ops.convert_to_tensor(variable)
