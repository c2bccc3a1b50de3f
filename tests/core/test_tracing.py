"""TensorFlow does not warn of frequent tracing where nothing is traced more often than it should be."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from keras_gan_zoo.callbacks import NaNGuard
from keras_gan_zoo.core.tracing import counted_alone
from tests.games import DEFAULT, ONE, SGD, VECTORS, game, train


@pytest.fixture
def said():
    """What TensorFlow's logger says."""

    class Listen(logging.Handler):
        def emit(self, record):
            messages.append(record.getMessage())

    messages, listen = [], Listen()
    tf.get_logger().addHandler(listen)
    yield messages
    tf.get_logger().removeHandler(listen)


def test_a_function_that_is_traced_often_is_still_named(said):
    for _ in range(6):
        tf.function(counted_alone(lambda: tf.constant(1.0)))()
    assert not said
    often = tf.function(counted_alone(lambda number: tf.constant(1.0)))
    for number in range(6):
        often(number)
    assert "triggered tf.function retracing" in said[0]


def test_samples_of_several_models_and_sizes(said):
    for number in range(6):
        gan = game()
        gan.sample(3, seed=number)
        gan.predict(np.zeros((3, 3), np.float32), verbose=0)
    for n in (1, 2, 5, 64, 65, 100, 200):
        gan.sample(n, seed=n)
        gan.predict(np.zeros((n, 3), np.float32), verbose=0)
    assert not said


@pytest.mark.slow
@pytest.mark.parametrize("execution", [ONE, DEFAULT], ids=["1 step", "default"])
def test_several_models_are_trained_evaluated_and_inverted(said, execution):
    for _ in range(6):
        gan = game(SGD(0.01), SGD(0.01), execution=execution)
        train(gan, NaNGuard(), epochs=1, validation_data=VECTORS[:20])
        gan.evaluate(VECTORS[:13], verbose=0)
        gan.invert(VECTORS[:2], steps=10)
    for size in (8, 16, 13):
        gan.fit(VECTORS, batch_size=size, verbose=0)
        gan.evaluate(VECTORS[:size], batch_size=5, verbose=0)
    assert not said
