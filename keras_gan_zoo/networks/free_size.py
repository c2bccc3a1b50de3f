"""Networks of convolutions for pictures of other sizes than those of training."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_gan_zoo.core.free_size import FreeSize
from keras_gan_zoo.networks.layers import BilinearUpSampling2D, Dropout

# What computes each place by itself, if weights and arguments are for channels only.
POINTWISE = (
    layers.Activation,
    layers.Add,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.Dropout,
    layers.LeakyReLU,
    layers.Multiply,
    layers.PReLU,
    layers.ReLU,
    Dropout,
)
Interval = tuple[int, int]  # of places, from the first to the one after the last


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
    found = FreeSize(multiple, least or multiple, reach_of(copy, multiple, (made[0] / sides[0], made[1] / sides[1])))
    return found if least and found.fits(sides) else None


def reach_of(network: keras.Model, multiple: int, factors: Sequence[float]) -> int | None:
    """How many pixels beyond a block of its input a network looks at, to make what is in the place of that block.

    It follows from the layers, from the last to the first, which need larger and larger blocks.

    Args:
        network: A network from pictures to pictures of any size, whose layers are used once each.
        multiple: The side of the block.
        factors: How many times as high and wide as its input the output is.

    Returns:
        The number of pixels; None if a layer looks at all places, or is not one of those that are known here.
    """
    reach = 0
    for axis, factor in enumerate(factors):
        needed = _needed(network, (0, round(multiple * factor)), axis)
        if needed is None:
            return None
        reach = max(reach, -needed[0], needed[1] - multiple)
    return reach


def _needed(network: keras.Model, made: Interval, axis: int) -> Interval | None:
    """What of its input a network looks at along an axis, to make an interval of its output."""
    needed = {id(network.outputs[0]): made}
    for layer in reversed(network.operations):  # from the output on
        if isinstance(layer, layers.InputLayer):
            continue
        block = _looked_at(layer, needed[id(layer.output)], axis)
        if block is None:
            return None
        for tensor in layer.input if isinstance(layer.input, list) else [layer.input]:
            first, end = needed.get(id(tensor), block)
            needed[id(tensor)] = min(first, block[0]), max(end, block[1])
    return needed[id(network.inputs[0])]


def _looked_at(layer, made: Interval, axis: int) -> Interval | None:
    """What of its input a layer looks at along an axis; None if that is not known."""
    first, end = made
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    if type(layer) is layers.Conv2D and layer.padding == "same":
        stride, extent = layer.strides[axis], (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis] + 1
        start = first * stride - max(extent - stride, 0) // 2  # as sides are multiples of the stride
        return start, start + (end - 1 - first) * stride + extent
    if type(layer) is layers.UpSampling2D and layer.interpolation == "nearest":
        return first // layer.size[axis], -(-end // layer.size[axis])
    if type(layer) is BilinearUpSampling2D:  # which looks at two places, between whose centres a place lies
        centres = [(place + 0.5) / layer.size - 0.5 for place in (first, end - 1)]
        return math.floor(centres[0]), math.floor(centres[1]) + 2
    is_pointwise = type(layer) in POINTWISE and getattr(layer, "axis", -1) in (-1, 3)
    return made if is_pointwise else None
