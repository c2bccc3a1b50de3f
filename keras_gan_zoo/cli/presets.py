"""`gan-zoo list`: the table of presets, or the card of one. Also checks what `gan-zoo train` starts from."""

from __future__ import annotations

import click

from keras_gan_zoo.cli import completion
from keras_gan_zoo.zoo.cards import Card, card, shipped


@click.command("list")
@click.argument("name", required=False, metavar="[PRESET]", shell_complete=completion.presets)
def list_presets(name):
    """List the presets: trained models that every command accepts by name. With PRESET, show its card: how it was
    trained, on which data, under which licences, and how good its samples are.

    \b
    gan-zoo list
    gan-zoo list conditional_gan_mnist
    """
    if name is None:
        _show_table(list(shipped().values()))
    else:
        _show_card(card(name))


def check_beginning(recipe: dict, recipe_file, preset: str | None, resume) -> None:
    """Checks that `train` has what it needs to start: a variant and data, or a recipe, a preset or a run with both."""
    bases = {"--recipe": recipe_file, "--preset": preset, "--from-preset": recipe.get("from_preset")}
    given = [option for option, value in bases.items() if value is not None]
    if len(given) > 1 or (resume is not None and given):
        received = " and ".join([*given, *(["--resume"] if resume is not None else [])])
        raise click.UsageError(f"Expected one of --recipe, --preset, --from-preset and --resume. Received: {received}.")
    if given == ["--from-preset"] and "data" not in recipe:
        raise click.UsageError(
            "Expected --data NAME with --from-preset. To train on the data of the preset, use --preset NAME."
        )
    if resume is None and not given and not {"variant", "data"} <= recipe.keys():
        raise click.UsageError(
            "Expected a VARIANT and --data NAME, or --resume RUN, --recipe FILE, --preset NAME or --from-preset NAME."
        )


def _show_table(presets: list[Card]) -> None:
    """Prints plain columns, the longest one last, so that nothing is truncated and lines can be searched."""
    rows = [("preset", "variant", "data", "size", "Frechet distance", "what it makes")]
    for preset in presets:
        distance = preset.figures().get("frechet_distance")
        size = "-" if preset.size is None else f"{preset.size / 1e6:.1f} MB"
        shown = "-" if distance is None else f"{distance:.3g}"
        rows.append((preset.name, preset.variant, preset.data.get("name", "-"), size, shown, preset.description))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)][:-1]
    for *cells, last in rows:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), last]))


def _show_card(preset: Card) -> None:
    import tomli_w

    click.echo(f"{preset.name}: {preset.description}\n")
    for heading, value in _facts(preset).items():
        click.echo(f"  {heading:<12} {value}")
    click.echo(f"\n  {'':<32} {'samples':>10} {'real images':>12}")
    reference = preset.figures("reference")
    for figure, value in preset.figures().items():
        click.echo(f"  {figure:<32} {value:>10.4g} {reference.get(figure, float('nan')):>12.4g}")
    click.echo(f"\nRecipe, for gan-zoo train --preset {preset.name}:\n")
    click.echo(tomli_w.dumps(preset.recipe), nl=False)


def _facts(preset: Card) -> dict[str, str]:
    data, parameters = preset.data, preset.parameters
    facts = {
        "variant": preset.variant,
        "paper": preset.paper,
        "data": ", ".join(str(data[key]) for key in ("name", "authors", "licence") if data.get(key)),
        "encoder": ", ".join(preset.encoder.values()),
        "texts": "; ".join(preset.texts),
        "licence": preset.licence,
        "made from": preset.parent,
        "parameters": ", ".join(f"{player} {number:,}" for player, number in parameters.items()),
        "trained": "" if preset.training_minutes is None else f"{preset.training_minutes:g} minutes",
        "environment": ", ".join(f"{name} {value}" for name, value in preset.environment.items()),
        "files": "" if preset.size is None else f"{preset.folder}",
        "url": preset.url or "",
    }
    return {heading: value for heading, value in facts.items() if value}
