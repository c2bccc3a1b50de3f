"""`export`: converts a generator, writes it to a temporary file, reads it back, compares it, and renames it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.conditions import Condition
from keras_gan_zoo.core.files import check_place, folder_written_beside, written_beside
from keras_gan_zoo.core.reading import NO_SPACE, cause_of
from keras_gan_zoo.core.registry import Format
from keras_gan_zoo.errors import InputError, ParityError, unknown
from keras_gan_zoo.export import onnx_format, parity, readers
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.export.parity import Tolerance

FORMATS = {name: row.suffix for name, row in registry.FORMATS.items()}  # and the suffixes that select them
SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}


@dataclass(frozen=True)
class Exported:
    """The result of an export, and its difference from Keras.

    Args:
        path: Path of the file, or the folder.
        format: A key of `FORMATS`.
        size: Size in bytes.
        difference: The largest difference between its images and those of Keras; with `uint8` in levels of 255.
        float32_size: With `half` or `int8`: the size in float32.
        psnr: With `half` or `int8`: peak signal-to-noise ratio against float32, in decibels.
    """

    path: Path
    format: str
    size: int
    difference: float
    float32_size: int | None = None
    psnr: float | None = None


def export(
    model,
    path: str | os.PathLike,
    format: str | None = None,
    *,
    opset: int = onnx_format.OPSET,
    uint8: bool = False,
    half: bool = False,
    int8: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Exported:
    """Exports the generator of a model, the averaged one if there is one, and checks that the file computes the same.

    Inputs are `noise` (batch, *latent_shape) in float32 and, for conditional models, `labels` (batch,) in int32 or
    `condition` (batch, ...) in float32, such as the vectors of texts. The file then names the encoder of the texts. The
    output is `images`, even if examples are vectors. The file is written under a temporary name and read back by its
    own runtime. Its images from fixed and from random noise, in batches of 1 and 7, of every class, are compared with
    those of Keras. Only then is it renamed, and replaces an earlier file at `path`, which is otherwise untouched. A
    folder is replaced only if it is empty or holds nothing but a SavedModel.

    If a model translates pictures of several sizes, height and width are free in ONNX and SavedModel, and translations
    of another size than that of training are compared too. LiteRT's converter needs the size of training.

    Args:
        model: A GAN of this package.
        path: Path of the file, or of the folder of a SavedModel.
        format: A key of `FORMATS`; by default the format of the suffix of `path`.
        opset: ONNX: the operator set, 15 to 18.
        uint8: ONNX: images as numbers from 0 to 255, rounded as `pictures.to_uint8` does.
        half: ONNX: weights and arithmetic in float16, inputs and outputs stay in float32: half the size.
        int8: ONNX: weights and arithmetic in 8 bits, calibrated on generated images; for networks without transposed
            convolutions, which ONNX Runtime does not compute in 8 bits.
        metadata: ONNX: further metadata of the file, such as {"licence": "CC-BY-4.0"}; by default the name and the
            licences of the preset that the weights come from.

    Returns:
        An `Exported` with `path`, `format`, `size` and `difference`.

    Raises:
        InputError: If an argument is invalid, or the format cannot express a layer.
        NotFiniteError: If the model contains or produces NaN or infinity.
        ParityError: If the file does not compute the same as Keras; it is then deleted.

    Example:
        >>> import tempfile
        >>> import keras_gan_zoo as kgz
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = export(kgz.GAN.for_images((2,), seed=0), f"{folder}/generator.onnx")
        >>> done.format, done.difference < 1e-5
        ('onnx', True)
    """
    path = Path(path)
    format = _chosen_format(path, format)
    _check_place(path, format)
    options = {"opset": opset, "uint8": uint8, "half": half, "int8": int8, "metadata": dict(metadata or {})}
    generator, row = Generator.from_model(model), registry.FORMATS[format]
    generator.check_repeatable()
    if format != "onnx":
        _refuse_options_of_onnx(options)
        readers.check_installed(format)
        generator = generator.of_one_size() if format == "litert" else generator  # its converter needs fixed sizes
        difference = _write_and_compare(generator, path, row, partial(row.load(), generator), Tolerance())
        return Exported(path, format, _size(path), difference)
    options["metadata"] = {**_origin(model, generator), **options["metadata"]}
    return _export_onnx(generator, path, options)


def export_part(model, network, condition: Condition, path: Path) -> Exported:
    """Exports a part of a model's generator to an ONNX file, checked as by `export`.

    Args:
        model: A GAN of this package.
        network: From noise, as the generator takes it, and a condition to examples.
        condition: The form of that condition.
        path: Path of the file.

    Returns:
        As from `export`.

    Raises:
        ParityError: If the file does not compute the same as Keras; it is then deleted.
    """
    generator = Generator.from_model(model)
    part = replace(generator, network=network, condition=condition, encoder=None, vocabulary=None)
    options = {"opset": onnx_format.OPSET, "uint8": False, "half": False, "int8": False}
    return _export_onnx(part, path, {**options, "metadata": _origin(model, generator)})


def _export_onnx(generator: Generator, path: Path, options: dict) -> Exported:
    row = registry.FORMATS["onnx"]
    converted = row.load()(generator, **options)
    difference = _write_and_compare(generator, path, row, converted.write, converted.tolerance)
    return Exported(path, "onnx", _size(path), difference, converted.float32_size, converted.psnr)


def _origin(model, generator: Generator) -> dict[str, str]:
    """Name and licences of the preset that the weights come from; nothing if they have been trained since."""
    if model.origin is None or model.origin.weights_sha256 != generator.sha256:
        return {}
    card = model.origin.card
    facts = {"preset": card.name, "licence": card.licence, "data_licence": card.data.get("licence", "")}
    return {name: value for name, value in facts.items() if value}


def _write_and_compare(generator: Generator, path: Path, row: Format, write: Callable, tolerance: Tolerance) -> float:
    """Writes the file, reads it back and compares it; returns the largest difference."""
    probes = parity.probes(generator)
    with (written_beside if row.suffix else folder_written_beside)(path) as beside:
        _write(write, beside, path)
        return parity.compare(generator, probes, _read(registry.load(row.reader), beside, probes), tolerance)


def _write(write: Callable, beside: Path, path: Path) -> None:
    try:
        write(beside)
    except Exception as error:  # of Python or of TensorFlow, which has another kind for each of its writers
        if NO_SPACE not in str(error):
            raise
        raise OSError(errno.ENOSPC, f"{NO_SPACE}; nothing was written", str(path)) from error


def _read(read: Callable, beside: Path, probes: list[parity.Probe]) -> list:
    try:
        return read(beside, probes)
    except ParityError:
        raise
    except Exception as error:  # the runtimes' own kinds of error are not public
        raise ParityError(
            f"Expected a file that its own runtime runs. Received: {cause_of(error)}. Nothing was written. Choose "
            "another format."
        ) from error


def _chosen_format(path: Path, format: str | None) -> str:
    if format is not None and format not in FORMATS:
        raise unknown("format", format, FORMATS)
    by_suffix = {suffix: name for name, suffix in FORMATS.items()}.get(path.suffix.lower())
    if format is None and by_suffix is None:
        suffixes = " or ".join(filter(None, FORMATS.values()))
        raise InputError(
            f"Expected a file ending in {suffixes}, or a folder without suffix for a SavedModel. Received: {path}. "
            "Rename it, or give the format: format='onnx'."
        )
    if format is not None and path.suffix and by_suffix not in (None, format):
        raise InputError(f"Expected a path that fits the format {format}. Received: {path}. Leave one of the two out.")
    return format or by_suffix


def _check_place(path: Path, format: str) -> None:
    check_place(path, folder=format == "saved_model")
    if format == "saved_model" and path.is_dir() and not _may_be_replaced(path):
        raise InputError(
            f"Expected a new or empty folder, or an earlier SavedModel. Received: {path}, which holds something else. "
            "Choose another folder."
        )


def _may_be_replaced(folder: Path) -> bool:
    names = {part.name for part in folder.iterdir()}
    return not names or ("saved_model.pb" in names and names <= SAVED_MODEL)


def _refuse_options_of_onnx(options: dict) -> None:
    given = [name for name, value in options.items() if value and (name, value) != ("opset", onnx_format.OPSET)]
    if given:
        raise InputError(
            f"Expected {', '.join(given)} with the format onnx only. Leave it out, or write an .onnx file."
        )


def _size(path: Path) -> int:
    return sum(part.stat().st_size for part in (path, *path.rglob("*")) if part.is_file())
