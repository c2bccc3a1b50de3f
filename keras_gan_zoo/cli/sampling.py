"""`gan-zoo sample`, `interpolate` and `invert`: from noise to pictures, and back."""

import io
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from keras_gan_zoo.cli.options import AT_LEAST_1, POSITIVE
from keras_gan_zoo.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg")


def _seed_option(of: str):
    return click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help=f"Same seed, same {of}.")


def _out_option(default: str, help: str):
    kind = click.Path(path_type=Path)
    return click.option("-o", "--out", type=kind, default=Path(default), show_default=True, help=help)


@click.command()
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
@click.option(
    "--conditions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For models that take vectors or pictures: a .npy file of one for all samples, or of one for each.",
)
@_out_option("samples.png", "A picture (.png, .jpg), or .npz for the arrays.")
def sample(source, count, seed, truncation, label, conditions, out):
    """Sample from MODEL: a preset's name (see gan-zoo list), a run folder, a .keras file, a URL with its SHA-256, or an
    exported .onnx file, which takes no TensorFlow and a second.

    \b
    gan-zoo sample conditional_gan_mnist -n 100 --label 7 -o sevens.png
    gan-zoo sample runs/dcgan_digits -n 100 -o digits.png
    gan-zoo sample digits.onnx -n 100 -o digits.npz
    """
    _check_out(out, *PICTURES, ".npz")
    gan = _generator(source)
    import numpy as np

    from keras_gan_zoo import pictures

    given = {"labels": _class("--label", label, gan), "conditions": _array(conditions)}
    is_default = click.get_current_context().get_parameter_source("count") is ParameterSource.DEFAULT
    if is_default and gan.conditional and len(np.shape(given["conditions"])) > len(gan.condition.shape):
        count = len(given["conditions"])
    examples = gan.sample(count, seed=seed, truncation=truncation, **given)
    if out.suffix.lower() == ".npz":
        _save_arrays(out, images=examples)
    else:
        columns = gan.num_classes if gan.has_classes and label is None else None
        pictures.save(pictures.draw(examples, columns=columns), out)
    click.echo(f"{count} samples, seed {seed}: {out}")


def _generator(source: str):
    """What can sample: a model, or an exported file."""
    if Path(source).suffix.lower() == ".onnx":
        from keras_gan_zoo.onnx_file import OnnxFile

        return OnnxFile(source)
    from keras_gan_zoo import zoo

    return zoo.load(source)


@click.command()
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


@click.command()
@click.argument("source", metavar="MODEL")
@click.option("--data", "name", required=True, metavar="NAME", help="Whose first examples: as in gan-zoo train.")
@click.option("--split", help="Split of a TensorFlow Datasets set.  [default: test]")
@click.option("--background", metavar="COLOUR", help="As in `train`.")
@click.option("-n", "count", type=AT_LEAST_1, default=8, show_default=True, help="Number of examples.")
@click.option("--steps", type=AT_LEAST_1, default=500, show_default=True, help="Of each descent.")
@click.option("--restarts", type=AT_LEAST_1, default=4, show_default=True, help="Descents for each example.")
@_seed_option("result")
@_out_option(
    "inversion.png",
    "A picture (.png, .jpg) with the examples in the first row and what was found below, or .npz for the arrays.",
)
def invert(source, name, split, background, count, steps, restarts, seed, out):
    """Find the noise from which MODEL, a preset's name, a run folder or a .keras file, makes given examples.

    \b
    gan-zoo invert conditional_gan_mnist --data mnist -n 8 -o inversion.png
    """
    _check_out(out, *PICTURES, ".npz")
    import numpy as np

    from keras_gan_zoo import pictures, zoo

    gan = zoo.load(source)
    examples, labels = _first_examples(gan, name, split, background, count)
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


def _first_examples(gan, name: str, split: str | None, background: str | None, count: int) -> tuple:
    """The first examples of a data set in the size that a model makes, and their labels if it takes labels."""
    from keras_gan_zoo import data
    from keras_gan_zoo.core.conditions import renumbered

    split = split or ("test" if data.has_splits(name) else "train")
    size = gan.example_shape[:2] if len(gan.example_shape) == 3 else None
    dataset = data.load(name, split=split, image_size=size, background=background)
    if count > len(dataset):
        raise InputError(f"Expected -n of at most {len(dataset)}, which is all of {name}. Received: {count}.")
    with_labels = gan.has_classes and dataset.has_labels
    batch = next(iter(dataset.batches_in_order(count, with_conditions=with_labels)))
    examples, labels = batch if with_labels else (batch, None)
    if labels is None:
        return examples.numpy(), None
    known = renumbered(labels.numpy(), dataset.class_names, gan.class_names)
    if known is None:
        raise InputError(
            f"Expected data of the classes that the model knows, {', '.join(gan.class_names)}. Received: {name} of "
            f"{', '.join(dataset.class_names)}. Choose data of the same classes."
        )
    return examples.numpy(), known


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

    from keras_gan_zoo.core.files import written_beside

    with written_beside(out) as beside, beside.open("wb") as file:  # NumPy would append .npz to a name in capitals
        np.savez_compressed(file, **arrays)


def _array(path: Path | None):
    """The array in a .npy file."""
    if path is None:
        return None
    import numpy as np

    try:
        return np.lib.format.read_array(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"Expected a .npy file of numbers. Received: {path} ({error}). Write it with np.save."
        ) from error


def _class(option: str, label: str | None, gan) -> str | int | None:
    """A class by name, or by index where no class has such a name."""
    if label is None:
        return None
    if not gan.has_classes:
        raise InputError(f"Expected no {option}, because the networks of this model take none. Received: {label!r}.")
    return int(label) if label not in (gan.class_names or ()) and label.isdecimal() else label


def _check_out(out: Path, *suffixes: str):
    if out.suffix.lower() not in suffixes or not out.parent.is_dir():
        listed = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise InputError(f"Expected a {listed} file to write, in a folder that exists. Received: {out}.")
