"""Training that starts from a preset: with its recipe, or with those of its weights that can be transferred."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_gan_zoo import data
from keras_gan_zoo.core.remote import is_remote
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.for_images import arguments_of_networks
from keras_gan_zoo.training.recipe import Recipe
from keras_gan_zoo.zoo.preset import find

INHERITED = ("variant", "batch_size", "conditional", "optimizer", "learning_rate", "precision", "model")
OF_VARIANT = ("batch_size", "optimizer", "learning_rate")
# What models take, and builders of networks do not, that stays with the networks.
OF_NETWORKS = ("architecture", "latent_dim", "packing", "spectral_normalization", "ema_decay")


def base_of(
    recipe: str | os.PathLike | None = None, preset: str | None = None, from_preset: str | None = None
) -> dict[str, Any]:
    """The initial values of a recipe, to be changed by others.

    Args:
        recipe: File of a recipe. Relative paths in it are looked for in the working directory, then beside the file.
        preset: Name of a preset, whose complete recipe is used, to train it again.
        from_preset: Name of a preset to fine-tune: its model and how it is trained are used, but not the data and
            the number of epochs.

    Raises:
        InputError: If there is no such file or preset, or more than one is given.

    Example:
        >>> sorted(base_of(from_preset="conditional_gan_mnist"))
        ['batch_size', 'conditional', 'from_preset', 'model', 'optimizer', 'precision', 'variant']
    """
    given = [name for name in (recipe, preset, from_preset) if name is not None]
    if len(given) > 1:
        raise InputError(f"Expected one recipe to begin with. Received: {', '.join(map(str, given))}. Choose one.")
    if recipe is not None:
        values = Recipe.read(recipe).given()
        folder = "." if is_remote(recipe) else Path(recipe).parent
        places = {"data": data.located(values["data"], folder)}
        if "sources" in values:
            places["sources"] = data.located_sources(values["sources"], folder)
        return {**values, **places}
    if preset is not None:
        return _preset_recipe(preset)
    if from_preset is not None:
        inherited = {name: value for name, value in _preset_recipe(from_preset).items() if name in INHERITED}
        return {**inherited, "from_preset": from_preset}
    return {}


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A recipe's values with some replaced; the arguments of the model are replaced one by one.

    If the architecture changes, the networks get their default sizes. If the variant changes, the networks stay, and
    losses, optimizers, learning rates and batches are the new variant's.

    Example:
        >>> changed({"model": {"architecture": "mlp", "units": 9, "r1": 1}}, {"model": {"architecture": "dcgan"}})
        {'model': {'architecture': 'dcgan', 'r1': 1}}
        >>> changed({"variant": "dcgan", "model": {"width": 9, "r1": 1}}, {"variant": "wgan"})
        {'variant': 'wgan', 'model': {'width': 9}}
    """
    variant = changes.get("variant", base.get("variant"))
    if base.get("variant", variant) != variant:
        base = _networks_of(base)
    kept, asked = base.get("model", {}), changes.get("model", {})
    before, after = kept.get("architecture"), asked.get("architecture")
    if before and after and before != after:
        dropped = arguments_of_networks()
        kept = {name: value for name, value in kept.items() if name not in dropped}
    return {**base, **changes, "model": {**kept, **asked}}


def _networks_of(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe without what belongs to its variant."""
    kept = {*OF_NETWORKS, *arguments_of_networks()}
    model = {name: value for name, value in recipe.get("model", {}).items() if name in kept}
    return {**{name: value for name, value in recipe.items() if name not in OF_VARIANT}, "model": model}


def transfer_weights(gan, source: str, build: Callable) -> None:
    """Transfers the weights of a preset to a new model.

    If the two models have different classes, weights that belong to classes stay newly initialised: those rows of a
    kernel that take labels. They come after the rows for the noise, or for the image. They are found by comparing
    shapes with a model that has one more class.

    Args:
        gan: The new model.
        source: The preset, see `preset.find`.
        build: A function from a number of classes to a model like `gan`.

    Raises:
        InputError: If the preset makes other examples, or has other networks. It may be of another variant.
    """
    trained = find(source).model(with_discriminator=True)
    _check_alike(gan, trained, source)
    is_same = not gan.conditional or (gan.num_classes, gan.class_names) == (trained.num_classes, trained.class_names)
    wider = gan if is_same else build(gan.num_classes + 1)
    _check_shapes(gan, trained, wider, source)
    for player in gan.players:
        models = [getattr(model, player).weights for model in (gan, trained, wider)]
        for new, old, more in zip(*models, strict=True):
            new.assign(_with_rows_of_classes(new.numpy(), old.numpy(), more.shape, gan.num_classes))
    if gan.ema_generator is not None:
        gan.ema_generator.set_weights(gan.generator.get_weights())
    if not is_same:
        _warn_of_new_rows(gan, wider, source)


def _with_rows_of_classes(new: np.ndarray, old: np.ndarray, wider: tuple, classes: int | None) -> np.ndarray:
    """The old values, except for the rows of classes, which come last and are taken from `new`."""
    if new.shape == tuple(wider):
        return old
    [axis] = np.flatnonzero(np.not_equal(new.shape, wider))
    others = new.shape[axis] - classes * (wider[axis] - new.shape[axis])
    rows = (*[slice(None)] * axis, slice(others))
    mixed = new.copy()
    mixed[rows] = old[rows]
    return mixed


def _warn_of_new_rows(gan, wider, source: str) -> None:
    rows = []
    for player in gan.players:
        weights = zip(*(getattr(model, player).weights for model in (gan, wider)), strict=True)
        rows += [f"{player}/{new.path}" for new, more in weights if new.shape != more.shape]
    warnings.warn(
        f"The classes are not those of {source}. What belongs to them begins anew: rows of {', '.join(rows)}.",
        stacklevel=3,
    )


def _check_alike(gan, trained, source: str) -> None:
    for what, ours, theirs in (
        ("the networks", " and ".join(gan.players), " and ".join(trained.players)),
        ("examples of shape", gan.example_shape, trained.example_shape),
        ("noise of shape", gan.latent_shape, trained.latent_shape),
        ("labels:", gan.conditional, trained.conditional),
        ("an encoder with digest", *(model.encoder and model.encoder.digest for model in (gan, trained))),
    ):
        if ours != theirs:
            raise InputError(f"Expected {what} {theirs}, as {source} has. Received: {ours}. {_HOW_TO_FIT}")


def _check_shapes(gan, trained, wider, source: str) -> None:
    """Checks that the weights differ in shape from those of the preset only by the number of classes."""
    more_classes = (gan.num_classes or 0) - (trained.num_classes or 0)
    for player in gan.players:
        ours, theirs, more = ([w.shape for w in getattr(model, player).weights] for model in (gan, trained, wider))
        if len(ours) == len(theirs):
            per_class = [np.subtract(wide, new) for wide, new in zip(more, ours, strict=True)]
            ours = [tuple(new - more_classes * each) for new, each in zip(ours, per_class, strict=True)]
        if ours != theirs:
            raise InputError(f"Expected the layers that the {player} of {source} has. Received others. {_HOW_TO_FIT}")


def _preset_recipe(source: str) -> dict[str, Any]:
    card = find(source).card
    if not card.recipe:
        raise InputError(
            f"Expected a preset with its recipe. Received: {source}, which has none. In Python it can be trained on: "
            "kgz.load(..., with_discriminator=True).fit(...)."
        )
    return dict(card.recipe)


_HOW_TO_FIT = "Choose data, an image_size or channels that fit, and leave out what changes the networks."
