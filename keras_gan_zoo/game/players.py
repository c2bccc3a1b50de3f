"""A player of a game: a network and the optimizer that moves it."""

from dataclasses import dataclass

import keras

from keras_gan_zoo.core.keras_internals import all_layers
from keras_gan_zoo.errors import InputError


@dataclass(frozen=True)
class Player:
    """A named network and its optimizer, which is None before `compile`."""

    name: str
    network: keras.Model
    optimizer: keras.optimizers.Optimizer | None = None


def built_optimizer(optimizer, network: keras.Model) -> keras.optimizers.Optimizer:
    """An optimizer with built variables, which Keras needs to load its weights; with a loss scale for float16."""
    optimizer = keras.optimizers.get(optimizer)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.use_ema:
        raise InputError(
            "Expected optimizers without use_ema, whose average Keras would never use here. Received: "
            f"use_ema=True. Pass ema_decay={inner.ema_momentum} to the model instead."
        )
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if any(layer.compute_dtype == "float16" for layer in all_layers(network)) and not scales:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def frozen_copy(network: keras.Model) -> keras.Model:
    """A copy of a network with the same weights, which are not trainable."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def check_optimizers(optimizers: dict) -> None:
    """Raises an `InputError` if two players share an optimizer, because it keeps the state of one."""
    given = [optimizer for optimizer in optimizers.values() if isinstance(optimizer, keras.optimizers.Optimizer)]
    if len({id(optimizer) for optimizer in given}) < len(given):
        raise InputError(
            f"Expected {'two' if len(optimizers) == 2 else 'several'} optimizers, because each keeps the state of one "
            "player. Received: one instance for both. Create a second one."
        )
