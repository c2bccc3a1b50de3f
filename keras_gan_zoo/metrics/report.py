"""One protocol from end to end: samples against the test split of a data set, beside real images in their place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from keras_gan_zoo import files
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.evaluation import DEFAULT, Seen, Sets, check_metrics, measure
from keras_gan_zoo.metrics.features import extractor as as_extractor
from keras_gan_zoo.metrics.neighbours import Neighbours
from keras_gan_zoo.metrics.result import Result


@dataclass(frozen=True)
class Report:
    """What metrics found of samples, and of real images in their place: the floor, or the ceiling, of each figure.

    Args:
        subject: What was measured.
        generated: The results of the samples.
        reference: The results of as many real training images, metric by metric.
        neighbours: If nearest neighbours were measured, the picture of those that are nearest, see `Neighbours`.
    """

    subject: str
    generated: list[Result] = field(default_factory=list)
    reference: list[Result] = field(default_factory=list)
    neighbours: Image.Image | None = None

    def rows(self) -> list[tuple[str, str, str]]:
        """(figure, of the samples, of real images), formatted."""
        return [
            (f"{ours.metric}" if name == "value" else f"  {name}", f"{ours.values[name]:.5g}", f"{value:.5g}")
            for ours, real in zip(self.generated, self.reference, strict=True)
            for name, value in real.values.items()
        ]

    def save(self, path) -> None:
        """Writes all results with their protocols as JSON."""
        content = {
            "subject": self.subject,
            "generated": [result.to_dict() for result in self.generated],
            "reference": [result.to_dict() for result in self.reference],
        }
        with files.written_beside(path) as beside:
            beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def evaluate(
    sample: Callable[[int, np.ndarray | None], np.ndarray],
    data: str,
    *,
    labels: np.ndarray | None = None,
    split: str = "test",
    train_split: str = "train",
    validation_split: str | None = None,
    image_size: int | None = None,
    metrics: Iterable[str] = DEFAULT,
    extractor=None,
    n: int = 10_000,
    seed: int = 0,
    subject: str = "samples",
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Report:
    """Measures n samples against a split of a data set, and n images of the training split likewise.

    Args:
        sample: Gives images (m, height, width, channels): called with numbers of samples that sum to n, and with
            their labels where `labels` are given.
        data: The name or path of the real images, see `data.load`. A set without splits is cut into halves.
        labels: What to ask for, (n,); None of a model without classes.
        split: Of a TensorFlow Datasets set: the real images.
        train_split: The images that were trained on.
        validation_split: Real images that choose the Parzen windows' bandwidth.
        image_size: As in `data.load`.
        metrics: Names, keys of `METRICS`.
        extractor: See `metrics.extractor`; None takes the shipped classifier of the data set.
        n: How many samples.
        seed: Of the choice of reference images, and of metrics that draw.
        subject: What to call the samples.
        progress: Called with (stage, done, total).

    Returns:
        A `Report`.

    Raises:
        InputError: For unknown metrics, data or extractors, and sets that do not fit each other.
    """
    metrics = check_metrics(metrics)
    real, train, validation, said = _real_sets(data, split, train_split, validation_split, image_size, seed)
    if extractor is None:
        from keras_gan_zoo.callbacks.metrics import default_extractor

        extractor = default_extractor(real)
    chosen = as_extractor(extractor)

    def seen(stage: str, images, its_labels=None) -> Seen:
        counted = [0]

        def tick(more: int):
            counted[0] += more
            progress(stage, counted[0], len(images))

        return Seen(images, chosen, its_labels, tick)

    generated = seen("features of samples", _sampled(sample, labels, n, real.example_shape, progress), labels)
    some = np.random.default_rng(seed).permutation(len(train))[:n]
    real_seen = seen("features of real images", _images(real), real.labels)
    some_labels = None if train.labels is None else train.labels[some]
    in_its_place = seen("features of the reference", _images(train)[some], some_labels)
    train_seen = Seen(_images(train), chosen, train.labels)
    validation_seen = None if validation is None else Seen(_images(validation), chosen)

    found: dict[str, list[Result]] = {"generated": [], "reference": []}
    rows = {"generated": generated, "reference": in_its_place}
    sets = {row: Sets(images, real_seen, train_seen, validation_seen, seed) for row, images in rows.items()}
    # A training image is its own nearest one: what copies are is told by real images that were not trained on.
    unseen = Sets(real_seen, real_seen, train_seen, validation_seen, seed)
    for number, name in enumerate(metrics):
        for row in rows:
            of_row = unseen if (row, name) == ("reference", "nearest_neighbours") else sets[row]
            progress(name, 2 * number + (row == "reference"), 2 * len(metrics))
            found[row] += measure(of_row, [name], **said)
    progress("metrics", 2 * len(metrics), 2 * len(metrics))
    nearest = [result for result in found["generated"] if isinstance(result, Neighbours)]
    picture = nearest[0].picture(generated.images, train_seen.images) if nearest else None
    return Report(subject, found["generated"], found["reference"], picture)


def _real_sets(name, split, train_split, validation_split, image_size, seed):
    """(real, train, validation, what to say of them)."""
    from keras_gan_zoo import data

    if not data.has_splits(name):
        whole = data.load(name, image_size=image_size)
        order = np.random.default_rng(seed).permutation(len(whole))
        real, train = (_part(whole, order[half::2]) for half in (0, 1))
        return real, train, None, {"data": whole.name, "split": "a random half", "seed": seed}

    def load(part: str | None):
        return None if part is None else data.load(name, split=part, image_size=image_size)

    return load(split), load(train_split), load(validation_split), {"data": str(name), "split": split, "seed": seed}


def _part(whole, indices):
    from keras_gan_zoo.data import Dataset

    labels = None if whole.labels is None else whole.labels[indices]
    return Dataset(_images(whole)[indices], labels, name=whole.name, class_names=whole.class_names)


def _images(dataset) -> np.ndarray:
    return dataset.examples if hasattr(dataset, "examples") else dataset.read(range(len(dataset)))


def _sampled(sample, labels, n: int, shape, progress) -> np.ndarray:
    from keras_gan_zoo.pictures import to_uint8

    found = []
    for start in range(0, n, 500):
        size = min(500, n - start)
        images = np.asarray(sample(size, None if labels is None else labels[start : start + size]))
        if images.shape != (size, *shape):
            raise InputError(
                f"Expected {size} samples of shape {shape}, as the real images are. Received: {images.shape}. "
                "Choose the data set that was trained on, or --image-size."
            )
        found.append(to_uint8(images))
        progress("samples", start + size, n)
    return np.concatenate(found)
