"""`fit` and `evaluate`: from the user's arguments to batches, callbacks and a `Session`."""

from collections.abc import Callable

import keras

from keras_gan_zoo import callbacks as ours
from keras_gan_zoo import data
from keras_gan_zoo.core.bounds import check_count
from keras_gan_zoo.core.conditions import as_array
from keras_gan_zoo.core.keras_internals import strategy_of
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.data.pipelines import errors_of_pipelines
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.batches import Reading, look_at_arrays
from keras_gan_zoo.game.checks import check_data_arguments, check_dataset, check_scope, refuse
from keras_gan_zoo.game.execution import counted_singly, reads_to_the_end
from keras_gan_zoo.game.session import Session
from keras_gan_zoo.game.sources import Feed, read


def fit(model, keras_fit: Callable, x, y, batch_size, callbacks, arguments: dict) -> keras.callbacks.History:
    """See `GameModel.fit`. `keras_fit` is `keras.Model.fit`, and `arguments` are its further arguments."""
    refuse(arguments, "sample_weight", "class_weight", "validation_split")
    model.check_compiled()
    check_scope(strategy_of(model))
    model.check_complete()
    _check_counts(arguments, "steps_per_epoch", "validation_steps")
    shuffle = arguments.pop("shuffle", True)
    x, y = model.arranged(x, y)
    check_data_arguments("fit()", x, y, model.condition_comes_first)
    callbacks = _checked_callbacks(callbacks)
    _prepare_validation(model, arguments, batch_size)
    dataset, feed = data.as_dataset(x, y), None
    if dataset is None:
        is_shuffled = shuffle and isinstance(x, keras.utils.PyDataset)
        feed = read(model, x, _training(model, arguments, is_shuffled))
        callbacks.append(feed.callback())
        described = {"source": type(x).__name__, **({"shuffle": True} if is_shuffled else {})}
    else:
        batch_size = model.minibatch_size * model.minibatches_per_step if batch_size is None else batch_size
        dataset = model.prepared(dataset)
        check_dataset(model, dataset, batch_size)
        model.adopt(dataset)
        _warn_of_other_classes(model, dataset)
        if arguments.get("steps_per_epoch") is None:
            arguments["steps_per_epoch"] = len(dataset) // batch_size
        described = {**dataset.described(), "batch_size": batch_size, "shuffle": shuffle}
    described["steps_per_epoch"] = arguments.get("steps_per_epoch")

    def batches():
        if feed is not None:
            return feed.batches
        takes_condition = model.data_condition is not None
        return dataset.batches(batch_size, model.seed, model.steps_done, takes_condition, shuffle)

    for callback in callbacks:
        if isinstance(callback, ours.SEES_DATA):
            callback.set_model(model)
            callback.begin(dataset)
    journal = ours.Journal(model, described, callbacks)
    steps = arguments.get("steps_per_epoch")
    before = None if feed is None else lambda epoch: feed.batches_before(epoch, steps)
    session = Session(model, callbacks, journal, before)
    with errors_of_pipelines():
        return session.run(keras_fit, batches, arguments)


def evaluate(model, keras_evaluate: Callable, x, y, batch_size, arguments: dict):
    """See `GameModel.evaluate`."""
    refuse(arguments, "sample_weight")
    model.check_compiled()
    model.check_complete()
    if arguments.get("_use_cached_eval_dataset"):  # by `fit`, with the validation data that were prepared before
        return keras_evaluate(x, **arguments)
    x, y = model.arranged(x, y)
    check_data_arguments("evaluate()", x, y, model.condition_comes_first)
    _check_counts(arguments, "steps")
    steps = arguments.pop("steps", None)
    feed = _in_order(model, x, y, batch_size, Reading("steps", steps))
    with errors_of_pipelines(), counted_singly(model), reads_to_the_end(steps):
        figures = keras_evaluate(feed.batches, **arguments)
    feed.check()
    return figures


def checked_batch(model, call: str, x, y, arguments: dict, trains: bool = False) -> tuple:
    """One batch from the user in the order of this class, examples and conditions, checked like those of a source."""
    refuse(arguments, "sample_weight", "class_weight")
    model.check_compiled()
    check_data_arguments(call, x, y, model.condition_comes_first)
    if not hasattr(x, "shape"):
        raise InputError(f"{call} expects one batch, an array. Received: a {type(x).__name__}. Pass it to fit.")
    y = as_array(y) if y is not None and not hasattr(y, "shape") else y
    examples, condition = (y, x) if model.condition_comes_first and y is not None else (x, y)
    if condition is None and model.data_condition is not None:
        return examples, None  # which the step refuses before anything else
    look_at_arrays(model, examples, condition, trains)
    return examples, condition


def _check_counts(arguments: dict, *names: str) -> None:
    """Checks numbers of batches, if they are given; Keras would read endless data forever for -1."""
    for name in names:
        if arguments.get(name) is not None:
            check_count(name, arguments[name])


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
    x, y = model.arranged(*(*held_out, None)[:2])
    check_data_arguments("validation_data", x, y, model.condition_comes_first)
    reading = Reading("validation_steps", given["steps"], repeats=True)
    with errors_of_pipelines():
        arguments["validation_data"] = _in_order(model, x, y, given["batch_size"] or batch_size, reading).batches


def _training(model, arguments: dict, is_shuffled: bool) -> Reading:
    return Reading(
        "steps_per_epoch",
        arguments.get("steps_per_epoch"),
        trains=True,
        repeats=arguments["epochs"] - arguments.get("initial_epoch", 0) > 1,
        seed=model.seed if is_shuffled else None,
    )


def _in_order(model, x, y, batch_size: int | None, reading: Reading) -> Feed:
    dataset = data.as_dataset(x, y)
    if dataset is None:
        return read(model, x, reading)
    dataset = model.prepared(dataset)
    check_dataset(model, dataset)
    batches = dataset.batches_in_order(batch_size or data.BATCH_SIZE, model.data_condition is not None)
    return Feed(batches if reading.steps is None else batches.take(reading.steps))


def _warn_of_other_classes(model, dataset: data.Dataset) -> None:
    condition = model.data_condition
    names = (None if condition is None else condition.class_names, dataset.class_names)
    if None not in names and tuple(names[0]) != tuple(names[1]):
        warn(
            f"The model's classes are named {', '.join(names[0])}; those of the data {', '.join(names[1])}. "
            "They are learned by their numbers, and sampled by the names of the model."
        )
