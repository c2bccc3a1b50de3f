"""Numbers that arguments may be, checked without TensorFlow."""

import numpy as np

from keras_gan_zoo.errors import InputError


def check_number(name: str, value: float, low: float, above: bool = False, below: float = np.inf) -> None:
    """A finite number from `low` up, or above it, and below a bound."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
    if not is_number or value < low or (above and value == low) or value >= below:
        bound = f" and below {below}" if below < np.inf else ""
        raise InputError(
            f"Expected {name} to be a number {'above' if above else 'of at least'} {low}{bound}. Received: {value!r}."
        )


def check_count(name: str, value: int, low: int = 1) -> None:
    """A whole number from `low` up."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
        raise InputError(f"Expected {name} to be a whole number of at least {low}. Received: {value!r}.")
