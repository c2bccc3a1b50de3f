"""The files of a preset, read from a folder or an archive. None is used before its SHA-256 was checked."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from keras_gan_zoo.core import downloads
from keras_gan_zoo.core.files import LIMIT
from keras_gan_zoo.core.reading import check_archive, exists
from keras_gan_zoo.core.urls import is_url
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.zoo import cards
from keras_gan_zoo.zoo.cards import CARD_FILE, CONFIG, FILES, GENERATOR, GOLDEN, PICTURE, PRESET, README, Card

WEIGHTS = "KERAS_GAN_ZOO_WEIGHTS"
Reader = Callable[[str], bytes]  # from the name of a file to its content


def folder_reader(folder: str | os.PathLike) -> Reader:
    """Returns a function that reads the files of a folder."""

    def read(name: str) -> bytes:
        path = Path(folder) / name
        if not exists(path):
            raise FileNotFoundError(name)
        return PRESET.content(path)

    return read


def read_apart(card: Card, name: str) -> bytes:
    """Reads a file of a preset of this package that is too large for it, from `KERAS_GAN_ZOO_WEIGHTS`.

    Raises:
        InputError: If the variable is not set, or names no place with this file.
        OSError: If the file cannot be fetched.
    """
    place, file = os.environ.get(WEIGHTS), f"{card.name}/{name}"
    mend = f"Set {WEIGHTS} to the folder or URL that has it, such as keras_gan_zoo/zoo/presets of a checkout."
    if not place:
        raise InputError(f"Expected {file}, which does not come with the package, because it is large. {mend}")
    if is_url(place):
        return PRESET.content(downloads.fetch(f"{place.rstrip('/')}/{file}", card.files[name]))
    try:
        return folder_reader(Path(place) / card.name)(name)
    except FileNotFoundError as error:
        raise InputError(f"Expected {file} in {place}. Received: no such file. {mend}") from error


def zip_reader(path: str | os.PathLike) -> Reader:
    """Returns a function that reads the files of a `.zip` of a preset's folder, without unpacking it to disk.

    Raises:
        InputError: If it is not such an archive, contains unsafe paths or other files than a preset's, or would be
            larger than `LIMIT`.
    """
    with PRESET.border(path), zipfile.ZipFile(PRESET.check(path)) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        members = {_member_name(info, path): info for info in files}
        if len(members) < len(files):
            raise InputError(f"Expected the files of one preset. Received: {path}, where several have the same name.")
        if sum(info.file_size for info in members.values()) > LIMIT:
            raise InputError(
                f"Expected an archive of at most {LIMIT:,} bytes unpacked. Received: {path}, which has more."
            )
        check_archive(archive)
        contents = {name: archive.read(info) for name, info in members.items()}

    def read(name: str) -> bytes:
        if name not in contents:
            raise FileNotFoundError(name)
        return contents[name]

    return read


def _member_name(info: zipfile.ZipInfo, path) -> str:
    """The name of a file at the top of an archive, or in a folder there."""
    parts = PurePosixPath(info.filename).parts
    if not 1 <= len(parts) <= 2 or {"..", "/"} & set(parts) or parts[-1] not in (CARD_FILE, README, PICTURE, *FILES):
        raise InputError(
            f"Expected nothing but a preset's files in {path}: {', '.join((CARD_FILE, *FILES))}. Received: "
            f"{info.filename!r}. Zip a folder that save_preset wrote."
        )
    return parts[-1]


def read_card(read: Reader, origin: str | os.PathLike) -> Card:
    """Reads the card of a preset, from the file with exactly one card."""
    try:
        present = cards.read(read(CARD_FILE), origin)
    except FileNotFoundError as error:
        raise InputError(f"Expected a preset, with a {CARD_FILE}. Received: {origin}, which has none.") from error
    if len(present) != 1:
        raise InputError(f"Expected one preset in {origin}. Received: {', '.join(present) or 'none'}.")
    card = next(iter(present.values()))
    missing = [name for name in (GENERATOR, CONFIG, GOLDEN) if name not in card.files]
    if missing:
        raise InputError(f"Expected a card in {origin} with the SHA-256 of {', '.join(missing)}. Received: none.")
    return card


def read_files(card: Card, read: Reader, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Reads all files of a preset but some, and checks each against the SHA-256 on the card.

    Raises:
        InputError: If a file is missing, or any byte of it is missing, added or changed.
    """
    contents = {}
    for name, digest in card.files.items():
        if name in but:
            continue
        try:
            contents[name] = read(name)
        except FileNotFoundError as error:
            raise InputError(f"Expected {name} of the preset {card.name}. Received: no such file. {_MEND}") from error
        check_digest(contents[name], digest, f"{name} of the preset {card.name}")
    return contents


def check_digest(content: bytes, expected: str, what: str) -> None:
    digest = sha256_of(content)
    if digest != expected:
        raise InputError(f"Expected {what} with SHA-256 {expected}. Received: {digest}: the file was changed. {_MEND}")


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_MEND = "Get the preset again. For one of this package: pip install --force-reinstall keras-gan-zoo."


def storable(weights: list[np.ndarray], half: bool = False) -> list[np.ndarray]:
    """Converts arrays to types that NumPy can store: bfloat16 becomes float32, without loss."""
    arrays = [array.astype(np.float32) if array.dtype.kind == "V" else array for array in weights]
    return [_halved(array) for array in arrays] if half else arrays


def pack(arrays: list[np.ndarray]) -> bytes:
    """Numbered arrays as a compressed `.npz`, without pickle."""
    content = io.BytesIO()
    np.savez_compressed(content, **{str(number): array for number, array in enumerate(arrays)})
    return content.getvalue()


def widest_float(arrays: list[np.ndarray]) -> str:
    """Name of the widest floating-point type among arrays."""
    return np.result_type(np.float16, *(array.dtype for array in arrays if array.dtype.kind == "f")).name


def _halved(array: np.ndarray) -> np.ndarray:
    if np.issubdtype(array.dtype, np.floating):
        with np.errstate(over="ignore"):
            array = array.astype(np.float16)
        if not np.isfinite(array).all():
            raise InputError("Expected weights that float16 can hold. Received: larger ones. Leave half out.")
    return array


def unpack(content: bytes, like: list[np.ndarray], what: str) -> list[np.ndarray]:
    """The arrays of a file that `pack` made, which must have the shapes of `like`, converted to the types of `like`.

    Raises:
        InputError: If the file holds other arrays. Nothing larger than `like` is ever unpacked.
    """
    with replace(PRESET, expected=f"the weights of {what}, array by array").border("a file"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_archive(archive)
            forms = [_form(archive, f"{number}.npy") for number in range(len(archive.namelist()))]
        if [shape for shape, _ in forms] != [array.shape for array in like]:
            raise ValueError("a different number of arrays, or other shapes")
        if any(dtype.kind not in "fiu" for _, dtype in forms):
            raise ValueError("arrays that are not numbers")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return [arrays[str(number)].astype(array.dtype) for number, array in enumerate(like)]


def _form(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, from the header of its file."""
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"a header of version {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype
