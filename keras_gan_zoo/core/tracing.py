"""Functions that TensorFlow traces."""

from collections.abc import Callable
from functools import partial


def counted_alone(function: Callable) -> Callable:
    """A function for `tf.function`, which then warns of frequent tracing only if it is this one that is often traced.

    TensorFlow counts by code, for all models together, and would warn of the fifth model of a loop. What a `partial`
    calls is not looked into, so that each is counted by itself.
    """
    return partial(function)
