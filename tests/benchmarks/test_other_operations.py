"""Other operations compute what Keras' layers do: outputs, gradients, and gradients of gradients."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.benchmarks import other_operations, ours, remedies

LAYERS = {
    "batch normalisation of maps": (layers.BatchNormalization(momentum=0.9), (6, 4, 5)),
    "batch normalisation of vectors": (layers.BatchNormalization(momentum=0.9), (7,)),
    "convolution": (layers.Conv2D(5, 4, 2, "same", bias_initializer="random_normal"), (6, 8, 3)),
    "convolution without bias": (layers.Conv2D(5, 4, 2, "same", use_bias=False), (8, 6, 1)),
    "transposed convolution": (layers.Conv2DTranspose(3, 4, 2, "same", bias_initializer="random_normal"), (3, 4, 6)),
    "transposed convolution without bias": (layers.Conv2DTranspose(1, 4, 2, "same", use_bias=False), (4, 3, 6)),
}
CALLS = {kind: call for replaced in other_operations.REPLACED.values() for kind, call in replaced.items()}


def results(layer, x, call):
    """The output, the gradients by input and weights, their gradient by the input, and weights that are not trained."""
    for weight in layer.non_trainable_weights:
        weight.assign(tf.ones_like(weight))
    arguments = {"training": True} if isinstance(layer, layers.BatchNormalization) else {}
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = call(layer, x, **arguments)
            total = tf.reduce_sum(tf.sin(y))
        by_input = tape.gradient(total, x)
        slope = tf.reduce_sum(by_input**2)
    by_weights = tape.gradient(total, [weight.value for weight in layer.trainable_weights])
    return [y, by_input, *by_weights, outer.gradient(slope, x), *map(tf.identity, layer.non_trainable_weights)]


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_the_same_function(name):
    layer, shape = LAYERS[name]
    x = tf.constant(np.random.default_rng(0).normal(size=(9, *shape)), tf.float32)
    layer.build(x.shape)
    expected = results(layer, x, other_operations.KERAS[type(layer)])
    received = results(layer, x, CALLS[type(layer)])
    for each, right in zip(received, expected, strict=True):
        np.testing.assert_allclose(each, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv2D(5, 4, 2, "same"), (7, 8, 3)),  # an odd side
        (layers.Conv2D(5, 4, 2, "same"), (8, 8, 5)),  # too many channels to gain anything
        (layers.Conv2D(5, 3, 2, "same"), (8, 8, 3)),
        (layers.Conv2DTranspose(5, 4, 2, "same"), (4, 4, 3)),
        (layers.Conv2DTranspose(3, 4, 1, "same"), (4, 4, 3)),
    ],
)
def test_others_are_left_to_keras(layer, shape):
    x = tf.ones((2, *shape))
    layer.build(x.shape)
    np.testing.assert_array_equal(CALLS[type(layer)](layer, x), layer(x))


def test_each_is_a_remedy():
    assert set(remedies.OPERATIONS) == set(other_operations.REPLACED)


def test_one_pass_gives_the_same_scores():
    gan = ours.model(remedies.WGAN_GP, ours.players(remedies.WGAN_GP))
    real, fake = (tf.random.stateless_uniform((3, 28, 28, 1), (seed, 0), -1, 1) for seed in (0, 1))
    for each, right in zip(remedies.judge_in_one_pass(gan, real, fake, None), gan.judge(real, fake, None), strict=True):
        np.testing.assert_allclose(each, right, rtol=1e-5, atol=1e-6)
