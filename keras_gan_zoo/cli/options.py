"""The options of `gan-zoo train` that are arguments of a model: what they are called, what they do, whose they are."""

from pathlib import Path

import click

from keras_gan_zoo.core.registry import VARIANT_CLASSES

POSITIVE, AT_LEAST_0, AT_LEAST_1 = click.FloatRange(0, min_open=True), click.FloatRange(0), click.IntRange(1)

_RUN_OPTIONS = [
    click.option(
        "--data",
        metavar="NAME",
        help="digits, ring8, grid25, swiss_roll; a folder of images; a .npy or .npz file; or the name of a set of "
        "TensorFlow Datasets, such as fashion_mnist.",
    ),
    click.option("--epochs", type=AT_LEAST_1, help="Passes over the data.  [default: about 4,500 steps]"),
    click.option("--batch-size", type=AT_LEAST_1, help="Examples per step.  [default: 64 for each discriminator step]"),
    click.option(
        "--optimizer",
        type=click.Choice(list(VARIANT_CLASSES)),
        help="That of this variant's paper: gan, conditional_gan momentum SGD; dcgan, fgan Adam; wgan RMSprop; wgan_gp "
        "Adam without momentum.  [default: VARIANT's]",
    ),
    click.option("--learning-rate", type=POSITIVE, help="Of both optimizers.  [default: the paper's]"),
    click.option("--conditional", is_flag=True, help="Feed the labels of the data to both networks."),
    click.option("--image-size", type=click.IntRange(4), metavar="PIXELS", help="Resize and crop images to this side."),
    click.option(
        "--background", metavar="COLOUR", help="Behind images with transparency, such as black.  [default: keep it]"
    ),
    click.option("--split", default="train", show_default=True, help="Split of a TensorFlow Datasets set."),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        default=0,
        show_default=True,
        help="Of initial weights, noise and data order.",
    ),
    click.option(
        "--precision",
        metavar="POLICY",
        help="Keras' dtype policy of the networks: float32, mixed_bfloat16 or mixed_float16.  [default: float32]",
    ),
    click.option("--deterministic", is_flag=True, help="Use only operations that give the same bits each time."),
    click.option(
        "--retries",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="How often a run with NaN or infinity goes back to its last snapshot with half the learning rates.",
    ),
    click.option(
        "--metrics",
        callback=lambda _, __, names: [name.strip() for name in (names or "").split(",") if name.strip()],
        metavar="NAMES",
        help="Measure samples after an epoch, such as frechet_distance,density_coverage.  [default: none]",
    ),
    click.option("--metrics-every", type=AT_LEAST_1, default=1, show_default=True, help="Epochs between measurements."),
    click.option(
        "--metrics-samples", type=click.IntRange(2), default=2000, show_default=True, help="Samples that are measured."
    ),
    click.option("--features", metavar="NAME", help="Extractor of --metrics.  [default: that of the data set]"),
    click.option(
        "--stop-by",
        metavar="FIGURE",
        help="Stop when this figure no longer improves, such as wasserstein or frechet_distance.  [default: never]",
    ),
    click.option("--patience", type=AT_LEAST_1, default=10, show_default=True, help="Epochs that --stop-by waits."),
    click.option("--stop-on-collapse", is_flag=True, help="Stop, not only warn, when samples lose their diversity."),
    click.option(
        "--from-preset",
        metavar="PRESET",
        help="Train a preset on, with other data: its networks and weights, see gan-zoo list. What belongs to classes "
        "that it did not know begins anew.",
    ),
]

_BASE_OPTIONS = [
    click.option(
        "--recipe",
        "recipe_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Train by the recipe.toml of another run, but for what is said here.",
    ),
    click.option("--preset", metavar="NAME", help="Make a preset anew by its recipe, but for what is said here."),
]

_MODEL_OPTIONS = [
    click.option("--latent-dim", type=AT_LEAST_1, help="Noise values per example.  [default: 100]"),
    click.option(
        "--architecture",
        metavar="NAME",
        help="Networks: maxout (Goodfellow et al., 2014), conditional_maxout (Mirza and Osindero, 2014), dcgan "
        "and conditional_dcgan (Radford et al., 2015), elu (Nowozin et al., 2016), mlp (plain perceptrons).  "
        "[default: the paper's]",
    ),
    click.option(
        "--width",
        type=AT_LEAST_1,
        help="dcgan, conditional_dcgan networks: channels of the finest features.  "
        "[default: 32; 64 for conditional_dcgan]",
    ),
    click.option(
        "--dropout",
        type=click.FloatRange(0, 1, max_open=True),
        help="dcgan networks: share of the discriminator's features that is dropped.  [default: 0]",
    ),
    click.option("--units", type=AT_LEAST_1, help="mlp networks: units of a hidden layer.  [default: 128]"),
    click.option(
        "--generator-units",
        type=AT_LEAST_1,
        help="maxout, conditional_maxout, elu, conditional_dcgan networks: units of a hidden layer.  "
        "[default: 1200; 1024 for conditional_dcgan, 128 for vectors]",
    ),
    click.option(
        "--discriminator-units",
        type=AT_LEAST_1,
        help="The same of the discriminator.  [default: 240; 1024 for conditional_dcgan, 64 for vectors]",
    ),
    click.option(
        "--discriminator-normalization",
        metavar="NAME",
        help="dcgan networks: batch, layer or none.  [default: batch; none for wgan and wgan_gp]",
    ),
    click.option(
        "--spectral-normalization",
        is_flag=True,
        default=None,
        help="Divide the discriminator's kernels by their largest singular value (Miyato et al., 2018).  "
        "[default: off]",
    ),
    click.option(
        "--loss",
        metavar="NAME",
        help="gan, dcgan, conditional_gan: non_saturating, minimax (Goodfellow et al., 2014), least_squares (Mao et "
        "al., 2017), hinge (Lim and Ye, 2017), wasserstein (Arjovsky et al., 2017), relativistic, "
        "relativistic_average (Jolicoeur-Martineau, 2018).  [default: non_saturating]",
    ),
    click.option(
        "--k",
        "discriminator_steps",
        type=AT_LEAST_1,
        help="Discriminator steps per generator step; divides the batch size.  [default: 1; 5 for wgan and wgan_gp]",
    ),
    click.option(
        "--simultaneous",
        is_flag=True,
        default=None,
        help="gan, dcgan, conditional_gan: update both players at once.  [default: in turn]",
    ),
    click.option(
        "--clip", type=POSITIVE, help="wgan: bound on the critic's weights (Arjovsky et al., 2017).  [default: 0.01]"
    ),
    click.option(
        "--clip-normalization/--keep-normalization",
        default=None,
        help="wgan: whether scales and offsets of normalisation are clipped too.  [default: clip]",
    ),
    click.option(
        "--critic-head-start",
        is_flag=True,
        default=None,
        help="wgan: 100 critic steps before each of the first 25 and every 500th generator step, as in the authors' "
        "code.  [default: off]",
    ),
    click.option(
        "--penalty-weight", type=AT_LEAST_0, help="wgan_gp: lambda of Gulrajani et al. (2017).  [default: 10]"
    ),
    click.option(
        "--one-sided", is_flag=True, default=None, help="wgan_gp: penalise only slopes above 1.  [default: both]"
    ),
    click.option(
        "--divergence",
        metavar="NAME",
        help="fgan: kl, reverse_kl, pearson, neyman, squared_hellinger, jeffrey, jensen_shannon, "
        "weighted_jensen_shannon, gan, total_variation, alpha (Nowozin et al., 2016).  [default: jensen_shannon]",
    ),
    click.option("--alpha", type=float, help="fgan: of the alpha divergence.  [default: 0.5]"),
    click.option("--weight", type=float, help="fgan: of the weighted Jensen-Shannon divergence.  [default: 0.5]"),
    click.option(
        "--generator-objective",
        metavar="NAME",
        help="fgan: minimax, the letter of the paper, or non_saturating, its practical variant.  [default: minimax]",
    ),
    click.option(
        "--packing",
        type=AT_LEAST_1,
        help="Examples that the discriminator judges at once (PacGAN, Lin et al., 2018).  [default: 1]",
    ),
    click.option(
        "--r1",
        type=AT_LEAST_0,
        help="Weight of the penalty on the discriminator's slope at real examples (Mescheder et al., 2018).  "
        "[default: 0]",
    ),
    click.option("--r2", type=AT_LEAST_0, help="The same at generated examples.  [default: 0]"),
    click.option(
        "--ema",
        "ema_decay",
        type=click.FloatRange(0, 1, max_open=True),
        help="Average the generator with this decay, such as 0.999.  [default: off]",
    ),
]


def options_of_models(command):
    """Adds the arguments of models to a command."""
    return _with(_MODEL_OPTIONS, command)


def options_of_bases(command):
    """Adds what a recipe begins with to a command."""
    return _with(_BASE_OPTIONS, command)


def options_of_runs(command):
    """Adds the other values of a recipe to a command."""
    return _with(_RUN_OPTIONS, command)


def _with(options, command):
    for option in reversed(options):
        command = option(command)
    return command


MODEL_OPTIONS = [parameter.name for parameter in options_of_models(click.command()(lambda **_: None)).params]
