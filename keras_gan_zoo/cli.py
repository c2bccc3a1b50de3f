"""The command line: `gan-zoo train`, `gan-zoo sample`. Nothing here is unavailable in Python."""

import warnings
from pathlib import Path

import click

from keras_gan_zoo import VARIANT_CLASSES, __version__
from keras_gan_zoo.cli_options import MODEL_OPTIONS, options_of_models
from keras_gan_zoo.errors import InputError


class _Failure(click.ClickException):
    """One `Error:` line; exit code 2 for what the user gave, 1 for what the machine refused."""

    def __init__(self, error: Exception):
        super().__init__(str(error))
        self.exit_code = 2 if isinstance(error, InputError) else 1


class _Group(click.Group):
    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except (InputError, OSError) as error:
            raise _Failure(error) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def main():
    """Train generative adversarial networks and look at what they make.

    \b
    gan-zoo train dcgan --data digits --epochs 250
    gan-zoo sample runs/dcgan_digits -n 100 -o digits.png
    """


@main.command()
@click.argument("variant", type=click.Choice(list(VARIANT_CLASSES)))
@click.option(
    "--data",
    "data_name",
    required=True,
    metavar="NAME",
    help="digits, ring8, grid25, swiss_roll; a folder of images; a .npy or .npz file; or the name of a set of "
    "TensorFlow Datasets, such as fashion_mnist.",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over the data.  [default: about 4,500 steps]")
@click.option(
    "--batch-size", type=click.IntRange(1), help="Examples per step.  [default: 64 for each discriminator step]"
)
@click.option(
    "--optimizer",
    type=click.Choice(list(VARIANT_CLASSES)),
    help="That of this variant's paper: gan, conditional_gan momentum SGD; dcgan, fgan Adam; wgan RMSprop; wgan_gp "
    "Adam without momentum.  [default: VARIANT's]",
)
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), help="Of both optimizers.  [default: the paper's]"
)
@click.option("--conditional", is_flag=True, help="Feed the labels of the data to both networks.")
@click.option("--image-size", type=click.IntRange(4), metavar="PIXELS", help="Resize and crop images to this side.")
@click.option("--split", default="train", show_default=True, help="Split of a TensorFlow Datasets set.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Of initial weights, noise and data order.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Run folder, new or empty.  [default: runs/VARIANT_DATA]",
)
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
@options_of_models
def train(variant, data_name, out, dry_run, **options):
    """Train VARIANT and write a run folder: model, pictures per epoch, logs, recipe.

    \b
    gan-zoo train dcgan --data fashion_mnist --epochs 10
    gan-zoo train gan --data ring8 --optimizer dcgan --learning-rate 0.001
    gan-zoo train fgan --data fashion_mnist --divergence pearson
    """
    _start_tensorflow()
    from keras_gan_zoo.training import Recipe, build, resolve

    model = {name: options.pop(name) for name in MODEL_OPTIONS}
    model = {name: value for name, value in model.items() if value is not None}
    recipe = Recipe(variant=variant, data=data_name, model=model, **options)
    if dry_run:
        recipe, dataset = resolve(recipe)
        build(recipe, dataset)  # says what training would refuse
        click.echo(recipe.to_toml(), nl=False)
        return
    _train(recipe, out)


def _train(recipe, out):
    from keras_gan_zoo import callbacks, training

    progress = callbacks.Progress()
    try:
        gan, folder = training.train(recipe, out, more_callbacks=(progress,), verbose=0)
    finally:
        progress.stop()
    sizes = (
        f"generator {gan.generator.count_params():,} and discriminator {gan.discriminator.count_params():,} parameters"
    )
    click.echo(f"Trained {recipe.variant} on {recipe.data}: {int(gan.step):,} steps, {sizes}.")
    for name, meaning in (
        ("samples.png", "samples"),
        ("samples/history.gif", "their history, epoch by epoch"),
        (training.MODEL_FILE, f"the model: gan-zoo sample {folder} -n 64 -o grid.png"),
        ("log.csv", "losses; also in tensorboard/"),
    ):
        if (folder / name).exists():
            click.echo(f"  {folder / name}   {meaning}")


@main.command()
@click.argument("source", metavar="RUN_OR_FILE")
@click.option("-n", "count", type=click.IntRange(1), default=64, show_default=True, help="Number of samples.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same samples.")
@click.option(
    "--label",
    metavar="CLASS",
    help="Class of all samples of a conditional model, by name or index.  [default: in turn]",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("samples.png"),
    show_default=True,
    help="A picture (.png, .jpg), or .npz for the arrays.",
)
def sample(source, count, seed, label, out):
    """Sample from a run folder or a .keras file.

    \b
    gan-zoo sample runs/dcgan_digits -n 100 -o digits.png
    """
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".npz") or not out.parent.is_dir():
        raise InputError(f"Expected a .png, .jpg or .npz file to write, in a folder that exists. Received: {out}.")
    _start_tensorflow()
    import numpy as np

    from keras_gan_zoo import pictures, zoo
    from keras_gan_zoo.files import written_beside

    gan = zoo.load(source)
    if label is not None and not gan.conditional:
        raise InputError(f"Expected no --label, because the networks of this model take none. Received: {label!r}.")
    if label is not None and label not in (gan.class_names or ()) and label.isdecimal():
        label = int(label)
    examples = gan.sample(count, labels=label, seed=seed)
    if out.suffix == ".npz":
        with written_beside(out) as beside:
            np.savez_compressed(beside, images=examples)
    else:
        columns = gan.num_classes if gan.conditional and label is None else None
        pictures.save(pictures.draw(examples, columns=columns), out)
    click.echo(f"{count} samples, seed {seed}: {out}")


def _start_tensorflow():
    from keras_gan_zoo.console import start_tensorflow

    start_tensorflow()
    warnings.showwarning = lambda message, *_: click.echo(f"Warning: {message}", err=True)
