"""A zoo of generative adversarial networks for Keras and TensorFlow.

Importing this package does not import TensorFlow: a name below is imported when it is first used.
"""

import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from keras_gan_zoo.core.imports import around_import, hides_talk, import_keras, quietly_if_ours, with_onednn
from keras_gan_zoo.core.version import __version__ as __version__

if TYPE_CHECKING:
    from keras_gan_zoo import (
        augmentations,
        callbacks,
        data,
        distribution,
        divergences,
        encoders,
        export,
        latent,
        losses,
        metrics,
        networks,
        penalties,
        pictures,
        playground,
        reports,
        training,
        zoo,
    )
    from keras_gan_zoo.errors import InputError
    from keras_gan_zoo.game.model import GameModel
    from keras_gan_zoo.game.two_player import TwoPlayerModel
    from keras_gan_zoo.models.bigan import BiGAN
    from keras_gan_zoo.models.biggan import BigGAN
    from keras_gan_zoo.models.conditional_gan import ConditionalGAN
    from keras_gan_zoo.models.context_encoder import ContextEncoder
    from keras_gan_zoo.models.cycle_gan import CycleGAN
    from keras_gan_zoo.models.dcgan import DCGAN
    from keras_gan_zoo.models.fgan import FGAN
    from keras_gan_zoo.models.gan import GAN
    from keras_gan_zoo.models.pix2pix import Pix2Pix
    from keras_gan_zoo.models.r3gan import R3GAN
    from keras_gan_zoo.models.sngan import SNGAN
    from keras_gan_zoo.models.srgan import SRGAN
    from keras_gan_zoo.models.stackgan import StackGAN
    from keras_gan_zoo.models.text_to_image import TextToImageGAN
    from keras_gan_zoo.models.translator import Translator
    from keras_gan_zoo.models.vae import VAE
    from keras_gan_zoo.models.wgan import WGAN
    from keras_gan_zoo.models.wgan_gp import WGANGP
    from keras_gan_zoo.zoo.cards import list_presets
    from keras_gan_zoo.zoo.loading import load

    VARIANTS: dict[str, type[TwoPlayerModel | VAE]]


_MODULES = [
    "augmentations",
    "callbacks",
    "data",
    "distribution",
    "divergences",
    "encoders",
    "export",
    "latent",
    "losses",
    "metrics",
    "networks",
    "penalties",
    "pictures",
    "playground",
    "reports",
    "training",
    "zoo",
]
_HOMES = {
    "InputError": "errors",
    "GameModel": "game.model",
    "Translator": "models.translator",
    "TwoPlayerModel": "game.two_player",
    "list_presets": "zoo.cards",
    "load": "zoo.loading",
}

_WITHOUT_KERAS = {"InputError", "data", "encoders", "latent", "list_presets", "metrics", "pictures"}
_WITHOUT_KERAS |= {"playground", "reports"}

__all__ = [
    "DCGAN",
    "FGAN",
    "GAN",
    "R3GAN",
    "SNGAN",
    "SRGAN",
    "VAE",
    "VARIANTS",
    "WGAN",
    "WGANGP",
    "BiGAN",
    "BigGAN",
    "ConditionalGAN",
    "ContextEncoder",
    "CycleGAN",
    "GameModel",
    "InputError",
    "Pix2Pix",
    "StackGAN",
    "TextToImageGAN",
    "Translator",
    "TwoPlayerModel",
    "augmentations",
    "callbacks",
    "data",
    "distribution",
    "divergences",
    "encoders",
    "export",
    "latent",
    "list_presets",
    "load",
    "losses",
    "metrics",
    "networks",
    "penalties",
    "pictures",
    "playground",
    "reports",
    "training",
    "zoo",
]


def __getattr__(name: str):
    from keras_gan_zoo.core.registry import VARIANT_CLASSES  # not at start-up

    homes = {**{kind: f"models.{module}" for module, kind in VARIANT_CLASSES.items()}, **_HOMES}
    if name in (*_MODULES, *homes, "VARIANTS") and name not in _WITHOUT_KERAS:
        import_keras()  # before any of our modules that need it, so that `_register` finds none partially imported
    if name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    elif name in homes:
        value = getattr(import_module(f"{__name__}.{homes[name]}"), name)
    elif name == "VARIANT_CLASSES":
        value = VARIANT_CLASSES
    elif name == "VARIANTS":
        value = {variant: __getattr__(class_name) for variant, class_name in VARIANT_CLASSES.items()}
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *__all__})


def _register() -> None:
    """Registers the models with Keras, so that `keras.saving.load_model` finds them by name.

    If Keras is being imported by one of our modules, that module registers what it defines by itself. With another
    backend, nothing is registered.
    """
    if sys.modules["keras"].config.backend() != "tensorflow":
        return
    ours = [module.__spec__ for name, module in list(sys.modules.items()) if name.startswith(f"{__name__}.")]
    if not any(getattr(spec, "_initializing", False) for spec in ours):
        __getattr__("VARIANTS")


@contextmanager
def _registering():
    yield
    _register()


if "tensorflow" not in sys.modules:
    around_import("tensorflow", with_onednn)
if hides_talk():
    around_import("tensorflow", quietly_if_ours)
if hasattr(sys.modules.get("keras"), "saving"):  # False while Keras itself is only partially imported
    _register()
else:
    around_import("keras", _registering)
