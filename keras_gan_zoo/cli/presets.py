"""`gan-zoo list`: the table of presets, or the card of one. Also checks what `gan-zoo train` starts from."""

from __future__ import annotations

from typing import Any

import click

from keras_gan_zoo.cli import completion
from keras_gan_zoo.cli.printing import print_columns, print_json
from keras_gan_zoo.zoo.cards import Card, card, shipped


@click.command("list")
@click.argument("name", required=False, metavar="[PRESET]", shell_complete=completion.presets)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def list_presets(name, as_json):
    """List the presets: trained models that every command accepts by name. With PRESET, show its card: how it was
    trained, on which data, under which licences, and how good its samples are.

    \b
    gan-zoo list
    gan-zoo list conditional_gan_mnist
    gan-zoo list --json
    """
    if as_json:
        print_json([_row(preset) for preset in shipped().values()] if name is None else _all_of(card(name)))
    elif name is None:
        _show_table([_row(preset) for preset in shipped().values()])
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


def _row(preset: Card) -> dict[str, Any]:
    """What the table has of a preset; the size is in bytes."""
    return {
        "preset": preset.name,
        "variant": preset.variant,
        "data": preset.data.get("name"),
        "size": preset.size,
        "frechet_distance": preset.figures().get("frechet_distance"),
        "description": preset.description,
    }


def _all_of(preset: Card) -> dict[str, Any]:
    return {"preset": preset.name, "size": preset.size, **preset.table()}


def _show_table(presets: list[dict[str, Any]]) -> None:
    """Prints the longest column last."""
    rows = [("preset", "variant", "data", "size", "Frechet distance", "what it makes")]
    for preset in presets:
        size = "-" if preset["size"] is None else f"{preset['size'] / 1e6:.1f} MB"
        distance = "-" if preset["frechet_distance"] is None else f"{preset['frechet_distance']:.3g}"
        rows.append((preset["preset"], preset["variant"], preset["data"] or "-", size, distance, preset["description"]))
    print_columns(rows)


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
        "selection": preset.selection,
        "environment": ", ".join(f"{name} {value}" for name, value in preset.environment.items()),
        "files": "" if preset.size is None else f"{preset.folder}",
        "url": preset.url or "",
    }
    return {heading: value for heading, value in facts.items() if value}
