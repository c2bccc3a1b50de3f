"""Every name that users can choose, in one place, with the object that it stands for.

The rows are plain data. The object is imported only by `load`, so the names are available without TensorFlow: the
command line takes its choices and its help from these tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Row:
    """The object that a name stands for.

    Args:
        home: A module of this package and what it defines there, such as "models.gan:GAN".
        paper: Its source, as the help cites it.
    """

    home: str = ""
    paper: str = ""

    def load(self):
        """Imports the object that the name stands for."""
        return load(self.home)


def load(home: str):
    """Imports an object of this package, given as "module:name"."""
    module, _, name = home.partition(":")
    return getattr(import_module(f"keras_gan_zoo.{module}"), name)


def load_all(rows: Mapping[str, Row]) -> dict:
    """Imports the objects of all names of a table."""
    return {name: row.load() for name, row in rows.items()}


# ------------------------------------------------------------------------------------------------------------ variants

VARIANTS = {  # each in the module of the same name; the cards of presets cite the paper
    "gan": Row("models.gan:GAN", "Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661"),
    "dcgan": Row("models.dcgan:DCGAN", "Radford et al., 2015, https://arxiv.org/abs/1511.06434"),
    "conditional_gan": Row(
        "models.conditional_gan:ConditionalGAN", "Mirza and Osindero, 2014, https://arxiv.org/abs/1411.1784"
    ),
    "wgan": Row("models.wgan:WGAN", "Arjovsky et al., 2017, https://arxiv.org/abs/1701.07875"),
    "wgan_gp": Row("models.wgan_gp:WGANGP", "Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028"),
    "sngan": Row("models.sngan:SNGAN", "Miyato et al., 2018, https://arxiv.org/abs/1802.05957"),
    "biggan": Row("models.biggan:BigGAN", "Brock et al., 2019, https://arxiv.org/abs/1809.11096"),
    "r3gan": Row("models.r3gan:R3GAN", "Huang et al., 2024, https://arxiv.org/abs/2501.05441"),
    "text_to_image": Row("models.text_to_image:TextToImageGAN", "Reed et al., 2016, https://arxiv.org/abs/1605.05396"),
    "stackgan": Row("models.stackgan:StackGAN", "Zhang et al., 2017, https://arxiv.org/abs/1612.03242"),
    "pix2pix": Row("models.pix2pix:Pix2Pix", "Isola et al., 2017, https://arxiv.org/abs/1611.07004"),
    "srgan": Row("models.srgan:SRGAN", "Ledig et al., 2017, https://arxiv.org/abs/1609.04802"),
    "context_encoder": Row(
        "models.context_encoder:ContextEncoder", "Pathak et al., 2016, https://arxiv.org/abs/1604.07379"
    ),
    "cycle_gan": Row("models.cycle_gan:CycleGAN", "Zhu et al., 2017, https://arxiv.org/abs/1703.10593"),
    "bigan": Row("models.bigan:BiGAN", "Donahue et al., 2016, https://arxiv.org/abs/1605.09782"),
    "fgan": Row("models.fgan:FGAN", "Nowozin et al., 2016, https://arxiv.org/abs/1606.00709"),
    "vae": Row("models.vae:VAE", "Kingma and Welling, 2013, https://arxiv.org/abs/1312.6114"),  # of one player, no GAN
}
VARIANT_CLASSES = {name: row.home.partition(":")[2] for name, row in VARIANTS.items()}


def variant(name: str) -> type:
    """The class of a variant by its name, a key of `VARIANTS`."""
    return VARIANTS[name].load()


def variants() -> dict[str, type]:
    """The classes of all variants, by name. Importing them registers them with Keras."""
    return load_all(VARIANTS)


# Arguments of `for_images` that the data or the run determine, so [model] of a recipe must not give them.
DECIDED_ELSEWHERE = {
    "seed": "the seed of the recipe is that of the model",
    **dict.fromkeys(("num_classes", "class_names", "vocabulary"), "the data say them"),
    "text_dim": "the encoder says it",
    "first_shape": "the first stage says it",
    "source_shape": "the data say it",
}

# ------------------------------------------------------------------------------------- networks, losses, divergences

ARCHITECTURES = {
    "maxout": Row("networks.maxout:maxout_pair", "Goodfellow et al., 2014"),
    "conditional_maxout": Row("networks.maxout:conditional_maxout_pair", "Mirza and Osindero, 2014"),
    "dcgan": Row("networks.convolutional:dcgan_pair", "Radford et al., 2015"),
    "conditional_dcgan": Row("networks.convolutional:conditional_dcgan_pair", "Radford et al., 2015"),
    "resnet": Row("networks.resnet:resnet_pair", "Miyato et al., 2018"),
    "biggan": Row("networks.biggan:biggan_pair", "Brock et al., 2019"),
    "r3gan": Row("networks.r3gan:r3gan_pair", "Huang et al., 2024"),
    "text_dcgan": Row("networks.text:text_dcgan_pair", "Reed et al., 2016"),
    "stackgan": Row("networks.stacked:stackgan_pair", "Zhang et al., 2017"),
    "unet": Row("networks.unet:unet_pair", "Isola et al., 2017"),
    "spade": Row("networks.spade:spade_pair", "Park et al., 2019"),
    "srresnet": Row("networks.super_resolution:srresnet_pair", "Ledig et al., 2017"),
    "context_encoder": Row("networks.context_encoder:context_encoder_pair", "Pathak et al., 2016"),
    "cycle_gan": Row("networks.residual:cycle_gan_pair", "Zhu et al., 2017"),
    "bigan": Row("networks.bigan:bigan_pair", "Donahue et al., 2016"),
    "bigan_mlp": Row("networks.bigan:bigan_mlp_pair", "Donahue et al., 2016"),
    "vae": Row("networks.vae:vae_networks", "Kingma and Welling, 2013"),
    "vae_mlp": Row("networks.vae:vae_mlp_networks", "Kingma and Welling, 2013"),
    "elu": Row("networks.perceptrons:elu_pair", "Nowozin et al., 2016"),
    "mlp": Row("networks.perceptrons:mlp_pair", "Gulrajani et al., 2017"),
}

LOSSES = {
    "non_saturating": Row("losses:NonSaturating", "Goodfellow et al., 2014"),
    "minimax": Row("losses:Minimax", "Goodfellow et al., 2014"),
    "least_squares": Row("losses:LeastSquares", "Mao et al., 2017"),
    "hinge": Row("losses:Hinge", "Lim and Ye, 2017"),
    "wasserstein": Row("losses:Wasserstein", "Arjovsky et al., 2017"),
    "relativistic": Row("losses:Relativistic", "Jolicoeur-Martineau, 2018"),
    "relativistic_average": Row("losses:RelativisticAverage", "Jolicoeur-Martineau, 2018"),
}

_FGAN = "Nowozin et al., 2016"
F_DIVERGENCES = {
    "kl": Row("divergences.table:KL", _FGAN),
    "reverse_kl": Row("divergences.table:ReverseKL", _FGAN),
    "pearson": Row("divergences.table:Pearson", _FGAN),
    "neyman": Row("divergences.table:Neyman", _FGAN),
    "squared_hellinger": Row("divergences.table:SquaredHellinger", _FGAN),
    "jeffrey": Row("divergences.table:Jeffrey", _FGAN),
    "jensen_shannon": Row("divergences.table:JensenShannon", _FGAN),
    "weighted_jensen_shannon": Row("divergences.table:WeightedJensenShannon", _FGAN),
    "gan": Row("divergences.table:GANDivergence", _FGAN),
    "total_variation": Row("divergences.table:TotalVariation", _FGAN),
    "alpha": Row("divergences.table:Alpha", _FGAN),
}

ENCODERS = {  # of texts
    "characters": Row("encoders:Characters"),
    "use": Row("encoders:UniversalSentence", "Yang et al., 2019"),
}

DEGRADATIONS = {  # of pictures, to the sources of translators
    "downscaled": Row("data.degradations:Downscaled"),
    "masked": Row("data.degradations:Masked"),
    "greyed": Row("data.degradations:Greyed"),
    "edges": Row("data.degradations:Edges"),
}

AUGMENTATIONS = {  # of the pictures that a discriminator judges
    "colour": Row("augmentations:colour", "Zhao et al., 2020"),
    "translation": Row("augmentations:translation", "Zhao et al., 2020"),
    "cutout": Row("augmentations:cutout", "Zhao et al., 2020"),
}

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

# ------------------------------------------------------------------------------------------------------------- metrics

LOWER, HIGHER = "lower", "higher"  # which is better of two figures


@dataclass(frozen=True)
class Metric(Row):
    """A function from `metrics.Sets` to a `Result`, and what must be known about it before anything is measured.

    Args:
        needs: What it requires: "features", "classes" (a classifier's logits), "labels" (of both sets) or "pairs" (of
            sources and targets).
        better: Whether lower or higher is better, for each logged figure if there are several. Empty if neither is
            better, as for the density, which is high for collapsed samples. Only figures with a direction can stop a
            run.
        is_default: Whether it is measured if no names are given.
    """

    needs: tuple[str, ...] = ()
    better: str | Mapping[str, str] = ""
    is_default: bool = False


METRICS = {
    "frechet_distance": Metric("metrics.frechet:of_sets", needs=("features",), better=LOWER, is_default=True),
    "kernel_distance": Metric("metrics.kernel:of_sets", needs=("features",), better=LOWER, is_default=True),
    "inception_score": Metric("metrics.scores:of_sets", needs=("features", "classes"), better=HIGHER, is_default=True),
    "precision_recall": Metric(
        "metrics.manifold:precision_recall_of",
        needs=("features",),
        better={"precision": HIGHER, "recall": HIGHER},
        is_default=True,
    ),
    "density_coverage": Metric(
        "metrics.manifold:density_coverage_of",
        needs=("features",),
        better={"density": "", "coverage": HIGHER},
        is_default=True,
    ),
    "class_coverage": Metric(
        "metrics.modes:of_sets",
        needs=("features", "classes"),
        better={"class_coverage_modes": HIGHER, "class_coverage_reverse_kl": LOWER},
    ),
    "label_agreement": Metric(
        "metrics.classification:label_agreement", needs=("features", "classes", "labels"), better=HIGHER
    ),
    "similarity": Metric(
        "metrics.similarity:of_sets",
        needs=("pairs",),
        better={"similarity_l1": LOWER, "similarity_psnr": HIGHER, "similarity_ssim": HIGHER},
    ),
    "ms_ssim": Metric("metrics.diversity:of_sets"),
    "parzen_log_likelihood": Metric("metrics.parzen:of_sets", better=HIGHER),
    "nearest_neighbours": Metric(
        "metrics.neighbours:nearest_neighbours_of",
        better={
            "nearest_neighbours_distance": "",
            "nearest_neighbours_smallest": "",
            "nearest_neighbours_ratio": "",
            "nearest_neighbours_copies": LOWER,
        },
    ),
    "neighbour_classification": Metric(
        "metrics.neighbours:neighbour_classification_of", needs=("labels",), better=LOWER
    ),
    "network_classification": Metric(
        "metrics.classification:network_classification_of", needs=("labels",), better=LOWER
    ),
}
DEFAULT_METRICS = tuple(name for name, row in METRICS.items() if row.is_default)


def figures_of(metric: str) -> dict[str, str]:
    """The logged names of a metric's figures, and whether lower or higher is better for each."""
    better = METRICS[metric].better
    return {metric: better} if isinstance(better, str) else dict(better)


# ---------------------------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class DataSet:
    """A data set with a known name.

    Args:
        home: The function that makes an embedded set, see `Row`; empty for sets of TensorFlow Datasets.
        splits: Splits of an embedded set, if it has any; its function then takes one.
        authors: Their names, as the card of a preset gives them.
        licence: The licence of the data.
        is_mixture: Whether its examples are points from known modes, which `mode_coverage` counts.
    """

    home: str = ""
    authors: str = ""
    licence: str = ""
    is_mixture: bool = False
    splits: tuple[str, ...] = ()


FACES = ("train", "test", "held_out")

DATA_SETS = {
    "digits": DataSet("data.embedded:digits", "E. Alpaydin and C. Kaynak", "CC BY 4.0"),
    "ring8": DataSet("data.embedded:ring8", is_mixture=True),
    "grid25": DataSet("data.embedded:grid25", is_mixture=True),
    "swiss_roll": DataSet("data.embedded:swiss_roll"),
    "avatars": DataSet("data.packed:avatars", "DiceBear", "CC0 1.0", splits=FACES),
    "peeps": DataSet("data.packed:peeps", "Pablo Stanley and DiceBear", "CC0 1.0", splits=FACES),
    "openmoji": DataSet(
        "data.packed:openmoji", "the authors of OpenMoji, openmoji.org", "CC BY-SA 4.0", splits=("train", "test")
    ),
    "noto": DataSet("data.packed:noto", "Google", "Apache-2.0", splits=("train", "test")),
    "twemoji": DataSet("data.packed:twemoji", "Twitter and contributors", "CC BY 4.0", splits=("train", "test")),
    "letters": DataSet(
        "data.packed:letters",
        "the authors of 511 fonts, listed in keras_gan_zoo/data/sets/letters.txt",
        "OFL-1.1",
        splits=("train", "test"),
    ),
    "mnist": DataSet(authors="Yann LeCun and Corinna Cortes", licence="CC BY-SA 3.0"),
    "fashion_mnist": DataSet(authors="Zalando Research", licence="MIT"),
    "cifar10": DataSet(authors="Alex Krizhevsky", licence="none stated by its authors"),
}
EMOJI = ("openmoji", "noto", "twemoji")  # styles of the same pictures: two of them are pairs
FORM = ("image_size", "background", "channels", "sources", "degradation")  # arguments of `data.load` in a recipe
EMBEDDED = {name: Row(row.home) for name, row in DATA_SETS.items() if row.home}
MIXTURES = tuple(name for name, row in DATA_SETS.items() if row.is_mixture)

# -------------------------------------------------------------------------------------------------------------- export


@dataclass(frozen=True)
class Format(Row):
    """An export format. `home` is the function that writes it.

    Args:
        reader: The function that runs an exported file, see `export.readers`.
        suffix: The path suffix that selects the format; empty for a folder.
        package: The package that `reader` imports, if it is an optional dependency; the extra is named after the
            format.
    """

    reader: str = ""
    suffix: str = ""
    package: str = ""


FORMATS = {
    "onnx": Format("export.onnx_format:convert", reader="export.readers:onnx", suffix=".onnx"),
    "saved_model": Format("export.tensorflow_formats:write_saved_model", reader="export.readers:saved_model"),
    "litert": Format(
        "export.tensorflow_formats:write_litert",
        reader="export.readers:litert",
        suffix=".tflite",
        package="ai_edge_litert",
    ),
}
