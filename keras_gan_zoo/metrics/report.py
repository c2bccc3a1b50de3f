"""A complete evaluation: samples against the test split of a data set, with real images for reference."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape

import numpy as np
from PIL import Image

from keras_gan_zoo.core.conditions import renumbered
from keras_gan_zoo.core.notebooks import table
from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.core.registry import DEFAULT_METRICS, FORM, MIXTURES
from keras_gan_zoo.data import Dataset, load
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.arrays import as_pixels
from keras_gan_zoo.metrics.modes import mode_coverage
from keras_gan_zoo.metrics.neighbours import Neighbours
from keras_gan_zoo.metrics.protocol import check_metrics, check_needs, extractor_for, measure
from keras_gan_zoo.metrics.real_images import RealImages
from keras_gan_zoo.metrics.result import Result, write_json
from keras_gan_zoo.metrics.sets import Sets
from keras_gan_zoo.metrics.sources import IN_TURN, Source, as_source

REPORT = Kind("report", "a report that save() wrote", "Write it again: gan-zoo evaluate ... -o FILE.")


@dataclass(frozen=True)
class Report:
    """Results of metrics for samples, and for real images in their place, which give the best value to expect.

    Args:
        subject: The name of what was measured.
        generated: The results of the samples.
        reference: The results of the same number of real training images, metric by metric. For `similarity` they are
            NaN: other images are no translations.
        neighbours: If nearest neighbours were measured, a picture of the nearest ones, see `Neighbours`.
    """

    subject: str
    generated: list[Result] = field(default_factory=list)
    reference: list[Result] = field(default_factory=list)
    neighbours: Image.Image | None = None

    def rows(self) -> list[tuple[str, str, str]]:
        """Rows (figure, samples, real images), as text; several figures follow a row with the name of their metric."""
        rows = []
        for ours, real in zip(self.generated, self.reference, strict=True):
            several = "value" not in ours.values
            rows += [(ours.metric, "", "")] if several else []
            for name, value in ours.values.items():
                label = ours.metric if name == "value" else f"  {name}"
                rows.append((label, _shown(value), _shown(real.values[name])))
        return rows

    def protocol(self) -> str:
        """The entries that the protocols of all results share, except for digests."""
        first = self.generated[0].protocol
        common = {k: v for k, v in first.items() if all(r.protocol.get(k) == v for r in self.generated)}
        extractors = {r.protocol["extractor"]: None for r in self.generated if "extractor" in r.protocol}
        if extractors:
            common["features by"] = ", ".join(extractors)
        left_out = ("sha256", "checksum", "extractor", "preprocessing", "features")
        return ", ".join(f"{name} {value}" for name, value in common.items() if name not in left_out)

    def _repr_html_(self) -> str:
        """The table that `rows` gives, and the protocol, as notebooks show them."""
        return f"{table(self.rows(), (self.subject, 'samples', 'real images'))}<p>{escape(self.protocol())}</p>"

    def save(self, path) -> None:
        """Writes all results with their protocols as JSON."""
        content = {
            "subject": self.subject,
            "generated": [result.to_dict() for result in self.generated],
            "reference": [result.to_dict() for result in self.reference],
        }
        write_json(path, content)

    @classmethod
    def load(cls, path) -> Report:
        """Reads what `save` wrote."""
        with REPORT.border(path):
            content = json.loads(REPORT.content(path))
            rows = [[Result.from_dict(entry) for entry in content[row]] for row in ("generated", "reference")]
            if not isinstance(content["subject"], str) or len(rows[0]) != len(rows[1]):
                raise ValueError("without the name of what was measured, or its results beside the reference")
            return cls(content["subject"], *rows)


REPORT.reader(Report.load)


def evaluate(
    source,
    data: str,
    *,
    split: str | None = None,
    train_split: str | None = None,
    validation_split: str | None = None,
    image_size: int | None = None,
    background: str | None = None,
    channels: int | None = None,
    sources: str | os.PathLike | None = None,
    degradation=None,
    metrics: Iterable[str] | None = None,
    extractor=None,
    n: int | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Report:
    """Measures n samples against a split of a data set, and n images of the training split likewise.

    The labels of samples are in the shares of the classes in that split, or in turn where it has no labels; other
    conditions are those of its images. A set without splits, such as `digits`, is cut into random halves, because it is
    unknown which images were trained on. One half is compared with, the other is measured in place of samples, and
    copies are sought in the whole set.

    Args:
        source: A model, an array of images, a function from n to n images, or a path, see `sources.as_source`.
        data: The name or path of the real images, see `data.load`.
        split: Split to compare with, of a set that has some, by default "test".
        train_split: Split of the training images, by default "train".
        validation_split: Split that chooses the Parzen windows' bandwidth; it should not contain training images.
        image_size: As in `data.load`.
        background: As in `data.load`.
        channels: As in `data.load`, for the real images and for a source that is a path of images.
        sources: As in `data.load`.
        degradation: As in `data.load`.
        metrics: Names, keys of `METRICS`; by default those that the registry marks as default, and `similarity`
            alone for translators. For a mixture of Gaussians the only metric is `mode_coverage`.
        extractor: See `metrics.extractor`; None takes the shipped classifier of the data set.
        n: Number of samples; by default 10,000, or fewer if there are not so many images. Translators begin again
            with the first source when there are no more.
        seed: Seed of the noise, of the choice of reference images, and of metrics that draw random numbers.
        progress: Called with (stage, done, total).

    Returns:
        A `Report`.

    Raises:
        InputError: For unknown metrics, data or extractors, and for samples that do not fit the data.

    Example:
        ```python
        report = metrics.evaluate(gan, "fashion_mnist", metrics=["frechet_distance", "precision_recall"])
        print(*report.generated, sep="\n")
        ```
    """
    source = as_source(source, seed, channels)
    _check_name(data)
    splits = (split, train_split, validation_split)
    form = dict(zip(FORM, (image_size, background, channels, sources, degradation), strict=True))
    if data in MIXTURES:
        _check_mixture(data, metrics, (*splits, *form.values(), extractor))
        return _evaluate_mixture(source, load(data), n, seed)
    if metrics is None:
        metrics = ("similarity",) if source.translates else DEFAULT_METRICS
    metrics = _check_for_images(data, metrics)
    images = RealImages.load(data, splits, form, seed)
    _check_images(images.real)
    chosen = extractor_for(metrics, extractor, images.real)
    if n is None and source.translates:
        n = min(10_000, len(images.real))
    n = _sample_count(n, source, images.reference)
    given = source.conditions(n, images.real)
    batches, labels = source.draw(n, given.conditions)
    labels = renumbered(labels, source.class_names, images.real.class_names)
    shape, has_labels = images.real.example_shape, labels is not None and images.real.has_labels
    check_needs(metrics, chosen, shape, has_labels, min(n, len(images.real)), given.pairs is not None)

    samples = _draw_samples(batches, n, shape, progress)
    sets = images.sets(samples, labels, chosen, seed, progress, given.pairs)
    rows = _measure_rows(metrics, sets, images.protocol, given.protocol, progress)
    nearest = [result for result in rows["generated"] if isinstance(result, Neighbours)]
    picture = nearest[0].picture(samples, sets["generated"].train.images) if nearest else None
    return Report(source.name, rows["generated"], rows["reference"], picture)


def _evaluate_mixture(source: Source, mixture: Dataset, n: int | None, seed: int) -> Report:
    n = _sample_count(2500 if n is None else n, source, mixture)  # as many as in the papers' tables
    batches, labels = source.draw(n)  # the modes, which are the classes, have equal shares
    samples = np.concatenate([_checked_shape(points, mixture.example_shape) for points in batches])
    in_place = mixture.examples[np.random.default_rng(seed).permutation(len(mixture))[:n]]
    rows = (mode_coverage(points, mixture.centers, mixture.std) for points in (samples, in_place))
    generated, reference = (row.under(data=mixture.name, seed=seed) for row in rows)
    generated = generated if labels is None else generated.under(labels=IN_TURN)
    return Report(source.name, [generated], [reference])


def _check_mixture(data: str, metrics, others: tuple) -> None:
    names = [metrics] if isinstance(metrics, str) else metrics or ()
    received = [str(value) for value in (*names, *others) if value not in (None, "mode_coverage")]
    if received:
        raise InputError(
            f"Expected mode_coverage alone for {data}, whose examples are points of a known mixture. Received: "
            f"{', '.join(received)}. Leave that out."
        )


def _check_name(data) -> None:
    if not isinstance(data, (str, os.PathLike)):
        raise InputError(
            f"Expected the name or the path of real images. Received: {type(data).__name__}. Write them to a file, "
            "np.savez('real.npz', images=images, labels=labels), and give its path."
        )


def _check_for_images(data, metrics: Iterable[str]) -> tuple[str, ...]:
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if "mode_coverage" in names:
        raise InputError(
            f"Expected {' or '.join(MIXTURES)} for mode_coverage, because their modes are known. Received: {data}. "
            "Choose one of them, or another metric."
        )
    return check_metrics(names)


def _check_images(real: Dataset) -> None:
    if len(real.example_shape) != 3:
        raise InputError(
            f"Expected images, or a mixture of known modes: {', '.join(MIXTURES)}. Received: {real}, which is neither. "
            "Vectors are measured in Python, such as by metrics.kernel_distance(real, gan.sample(n))."
        )


def _measure_rows(metrics, sets: dict[str, Sets], protocol: dict, of_samples: dict, progress):
    """Measures each row of a report; `of_samples` are entries of the protocol of the samples alone."""
    results: dict[str, list[Result]] = {"generated": [], "reference": []}
    steps = [(name, row) for name in metrics for row in results]
    for number, (name, row) in enumerate(steps):
        progress(f"measuring: {name}", number, len(steps))
        # A training image is its own nearest neighbour, so the reference for copies is images that were not trained on.
        place = "unseen" if (row, name) == ("reference", "nearest_neighbours") else row
        results[row] += measure(sets[place], [name], **protocol, **(of_samples if row == "generated" else {}))
    progress("measuring", len(steps), len(steps))
    return results


def _sample_count(n: int | None, source: Source, reference) -> int:
    """The number of samples, checked against the available samples and reference images."""
    limits = [len(reference)] if source.limit is None else [len(reference), source.limit]
    n = min(10_000, *limits) if n is None else n
    if n > min(limits):
        what = "images to be measured" if n > limits[-1] and source.limit is not None else "real images to compare with"
        raise InputError(f"Expected at most as many samples as there are {what}. Received: {n}. Ask for {min(limits)}.")
    return n


def _draw_samples(batches, n: int, shape, progress) -> np.ndarray:
    parts, done = [], 0
    for images in batches:
        parts.append(as_pixels(_checked_shape(images, shape), "samples"))
        done += len(parts[-1])
        progress("samples", done, n)
    if done != n:
        raise InputError(f"Expected {n} samples. Received: {done}.")
    return np.concatenate(parts)


def _checked_shape(samples, shape) -> np.ndarray:
    samples = np.asarray(samples)
    if samples.shape[1:] != tuple(shape):
        raise InputError(
            f"Expected samples of shape {tuple(shape)}, as the real examples are. Received: {samples.shape[1:]}. "
            f"Choose the data set that was trained on{', or its image_size or channels' if len(shape) == 3 else ''}."
        )
    return samples


def _shown(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.5g}"
