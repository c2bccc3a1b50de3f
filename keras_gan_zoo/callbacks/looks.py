"""When callbacks look at the steps of a `fit`; where we choose the number of steps per execution, it ends there."""

import keras

from keras_gan_zoo.callbacks.side_outputs import original
from keras_gan_zoo.core.keras_internals import profiles_batches

_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


def looks_at_each_step(callback) -> bool:
    """Whether a callback overrides methods for batches, and its class does not say that it needs fewer of them."""
    callback = original(callback)
    base = _class_that_says_when(callback)
    return any(_function(callback, hook) is not getattr(base, hook) for hook in _HOOKS)


def steps_to_look(callback) -> int | None:
    """The number of steps after which a callback wants to look, by its method `steps_to_look`; None if any will do."""
    return callback.steps_to_look() if hasattr(callback, "steps_to_look") else None


def _class_that_says_when(callback) -> type[keras.callbacks.Callback]:
    """The class of a callback whose methods for batches are known not to need each step; subclasses may add to them."""
    kinds = keras.callbacks
    match callback:
        case kinds.ProgbarLogger():
            return kinds.ProgbarLogger
        case kinds.ModelCheckpoint(save_freq="epoch"):
            return kinds.ModelCheckpoint
        case kinds.TensorBoard(update_freq="epoch", write_steps_per_second=False) if not profiles_batches(callback):
            return kinds.TensorBoard
    declaring = (kind for kind in type(callback).__mro__ if "steps_to_look" in vars(kind))
    return next(declaring, kinds.Callback)


def _function(callback, hook: str):
    """The function of a method, also where it was set on the object, as by `keras.callbacks.LambdaCallback`."""
    method = getattr(callback, hook, None)
    return getattr(method, "__func__", method)
