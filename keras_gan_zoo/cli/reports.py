"""`gan-zoo compare` and `gan-zoo report`: runs side by side, in the terminal or on a page."""

from pathlib import Path

import click

from keras_gan_zoo.cli.options import Place
from keras_gan_zoo.cli.printing import print_columns, print_json
from keras_gan_zoo.core.files import check_place
from keras_gan_zoo.errors import InputError

runs_argument = click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]", type=Place())


@click.command()
@runs_argument
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def compare(runs, as_json):
    """Compare run folders: what their recipes differ in, how far they are, the last and the best value of each figure,
    and mean and standard deviation of runs that differ by the seed alone. Runs may still train.

    \b
    gan-zoo compare runs/*
    gan-zoo compare runs/seeds/* --json
    """
    from keras_gan_zoo import reports

    comparison = reports.compare(runs)
    if as_json:
        print_json(comparison.to_dict())
    else:
        print_comparison(comparison)


def print_comparison(comparison) -> None:
    """Prints the tables of a comparison, and what could not be read."""
    for number, table in enumerate(comparison.tables()):
        click.echo(f"{chr(10) if number else ''}{table.title}")
        print_columns([table.head, *table.rows])
    for name, run in zip(comparison.names, comparison.runs, strict=True):
        for remark in run.remarks:
            click.echo(f"Warning: {name}: {remark}", err=True)


@click.command()
@runs_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="The page, one .html file with everything in it.",
)
def report(runs, out):
    """Write a page about run folders: curves, samples over time, the recipe and, where `gan-zoo evaluate` has written
    them into the folder, scores beside real images and nearest neighbours. Several runs are compared. The page is one
    file, which loads nothing from elsewhere. Runs may still train.

    \b
    gan-zoo report runs/dcgan_digits -o report.html
    gan-zoo report runs/seeds/* -o seeds.html
    """
    from keras_gan_zoo import reports

    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"Expected an .html file to write. Received: {out}. Choose another name.")
    check_place(out)
    comparison = reports.write(runs, out)
    number = len(comparison.runs)
    click.echo(f"{out}   {'the run' if number == 1 else f'{number} runs'}; open it in a browser")
