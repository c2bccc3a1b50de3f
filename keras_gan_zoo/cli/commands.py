"""The command line: `gan-zoo train` and `gan-zoo launch`. The other commands have files of their own.

Everything that the commands do can also be done in Python."""

import textwrap
from contextlib import suppress
from pathlib import Path

import click
from click.core import ParameterSource

from keras_gan_zoo.cli import completion
from keras_gan_zoo.cli.evaluate import evaluate
from keras_gan_zoo.cli.export import export
from keras_gan_zoo.cli.failures import Failure, is_expected, naming_output
from keras_gan_zoo.cli.importing import import_option
from keras_gan_zoo.cli.info import info
from keras_gan_zoo.cli.options import AT_LEAST_1, POSITIVE, Name, Place, RecipeCommand, defaults_of, model_options
from keras_gan_zoo.cli.play import play
from keras_gan_zoo.cli.presets import check_beginning, list_presets
from keras_gan_zoo.cli.reports import compare, report
from keras_gan_zoo.cli.sampling import interpolate, invert, sample
from keras_gan_zoo.cli.startup import outlive_reader, prepare_output, start
from keras_gan_zoo.cli.sweeping import show_folders, train_all, values_to_try
from keras_gan_zoo.cli.translation import translate
from keras_gan_zoo.cli.wording import in_options, suggest
from keras_gan_zoo.core.registry import VARIANTS
from keras_gan_zoo.core.remote import RemoteError, RemotePath
from keras_gan_zoo.core.run_files import MODEL_FILE, RECIPE_FILE, SNAPSHOTS
from keras_gan_zoo.core.version import __version__
from keras_gan_zoo.errors import InputError, NotFiniteError


class _Group(click.Group):
    def main(self, *args, **kwargs):
        prepare_output()
        return super().main(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]):
        for argument in args:
            if any("\ud800" <= character <= "\udfff" for character in argument):  # bytes that the locale lacks
                raise click.UsageError(_other_locale(argument))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context):
        start()
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            suggest(error)
            raise
        except UnicodeEncodeError as error:  # by a name in a recipe, or that of the current directory
            raise Failure(InputError(_other_locale(error.object)), None) from error
        except Exception as error:
            if not is_expected(error):
                raise
            raise Failure(error, self.get_command(ctx, ctx.invoked_subcommand or "")) from error

    def resolve_command(self, ctx: click.Context, args: list[str]):
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            error.message += _meant(args[0])
            raise

    def add_command(self, cmd: click.Command, name: str | None = None):
        cmd.callback = naming_output(cmd.callback)
        super().add_command(cmd, name)


def _meant(name: str) -> str:
    """What somebody may have meant by a command that does not exist."""
    if name in VARIANTS:
        return f" To train one: gan-zoo train {name} --data DATA"
    return f" Did you mean 'gan-zoo --{name}'?" if name in ("help", "version") else ""


def _other_locale(name: str) -> str:
    return f"Expected names that the locale of this terminal can write. Received: {name!a}. Set PYTHONUTF8=1."


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def main():
    """Train generative adversarial networks, sample from them, measure them and export them.

    \b
    gan-zoo list
    gan-zoo sample conditional_gan_mnist -n 100 -o digits.png
    gan-zoo train dcgan --data digits --epochs 250
    """


@main.command(cls=RecipeCommand)
@click.argument("variant", type=Name(list(VARIANTS)), required=False)
@click.option(
    "--recipe",
    "recipe_file",
    type=Place(),
    metavar="FILE",
    help="Train by the recipe.toml of another run. Options given here take precedence.",
)
@click.option(
    "--preset",
    metavar="NAME",
    shell_complete=completion.presets,
    help="Train a preset again by its recipe. Options given here take precedence.",
)
@click.option(
    "--out",
    type=Place(),
    metavar="FOLDER",
    help="Run folder, new or empty; also on remote storage, gs://BUCKET/RUN.  "
    "[default: runs/VARIANT_DATA, or the folder given to --resume]",
)
@click.option(
    "--resume",
    type=Place(),
    metavar="RUN",
    help="Continue an interrupted run, or train a finished one longer with --epochs. The recipe in the run folder "
    "applies, and the result equals that of an uninterrupted run, bit for bit.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="Train a run for each of these values of an option, in a folder of its own in --out; several, also of --seed, "
    "give all combinations. The same command goes on with an interrupted sweep.",
)
@click.option(
    "--strategy",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Devices to train on: auto (the best that are available), cpu, gpu, mirrored (all GPUs), multi_worker (the "
    "processes in TF_CONFIG) or tpu.",
)
@click.option("--snapshot-minutes", type=POSITIVE, default=5, show_default=True, help="Minutes between snapshots.")
@click.option("--snapshot-steps", type=AT_LEAST_1, help="Also write a snapshot every so many steps.")
@click.option(
    "--take-over",
    is_flag=True,
    help="Use a run folder although a process on another machine, which has ended, did not release it.",
)
@import_option
@click.option(
    "--dry-run", is_flag=True, help="Print the complete recipe, defaults included, and what it will do; exit."
)
def train(
    recipe_file, preset, out, resume, sweeps, strategy, snapshot_minutes, snapshot_steps, take_over, dry_run, **options
):
    """Train VARIANT and write a run folder: model, pictures per epoch, logs, recipe, snapshots.

    \b
    gan-zoo train dcgan --data fashion_mnist --epochs 10
    gan-zoo train gan --data ring8 --optimizer dcgan --learning-rate 0.001
    gan-zoo train fgan --data fashion_mnist --divergence pearson
    gan-zoo train --preset conditional_gan_mnist --epochs 2
    gan-zoo train --from-preset conditional_gan_mnist --data path/to/images --conditional
    gan-zoo train --resume runs/dcgan_fashion_mnist
    gan-zoo train dcgan --data gs://bucket/pictures --out gs://bucket/run
    gan-zoo train dcgan --data digits --seed 0,1,2 --sweep learning_rate=0.0002,0.001 --out runs/rates
    """
    source = click.get_current_context().get_parameter_source
    given = {name: value for name, value in options.items() if source(name) is not ParameterSource.DEFAULT}
    values = values_to_try(given, sweeps, out, resume)
    of_models = {option.name for option in model_options()}
    recipe = {name: value for name, value in given.items() if name not in of_models}
    recipe["model"] = {name: value for name, value in given.items() if name in of_models}
    check_beginning(recipe, recipe_file, preset, resume)
    if resume is not None and dry_run:
        raise click.UsageError(
            "Expected --dry-run without --resume. The recipe of a run that is resumed is recipe.toml in its folder."
        )
    from keras_gan_zoo import distribution
    from keras_gan_zoo.training.fine_tuning import base_of, changed

    if resume is None:
        base = base_of(recipe_file, preset, recipe.get("from_preset"))
        recipe = changed(base or defaults_of(recipe["variant"]), recipe)
    strategy = distribution.strategy(strategy)
    if dry_run:
        if values:
            show_folders(recipe, values, out)
        _show_plan(recipe, strategy)
        return
    snapshots = {"every_minutes": snapshot_minutes, "every_steps": snapshot_steps}
    arguments = {"strategy": strategy, "take_over": take_over, "snapshots": snapshots}
    if values:
        train_all(recipe, values, out, arguments)
    else:
        _train(recipe, resume, out, arguments)


def _show_plan(recipe: dict, strategy):
    """Prints a complete recipe, and as comments below what it will do: together a file for --recipe."""
    from keras_gan_zoo import training

    with strategy.scope():
        plan = training.plan(training.Recipe(**recipe))
    comments = textwrap.indent(in_options(str(plan), click.get_current_context().command), "# ")
    click.echo(f"{plan.recipe.to_toml()}\n{comments}")


def _train(recipe: dict, resume: Path | RemotePath | None, out: Path | RemotePath | None, arguments: dict):
    from keras_gan_zoo import callbacks, training
    from keras_gan_zoo.distribution.workers import is_chief

    outlive_reader()
    progress, command = callbacks.Progress(), click.get_current_context().command
    speaks = is_chief(arguments["strategy"])
    arguments.update(
        more_callbacks=(progress,) if speaks else (),
        verbose=0,
        announce=lambda plan: click.echo(in_options(str(plan), command)),
    )
    folder = None if resume is None else out or resume
    try:
        if resume is None:
            claim = {name: arguments[name] for name in ("strategy", "take_over")}
            with training.new_folder(training.Recipe(**recipe), out, **claim) as folder:
                gan, _ = training.train_in(folder, training.Recipe(**recipe), **arguments)
        else:
            gan, _ = training.resume(resume, recipe, out, **arguments)
    except (KeyboardInterrupt, SystemExit) as error:
        progress.stop()
        number = error.code if isinstance(error, SystemExit) else 130
        begun = folder is not None and _has_begun(folder)
        how = f"To continue: gan-zoo train --resume {folder}" if begun else "Nothing was trained."
        click.echo(f"Interrupted. {how}", err=True)
        raise SystemExit(number) from None
    except Exception as error:
        if (
            folder is not None
            and _has_snapshots(folder)
            and progress.saw_an_epoch
            and not isinstance(error, NotFiniteError)
        ):
            click.echo(f"Stopped by an error. To continue: gan-zoo train --resume {folder}", err=True)
        raise
    finally:
        progress.stop()
    if speaks and not progress.saw_an_epoch:
        click.echo(_finished_already(gan, folder))
    elif speaks:
        _summarise(gan, folder)


def _has_begun(folder: Path | RemotePath) -> bool:
    """Whether there is a run to resume; False if remote storage does not answer."""
    with suppress(RemoteError):
        return (folder / RECIPE_FILE).is_file()
    return False


def _has_snapshots(folder: Path | RemotePath) -> bool:
    from keras_gan_zoo.state.remote_snapshots import snapshots_in

    with suppress(RemoteError, InputError):  # it does not answer, or TensorFlow does not know it
        return bool(snapshots_in(folder / SNAPSHOTS).files())
    return False


def _finished_already(gan, folder: Path | RemotePath) -> str:
    from keras_gan_zoo.state.remote_snapshots import snapshots_in

    stopped = snapshots_in(folder / SNAPSHOTS).newest().is_stopped
    if stopped:
        how = "A rule of its recipe stopped it, so it cannot be continued: start a new run with another recipe."
    else:
        how = _how_to_train_longer(folder)
    return f"The run in {folder} had already finished, after {gan.steps_done:,} steps. Nothing was trained. {how}"


def _how_to_train_longer(folder: Path | RemotePath) -> str:
    from keras_gan_zoo.training import Recipe

    if Recipe.read(folder / RECIPE_FILE).decay is not None:
        return "To train longer, start a new run: the learning rates of this one have fallen to 0."
    return f"To train longer: gan-zoo train --resume {folder} --epochs MORE"


def _summarise(gan, folder: Path | RemotePath):
    sizes = " and ".join(f"{name} {player.network.count_params():,}" for name, player in gan.players.items())
    click.echo(f"Trained {type(gan).__name__} in {folder}: {gan.steps_done:,} steps, {sizes} parameters.")
    how = _how_to_train_longer(folder)
    use = f"translate {folder} picture.png -o made.png" if gan.translates else f"sample {folder} -n 64 -o grid.png"
    for name, meaning in (
        ("samples.png", "samples"),
        ("samples/history.gif", "how the samples changed"),
        (MODEL_FILE, f"the model: gan-zoo {use}"),
        ("log.csv", "losses; also in tensorboard/"),
        (SNAPSHOTS, how[0].lower() + how[1:]),
    ):
        if (folder / name).exists():
            click.echo(f"  {folder / name}   {meaning}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--workers", type=AT_LEAST_1, required=True, help="Number of processes.")
@click.option(
    "--restarts",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many times to restart a job that lost a worker, from its last snapshot.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="train ...")
def launch(workers, restarts, arguments):
    """Train with several worker processes on this machine, as a cluster would with several machines.

    \b
    gan-zoo launch --workers 2 --restarts 3 -- train dcgan --data digits --out runs/two
    """
    from keras_gan_zoo.cli.launching import launch

    outlive_reader()
    code = launch(arguments, workers, restarts, say=click.echo)
    if code:
        raise SystemExit(code)


for command in (list_presets, sample, translate, interpolate, invert, evaluate, compare, report, export, play, info):
    main.add_command(command)
