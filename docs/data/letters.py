"""Makes letters.npz and letters.txt of keras_gan_zoo/data/sets. Run by hand, never by tests.

The fonts are those of TeX Live, as Debian packages it, that are under the SIL Open Font License:

    apt-get download texlive-fonts-extra=2022.20230122-4
    dpkg-deb -x texlive-fonts-extra_2022.20230122-4_all.deb fonts
    python docs/data/letters.py fonts    # with fontTools

A font is left out if its capitals are missing, too thin, not different from each other, or not letters. Of each family,
up to five fonts that differ most are taken. Families that look alike or share a name are in one split.
"""

import argparse
import gzip
import re
import string
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from make import SETS, pack
from PIL import Image, ImageDraw, ImageFont

SIZE, HEIGHT = 32, 24  # of a picture, and of the longer side of a letter in it, in pixels
DRAWN = 192  # size at which fonts are drawn, before they are made smaller
LEVELS = 15  # of coverage above none: 4 bits
STRONGEST = 0.8  # of full coverage, which every letter reaches somewhere: thinner ones would have little contrast
READABLE = 0.25  # of the letters of a font: the nearest letter in another family is the same
ALIKE, DIFFERENT = 0.06, 0.09  # root mean squares: below, two fonts are of one design; above, both can be in the set
FONTS = 5  # of a family, at most
TEST = 6  # one of so many designs is for testing, about a seventh of the fonts
CONTRAST = 0.35  # of luma, of letter and background

OFL = re.compile(r"SIL|OFL|Open ?Font", re.IGNORECASE)
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass
class Font:
    path: Path
    family: str
    style: str
    version: str
    authors: str
    letters: np.ndarray  # coverage, uint8 (26, 32, 32)

    @property
    def name(self) -> str:
        """What families of one design share, such as "IBM" of IBM Plex Sans and IBM Plex Mono."""
        return re.split("[ -]", self.family)[0]


def fonts_of(folder: Path) -> list[Font]:
    """The fonts under the Open Font License whose 26 capitals can be drawn, in the order of their paths."""
    by_package = licences(folder / "usr/share/doc/texlive-fonts-extra/Licenses.gz")
    files = folder / "usr/share/texlive/texmf-dist/fonts"
    fonts = []
    for path in sorted(path for path in files.rglob("*") if path.suffix.lower() in (".otf", ".ttf")):
        with TTFont(path, lazy=True) as file:
            name = {number: text(file["name"].getDebugName(number)) for number in (0, 1, 2, 5, 13, 14, 16, 17)}
            is_complete = set(map(ord, string.ascii_uppercase)) <= set(file.getBestCmap() or {})
        stated = name[13] + name[14]
        is_free = OFL.search(stated) if name[13] else by_package.get(path.parent.name) == "ofl"
        if is_complete and is_free:
            letters = drawn(path)
            if is_drawn_well(letters):
                authors = name[0].partition("This Font Software")[0].strip()  # some go on with the whole licence
                version = name[5].partition(";")[0]
                fonts.append(Font(path, name[16] or name[1], name[17] or name[2], version, authors, letters))
    return fonts


def licences(path: Path) -> dict[str, str]:
    """TeX Live's list: the licence of the fonts of a package, which comes before that of its macros."""
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        rows = [line.partition(":") for line in file if ": " in line]
    return {package: words.split()[0] for package, _, words in rows if words.split()}


def text(value: str | None) -> str:
    """One line in plain spelling."""
    return " ".join(unicodedata.normalize("NFC", value or "").split())


def drawn(path: Path) -> np.ndarray:
    font = ImageFont.truetype(str(path), DRAWN, layout_engine=ImageFont.Layout.BASIC)
    return np.stack([letter(font, character) for character in string.ascii_uppercase])


def letter(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    """Coverage of the pixels by a letter in the middle of a picture; the same for all if there is nothing to draw."""
    left, top, right, bottom = font.getbbox(character)
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    side = max(width, height) * SIZE / HEIGHT
    margin = np.ceil(side).astype(int).item()
    sheet = Image.new("L", (width + 2 * margin, height + 2 * margin))
    ImageDraw.Draw(sheet).text((margin - left, margin - top), character, fill=255, font=font)
    x, y = margin + (width - side) / 2, margin + (height - side) / 2
    return np.asarray(sheet.resize((SIZE, SIZE), Image.Resampling.BOX, box=(x, y, x + side, y + side)))


def is_drawn_well(letters: np.ndarray) -> bool:
    strongest = letters.max(axis=(1, 2)).min()
    return strongest >= STRONGEST * 255 and len({picture.tobytes() for picture in letters}) == len(letters)


def readable(fonts: list[Font]) -> list[Font]:
    """Leaves out ornaments and what has little in common with the letters of other families."""
    families = np.unique([font.family for font in fonts], return_inverse=True)[1]
    shapes = np.stack([blurred(halved(font.letters)) for font in fonts]).reshape(len(fonts) * 26, -1)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    kept = []
    for number, font in enumerate(fonts):
        similar = (shapes[number * 26 : (number + 1) * 26] @ shapes.T).reshape(26, len(fonts), 26)
        similar[:, families == families[number]] = -1
        nearest = similar.reshape(26, -1).argmax(axis=1) % 26
        if (nearest == np.arange(26)).mean() >= READABLE:
            kept.append(font)
    return kept


def halved(letters: np.ndarray) -> np.ndarray:
    """Half as high and wide, in [0, 1]."""
    return letters.reshape(26, SIZE // 2, 2, SIZE // 2, 2).mean(axis=(2, 4), dtype=np.float32) / 255


def blurred(letters: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        padded = np.pad(letters, [(0, 0), *[(1, 1) if each == axis else (0, 0) for each in (1, 2)]])
        before, here, after = (np.take(padded, np.arange(SIZE // 2) + shift, axis) for shift in range(3))
        letters = before / 4 + here / 2 + after / 4
    return letters


def distances_of(fonts: list[Font]) -> np.ndarray:
    """Root mean squares (n, n) between the letters of fonts."""
    shapes = np.stack([halved(font.letters).ravel() for font in fonts])
    return np.stack([np.sqrt(((shapes - shape) ** 2).mean(axis=1)) for shape in shapes])


def designs(fonts: list[Font], distances: np.ndarray) -> np.ndarray:
    """A number for each font, (n,): the same for those that look alike or share a name, and for what these do."""
    names = np.array([font.name for font in fonts])
    are_linked = (distances < ALIKE) | (names[:, None] == names)
    groups = np.arange(len(fonts))
    while True:
        smallest = np.array([groups[linked].min() for linked in are_linked])
        if (smallest == groups).all():
            return groups
        groups = smallest


def different(fonts: list[Font], distances: np.ndarray) -> list[int]:
    """The numbers of up to five fonts of each family, each the one that differs most from all before it."""
    chosen = []
    for family in sorted({font.family for font in fonts}):
        numbers = [number for number, font in enumerate(fonts) if font.family == family]
        for _ in range(FONTS):
            nearest = [min(distances[number, chosen], default=1) for number in numbers]
            if max(nearest) >= DIFFERENT:
                chosen.append(numbers[int(np.argmax(nearest))])
    return chosen


def colours(count: int) -> np.ndarray:
    """Of background and letter, uint8 (count, 2, 3)."""
    random = np.random.default_rng(0)
    pairs = np.empty((0, 2, 3), np.uint8)
    while len(pairs) < count:
        drawn = random.integers(256, size=(count, 2, 3), dtype=np.uint8)
        luma = drawn @ LUMA / 255
        pairs = np.concatenate([pairs, drawn[abs(luma[:, 1] - luma[:, 0]) >= CONTRAST]])
    return pairs[:count]


def packed_levels(letters: np.ndarray) -> np.ndarray:
    """Coverage in 4 bits, two pixels of a row in a byte: (..., 32, 32) to (..., 32, 16)."""
    levels = np.round(letters * (LEVELS / 255)).astype(np.uint8)
    return levels[..., ::2] << 4 | levels[..., 1::2]


def made(fonts: list[Font]) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of the set, and its list of fonts."""
    fonts = readable(fonts)
    distances = distances_of(fonts)
    groups = designs(fonts, distances)
    chosen = different(fonts, distances)
    # In an order without a meaning, so that a part has fonts of all kinds.
    chosen.sort(key=lambda number: zlib.crc32(fonts[number].path.name.encode()))
    tests = [zlib.crc32(fonts[groups[number]].family.encode()) % TEST == 0 for number in chosen]
    arrays = {
        "levels": packed_levels(np.concatenate([fonts[number].letters for number in chosen])),
        "colours": colours(len(chosen) * 26),
        "labels": np.tile(np.arange(26, dtype=np.uint8), len(chosen)),
        "splits": np.repeat(np.array(tests, np.uint8), 26),
        "families": np.array([fonts[number].family for number in chosen]),
    }
    return arrays, listed([fonts[number] for number in chosen], tests)


def listed(fonts: list[Font], tests: list[bool]) -> str:
    """A table with tabs: a row for the fonts of a family that have the same version and authors."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for font, is_test in zip(fonts, tests, strict=True):
        facts = (font.family, "test" if is_test else "train", font.version, font.authors)
        rows.setdefault(facts, []).append(font.style)
    table = [("family", "split", "version", "copyright", "fonts")]
    table += [(*facts, ", ".join(sorted(styles))) for facts, styles in sorted(rows.items())]
    return "".join("\t".join(row) + "\n" for row in table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes letters.npz and letters.txt of keras_gan_zoo/data/sets.")
    parser.add_argument("fonts", type=Path, help="folder into which Debian's package was unpacked")
    parser.add_argument("--folder", type=Path, default=SETS)
    arguments = parser.parse_args()
    arrays, table = made(fonts_of(arguments.fonts))
    pack(arguments.folder / "letters.npz", arrays)
    (arguments.folder / "letters.txt").write_text(table, encoding="utf-8", newline="\n")
