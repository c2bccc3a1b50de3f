"""Models as presets: `from_preset`, `save_preset`, `push_to_hub`, and the preset that a model came from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo import hub
from keras_gan_zoo.zoo.cards import scores_of
from keras_gan_zoo.zoo.loading import load
from keras_gan_zoo.zoo.saving import save

if TYPE_CHECKING:
    from keras_gan_zoo.metrics.report import Report
    from keras_gan_zoo.zoo.cards import Card
    from keras_gan_zoo.zoo.preset import Origin


class AsPreset:
    """Adds `from_preset`, `save_preset` and `push_to_hub` to a model."""

    has_discriminator = True
    lacks_discriminator = False  # whether a preset was loaded without its discriminator, which then has random weights
    origin: Origin | None = None

    @classmethod
    def from_preset(
        cls, source: str | os.PathLike, with_discriminator: bool = False, sha256: str | None = None
    ) -> Self:
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
        scores: Report | None = None,
        half: bool = False,
        with_discriminator: bool | None = None,
    ) -> Card:
        """Writes a folder that `zoo.load` reads: both players and how they are compiled, without pickle.

        The folder holds `generator.npz` (the averaged generator if there is one), `discriminator.npz`, `config.json`,
        `golden.npz` (four samples of the model as read back) and `preset.toml` with the SHA-256 of each file. For
        people and hubs, there are a model card `README.md` and a picture `samples.png`. The folder does not hold the
        state of the optimizers: to continue a run exactly, use `save`. A model that was loaded from a preset passes on
        its paper, licence and data, and the name of that preset; without further training also recipe and scores.

        Args:
            folder: A new or empty folder, or a preset to replace. Its name becomes the name of the preset.
            description: Description in one line.
            licence: Licence of the weights; by default that of the preset that the model was loaded from, if any.
            scores: How good the model is, as `metrics.evaluate` measured it.
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
        facts = {"description": description, "licence": licence, "scores": scores}
        return self._save(folder, half=half, with_discriminator=with_discriminator, **facts)

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        token: str | None = None,
        description: str = "",
        licence: str = "",
        scores: Report | None = None,
        half: bool = False,
        with_discriminator: bool | None = None,
    ) -> str:
        """Pushes what `save_preset` writes to the Hugging Face Hub, in one commit. Needs the extra `hub`.

        Args:
            repository: "user/name". It is made if there is none; one with anything but a preset is refused.
            private: Whether only you and those that you allow can see it.
            token: What allows you to write there; by default that of `hf auth login` or of `HF_TOKEN`. It is not kept.
            description: As in `save_preset`.
            licence: As in `save_preset`.
            scores: As in `save_preset`.
            half: As in `save_preset`.
            with_discriminator: As in `save_preset`.

        Returns:
            What `zoo.load` takes for exactly this version, "hf://user/name@commit".

        Raises:
            InputError: If there is no token, the hub refuses it, or the repository holds something else; or as in
                `save_preset`. Nothing was pushed then.
            OSError: If the hub cannot be reached.

        Example:
            ```python
            gan.push_to_hub("me/digits", description="Handwritten digits", licence="CC0-1.0")
            kgz.load("hf://me/digits").sample(16, seed=0)
            ```
        """
        facts = {"description": description, "licence": licence, "scores": scores}
        options = {"half": half, "with_discriminator": with_discriminator}
        source = f"{hub.SCHEME}{repository}"
        return hub.push(repository, lambda folder: self._save(folder, source, **facts, **options), private, token)

    def _save(self, folder: str | os.PathLike, source: str = "", *, scores: Report | None, **facts) -> Card:
        return save(self, folder, source=source, scores={} if scores is None else scores_of([scores]), **facts)

    def check_complete(self) -> None:
        """Raises an `InputError` if the discriminator is missing, because it was not loaded from the preset."""
        if self.lacks_discriminator:
            raise InputError(
                "Expected a model with its discriminator, to train or judge with, or to save the weights of. Received: "
                "a preset that was loaded without. Load it with_discriminator=True."
            )
