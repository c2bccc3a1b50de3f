"""Saves a model as a preset: weights without pickle, a card, and samples of the model as read back."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_gan_zoo import pictures
from keras_gan_zoo.core.files import check_place, folder_written_beside
from keras_gan_zoo.core.registry import VARIANT_CLASSES
from keras_gan_zoo.encoders import conditions_to_test
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.finiteness import check_weights
from keras_gan_zoo.state.identity import sha256_of_weights
from keras_gan_zoo.zoo import cards, readme
from keras_gan_zoo.zoo.archive import pack, sha256_of, storable, widest_float
from keras_gan_zoo.zoo.cards import CARD_FILE, CONFIG, DISCRIMINATOR, FILES, GENERATOR, GOLDEN, PICTURE, README, Card
from keras_gan_zoo.zoo.preset import Preset


def save(
    model,
    folder: str | os.PathLike,
    *,
    half: bool = False,
    with_discriminator: bool | None = None,
    source: str = "",
    **facts: Any,
) -> Card:
    """Writes a folder that `load` reads. For the arguments, see `AsPreset.save_preset`.

    Its `README.md` says how to load the model from `source`, by default from a folder of this name.
    """
    _check_place(Path(folder))
    folder = Path(folder).resolve()  # `.` has no name
    if with_discriminator is None:
        with_discriminator = not model.lacks_discriminator
    facts = {**_inherited(model, folder.name, half), **{name: fact for name, fact in facts.items() if fact}}
    with folder_written_beside(folder) as beside:
        beside.mkdir()
        card = write_files(model, beside, folder.name, half, with_discriminator, facts)
        cards.write({card.name: card}, beside / CARD_FILE)
        _write_readme(model, card, source or folder.name, beside)
    return card


def write_files(model, folder: Path, name: str, half: bool, with_discriminator: bool, facts: Mapping[str, Any]) -> Card:
    """Writes a preset's files into a folder, and returns its card. Golden samples are of the model as read back."""
    with_discriminator = with_discriminator and model.has_discriminator
    _check_model(model, with_discriminator)
    weights = storable(model.sampling_generator.get_weights(), half)
    contents = {CONFIG: _config(model), GENERATOR: pack(weights)}
    parameters = {"generator": model.sampling_generator.count_params()}
    if with_discriminator:
        contents[DISCRIMINATOR] = pack(storable(model.discriminator.get_weights(), half))
        parameters["discriminator"] = model.discriminator.count_params()
    card = Card(
        name,
        _variant_name(model),
        encoder={} if model.encoder is None else {"name": model.encoder.name, "digest": model.encoder.digest},
        parameters=parameters,
        stored_as=widest_float(weights),
        files=_digests(contents),
        **facts,
    )
    again = Preset(card, contents.__getitem__).model(with_discriminator)
    if not half:
        _check_same_samples(model, again)
    contents[GOLDEN] = _archive_of(golden_samples(again))
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    return replace(card, files=_digests(contents))


def _write_readme(model, card: Card, source: str, folder: Path) -> None:
    """Writes the model card for people and hubs, and its picture if there is one to draw without data."""
    picture = _picture(model, card)
    if picture is not None:
        pictures.save(picture, folder / PICTURE)
    text = readme.page(card, source, **_use(model), has_picture=picture is not None)
    (folder / README).write_text(text, encoding="utf-8")


def _picture(model, card: Card) -> Image.Image | None:
    """Samples: four rows with a column per class, a row per text, or points; none of models that need other data."""
    if not pictures.can_draw(model.example_shape):
        return None
    if model.condition is None or model.has_classes:
        columns = min(model.num_classes, 16) if model.has_classes else 8
        n = 4 * columns if len(model.example_shape) == 3 else 2500
        return pictures.draw(model.sample(n, seed=0), columns=columns)
    return pictures.draw_texts(model, card.texts) if card.texts else None


def _use(model) -> dict[str, Any]:
    """What the `README.md` must know to say how the model is used."""
    task = readme.FROM_NOISE if len(model.example_shape) == 3 else ""
    if model.translates:
        return {"task": readme.FROM_PICTURES}
    if model.encoder is not None:
        return {"task": readme.FROM_TEXTS}
    if model.has_classes:
        return {"task": task, "classes": model.class_names or [str(label) for label in range(model.num_classes)]}
    return {"task": task, "takes_vectors": model.condition is not None}


def _inherited(model, name: str, half: bool) -> dict[str, Any]:
    """The facts that a new preset inherits with the weights: paper, licence and data; if they are unchanged, also how
    they were trained and how good they are.
    """
    if model.origin is None:
        return {}
    card = model.origin.card
    parent = card.parent if card.name == name else card.name  # a preset that replaces itself keeps its parent
    facts = {"paper": card.paper, "licence": card.licence, "data": card.data, "parent": parent}
    if sha256_of_weights(model.sampler) != model.origin.weights_sha256:
        then = {"then": "trained on, with data that this card does not know"}
        return {**facts, "data": {**card.data, **then} if card.data else {}}
    unchanged = ["recipe", "training_minutes", "selection", "environment", "texts"]
    unchanged += [] if half and card.stored_as != "float16" else ["scores"]
    return {**facts, **{key: getattr(card, key) for key in unchanged}}


def _check_same_samples(model, again) -> None:
    """Checks that the saved model is complete: a custom layer may lack an argument in its `get_config`."""
    conditions = _conditions(again)  # one draw for both: a model that is read back may lack its encoder
    samples, reread = (each.sample(4, seed=0, conditions=conditions) for each in (model, again))
    if not np.allclose(samples, reread, atol=1e-3):
        raise InputError(
            "Expected a model that makes the same samples when it is read back. Received: samples that differ by "
            f"{np.abs(samples - reread).max():.2g}. Make sure that get_config of your own layers returns all arguments."
        )


def golden_samples(model) -> np.ndarray:
    """Four samples of seed 0: images as uint8, vectors unchanged. Texts, vectors and pictures are drawn from it too."""
    samples = model.sample(4, seed=0, conditions=_conditions(model))
    return pictures.to_uint8(samples) if samples.ndim == 4 else samples


def _archive_of(samples: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, samples=samples)
    return content.getvalue()


def _conditions(model) -> np.ndarray | None:
    return None if model.condition is None or model.has_classes else conditions_to_test(model, 4, seed=0)


def _digests(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: sha256_of(contents[name]) for name in FILES if name in contents}


def _config(model) -> bytes:
    described = keras.saving.serialize_keras_object(model)
    if model.compiled:
        described["compile_config"] = model.compiled_as  # not the present learning rates, which may have changed
    return json.dumps(described, default=keras.saving.serialize_keras_object).encode()


def _variant_name(model) -> str:
    by_class = {class_name: variant for variant, class_name in VARIANT_CLASSES.items()}
    if type(model).__name__ not in by_class:
        raise InputError(
            f"Expected a model of a variant of this package. Received: a {type(model).__name__}, which loading would "
            "not know. Save it with gan.save."
        )
    return by_class[type(model).__name__]


def _check_model(model, with_discriminator: bool) -> None:
    if with_discriminator and model.lacks_discriminator:
        raise InputError(
            "Expected a model with its discriminator. Received: one that was loaded without. Load it with "
            "with_discriminator=True, or save it with with_discriminator=False."
        )
    check_weights(model.sampling_generator, *([model.discriminator] if with_discriminator else []))


def _check_place(folder: Path) -> None:
    """Refuses to replace a folder that holds anything but a preset."""
    check_place(folder, folder=True)
    if folder.exists() and not {part.name for part in folder.iterdir()} <= {CARD_FILE, README, PICTURE, *FILES}:
        raise InputError(
            f"Expected a new or empty folder, or one that holds a preset. Received: {folder}, which holds something "
            "else. Choose another folder."
        )
