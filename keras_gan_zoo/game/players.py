"""A player of a game: a network and the optimizer that moves it."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.core.stderr import without_talk
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.rebuilding import is_marked
from keras_gan_zoo.networks.layers import WithOtherWeights


@dataclass(frozen=True)
class Player:
    """A named network and its optimizer, which is None before `compile`."""

    name: str
    network: keras.Model
    optimizer: keras.optimizers.Optimizer | None = None


class Optimizers:
    """The optimizers of all players in the place of a single one, for callbacks that read `model.optimizer`.

    It can be read, not changed: what is to change belongs to one player.

    Args:
        players: The players by name, compiled.
        step: The number of finished training steps, a variable.

    Attributes:
        iterations: The number of finished training steps.
        variables: The variables of all optimizers.
        built: True.
    """

    built = True
    _by_name: dict[str, keras.optimizers.Optimizer]

    def __init__(self, players: dict[str, Player], step):
        by_name = {name: player.optimizer for name, player in players.items()}
        vars(self).update(_by_name=by_name, iterations=tf.convert_to_tensor(step))

    @property
    def variables(self) -> list:
        return [variable for optimizer in self._by_name.values() for variable in optimizer.variables]

    @property
    def learning_rate(self):
        """The present rate, a scalar tensor, if it is the same for all players; otherwise `DifferentRates`."""
        rates = {name: tf.convert_to_tensor(optimizer.learning_rate) for name, optimizer in self._by_name.items()}
        first, *others = rates.values()
        return first if all(float(rate) == float(first) for rate in others) else DifferentRates(rates)

    def get_config(self) -> dict:
        """The configurations of the optimizers by player."""
        return {name: optimizer.get_config() for name, optimizer in self._by_name.items()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"Expected an optimizer of one player for {name}. Received: those of all. {self._instead()}"
        )

    def __setattr__(self, name: str, value) -> None:
        raise InputError(
            f"Expected a change of one player's optimizer. Received: {name}={value!r} for all. {self._instead()}"
        )

    def _instead(self) -> str:
        return f"Use {' or '.join(f'model.{name}_optimizer' for name in self._by_name)}."


class DifferentRates:
    """Learning rates that differ between the players: whatever reads them as one number is told so."""

    def __init__(self, rates: dict):
        self._rates = rates

    def _refuse(self, *_, **__):
        rates = ", ".join(f"{name} {float(rate):g}" for name, rate in self._rates.items())
        name = next(iter(self._rates))
        raise InputError(
            f"Expected one learning rate. Received: {rates}. To log them, put a callback before that of the logger: "
            f"keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update({name}_lr="
            f"float(gan.{name}_optimizer.learning_rate)))."
        )

    __call__ = __float__ = __array__ = numpy = item = _refuse


def built_optimizer(optimizer, network: keras.Model) -> keras.optimizers.Optimizer:
    """An optimizer with built variables, which Keras needs to load its weights; with a loss scale for float16."""
    try:
        optimizer = keras.optimizers.get(optimizer)
    except ValueError as error:
        raise InputError(
            f"Expected an optimizer of Keras, or its name. Received: {optimizer!r}. A learning rate, also a schedule, "
            "is an argument of an optimizer, as in keras.optimizers.Adam(2e-4)."
        ) from error
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.use_ema:
        raise InputError(
            "Expected optimizers without use_ema, whose average Keras would never use here. Received: "
            f"use_ema=True. Pass ema_decay={inner.ema_momentum} to the model instead."
        )
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if any(layer.compute_dtype == "float16" for layer in all_layers(network)):
        start_half_precision()
        optimizer = optimizer if scales else keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


@cache
def start_half_precision() -> None:
    """Runs an operation in float16: oneDNN says at the first one if it has none of its own for this CPU."""
    with without_talk():
        tf.zeros((), tf.float16)


def frozen_copy(network: keras.Model) -> keras.Model:
    """A copy of a network with the same weights, which are not trainable.

    Keras copies layers by their configurations. Some have none that describes them, such as a `Lambda` or a layer
    without `get_config`; then the copy calls the same layers, with weights of its own.
    """
    copy = None if is_marked("shares_layers") else _with_copied_layers(network)
    if copy is None:
        inputs = [keras.Input(batch_shape=each.shape, dtype=each.dtype, name=each.name) for each in network.inputs]
        given = inputs if len(inputs) > 1 else inputs[0]
        copy = keras.Model(given, WithOtherWeights(network)(given), name=network.name)
    freeze(copy)
    return copy


def freeze(network: keras.Model) -> None:
    """Makes all weights untrainable, one layer after the other.

    Keras ignores a value that a layer has already, also if a layer within it, made by its constructor, has another.
    """
    for layer in all_layers(network):
        layer.trainable = False


def _with_copied_layers(network: keras.Model) -> keras.Model | None:
    try:
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
    except Exception:  # whatever the constructors of layers raise
        return None
    return copy


def shares_layers(copy: keras.Model | None) -> bool:
    """Whether a copy is one that calls the layers of the network."""
    return copy is not None and isinstance(copy.layers[-1], WithOtherWeights)


def assign_optimizers(names: tuple[str, ...], optimizers: tuple, arguments: dict) -> tuple[dict, dict]:
    """What `compile` is given, as optimizers by the attributes they become, None for the default, and the rest.

    Raises:
        InputError: If there are too many, one is given to two players, or an argument of one-network models is given.
    """
    attributes = [f"{name}_optimizer" for name in names]
    rest = dict(arguments)
    if len(names) == 1 and "optimizer" in rest:
        rest[attributes[0]] = rest.pop("optimizer")
    unusable = [name for name in ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics") if name in rest]
    unusable += [name for name in rest if name.endswith("_optimizer") and name not in attributes]
    if unusable or len(optimizers) > len(names):
        received = f"{unusable[0]}={rest[unusable[0]]!r}" if unusable else f"{len(optimizers)} optimizers"
        raise InputError(
            f"compile() expects {' and '.join(attributes)}; the loss is an argument of the constructor. Received: "
            f"{received}. Leave {repr(unusable[0]) if unusable else 'the others'} out."
        )
    given = dict(zip(attributes, optimizers, strict=False))
    given |= {name: rest.pop(name) for name in attributes if name in rest}
    instances = [each for each in given.values() if isinstance(each, keras.optimizers.Optimizer)]
    if len({id(each) for each in instances}) < len(instances):
        raise InputError(
            f"Expected {'two' if len(names) == 2 else 'separate'} optimizers, because each keeps the state of one "
            "player. Received: one instance for both. Create a second one."
        )
    return {name: given.get(name) for name in attributes}, rest
