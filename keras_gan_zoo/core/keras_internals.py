"""All uses of private parts of Keras and TensorFlow, each in one place.

Tested with Keras 3.15 and TensorFlow 2.21. `tests/core/test_keras_internals.py` tests each of them, so that a new
version's change is found, and checks that the package has no other private use. Nothing is imported here until
it is needed: functions take the objects.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

from keras_gan_zoo.errors import InputError


def uses_onednn() -> bool:
    """Whether TensorFlow computes by oneDNN, which is decided when it is imported."""
    from tensorflow.python.util import _pywrap_util_port

    return _pywrap_util_port.IsMklEnabled()


def all_layers(network, include_self: bool = True) -> list:
    """The layers of a network and those within them, at any depth; `Model.layers` has the outermost only."""
    return network._flatten_layers(include_self=include_self)


def nodes(model) -> Iterator:
    """The calls of a functional model's graph, with `operation`, `input_tensors` and `outputs`."""
    for at_depth in model._nodes_by_depth.values():
        yield from at_depth


def call_of(tensor) -> tuple:
    """The call that computes a symbolic tensor: operation, number of the output, arguments and keywords."""
    operation, node, number = tensor._keras_history
    call = operation._inbound_nodes[node].arguments
    return operation, number, call.args, call.kwargs


def is_one_hot(operation) -> bool:
    """Whether an operation of a graph is `keras.ops.one_hot`, whose class has no public name."""
    return type(operation).__name__ == "OneHot"


def seed_generators(layer) -> list:
    """The seed generators of a layer, without those of its sublayers."""
    return layer._seed_generators


def replace_next(generator, wrap: Callable[[Callable], Callable]) -> None:
    """Replaces the `next` of a seed generator by `wrap(next)`; `keras.random` looks it up on the object."""
    generator.next = wrap(generator.next)


def random_states(model) -> list:
    """The state variables of a model's random layers, recognised by the end of their path."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def replace_moments(layer, compute: Callable) -> None:
    """Lets a batch normalisation take the means and variances of `compute(inputs, axes)`, unless there is a mask."""
    by_keras = layer._moments
    layer._moments = lambda x, mask: compute(x, layer._reduction_axes) if mask is None else by_keras(x, mask)


def separate_losses(layer) -> None:
    """Lets each thread see only the losses that it added itself by `add_loss`: each replica runs in one of its own.

    Keras keeps them in one list, and clears it when a network is called. Where replicas wait for each other within a
    call, as to normalise over their batches, the next one would clear the losses of those that wait.
    """
    vars(layer)["_losses"] = _ListOfThread()


class _ListOfThread:
    """The part of `list` that Keras uses for losses, with other items in each thread."""

    def __init__(self):
        self._own = threading.local()

    @property
    def _items(self) -> list:
        return vars(self._own).setdefault("items", [])

    def __getitem__(self, part):
        return self._items[part]

    def extend(self, losses) -> None:
        self._items.extend(losses)

    def clear(self) -> None:
        self._items.clear()


def learning_rate(optimizer):
    """The learning rate as an optimizer holds it: a variable, schedule or function, not its present value."""
    return optimizer._learning_rate


def clipped(optimizer, gradients: list) -> list:
    """Gradients after an optimizer's clipping by norm, value or global norm."""
    return optimizer._clip_gradients(gradients)


def profiles_batches(tensorboard) -> bool:
    """Whether a `keras.callbacks.TensorBoard` profiles batches, which it counts; its argument is not kept."""
    return tensorboard._should_trace


def strategy_of(model):
    """The strategy that a model was built under, or None; `distribute_strategy` returns the default one instead."""
    return model._distribute_strategy


class BuiltInConstructor:
    """A mixin for Keras models that are built when they are made, and say themselves that they are not compiled."""

    compiled: bool  # an attribute of `keras.Model`

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Does nothing, because `fit` would build the model from a batch, which fails with several workers."""

    def _assert_compile_called(self, method_name=None) -> None:
        """What each method that needs optimizers asks first: `fit`, `evaluate`, `train_on_batch`, `test_on_batch`."""
        self.check_compiled()

    def check_compiled(self) -> None:
        """Raises an `InputError` if there are no optimizers yet."""
        if not self.compiled:
            raise InputError(
                "Expected a compiled model. Received: one without optimizers. Call gan.compile() first; a saved model "
                "is loaded with its optimizers unless compile=False."
            )


def spans_several_processes(strategy) -> bool:
    """Whether a `MultiWorkerMirroredStrategy` has found a cluster, rather than a single process."""
    return strategy.extended._in_multi_worker_mode()


def changed_by(change: Callable, source):
    """Keras' adapter of a source of batches, with a `tf.data.Dataset` that is changed by a function; `fit` takes it."""
    from keras.src.trainers.data_adapters import get_data_adapter

    adapter = get_data_adapter(source)
    made = adapter.get_tf_dataset
    adapter.get_tf_dataset = lambda: change(made())
    return adapter


def tensorflow_has_started() -> bool:
    """Whether TensorFlow has run something in this process, so that its threads exist; does not import it."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = None if module is None else module.context_safe()
    return context is not None and context._initialized


def omit_tracing_warnings(function) -> None:
    """Stops warnings of frequent tracing for what Keras compiled to evaluate or predict.

    TensorFlow counts tracings by the code of a function, here Keras' own, so for all models together: it would warn of
    the fifth model that is evaluated, which is traced once, as it should be.
    """
    for part in (function, *(cell.cell_contents for cell in getattr(function, "__closure__", None) or ())):
        if hasattr(part, "_omit_frequent_tracing_warning"):
            part._omit_frequent_tracing_warning = True
