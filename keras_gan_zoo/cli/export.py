"""`gan-zoo export`: from a trained model to a file that runs elsewhere."""

from pathlib import Path

import click

from keras_gan_zoo.cli import completion
from keras_gan_zoo.cli.importing import import_option
from keras_gan_zoo.cli.options import Name
from keras_gan_zoo.cli.translation import other_direction
from keras_gan_zoo.core.registry import FORMATS

SUFFIXES = ", ".join(f"{row.suffix or 'no suffix'} for {name}" for name, row in FORMATS.items())


@click.command()
@click.argument("source", metavar="MODEL", shell_complete=completion.presets)
@import_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="File to write, or folder for a SavedModel."
)
@click.option(
    "--format",
    type=Name(list(FORMATS)),
    help=f"Format to write.  [default: by the suffix of --out: {SUFFIXES}]",
)
@click.option("--opset", type=int, default=18, show_default=True, help="Version of the ONNX operator set, 15 to 18.")
@click.option("--uint8", is_flag=True, help="Output images as uint8 values from 0 to 255.  [onnx]")
@click.option("--half", is_flag=True, help="Compute in float16, in a file of half the size.  [onnx]")
@click.option(
    "--int8", is_flag=True, help="Quantise to 8 bits; only for networks without transposed convolutions.  [onnx]"
)
@click.option("--backward", is_flag=True, help="Export the generator from targets to sources.  [cycle_gan]")
@click.option(
    "--licence",
    metavar="NAME",
    help="Licence of the weights, for the metadata of the file.  [onnx; default: the licence of the preset]",
)
def export(source, out, licence, backward, **options):
    """Export the generator of MODEL: the name of a preset, a run folder or a .keras file. The exported file is
    compared with Keras before it appears under its name. ONNX metadata include the name and licence of a preset.

    \b
    gan-zoo export conditional_gan_mnist -o digits.onnx
    gan-zoo export runs/dcgan_digits -o digits.tflite
    gan-zoo export runs/dcgan_digits -o digits_saved_model
    """
    from keras_gan_zoo import zoo
    from keras_gan_zoo.export import export

    model = zoo.load(source)
    model = other_direction(model) if backward else model
    metadata = {} if licence is None else {"licence": licence}
    done = export(model, out, metadata=metadata, **options)
    difference = f"{done.difference:.0f} levels of 255" if options["uint8"] else f"{done.difference:.1g}"
    click.echo(f"{done.path}: {done.format}, {_kilobytes(done.size)}, at most {difference} from Keras")
    if done.psnr is not None:
        click.echo(f"  instead of {_kilobytes(done.float32_size)} in float32, to which its PSNR is {done.psnr:.1f} dB")


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.0f} kB"
