"""The training step, layer by layer: every convolution, dense layer and normalisation of the default pairs, by itself.

Each is built anew, with its configuration and the shape of its input in the network, without an activation; maxout
units without their maximum. Three graphs are timed in turn: the layer forward, the gradient of its input, and that of
its kernel, or of a normalisation's scale and offset. Gradients are computed from given numbers in the place of the next
layer's gradient. TensorFlow leaves out what a result does not need, so that a gradient does not compute the layer
forward again. Those of normalisations need means and variances, and compute these again. A result is one number of the
output, for which TensorFlow computes all of it.

A turn of matrix products belongs to each round. The share is the rate of the layer's multiplications by the rate of
these products in the same round. The empty graph takes as long as any call does: small layers take hardly longer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import keras_gan_zoo as kgz
from tests.benchmarks import arithmetic, ours
from tests.benchmarks.cases import DCGAN_28, DCGAN_32, MLP, WGAN_GP, Case
from tests.benchmarks.measuring import CLOCK, in_turn

CASES = (DCGAN_28, DCGAN_32, WGAN_GP, MLP)
NORMALIZATIONS = (layers.BatchNormalization, layers.LayerNormalization)
PARTS = {"forward": "forward", "input": "gradient of input", "kernel": "gradient of kernel"}


@dataclass(frozen=True)
class Time:
    """How long a part takes on a batch.

    Args:
        seconds: The median of the rounds.
        operations: Floating-point operations of products with the kernel; 0 if there is none.
        share: Their rate by that of matrix products, the median of the rounds.
    """

    seconds: float
    operations: int
    share: float

    def __add__(self, other: "Time") -> "Time":
        seconds = self.seconds + other.seconds
        share = (self.share * self.seconds + other.share * other.seconds) / seconds
        return Time(seconds, self.operations + other.operations, share)

    def __str__(self) -> str:
        if not self.operations:
            return f"{1e3 * self.seconds:>8.3f} {'':>9} {'':>7}"
        return f"{1e3 * self.seconds:>8.3f} {self.operations / self.seconds / 1e9:>9.1f} {100 * self.share:>5.0f} %"


def table(rounds: int) -> None:
    for case in CASES:
        print(f"{case.name:54}" + "".join(f"  {name:>26}" for name in PARTS.values()))
        print(f"{'':54}" + "  {:>8} {:>9} {:>7}".format("ms", "GFLOP/s", "share") * len(PARTS))
        print_row("an empty graph", {"forward": empty(rounds)})
        for network in ours.players(case):
            network_rows(network, case, rounds)
        print()


def network_rows(network: keras.Model, case: Case, rounds: int) -> None:
    total = None
    for layer in filter(is_timed, network.layers):
        times = measured(layer, case.batch_size // case.minibatches, rounds)
        print_row(f"  {in_words(layer)}", times)
        total = times if total is None else {part: total[part] + times[part] for part in PARTS}
    print_row(f"{network.name}, all of these", total)


def print_row(name: str, times: dict[str, Time]) -> None:
    print(f"{name:54}" + "".join(f"  {time}" for time in times.values()), flush=True)


def is_timed(layer: layers.Layer) -> bool:
    return bool(arithmetic.macs_of_layer(layer)) or isinstance(layer, NORMALIZATIONS)


def in_words(layer: layers.Layer) -> str:
    shapes = ("x".join(map(str, tensor.shape[1:])) for tensor in (layer.input, layer.output))
    return f"{type(layer).__name__} {' to '.join(shapes)}"


def measured(layer: layers.Layer, batch_size: int, rounds: int) -> dict[str, Time]:
    """The parts by name."""
    copy, (products, of_products) = alone(layer), arithmetic.matrix_products()
    runs = parts(copy, *numbers(copy, layer.input.shape, batch_size))
    taken = {name: times[:, CLOCK] for name, times in in_turn({**runs, "products": products}, rounds).items()}
    operations = 2 * batch_size * arithmetic.macs_of_layer(layer)
    as_products = operations / of_products * taken["products"]  # seconds for as many operations
    return {
        name: Time(float(np.median(taken[name])), operations, float(np.median(as_products / taken[name])))
        for name in runs
    }


def empty(rounds: int) -> Time:
    """A graph that computes nothing."""
    taken = in_turn({"empty": in_a_graph(lambda x: x, tf.zeros((1,)))}, rounds)["empty"]
    return Time(float(np.median(taken[:, CLOCK])), 0, 0.0)


def alone(layer: layers.Layer) -> layers.Layer:
    """A layer as it was built for the shape of its input, without its activation."""
    inner = layer.dense if isinstance(layer, kgz.networks.Maxout) else layer
    config = inner.get_config()
    copy = type(inner).from_config({**config, "activation": "linear"} if "activation" in config else config)
    copy.build(layer.input.shape)
    return copy


def numbers(layer: layers.Layer, shape: tuple, batch_size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch of inputs, and a gradient of the loss with respect to its outputs."""
    return tuple(tf.random.normal((batch_size, *each[1:])) for each in (shape, layer.compute_output_shape(shape)))


def parts(layer: layers.Layer, x: tf.Tensor, upstream: tf.Tensor) -> dict[str, Callable]:
    """Functions without arguments that compute the layer forward and its gradients."""

    def forward(x, upstream):
        return layer(x, training=True)

    def of_input(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x, upstream)

    def of_kernel(x, upstream):
        with tf.GradientTape() as tape:
            y = layer(x, training=True)
        return tape.gradient(y, trained(layer), upstream)

    return {part: in_a_graph(run, x, upstream) for part, run in zip(PARTS, (forward, of_input, of_kernel), strict=True)}


def trained(layer: layers.Layer) -> list:
    """The kernel, or a normalisation's scale and offset."""
    return layer.trainable_weights if isinstance(layer, NORMALIZATIONS) else [layer.kernel]


def in_a_graph(run: Callable, *given: tf.Tensor) -> Callable:
    """Computes all results, and waits for a number that needs them and takes no time to compute from them."""

    @tf.function
    def graph(*given):
        return tf.add_n([tf.reshape(result, (-1,))[0] for result in tf.nest.flatten(run(*given))])

    return lambda: float(graph(*given))
