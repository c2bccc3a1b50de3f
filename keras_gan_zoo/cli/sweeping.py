"""`gan-zoo train --sweep NAME=VALUES` and `--seed 0,1,2`: several runs by one command."""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from keras_gan_zoo.cli.failures import Failure, is_expected
from keras_gan_zoo.cli.options import model_options, run_options
from keras_gan_zoo.cli.reports import print_comparison
from keras_gan_zoo.cli.startup import outlive_reader
from keras_gan_zoo.cli.wording import in_options
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.run_files import RECIPE_FILE
from keras_gan_zoo.errors import unknown


def values_to_try(given: dict[str, Any], sweeps: Sequence[str], out: Path | None, resume: Path | None) -> dict:
    """The values of each name that is swept over, by the names of recipes; in `given`, the first ones replace them.

    Args:
        given: The values of the options that were given, of which `seed` may be several.
        sweeps: What `--sweep` was given, such as "learning_rate=0.001,0.01".
        out: What `--out` was given.
        resume: What `--resume` was given.
    """
    context, tried = click.get_current_context(), {}
    for text in sweeps:
        name, _, listed = text.partition("=")
        if not listed.strip():
            raise click.UsageError(f"Expected --sweep NAME=VALUE,VALUE. Received: {text!r}. Give its values.")
        option = _swept(name)
        if option.name in (*given, *tried):
            raise click.UsageError(f"Expected the values of {name.strip()} once. Received: twice. Leave one out.")
        tried[option.name] = [_converted(value.strip(), option, context) for value in listed.split(",")]
    if isinstance(given.get("seed"), tuple):
        tried["seed"] = list(given["seed"])
    if tried and resume is not None:
        raise click.UsageError(
            "Expected one run to resume. Received: several values to try. To go on with a sweep, give the command that "
            "began it."
        )
    if tried and out is None:
        raise click.UsageError("Expected --out FOLDER for several runs, whose folders will lie in it. Received: none.")
    given.update({name: values[0] for name, values in tried.items()})
    return tried


def _swept(name: str) -> click.Parameter:
    """The option that a name stands for, spelled as an argument or as an option."""
    params = [*run_options(), *model_options(), *_arguments()]
    spelled = {opt.strip("-").replace("-", "_"): param for param in params for opt in (*param.opts, str(param.name))}
    plain = name.strip().strip("-").replace("-", "_")
    if plain not in spelled:
        raise unknown("name to sweep over", name.strip(), spelled)
    return spelled[plain]


def _arguments() -> list[click.Parameter]:
    return [param for param in click.get_current_context().command.params if isinstance(param, click.Argument)]


def _converted(text: str, option: click.Parameter, context: click.Context) -> Any:
    """A value as the option would give it; of a flag, on or off."""
    kind = click.BOOL if isinstance(option, click.Option) and option.is_flag else option.type
    value = kind.convert(text, option, context)
    return value if option.callback is None else option.callback(context, option, value)


def show_folders(recipe: dict, values: dict, out: Path) -> None:
    """Prints the folders of a sweep, as comments."""
    from keras_gan_zoo import training

    names = training.recipes_of(training.Recipe(**recipe), values)
    click.echo(f"# {len(names)} runs in {out}; below is the recipe of the first:")
    for name in names:
        click.echo(f"#   {name}")


def train_all(recipe: dict, values: dict, out: Path, arguments: dict) -> None:
    """Trains the runs of a sweep, prints their comparison, and at the end what failed."""
    from keras_gan_zoo import callbacks, training

    outlive_reader()
    progress, command = callbacks.Progress(), click.get_current_context().command
    arguments = {
        **arguments,
        "more_callbacks": (progress,),
        "verbose": 0,
        "announce": lambda plan: click.echo(in_options(str(plan), command)),
        "begin": lambda folder, number, total: click.echo(f"\nRun {number} of {total}: {folder}"),
    }
    try:
        outcomes = training.sweep(training.Recipe(**recipe), values, out, **arguments)
    except (KeyboardInterrupt, SystemExit) as error:
        progress.stop()
        click.echo("Interrupted. To continue, give the same command again.", err=True)
        raise SystemExit(error.code if isinstance(error, SystemExit) else 130) from None
    finally:
        progress.stop()
    _tell(outcomes, command)


def _tell(outcomes: list, command: click.Command) -> None:
    from keras_gan_zoo import reports

    before = sum(outcome.was_finished for outcome in outcomes)
    click.echo(f"\n{before} of {len(outcomes)} runs had been finished before.\n" if before else "")
    folders = [outcome.folder for outcome in outcomes if exists(outcome.folder / RECIPE_FILE)]
    if folders:
        print_comparison(reports.compare(folders))
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        if not is_expected(outcome.error):
            traceback.print_exception(outcome.error)
        click.echo(f"Failed: {outcome.folder}: {Failure(outcome.error, command).format_message()}", err=True)
    if failed:
        click.echo(f"{len(failed)} of {len(outcomes)} runs failed. To try them again, give the same command.", err=True)
        raise SystemExit(1)
