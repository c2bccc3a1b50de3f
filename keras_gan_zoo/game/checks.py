"""Checks of players, their options and their data, before anything runs."""

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from keras_gan_zoo import augmentations
from keras_gan_zoo.core.bounds import check_count, check_seed, check_written, is_number
from keras_gan_zoo.core.conditions import Condition, check_class_names, check_num_classes
from keras_gan_zoo.core.remedies import Remedy, in_arrays
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.rebuilding import is_rebuilt
from keras_gan_zoo.networks.raw_scores import are_bounded
from keras_gan_zoo.networks.roles import noise_and_condition


def refuse(arguments: dict, *names: str) -> None:
    """Refuses arguments of Keras' `fit` that have no meaning for two players, or another one."""
    for name in names:
        value = arguments.pop(name, None)
        if value is not None and not np.array_equal(value, 0):
            raise InputError(f"Expected no {name}: a GAN has no use for it. Leave it out, or select the data before.")


def check_data_arguments(call: str, x, y, have_sources: bool = False) -> None:
    """Checks the kinds of x and y, because Keras would only fail much later."""
    first, second = ("sources", "targets") if have_sources else ("images", "labels")
    if isinstance(x, (tuple, list)) and len({getattr(each, "shape", None) for each in x} - {None}) == 1:
        raise InputError(
            f"{call} expects the examples in one array. Received: a {type(x).__name__} of {len(x)} arrays. Join them: "
            "np.stack(examples)."
        )
    if x is None or isinstance(x, (str, bytes, dict, tuple, list, set)):
        raise InputError(
            f"{call} expects an array, a data.Dataset, a tf.data.Dataset or another source of batches. Received: "
            f"{type(x).__name__}. Pass {first} and {second}, as in fit({first}, {second}), or data.load(name)."
        )
    if isinstance(x, Dataset) and y is not None and have_sources:
        raise InputError(
            "Expected pairs in one data.Dataset. Received: sources and targets apart. Pass "
            "data.Dataset(targets, conditions=sources), or both as arrays."
        )
    if isinstance(x, Dataset) and y is not None:
        raise InputError("Expected the labels inside the data.Dataset. Received: separate labels too. Leave y out.")
    if y is not None and not hasattr(x, "shape"):
        raise InputError(
            f"Expected batches that are tuples ({first}, {second}). Received: separate {second} beside a "
            f"{type(x).__name__}. Leave y out."
        )


def check_divisible(batch_size: int | None, k: int, packing: int = 1, replicas: int = 1) -> None:
    """Checks that each replica can cut its part of a batch into k minibatches of whole packs; None: sizes vary."""
    if replicas > 1 and batch_size is not None and batch_size % replicas:
        raise InputError(
            f"Expected a batch_size (of all replicas together) divisible by the number of replicas, {replicas}. "
            f"Received: {batch_size}. Change batch_size."
        )
    part = None if batch_size is None else batch_size // replicas
    of_replica = f" on each of {replicas} replicas" if replicas > 1 else ""
    if k > 1 and (part is None or part % k):
        raise InputError(
            f"Expected batches of a fixed size divisible by discriminator_steps={k}{of_replica}. Received: batches of "
            f"{part or 'varying'} examples. Change batch_size; for a tf.data.Dataset, call rebatch(size, "
            "drop_remainder=True)."
        )
    if part is not None and part // k % packing:
        raise InputError(
            f"Expected minibatches divisible by packing={packing}{of_replica}. Received: minibatches of {part // k} "
            "examples. Change batch_size or packing."
        )


def check_scope(model_strategy: tf.distribute.Strategy | None) -> None:
    """Checks that a model used within a strategy's scope was built in that scope."""
    if tf.distribute.has_strategy() and tf.distribute.get_strategy() is not model_strategy:
        raise InputError(
            "Expected a model that was built within this strategy's scope. Received: one that was built outside. Build "
            "and compile it within: with strategy.scope(): gan = ...; gan.compile()."
        )


def check_options(num_classes, class_names, packing=1, r1=0.0, r2=0.0, ema_decay=None, seed=None) -> None:
    """Checks the arguments that all games of two players have."""
    if ema_decay is not None and not (is_number(ema_decay) and 0 <= ema_decay < 1):
        raise InputError(f"ema_decay is expected in [0, 1), such as 0.999. Received: {ema_decay}.")
    check_count("packing", packing)
    for name, weight in (("r1", r1), ("r2", r2)):
        if isinstance(weight, LearningRateSchedule):
            check_written(weight, LearningRateSchedule, "__call__", "get_config")
        elif not is_number(weight) or not 0 <= weight < np.inf:
            raise InputError(
                f"Expected {name} to be a number of at least 0, or a schedule of keras.optimizers.schedules, such as "
                f"CosineDecay(0.05, steps). Received: {weight!r}."
            )
    if num_classes is not None:
        check_num_classes(num_classes)
    check_class_names(class_names)
    if class_names is not None and num_classes not in (None, len(class_names)):
        raise InputError(
            f"Expected as many class_names as num_classes={num_classes}. Received: {len(class_names)} names. "
            "Leave one of the two out."
        )
    if seed is not None:
        check_seed(seed)


def check_augmentation(model, augmentation: str) -> None:
    """Checks that the examples of a model can be augmented."""
    augmentations.names_in(augmentation)
    if len(model.example_shape) != 3 or model.takes_pictures:
        what = "pairs of pictures, which must be changed together" if model.takes_pictures else model.example_shape
        raise InputError(
            f"Expected images (height, width, channels), to change them by augmentation={augmentation!r}. Received: "
            f"{what}. Leave augmentation out."
        )


def check_discriminator_steps(k: int) -> None:
    check_count("discriminator_steps", k)


def check_execution(replicas: int, run_eagerly=False, jit_compile=None, steps_per_execution=None, **_) -> None:
    """Refuses arguments of Keras' `compile` that do not work together, each with the reason."""
    if steps_per_execution is not None:
        check_count("steps_per_execution", steps_per_execution)
    if jit_compile is True and run_eagerly:
        raise InputError(
            "Expected run_eagerly or jit_compile, because XLA compiles graphs. Received: both. Leave one out."
        )
    if replicas > 1 and jit_compile is True:
        raise InputError(
            "Expected no jit_compile under a strategy: XLA cannot reach the variables of other replicas. Received: "
            f"jit_compile=True with {replicas} replicas. Leave it out."
        )
    if replicas > 1 and steps_per_execution not in (None, 1):
        raise InputError(
            "Expected one step per execution under a strategy: TensorFlow cannot loop over steps of several replicas. "
            f"Received: steps_per_execution={steps_per_execution} with {replicas} replicas. Leave it out."
        )


def check_floatx() -> None:
    """Checks that losses and averages are computed in full precision, which keras.json may say otherwise."""
    if keras.config.floatx() not in ("float32", "float64"):
        raise InputError(
            f"Expected numbers in full precision. Received: Keras' floatx is {keras.config.floatx()}. Call "
            "keras.config.set_floatx('float32'); for speed, set_dtype_policy('mixed_bfloat16') computes layers in half."
        )


def check_networks(players: dict[str, keras.Model]) -> None:
    """Checks that players are built networks, and that no two share a weight."""
    for name, network in players.items():
        if not isinstance(network, keras.Model) or not getattr(network, "inputs", None):
            raise InputError(
                f"Expected the {name} to be a keras.Model that knows its inputs. Received: {type(network).__name__}. "
                "Wrap a subclassed one: keras.Model(inputs, network(inputs))."
            )
    owned: set[int] = set()
    for network in players.values():
        weights = {id(weight) for weight in network.trainable_variables}
        if owned & weights:
            raise InputError(
                f"Expected every weight to belong to one player. Received: {len(owned & weights)} weights that both "
                "networks share. Build separate layers."
            )
        owned |= weights


def check_players(generator, discriminator, packing: int = 1) -> None:
    """Checks that a generator and a discriminator fit together."""
    check_networks({"generator": generator, "discriminator": discriminator})
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if len(network.inputs) > 2 or len(network.outputs) != 1:
            raise InputError(
                f"Expected the {name} to take one input, or two with a condition, such as labels, and to return one "
                f"output. Received: {len(network.inputs)} inputs, {len(network.outputs)} outputs."
            )
    if not discriminator.trainable_variables:
        raise InputError(
            "Expected a discriminator that can learn. Received: one without trainable weights. Leave it trainable: "
            "each player's turn moves its own weights only."
        )
    generated, judged = tuple(generator.output_shape[1:]), tuple(discriminator.inputs[0].shape[1:])
    if (*generated[:-1], generated[-1] * packing) != judged:
        packed = f", {packing} packed along the last axis" if packing > 1 else ""
        raise InputError(
            f"Expected the discriminator to take what the generator makes{packed}. Received: a generator of "
            f"{generated} and a discriminator of {judged}. Change one of the two shapes."
        )
    _check_conditions(generator, discriminator, packing)
    check_raw_scores(discriminator)


def parts_of(player: str, network: keras.Model, names: tuple[str, ...]) -> list[keras.Model]:
    """The parts of a player by their names, each from one input to one output; see `networks.joined`.

    Raises:
        InputError: If the player has no such parts.
    """
    found = {layer.name: layer for layer in network.layers if isinstance(layer, keras.Model)}
    parts = [found[name] for name in names if name in found]
    if len(parts) < len(names) or any(len(part.inputs) != 1 or len(part.outputs) != 1 for part in parts):
        a_player = f"{'an' if player[0] in 'aeiou' else 'a'} {player}"
        raise InputError(
            f"Expected {a_player} of the parts {' and '.join(names)}, each a keras.Model from one input to one output. "
            f"Received: one of {', '.join(layer.name for layer in network.layers)}. Make it by "
            f"kgz.networks.joined({player!r}, {', '.join(f'{name}=...' for name in names)})."
        )
    return parts


def check_raw_scores(discriminator) -> None:
    """Checks that nothing bounds the scores of a discriminator, because losses take raw scores."""
    if not is_rebuilt() and are_bounded(discriminator):
        raise InputError(
            "Expected a discriminator that returns raw scores, which losses take. Received: one whose scores are "
            "bounded, whatever its weights. Leave out what bounds them, such as a sigmoid, tanh or softmax at its end."
        )


def _check_conditions(generator, discriminator, packing: int) -> None:
    """Checks the conditions of both networks: they must be the same, packed for the discriminator."""
    _, condition = noise_and_condition(generator, discriminator)
    if condition is not None:
        Condition.from_input(condition)
    if len(discriminator.inputs) == 1:
        return
    packed = tuple(discriminator.inputs[1].shape[1:])
    if packing > 1 and len(packed) == 1 and "int" in discriminator.inputs[1].dtype and packed != (packing,):
        raise InputError(
            f"Expected a discriminator that takes the labels of {packing} packed examples, (batch, {packing}). "
            f"Received: one of labels {tuple(discriminator.inputs[1].shape)}. Build it with keras.Input(({packing},))."
        )
    if packing == 1:
        Condition.from_input(discriminator.inputs[1])
    if condition is not None:
        single = tuple(condition.shape[1:])
        expected = (*single[:-1], single[-1] * packing) if single else (() if packing == 1 else (packing,))
        if expected != packed and {expected, packed} != {(), (1,)}:  # two ways to take one label
            raise InputError(
                f"Expected both networks to take the same condition{f' ({packing} packed)' if packing > 1 else ''}. "
                f"Received: a generator of {single} and a discriminator of {packed}. Change one of the two."
            )


def check_batch(model, examples, condition) -> None:
    """Checks, while a step is traced, that a batch has the examples and conditions that the model takes."""
    check_example_shape(model, examples.shape[1:])
    expected = model.data_condition
    if expected is None:
        return
    if condition is None:
        expected.check_data(None, None)
    if not expected.is_class:
        expected.check_data(None, tuple(condition.shape[1:]))


def check_example_shape(model, shape, remedy: Remedy = in_arrays) -> None:
    """Checks that examples have the shape that the model is trained on."""
    shape = tuple(shape)
    if shape == model.example_shape:
        return
    kind = "targets" if model.condition_comes_first else "examples"
    if model.condition_comes_first and shape == model.data_condition.shape:
        how = "That is the shape of sources, which come first: fit(sources, targets), or batches (sources, targets)."
    elif len(shape) == 3 and (*shape[1:], shape[0]) == model.example_shape:
        how = f"Put the channels last: {remedy('images.transpose(0, 2, 3, 1)')}."
    else:
        differs_in_channels = len(shape) == 3 and shape[:2] == model.example_shape[:2]
        other = f"channels={model.example_shape[-1]}" if differs_in_channels else "another image_size"
        how = f"Build the networks for the data: for_images(shape), or load the data with {other}."
    raise InputError(
        f"Expected {kind} of the shape the generator makes, {model.example_shape}. Received: {shape}. {how}"
    )


def check_dataset(model, dataset: Dataset, batch_size: int | None = None) -> None:
    """Checks that a model can take these data and, with `batch_size`, train on them."""
    check_example_shape(model, dataset.example_shape)
    if model.data_condition is not None:
        model.data_condition.check_data(dataset.labels, dataset.condition_shape)
    minimum = model.packing if batch_size is None else batch_size
    if minimum < 1 or len(dataset) < minimum:
        raise InputError(
            f"Expected at least one full batch of {minimum}. Received: {len(dataset)} examples. "
            "Choose a smaller batch_size, or more data."
        )
    if batch_size is not None:
        replicas = model.distribute_strategy.num_replicas_in_sync
        check_divisible(batch_size, model.minibatches_per_step, model.packing, replicas)
