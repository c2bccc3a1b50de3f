"""How much arithmetic a training step is, and how fast this machine multiplies matrices.

Counted are multiplications with a kernel and the additions that go with them, two operations each: those of one
example forward are the `macs` of a network. Backward, the gradient with respect to the weights costs as much again, and
that with respect to the input of each layer as much again, which the first layer is spared where nobody needs it.
Activations, normalisation, losses and optimizers are not counted, so the share of the machine's rate is a lower bound.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import keras_gan_zoo as kgz
from tests.benchmarks.cases import Case

SIDE = 1024  # of the matrices
PRODUCTS = 4  # of one turn


def macs_of_layers(network: keras.Model) -> list[int]:
    """Of one forward pass on one example, by layer, those without a kernel left out."""
    return [count for count in map(macs_of_layer, network.layers) if count]


def macs(network: keras.Model) -> int:
    return sum(macs_of_layers(network))


def macs_of_layer(layer: layers.Layer) -> int:
    inner = layer.layer if isinstance(layer, layers.SpectralNormalization) else layer
    if isinstance(inner, layers.Conv2DTranspose):
        return int(np.prod(inner.kernel.shape) * np.prod(layer.input.shape[1:3]))
    if isinstance(inner, (layers.Conv2D, layers.DepthwiseConv2D)):
        return int(np.prod(inner.kernel.shape) * np.prod(layer.output.shape[1:3]))
    if isinstance(inner, (layers.Dense, kgz.networks.Maxout)):
        return int(np.prod(inner.kernel.shape))
    return 0


def operations(case: Case, generator: keras.Model, discriminator: keras.Model) -> int:
    """Floating-point operations of one training step on a batch of the case."""
    g, d = macs(generator), macs(discriminator)
    discriminators_turn, generators_turn = _turns(generator, discriminator)
    if case.algorithm == "simultaneous":
        generators_turn -= g + d  # forward passes are shared
    if case.algorithm == "wgan_gp":
        discriminators_turn += d + _slope(d)  # between the examples, forward too
    minibatch = case.batch_size // case.minibatches
    return 2 * minibatch * (case.minibatches * discriminators_turn + generators_turn)


def operations_of(gan: kgz.GAN, batch_size: int) -> int:
    """The same of a step of any `GAN` whose discriminator has no other activations than rectifiers."""
    d, k = macs(gan.discriminator), gan.discriminator_steps
    discriminators_turn, generators_turn = _turns(gan.generator, gan.discriminator)
    discriminators_turn += sum(_slope(d) for weight in (gan.r1, gan.r2) if weight)
    generators_turn += d if gan.adversarial_loss.needs_real_scores else 0
    return 2 * (batch_size // k) * (k * discriminators_turn + generators_turn)


def _turns(generator: keras.Model, discriminator: keras.Model) -> tuple[int, int]:
    """MACs of the discriminator's and of the generator's turn, for one example."""
    g, d = macs(generator), macs(discriminator)
    g_weights = 2 * g - macs_of_layers(generator)[0]  # backward to the weights: no gradient of the noise
    d_weights = 2 * d - macs_of_layers(discriminator)[0]
    # On generated and on real examples; then back through the discriminator, whose weights stay.
    return g + 2 * (d + d_weights), g + d + d + g_weights


def _slope(d: int) -> int:
    """MACs of a penalty on the slope of scores, for one example.

    The slope goes back to the image. Its own gradient is a product with each kernel and one for each kernel. None flows
    into the forward pass, because rectifiers have no curvature.
    """
    return d + 2 * d


def matrix_products() -> tuple[Callable, int]:
    """A turn of float32 products of square matrices in TensorFlow, and its operations."""
    factor = tf.Variable(tf.random.normal((SIDE, SIDE), stddev=SIDE**-0.5))

    @tf.function
    def multiply():
        product = tf.convert_to_tensor(factor)
        for _ in range(PRODUCTS):
            product = product @ factor
        return tf.reduce_sum(product)

    return lambda: float(multiply()), 2 * PRODUCTS * SIDE**3
