"""`for_images`: builds a model with the networks of its paper, or another pair, for examples of a given shape."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Self, Unpack

from keras_gan_zoo import networks
from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.core.forks import check_not_forked
from keras_gan_zoo.errors import InputError, unknown
from keras_gan_zoo.game.arguments import Arguments
from keras_gan_zoo.game.checks import check_options


class ForImages:
    """Adds `for_images` to a model; `paper_networks` defines the default networks."""

    needs_labels = False
    takes_texts = False
    takes_pictures = False  # which are translated
    parts: tuple[str, ...] = ()  # names of the networks that the first player is of, if it is of several
    spectral_normalization = False  # of the discriminator, by default
    normalizes_generator = False  # whether spectral normalisation is of the generator too

    @staticmethod
    def paper_networks(shape: tuple[int, ...]) -> dict:
        """The paper's architecture for examples of a given shape, and its arguments that differ from the defaults."""
        raise NotImplementedError

    @staticmethod
    def network_defaults() -> dict:
        """Defaults of arguments of networks, in every architecture that takes them, that differ from those there."""
        return {}

    @classmethod
    def for_images(
        cls,
        image_shape: Sequence[int],
        latent_dim: int = 100,
        num_classes: int | None = None,
        *,
        architecture: str | None = None,
        spectral_normalization: bool | None = None,
        **arguments: Unpack[Arguments],
    ) -> Self:
        """Builds a model with networks for examples of a given shape; by default the networks of the paper.

        Args:
            image_shape: (height, width, channels), or (features,) for vectors.
            latent_dim: Size of the noise vector.
            num_classes: If given, both networks take labels 0 ... num_classes - 1.
            architecture: A key of `networks.ARCHITECTURES`; None for the paper's.
            spectral_normalization: Whether to apply spectral normalisation to the discriminator (Miyato et al., 2018).
                Every kernel is divided by its largest singular value. None for off, or on for SNGAN and BigGAN, which
                applies it to the generator too.
            **arguments: Of the constructor, and of the network builder in `networks`; `seed` fixes the initial
                weights too.

        Returns:
            The model, not compiled.

        Raises:
            InputError: If an argument is unknown, or the networks cannot be built for this shape.
        """
        check_not_forked()
        shape = _checked_shape(image_shape)
        network_options, model_options = cls._keywords(shape, architecture)
        if cls.takes_texts and "text_dim" not in network_options:
            raise InputError(
                f"Expected an architecture that takes texts, such as {cls.paper_networks(shape)['architecture']!r}. "
                f"Received: {architecture!r}. Choose that one."
            )
        if cls.takes_pictures and network_options["architecture"] not in networks.BETWEEN_PICTURES:
            raise InputError(
                f"Expected an architecture that takes pictures, such as {cls.paper_networks(shape)['architecture']!r}. "
                f"Received: {architecture!r}. Choose that one."
            )
        if networks.OF_PARTS.get(network_options["architecture"], ()) != cls.parts:
            whole = f"of the parts {' and '.join(cls.parts)}" if cls.parts else "of one generator without parts"
            raise InputError(
                f"Expected an architecture {whole}, such as {cls.paper_networks(shape)['architecture']!r}. "
                f"Received: {network_options['architecture']!r}. Choose that one."
            )
        if spectral_normalization not in (None, True, False):
            raise InputError(f"Expected spectral_normalization True or False. Received: {spectral_normalization!r}.")
        for name in arguments:
            if name not in {*network_options, *model_options, "name"}:
                raise unknown(f"argument of {cls.__name__}.for_images", name, {*network_options, *model_options})
        build = networks.ARCHITECTURES[network_options.pop("architecture")]
        class_names = arguments.get("class_names")
        if num_classes is None and class_names:
            num_classes = len(class_names)
        if num_classes is None and cls.needs_labels:
            raise InputError(
                f"{cls.__name__} expects num_classes, because its networks take labels. Received: none. Pass it, or "
                "use GAN for data without labels."
            )
        checked = {"packing", "r1", "r2", "ema_decay", "seed"} & {*arguments}
        check_options(num_classes, class_names, **{name: arguments[name] for name in checked})
        sizes = {name: arguments.get(name, default) for name, default in network_options.items()}
        first, *others = build(shape, latent_dim, num_classes, **sizes)
        if spectral_normalization and not others:
            raise InputError(
                f"Expected no spectral_normalization, because {cls.__name__} has no discriminator. Received: True. "
                "Leave it out."
            )
        if cls.spectral_normalization if spectral_normalization is None else spectral_normalization:
            others = [networks.spectrally_normalized(discriminator, sizes["seed"]) for discriminator in others]
            first = networks.spectrally_normalized(first, sizes["seed"]) if cls.normalizes_generator else first
        constructor_options = {name: value for name, value in arguments.items() if name in {*model_options, "name"}}
        if num_classes is not None:
            constructor_options["num_classes"] = num_classes
        return cls(first, *others, **constructor_options)

    @classmethod
    def default_arguments(cls, shape: tuple[int, ...], architecture: str | None = None) -> dict:
        """The default arguments of `for_images`, which a recipe records. Defaults of None are left out."""
        network_options, model_options = cls._keywords(shape, architecture)
        defaults = {**network_options, "spectral_normalization": cls.spectral_normalization, **model_options}
        return {name: default for name, default in defaults.items() if default is not None}

    @classmethod
    def arguments_of_data(
        cls, shape: tuple[int, ...], source_shape: tuple[int, ...] | None, architecture: str | None = None
    ) -> dict:
        """The arguments of `for_images` that follow from the sources of data, if there are any: their shape."""
        network_options, _ = cls._keywords(shape, architecture)
        return {"source_shape": source_shape} if source_shape and "source_shape" in network_options else {}

    @classmethod
    def _keywords(cls, shape, architecture: str | None) -> tuple[dict, dict]:
        """Keyword arguments with their defaults: those of the architecture (and its name), and of the constructor."""
        paper = cls.paper_networks(shape)
        chosen = paper["architecture"] if architecture is None else architecture
        if chosen not in networks.ARCHITECTURES:
            raise unknown("architecture", chosen, networks.ARCHITECTURES)
        network_options = {"architecture": chosen, **_keyword_arguments(networks.ARCHITECTURES[chosen])}
        model_options = {}
        for base in reversed(cls.__mro__):  # a variant's constructor passes further keywords on to its base classes
            if "__init__" in vars(base) and issubclass(base, ForImages):
                model_options |= _keyword_arguments(base.__init__)
        network_options |= {name: value for name, value in cls.network_defaults().items() if name in network_options}
        return network_options | (paper if chosen == paper["architecture"] else {}), model_options


def arguments_of_networks() -> set[str]:
    """Names of arguments that architectures take, and models do not."""
    builders = networks.ARCHITECTURES.values()
    return {name for build in builders for name in _keyword_arguments(build)} - {"packing", "seed"}


def _checked_shape(image_shape) -> tuple[int, ...]:
    sides = tuple(image_shape) if isinstance(image_shape, Iterable) else ()
    if not sides or not all(is_count(side) for side in sides):
        raise InputError(
            "Expected the shape of an example, (height, width, channels) or (features,), in whole numbers from 1. "
            f"Received: {image_shape!r}."
        )
    return tuple(int(side) for side in sides)


def _keyword_arguments(function) -> dict:
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind.name == "KEYWORD_ONLY"}
