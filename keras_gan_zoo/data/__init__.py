"""Data sets by name, folder, file or array, and the batches that training draws from them.

Images stay uint8 until they are in a batch, then become float32 in [-1, 1]. A batch is fetched by the indices of its
examples, and the indices are a function of (seed, step), so a run continues anywhere without replaying the past.
"""

from __future__ import annotations

import os
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_gan_zoo.core import registry
from keras_gan_zoo.core.bounds import is_count
from keras_gan_zoo.core.imports import import_keras
from keras_gan_zoo.core.reading import exists, is_folder, shown
from keras_gan_zoo.core.remote import is_remote
from keras_gan_zoo.core.remote_copies import local_copy
from keras_gan_zoo.data.captioned import Attribute, CaptionedDataset
from keras_gan_zoo.data.dataset import BATCH_SIZE, Dataset, as_dataset
from keras_gan_zoo.data.decoding import MODES, PICTURE
from keras_gan_zoo.data.embedded import EMBEDDED
from keras_gan_zoo.data.image_files import ARRAYS, load_arrays, load_folder
from keras_gan_zoo.data.label_maps import LabelMaps
from keras_gan_zoo.data.listing import FOLDER
from keras_gan_zoo.data.pair_files import HALVES, load_pairs
from keras_gan_zoo.data.pairs import degraded, in_two_styles, paired, with_sources
from keras_gan_zoo.data.shards import RECORDS, load_shards, shards_of
from keras_gan_zoo.data.tfds import TFDS, load_tfds
from keras_gan_zoo.data.transparency import in_channels, on_background
from keras_gan_zoo.data.unpaired import UnpairedDataset
from keras_gan_zoo.errors import InputError, similar

if TYPE_CHECKING:
    from keras_gan_zoo.data.degradations import Degradation, Downscaled, Edges, Greyed, Masked

__all__ = [
    "BATCH_SIZE",
    "EMBEDDED",
    "Attribute",
    "CaptionedDataset",
    "Dataset",
    "Degradation",
    "Downscaled",
    "Edges",
    "Greyed",
    "LabelMaps",
    "Masked",
    "UnpairedDataset",
    "as_dataset",
    "degraded",
    "has_splits",
    "load",
    "located",
    "located_sources",
    "paired",
    "unpaired",
    "with_sources",
]

_WITH_KERAS = ("Degradation", "Downscaled", "Edges", "Greyed", "Masked")

SUFFIXES = (".npy", ".npz")
IN_MEMORY = 2 * 2**30  # bytes of pixels; larger sets stream


def __getattr__(name: str):
    if name not in _WITH_KERAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_keras()
    from keras_gan_zoo.data import degradations  # which imports Keras

    globals()[name] = getattr(degradations, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@ARRAYS.reader
@FOLDER.reader
@PICTURE.reader
@RECORDS.reader
@TFDS.reader
def load(
    name: str | os.PathLike,
    *,
    split: str = "train",
    image_size: int | tuple[int, int] | None = None,
    background: str | None = None,
    channels: int | None = None,
    sources: str | os.PathLike | None = None,
    degradation: str | Degradation | None = None,
    memory_limit: int = IN_MEMORY,
) -> Dataset:
    """Loads a data set by name or path.

    A folder is read as its pictures are seen: upright, as their cameras noted, and 16-bit pictures by their upper 8
    bits. Hidden files and folders are left out. Sub-folders are classes in the order of their names, or by number if
    all names are numbers. What is left out or changed is in `remarks` of the result.

    Args:
        name: An embedded set, which needs no download, a key of `EMBEDDED`, such as `digits` (scikit-learn's 1,797
            handwritten digits), `ring8` (100,000 points of the plane) and `avatars` (30,000 faces with captions); a
            folder of pictures, such as PNG, JPEG, WebP or TIFF files, whose sub-folders are classes, with captions in
            `captions.csv` (file, caption) or in a `.txt` beside each picture; a `.npy` file of images, or a `.npz` with
            `images` and optional `labels` or `conditions`; a folder of TFRecord files, one of them, or a pattern such
            as `shards/train-*`, of tf.train.Example with an encoded `image` and perhaps a `label`; or any image data
            set of TensorFlow Datasets, such as `fashion_mnist`. Folders and files may be on remote storage that
            TensorFlow can read, such as `gs://bucket/pictures`: they are copied to a temporary folder. Two of these
            with a comma between them, sources and targets, are an `UnpairedDataset`.
        split: Split of a set that has some, such as "train" or "test[:1000]"; faces also have "held_out", with
            combinations of attributes that no other split has.
        image_size: Side, or (height, width), to resize to; the longer side is cropped at its centre.
        background: Colour, such as "black" or "#203040", behind images with transparency, which become images in
            colour; None to keep their fourth channel if all pictures of a folder have it, and for white if only some
            have.
        channels: Channels to convert images to: 1 for grey, 3 for colour, 4 for colour with transparency; None for
            those of the data.
        sources: For pairs of pictures, the folder of the sources, by the names of the pictures of the folder `name`,
            whose suffixes may differ; or "left" or "right", the half of each picture that is the source of the other.
            For emoji, the name of another style: those that both have are joined by code point.
            `image_size` is that of both, `background` is behind all that are transparent, and `channels` are those of
            the targets.
        degradation: For pairs of pictures, what makes the sources of the pictures themselves; see `degraded`.
        memory_limit: Bytes of pixels up to which a set is kept in memory. Of a larger one, the pictures are read as
            batches need them, in the order in which they would come from memory.

    Returns:
        A `Dataset`; a `CaptionedDataset` if there are captions. The conditions of pairs are their sources.

    Raises:
        InputError: If there is no such set, it cannot be read, or pictures have no partner; the message names the file.
        OSError: If remote storage does not answer.

    Example:
        >>> load("ring8").example_shape
        (2,)
    """
    form = {"image_size": image_size, "background": background, "channels": channels}
    sides = _sides(name)
    if sides is not None:
        _check_no_pairs(name, sources, degradation)
        return unpaired(*sides, split=split, memory_limit=memory_limit, **form)
    if is_remote(name) or is_remote(sources):
        others = {"split": split, "degradation": degradation, "memory_limit": memory_limit}
        return _load_copies(name, sources, **form, **others)
    if sources is not None:
        _check_pairs(name, split, sources, degradation)
    dataset = _loaded(name, split, image_size, background, channels, sources, memory_limit)
    return dataset if degradation is None else degraded(dataset, degradation)


def _load_copies(name, sources, **arguments) -> Dataset:
    """What `load` makes of local copies of remote data, which last as long as it does: it may read pictures later."""
    with ExitStack() as stack:
        name, sources = (stack.enter_context(local_copy(path)) if is_remote(path) else path for path in (name, sources))
        dataset = load(name, sources=sources, **arguments)
        weakref.finalize(dataset, stack.pop_all().close)
        return dataset


def _loaded(name, split: str, image_size, background, channels, sources, memory_limit: int) -> Dataset:
    size = _as_size(image_size)
    _checked(name, split)
    if channels is not None and (not is_count(channels) or channels not in MODES):
        raise InputError(f"Expected channels of 1, 3 or 4. Received: {channels!r}. Leave it out to keep those there.")
    form, files = (size, background, channels, memory_limit), _shards_of(name)
    if files and sources is None:
        return load_shards(name, files, *form)
    if is_folder(name) and name not in EMBEDDED:
        return load_folder(Path(name), *form) if sources is None else load_pairs(Path(name), sources, *form)
    dataset = _load(name, split, size, memory_limit)
    if size is not None and dataset.example_shape[:2] != size:
        raise InputError(
            f"Expected uint8 images to resize to {size}. Received: {dataset}, which cannot be resized. "
            "Leave image_size out."
        )
    dataset = dataset if background is None else on_background(dataset, background)
    dataset = dataset if channels is None else in_channels(dataset, channels)
    if sources is None:
        return dataset
    whole_split = split.partition("[")[0]  # parts of two sets would be of different emoji
    return in_two_styles(dataset, _load(sources, whole_split, size, memory_limit))


def _check_pairs(name, split, sources, degradation) -> None:
    if degradation is not None:
        raise InputError(
            f"Expected sources, or a degradation, which makes them. Received: both, and degradation={degradation!r}. "
            "Leave one of them out."
        )
    is_style = name in EMBEDDED
    if is_style != (sources in EMBEDDED) or not (is_style or is_folder(_checked(name, split))):
        raise InputError(
            "Expected a folder of pictures with sources in a folder, or two styles of emoji. Received: "
            f"{shown(name)} with {shown(sources)}. Leave sources out; a .npz file has them as 'conditions'."
        )


def unpaired(sources, targets, **form) -> UnpairedDataset:
    """Two sets of pictures that do not belong together, to translate the ones to the others, as `CycleGAN` does.

    Args:
        sources: The pictures that are translated: a `Dataset`, an array, or what `load` takes.
        targets: The pictures that they are translated to, likewise.
        **form: Further arguments of `load`, for sets that are loaded.

    Raises:
        InputError: If one of the two is missing, empty, or does not hold pictures.

    Example:
        >>> unpaired(np.zeros((5, 8, 8, 3), np.uint8), np.ones((7, 8, 8, 3), np.uint8))
        <UnpairedDataset arrays,arrays: 7 x (8, 8, 3), conditions (8, 8, 3)>
    """
    return UnpairedDataset(_pictures("sources", sources, form), _pictures("targets", targets, form))


def _sides(name) -> list[str] | None:
    """The names of sources and targets, joined by a comma; None for the name of one set."""
    if not isinstance(name, str) or name.count(",") != 1 or exists(Path(name)):
        return None
    sides = [side.strip() for side in name.split(",")]
    if not all(sides):
        raise InputError(
            f"Expected sources and targets, two data sets with a comma between them. Received: {name!r}. Name both."
        )
    return sides


def _check_no_pairs(name, sources, degradation) -> None:
    if sources is not None or degradation is not None:
        raise InputError(
            f"Expected one data set, if there are sources or a degradation for it. Received: {name!r}, which is two. "
            "Leave the first out, or the sources."
        )


def _pictures(side: str, given, form: dict) -> Dataset:
    if isinstance(given, (str, os.PathLike)):
        return load(given, **form)
    dataset = None if getattr(given, "shape", (1,))[:1] == (0,) else as_dataset(given)
    if dataset is None:
        what = "none" if given is None or hasattr(given, "shape") else f"a {type(given).__name__}"
        raise InputError(
            f"Expected pictures on both sides, the {side} as an array, a data set, or a folder. Received: {what}. "
            "Pass both, as in unpaired(sources, targets)."
        )
    return dataset


def _checked(name, split) -> Path:
    if not isinstance(name, (str, os.PathLike)) or not str(name) or str(name).startswith("~"):
        raise InputError(f"Expected a data set's name or a path without ~. Received: {name!r}.")
    if not isinstance(split, str):
        raise InputError(f"Expected a split by name, such as 'train' or 'test[:1000]'. Received: {split!r}.")
    if split != "train" and not has_splits(name):
        raise InputError(f"Expected no split for {name}, which has no splits. Received: {split!r}. Leave it out.")
    return Path(name)


def _load(name, split: str, size, memory_limit: int) -> Dataset:
    path = Path(name)
    if name in EMBEDDED:
        return EMBEDDED[name](size, split) if has_splits(name) else EMBEDDED[name](size)
    if path.suffix.lower() in SUFFIXES and exists(path):
        return load_arrays(path, size)
    beside = _neighbours(path)
    if len(path.parts) > 1 or path.suffix:
        what = "a file of another kind" if exists(path) else "which does not exist"
        near = [str(path.with_name(other)) for other in similar(path.name, beside)]
        raise InputError(
            f"Expected a data set's name, a folder of images, or a .npy, .npz or .tfrecord file. Received: "
            f"{shown(name)}, {what}."
            + (f" Did you mean {' or '.join(map(repr, near))}?" if near else " Check the path.")
        )
    return load_tfds(str(name), split, size, memory_limit, beside)


def _neighbours(path: Path) -> list[str]:
    """What else lies where a path leads, and could be meant by it: folders and files of arrays."""
    if not is_folder(path.parent):
        return []
    return [other.name for other in path.parent.iterdir() if other.is_dir() or other.suffix.lower() in SUFFIXES]


def has_splits(name: str | os.PathLike) -> bool:
    """Whether a set may have a split besides "train": some embedded sets, and those of TensorFlow Datasets."""
    if sides := _sides(name):
        return all(map(has_splits, sides))
    if name in EMBEDDED:
        return bool(registry.DATA_SETS[str(name)].splits)
    return not (is_remote(name) or _is_local(Path(name)))


def located(name: str | os.PathLike, folder: str | os.PathLike = ".") -> str:
    """A data set's name; for a folder or a file, its absolute path, which holds in every working directory.

    Args:
        name: As for `load`.
        folder: Where a relative path is looked for that is not found in the working directory.

    Example:
        >>> located("digits")
        'digits'
    """
    if sides := _sides(name):
        return ",".join(located(side, folder) for side in sides)
    if name not in EMBEDDED and not is_remote(name):
        for path in (Path(name), Path(folder) / name):
            if _is_local(path) and (exists(path) or _shards_of(path)):
                return str(path.absolute())
    return str(name)


def located_sources(sources: str | os.PathLike | None, folder: str | os.PathLike = ".") -> str | None:
    """The sources of pairs, as `load` takes them, so that they hold in every working directory; see `located`."""
    return sources if sources is None or sources in HALVES else located(sources, folder)


def _is_local(path: Path) -> bool:
    return is_folder(path) or path.suffix.lower() in SUFFIXES or bool(_shards_of(path))


def _shards_of(name: str | os.PathLike) -> list[Path]:
    return [] if name in EMBEDDED else shards_of(name)


def _as_size(image_size) -> tuple[int, int] | None:
    if image_size is None:
        return None
    sides = tuple(image_size) if isinstance(image_size, (tuple, list, np.ndarray)) else (image_size, image_size)
    if len(sides) != 2 or not all(is_count(side) for side in sides):
        raise InputError(
            "Expected image_size as a side, or (height, width), in whole pixels from 1. Received: "
            f"{image_size!r}. Leave it out to keep the size."
        )
    return int(sides[0]), int(sides[1])
