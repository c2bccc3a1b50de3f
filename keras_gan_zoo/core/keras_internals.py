"""What the package needs of Keras and TensorFlow and they do not publish, each use in one place.

Tested with Keras 3.15 and TensorFlow 2.21; `tests/core/test_keras_internals.py` says of each what broke in another
version, and that there is no further use in the package. Nothing is imported here: functions take the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator


def all_layers(network, include_self: bool = True) -> list:
    """The layers of a network and those within them, at any depth. `Model.layers` has the outermost alone."""
    return network._flatten_layers(include_self=include_self)


def nodes(model) -> Iterator:
    """The calls of a functional model's graph, with `operation`, `input_tensors` and `outputs`."""
    for at_depth in model._nodes_by_depth.values():
        yield from at_depth


def operation_of(tensor):
    """The layer or operation whose result a symbolic tensor is."""
    return tensor._keras_history.operation


def activation_of(tensor):
    """The activation function of the layer whose result a symbolic tensor is, or None."""
    return getattr(operation_of(tensor), "activation", None)


def is_one_hot(operation) -> bool:
    """Whether an operation of a graph is that of `keras.ops.one_hot`, whose class has no public name."""
    return type(operation).__name__ == "OneHot"


def seed_generators(layer) -> list:
    """The generators that a layer draws its seeds from, without those of layers within it."""
    return layer._seed_generators


def replace_next(generator, made: Callable[[Callable], Callable]) -> None:
    """Has a seed generator draw by `made(its own next)`: `keras.random` asks the object for `next`, not its class."""
    generator.next = made(generator.next)


def random_states(model) -> list:
    """The variables of a model that its random layers count their seeds in, known by the end of their path."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def learning_rate(optimizer):
    """What an optimizer was given: a variable, or a schedule or function; `learning_rate` is what it says now."""
    return optimizer._learning_rate


def clipped(optimizer, gradients: list) -> list:
    """Gradients as an optimizer clips them, by norm, value or global norm, before it applies them."""
    return optimizer._clip_gradients(gradients)


def strategy_of(model):
    """The strategy that a model was built in, or None; `distribute_strategy` has the default one in its place."""
    return model._distribute_strategy


class BuiltWhenMade:
    """Before the bases of a Keras model: `fit` builds nothing by a batch, which fails on those of several workers."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """There is nothing left to build."""


def is_of_several_processes(strategy) -> bool:
    """Whether a `MultiWorkerMirroredStrategy` has found a cluster, and does not stand for one process."""
    return strategy.extended._in_multi_worker_mode()
