"""Networks of convolutions for pictures of other sizes than those of training."""

import math

import keras

from keras_gan_zoo.core.free_size import FreeSize


def of_any_size(network: keras.Model) -> keras.Model:
    """A copy of a network from pictures to pictures, with the same weights, for any height and width.

    Raises:
        ValueError, TypeError: As Keras says that a layer is bound to one size.
    """
    copy = keras.models.clone_model(network, keras.Input((None, None, network.input_shape[-1]), name="condition"))
    copy.set_weights(network.get_weights())
    return copy


def free_size_of(network: keras.Model) -> FreeSize | None:
    """The sizes that a network from pictures to pictures takes; None if that is only the one of its training.

    They are those in which all its maps meet, and for which what is made is to what is given as in training.
    """
    try:
        copy = of_any_size(network)
    except (ValueError, TypeError):
        return None
    sides, made = network.input_shape[1:3], network.output_shape[1:3]

    def fits(height: int, width: int) -> bool:
        try:
            actual = copy.compute_output_shape((None, height, width, network.input_shape[-1]))[1:3]
        except (ValueError, TypeError):
            return False
        return (actual[0] * sides[0], actual[1] * sides[1]) == (height * made[0], width * made[1])

    common = math.gcd(*sides)
    steps = (step for step in range(1, common + 1) if common % step == 0)
    multiple = next((step for step in steps if fits(sides[0] + step, sides[1] + step)), None)
    if multiple is None:
        return None
    squares = range(multiple, max(sides) + multiple + 1, multiple)
    least = next((side for side in squares if fits(side, side)), None)
    found = FreeSize(multiple, least or multiple)
    return found if least and found.fits(sides) else None
