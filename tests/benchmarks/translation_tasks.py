"""The comparisons that `translation` makes: their data, their rows, and how pictures are measured in each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data, metrics, networks, pictures
from keras_gan_zoo.networks import parts
from keras_gan_zoo.networks.patch import patch_discriminator
from tests.benchmarks import translation_floors as floors
from tests.benchmarks import translation_judges as judges
from tests.benchmarks.arithmetic import macs
from tests.benchmarks.attributes import ROLES
from tests.benchmarks.translation_scores import (
    feature_distance,
    frechet,
    of_label_maps,
    of_pixels,
    retrieval,
)

REFERENCE = 10_000  # training pictures at most with which the Frechet distance compares
HOLE = (8, 8, 16, 16)  # the centre of 32x32 pixels
CHANGED = 16  # levels: a pixel is coloured if a channel differs by more from the line art
PLAIN = {"flag", "country-flag", "subdivision-flag", "flags", "regional-indicator", "geometric", "hair-style"}
AGREE = 0.05  # the share by which multiplications may differ
HIGHER = ("PSNR", "pixel accuracy")  # of the figures by which a model is kept; of the others, lower is better


@dataclass(frozen=True)
class Pairs:
    """Held-out pictures."""

    sources: np.ndarray
    targets: np.ndarray

    @classmethod
    def of(cls, dataset: data.Dataset, wanted=slice(None)) -> "Pairs":
        return cls(np.asarray(dataset.sources)[wanted], np.asarray(dataset.targets)[wanted])


@dataclass(frozen=True)
class Row:
    """A model to train.

    Args:
        build: From a seed to the model, not compiled.
        dataset: What it learns from.
        best: The figure by which one of its states is kept.
        after: Steps until which none is kept.
        generator_rate: The generator's learning rate as a multiple of the discriminator's.
    """

    build: Callable
    dataset: data.Dataset
    best: str = "feature distance"
    after: int = 0
    generator_rate: float = 1.0


@dataclass
class Task:
    """One table.

    Args:
        name: Of its folder.
        selecting: Pairs by which states of models are chosen.
        reporting: Pairs that are reported on.
        features: An extractor for each of `ROLES`.
        rows: Models, by name.
        floors: Answers that need no model, by name: pictures for the reporting pairs.
        reference: Real pictures with which the Frechet distance compares; None if it is not measured.
        shown: Figures of pixels.
        area: Of pairs, which pixels count, as in `of_pixels`; None for all.
        measure: Further figures of (pictures, pairs, features of both, role).
        remarks: What is to be known beside the table.
    """

    name: str
    selecting: Pairs
    reporting: Pairs
    features: dict[str, metrics.Extractor]
    rows: dict[str, Row]
    floors: dict[str, np.ndarray]
    reference: np.ndarray | None = None
    shown: tuple[str, ...] = ("L1", "PSNR", "SSIM")
    area: Callable[[Pairs], np.ndarray] | None = None
    measure: Callable | None = None
    remarks: list[str] = field(default_factory=list)

    def seen(self, model) -> dict[str, float]:
        """The figures by which a state of a model is chosen."""
        return self.figures(translated(model, self.selecting.sources), self.selecting, "selecting")

    def reported(self, made: np.ndarray) -> dict[str, float]:
        """The figures of pictures for the reporting pairs."""
        return self.figures(made, self.reporting, "reporting") | self._distance(made)

    @cached_property
    def ceiling(self) -> dict[str, float]:
        """The figures of the targets themselves that are no matter of course."""
        real = self.reported(self.reporting.targets)
        return {name: real[name] for name in ("pixel accuracy", "IoU", "Frechet distance") if name in real}

    def figures(self, made: np.ndarray, pairs: Pairs, role: str) -> dict[str, float]:
        area = None if self.area is None else self.area(pairs)
        found = of_pixels(made, pairs.targets, area) if self.shown else {}
        features = self.features[role](made), self.features[role](pairs.targets)
        further = {} if self.measure is None else self.measure(made, pairs, features, role)
        return {
            **{name: found[name] for name in self.shown},
            **further,
            "feature distance": feature_distance(*features),
        }

    def _distance(self, made: np.ndarray) -> dict[str, float]:
        if self.reference is None:
            return {}
        return {"Frechet distance": frechet(self.features["reporting"](made), self._moments)}

    @cached_property
    def _moments(self) -> metrics.Moments:
        return metrics.Moments.of(self.features["reporting"](self.reference))


def translated(model, sources: np.ndarray) -> np.ndarray:
    """Translations, rounded to 8 bits."""
    return pictures.to_uint8(model.translate(sources))


def both(of: Callable, *arguments) -> dict:
    """What a function of a role gives for each."""
    return {role: of(role, *arguments) for role in ROLES}


def super_resolution(options) -> list[Task]:
    """CIFAR-10's test pictures, made smaller by `data.Downscaled`."""
    return [_super_resolution(scale, options) for scale in (2, 4)]


def _super_resolution(scale: int, options) -> Task:
    degradation = data.Downscaled(scale)
    training, test = data.load("cifar10"), data.degraded(data.load("cifar10", split="test"), degradation)
    reporting = Pairs.of(test[options.selecting :])
    pairs = data.degraded(training, degradation)
    sizes = {"scale": scale, "width": options.width, "residual_blocks": options.residual_blocks}

    def build(seed: int, pretrain_steps: int):
        weights = {"adversarial_weight": options.adversarial_weight, "pretrain_steps": pretrain_steps}
        return kgz.SRGAN.for_images(training.example_shape, seed=seed, **sizes, **weights)

    half = options.steps // 2
    return Task(
        name=f"super_resolution_x{scale}",
        selecting=Pairs.of(test[: options.selecting]),
        reporting=reporting,
        features=both(judges.of_classes, "cifar10", options.judges),
        rows={
            "MSE": Row(partial(build, pretrain_steps=options.steps), pairs, best="PSNR"),
            "SRGAN": Row(partial(build, pretrain_steps=half), pairs, after=half),
        },
        floors={
            name: floors.enlarged(reporting.sources, scale, Image.Resampling[name.upper()])
            for name in ("bicubic", "Lanczos")
        },
        reference=training.examples[:REFERENCE],
        shown=("L1", "PSNR", "mean PSNR", "SSIM"),
    )


def inpainting(options) -> list[Task]:
    """The centre of CIFAR-10's test pictures."""
    degradation = data.Masked(HOLE)
    training, test = data.load("cifar10"), data.degraded(data.load("cifar10", split="test"), degradation)
    reporting = Pairs.of(test[options.selecting :])
    pairs = data.degraded(training, degradation)

    def build(seed: int, pretrain_steps: int):
        weights = {"adversarial_weight": options.adversarial_weight, "pretrain_steps": pretrain_steps}
        sizes = {"region": HOLE, "width": options.width}
        return kgz.ContextEncoder.for_images(training.example_shape, seed=seed, **sizes, **weights)

    faster = {"generator_rate": 10.0}  # as in the paper
    return [
        Task(
            name="inpainting",
            selecting=Pairs.of(test[: options.selecting]),
            reporting=reporting,
            features=both(judges.of_classes, "cifar10", options.judges),
            rows={
                "L2 only": Row(partial(build, pretrain_steps=options.steps), pairs, best="PSNR", **faster),
                "ContextEncoder": Row(partial(build, pretrain_steps=0), pairs, **faster),
            },
            floors={
                "mean colour of the context": floors.mean_colour(reporting.sources, HOLE),
                "biharmonic": floors.biharmonic(reporting.sources, HOLE),
                "nearest training context": floors.nearest_context(reporting.sources, HOLE, training.examples),
            },
            reference=training.examples[:REFERENCE],
            shown=("L1", "PSNR", "mean PSNR", "SSIM"),
            area=lambda pairs: floors.within(HOLE, pairs.targets.shape[1:])[None],
        )
    ]


def colouring(options) -> list[Task]:
    """Line art of OpenMoji to its colours."""
    training, test = (
        without_plain(data.load("openmoji", split=split, image_size=options.image_size)) for split in ("train", "test")
    )
    reporting = Pairs.of(test, slice(options.selecting, None))
    nearest = floors.nearest(reporting.sources, training.sources)
    shape, source_shape = training.example_shape, training.condition_shape

    def build(seed: int, conditional: bool = True, receptive_field: int = 70, **weights):
        generator, discriminator = networks.unet_pair(
            shape, source_shape=source_shape, width=options.width, receptive_field=receptive_field, seed=seed
        )
        if not conditional:
            seeds = parts.seeds_of(seed)
            discriminator = patch_discriminator(shape, None, options.width, receptive_field, "instance", 1, seeds)
        return kgz.Pix2Pix(generator, discriminator, seed=seed, **weights)

    arguments = {
        "L1": {"pretrain_steps": options.steps},
        "GAN": {"conditional": False, "content_weight": 0.0},
        "cGAN": {"content_weight": 0.0},
        "L1 + GAN": {"conditional": False},
        "L1 + cGAN, 70 pixels": {},
        **{f"L1 + cGAN, {side} pixels": {"receptive_field": side} for side in (34, 16, 1)},
    }
    return [
        Task(
            name="colouring",
            selecting=Pairs.of(test, slice(options.selecting)),
            reporting=reporting,
            features=both(judges.of_emoji, options.image_size, options.judges),
            rows={
                name: Row(partial(build, **each), training, best="L1" if name == "L1" else "feature distance")
                for name, each in arguments.items()
            },
            floors={
                "copy of the line art": as_colour(reporting.sources),
                "nearest line art's colours": training.targets[nearest],
                "median picture": np.repeat(
                    floors.median_picture(training.targets)[None], len(reporting.targets), axis=0
                ),
            },
            reference=training.targets[:: len(ROLES)],  # which the reporting judge did not learn from
            area=coloured,
        )
    ]


def without_plain(emoji: data.CaptionedDataset) -> data.CaptionedDataset:
    """Emoji without flags and plain shapes, whose colours do not follow from their outlines."""
    subgroup, group = emoji.attributes["subgroup"], emoji.attributes["group"]
    return emoji[[i for i in range(len(emoji)) if group[i] != "flags" and subgroup[i] not in PLAIN]]


def as_colour(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey, 3, axis=-1)


def coloured(pairs: Pairs) -> np.ndarray:
    """The pixels at which the picture differs from its line art."""
    return np.abs(pairs.targets.astype(int) - pairs.sources).max(axis=-1) > CHANGED


def unpaired(options) -> list[Task]:
    """Noto to Twemoji, learned from emoji of which no model sees both, but for the ceiling."""
    noto, twemoji = (data.load(style, image_size=options.image_size) for style in ("noto", "twemoji"))
    given = {"image_size": options.image_size, "sources": "noto"}
    together, test = data.load("twemoji", **given), data.load("twemoji", split="test", **given)
    reporting = Pairs.of(test, slice(options.selecting, None))
    apart = data.unpaired(noto[::2], twemoji[1::2])
    recolour = floors.ColourTransfer(noto[::2].examples, twemoji[1::2].examples)
    sizes = {"width": options.width, "residual_blocks": options.residual_blocks, "add_source": True}

    def cycle(seed: int, **weights):
        return kgz.CycleGAN.for_images(noto.example_shape, seed=seed, **sizes, **weights)

    def paired(seed: int):
        return kgz.Pix2Pix.for_images(noto.example_shape, seed=seed, width=options.width)

    return [
        Task(
            name="unpaired",
            selecting=Pairs.of(test, slice(options.selecting)),
            reporting=reporting,
            features=both(judges.of_emoji, options.image_size, options.judges),
            rows={
                "CycleGAN": Row(cycle, apart),
                "GAN alone": Row(partial(cycle, cycle_weight=0.0, identity_weight=0.0), apart),
                "cycle alone": Row(partial(cycle, adversarial_weight=0.0), apart),
                "Pix2Pix, from pairs": Row(paired, together),
            },
            floors={"identity": reporting.sources, "colour transfer": recolour(reporting.sources)},
            measure=lambda made, pairs, features, role: {"retrieval": retrieval(*features)},
        )
    ]


def label_maps(options) -> list[Task]:
    """Avatars from their label maps, by two generators of equally many multiplications."""
    avatars = data.load("avatars")
    training, test = data.paired(avatars), data.paired(data.load("avatars", split="test"))
    reporting, number = Pairs.of(test, slice(options.selecting, None)), len(avatars.originals.parts)
    shapes, width = {"source_shape": training.condition_shape}, options.width
    unet = partial(networks.unet_pair, training.example_shape, **shapes)
    spade = partial(networks.spade_pair, training.example_shape, width=width, modulation_units=width, **shapes)
    alike = agreeing_width(lambda width: macs(unet(width=width)[0]), macs(spade()[0]))
    wide = {"SPADE": spade, "U-Net": partial(unet, width=alike)}

    def build(seed: int, name: str):
        _, discriminator = unet(width=options.width, seed=seed)  # the same for both
        return kgz.Pix2Pix(wide[name](seed=seed)[0], discriminator, seed=seed)

    readers = both(judges.segmenter, options.judges)
    return [
        Task(
            name="label_maps",
            selecting=Pairs.of(test, slice(options.selecting)),
            reporting=reporting,
            features=both(judges.of_avatars, options.judges),
            rows={name: Row(partial(build, name=name), training, best="pixel accuracy") for name in wide},
            floors={"picture of another label map": np.roll(reporting.targets, 1, axis=0)},
            reference=avatars.examples[:: len(ROLES)][:REFERENCE],  # which the reporting judge did not learn from
            shown=(),
            measure=lambda made, pairs, features, role: of_label_maps(
                readers[role](made), pairs.sources.argmax(axis=-1), number
            ),
            remarks=[f"{name}: {macs(wide[name]()[0]):,} multiplications" for name in wide],
        )
    ]


def agreeing_width(multiplications: Callable[[int], int], wanted: int) -> int:
    """The width at which a network has as many multiplications as wanted, or nearly so.

    Raises:
        ValueError: If none comes near enough.

    Example:
        >>> agreeing_width(lambda width: width**2, 400)
        20
    """
    low, high = 1, 2
    while multiplications(high) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if multiplications(middle) < wanted else (low, middle)
    best = min((low, high), key=lambda width: abs(multiplications(width) - wanted))
    if abs(multiplications(best) - wanted) > AGREE * wanted:
        raise ValueError(
            f"No width has {wanted:,} multiplications: {best} has {multiplications(best):,}. Choose a larger --width."
        )
    return best
