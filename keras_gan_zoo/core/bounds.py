"""Checks of numeric arguments, without TensorFlow."""

import math

import numpy as np

from keras_gan_zoo.errors import InputError


def is_number(value) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_count(value, low: int = 1) -> bool:
    """Whether a value is a whole number of at least `low`."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= low


def check_number(name: str, value: float, low: float, above: bool = False, below: float = np.inf) -> None:
    """Raises an `InputError` unless a value is finite, at least `low` (or above it), and below a bound."""
    if (
        not is_number(value)
        or not -math.inf < value < math.inf
        or value < low
        or (above and value == low)
        or value >= below
    ):
        bound = f" and below {below}" if below < np.inf else ""
        raise InputError(
            f"Expected {name} to be a number {'above' if above else 'of at least'} {low}{bound}. Received: {value!r}."
        )


def check_count(name: str, value: int, low: int = 1) -> None:
    """Raises an `InputError` unless a value is a whole number of at least `low`."""
    if not is_count(value, low):
        raise InputError(f"Expected {name} to be a whole number of at least {low}. Received: {value!r}.")


def check_seed(seed: int) -> int:
    if not is_count(seed, low=0) or seed >= 2**31:
        raise InputError(f"Expected a seed from 0 to {2**31 - 1}. Received: {seed!r}.")
    return int(seed)


def check_written(instance: object, base: type, *methods: str) -> None:
    """Checks that a class of the user's has the methods that its base class leaves to it."""
    kind = type(instance)
    missing = [name for name in methods if getattr(kind, name) is getattr(base, name)]
    if missing:
        raise InputError(
            f"Expected a {base.__name__} with {' and '.join(methods)}. Received: a {kind.__name__} without "
            f"{' and '.join(missing)}. Write {'this method' if len(missing) == 1 else 'these methods'}."
        )
