"""Makes the files of keras_gan_zoo/data/sets. Run by hand, never by tests: (cd docs/data; npm ci; python make.py).

The attributes of every face are drawn here, the faces by render.mjs with the styles of DiceBear. A face is a function
of (set, its number), so the same versions of the packages give the same bytes. Both styles are CC0 1.0: pixelArt by
DiceBear, openPeeps by Pablo Stanley. Emoji are packed from a file of pictures of OpenMoji, which is CC BY-SA 4.0:
python make.py --emoji FILE.npz with arrays color, black, hexcode, annotation, tags, group and subgroup. Those of
Noto, Apache-2.0, and of Twemoji, CC BY 4.0, are taken from npm packages, with the words and the splits of OpenMoji.
"""

import argparse
import io
import json
import subprocess
import tomllib
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SETS = HERE.parent.parent / "keras_gan_zoo" / "data" / "sets"
TEST = 2000  # pictures; those of held-out combinations are a further split


def numbered(prefix: str, *numbers: int) -> list[str]:
    return [f"{prefix}{number:02}" for number in numbers]


# For each value: its share among the values of the attribute, and the options of DiceBear of which one is drawn.
AVATARS = {
    "hair": {
        "short": (30, {"hair": numbered("short", 1, 2, 3, 4, 6, 8, 9, 10, 14, 15, 16, 17, 19, 22, 24)}),
        "long": (30, {"hair": numbered("long", 1, 2, 3, 7, 8, 9, 12, 13, 20)}),
        "messy": (14, {"hair": ["short11", "short13", "long15"]}),
        "braided": (14, {"hair": ["long06", "long18", "long19"]}),
        "thin": (12, {"hair": ["short05", "short07", "short18", "short20"]}),
    },
    "hair_colour": {
        "black": (1, {"hairColor": ["1c1410", "2b2220"]}),
        "brown": (1, {"hairColor": ["6b4320", "83562b"]}),
        "blond": (1, {"hairColor": ["e6c767", "d9b04a"]}),
        "grey": (1, {"hairColor": ["b5b5b5", "a0a0a0"]}),
        "red": (1, {"hairColor": ["bd1700", "d0341a"]}),
        "green": (1, {"hairColor": ["91cb15", "5fae2e"]}),
        "blue": (1, {"hairColor": ["009bbd", "2f7fd6"]}),
        "pink": (1, {"hairColor": ["ee7fc0", "e357a8"]}),
    },
    "skin": {
        "light": (1, {"skinColor": ["ffdbac", "f5cfa0", "eac393"]}),
        "tan": (1, {"skinColor": ["cb9e6e", "b68655"]}),
        "dark": (1, {"skinColor": ["8d5524", "6f421c"]}),
    },
    "mouth": {
        "happy": (1, {"mouth": numbered("happy", 6, 7, 8, 9, 10, 11)}),
        "sad": (1, {"mouth": numbered("sad", 1, 2, 3, 8, 9)}),
        "straight": (1, {"mouth": numbered("sad", 4, 5, 6)}),
        "open": (1, {"mouth": numbered("happy", 1, 12, 13)}),
    },
    "glasses": {
        "none": (50, {}),
        "clear": (25, {"glasses": numbered("light", 1, 2, 5, 6, 7)}),
        "dark": (25, {"glasses": numbered("dark", 1, 2, 5, 6, 7)}),
    },
    "hat": {
        "none": (58, {}),
        "black": (6, {"hatColor": ["2b2b2b", "1c1c1c"]}),
        "red": (6, {"hatColor": ["a62116", "c8281a"]}),
        "blue": (6, {"hatColor": ["2663a3", "2f7fd6"]}),
        "green": (6, {"hatColor": ["3d8a6b", "3f9a3f"]}),
        "pink": (6, {"hatColor": ["cc6192", "ee7fc0"]}),
        "purple": (6, {"hatColor": ["614f8a", "7b4fa0"]}),
        "grey": (6, {"hatColor": ["989789", "b0b0b0"]}),
    },
    "beard": {"none": (75, {}), "full": (25, {"beard": numbered("variant", 1, 3, 5, 6, 7)})},
    "clothing": {
        "red": (1, {"clothingColor": ["d11141", "ae0001"]}),
        "orange": (1, {"clothingColor": ["ff8c42", "f57c1f"]}),
        "yellow": (1, {"clothingColor": ["ffd969", "ffe14d"]}),
        "green": (1, {"clothingColor": ["44c585", "00a050"]}),
        "blue": (1, {"clothingColor": ["428bca", "2f6fb0"]}),
        "purple": (1, {"clothingColor": ["7b4fa0", "8e63c0"]}),
        "pink": (1, {"clothingColor": ["ff8fb8", "f06ba8"]}),
        "black": (1, {"clothingColor": ["2b2b2b", "3a3a3a"]}),
    },
}
AVATARS_OPTIONS = {  # that no word tells
    "clothing": numbered("variant", 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 17, 23),
    "eyes": numbered("variant", 1, 3, 4, 8, 9),
    "eyesColor": ["76778b", "5b7c8b", "588387", "876658"],
    "mouthColor": ["de0f0d", "e35d6a"],
    "glassesColor": ["191919", "323232", "4b4b4b"],
    "hat": numbered("variant", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "backgroundColor": ["ffffff"],
}
UNDER_HATS = numbered("short", 1, 14, 15, 17)  # the short hair of which a hat leaves enough to see

BLACK, CONTRAST = "2c1b18", ("short", "medium", "bun", "mohawk")  # the hair that has a variant in any colour
PEEPS = {
    "head": {
        "short": (14, {"head": ["short1", "short2", "short5", "shaved2", "short4", "grayShort"]}),
        "medium": (18, {"head": ["bangs2", "medium2", "medium3", "mediumBangs", "mediumBangs3"]}),
        "long": (7, {"head": ["long", "longBangs", "mediumStraight"]}),
        "curly": (7, {"head": ["dreads1", "dreads2", "longCurly"]}),
        "afro": (5, {"head": ["afro", "longAfro"]}),
        "bun": (9, {"head": ["bun2", "grayBun"]}),
        "knots": (5, {"head": ["bantuKnots", "buns"]}),
        "ponytail": (5, {"head": ["cornrows", "cornrows2"]}),
        "flat top": (5, {"head": ["flatTop", "flatTopLong"]}),
        "mohawk": (9, {"head": ["mohawk", "mohawk2"]}),
        "bald": (5, {"head": ["noHair1", "noHair2"]}),
        "beanie": (4, {"head": ["hatBeanie"]}),
        "hat": (4, {"head": ["hatHip"]}),
        "headscarf": (4, {"head": ["hijab"]}),
        "turban": (4, {"head": ["turban"]}),
    },
    "hair_colour": {
        "none": (0, {"headContrastColor": [BLACK]}),
        "black": (1, {"headContrastColor": [BLACK]}),
        "brown": (1, {"headContrastColor": ["724133", "83562b"]}),
        "blond": (1, {"headContrastColor": ["f0cf65", "e3b84e"]}),
        "grey": (1, {"headContrastColor": ["b9b9b9", "cfcfcf"]}),
        "red": (1, {"headContrastColor": ["c93305", "d9501e"]}),
        "pink": (1, {"headContrastColor": ["f59797", "f07fb5"]}),
    },
    "expression": {
        "happy": (1, {"face": ["smile", "smileBig", "smileLOL", "smileTeethGap", "cute"]}),
        "sad": (1, {"face": ["solemn", "tired"]}),
        "angry": (1, {"face": ["veryAngry", "angryWithFang", "rage"]}),
        "worried": (1, {"face": ["concerned", "concernedFear"]}),
        "surprised": (1, {"face": ["awe", "fear", "hectic"]}),
        "serious": (1, {"face": ["serious", "suspicious", "eyesClosed"]}),
        "loving": (1, {"face": ["lovingGrin1", "lovingGrin2"]}),
    },
    "glasses": {
        "none": (45, {}),  # the last two are rejected with most expressions
        "clear": (17, {"accessories": ["glasses", "glasses2", "glasses3", "glasses4", "glasses5"]}),
        "dark": (28, {"accessories": ["sunglasses", "sunglasses2"]}),
        "eyepatch": (20, {"accessories": ["eyepatch"]}),
    },
    "facial_hair": {
        "none": (64, {}),
        "beard": (12, {"facialHair": ["full", "full2", "full3", "full4"]}),
        "moustache": (12, {"facialHair": [f"moustache{number}" for number in (3, 5, 6, 7, 9)]}),
        "goatee": (12, {"facialHair": ["goatee1", "goatee2"]}),
    },
    "skin": {
        "light": (1, {"skinColor": ["ffdbb4", "f7cfa6"]}),
        "tan": (1, {"skinColor": ["d08b5b", "c88250"]}),
        "dark": (1, {"skinColor": ["8a5f44", "7a5138"]}),
    },
    "clothing": {
        "red": (1, {"clothingColor": ["e0533d", "d8402f"]}),
        "yellow": (1, {"clothingColor": ["fdea6b", "ffdf4d"]}),
        "green": (1, {"clothingColor": ["78e185", "5cc96f"]}),
        "blue": (1, {"clothingColor": ["8fa7df", "6f93e0"]}),
        "purple": (1, {"clothingColor": ["8e5bc0", "7b4fa0"]}),
        "pink": (1, {"clothingColor": ["f29ad2", "ee82c4"]}),
        "white": (1, {"clothingColor": ["ffffff", "f2f2f2"]}),
        "black": (1, {"clothingColor": ["333333", "404040"]}),
    },
}
PEEPS_OPTIONS = {"backgroundColor": ["ffffff"]}
IN_COLOUR = {
    "short": ["short4", "grayShort"],
    "medium": ["bangs", "mediumBangs2", "grayMedium"],
    "bun": ["grayBun"],
    "mohawk": ["mohawk", "mohawk2"],
}
HAIRLESS = ("bald", "beanie", "hat", "headscarf", "turban")
WITHOUT_EYES = {"happy": ["smileBig", "smileTeethGap", "smileLOL"], "worried": ["concerned", "concernedFear"]}


def avatar(random) -> tuple[dict, dict]:
    values = drawn_values(random, AVATARS)
    while values["hat"] != "none" and values["hair"] == "thin":  # of which nothing would be seen
        values = drawn_values(random, AVATARS)
    options = drawn_options(random, AVATARS, values, AVATARS_OPTIONS)
    if values["hat"] == "none":
        del options["hat"]
    elif values["hair"] == "short":
        options["hair"] = one_of(random, UNDER_HATS)
    return values, options


def peep(random) -> tuple[dict, dict]:
    values = drawn_values(random, PEEPS)
    while values["glasses"] in ("dark", "eyepatch") and values["expression"] not in WITHOUT_EYES:
        values = drawn_values(random, PEEPS)
    if values["head"] == "headscarf":
        values["facial_hair"] = "none"
    if values["head"] not in CONTRAST:
        values["hair_colour"] = "none" if values["head"] in HAIRLESS else "black"
    options = drawn_options(random, PEEPS, values, PEEPS_OPTIONS)
    if values["hair_colour"] not in ("none", "black"):
        options["head"] = one_of(random, IN_COLOUR[values["head"]])
    if values["glasses"] in ("dark", "eyepatch"):
        options["face"] = one_of(random, WITHOUT_EYES[values["expression"]])
    return values, options


def drawn_values(random, table) -> dict[str, str]:
    values = {}
    for attribute, rows in table.items():
        shares = np.array([share for share, _ in rows.values()])
        values[attribute] = random.choice(list(rows), p=shares / shares.sum()).item()
    return values


def drawn_options(random, table, values, others) -> dict[str, list[str]]:
    choices = dict(others)
    for attribute, value in values.items():
        choices |= table[attribute][value][1]
    return {option: one_of(random, choice) for option, choice in choices.items()}


def one_of(random, choices) -> list[str]:
    return [choices[random.integers(len(choices))]]


PARTS = ("hat", "beard", "glasses", "accessories", "facialHair", "mask")  # which DiceBear draws with a probability


def rendered(style: str, size: int, faces: list[dict]) -> np.ndarray:
    """uint8 pictures (n, size, size, 3) of the options of faces."""
    likely = [{f"{part}Probability": 100 if part in options else 0 for part in PARTS} for options in faces]
    lines = "\n".join(json.dumps({"seed": "", **options, **sure}) for options, sure in zip(faces, likely, strict=True))
    command = ["node", str(HERE / "render.mjs"), style, str(size)]
    pixels = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(pixels, np.uint8).reshape(len(faces), size, size, 4)[..., :3]


MAKERS = {"avatars": (avatar, "pixelArt", 16, 30_000), "peeps": (peep, "openPeeps", 64, 10_000)}


def made(name: str, count: int | None) -> dict[str, np.ndarray]:
    """Pictures, values and splits of a set; `count` makes fewer."""
    draw, style, size, usual = MAKERS[name]
    words = tomllib.loads((SETS / f"{name}.toml").read_text(encoding="utf-8"))
    count = count or usual
    faces = [draw(np.random.default_rng([list(MAKERS).index(name), number])) for number in range(count * 11 // 10)]
    pictures = rendered(style, size, [options for _, options in faces])
    first = np.sort(np.unique(pictures.reshape(len(pictures), -1), axis=0, return_index=True)[1])[:count]
    values = np.array(
        [[words["attributes"][attribute].index(value) for attribute, value in faces[i][0].items()] for i in first],
        np.uint8,
    )
    return {"pictures": pictures[first], "values": values, "splits": splits(values, words)}


def splits(values: np.ndarray, words: dict) -> np.ndarray:
    """0 for train, 1 for test, 2 for pictures with one of the held-out combinations."""
    names = list(words["attributes"])
    is_held_out = np.zeros(len(values), bool)
    for combination in words["combinations"]:
        codes = {name: [words["attributes"][name].index(v) for v in chosen] for name, chosen in combination.items()}
        is_held_out |= np.all([np.isin(values[:, names.index(name)], some) for name, some in codes.items()], axis=0)
    seen = np.flatnonzero(~is_held_out)
    result = np.where(is_held_out, 2, 0).astype(np.uint8)
    result[seen[: min(TEST, len(seen) // 10)]] = 1
    return result


SAME = {"1F468": "1F9D1", "1F469": "1F9D1"}  # man and woman, and person
SIGNS = {"200D", "FE0E", "FE0F", "2640", "2642", *(f"1F3F{tone}" for tone in "BCDEF")}  # joiners, genders, skin tones


def emoji(path: Path) -> dict[str, np.ndarray]:
    """Pictures, line art and words of OpenMoji. Variants of one emoji in gender or skin are in one split."""
    made = np.load(path)
    bases = ["-".join(SAME.get(c, c) for c in code.split("-") if c not in SIGNS) for code in made["hexcode"].tolist()]
    words = {"names": made["annotation"], **{name: made[name] for name in ("tags", "group", "subgroup")}}
    tests = np.array([zlib.crc32(base.encode()) % 12 == 0 for base in bases])
    codes = np.array([code_point(code) for code in made["hexcode"].tolist()])
    return {
        "pictures": made["color"],
        "lines": made["black"],
        **words,
        "splits": tests.astype(np.uint8),
        "codes": codes,
    }


def code_point(code: str) -> str:
    """The code points of an emoji without what only says that it is to be shown in colour."""
    return "-".join(part for part in code.upper().split("-") if part != "FE0F")


VENDORS = {"noto": "google", "twemoji": "twitter"}


def in_style(name: str) -> dict[str, np.ndarray]:
    """The emoji of a vendor that OpenMoji has too, in its order, without skin tones, flags and plain shapes."""
    vendor = VENDORS[name]
    package = HERE / "node_modules" / f"emoji-datasource-{vendor}"
    rows = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    images = {
        code_point(row["unified"]): package / "img" / vendor / "64" / row["image"]
        for row in rows
        if row["category"] not in ("Flags", "Component") and row["subcategory"] != "geometric"
        if all(row[f"has_img_{each}"] for each in VENDORS.values())
    }
    with np.load(SETS / "openmoji.npz") as file:
        known = {part: file[part] for part in ("names", "tags", "group", "subgroup", "splits", "codes")}
    chosen = [number for number, code in enumerate(known["codes"].tolist()) if code in images]
    pictures = np.stack([on_white(images[code]) for code in known["codes"][chosen].tolist()])
    return {"pictures": pictures, **{part: values[chosen] for part, values in known.items()}}


def on_white(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        drawn = image.convert("RGBA")
    white = Image.new("RGBA", drawn.size, "white")
    white.alpha_composite(drawn)
    return np.asarray(white.convert("RGB"))


def pack(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes a .npz file, compressed by LZMA, which finds what pictures share. Equal arrays give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(member, content.getvalue(), zipfile.ZIP_LZMA)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes the files of keras_gan_zoo/data/sets.")
    parser.add_argument("names", nargs="*", default=[], help=f"of {', '.join((*MAKERS, *VENDORS))}; all by default")
    parser.add_argument("--emoji", type=Path, help="pack a file of emoji instead")
    parser.add_argument("--count", type=int, help="make fewer faces")
    parser.add_argument("--folder", type=Path, default=SETS)
    arguments = parser.parse_args()
    if arguments.emoji:
        pack(arguments.folder / "openmoji.npz", emoji(arguments.emoji))
    else:
        for name in arguments.names or (*MAKERS, *VENDORS):
            arrays = in_style(name) if name in VENDORS else made(name, arguments.count)
            pack(arguments.folder / f"{name}.npz", arrays)
