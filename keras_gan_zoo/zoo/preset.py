"""Finds a preset by name, folder or archive, and rebuilds its model from checked files."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.reading import exists, is_folder, shown
from keras_gan_zoo.core.registry import VARIANT_CLASSES
from keras_gan_zoo.core.urls import is_url
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.state.identity import rebuilt, sha256_of_weights
from keras_gan_zoo.zoo import archive, cards, hub
from keras_gan_zoo.zoo.archive import Reader, read_files, unpack
from keras_gan_zoo.zoo.cards import CONFIG, DISCRIMINATOR, GENERATOR, GOLDEN, PRESET, Card

APART = (DISCRIMINATOR,)


@dataclass(frozen=True)
class Origin:
    """The preset that a model was loaded from, and the digest of its generator at that time."""

    card: Card
    weights_sha256: str


@dataclass(frozen=True)
class Preset:
    """A card and the files that it describes; those `apart` are read only when they are needed."""

    card: Card
    read: Reader
    apart: tuple[str, ...] = ()

    @classmethod
    def from_folder(cls, folder: str | os.PathLike) -> Preset:
        """A preset from a folder that `save_preset` wrote."""
        read = archive.folder_reader(folder)
        return cls(archive.read_card(read, folder), read)

    @classmethod
    def from_archive(cls, path: str | os.PathLike) -> Preset:
        """A preset from the `.zip` of such a folder."""
        read = archive.zip_reader(path)
        return cls(archive.read_card(read, path), read)

    @classmethod
    def from_url(cls, url: str, sha256: str | None) -> Preset:
        """A preset from the URL of such a `.zip`, fetched or from the cache."""
        downloads.check_scheme(url)
        return cls.from_archive(downloads.fetch(url, sha256))

    @classmethod
    def from_hub(cls, url: str) -> Preset:
        """A preset from a repository on the hub. Of its files, only the card and those that it lists are fetched."""
        commit = hub.find(url)
        card = archive.read_card(commit.card, commit.place)
        return cls(card, lambda name: commit.file(name, card.files[name]))

    @classmethod
    def from_name(cls, name: str) -> Preset:
        """A preset of this package, whose files are part of it or are fetched; large discriminators are apart."""
        card = cards.card(name)
        if card.url is not None:
            fetched = cls.from_url(card.url, card.sha256)
            return cls(replace(card, files=fetched.card.files, url=None, sha256=None), fetched.read)
        read = archive.folder_reader(card.folder)
        if DISCRIMINATOR not in card.files or exists(card.folder / DISCRIMINATOR):
            return cls(card, read)
        return cls(card, lambda name: archive.read_apart(card, name) if name == DISCRIMINATOR else read(name), APART)

    def model(self, with_discriminator: bool = False):
        """Builds the model, compiled as when it was saved, with the averaged weights in its generator.

        Raises:
            InputError: If a file was changed, or does not fit the model.
        """
        contents = read_files(self.card, self.read, () if with_discriminator else self.apart)
        with PRESET.border(f"{CONFIG} of {self.card.name}"):
            config = json.loads(contents[CONFIG])
        model = rebuilt(config, self.card.name)
        self._check_variant(model)
        with_discriminator = with_discriminator and model.has_discriminator
        if with_discriminator and DISCRIMINATOR not in contents:
            raise InputError(
                f"Expected a preset with its discriminator. Received: {self.card.name}, which was saved without. Leave "
                "with_discriminator out."
            )
        generator = next(iter(model.players.values())).network  # the player that makes the examples
        _set_weights(generator, contents[GENERATOR], f"the generator of {self.card.name}")
        if model.ema_generator is not None:
            model.ema_generator.set_weights(generator.get_weights())
        if with_discriminator:
            _set_weights(model.discriminator, contents[DISCRIMINATOR], f"the discriminator of {self.card.name}")
        model.lacks_discriminator = model.has_discriminator and not with_discriminator
        model.origin = Origin(self.card, sha256_of_weights(model.sampler))
        return model

    def golden(self) -> np.ndarray:
        """The samples stored in the preset, (4, *example_shape): images as uint8, vectors as float32."""
        content = io.BytesIO(read_files(self.card, self.read, self.apart)[GOLDEN])
        with PRESET.border(f"{GOLDEN} of {self.card.name}"), np.load(content, allow_pickle=False) as arrays:
            return arrays["samples"]

    def _check_variant(self, model) -> None:
        if type(model).__name__ != class_name(self.card):
            raise InputError(
                f"Expected a {class_name(self.card)} in {self.card.name}. Received: a {type(model).__name__}. {CONFIG} "
                "and the card do not belong together."
            )


def class_name(card: Card) -> str:
    """Name of the class of a preset's model."""
    if card.variant not in VARIANT_CLASSES:
        raise unknown(f"variant of the preset {card.name}", card.variant, VARIANT_CLASSES)
    return VARIANT_CLASSES[card.variant]


def find(source: str | os.PathLike, sha256: str | None = None) -> Preset:
    """Finds a preset by the path of its folder or its `.zip`, by its name, or by the URL of a `.zip` or a repository.

    Raises:
        InputError: If there is no such preset.
        OSError: If it cannot be fetched.
    """
    if hub.is_hub(source):
        if sha256 is not None:
            raise InputError(
                f"Expected no sha256 with hf://, because the card of the preset has those of its files. Received: "
                f"{shown(source)} with one. Leave it out; to fix a version, add @COMMIT."
            )
        return Preset.from_hub(str(source))
    if is_url(source):
        return Preset.from_url(str(source), sha256)
    path = Path(source)
    if exists(path):
        return Preset.from_folder(path) if is_folder(path) else Preset.from_archive(path)
    if str(source) in cards.shipped():
        return Preset.from_name(str(source))
    raise cards.nothing_at(source)


def _set_weights(network: keras.Model, content: bytes, what: str) -> None:
    network.set_weights(unpack(content, network.get_weights(), what))
