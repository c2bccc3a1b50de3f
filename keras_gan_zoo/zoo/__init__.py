"""Trained models by name, run folder, file or URL. Cards are read without Keras, which is imported with `load`."""

from typing import TYPE_CHECKING

from keras_gan_zoo.zoo.cards import card, list_presets

if TYPE_CHECKING:
    from keras_gan_zoo.zoo.loading import load

__all__ = ["card", "list_presets", "load"]


def __getattr__(name: str):
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_gan_zoo.zoo.loading import load  # which imports Keras

    globals()[name] = load
    return load


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
