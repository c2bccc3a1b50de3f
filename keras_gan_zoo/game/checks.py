"""What two players, their labels and their `fit` must be, checked before anything runs."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.core.bounds import check_count, check_number, check_seed
from keras_gan_zoo.core.labels import check_class_names
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.errors import InputError


def refuse(arguments: dict, *names: str) -> None:
    """Arguments of Keras' fit that mean nothing, or something else, in a game of two players."""
    for name in names:
        value = arguments.pop(name, None)
        if value is not None and not np.array_equal(value, 0):
            raise InputError(
                f"Expected no {name}: a GAN has no use for it. Leave it out, or select the data beforehand."
            )


def check_fit_data(x, y) -> None:
    """What `fit` takes; anything else would end deep inside Keras."""
    if x is None or isinstance(x, (str, bytes, dict, tuple, list)):
        raise InputError(
            "fit() expects an array, a data.Dataset, a tf.data.Dataset or another source of batches. Received: "
            f"{type(x).__name__}. Call fit(images, labels), or fit(data.load(name))."
        )
    if isinstance(x, Dataset) and y is not None:
        raise InputError("Expected the labels inside the data.Dataset. Received: labels beside it. Leave y out.")


def check_divisible(batch_size: int | None, k: int, packing: int = 1, replicas: int = 1) -> None:
    """Each replica cuts its part of a batch into k minibatches of whole packs; None is for batches of varying size."""
    if replicas > 1 and batch_size is not None and batch_size % replicas:
        raise InputError(
            f"Expected a batch_size, that of all replicas together, divisible by their number, {replicas}. Received: "
            f"{batch_size}. Change batch_size."
        )
    part = None if batch_size is None else batch_size // replicas
    of_replica = f" on each of {replicas} replicas" if replicas > 1 else ""
    if k > 1 and (part is None or part % k):
        raise InputError(
            f"Expected batches of a fixed size divisible by discriminator_steps={k}{of_replica}. Received: batches of "
            f"{part or 'varying'} examples. Change batch_size, or use batch(..., drop_remainder=True)."
        )
    if part is not None and part // k % packing:
        raise InputError(
            f"Expected minibatches divisible by packing={packing}{of_replica}. Received: minibatches of {part // k} "
            "examples. Change batch_size or packing."
        )


def check_scope(of_model: tf.distribute.Strategy | None) -> None:
    """That what is done within a strategy's scope is done with a model built in it."""
    if tf.distribute.has_strategy() and tf.distribute.get_strategy() is not of_model:
        raise InputError(
            "Expected a model that was built within this strategy's scope. Received: one that was built outside. Build "
            "and compile it within: with strategy.scope(): gan = ...; gan.compile()."
        )


def check_options(num_classes, class_names, packing, r1, r2, ema_decay, seed) -> None:
    """The arguments that every variant has."""
    if ema_decay is not None and not 0 <= ema_decay < 1:
        raise InputError(f"ema_decay is expected in [0, 1), such as 0.999. Received: {ema_decay}.")
    check_count("packing", packing)
    for name, weight in (("r1", r1), ("r2", r2)):
        check_number(name, weight, low=0)
    if num_classes is not None:
        check_count("num_classes", num_classes)
    check_class_names(class_names)
    if class_names is not None and num_classes not in (None, len(class_names)):
        raise InputError(
            f"Expected as many class_names as num_classes={num_classes}. Received: {len(class_names)} names. "
            "Leave one of the two out."
        )
    if seed is not None:
        check_seed(seed)


def check_discriminator_steps(k: int) -> None:
    check_count("discriminator_steps", k)


def check_execution(replicas: int, run_eagerly=False, jit_compile=None, steps_per_execution=None, **_) -> None:
    """Arguments of Keras' compile that do not work together, each with the reason."""
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


def check_players(generator, discriminator, packing: int = 1) -> None:
    for name, player in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(player, keras.Model) or not getattr(player, "inputs", None):
            raise InputError(
                f"Expected the {name} to be a keras.Model that knows its inputs. Received: {type(player).__name__}. "
                "Wrap a subclassed one: keras.Model(inputs, network(inputs))."
            )
        if len(player.inputs) > 2 or len(player.outputs) != 1:
            raise InputError(
                f"Expected the {name} to take one input, or two with labels, and to return one output. Received: "
                f"{len(player.inputs)} inputs, {len(player.outputs)} outputs."
            )
    if not discriminator.trainable_variables:
        raise InputError(
            "Expected a discriminator that can learn. Received: one without trainable weights. Leave it trainable: "
            "each player's turn moves its own weights only."
        )
    if getattr(discriminator.outputs[0]._keras_history.operation, "activation", None) is keras.activations.sigmoid:
        raise InputError(
            "Expected a discriminator that returns raw scores, which losses take. Received: one that ends in a sigmoid."
            " Leave that activation out."
        )
    made, judged = tuple(generator.output_shape[1:]), tuple(discriminator.inputs[0].shape[1:])
    if (*made[:-1], made[-1] * packing) != judged:
        packed = f", {packing} packed along the last axis" if packing > 1 else ""
        raise InputError(
            f"Expected the discriminator to take what the generator makes{packed}. Received: a generator of {made} "
            f"and a discriminator of {judged}. Change one of the two shapes."
        )
    if len(generator.inputs) != len(discriminator.inputs):
        raise InputError(
            "Expected both networks to take labels, or neither. Received: a generator with "
            f"{len(generator.inputs)} and a discriminator with {len(discriminator.inputs)} inputs."
        )
    if packing > 1 and len(discriminator.inputs) == 2 and tuple(discriminator.inputs[1].shape[1:]) != (packing,):
        raise InputError(
            f"Expected a discriminator that takes the labels of {packing} packed examples, (batch, {packing}). "
            f"Received: one of labels {tuple(discriminator.inputs[1].shape)}. Build it with keras.Input(({packing},))."
        )
    shared = {id(v) for v in generator.trainable_variables} & {id(v) for v in discriminator.trainable_variables}
    if shared:
        raise InputError(
            f"Expected every weight to belong to one player. Received: {len(shared)} weights that both networks share. "
            "Build separate layers."
        )
