"""Publishes a finished run as a preset of this package, in a checkout."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from keras_gan_zoo import data as data_sets
from keras_gan_zoo import metrics, pictures
from keras_gan_zoo.core import event_files
from keras_gan_zoo.core.claims import claimed
from keras_gan_zoo.core.files import folder_written_beside, written_beside
from keras_gan_zoo.core.registry import ARCHITECTURES, DATA_SETS, EMOJI, VARIANTS, DataSet
from keras_gan_zoo.core.run_files import MODEL_FILE, RECIPE_FILE
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.extractors import shipped as extractors
from keras_gan_zoo.state.environment import environment
from keras_gan_zoo.training.build import resolve
from keras_gan_zoo.training.recipe import Recipe
from keras_gan_zoo.zoo import cards, gallery
from keras_gan_zoo.zoo.cards import GENERATOR, Card
from keras_gan_zoo.zoo.loading import load_run
from keras_gan_zoo.zoo.saving import write_files

ROOT = Path(__file__).parents[2]
LIMIT = 3_000_000  # bytes of a generator
ROWS = 8  # of a picture, if the model takes classes or texts
PAIRS = 18  # in the picture of a translator
LICENCE = "Apache-2.0"  # of the weights, as of the package


def publish(
    run: str | os.PathLike,
    name: str,
    description: str,
    selection: str,
    *,
    samples: int = 10_000,
    half: bool = False,
    data: dict[str, str | None] | None = None,
    reports: Sequence[str | os.PathLike] = (),
    root: str | os.PathLike = ROOT,
) -> Card:
    """Measures a finished run and writes it as a preset into a checkout; a preset of the same name is replaced.

    All files are written under temporary names before the first is renamed, except for the gallery, which comes last.

    Args:
        run: Folder of the run.
        name: Name of the preset, such as `<variant>_<data>`.
        description: Description of its samples, in one line.
        selection: How many seeds were trained, and how this model and its state were chosen, in one line.
        samples: Number of samples to measure.
        half: Whether numbers are stored in float16.
        data: `authors` and `licence` of data that are not in `DATA_SETS`.
        reports: Files of further reports on the model, see `metrics.Report.save`. Their results join the card.
        root: Folder of the checkout.

    Raises:
        InputError: If the run is not finished, its generator is too large, or the licence of its data is unknown.
        OSError: If something cannot be written.
    """
    run, package = Path(run), Path(root) / "keras_gan_zoo" / "zoo"
    table, docs = package / cards.TABLE.name, Path(root) / "docs"
    if not (run / MODEL_FILE).is_file():
        raise InputError(f"Expected a finished run, with a {MODEL_FILE}. Received: {run}, which has none. Train it on.")
    recipe, _ = resolve(Recipe.read(run / RECIPE_FILE))
    facts = {
        "description": description,
        "paper": papers(recipe),
        "licence": LICENCE,
        "data": facts_of_data(recipe, data or {}),
        "training_minutes": training_minutes(run),
        "selection": selection,
        "parent": recipe.from_preset or "",
        "environment": environment(),
        "recipe": _without_folders(recipe).given(),
    }
    gan, unfinished = load_run(run)
    if unfinished:
        raise InputError(f"Expected a finished run. Received: {unfinished} Train it on.")
    facts["texts"] = texts_to_show(gan, recipe)
    pairs = pairs_to_show(gan, recipe)
    further = [metrics.Report.load(file) for file in reports]
    report = measure(gan, recipe, samples)
    facts["scores"] = cards.scores_of([*([] if report is None else [report]), *further])
    # Of two that publish at once, one waits: its table is the other's and an entry more.
    with claimed(package, take_over=True, waits=True):
        with ExitStack() as stack:
            present = cards.read(table.read_bytes(), table)
            for place in (gallery.PICTURES, gallery.THUMBNAILS):
                (docs / place).mkdir(parents=True, exist_ok=True)
            thumbnail = docs / gallery.THUMBNAILS / f"{name}.png"
            new_table = stack.enter_context(written_beside(table))  # the first to be entered is the last to be renamed
            folder = stack.enter_context(folder_written_beside(package / cards.FOLDERS.name / name))
            folder.mkdir(parents=True)
            card = write_files(gan, folder, name, half, True, facts)
            _check_size(folder / GENERATOR)
            if pictures.can_draw(gan.example_shape):
                picture = stack.enter_context(written_beside(docs / gallery.PICTURES / f"{name}.png"))
                drawn = _drawn(gan, facts["texts"], pairs)
                pictures.save(drawn, picture)
                pictures.save(gallery.thumbnail(drawn), stack.enter_context(written_beside(thumbnail)))
            if report is not None and report.neighbours is not None and recipe.data not in gallery.UNLICENSED:
                sheet = stack.enter_context(written_beside(docs / gallery.PICTURES / f"{name}_neighbours.png"))
                pictures.save(report.neighbours, sheet)
            cards.write({**present, name: card}, new_table)
        with written_beside(docs / "gallery.md") as page:  # last, because it shows the sizes of the files
            page.write_text(gallery.page({**present, name: card}), encoding="utf-8")
    return card


def papers(recipe: Recipe) -> str:
    """The source of the algorithm, and that of the networks if it is another one."""
    algorithm, networks = VARIANTS[recipe.variant].paper, ARCHITECTURES[recipe.model["architecture"]].paper
    return algorithm if algorithm.startswith(networks) else f"{algorithm}; networks of {networks}"


def _without_folders(recipe: Recipe) -> Recipe:
    """A recipe that names its data, their sources and its first stage without the folders that they are in here."""
    model = {name: Path(value).name if name == "first_stage" else value for name, value in recipe.model.items()}
    sources = None if recipe.sources is None else Path(recipe.sources).name
    return dataclasses.replace(recipe, data=Path(recipe.data).name, sources=sources, model=model)


def facts_of_data(recipe: Recipe, given: dict[str, str | None]) -> dict[str, Any]:
    """Name, authors and licence of the data of a recipe, and of the sources if they are another named set."""
    name = Path(recipe.data).name
    named = [*recipe.data.split(","), *([recipe.sources] if recipe.sources in DATA_SETS else [])]
    rows = [DATA_SETS.get(each, DataSet()) for each in named]  # of two sets, in pairs or without
    known = {fact: _of_all([getattr(row, fact) for row in rows]) for fact in ("authors", "licence")}
    known |= {key: value for key, value in given.items() if value}
    if not all(known.values()):
        raise InputError(f"Expected authors and licence of {name}, which this command does not know. Give both.")
    return {"name": name, "split": recipe.split, **known}


def _of_all(facts: list[str]) -> str:
    """Facts of several data sets as one; empty if one of them is unknown."""
    return "; ".join(dict.fromkeys(facts)) if all(facts) else ""


def texts_to_show(gan, recipe: Recipe) -> list[str]:
    """Captions for the picture of a model that takes texts: of images that were not trained on, if there are any."""
    if gan.encoder is None:
        return []
    split = "test" if data_sets.has_splits(recipe.data) else recipe.split
    dataset = data_sets.load(recipe.data, split=split, **recipe.form)
    if not isinstance(dataset, data_sets.CaptionedDataset):
        raise InputError(f"Expected data with captions, to draw some. Received: {dataset}. Restore them.")
    return list(dict.fromkeys(dataset.texts()))[:ROWS]


def pairs_to_show(gan, recipe: Recipe) -> tuple[np.ndarray, np.ndarray] | None:
    """Held-out sources and targets for the picture of a translator; targets that are no pairs are of other sources.

    Raises:
        InputError: If the pictures of the data may not be shown.
    """
    if not gan.translates:
        return None
    if recipe.data in gallery.UNLICENSED:
        raise InputError(
            f"Expected data whose pictures may be shown beside their translations. Received: {recipe.data}, which has "
            "no licence. Train on others."
        )
    name, form = _pairs(recipe)
    split = "test" if data_sets.has_splits(name) else recipe.split
    dataset = gan.prepared(data_sets.load(name, split=split, **form))
    chosen = np.linspace(0, len(dataset) - 1, min(PAIRS, len(dataset)), dtype=int)
    return dataset.conditions[chosen], dataset.examples[chosen]


def _pairs(recipe: Recipe) -> tuple[str, dict[str, Any]]:
    """The data with which translations are compared, and their form; emoji of two styles have pairs."""
    sources, _, targets = recipe.data.partition(",")
    if {sources, targets} <= set(EMOJI):
        return targets, {**recipe.form, "sources": sources}
    return recipe.data, recipe.form


def training_minutes(run: Path) -> float:
    """Minutes of training by TensorBoard's log.

    Raises:
        InputError: If there is no such log.
    """
    minutes = event_files.training_minutes(run)
    if minutes is None:
        raise InputError(f"Expected a run with the times of its epochs in tensorboard/. Received: {run} without.")
    return round(minutes, 1)


def measure(gan, recipe: Recipe, samples: int) -> metrics.Report | None:
    """Measures a model of images; None for other models, and for translators without pairs to compare with."""
    if len(gan.example_shape) != 3:
        return None
    if gan.translates:
        name, form = _pairs(recipe)
        return None if "," in name else metrics.evaluate(gan, name, **form, progress=_say)
    names, extractor = ["nearest_neighbours"], "pixels"
    if recipe.data in extractors():
        names = ["frechet_distance", "kernel_distance", "precision_recall", "density_coverage", *names]
        names += ["label_agreement"] if gan.has_classes else []
        extractor = None
    return metrics.evaluate(
        gan, recipe.data, metrics=names, extractor=extractor, n=samples, **recipe.form, progress=_say
    )


def _say(stage: str, done: int, total: int) -> None:
    if done == total:
        click.echo(f"{stage} ...", err=True)


def _check_size(file: Path) -> None:
    if file.stat().st_size > LIMIT:
        raise InputError(
            f"Expected a generator of at most {LIMIT:,} bytes. Received: {file.stat().st_size:,}. Store it in float16, "
            "with half, or train a smaller one."
        )


def _drawn(gan, texts: list[str], pairs: tuple | None) -> Image.Image:
    if pairs is not None:
        return pictures.draw_translations(gan, *pairs)
    if texts:
        return pictures.draw_texts(gan, texts)
    return pictures.draw_samples(gan, n=ROWS * gan.num_classes if gan.has_classes else None)
