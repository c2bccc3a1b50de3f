"""The pictures of a run, to be put into a page: some of them, evenly chosen, none of them large."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.run_files import LAST_SAMPLES, SAMPLES, position_in
from keras_gan_zoo.data.decoding import PICTURE
from keras_gan_zoo.errors import InputError

SIDE = 640  # pixels of the longer side of a picture
LARGE = 120_000  # bytes of a file that is not put in as it is
MOST_PIXELS = 2**25  # of a picture that is decoded; those of a run have about 2**18


@dataclass(frozen=True)
class Frame:
    """A picture in a page.

    Args:
        label: What it shows, such as "epoch 3".
        address: The picture itself, as a `data:` URL.
    """

    label: str
    address: str


def frames_of(run: Path, most: int) -> tuple[list[Frame], list[str]]:
    """Pictures of samples over time, the last one included; or the only one that there is.

    Returns:
        At most so many pictures, and a sentence about each that cannot be read.
    """
    files = sorted((run / SAMPLES).glob("epoch_*.png"), key=position_in)
    if not files and exists(run / LAST_SAMPLES):
        files = [run / LAST_SAMPLES]
    frames, remarks = [], []
    for file in evenly(files, most):
        try:
            frames.append(Frame(_label(file), address_of(file)))
        except InputError as error:
            remarks.append(str(error))
    return frames, remarks


def evenly(items: list, most: int) -> list:
    """At most so many items, evenly chosen, with the first and the last.

    Example:
        >>> evenly(list(range(10)), 4), evenly([1, 2], 4), evenly([1, 2], 1)
        ([0, 3, 6, 9], [1, 2], [2])
    """
    if len(items) <= most:
        return items
    if most == 1:
        return items[-1:]
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def address_of(file: Path) -> str:
    """A picture as a `data:` URL: as it is, or smaller in WebP if its file is large.

    Raises:
        InputError: If it is no picture.
    """
    with PICTURE.border(file):
        content = PICTURE.content(file)
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"{picture.width} x {picture.height} pixels are too many for a page")
            picture.load()
            kind = picture.format
            if kind != "PNG" or len(content) > LARGE:
                kind, content = "WEBP", _smaller(picture)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(content).decode()}"


def _smaller(picture: Image.Image) -> bytes:
    small, written = picture.convert("RGBA" if "A" in picture.getbands() else "RGB"), io.BytesIO()
    small.thumbnail((SIDE, SIDE))
    small.save(written, "WEBP", quality=80)
    return written.getvalue()


def _label(file: Path) -> str:
    epoch, *step = position_in(file) or (None,)
    if epoch is None:
        return "the last samples"
    said = [f"epoch {epoch}"] if epoch or not step else []
    return ", ".join([*said, *(f"step {number:,}" for number in step)])
