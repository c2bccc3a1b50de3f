"""The options of `gan-zoo train` that are arguments of a model: what they are called, what they do, whose they are."""

import click

POSITIVE, AT_LEAST_0, AT_LEAST_1 = click.FloatRange(0, min_open=True), click.FloatRange(0), click.IntRange(1)

_OPTIONS = [
    click.option("--latent-dim", type=AT_LEAST_1, help="Noise values per example.  [default: 100]"),
    click.option(
        "--architecture",
        metavar="NAME",
        help="Networks: maxout (Goodfellow et al., 2014), conditional_maxout (Mirza and Osindero, 2014), dcgan "
        "(Radford et al., 2015), elu (Nowozin et al., 2016), mlp (plain perceptrons).  [default: the paper's]",
    ),
    click.option("--width", type=AT_LEAST_1, help="dcgan networks: channels of the finest features.  [default: 32]"),
    click.option("--units", type=AT_LEAST_1, help="mlp networks: units of a hidden layer.  [default: 128]"),
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
    """Adds all of them to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _names() -> list[str]:
    return [parameter.name for parameter in options_of_models(click.command()(lambda **_: None)).params]


MODEL_OPTIONS = _names()
