"""The page `docs/gallery.md`: all presets with scores and pictures."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image

from keras_gan_zoo.core.registry import variant
from keras_gan_zoo.zoo.cards import Card

PICTURES, THUMBNAILS = Path("images", "zoo"), Path("images", "thumbnails")  # in docs
THUMBNAIL = 160  # pixels
UNLICENSED = ("cifar10",)  # models trained on it may be published, its images may not
COLUMNS = {  # of the table in the gallery: a score of the card, its heading, and its format
    "frechet_distance": ("Frechet distance", "{:.3f}"),
    "precision_recall.precision": ("precision", "{:.2f}"),
    "precision_recall.recall": ("recall", "{:.2f}"),
    "density_coverage.coverage": ("coverage", "{:.2f}"),
    "label_agreement": ("label agreement", "{:.1%}"),
    "attributes_unseen.mean": ("attributes right", "{:.3f}"),
    "nearest_neighbours.copies": ("copies of training images", "{:.2%}"),
}
OF_TRANSLATORS = {  # likewise
    "similarity.l1": ("L1", "{:.3f}"),
    "similarity.psnr": ("PSNR", "{:.1f} dB"),
    "similarity.ssim": ("SSIM", "{:.3f}"),
}

INTRODUCTION = """These are the presets that come with the package. Scores are for 10,000 samples and the test images,
with features from the shipped classifier of the data set. Scores in brackets are for real images in
place of samples, and show the best that can be expected. There are exceptions: for CIFAR-10 only
1,000 test images were available; the tiles have neither a test split nor a classifier, and are
compared with the training images; of models that take texts, it is measured how often an attribute is
as an unseen caption says, see [metrics](metrics.md#text-to-image). Minutes are wall-clock time, on the
number of cores that the card states; most presets shared the machine with other work. Pictures are not
selected: all show the samples of seed 0. The sheets below them show the samples that are most likely to
be copies, in triples: the sample, the nearest training image, and the second nearest. Images of data
sets without a licence are not shown. `gan-zoo list NAME` prints all details.
`python -m keras_gan_zoo.cli.publish` writes this page."""

TRANSLATORS = """Translators are compared with the targets of held-out pairs, see
[`similarity`](metrics.md#what-each-metric-measures). In brackets are the sources themselves, enlarged if they are
smaller: the answer that needs no model. Pictures show triples of a source, its translation, and its target."""


def page(presets: dict[str, Card]) -> str:
    """The page in Markdown: tables with scores and, in brackets, of what they are compared with; then pictures."""
    translators = {name: card for name, card in presets.items() if variant(card.variant).takes_pictures}
    others = {name: card for name, card in presets.items() if name not in translators}
    lines = ["# Gallery", "", *map(_wall_cell, sorted(presets)), "", INTRODUCTION, "", *_table(others, COLUMNS)]
    if translators:
        lines += ["", TRANSLATORS, "", *_table(translators, OF_TRANSLATORS)]
    for name, card in sorted(presets.items()):
        facts = [f"{card.description}.", f"{card.paper}."] if card.paper else [f"{card.description}."]
        lines += ["", f"## {name}", "", *facts, "", f"![{card.description}]({PICTURES.as_posix()}/{name}.png)"]
        if card.selection:
            lines += ["", f"Selection: {card.selection}."]
        if name in translators:
            lines += ["", f"Sources and targets: {card.data['authors']}; {card.data['licence']}."]
        if card.texts:
            lines += ["", "The texts of the rows:", "", *(f"{row}. {text}" for row, text in enumerate(card.texts, 1))]
        if "nearest_neighbours.copies" in card.figures() and card.data["name"] not in UNLICENSED:
            sheet = f"{PICTURES.as_posix()}/{name}_neighbours.png"
            lines += ["", f"![Samples beside their nearest training images]({sheet})"]
    return "\n".join(lines) + "\n"


def thumbnail(picture: Image.Image) -> Image.Image:
    """The upper left part of a picture of samples: whole images, because their number in a row is even."""
    half = min(picture.width // 2, picture.height)
    return picture.convert("RGB").crop((0, 0, half, half)).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)


def _wall_cell(name: str) -> str:
    return f"[![{name}]({THUMBNAILS.as_posix()}/{name}.png)](#{name})"


def _table(presets: dict[str, Card], columns: dict[str, tuple[str, str]]) -> list[str]:
    heads = ["preset", *(head for head, _ in columns.values()), "minutes", "MB"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, card in sorted(presets.items()):
        cells = [_cell(card, figure, form) for figure, (_, form) in columns.items()]
        cells += [f"{card.training_minutes:.0f}", f"{card.size / 1e6:.1f}" if card.size else ""]
        lines.append(f"| [`{name}`](#{name}) | {' | '.join(cells)} |")
    return lines


def _cell(card: Card, figure: str, form: str) -> str:
    figures = card.figures()
    of_sources = {name.replace(".source_", "."): value for name, value in figures.items() if ".source_" in name}
    compared = card.figures("reference") | of_sources
    if figure not in figures:
        return ""
    beside = "" if math.isnan(compared[figure]) else f" ({form.format(compared[figure])})"
    return form.format(figures[figure]) + beside
