"""The real images of a report: those to compare with, and those that are measured in place of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_gan_zoo.data import CaptionedDataset, Dataset, has_splits, load
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.sets import ImageSet, Sets


@dataclass(frozen=True)
class RealImages:
    """The real images of a report.

    Args:
        real: The images to compare with.
        reference: The images that are measured in place of samples.
        train: The training images.
        validation: The images that choose a bandwidth, or None.
        protocol: Entries for the results' protocols.
    """

    real: Dataset
    reference: Dataset
    train: Dataset
    validation: Dataset | None
    protocol: dict

    @classmethod
    def load(cls, name, splits: tuple, form: dict, seed: int) -> RealImages:
        """Loads the splits to compare with, of training, and for validation; `form` has options of `data.load`."""
        if not has_splits(name):
            if splits != (None, None, None):
                raise InputError(f"Expected no splits for {name}, which is one whole. Received: some. Leave them out.")
            return cls._halves(load(name, **form).in_memory(), seed)
        split, train_split, validation_split = splits[0] or "test", splits[1] or "train", splits[2]
        parts = [split, train_split, *([validation_split] if validation_split else [])]
        real, train, *validation = (load(name, split=part, **form).in_memory() for part in parts)
        protocol = {"data": str(name), "split": split, "train_split": train_split, "checksum": _checksum(real)}
        if validation_split:
            protocol["validation"] = validation_split
        return cls(real, train, train, validation[0] if validation else None, protocol)

    @classmethod
    def _halves(cls, whole: Dataset, seed: int) -> RealImages:
        order = np.random.default_rng(seed).permutation(len(whole))
        real, reference = (_part(whole, order[half::2]) for half in (0, 1))
        return cls(
            real, reference, whole, None, {"data": whole.name, "split": "a random half", "checksum": _checksum(whole)}
        )

    def sets(self, samples, labels, extractor, seed: int, progress, pairs=None) -> dict[str, Sets]:
        """The image sets for each row of a report, and for real images that were not trained on."""
        chosen = np.random.default_rng(seed).permutation(len(self.reference))[: len(samples)]
        reference = self.reference.examples
        reference_labels = None if self.reference.labels is None else self.reference.labels[chosen]

        def image_set(stage: str, images, labels=None) -> ImageSet:
            return ImageSet(images, extractor, labels, lambda done: progress(stage, done, len(images)))

        generated = image_set("features of samples", samples, labels)
        real = image_set("features of real images", self.real.examples, self.real.labels)
        in_place = image_set("features of the reference", reference[chosen], reference_labels)
        train = ImageSet(self.train.examples, extractor)
        validation = None if self.validation is None else ImageSet(self.validation.examples, extractor)
        return {
            "generated": Sets(generated, real, train, validation, seed, pairs),
            "reference": Sets(in_place, real, train, validation, seed),
            "unseen": Sets(real, real, ImageSet(reference, extractor), None, seed),
        }


def _checksum(dataset: Dataset) -> int:
    return dataset.described()["checksum"]


def _part(whole, indices):
    if isinstance(whole, CaptionedDataset):
        return whole[indices]
    conditions = None if whole.conditions is None else whole.conditions[indices]
    return Dataset(
        whole.examples[indices],
        conditions=conditions,
        name=whole.name,
        class_names=whole.class_names,
        remarks=whole.remarks,
    )
