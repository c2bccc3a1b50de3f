"""The page of all presets, with figures and pictures, as `docs/gallery.md` has it."""

from __future__ import annotations

from pathlib import Path

from keras_gan_zoo.zoo.cards import Card

PICTURES = Path("images", "zoo")  # in docs
UNLICENSED = ("cifar10",)  # models of it may be published, but not its images
COLUMNS = {  # of the gallery's table: figure of a card, and how it is written
    "frechet_distance": ("Frechet distance", "{:.3f}"),
    "precision_recall.precision": ("precision", "{:.2f}"),
    "precision_recall.recall": ("recall", "{:.2f}"),
    "density_coverage.coverage": ("coverage", "{:.2f}"),
    "label_agreement": ("labels obeyed", "{:.1%}"),
    "nearest_neighbours.copies": ("copies of training images", "{:.2%}"),
}

INTRODUCTION = """The presets as they are in the package. Figures are of 10,000 samples against the test images, seen
by the shipped classifier of the data set; of CIFAR-10, 1,000 test images were at hand, and the tiles, which have
neither a test split nor a classifier, are compared with what they were trained on. Those in brackets are of real
images in the samples' place: the best that can be. Minutes are by the clock, on as many cores as the card says,
which other work shared for most presets. Pictures are not chosen: they are of seed 0. The sheets below them show
the samples that are likeliest to be copies, in triples: the sample, the training image that is nearest to it, and
the next nearest; a data set without a licence is not shown. `gan-zoo list NAME` says the rest, and
`python -m keras_gan_zoo.cli.publish` makes this page."""


def page(presets: dict[str, Card]) -> str:
    """The page of all presets, in Markdown: figures of the samples and, in brackets, of real images, then pictures."""
    heads = ["preset", *(head for head, _ in COLUMNS.values()), "minutes", "MB"]
    lines = ["# Gallery", "", INTRODUCTION, "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, card in sorted(presets.items()):
        cells = [_cell(card, figure, form) for figure, (_, form) in COLUMNS.items()]
        cells += [f"{card.training_minutes:.0f}", f"{card.size / 1e6:.1f}" if card.size else ""]
        lines.append(f"| [`{name}`](#{name}) | {' | '.join(cells)} |")
    for name, card in sorted(presets.items()):
        facts = [f"{card.description}.", f"{card.paper}."] if card.paper else [f"{card.description}."]
        lines += ["", f"## {name}", "", *facts, "", f"![{card.description}]({PICTURES.as_posix()}/{name}.png)"]
        if card.scores and card.data["name"] not in UNLICENSED:
            sheet = f"{PICTURES.as_posix()}/{name}_neighbours.png"
            lines += ["", f"![Samples beside the training images that are nearest to them]({sheet})"]
    return "\n".join(lines) + "\n"


def _cell(card: Card, figure: str, form: str) -> str:
    value, real = (card.figures(row).get(figure) for row in ("generated", "reference"))
    return "" if value is None else f"{form.format(value)} ({form.format(real)})"
