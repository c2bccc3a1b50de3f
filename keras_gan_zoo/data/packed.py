"""Pictures that come with the package, with words or classes, packed by docs/data/make.py and letters.py."""

from __future__ import annotations

import re
import string
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gan_zoo.core import registry
from keras_gan_zoo.data.captioned import Attribute, CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.image_files import fitted
from keras_gan_zoo.data.label_maps import LabelMaps
from keras_gan_zoo.data.pairs import CODE
from keras_gan_zoo.data.templates import TemplatedCaptions, Templates
from keras_gan_zoo.errors import InputError

PARTS = ("background", "skin", "clothing", "eyes", "glasses", "beard", "mouth", "hair", "hat")  # of avatars
LEVELS = 15  # of coverage above none, in letters
SETS = Path(__file__).parent / "sets"


def avatars(size, split: str) -> CaptionedDataset:
    """Faces in DiceBear's style pixelArt, 16 x 16, with their label maps as sources."""
    return _faces("avatars", size, split)


def peeps(size, split: str) -> CaptionedDataset:
    """Faces in DiceBear's style openPeeps, 64 x 64."""
    return _faces("peeps", size, split)


def openmoji(size, split: str) -> CaptionedDataset:
    """Emoji of OpenMoji in colour, 64 x 64, with their names as captions and their line art as conditions."""
    return _emoji("openmoji", size, split)


def noto(size, split: str) -> CaptionedDataset:
    """Emoji of Noto, 64 x 64, with their names as captions."""
    return _emoji("noto", size, split)


def twemoji(size, split: str) -> CaptionedDataset:
    """Emoji of Twemoji, 64 x 64, with their names as captions."""
    return _emoji("twemoji", size, split)


def letters(size, split: str) -> Dataset:
    """Capital letters of fonts, 32 x 32, each in a colour on another."""
    packed, chosen = _opened("letters", split)
    pictures = _coloured(packed["levels"][chosen], packed["colours"][chosen])
    labels, names = packed["labels"][chosen], list(string.ascii_uppercase)
    return Dataset(_resized(pictures, size), labels, name="letters", class_names=names)


def _emoji(name: str, size, split: str) -> CaptionedDataset:
    """Emoji, whose attribute `code` is their code points: the same in all styles."""
    packed, chosen = _opened(name, split)
    colour, lines = (_resized(packed[part][chosen], size) if part in packed else None for part in ("pictures", "lines"))
    attributes = {part: _attribute(packed[part][chosen]) for part in ("group", "subgroup")}
    return CaptionedDataset(
        Dataset(colour, conditions=lines, name=name),
        packed["names"][chosen].tolist(),
        attributes={**attributes, CODE: _attribute(packed["codes"][chosen])},
        tags=[tuple(filter(None, tags.split(", "))) for tags in packed["tags"][chosen].tolist()],
    )


def _faces(name: str, size, split: str) -> CaptionedDataset:
    packed, chosen = _opened(name, split)
    templates, values = Templates(SETS / f"{name}.toml"), packed["values"][chosen]
    codes = values.astype(np.int32).T
    return CaptionedDataset(
        Dataset(_resized(packed["pictures"][chosen], size), name=name),
        TemplatedCaptions(templates, values, chosen, "train"),
        attributes={n: Attribute(v, c) for (n, v), c in zip(templates.attributes.items(), codes, strict=True)},
        paraphrases=TemplatedCaptions(templates, values, chosen, "held_out"),
        originals=LabelMaps(_resized_maps(packed["parts"][chosen], size), PARTS) if "parts" in packed else None,
    )


def _opened(name: str, split: str):
    """The arrays of a set, and the numbers of the examples of a split, such as "train" or "test[:100]"."""
    splits = registry.DATA_SETS[name].splits
    match = re.fullmatch(r"(\w+)(?:\[(-?\d*):(-?\d*)\])?", split)
    if not match or match[1] not in splits:
        raise InputError(
            f"Expected a split of {name}: {', '.join(splits)}, or a part such as train[:100]. Received: {split!r}."
        )
    with np.load(SETS / f"{name}.npz") as file:
        packed = dict(file)
    chosen = np.flatnonzero(packed["splits"] == splits.index(match[1]))
    chosen = chosen[slice(*(int(bound) if bound else None for bound in match.groups()[1:]))]
    if not len(chosen):
        raise InputError(f"Expected a split of {name} with examples. Received: {split!r}, which has none.")
    return packed, chosen


def _coloured(levels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Pictures (n, h, w, 3) of levels, two of a row in a byte, and of the colours of background and letter."""
    count, height = levels.shape[:2]
    levels = np.stack([levels >> 4, levels & LEVELS], axis=-1).reshape(count, -1)
    background, letter = colours.astype(np.uint16)[:, :, None].swapaxes(0, 1)
    steps = np.arange(LEVELS + 1, dtype=np.uint16)[:, None]
    shades = (background * (LEVELS - steps) + letter * steps + LEVELS // 2) // LEVELS  # (n, 16, 3), rounded
    rows = levels + np.arange(0, count * len(steps), len(steps), dtype=np.int32)[:, None]  # in all shades: far faster
    return shades.astype(np.uint8).reshape(-1, 3).take(rows, axis=0).reshape(count, height, -1, 3)


def _attribute(values: np.ndarray) -> Attribute:
    names, codes = np.unique(values, return_inverse=True)
    return Attribute(tuple(names.tolist()), codes.astype(np.int32))


def _resized(images: np.ndarray, size) -> np.ndarray:
    if size is None or size == images.shape[1:3]:
        return images
    return np.stack([fitted(Image.fromarray(image.squeeze()), size) for image in images])


def _resized_maps(maps: np.ndarray, size) -> np.ndarray:
    """Label maps as `_resized` does it, but without values between two parts."""
    if size is None or size == maps.shape[1:]:
        return maps
    return np.stack([fitted(Image.fromarray(part), size, Image.Resampling.NEAREST)[..., 0] for part in maps])
