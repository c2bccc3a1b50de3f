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
    """An optimizer with its variables, because Keras loads no weights into one without; float16 gets a loss scale."""
    optimizer = keras.optimizers.get(optimizer)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.use_ema:
        raise InputError(
            "Expected optimizers without use_ema, whose average Keras would never put to use here. Received: "
            f"use_ema=True. Pass ema_decay={inner.ema_momentum} to the model instead."
        )
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if any(layer.compute_dtype == "float16" for layer in all_layers(network)) and not scales:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def frozen_copy(network: keras.Model) -> keras.Model:
    """Another network with the same weights, which no optimizer moves."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def check_optimizers(optimizers: dict) -> None:
    """That no two players share one optimizer, which keeps the state of one."""
    given = [optimizer for optimizer in optimizers.values() if isinstance(optimizer, keras.optimizers.Optimizer)]
    if len({id(optimizer) for optimizer in given}) < len(given):
        raise InputError(
            f"Expected {'two' if len(optimizers) == 2 else 'several'} optimizers, because each keeps the state of one "
            "player. Received: one instance for both. Create a second one."
        )
