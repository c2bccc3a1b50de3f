"""Whether a model in the folder of a run is that of the run, by its recipe and its snapshots: files may be mixed up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.recipe_files import RECIPE, values_in
from keras_gan_zoo.core.registry import VARIANT_CLASSES, VARIANTS, variant
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.core.user_line import warn
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.state.identity import differences
from keras_gan_zoo.state.snapshot import DamagedSnapshotError, Snapshot


def recipe_of(folder: Path) -> dict[str, Any]:
    """The values of a run's recipe, which defaults may be missing from; none if the folder has no recipe."""
    file = folder / RECIPE_FILE
    if not exists(file):
        return {}
    with RECIPE.border(file):
        return values_in(RECIPE.content(file).decode("utf-8"), file)


def check_recipe(model, recipe: dict[str, Any], source: Path) -> None:
    """Checks that a model is one that the recipe describes: its class, seed, arguments and the shapes of its weights.

    Raises:
        InputError: If it is not; the differences are listed.
    """
    if not recipe:
        return
    if recipe["variant"] not in VARIANTS:
        raise unknown("variant", recipe["variant"], VARIANTS)
    expected = {"variant": VARIANT_CLASSES[recipe["variant"]], "seed": recipe.get("seed", 0)}
    lines = differences(expected, {"variant": type(model).__name__, "seed": model.seed})
    lines = lines or differences(_form(_built(model, recipe)), _form(model))
    if lines:
        listed = "\n  ".join(lines[:8])
        raise InputError(
            f"Expected the model that {RECIPE_FILE} describes. Received: {source} with other values:\n  {listed}\n"
            "Put the file of this run in its place. To use the model without the run, give the path of its file."
        )


def check_snapshot(model, file: Path, source: Path) -> Snapshot | None:
    """Checks that a saved model is the one of the last snapshot, and returns that.

    Returns None, with a warning, if the snapshot is damaged.

    Raises:
        InputError: If they are of different steps, or their weights differ.
    """
    try:
        snapshot = Snapshot.read(file)
    except DamagedSnapshotError as error:
        warn(f"{error} {source.name} was therefore not compared with it.")
        return None
    if snapshot.step != model.steps_done or not snapshot.has_weights_of(model):
        raise InputError(
            f"Expected {source} to be the model of the last snapshot, {file.name}. Received: a model of step "
            f"{model.steps_done} with other weights. One of the two is of another run, or a snapshot is missing: "
            "restore it, or give the path of the file that you want."
        )
    return snapshot


def _built(model, recipe: dict[str, Any]):
    """A new model by the recipe, for the examples, classes and words of another one."""
    kind = variant(recipe["variant"])
    takes_classes = model.has_classes and (kind.needs_labels or recipe.get("conditional"))
    classes = {"num_classes": model.num_classes, "class_names": model.class_names} if takes_classes else {}
    arguments = {**classes, **recipe.get("model", {})}
    if model.encoder is not None and arguments.get("encoder") in (None, model.encoder.name):
        arguments["encoder"] = model.encoder  # the one of training, of which another version may be installed
    if "first_stage" in arguments:  # which may be elsewhere by now: the model has a copy
        arguments["first_stage"] = getattr(model, "first_stage", None)
    if kind.takes_pictures:
        arguments |= kind.arguments_of_data(model.example_shape, model.condition.shape, arguments.get("architecture"))
    if kind.takes_texts:
        arguments["vocabulary"] = model.vocabulary
    with _same_random_numbers_after():
        return kind.for_images(
            model.example_shape,
            seed=recipe.get("seed", 0),
            **arguments,
        )


@contextmanager
def _same_random_numbers_after() -> Iterator[None]:
    """Layers such as Dropout draw their seeds by Python's generator."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _form(model) -> dict[str, Any]:
    """The arguments of a model, and the shapes of its weights in place of its networks."""
    shapes = {name: [list(weight.shape) for weight in player.network.weights] for name, player in model.players.items()}
    described = (*shapes, "first_stage", "name")  # networks, and what Keras numbers
    arguments = {name: value for name, value in model.get_config().items() if name not in described}
    return {**arguments, **shapes}
