"""`fit` and `evaluate`: from the user's arguments to batches, callbacks and a `Session`."""

import inspect
import warnings
from collections.abc import Callable

import keras

from keras_gan_zoo import callbacks as ours
from keras_gan_zoo import data
from keras_gan_zoo.core.keras_internals import strategy_of
from keras_gan_zoo.data.pipelines import errors_of_pipelines, in_tuples
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.checks import check_dataset, check_fit_data, check_scope, refuse
from keras_gan_zoo.game.execution import counted_singly
from keras_gan_zoo.game.session import Session


def fit(model, keras_fit: Callable, x, y, batch_size, callbacks, arguments: dict) -> keras.callbacks.History:
    """See `GameModel.fit`. `keras_fit` is `keras.Model.fit`, and `arguments` are its further arguments."""
    refuse(arguments, "sample_weight", "class_weight", "validation_split")
    model.check_compiled()
    check_scope(strategy_of(model))
    model.check_complete()
    shuffle = arguments.pop("shuffle", True)
    check_fit_data(x, y)
    callbacks = _checked_callbacks(callbacks)
    _prepare_validation(model, arguments, batch_size)
    dataset = data.as_dataset(x, y)
    if dataset is None:
        arguments.update(y=y, batch_size=batch_size)
        described = {"source": type(x).__name__}
    else:
        batch_size = data.BATCH_SIZE * model.minibatches_per_step if batch_size is None else batch_size
        check_dataset(model, dataset, batch_size)
        model.adopt(dataset)
        _warn_of_other_classes(model, dataset)
        if arguments.get("steps_per_epoch") is None:
            arguments["steps_per_epoch"] = len(dataset) // batch_size
        described = {**dataset.described(), "batch_size": batch_size, "shuffle": shuffle}
    described["steps_per_epoch"] = arguments.get("steps_per_epoch")

    def batches():
        if dataset is None:
            return in_tuples(x) if inspect.isgenerator(x) else x
        takes_condition = model.data_condition is not None
        return dataset.batches(batch_size, model.seed, model.steps_done, takes_condition, shuffle)

    for callback in callbacks:
        if isinstance(callback, ours.SEES_DATA):
            callback.set_model(model)
            callback.begin(dataset)
    journal = ours.Journal(model, described, callbacks)
    session = Session(model, callbacks, journal, source_restarts=dataset is None)
    with errors_of_pipelines():
        return session.run(keras_fit, batches, arguments)


def evaluate(model, keras_evaluate: Callable, x, y, batch_size, arguments: dict):
    """See `GameModel.evaluate`."""
    refuse(arguments, "sample_weight")
    model.check_compiled()
    model.check_complete()
    batches = _batches_in_order(model, x, y, batch_size=batch_size, steps=arguments.pop("steps", None))
    with errors_of_pipelines(), counted_singly(model):
        return keras_evaluate(batches, **arguments)


def _checked_callbacks(callbacks) -> list[keras.callbacks.Callback]:
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    callbacks = keras.tree.flatten(callbacks or [])
    for callback in callbacks:
        ours.check_callback(callback)
    return callbacks


def _prepare_validation(model, arguments: dict, batch_size) -> None:
    given = {name: arguments.pop(f"validation_{name}", None) for name in ("data", "batch_size", "steps")}
    if given["data"] is None:
        return
    held_out = given["data"] if isinstance(given["data"], (tuple, list)) else (given["data"],)
    refuse({"sample_weight": tuple(held_out[2:]) or None}, "sample_weight")
    if inspect.isgenerator(held_out[0]):
        raise InputError(
            "Expected validation_data that can be read after each epoch. Received: a generator, which ends. Pass "
            "arrays, or a tf.data.Dataset, such as tf.data.Dataset.from_generator makes."
        )
    arguments["validation_data"] = _batches_in_order(
        model, *held_out[:2], batch_size=given["batch_size"] or batch_size, steps=given["steps"]
    )


def _batches_in_order(model, x, y=None, *, batch_size=None, steps=None):
    dataset = data.as_dataset(x, y)
    if dataset is not None:
        check_dataset(model, dataset)
        x = dataset.batches_in_order(batch_size or data.BATCH_SIZE, model.data_condition is not None)
    if inspect.isgenerator(x):
        return in_tuples(x, steps)
    if steps is not None and not hasattr(x, "take"):
        raise InputError(
            f"Expected steps beside arrays or a tf.data.Dataset. Received: a {type(x).__name__}, which is read to "
            "its end. Leave steps out."
        )
    return x if steps is None else x.take(steps)


def _warn_of_other_classes(model, dataset: data.Dataset) -> None:
    condition = model.data_condition
    names = (None if condition is None else condition.class_names, dataset.class_names)
    if None not in names and tuple(names[0]) != tuple(names[1]):
        warnings.warn(
            f"The model's classes are named {', '.join(names[0])}; those of the data {', '.join(names[1])}. "
            "They are learned by their numbers, and sampled by the names of the model.",
            stacklevel=4,
        )
