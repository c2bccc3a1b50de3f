"""Models as presets: `from_preset`, `save_preset`, and what a model knows of the preset it came from."""

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
    """Adds `from_preset` and `save_preset` to a model of two players."""

    lacks_discriminator = False  # whether its discriminator was left in the preset, and has random weights here
    origin: Origin | None = None

    @classmethod
    def from_preset(cls, source: str | os.PathLike, with_discriminator: bool = False, sha256: str | None = None):
        """A trained model of this class, by what `zoo.load` takes, such as the name of a preset.

        Args:
            source: As of `zoo.load`.
            with_discriminator: As of `zoo.load`.
            sha256: As of `zoo.load`.

        Raises:
            InputError: If there is none, or it is of another class.

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

        The folder holds `generator.npz` (the averaged generator where there is one), `discriminator.npz`,
        `config.json`, `golden.npz` (four samples of what was written and read back) and `preset.toml` with the SHA-256
        of each. The state of the optimizers is not in it: to go on with a run as if nothing had happened, use `save`.
        A model that was loaded from a preset hands its paper, licence and data on, beside the name of that preset.

        Args:
            folder: New or empty, or a preset that is replaced; its name becomes the preset's.
            description: One line.
            licence: Of the weights; by default that of the preset that the model was loaded from, if it was.
            half: Whether numbers are stored in float16: half the size, and samples that differ a little.
            with_discriminator: Whether it is written too; by default, if the model has it.

        Returns:
            The `cards.Card` that was written.

        Raises:
            InputError: If the folder holds something else, or the model is of a class that loading would not know.
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
        """Raises an `InputError` where training or judging would use a discriminator that has never learned."""
        if self.lacks_discriminator:
            raise InputError(
                "Expected a model with its discriminator, to train or judge with, or to save the weights of. Received: "
                "a preset that was loaded without. Load it with_discriminator=True."
            )
