"""Pictures of samples: grids of images, scatter plots of points, and animations of either."""

import colorsys
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.errors import InputError

SIDE = 512  # minimum number of pixels on the longer side of a picture
GAP = 96  # grey level between the images of a grid
CELLS = 128  # on a side of the plane that is coloured
REAL, GENERATED = (31, 119, 180), (44, 160, 44)  # blue and green, as in Figure 1 of Goodfellow et al. (2014)


def grid(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """Images side by side, row by row.

    Args:
        images: (n, height, width, channels) in [-1, 1], 1 to 4 channels: grey, grey with alpha, colour, with alpha.
        columns: Images per row; by default as square as possible.

    Returns:
        A picture, enlarged by a whole factor if it is smaller than `SIDE` pixels.

    Example:
        >>> grid(np.zeros((6, 8, 8, 1), "float32"), columns=3).size
        (520, 340)
    """
    if images.ndim != 4 or not 1 <= images.shape[-1] <= 4:
        raise InputError(f"Expected images (n, height, width, 1 to 4 channels). Received: shape {images.shape}.")
    n, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(n * height / width)))
    rows = -(-n // columns)
    gap = 1 + max(height, width) // 32
    sheet = np.full((rows * columns, height + gap, width + gap, channels), GAP, np.uint8)
    sheet[:n, :height, :width] = to_uint8(images)
    sheet = sheet.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)[:-gap, :-gap]
    return _enlarged(Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet), SIDE)


def scatter(
    generated: np.ndarray | None = None,
    real: np.ndarray | None = None,
    realness: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Image.Image:
    """A scatter plot of points of the plane: real points in blue, generated ones in green.

    Args:
        generated: (n, 2). The picture covers them except for the outermost hundredth.
        real: (m, 2). The picture covers all of them. One of the two must be given.
        realness: If given, the plane is coloured by this function from points (k, 2) to numbers (k,): green at 0, white
            at 0.5, blue at 1. It is called once.

    Example:
        >>> scatter(np.zeros((1, 2)), np.ones((1, 2)), lambda points: (points[:, 0] > 0.5) * 1.0).getpixel((500, 9))
        (150, 191, 220)
    """
    covered = [real, None if generated is None else np.percentile(generated, [1, 99], axis=0)]
    shown = np.concatenate([points for points in covered if points is not None])
    low, high = shown.min(axis=0), shown.max(axis=0)
    center, reach = (low + high) / 2, 0.6 * float((high - low).max()) or 1.0
    picture = Image.new("RGB", (SIDE, SIDE), "white") if realness is None else _plane(realness, center, reach)
    draw = ImageDraw.Draw(picture, "RGBA")
    for points, color in ((real, REAL), (generated, GENERATED)):
        if points is None:
            continue
        pixels = ((points - center) * (1, -1) / reach + 1) * SIDE / 2  # the second axis points up
        for x, y in pixels[((pixels >= 0) & (pixels < SIDE)).all(axis=1)]:
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(*color, 110))
    return picture


def _plane(realness: Callable, center: np.ndarray, reach: float) -> Image.Image:
    """The part of the plane that a scatter plot shows, coloured by a function."""
    ticks = (2 * np.arange(CELLS) + 1) / CELLS - 1
    points = np.stack(np.meshgrid(ticks, -ticks), axis=-1) * reach + center
    numbers = realness(points.reshape(-1, 2).astype(np.float32)).reshape(CELLS, CELLS, 1)
    levels = np.clip(np.nan_to_num(numbers, nan=0.5), 0, 1)
    white, green, blue = (np.array(color, float) for color in ((255, 255, 255), GENERATED, REAL))
    away = abs(2 * levels - 1) * 0.47  # pale, so that points of the same colour are seen
    colors = np.round(white + away * (np.where(levels > 0.5, blue, green) - white))
    return Image.fromarray(colors.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def draw(
    examples: np.ndarray,
    real: np.ndarray | None = None,
    columns: int | None = None,
    realness: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Image.Image:
    """A grid of images, or a scatter plot of points of the plane."""
    if examples.ndim == 4:
        return grid(examples, columns)
    if examples.shape[1:] == (2,):
        return scatter(examples, real, realness)
    raise InputError(
        f"Expected images, or points of the plane, to draw. Received: examples of shape {examples.shape[1:]}. "
        "Save them as .npz instead."
    )


def can_draw(shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape can be drawn: images of 1 to 4 channels, or points of the plane."""
    return shape == (2,) or (len(shape) == 3 and 1 <= shape[-1] <= 4)


def draw_samples(
    gan,
    n: int | None = None,
    seed: int | None = 0,
    real: np.ndarray | None = None,
    conditions=None,
    columns: int | None = None,
    realness: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Image.Image:
    """Samples of a model: a grid, by default with a column per class if it has classes, or 2,500 points."""
    columns = gan.condition.num_classes if gan.has_classes else columns
    if n is None:
        n = 64 if len(gan.example_shape) == 3 else 2500
        n = -(-n // columns) * columns if columns else n
    return draw(gan.sample(n, seed=seed, conditions=conditions), real, columns, realness)


def draw_translations(model, sources, targets: np.ndarray | None = None) -> Image.Image:
    """A grid of pictures, of which each row has sources with their translations and their targets beside them.

    Sources that have no targets are those of a `CycleGAN`: in place of targets is what it makes of the translations,
    which should be the sources again. Sources of another size or number of channels are brought into the form of the
    targets, by repeating. Label maps of more than four channels are painted in a colour for each.
    """
    made = model.translate(sources)
    third = model.translate(made, backward=True) if targets is None else targets
    shown = [_like(np.asarray(each), made.shape[1:]) for each in (sources, made, third)]
    columns = 3 * max(1, round(math.sqrt(len(made) / 3)))
    return grid(np.stack(shown, axis=1).reshape(-1, *made.shape[1:]), columns)


def _like(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images in [-1, 1] of a shape, by repeating pixels and channels; of more channels, the first."""
    height, width, channels = shape
    images = to_uint8(images)
    images = (_painted(images) if images.shape[-1] > 4 else images).astype(np.float32) / 127.5 - 1
    rows = np.arange(height) * images.shape[1] // height
    columns = np.arange(width) * images.shape[2] // width
    return images[:, rows[:, None], columns][..., np.arange(channels) % images.shape[-1]]


def _painted(maps: np.ndarray) -> np.ndarray:
    """Label maps as images: the first channel is white where it is the largest, the others have hues of their own."""
    hues = np.arange(maps.shape[-1] - 1) / (maps.shape[-1] - 1)
    colours = [(1.0, 1.0, 1.0), *(colorsys.hsv_to_rgb(hue, 0.65, 0.85) for hue in hues)]
    return np.round(255 * np.array(colours)).astype(np.uint8)[maps.argmax(axis=-1)]


def draw_texts(gan, texts: Sequence[str], n: int = 8, seed: int = 0) -> Image.Image:
    """A grid of samples with a row of n for each text. All rows have the same noise.

    Example:
        ```python
        kgz.pictures.draw_texts(gan, ["long green hair", "long red hair"]).show()
        ```
    """
    vectors = gan.condition_of(len(texts), text=texts)  # of all of them, before anything is sampled
    return grid(np.concatenate([gan.sample(n, seed=seed, conditions=vector) for vector in vectors]), columns=n)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Converts [-1, 1] to 0 ... 255, rounded; uint8 is unchanged. An `InputError` for NaN, which would be black."""
    if images.dtype == np.uint8:
        return images
    if not np.isfinite(images).all():
        raise InputError("Expected finite numbers to draw. Received: NaN or infinity. Find out where they come from.")
    return np.clip(np.round((images + 1) * 127.5), 0, 255).astype(np.uint8)


def save(picture: Image.Image, path: str | os.PathLike) -> None:
    """Writes a PNG or JPEG file, completely or not at all."""
    if Path(path).suffix.lower() in (".jpg", ".jpeg") and "A" in picture.mode:
        raise InputError(f"Expected a format that holds transparency. Received: {path}. Choose .png.")
    with written_beside(path) as beside:
        picture.save(beside)


def save_history(frames: list[Path], path: str | os.PathLike) -> list[str]:
    """Pictures of one size as an animated GIF of at most about ten seconds; the last frame is shown for two.

    Returns:
        Which files were left out, and why: each may have been damaged since it was written.
    """
    step = max(1, -(-len(frames) // 80))
    pictures, damaged = [], []
    for frame in (*frames[:-1:step], *frames[-1:]):
        try:
            with Image.open(frame) as picture:
                pictures.append(_small(picture.convert("RGB")))
        except Exception as error:  # Pillow's own kinds of error are not public
            damaged.append(f"{frame} ({error})")
    if pictures:
        save_animation(pictures, path, [120] * (len(pictures) - 1) + [2000])
    return damaged


def save_animation(pictures: list[Image.Image], path: str | os.PathLike, durations: int | list[int]) -> None:
    """Pictures of one size as an endless GIF of at most half of `SIDE` pixels; durations are in milliseconds."""
    first, *others = map(_small, pictures)
    with written_beside(path) as beside:
        first.save(beside, save_all=True, append_images=others, duration=durations, loop=0)


def _small(picture: Image.Image) -> Image.Image:
    """A picture of at most half of `SIDE` pixels; of an animation, only those are held in memory."""
    picture.thumbnail((SIDE // 2, SIDE // 2))
    return picture


def _enlarged(picture: Image.Image, side: int) -> Image.Image:
    factor = -(-side // max(picture.size))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
