"""Generators and discriminators as functional Keras models, built in pairs.

A pair shares its conventions: the generator takes noise (batch, latent_dim) and returns examples (batch, *shape),
images with channels last in [-1, 1]; the discriminator takes examples and returns raw scores (batch, 1). With
`num_classes` both take integer labels (batch,) as a second input. Output layers stay in float32 under mixed precision.

`seed` fixes the initial weights and the dropout masks, whatever else the process has drawn.
"""

import itertools
import math
import random
from collections.abc import Iterator

import keras
from keras import layers

from keras_gan_zoo.errors import InputError

Shape = tuple[int, ...]


def maxout_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    generator_units: int | None = None,
    discriminator_units: int | None = None,
    pieces: int = 5,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The multilayer perceptrons of Goodfellow et al. (2014), Section 5, as their released MNIST model sizes them.

    The generator has two layers of ReLU units, the discriminator two layers of maxout units with dropout (0.2 on its
    input, 0.5 on its hidden layers). Weights start uniform, within 0.05 and 0.005. The paper's sigmoid on pixels in
    [0, 1] is a tanh here, on [-1, 1]. Vectors, such as points of the plane, are not the paper's: they get smaller
    layers, a linear output, no dropout (few coordinates carry no redundancy to drop) and Keras' initialisation.

    Args:
        shape: Shape of one example: (height, width, channels) or (features,).
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels 0 ... num_classes - 1, one-hot encoded beside their input.
        generator_units: Units of each hidden layer of the generator; 1200 for images, 128 for vectors.
        discriminator_units: Maxout units of each hidden layer of the discriminator; 240 for images, 64 for vectors.
        pieces: Linear pieces each maxout unit takes the maximum of.
        seed: Fixes initial weights and dropout.

    Returns:
        The generator and the discriminator.

    Example:
        >>> generator, discriminator = maxout_pair((28, 28, 1), generator_units=8, discriminator_units=4)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 28, 1), (None, 1))
    """
    seeds = _seeds(seed)
    is_image = len(shape) == 3
    generator_units = generator_units or (1200 if is_image else 128)
    discriminator_units = discriminator_units or (240 if is_image else 64)

    def uniform(limit: float) -> keras.initializers.Initializer:
        if is_image:
            return keras.initializers.RandomUniform(-limit, limit, seed=next(seeds))
        return keras.initializers.GlorotUniform(seed=next(seeds))

    def dropout(x, rate: float):
        return layers.Dropout(rate, seed=next(seeds))(x) if is_image else x

    noise, labels = _noise_input(latent_dim), _label_input(num_classes)
    x = _with_one_hot(noise, labels, num_classes)
    for _ in range(2):
        x = layers.Dense(generator_units, activation="relu", kernel_initializer=uniform(0.05))(x)
    x = layers.Dense(math.prod(shape), kernel_initializer=uniform(0.05))(x)
    x = layers.Reshape(shape)(x)
    x = layers.Activation("tanh" if is_image else "linear", dtype=_full_precision(), name="examples")(x)
    generator = keras.Model(_inputs(noise, labels), x, name="generator")

    examples, labels = keras.Input(shape, name="examples"), _label_input(num_classes)
    x = layers.Flatten()(examples)
    x = dropout(_with_one_hot(x, labels, num_classes), 0.2)
    for _ in range(2):
        x = Maxout(discriminator_units, pieces, kernel_initializer=uniform(0.005))(x)
        x = dropout(x, 0.5)
    x = layers.Dense(1, kernel_initializer=uniform(0.005), dtype=_full_precision(), name="scores")(x)
    return generator, keras.Model(_inputs(examples, labels), x, name="discriminator")


def dcgan_pair(
    shape: Shape,
    latent_dim: int = 100,
    num_classes: int | None = None,
    *,
    width: int = 32,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The convolutional networks of Radford et al. (2015), for images of 8 to 128 pixels a side.

    Every guideline of their Section 3 holds: strided and transposed convolutions instead of pooling; batch
    normalisation everywhere but on the generator's output and the discriminator's input; no hidden dense layer on top
    of the features; ReLU in the generator with tanh on its output; LeakyReLU (slope 0.2) in the discriminator.
    Weights start as N(0, 0.02). The discriminator halves each side until it is 3 or 4 pixels, doubling its channels up
    to 8 * width; the generator is its mirror image. Kernels are 4x4, which a stride of 2 covers evenly.

    Args:
        shape: (height, width, channels); sides are multiples of 4 from 8 to 128, with 1 to 4 channels.
        latent_dim: Number of noise values.
        num_classes: If given, both networks also take labels: one-hot beside the noise, and as constant planes beside
            the image.
        width: Channels of the highest-resolution features.
        seed: Fixes the initial weights.

    Returns:
        The generator and the discriminator.

    Raises:
        InputError: If the shape is not such an image.

    Example:
        >>> generator, discriminator = dcgan_pair((28, 20, 3), width=8)
        >>> generator.output_shape, discriminator.output_shape
        ((None, 28, 20, 3), (None, 1))
    """
    _check_image(shape)
    seeds = _seeds(seed)

    def normal() -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(0.0, 0.02, seed=next(seeds))

    pyramid = _pyramid(shape[:2])
    channels = [min(2**level, 8) * width for level in range(len(pyramid) - 1)]  # from the image inwards

    noise, labels = _noise_input(latent_dim), _label_input(num_classes)
    x = _with_one_hot(noise, labels, num_classes)
    base = (*pyramid[-1], channels[-1])
    x = layers.Dense(math.prod(base), use_bias=False, kernel_initializer=normal())(x)
    x = layers.ReLU()(_batch_normalization()(layers.Reshape(base)(x)))
    for level in reversed(range(1, len(pyramid) - 1)):
        x = _enlarge(x, pyramid[level], channels[level - 1], use_bias=False, kernel_initializer=normal())
        x = layers.ReLU()(_batch_normalization()(x))
    x = _enlarge(x, pyramid[0], shape[-1], kernel_initializer=normal())
    x = layers.Activation("tanh", dtype=_full_precision(), name="examples")(x)
    generator = keras.Model(_inputs(noise, labels), x, name="generator")

    examples, labels = keras.Input(shape, name="examples"), _label_input(num_classes)
    x = _with_label_planes(examples, labels, num_classes)
    for level in range(1, len(pyramid)):
        is_input = level == 1
        strides = _strides(pyramid[level - 1], pyramid[level])
        x = layers.Conv2D(
            channels[level - 1], 4, strides, padding="same", use_bias=is_input, kernel_initializer=normal()
        )(x)
        x = layers.LeakyReLU(0.2)(x if is_input else _batch_normalization()(x))
    x = layers.Flatten()(x)
    x = layers.Dense(1, kernel_initializer=normal(), dtype=_full_precision(), name="scores")(x)
    return generator, keras.Model(_inputs(examples, labels), x, name="discriminator")


@keras.saving.register_keras_serializable("keras_gan_zoo")
class Maxout(layers.Layer):
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
        self.dense = layers.Dense(units * pieces, kernel_initializer=self.kernel_initializer)

    def build(self, input_shape):
        self.dense.build(input_shape)

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


def _seeds(seed: int | None) -> Iterator[int | None]:
    """A different seed for every weight of the pair, or None for each."""
    if seed is None:
        return itertools.repeat(None)
    draw = random.Random(seed)
    return (draw.getrandbits(31) for _ in itertools.count())


def _pyramid(sides: Shape) -> list[Shape]:
    """Sides from the image down to 3 or 4 pixels: [(28, 64), (14, 32), (7, 16), (4, 8), (4, 4)]."""
    levels = [sides]
    while max(levels[-1]) > 4:
        levels.append(tuple(-(-side // 2) if side > 4 else side for side in levels[-1]))
    return levels


def _strides(larger: Shape, smaller: Shape) -> Shape:
    return tuple(1 if a == b else 2 for a, b in zip(larger, smaller, strict=True))


def _enlarge(x, sides: Shape, channels: int, **kwargs):
    """A transposed convolution to exactly `sides`; an odd side is the result of a ceiling, so its last row is cut."""
    strides = _strides(sides, x.shape[1:3])
    x = layers.Conv2DTranspose(channels, 4, strides, padding="same", **kwargs)(x)
    surplus = [(0, have - want) for have, want in zip(x.shape[1:3], sides, strict=True)]
    return layers.Cropping2D(surplus)(x) if any(cut for _, cut in surplus) else x


def _batch_normalization() -> layers.Layer:
    # Averages over about 10 batches, not Keras' 100: inference must keep up with a generator that never settles.
    return layers.BatchNormalization(momentum=0.9)


def _full_precision() -> str:
    """The dtype of the variables: float32 under mixed precision, where sums and exponentials would overflow."""
    return keras.config.dtype_policy().variable_dtype


def _noise_input(latent_dim: int):
    return keras.Input((latent_dim,), name="noise")


def _label_input(num_classes: int | None):
    return keras.Input((), dtype="int32", name="labels") if num_classes else None


def _inputs(first, labels):
    return first if labels is None else [first, labels]


def _with_one_hot(x, labels, num_classes: int | None):
    if labels is None:
        return x
    one_hot = layers.CategoryEncoding(num_classes, output_mode="one_hot")(labels)
    return layers.Concatenate()([x, one_hot])


def _with_label_planes(images, labels, num_classes: int | None):
    if labels is None:
        return images
    height, width, _ = images.shape[1:]
    one_hot = layers.CategoryEncoding(num_classes, output_mode="one_hot")(labels)
    planes = layers.UpSampling2D((height, width))(layers.Reshape((1, 1, num_classes))(one_hot))
    return layers.Concatenate()([images, planes])


def _check_image(shape: Shape) -> None:
    right = len(shape) == 3 and all(8 <= side <= 128 and side % 4 == 0 for side in shape[:2]) and 1 <= shape[2] <= 4
    if not right:
        raise InputError(
            "DCGAN networks expect images of shape (height, width, channels) whose sides are multiples of 4 from 8 to "
            f"128, with 1 to 4 channels. Received: {tuple(shape)}. "
            "Resize the images (image_size=32), or use GAN for other shapes."
        )
