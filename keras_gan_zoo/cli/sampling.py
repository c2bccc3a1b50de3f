"""`gan-zoo sample`, `interpolate` and `invert`: from noise to pictures, and back."""

import io
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from keras_gan_zoo.cli import completion
from keras_gan_zoo.cli.importing import import_option
from keras_gan_zoo.cli.options import AT_LEAST_1, POSITIVE
from keras_gan_zoo.core.files import check_place
from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.errors import InputError

CONDITIONS = Kind("conditions", "a .npy file of numbers", "Write it with np.save.")
PICTURES = (".png", ".jpg", ".jpeg")
PER_TEXT = 8  # samples of each text, if there are several


def _seed_option(of: str):
    return click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help=f"The same seed gives the same {of}."
    )


def _out_option(default: str, help: str):
    kind = click.Path(path_type=Path)
    return click.option("-o", "--out", type=kind, default=Path(default), show_default=True, help=help)


@click.command()
@click.argument("source", metavar="MODEL", shell_complete=completion.presets)
@import_option
@click.option(
    "-n", "count", type=click.IntRange(1, 2**31 - 1), default=64, show_default=True, help="Number of samples."
)
@_seed_option("samples")
@click.option(
    "--truncation",
    type=POSITIVE,
    metavar="T",
    help="Truncation trick (Brock et al., 2018): resample noise values beyond T, for more typical but less varied "
    "samples.  [default: none]",
)
@click.option(
    "--label",
    metavar="CLASS",
    shell_complete=completion.classes,
    help="For conditional models: class of all samples, by name or index.  [default: all classes in turn]",
)
@click.option(
    "--conditions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For models that take vectors or pictures: .npy file with one for all samples, or one for each.",
)
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="TEXT",
    help="For models trained with texts: what to make. With several, --text TEXT --text TEXT, each has a row of -n "
    f"samples, by default {PER_TEXT}, and all rows have the same noise.",
)
@_out_option("samples.png", "Picture (.png, .jpg), or .npz file for the arrays.")
def sample(source, count, seed, truncation, label, conditions, texts, out):
    """Sample from MODEL: the name of a preset (see gan-zoo list), a run folder, a .keras file, a URL with its SHA-256,
    or an exported .onnx file, which needs no TensorFlow and takes about a second.

    \b
    gan-zoo sample conditional_gan_mnist -n 100 --label 7 -o sevens.png
    gan-zoo sample runs/dcgan_digits -n 100 -o digits.png
    gan-zoo sample runs/text_to_image_avatars --text "short brown hair and a blue shirt"
    gan-zoo sample digits.onnx -n 100 -o digits.npz
    """
    if sum(given not in (None, ()) for given in (label, conditions, texts)) > 1:
        raise click.UsageError("Expected one of --label, --conditions and --text. Leave the others out.")
    check_out(out, *PICTURES, ".npz")
    gan = generator_of(source)
    import numpy as np

    from keras_gan_zoo import pictures

    labels, given = _class("--label", label, gan), None if conditions is None else read_conditions(conditions)
    vectors = gan.condition_of(len(texts), text=list(texts)) if texts else None
    rows = [given] if vectors is None else list(vectors)
    if click.get_current_context().get_parameter_source("count") is ParameterSource.DEFAULT:
        if gan.conditional and len(np.shape(given)) > len(gan.condition.shape):
            count = len(given)
        elif len(rows) > 1:
            count = PER_TEXT
    examples = [gan.sample(count, labels, seed, truncation, conditions=row) for row in rows]
    if out.suffix.lower() == ".npz":
        _save_arrays(out, images=np.concatenate(examples))
    else:
        in_turn = gan.num_classes if gan.has_classes and label is None else None
        columns = count if len(rows) > 1 else in_turn
        pictures.save(pictures.draw(np.concatenate(examples), columns=columns), out)
    click.echo(f"{count * len(rows)} samples, seed {seed}: {out}")


def generator_of(source: str):
    """The model or exported file to sample from."""
    if Path(source).suffix.lower() == ".onnx":
        from keras_gan_zoo.core.remote_copies import local_copy
        from keras_gan_zoo.onnx_file import OnnxFile

        with local_copy(source) as path:
            return OnnxFile(path)
    from keras_gan_zoo import zoo

    return zoo.load(source)


@click.command()
@click.argument("source", metavar="MODEL", shell_complete=completion.presets)
@import_option
@click.option(
    "--steps", type=click.IntRange(2), default=12, show_default=True, help="Samples per row, both ends included."
)
@click.option("--rows", type=AT_LEAST_1, default=8, show_default=True, help="Number of interpolations.")
@_seed_option("rows")
@click.option(
    "--spherical/--linear",
    default=True,
    help="Interpolate noise spherically or linearly.  [default: spherical]",
)
@click.option(
    "--from-label",
    metavar="CLASS",
    shell_complete=completion.classes,
    help="First class of an interpolation between classes, by name or index.",
)
@click.option(
    "--to-label",
    metavar="CLASS",
    shell_complete=completion.classes,
    help="Last class of that interpolation; each row keeps its noise.  [default: interpolate noise, a class per row]",
)
@click.option("--from-text", metavar="TEXT", help="For models trained with texts: first text of an interpolation.")
@click.option("--to-text", metavar="TEXT", help="Last text of that interpolation; each row keeps its noise.")
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="TEXT",
    help="For models trained with texts: the text of an interpolation of noise; of several, one for each row.",
)
@_out_option(
    "walk.png", "Picture with a row per interpolation (.png, .jpg), or animation that plays back and forth (.gif)."
)
def interpolate(source, steps, rows, seed, spherical, from_label, to_label, from_text, to_text, texts, out):
    """Interpolate between noise vectors, between two classes or between two texts, with MODEL: the name of a preset, a
    run folder or a .keras file.

    \b
    gan-zoo interpolate runs/dcgan_fashion_mnist -o walk.gif
    gan-zoo interpolate conditional_gan_mnist --from-label 3 --to-label 8 -o morph.png
    gan-zoo interpolate runs/text_to_image_avatars --from-text "short red hair" --to-text "long red hair" -o morph.gif
    """
    chosen = click.get_current_context().get_parameter_source("spherical") is not ParameterSource.DEFAULT
    for name, *ends in (("label", from_label, to_label), ("text", from_text, to_text)):
        if ends.count(None) == 1:
            raise click.UsageError(f"Expected --from-{name} and --to-{name} together.")
        if None not in ends and chosen:
            raise click.UsageError(
                f"Expected --spherical or --linear without --from-{name}. There the noise stays fixed."
            )
    if sum(given not in (None, ()) for given in (from_label, from_text, texts)) > 1:
        raise click.UsageError("Expected one of --from-label, --from-text and --text. Leave the others out.")
    check_out(out, *PICTURES, ".gif")
    from keras_gan_zoo import latent, zoo

    gan = zoo.load(source)
    noise, ways = latent.truncated_noise(rows, gan.noise_shape(), seed=seed), "from noise to noise"
    if from_text is not None:
        ways = f"from {from_text!r} to {to_text!r}"
        examples = latent.text_morph(gan, from_text, to_text, steps, noise)
    elif from_label is not None:
        ways = f"from {from_label} to {to_label}"
        ends = [_class(*end, gan) for end in (("--from-label", from_label), ("--to-label", to_label))]
        examples = latent.class_morph(gan, *ends, steps, noise)
    else:
        examples = latent.walk(gan, rows, steps, seed, spherical, text=list(texts) or None)
    _save_ways(examples, out)
    click.echo(f"{rows} interpolations {ways} in {steps} steps, seed {seed}: {out}")


@click.command()
@click.argument("source", metavar="MODEL", shell_complete=completion.presets)
@import_option
@click.option(
    "--data",
    "name",
    required=True,
    shell_complete=completion.data_sets,
    metavar="NAME",
    help="Data whose first examples are inverted, as for gan-zoo train.",
)
@click.option("--split", help="Split of a set that has some.  [default: test]")
@click.option("--background", metavar="COLOUR", help="As for gan-zoo train.")
@click.option("-n", "count", type=AT_LEAST_1, default=8, show_default=True, help="Number of examples.")
@click.option("--steps", type=AT_LEAST_1, default=500, show_default=True, help="Gradient steps per descent.")
@click.option(
    "--restarts", type=AT_LEAST_1, default=4, show_default=True, help="Descents per example; the best counts."
)
@_seed_option("result")
@_out_option(
    "inversion.png",
    "Picture (.png, .jpg) with the examples above their reconstructions, or .npz file for the arrays.",
)
def invert(source, name, split, background, count, steps, restarts, seed, out):
    """Find the noise from which MODEL makes given examples. MODEL is the name of a preset, a run folder or a .keras
    file.

    \b
    gan-zoo invert conditional_gan_mnist --data mnist -n 8 -o inversion.png
    """
    check_out(out, *PICTURES, ".npz")
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
    """The first examples of a data set, in the size that the model makes, with labels if the model takes them."""
    from keras_gan_zoo import data
    from keras_gan_zoo.core.conditions import renumbered

    split = split or ("test" if data.has_splits(name) else "train")
    size = gan.example_shape[:2] if len(gan.example_shape) == 3 else None
    channels = gan.example_shape[2] if gan.example_shape[2:] in ((1,), (3,), (4,)) else None
    dataset = data.load(name, split=split, image_size=size, background=background, channels=channels)
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
            f"Expected data with the classes of the model: {', '.join(gan.class_names)}. Received: {name} with "
            f"{', '.join(dataset.class_names)}. Choose data with the same classes."
        )
    return examples.numpy(), known


def _save_ways(examples, out: Path):
    """Draws a row per interpolation, or animates all rows at once, back and forth; examples are (rows, steps, ...)."""
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


@CONDITIONS.reader
def read_conditions(path: Path):
    """The array in a .npy file."""
    import numpy as np

    with CONDITIONS.border(path):
        array = np.lib.format.read_array(io.BytesIO(CONDITIONS.content(path)), allow_pickle=False)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"it has {array.dtype}")
        return array


def _class(option: str, label: str | None, gan) -> str | int | None:
    """A class by name, or by index where no class has such a name."""
    if label is None:
        return None
    if not gan.has_classes:
        raise InputError(f"Expected no {option}, because this model takes no labels. Received: {label!r}.")
    return int(label) if label not in (gan.class_names or ()) and label.isdecimal() else label


def check_out(out: Path, *suffixes: str):
    if out.suffix.lower() not in suffixes or not out.parent.is_dir():
        listed = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise InputError(f"Expected a {listed} file to write, in a folder that exists. Received: {out}.")
    check_place(out)
