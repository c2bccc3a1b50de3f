"""From a recipe to its data and its model, with all defaults filled in and everything checked."""

import dataclasses
import math
from pathlib import Path

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks, data
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.registry import METRICS, variant
from keras_gan_zoo.core.remote import is_remote
from keras_gan_zoo.errors import InputError, similar, unknown
from keras_gan_zoo.metrics.protocol import BETTER, figures_of
from keras_gan_zoo.training.fine_tuning import transfer_weights
from keras_gan_zoo.training.recipe import Recipe

STEPS = 4500  # number of steps if epochs are not given: a few minutes for small images on two cores


def resolve(recipe: Recipe) -> tuple[Recipe, data.Dataset]:
    """The recipe with all defaults filled in, and its data."""
    kind = variant(recipe.variant)
    dataset = data.load(recipe.data, split=recipe.split, **recipe.form)
    conditional = recipe.conditional or kind.needs_labels
    taken = "texts" if kind.takes_texts else "pictures" if kind.takes_pictures else "only noise" if kind.parts else None
    if recipe.conditional and taken is not None:
        raise InputError(
            f"Expected no 'conditional', because {recipe.variant} takes {taken}, not classes. Received: conditional. "
            "Leave it out."
        )
    if conditional and not dataset.has_labels:
        raise InputError(
            f"Expected labelled data for a conditional model. Received: {dataset}. Choose a variant that needs no "
            "labels, and leave 'conditional' out."
        )
    defaults = kind.default_arguments(dataset.example_shape, recipe.model.get("architecture"))
    model = {**({} if kind.takes_pictures else {"latent_dim": 100}), **defaults, **recipe.model}
    if "first_stage" in model:
        model["first_stage"] = _located(model["first_stage"])
    batch_size = recipe.batch_size or kind.minibatch_size * model.get("discriminator_steps", 1)
    return dataclasses.replace(
        recipe,
        data=data.located(recipe.data),
        sources=data.located_sources(recipe.sources),
        epochs=recipe.epochs or math.ceil(STEPS / max(1, len(dataset) // batch_size)),
        batch_size=batch_size,
        conditional=conditional,
        optimizer=recipe.optimizer or recipe.variant,
        model=model,
    ), dataset


def _located(source: str) -> str:
    """The absolute path of a model, which holds in every working directory; the name of a preset as it is."""
    return source if is_remote(source) or not exists(source) else str(Path(source).absolute())


def build(recipe: Recipe, dataset: data.Dataset, steps: int | None = None) -> keras.Model:
    """The compiled model of a resolved recipe, for the shape and the classes of its data.

    Args:
        recipe: The recipe.
        dataset: Its data.
        steps: How many steps it will be trained, at the end of which its learning rates are 0 if they fall; None for
            those of its epochs.
    """
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(recipe.seed)  # for random layers, such as Dropout
    gan = _networks_for(recipe, dataset, dataset.num_classes, dataset.class_names)
    prepared = gan.prepared(dataset)
    gan.check_dataset(prepared, recipe.batch_size)
    if recipe.from_preset is not None:
        transfer_weights(gan, recipe.from_preset, lambda classes: _networks_for(recipe, dataset, classes))
    _check_figures(recipe, gan, prepared)
    steps = steps or recipe.epochs * (len(prepared) // recipe.batch_size)
    updates = zip(gan.players, gan.updates_in(steps), strict=True)
    gan.compile(*(_optimizer(recipe, player, each) for player, each in updates))
    return gan


def _optimizer(recipe: Recipe, player: str, updates: int) -> keras.optimizers.Optimizer:
    """The optimizer of a player that is updated so many times."""
    kind = variant(recipe.optimizer)
    paper = kind.paper_optimizer
    optimizer = kind.default_optimizer(player) if recipe.learning_rate is None else paper(recipe.learning_rate)
    if recipe.decay is None:
        return optimizer
    updates = max(1, updates)  # a schedule has no fewer
    falling, rate = max(1, round(recipe.decay * updates)), float(optimizer.learning_rate)
    constant = {"warmup_target": rate, "warmup_steps": updates - falling}
    return paper(keras.optimizers.schedules.CosineDecay(rate, falling, **constant))


def _networks_for(recipe: Recipe, dataset: data.Dataset, num_classes: int | None, class_names=None) -> keras.Model:
    classes = {"num_classes": num_classes, "class_names": class_names} if recipe.conditional else {}
    kind = variant(recipe.variant)
    arguments = {**classes, **recipe.model}
    architecture, shape = recipe.model.get("architecture"), dataset.example_shape
    arguments |= kind.arguments_of_data(shape, dataset.source_shape, architecture)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        return kind.for_images(shape, seed=recipe.seed, **arguments)
    finally:
        keras.config.set_dtype_policy(policy)


def _check_figures(recipe: Recipe, gan, dataset: data.Dataset) -> None:
    """Checks that samples can be measured, and that the figure to stop by will be logged."""
    for quality in metrics_of(recipe):
        quality.check(gan, dataset)
    figures = [*gan.logged, *(name for name in figures_of(recipe.metrics) if name in BETTER)]
    if recipe.stop_by is not None and recipe.stop_by not in figures:
        named = {figure: metric for metric in METRICS for figure in figures_of([metric])}
        meant = [recipe.stop_by] if recipe.stop_by in named else similar(recipe.stop_by, named)[:1]
        of = "its metric" if recipe.stop_by in named else "".join(meant)
        hint = f" Ask for {of}: metrics=['{named[meant[0]]}']." if meant and meant[0] not in figures else ""
        raise InputError(f"{unknown('figure to stop by', recipe.stop_by, figures)}{hint}")


def metrics_of(recipe: Recipe) -> list[callbacks.Metrics]:
    """The callbacks that measure samples during the run, if the recipe asks for metrics."""
    if not recipe.metrics:
        return []
    measured = {"n": recipe.metrics_samples, "every": recipe.metrics_every, "seed": recipe.seed}
    return [callbacks.Metrics(recipe.metrics, extractor=recipe.features, **measured)]
