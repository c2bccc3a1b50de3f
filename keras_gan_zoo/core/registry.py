"""Names that users give, and what they stand for: imported when it is asked for, so that a name costs no TensorFlow."""

from importlib import import_module

# The models by the names that the command line, recipes and presets use. Every module has the name of its variant.
VARIANT_CLASSES = {
    "gan": "GAN",
    "dcgan": "DCGAN",
    "conditional_gan": "ConditionalGAN",
    "wgan": "WGAN",
    "wgan_gp": "WGANGP",
    "fgan": "FGAN",
}


def variant(name: str) -> type:
    """The class of a variant by its name, a key of `VARIANT_CLASSES`."""
    return getattr(import_module(f"keras_gan_zoo.models.{name}"), VARIANT_CLASSES[name])


def variants() -> dict[str, type]:
    """The classes of all variants by their names; imported, they are known to Keras."""
    return {name: variant(name) for name in VARIANT_CLASSES}
