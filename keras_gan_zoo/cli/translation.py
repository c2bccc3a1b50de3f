"""`gan-zoo translate`: pictures to pictures."""

from pathlib import Path

import click

from keras_gan_zoo.cli import completion
from keras_gan_zoo.cli.importing import import_option
from keras_gan_zoo.cli.sampling import PICTURES, check_out, generator_of
from keras_gan_zoo.errors import InputError


@click.command()
@click.argument("source", metavar="MODEL", shell_complete=completion.presets)
@click.argument("given", metavar="PICTURE", type=click.Path(path_type=Path))
@import_option
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Picture to write (.png, .jpg); for a folder of pictures, a folder.",
)
@click.option("--backward", is_flag=True, help="Translate from targets to sources.  [cycle_gan; default: off]")
@click.option(
    "--resize", is_flag=True, help="Resize and crop pictures to the size that the model was trained on.  [default: off]"
)
def translate(source, given, out, backward, resize):
    """Translate PICTURE, or all pictures of a folder, by MODEL: the name of a preset, a run folder, a .keras file, a
    URL with its SHA-256, or an exported .onnx file.

    \b
    gan-zoo translate runs/pix2pix_openmoji drawing.png -o coloured.png
    gan-zoo translate runs/srgan_cifar10 small/ -o large/
    """
    from keras_gan_zoo.core.reading import is_folder

    if is_folder(given):
        pairs = _in_folder(given, out)
    else:
        check_out(out, *PICTURES)
        pairs = [(given, out)]
    _check_kept(pairs)
    model = generator_of(source)
    model = other_direction(model) if backward else model
    headers = [_checked_header(model, path, resize) for path, _ in pairs]  # of all, before any is translated
    for (path, written), header in zip(pairs, headers, strict=True):
        _translate(model, path, written, header, resize)
    click.echo(f"{len(pairs)} picture{'s' if len(pairs) > 1 else ''}: {out}")


def other_direction(model):
    """The direction from targets to sources of a model of two; raises an `InputError` for others."""
    if model.backward is None:
        raise InputError(
            "Expected a CycleGAN, which has another direction. Received: a "
            f"{type(model).__name__}. Leave --backward out."
        )
    return model.backward


def _in_folder(folder: Path, out: Path) -> list[tuple[Path, Path]]:
    """The pictures of a folder, each with the file to write, of the same name."""
    from keras_gan_zoo.data.listing import pictures_in

    if out.suffix.lower() in PICTURES or (out.exists() and not out.is_dir()):
        raise InputError(f"Expected a folder to write translations of {folder} to. Received: {out}. Name a folder.")
    written: dict[Path, Path] = {}
    for path in pictures_in(folder).paths:
        place = out / Path(path).relative_to(folder).with_suffix(".png")
        if place in written:
            raise InputError(
                f"Expected pictures of different names. Received: {written[place]} and {path}, which would both become "
                f"{place}. Rename one of them."
            )
        written[place] = Path(path)
    return [(path, place) for place, path in written.items()]


def _check_kept(pairs: list[tuple[Path, Path]]) -> None:
    """Checks that no picture is written over one that is translated."""
    given = {path.resolve() for path, _ in pairs}
    lost = next((written for _, written in pairs if written.resolve() in given), None)
    if lost is not None:
        raise InputError(
            f"Expected another place for translations than that of the pictures. Received: {lost}, which would be "
            "overwritten. Choose another --out."
        )


def _checked_header(model, path: Path, resize: bool):
    """The header of a picture that the model can translate; an `InputError` for others."""
    from keras_gan_zoo.data.decoding import MODES, read_header

    *size, channels = model.translated().shape
    if channels not in MODES:
        raise InputError(
            f"Expected a model of pictures of 1, 3 or 4 channels. Received: one of {channels}, which no file of a "
            "picture has. Use translate() in Python."
        )
    header = read_header(path, needs_size=True)
    if not resize and header.size != tuple(size) and not model.is_of_free_size((*header.size, channels)):
        raise InputError(
            f"Expected pictures of {size[0]} x {size[1]} pixels (height, width), as the model was trained on"
            f"{model.or_free_size()}. Received: {path} of {header.size[0]} x {header.size[1]}. Pass --resize to resize "
            "and crop it."
        )
    return header


def _translate(model, path: Path, out: Path, header, resize: bool) -> None:
    from PIL import Image

    from keras_gan_zoo import pictures
    from keras_gan_zoo.data.decoding import MODES, Form, read_picture

    *size, channels = model.translated().shape
    pixels = read_picture(path, Form(tuple(size) if resize else header.size, MODES[channels]), header)
    [made] = pictures.to_uint8(model.translate(pixels[None]))
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures.save(Image.fromarray(made[..., 0] if made.shape[-1] == 1 else made), out)
