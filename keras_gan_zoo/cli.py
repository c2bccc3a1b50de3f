"""The command line: `gan-zoo train`, `launch`, `sample`, `interpolate`, `invert`; `evaluate` and `export` have files.

All of it can be done in Python."""

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from keras_gan_zoo import VARIANT_CLASSES, __version__
from keras_gan_zoo.cli_evaluate import evaluate
from keras_gan_zoo.cli_export import export
from keras_gan_zoo.cli_options import (
    AT_LEAST_1,
    MODEL_OPTIONS,
    POSITIVE,
    options_of_bases,
    options_of_models,
    options_of_runs,
)
from keras_gan_zoo.cli_zoo import check_beginning, list_presets
from keras_gan_zoo.errors import InputError, NotFiniteError, ParityError, WorkerLostError

PICTURES = (".png", ".jpg", ".jpeg")


def _seed_option(of: str):
    return click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help=f"Same seed, same {of}.")


def _out_option(default: str, help: str):
    kind = click.Path(path_type=Path)
    return click.option("-o", "--out", type=kind, default=Path(default), show_default=True, help=help)


class _Failure(click.ClickException):
    """One `Error:` line; exit code 2 for what the user gave, 1 for what the machine refused."""

    def __init__(self, error: Exception):
        super().__init__(str(error))
        self.exit_code = 2 if isinstance(error, InputError) else 1


class _Group(click.Group):
    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except (InputError, NotFiniteError, ParityError, WorkerLostError, OSError, MemoryError) as error:
            raise _Failure(error) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def main():
    """Train generative adversarial networks and look at what they make.

    \b
    gan-zoo list
    gan-zoo sample conditional_gan_mnist -n 100 -o digits.png
    gan-zoo train dcgan --data digits --epochs 250
    """


@main.command()
@click.argument("variant", type=click.Choice(list(VARIANT_CLASSES)), required=False)
@options_of_bases
@options_of_runs
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Run folder, new or empty.  [default: runs/VARIANT_DATA, or that of --resume]",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was interrupted, or with more --epochs. Its recipe governs, and the result is that of "
    "an undisturbed run, bit for bit.",
)
@click.option(
    "--strategy",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Devices: cpu, gpu, mirrored (all GPUs), multi_worker (the processes in TF_CONFIG), tpu.",
)
@click.option("--snapshot-minutes", type=POSITIVE, default=5, show_default=True, help="Time between snapshots.")
@click.option("--snapshot-steps", type=AT_LEAST_1, help="Steps between snapshots, besides.")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
@options_of_models
def train(recipe_file, preset, out, resume, strategy, snapshot_minutes, snapshot_steps, dry_run, **options):
    """Train VARIANT and write a run folder: model, pictures per epoch, logs, recipe, snapshots.

    \b
    gan-zoo train dcgan --data fashion_mnist --epochs 10
    gan-zoo train gan --data ring8 --optimizer dcgan --learning-rate 0.001
    gan-zoo train fgan --data fashion_mnist --divergence pearson
    gan-zoo train --preset conditional_gan_mnist --epochs 2
    gan-zoo train --from-preset conditional_gan_mnist --data path/to/images --conditional
    gan-zoo train --resume runs/dcgan_fashion_mnist
    """
    source = click.get_current_context().get_parameter_source
    given = {name: value for name, value in options.items() if source(name) is not ParameterSource.DEFAULT}
    recipe = {name: value for name, value in given.items() if name not in MODEL_OPTIONS}
    recipe["model"] = {name: value for name, value in given.items() if name in MODEL_OPTIONS}
    check_beginning(recipe, recipe_file, preset, resume)
    if resume is not None and dry_run:
        raise click.UsageError("Expected --dry-run without --resume, whose recipe is in its folder.")
    _start_tensorflow()
    from keras_gan_zoo import distribution
    from keras_gan_zoo.fine_tuning import base_of, changed
    from keras_gan_zoo.training import Recipe, build, resolve

    if resume is None:
        recipe = changed(base_of(recipe_file, preset, recipe.get("from_preset")), recipe)
    strategy = distribution.strategy(strategy)
    if dry_run:
        resolved, dataset = resolve(Recipe(**recipe))
        build(resolved, dataset)  # says what training would refuse
        click.echo(resolved.to_toml(), nl=False)
        return
    _train(recipe, resume, out, strategy, {"every_minutes": snapshot_minutes, "every_steps": snapshot_steps})


def _train(recipe: dict, resume: Path | None, out: Path | None, strategy, snapshots: dict):
    from keras_gan_zoo import callbacks, training
    from keras_gan_zoo.distribution import is_chief

    progress = callbacks.Progress()
    speaks = is_chief(strategy)
    watched = {
        "snapshots": snapshots,
        "strategy": strategy,
        "more_callbacks": (progress,) if speaks else (),
        "verbose": 0,
    }
    try:
        if resume is None:
            folder = training.run_folder(training.Recipe(**recipe), out, strategy)
            gan, folder = training.train(training.Recipe(**recipe), folder, **watched)
        else:
            folder = out or resume
            gan, folder = training.resume(resume, recipe, out, **watched)
    except (KeyboardInterrupt, SystemExit) as error:
        progress.stop()
        number = error.code if isinstance(error, SystemExit) else 130
        click.echo(f"Interrupted. To go on: gan-zoo train --resume {folder}", err=True)
        raise SystemExit(number) from None
    finally:
        progress.stop()
    if speaks:
        _summarise(gan, folder)


def _summarise(gan, folder: Path):
    from keras_gan_zoo import training

    sizes = (
        f"generator {gan.generator.count_params():,} and discriminator {gan.discriminator.count_params():,} parameters"
    )
    click.echo(f"Trained {type(gan).__name__} in {folder}: {gan.steps_done:,} steps, {sizes}.")
    for name, meaning in (
        ("samples.png", "samples"),
        ("samples/history.gif", "their history, epoch by epoch"),
        (training.MODEL_FILE, f"the model: gan-zoo sample {folder} -n 64 -o grid.png"),
        ("log.csv", "losses; also in tensorboard/"),
        (training.SNAPSHOTS, f"to train on: gan-zoo train --resume {folder} --epochs MORE"),
    ):
        if (folder / name).exists():
            click.echo(f"  {folder / name}   {meaning}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--workers", type=AT_LEAST_1, required=True, help="How many processes.")
@click.option(
    "--restarts",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How often a job that lost a worker is started again from its last snapshot.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="train ...")
def launch(workers, restarts, arguments):
    """Train on several workers on this machine, as on several machines.

    \b
    gan-zoo launch --workers 2 --restarts 3 -- train dcgan --data digits --out runs/two
    """
    from keras_gan_zoo.launch import launch

    code = launch(arguments, workers, restarts, say=click.echo)
    if code:
        raise SystemExit(code)


@main.command()
@click.argument("source", metavar="MODEL")
@click.option(
    "-n", "count", type=click.IntRange(1, 2**31 - 1), default=64, show_default=True, help="Number of samples."
)
@_seed_option("samples")
@click.option(
    "--truncation",
    type=POSITIVE,
    metavar="T",
    help="Draw noise beyond T anew (Brock et al., 2018): more typical samples that vary less.  [default: none]",
)
@click.option(
    "--label",
    metavar="CLASS",
    help="Class of all samples of a conditional model, by name or index.  [default: in turn]",
)
@_out_option("samples.png", "A picture (.png, .jpg), or .npz for the arrays.")
def sample(source, count, seed, truncation, label, out):
    """Sample from MODEL: a preset's name (see gan-zoo list), a run folder, a .keras file, a URL with its SHA-256, or an
    exported .onnx file, which takes no TensorFlow and a second.

    \b
    gan-zoo sample conditional_gan_mnist -n 100 --label 7 -o sevens.png
    gan-zoo sample runs/dcgan_digits -n 100 -o digits.png
    gan-zoo sample digits.onnx -n 100 -o digits.npz
    """
    _check_out(out, *PICTURES, ".npz")
    gan = _generator(source)
    from keras_gan_zoo import pictures

    examples = gan.sample(count, labels=_class("--label", label, gan), seed=seed, truncation=truncation)
    if out.suffix.lower() == ".npz":
        _save_arrays(out, images=examples)
    else:
        columns = gan.num_classes if gan.conditional and label is None else None
        pictures.save(pictures.draw(examples, columns=columns), out)
    click.echo(f"{count} samples, seed {seed}: {out}")


def _generator(source: str):
    """What can sample: a model, or an exported file."""
    if Path(source).suffix.lower() == ".onnx":
        from keras_gan_zoo.onnx_file import OnnxFile

        return OnnxFile(source)
    _start_tensorflow()
    from keras_gan_zoo import zoo

    return zoo.load(source)


@main.command()
@click.argument("source", metavar="MODEL")
@click.option("--steps", type=click.IntRange(2), default=12, show_default=True, help="Samples on each way.")
@click.option("--rows", type=AT_LEAST_1, default=8, show_default=True, help="How many ways.")
@_seed_option("ways")
@click.option(
    "--spherical/--linear",
    default=True,
    help="Whether noise goes along the sphere near which it lies, or straight through.  [default: spherical]",
)
@click.option("--from-label", metavar="CLASS", help="Go from this class, by name or index, with the noise fixed ...")
@click.option("--to-label", metavar="CLASS", help="... to this one.  [default: from noise to noise, a class per row]")
@_out_option("walk.png", "A picture with a row per way (.png, .jpg), or .gif for an animation there and back.")
def interpolate(source, steps, rows, seed, spherical, from_label, to_label, out):
    """Walk from noise to noise, or from class to class, by MODEL: a preset's name, a run folder or a .keras file.

    \b
    gan-zoo interpolate runs/dcgan_fashion_mnist -o walk.gif
    gan-zoo interpolate conditional_gan_mnist --from-label 3 --to-label 8 -o morph.png
    """
    given = click.get_current_context().get_parameter_source("spherical") is not ParameterSource.DEFAULT
    if (from_label is None) != (to_label is None):
        raise click.UsageError("Expected --from-label and --to-label together.")
    if from_label is not None and given:
        raise click.UsageError("Expected --spherical or --linear without labels, between which noise is fixed.")
    _check_out(out, *PICTURES, ".gif")
    _start_tensorflow()
    from keras_gan_zoo import latent, zoo

    gan = zoo.load(source)
    if from_label is None:
        examples = latent.walk(gan, rows, steps, seed, spherical)
    else:
        ends = [_class(*end, gan) for end in (("--from-label", from_label), ("--to-label", to_label))]
        examples = latent.class_morph(gan, *ends, steps, latent.truncated_noise(rows, gan.latent_shape, seed=seed))
    _save_ways(examples, out)
    ways = "from noise to noise" if from_label is None else f"from {from_label} to {to_label}"
    click.echo(f"{rows} ways {ways} in {steps} steps, seed {seed}: {out}")


@main.command()
@click.argument("source", metavar="MODEL")
@click.option("--data", "name", required=True, metavar="NAME", help="Whose first examples: as in gan-zoo train.")
@click.option("--split", help="Split of a TensorFlow Datasets set.  [default: test]")
@click.option("-n", "count", type=AT_LEAST_1, default=8, show_default=True, help="Number of examples.")
@click.option("--steps", type=AT_LEAST_1, default=500, show_default=True, help="Of each descent.")
@click.option("--restarts", type=AT_LEAST_1, default=4, show_default=True, help="Descents for each example.")
@_seed_option("result")
@_out_option(
    "inversion.png",
    "A picture (.png, .jpg) with the examples in the first row and what was found below, or .npz for the arrays.",
)
def invert(source, name, split, count, steps, restarts, seed, out):
    """Find the noise from which MODEL, a preset's name, a run folder or a .keras file, makes given examples.

    \b
    gan-zoo invert conditional_gan_mnist --data mnist -n 8 -o inversion.png
    """
    _check_out(out, *PICTURES, ".npz")
    _start_tensorflow()
    import numpy as np

    from keras_gan_zoo import pictures, zoo

    gan = zoo.load(source)
    examples, labels = _first_examples(gan, name, split, count)
    found = gan.invert(examples, labels, steps=steps, restarts=restarts, seed=seed, verbose=int(sys.stdout.isatty()))
    if out.suffix.lower() == ".npz":
        _save_arrays(out, noise=found.noise, images=found.images, error=found.error)
    elif examples.ndim == 4:
        pictures.save(pictures.grid(np.concatenate([examples, found.images]), columns=count), out)
    else:
        pictures.save(pictures.draw(found.images, real=examples), out)
    norm = np.linalg.norm(found.noise.reshape(count, -1), axis=1).mean()
    usual = np.sqrt(np.prod(gan.latent_shape))
    click.echo(
        f"{count} examples, seed {seed}: root mean square error {found.error.mean():.3f} on average, norm of the noise "
        f"{norm:.1f} (of random noise {usual:.1f}): {out}"
    )


def _first_examples(gan, name: str, split: str | None, count: int) -> tuple:
    """The first examples of a data set in the size that a model makes, and their labels if it takes labels."""
    from keras_gan_zoo import data

    split = split or ("test" if data.has_splits(name) else "train")
    dataset = data.load(name, split=split, image_size=gan.example_shape[:2] if len(gan.example_shape) == 3 else None)
    if count > len(dataset):
        raise InputError(f"Expected -n of at most {len(dataset)}, which is all of {name}. Received: {count}.")
    with_labels = gan.conditional and dataset.has_labels
    batch = next(iter(dataset.batches_in_order(count, with_labels)))
    examples, labels = batch if with_labels else (batch, None)
    return examples.numpy(), None if labels is None else labels.numpy()


def _save_ways(examples, out: Path):
    """A row per way, or all ways at once, there and back; examples are (rows, steps, ...)."""
    from keras_gan_zoo import pictures

    if out.suffix.lower() == ".gif":
        there = [pictures.grid(examples[:, step]) for step in range(examples.shape[1])]
        pictures.save_animation([*there, *(frame.copy() for frame in there[-2:0:-1])], out, 120)
    else:
        pictures.save(pictures.draw(examples.reshape(-1, *examples.shape[2:]), columns=examples.shape[1]), out)


def _save_arrays(out: Path, **arrays):
    import numpy as np

    from keras_gan_zoo.files import written_beside

    with written_beside(out) as beside, beside.open("wb") as file:  # NumPy would append .npz to a name in capitals
        np.savez_compressed(file, **arrays)


def _class(option: str, label: str | None, gan) -> str | int | None:
    """A class by name, or by index where no class has such a name."""
    if label is None:
        return None
    if not gan.conditional:
        raise InputError(f"Expected no {option}, because the networks of this model take none. Received: {label!r}.")
    return int(label) if label not in (gan.class_names or ()) and label.isdecimal() else label


def _check_out(out: Path, *suffixes: str):
    if out.suffix.lower() not in suffixes or not out.parent.is_dir():
        listed = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise InputError(f"Expected a {listed} file to write, in a folder that exists. Received: {out}.")


main.add_command(evaluate)
main.add_command(export)
main.add_command(list_presets)


def _start_tensorflow():
    from keras_gan_zoo.console import say_warnings, start_tensorflow

    start_tensorflow()
    say_warnings()
