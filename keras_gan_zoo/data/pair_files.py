"""Pairs of pictures in files: two folders with the same names, or one folder of pictures side by side."""

import dataclasses
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from keras_gan_zoo.core.reading import is_folder
from keras_gan_zoo.data.caption_files import captions_of
from keras_gan_zoo.data.captioned import CaptionedDataset
from keras_gan_zoo.data.dataset import Dataset
from keras_gan_zoo.data.decoding import Header
from keras_gan_zoo.data.image_files import form_of, headers_of, noted, pictures_of
from keras_gan_zoo.data.listing import Listing, pictures_in, some
from keras_gan_zoo.data.pairs import PairedDataset
from keras_gan_zoo.errors import InputError

HALVES = {"left": "right", "right": "left"}  # of a picture, and the other


def load_pairs(folder: Path, sources, size, background: str | None, channels: int | None, memory_limit: int) -> Dataset:
    """The pictures of a folder, or their halves, with their sources, in memory if they fit; see `data.load`."""
    targets = pictures_in(folder)
    captions = captions_of(targets)
    load = _halves if sources in HALVES else _two_folders
    pairs = load(targets, sources, size, background, channels, memory_limit // 2)
    return pairs if captions is None else CaptionedDataset(pairs, captions)


def _two_folders(targets: Listing, sources, size, background, channels, memory_limit: int) -> PairedDataset:
    if not is_folder(sources):
        raise InputError(
            f"Expected sources as a folder, or as 'left' or 'right', the half of each picture. Received: {sources}. "
            "Check the path."
        )
    if Path(sources).resolve() == Path(targets.folder).resolve():
        raise InputError(
            f"Expected two folders, one of the pictures and one of their sources. Received: {sources} as both. Name "
            "the other one, or a degradation that makes sources of the pictures, such as Greyed()."
        )
    originals = _in_order_of(targets, pictures_in(Path(sources)))
    headers, other_headers = headers_of(targets, needs_size=True), headers_of(originals, needs_size=True)
    _check_proportions(targets, originals, headers, other_headers)
    has_alpha, others_have = _any_transparent(headers), _any_transparent(other_headers)
    behind = background if has_alpha or not others_have else None
    return PairedDataset(
        noted(pictures_of(targets, headers, form_of(targets, headers, size, behind, channels), memory_limit)),
        pictures_of(
            originals,
            other_headers,
            form_of(originals, other_headers, size, background if others_have else None, None),
            memory_limit,
        ),
    )


def _halves(listing: Listing, side: str, size, background, channels, memory_limit: int) -> PairedDataset:
    headers = headers_of(listing, needs_size=True)
    odd = [path for path, header in zip(listing.paths, headers, strict=True) if header.size[1] % 2]
    if odd:
        raise InputError(
            f"Expected pictures of an even width in {listing.folder}, each with two halves side by side. Received: "
            f"{len(odd)} of an odd one: {some(listing.folder, odd)}. Correct or remove them."
        )
    halves = [dataclasses.replace(header, size=(header.size[0], header.size[1] // 2)) for header in headers]
    form = dataclasses.replace(form_of(listing, halves, size, background, channels), half=HALVES[side])
    source_form = dataclasses.replace(form_of(listing, halves, form.size, background, None), half=side)
    sources = pictures_of(listing, headers, source_form, memory_limit)
    sources.remarks = ()  # those of the targets, which are in the same files
    return PairedDataset(noted(pictures_of(listing, headers, form, memory_limit)), sources)


def _in_order_of(targets: Listing, sources: Listing) -> Listing:
    """The sources in the order of their targets, which have the same names but for the suffix."""
    wanted, found = _by_name(targets), _by_name(sources)
    single = [path for name, path in wanted.items() if name not in found]
    other = [path for name, path in found.items() if name not in wanted]
    if single or other:
        missing = f"none for {len(single)}: {some(targets.folder, single)}" if single else ""
        further = f"{len(other)} without a picture: {some(sources.folder, other)}" if other else ""
        raise InputError(
            f"Expected a source in {sources.folder} for each of {len(wanted)} pictures of {targets.folder}, of the "
            f"same name. Received: {'; and '.join(filter(None, (missing, further)))}. Add, rename or remove them."
        )
    return dataclasses.replace(sources, paths=[found[name] for name in wanted], labels=None, class_names=None)


def _by_name(listing: Listing) -> dict[str, Path]:
    """The pictures by their names from the folder on, without suffix, in the order of the listing."""
    pictures: dict[str, Path] = {}
    for path in listing.paths:
        name = unicodedata.normalize("NFC", path.relative_to(listing.folder).with_suffix("").as_posix())
        other = pictures.setdefault(name, path)
        if other != path:
            raise InputError(
                f"Expected pairs of pictures of one name, whatever the suffix. Received: {other.name} and {path.name} "
                f"in {path.parent}. Rename or remove one."
            )
    return pictures


def _check_proportions(
    targets: Listing, sources: Listing, headers: Sequence[Header], other_headers: Sequence[Header]
) -> None:
    """Checks that pairs lie over each other, though one may be smaller."""
    unlike = [
        number
        for number, (header, other) in enumerate(zip(headers, other_headers, strict=True))
        if abs(header.size[0] * other.size[1] / header.size[1] - other.size[0]) >= 1
    ]
    if unlike:
        first = unlike[0]
        raise InputError(
            f"Expected pairs of the same proportions. Received: {len(unlike)} of {len(headers)} that differ, such as "
            f"{targets.paths[first]} of {headers[first].size} and {sources.paths[first]} of "
            f"{other_headers[first].size} (height, width). Crop or remove them."
        )


def _any_transparent(headers: Iterable[Header]) -> bool:
    return any(header.is_transparent for header in headers)
