"""StackGAN of Zhang et al. (2017): a text-to-image GAN in two stages."""

import os
from collections.abc import Callable, Sequence
from typing import Self, Unpack

import keras

from keras_gan_zoo.encoders import Encoder
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.game.arguments import PassedOn
from keras_gan_zoo.game.players import freeze, frozen_copy, shares_layers
from keras_gan_zoo.game.saving import described
from keras_gan_zoo.game.two_player import TwoPlayerModel
from keras_gan_zoo.models.text_to_image import TextToImageGAN
from keras_gan_zoo.zoo.loading import load

FIRST_STAGE = "first_stage"
EXPECTED = "as first_stage a trained text-to-image GAN, its generator from noise and vectors, or where load finds one"


@keras.saving.register_keras_serializable("keras_gan_zoo")
class StackGAN(TextToImageGAN):
    r"""StackGAN (Zhang et al., 2017): draws a small picture of a text, then refines it to a larger one.

    Both stages are trained as `TextToImageGAN`, with the divergence of `networks.ConditioningAugmentation` in the
    generator's loss:

    $$\lambda \, D_{KL}(N(\mu(h), \sigma^2(h)) \| N(0, I))$$

    The second stage is a model of its own, which gets the first by `first_stage`. Its generator draws a picture by a
    copy of the first stage's generator, which is not trained, and refines it, given the text once more. The two
    stages take the same noise: samples of one seed show the same picture, small and large.

    Args:
        generator: Keras model from [noise, vectors (batch, d)] to images, channels last in [-1, 1]. With a first stage,
            the refiner: Keras model from [pictures of the first stage, noise, vectors] to images.
        discriminator: Keras model from [images, vectors (batch, d)] to raw scores (batch, 1).
        first_stage: The trained first stage, or where `load` finds it, such as the folder of its run; None to train a
            first stage. A `TextToImageGAN`, of whose generator, averaged if it has an average, a copy is made; or such
            a generator.
        interpolation: As for `TextToImageGAN`; the paper has none.
        **options: As for `TextToImageGAN`. The vocabulary is by default that of the first stage.

    Raises:
        InputError: If the networks do not fit each other, the first stage was trained with another encoder, or an
            argument is out of range.

    Example:
        ```python
        small = kgz.StackGAN.for_images((32, 32, 3))
        small.compile()
        small.fit(kgz.data.load("peeps", image_size=32), batch_size=64, epochs=40)
        large = kgz.StackGAN.for_images((64, 64, 3), first_stage=small)
        large.compile()
        large.fit(kgz.data.load("peeps"), batch_size=64, epochs=40)
        large.sample(4, text="a person with curly grey hair and clear glasses", seed=0)
        ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        first_stage: str | os.PathLike | keras.Model | dict | None = None,
        interpolation: bool = False,
        **options,
    ):
        first_stage = _loaded(first_stage)
        if first_stage is not None:
            generator = _stacked(_frozen(first_stage), generator)
        super().__init__(generator, discriminator, interpolation=interpolation, **options)
        self._has_first_stage = first_stage is not None
        if isinstance(first_stage, TextToImageGAN):
            self._check_encoder_of(first_stage)
            self.vocabulary = first_stage.vocabulary if self.vocabulary is None else self.vocabulary

    @property
    def first_stage(self) -> keras.Model | None:
        """The copy of the first stage's generator; None if this is a first stage."""
        return self.generator.get_layer(FIRST_STAGE) if self._has_first_stage else None

    @property
    def refiner(self) -> keras.Model | None:
        """The trained part of the second stage's generator; None if this is a first stage."""
        return self.generator.layers[-1] if self._has_first_stage else None

    @staticmethod
    def paper_networks(shape):
        return {"architecture": "stackgan"}

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        latent_dim: int = 100,
        num_classes: int | None = None,
        *,
        first_stage: str | os.PathLike | keras.Model | dict | None = None,
        encoder: str | Callable | Encoder | None = None,
        **arguments: Unpack[PassedOn],
    ) -> Self:
        """As in `TextToImageGAN`; by default with the encoder of the first stage, if there is one."""
        first_stage = _loaded(first_stage)
        if encoder is None:
            encoder = first_stage.encoder if isinstance(first_stage, TextToImageGAN) else "characters"
        if first_stage is None:
            return super().for_images(image_shape, latent_dim, num_classes, encoder=encoder, **arguments)
        arguments["first_shape"] = _generator_of(first_stage).output_shape[1:]
        chosen = arguments.get("architecture")
        if chosen not in (None, "stackgan"):
            raise InputError(
                "Expected the architecture 'stackgan', which has networks for a second stage. Received: "
                f"{chosen!r}. Leave it out, or first_stage."
            )
        options = {"encoder": encoder, "first_stage": first_stage, **arguments}
        return super().for_images(image_shape, latent_dim, num_classes, **options)

    def _check_encoder_of(self, first_stage: TextToImageGAN) -> None:
        if first_stage.encoder.digest != self.encoder.digest:
            raise InputError(
                f"Expected the encoder of the first stage, {first_stage.encoder!r}. Received: {self.encoder!r}. Its "
                "vectors would mean something else to the first stage: pass that one."
            )

    def _averaged(self) -> list[tuple]:
        """Without the weights of the first stage: their average, computed in floats, would not be exactly the same."""
        fixed = {id(weight) for weight in (self.first_stage.weights if self._has_first_stage else ())}
        return [pair for pair in super()._averaged() if id(pair[1]) not in fixed]

    def get_config(self):
        config = super().get_config()
        if not self._has_first_stage:
            return {**config, "first_stage": None}
        parts = {"generator": self.refiner, "first_stage": self.first_stage}
        return {**config, **{name: described(name, part) for name, part in parts.items()}}


def _loaded(first_stage):
    """A first stage, or the description of one, from what names it."""
    return load(first_stage) if isinstance(first_stage, (str, os.PathLike)) else first_stage


def _generator_of(first_stage) -> keras.Model:
    """The generator of a first stage, the averaged one if there is one."""
    network = first_stage.sampler if isinstance(first_stage, TwoPlayerModel) else first_stage
    if not isinstance(network, keras.Model) or not getattr(network, "inputs", None):
        raise InputError(
            f"Expected {EXPECTED}. Received: a {type(network).__name__}"
            f"{' that does not know its inputs' if isinstance(network, keras.Model) else ''}. Load it with kgz.load."
        )
    if [len(tensor.shape) for tensor in network.inputs] != [2, 2] or len(network.outputs) != 1:
        raise InputError(
            f"Expected {EXPECTED}. Received: one with the inputs {network.input_shape}. Train one with texts."
        )
    return network


def _frozen(first_stage) -> keras.Model:
    """A copy of a first stage's generator that is not trained. What a saved model describes is such a copy already."""
    if isinstance(first_stage, dict):
        copy = keras.saving.deserialize_keras_object(first_stage)
    else:
        copy = frozen_copy(_generator_of(first_stage))
    if shares_layers(copy):
        raise InputError(
            f"Expected a first stage whose layers Keras can copy. Received: {copy.name!r}, of which some have no "
            "get_config that describes them. Give their classes one; in place of a Lambda, write a layer."
        )
    copy = keras.Model(copy.inputs, copy.outputs[0], name=FIRST_STAGE)
    freeze(copy)
    return copy


def _stacked(first_stage: keras.Model, refiner: keras.Model) -> keras.Model:
    """A generator from [noise, vectors] to images: the first stage draws a picture, which the refiner takes."""
    parts = {"noise": first_stage.inputs[0], "condition": first_stage.inputs[1]}
    given = [tuple(tensor.shape[1:]) for tensor in (*first_stage.outputs, *first_stage.inputs)]
    taken = [tuple(tensor.shape[1:]) for tensor in getattr(refiner, "inputs", None) or ()]
    if given != taken:
        raise InputError(
            f"Expected a generator of pictures, noise and vectors, {given}, which the first stage makes and takes. "
            f"Received: one of {taken}. Build it for this first stage, whose noise is latent_dim={given[1][0]} and "
            f"whose vectors have length {given[2][0]}."
        )
    noise, vectors = (keras.Input(tensor.shape[1:], name=name) for name, tensor in parts.items())
    pictures = first_stage([noise, vectors], training=False)  # also without dropout
    return keras.Model([noise, vectors], refiner([pictures, noise, vectors]), name="generator")
