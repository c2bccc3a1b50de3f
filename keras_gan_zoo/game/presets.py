"""Models as presets: `from_preset`, `save_preset`, and the origin of a model that was loaded from a preset."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo.loading import load
from keras_gan_zoo.zoo.saving import save

if TYPE_CHECKING:
    from keras_gan_zoo.zoo.cards import Card
    from keras_gan_zoo.zoo.preset import Origin


class AsPreset:
    """Adds `from_preset` and `save_preset` to a model."""

    has_discriminator = True
    lacks_discriminator = False  # whether a preset was loaded without its discriminator, which then has random weights
    origin: Origin | None = None

    @classmethod
    def from_preset(cls, source: str | os.PathLike, with_discriminator: bool = False, sha256: str | None = None):
        """Loads a trained model of this class from a source that `zoo.load` takes, such as the name of a preset.

        Args:
            source: As in `zoo.load`.
            with_discriminator: As in `zoo.load`.
            sha256: As in `zoo.load`.

        Raises:
            InputError: If there is no such model, or it is of another class.

        Example:
            >>> import keras_gan_zoo as kgz
            >>> kgz.ConditionalGAN.from_preset("conditional_gan_mnist").num_classes
            10
        """
        model = load(source, with_discriminator, sha256)
        if not isinstance(model, cls):
            right = type(model).__name__
            raise InputError(
                f"Expected a {cls.__name__}. Received: {source}, which is a {right}. Call {right}.from_preset, or "
                "kgz.load, which takes any."
            )
        return model

    def save_preset(
        self,
        folder: str | os.PathLike,
        *,
        description: str = "",
        licence: str = "",
        half: bool = False,
        with_discriminator: bool | None = None,
    ) -> Card:
        """Writes a folder that `zoo.load` reads: both players and how they are compiled, without pickle.

        The folder holds `generator.npz` (the averaged generator if there is one), `discriminator.npz`, `config.json`,
        `golden.npz` (four samples of the model as read back) and `preset.toml` with the SHA-256 of each file. It does
        not hold the state of the optimizers: to continue a run exactly, use `save`. A model that was loaded from a
        preset passes on its paper, licence and data, and the name of that preset.

        Args:
            folder: A new or empty folder, or a preset to replace. Its name becomes the name of the preset.
            description: Description in one line.
            licence: Licence of the weights; by default that of the preset that the model was loaded from, if any.
            half: Whether numbers are stored in float16: half the size, and slightly different samples.
            with_discriminator: Whether the discriminator is written too; by default if the model has it.

        Returns:
            The `cards.Card` that was written.

        Raises:
            InputError: If the folder holds something else, or the model's class cannot be loaded from a preset.
            NotFiniteError: If a weight is NaN or infinite.

        Example:
            >>> import tempfile
            >>> import keras_gan_zoo as kgz
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     card = kgz.GAN.for_images((2,), seed=0).save_preset(f"{folder}/points", description="Untrained")
            ...     kgz.load(f"{folder}/points").sample(3).shape
            (3, 2)
        """
        facts = {"description": description, "licence": licence}
        return save(self, folder, half=half, with_discriminator=with_discriminator, **facts)

    def check_complete(self) -> None:
        """Raises an `InputError` if the discriminator is missing, because it was not loaded from the preset."""
        if self.lacks_discriminator:
            raise InputError(
                "Expected a model with its discriminator, to train or judge with, or to save the weights of. Received: "
                "a preset that was loaded without. Load it with_discriminator=True."
            )
