"""Whether a network's scores are bounded, found by what its last operations make of large numbers.

A network with hidden tanh units has bounded scores too, for given weights. What matters is what follows the last
trained weights: a linear layer can make scores as large as training wants, a sigmoid after it cannot.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_gan_zoo.core.keras_internals import call_of

SCALES = (10.0, 30.0)  # of inputs and weights: so large that sigmoids saturate, so small that float16 does not overflow
GROWTH = 1.2  # even a logarithm grows by more from one scale to the other
ROWS = 4  # minibatch statistics need a few, which they cut into groups


def are_bounded(network: keras.Model) -> bool:
    """Whether a network's scores stay within bounds, whatever its weights.

    The network is not changed, and its random layers do not advance. The cost is that of its last layer with weights.

    Example:
        >>> examples = keras.Input((2,))
        >>> scores = keras.layers.Dense(1)(keras.layers.Dense(8, "tanh")(examples))
        >>> [are_bounded(keras.Model(examples, each)) for each in (scores, keras.ops.sigmoid(scores))]
        [False, True]
    """
    [output] = network.outputs
    smaller, larger = (float(np.abs(_scores(output, scale)).max()) for scale in SCALES)
    return bool(np.isfinite(larger)) and 0 < larger <= GROWTH * smaller


def _scores(output: keras.KerasTensor, scale: float) -> np.ndarray:
    """What the operations after the last trained weights make of numbers of a given scale, by weights of that scale."""
    random = np.random.default_rng(0)
    known: dict[int, list] = {}

    def numbers(tensor):
        """Numbers of both signs for the examples or features of a tensor; the class 0 for labels."""
        shape = [ROWS // 2, *(size or ROWS for size in tensor.shape[1:])]
        half = random.standard_normal(shape, np.float32) * ("float" in str(tensor.dtype)) * scale
        return keras.ops.cast(np.concatenate([half, -half]), tensor.dtype)

    def value(tensor):
        operation, number, arguments, keywords = call_of(tensor)
        if isinstance(operation, keras.layers.InputLayer):
            return numbers(tensor)
        trained = getattr(operation, "trainable_variables", [])
        if trained and getattr(operation, "outputs", None):  # a network within the network
            return value(operation.outputs[number])
        if id(arguments) not in known:
            weights = [(weight, _weights(random, weight.shape, scale)) for weight in trained]
            find = numbers if trained else value
            given, named = _filled(arguments, find), _filled(keywords, find)
            with keras.StatelessScope(weights):
                known[id(arguments)] = keras.tree.flatten(operation(*given, **named))
        return known[id(arguments)][number]

    return keras.ops.convert_to_numpy(keras.ops.cast(value(output), "float64"))


def _filled(arguments, value: Callable) -> Any:
    """The arguments of a call with a value for each symbolic tensor."""
    is_symbolic = keras.utils.is_keras_tensor
    return keras.tree.map_structure(lambda part: value(part) if is_symbolic(part) else part, arguments)


def _weights(random: np.random.Generator, shape, scale: float) -> np.ndarray:
    """Weights that make a layer's outputs about `scale` times as large as its inputs, whatever its size."""
    return random.standard_normal(shape, np.float32) * scale / math.sqrt(math.prod(shape[:-1]))
