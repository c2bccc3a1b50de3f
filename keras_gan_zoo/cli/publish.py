"""Make a finished run a preset of this package:

    python -m keras_gan_zoo.cli.publish RUN NAME --description TEXT --selection TEXT

For maintainers. Run it in a checkout on the machine that trained the model: the card records its environment."""

from pathlib import Path

import click

from keras_gan_zoo.cli.startup import start
from keras_gan_zoo.errors import InputError, NotFiniteError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("name")
@click.option("--description", required=True, metavar="TEXT", help="What the model makes, in one line.")
@click.option(
    "--selection",
    required=True,
    metavar="TEXT",
    help="How many seeds were trained, and how this model and its state were chosen, in one line.",
)
@click.option(
    "--samples", type=click.IntRange(2), default=10_000, show_default=True, help="Number of samples to measure."
)
@click.option("--half", is_flag=True, help="Store the weights in float16.")
@click.option("--data-authors", metavar="TEXT", help="Authors of a data set that this command does not know.")
@click.option("--data-licence", metavar="TEXT", help="Licence of a data set that this command does not know.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File of a further report on the model, to join its card; may be given several times.",
)
def main(run, name, description, selection, samples, half, data_authors, data_licence, reports):
    """Make the finished RUN a preset of this package. Writes its files, its card in presets.toml and its pictures in
    docs.
    """
    start()
    from keras_gan_zoo.training.publishing import publish

    said = {"authors": data_authors, "licence": data_licence}
    try:
        card = publish(run, name, description, selection, samples=samples, half=half, data=said, reports=reports)
    except (InputError, NotFiniteError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{card.name}: {card.size:,} bytes, {card.training_minutes:g} minutes, {card.figures()}")


if __name__ == "__main__":
    main()
