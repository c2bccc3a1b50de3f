"""`gan-zoo evaluate`: metrics of a model, of an exported file, or of images made by any program."""

from collections.abc import Callable
from pathlib import Path

import click

from keras_gan_zoo.cli import completion
from keras_gan_zoo.cli.importing import import_option
from keras_gan_zoo.core.files import check_place
from keras_gan_zoo.core.progress import Bar
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.registry import DEFAULT_METRICS, FORM, METRICS, MIXTURES
from keras_gan_zoo.core.remote import is_remote, place
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.core.urls import is_url, redacted
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo.cards import nothing_at, shipped


@click.command()
@click.argument("source", metavar="SOURCE", shell_complete=completion.presets)
@import_option
@click.option(
    "--data",
    metavar="NAME",
    shell_complete=completion.data_sets,
    help="Real images: a name, a folder or a file, as for gan-zoo train --data.  [default: the training data of the "
    "run or preset]",
)
@click.option("--split", help="Split to compare with, of a set that has some.  [default: test]")
@click.option("--train-split", help="Split that the model was trained on.  [default: train]")
@click.option("--validation-split", help="Split on which parzen_log_likelihood chooses its bandwidth.")
@click.option("--image-size", type=click.IntRange(4), metavar="PIXELS", help="As for gan-zoo train.")
@click.option("--background", metavar="COLOUR", help="As for gan-zoo train.")
@click.option("--channels", type=click.IntRange(1), help="As for gan-zoo train.")
@click.option("--sources", metavar="FOLDER", help="As for gan-zoo train.")
@click.option("--degradation", metavar="NAME", help="As for gan-zoo train.")
@click.option(
    "--metrics",
    help=f"Comma-separated names: {', '.join(METRICS)}; for {' and '.join(MIXTURES)}: mode_coverage.  "
    f"[default: {', '.join(DEFAULT_METRICS)}; for translators: similarity]",
)
@click.option(
    "--features",
    metavar="NAME",
    help="Feature extractor: mnist, fashion_mnist, cifar10, inception or pixels.  [default: the classifier of the data "
    "set]",
)
@click.option(
    "-n", "count", type=click.IntRange(2), help="Number of samples.  [default: 10,000, or all images if fewer exist]"
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed gives the same samples."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write all figures and protocols to this file."
)
@click.option(
    "--neighbours",
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Draw the samples most likely to be copies, beside their nearest training images, to this file.",
)
def evaluate(source, data, json_file, neighbours, **options):
    """Measure SOURCE against real images. SOURCE is the name of a preset, a run folder, a .keras file, an ONNX file, or
    images that already exist: a folder of pictures, or a .npz file with `images` and, if known, `labels`.

    \b
    gan-zoo evaluate conditional_gan_mnist
    gan-zoo evaluate runs/dcgan_fashion_mnist --json scores.json
    gan-zoo evaluate pictures/ --data mnist --metrics frechet_distance,precision_recall -n 5000

    The last column has the same figures for real images in place of samples: the best that can be expected.
    """
    _check_out(json_file, neighbours)
    from keras_gan_zoo import metrics, pictures

    if data is None:
        of_recipe = trained_on(source)
        data = of_recipe.pop("data")
        options |= {name: value for name, value in of_recipe.items() if options[name] is None}
    if neighbours is not None and data in MIXTURES:
        raise InputError(
            f"Expected no --neighbours for {data}, whose examples are points, not images. Received: {neighbours}. "
            "Leave it out."
        )
    names = _names(options.pop("metrics"), neighbours)
    n, extractor = options.pop("count"), options.pop("features")
    with Bar("{task.description}", "bar", "count", "left", "time left", on_stderr=True) as bar:
        report = metrics.evaluate(
            source, data, metrics=names, n=n, extractor=extractor, progress=_stages(bar), **options
        )
    _show(report)
    if json_file is not None:
        report.save(json_file)
        click.echo(f"{json_file}   all figures with their protocols")
    if neighbours is not None:
        pictures.save(report.neighbours, neighbours)
        click.echo(f"{neighbours}   sample, nearest and second nearest training image; the likeliest copies come first")


def _names(given: str | None, neighbours: Path | None) -> list[str] | None:
    names = None if given is None else [name.strip() for name in given.split(",") if name.strip()]
    return names if neighbours is None else [*(DEFAULT_METRICS if names is None else names), "nearest_neighbours"]


def _check_out(json_file: Path | None, neighbours: Path | None) -> None:
    for path, suffixes in ((json_file, (".json",)), (neighbours, (".png", ".jpg", ".jpeg"))):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes or not path.parent.is_dir():
            raise InputError(f"Expected a {suffixes[0]} file to write, in a folder that exists. Received: {path}.")
        check_place(path)


def _show(report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for heading, justify in (("metric", "left"), (report.subject, "right"), ("real images", "right")):
        table.add_column(heading, justify=justify)
    for row in report.rows():
        table.add_row(*row)
    Console().print(table)
    click.echo(report.protocol())


def _stages(bar: Bar) -> Callable[[str, int, int], None]:
    """Shows the stages of a measurement: one bar for those of one name, or a line per stage where bars are off."""
    said = set()

    def show(stage: str, done: int, total: int) -> None:
        bar.show(stage.partition(":")[0], done, total, description=stage)
        if not bar.is_shown and stage not in said:
            click.echo(f"{stage} ...", err=True)
        said.add(stage)

    return show


def trained_on(source: str) -> dict:
    """The data that a run or a preset was trained on, from its recipe, as arguments of `data.load`.

    Raises:
        InputError: If there is no recipe, or nothing with that name.
    """
    recipe = shipped()[source].recipe if source in shipped() else {}
    if not (recipe or is_url(source) or exists(source)):
        raise nothing_at(source)
    file = None if is_url(source) and not is_remote(source) else place(source) / RECIPE_FILE
    if file is not None and exists(file):
        from keras_gan_zoo.training.recipe import Recipe

        recipe = Recipe.read(file).given()
    if "data" not in recipe:
        raise InputError(
            f"Expected the name of the real images to compare with, such as --data mnist. Received none, and "
            f"{redacted(source)} is neither a run folder nor a preset of the package, whose recipe would name them."
        )
    return {name: recipe[name] for name in ("data", *FORM) if name in recipe}
