"""Files of pictures, upright and in 8 bits per channel."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageColor

from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.errors import InputError

PICTURE = Kind("picture", "a whole image", "Repair or remove it.")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's, by the number of channels
BEHIND = "white"  # where transparency must go, and no background is given: as viewers show it

_COLOURS = {  # in words, if a picture is not so, and if it is
    "is_grey": ("coloured", "grey"),
    "is_transparent": ("opaque", "transparent"),
    "is_deep": ("a picture of 8 bits per channel", "a picture of 16 bits per channel"),
}
_GREY = ("1", "L", "LA")
_COLOURED = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV")
_TURNS = {  # by the orientation that a camera notes
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Header:
    """What a picture's file says before its pixels are decoded.

    Args:
        size: (height, width), once it is upright.
        is_grey: Whether it has no colour.
        is_transparent: Whether it has transparency, as a channel, in its palette, or as one colour.
        is_deep: Whether its channel has more than 8 bits.
        is_turned: Whether its camera noted another orientation than upright.
        has_frames: Whether it holds further pictures, which are left out.
    """

    size: tuple[int, int]
    is_grey: bool
    is_transparent: bool
    is_deep: bool
    is_turned: bool
    has_frames: bool


@dataclass(frozen=True)
class Form:
    """The form that pictures are brought into.

    Args:
        size: (height, width) to resize and crop to.
        mode: One of Pillow's modes in `MODES`.
        background: Colour behind transparency, where the mode has none.
        half: "left" or "right" for that half of each picture alone, before it is resized; None for all of it.
    """

    size: tuple[int, int]
    mode: str
    background: str = BEHIND
    half: str | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return (*self.size, next(channels for channels, mode in MODES.items() if mode == self.mode))


def read_header(path: Path, needs_size: bool) -> Header:
    """Reads the header of a picture.

    PNG files may note the orientation behind their pixels, so where the size depends on it, these are decoded. With
    `needs_size` False, the size may be that of the picture as it is stored.

    Raises:
        InputError: If the file is no whole picture, or of a kind that has no 8 or 16 bits per channel.
    """
    with PICTURE.border(path), Image.open(PICTURE.check(path)) as image:
        return header_of(image, needs_size)


def header_of(image: Image.Image, needs_size: bool) -> Header:
    """The header of an image that is open; see `read_header`."""
    _check_pixels(image)
    if needs_size and image.width != image.height and image.format == "PNG":
        image.load()
    orientation = _orientation(image)
    is_lying = orientation > 4 and image.format != "TIFF"  # of which Pillow gives the size upright
    return Header(
        image.size if is_lying else image.size[::-1],
        **_colours(image),
        is_turned=orientation > 1,
        has_frames=getattr(image, "is_animated", False),
    )


def read_picture(path: Path, form: Form, header: Header) -> np.ndarray:
    """uint8 pixels (height, width, channels) of a picture in a form.

    Raises:
        InputError: If the file is no whole picture, or its colours are not of the form that its header had before.
    """
    with PICTURE.border(path), Image.open(PICTURE.check(path)) as image:
        _check_unchanged(image, header)
        return picture_of(image, form)


def picture_of(image: Image.Image, form: Form) -> np.ndarray:
    """uint8 pixels (height, width, channels) of an image that is open, in a form."""
    _check_pixels(image)
    image.load()
    turn = _TURNS.get(_orientation(image))
    whole = _with_eight_bits(image) if _is_deep(image) else image
    upright = whole if turn is None else whole.transpose(turn)
    return formed(upright if form.half is None else _half(upright, form.half), form)


def _colours(image: Image.Image) -> dict[str, bool]:
    """What a picture's header says of its colours, before the pixels are decoded, which may change it."""
    return {
        "is_grey": image.mode in _GREY or _is_deep(image),
        "is_transparent": image.has_transparency_data,
        "is_deep": _is_deep(image),
    }


def _check_unchanged(image: Image.Image, header: Header) -> None:
    """Checks that a picture is still of the form that all were brought into one from: nobody would see the change."""
    changed = [_COLOURS[name][is_so] for name, is_so in _colours(image).items() if is_so != getattr(header, name)]
    if sorted(image.size) != sorted(header.size):
        changed.append(f"one of {image.size[::-1]} pixels")
    if changed:
        raise OSError(f"since the folder was loaded, it has become {' and '.join(changed)}; load the folder again")


def formed(image: Image.Image, form: Form) -> np.ndarray:
    """uint8 pixels (height, width, channels) of an image of 8 bits per channel."""
    if not image.has_transparency_data or form.mode == "RGBA":
        return fitted(image if image.mode == form.mode else image.convert(form.mode), form.size)
    coloured = composed(fitted(image.convert("RGBA"), form.size), form.background)
    return fitted(Image.fromarray(coloured).convert(form.mode), form.size)


def fitted(image: Image.Image, size, resampling=Image.Resampling.LANCZOS) -> np.ndarray:
    """Resizes an image to cover (height, width) and crops it at the centre; returns uint8 (height, width, channels)."""
    if size is not None and image.size != size[::-1]:
        scale = max(size[0] / image.height, size[1] / image.width)
        covering = (max(size[1], round(image.width * scale)), max(size[0], round(image.height * scale)))
        image = image.resize(covering, resampling)
        left, top = (covering[0] - size[1]) // 2, (covering[1] - size[0]) // 2
        image = image.crop((left, top, left + size[1], top + size[0]))
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def composed(pixels: np.ndarray, colour: str) -> np.ndarray:
    """uint8 pixels (..., 4) with transparency, in front of a colour: (..., 3)."""
    alpha = pixels[..., 3:] / np.float32(255)
    behind = np.array(rgb(colour), np.float32)
    return np.round(pixels[..., :3] * alpha + behind * (1 - alpha)).astype(np.uint8)


def rgb(colour: str) -> tuple[int, ...]:
    """Red, green and blue of a colour as Pillow reads it, such as "black" or "#203040"; or an `InputError`."""
    try:
        return ImageColor.getrgb(colour)[:3]
    except (ValueError, AttributeError) as error:
        raise InputError(f"Expected a colour, such as 'black' or '#203040'. Received: {colour!r}.") from error


def _half(image: Image.Image, side: str) -> Image.Image:
    middle = image.width // 2
    return image.crop((0, 0, middle, image.height) if side == "left" else (middle, 0, image.width, image.height))


def _check_pixels(image: Image.Image) -> None:
    if min(image.size) < 1:
        raise OSError("it has no pixels")
    if image.mode not in (*_GREY, *_COLOURED) and not _is_deep(image):
        kind = "32-bit floating-point numbers" if image.mode == "F" else f"of Pillow's mode {image.mode}"
        raise OSError(f"its pixels are {kind}; 8 or 16 bits per channel, grey or RGB, are expected")


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I")


def _orientation(image: Image.Image) -> int:
    """The orientation that a camera noted, from 1, upright, to 8. Damaged notes count as none, as in viewers."""
    if image.format == "PNG" and not image.info:
        return 1  # at once, which matters for many small pictures
    try:
        noted = Image.Image.getexif(image)  # that of PNG images would decode the pixels
    except Exception:  # of several kinds, depending on the damage
        return 1
    orientation = noted.get(ExifTags.Base.Orientation)
    return orientation if orientation in _TURNS else 1


def _with_eight_bits(image: Image.Image) -> Image.Image:
    """A grey image of 16 bits by the upper 8 of them, as Pillow reads colours of 16 bits."""
    deep = np.asarray(image)
    if deep.min() < 0 or deep.max() > 65_535:
        raise OSError("it has 32 bits per channel, of which 16 are expected; save it as a 16-bit picture")
    grey = Image.fromarray((deep.astype(np.int64) >> 8).astype(np.uint8))
    clear = image.info.get("transparency")
    if clear is not None:
        grey.putalpha(Image.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return grey
