"""Players of a few weights, and the arithmetic that works out on paper what a step does to them."""

import keras
import numpy as np
import tensorflow as tf

SEED, SIZE = 3, 4


def linear(name, weight, bias):
    layer = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((1,)), layer], name=name)
    layer.set_weights([np.array([[weight]]), np.array([bias])])
    return model


def quadratic(slope, curvature, offset) -> keras.Model:
    """The discriminator slope * x + curvature * x² + offset."""
    x = keras.Input((1,))
    scores = keras.layers.Dense(1)
    model = keras.Model(x, scores(keras.layers.Concatenate()([x, keras.layers.Multiply()([x, x])])))
    scores.set_weights([np.array([[slope], [curvature]]), np.array([offset])])
    return model


def noise(step, draws):
    shape = (draws, SIZE, 1)
    return tf.random.stateless_normal(shape, tf.constant([SEED, step], tf.int64), dtype="float64").numpy()[..., 0]


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def derivative(function, parameters) -> np.ndarray:
    """The gradient of a NumPy function by complex steps: exact to the last digits, with no formula to get wrong."""
    parameters = np.asarray(parameters, complex)
    steps = 1e-30j * np.eye(parameters.size).reshape(-1, *parameters.shape)
    return np.array([function(parameters + step).imag for step in steps]).reshape(parameters.shape) / 1e-30


def softplus(s):
    return np.log(1 + np.exp(s))


def players(gan):
    return [np.concatenate([np.ravel(weight) for weight in p.weights]) for p in (gan.generator, gan.discriminator)]
