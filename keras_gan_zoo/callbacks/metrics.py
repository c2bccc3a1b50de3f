"""Metrics of samples during training: in the logs, and as stopping criteria."""

from collections.abc import Iterable

import keras

from keras_gan_zoo.core.bounds import check_count, check_seed
from keras_gan_zoo.core.conditions import renumbered
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.features.extractors import Extractor
from keras_gan_zoo.metrics.protocol import check_metrics, check_needs, extractor_for, logged, measure
from keras_gan_zoo.metrics.sets import ImageSet, Sets
from keras_gan_zoo.metrics.sources import labels_in_shares


class Metrics(keras.callbacks.Callback):
    """Measures samples after an epoch; callbacks after this one, such as a log file or `Stopping`, see the figures.

    Samples come from `gan.sample`, so from the averaged generator if there is one, and always from the same noise.
    Their labels are in the shares of the classes among the real images, or in turn where these have no labels; other
    conditions are those of the real images.

    Args:
        metrics: Names, keys of `metrics.METRICS`. One with a single value is logged under its own name, such as
            `frechet_distance`; others under `precision` and `recall`, `density` and `coverage`, or the metric's
            and the figure's names joined, such as `nearest_neighbours_copies`.
        real: Images to compare with, an array or a `data.Dataset`; by default the training data.
        extractor: The feature extractor, see `metrics.extractor`; by default the shipped classifier of the data set.
        n: Number of samples, and of real images.
        every: Number of epochs between measurements; the first and the last epoch are always measured.
        seed: Seed of the noise, and of the choice of real images.
        prefix: Prefix of the logged names, to distinguish two of these callbacks.

    Attributes:
        results: The results of the last measurement, with their protocols.

    Raises:
        InputError: For unknown metrics and options out of range; by `fit`, if there are no real images, or no
            known extractor for them.

    Example:
        ```python
        quality = kgz.callbacks.Metrics(["frechet_distance", "precision_recall"], n=5000)
        stopping = kgz.callbacks.Stopping("frechet_distance", patience=10)
        gan.fit(kgz.data.load("mnist"), epochs=100, callbacks=[quality, stopping])
        ```
    """

    def __init__(
        self,
        metrics: Iterable[str] = ("frechet_distance",),
        real=None,
        extractor=None,
        n: int = 2000,
        every: int = 1,
        seed: int = 0,
        prefix: str = "",
    ):
        super().__init__()
        self.metrics = check_metrics(metrics)
        check_count("n", n, low=2)
        check_count("every", every)
        self.real, self.extractor, self.n, self.every, self.seed = real, extractor, n, every, check_seed(seed)
        self.prefix, self.results = prefix, []

    def check(self, model, dataset: Dataset | None) -> tuple[Dataset, Extractor]:
        """The real images and the extractor; raises an `InputError` if the model cannot be measured."""
        if self.real is not None:
            dataset = self.real if isinstance(self.real, Dataset) else Dataset(self.real)
        if dataset is None:
            raise InputError(
                "Expected arrays or a data.Dataset to compare samples with. Received: another source of batches. Pass "
                "Metrics(real=images)."
            )
        if len(dataset.example_shape) != 3 or dataset.example_shape != model.example_shape:
            raise InputError(
                f"Expected real images {model.example_shape} to compare samples with. Received: {dataset}."
            )
        chosen = extractor_for(self.metrics, self.extractor, dataset)
        if model.conditional and not model.has_classes:
            model.condition.check_data(None, dataset.condition_shape)
        labelled = dataset.has_labels and model.has_classes
        check_needs(self.metrics, chosen, dataset.example_shape, labelled, min(self.n, len(dataset)))
        return dataset, chosen

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data; None if it has no access to them."""
        real, chosen = self.check(self.model, dataset)
        images, self._conditions = real.some(min(self.n, len(real)), self.seed, self.model.conditional)
        labels = self._conditions if self.model.has_classes and real.has_labels else None
        self._protocol = {name: value for name, value in real.described().items() if name == "checksum"}
        self._protocol["data"] = real.name
        self._labels = None
        if self.model.has_classes:
            # Training data are learned by their numbers, whatever their names; other images have the model's names.
            names = None if self.real is None else real.class_names
            known = labels if real.labels is None else real.labels  # a set that streams does not hold its labels
            condition = self.model.condition
            self._conditions, self._protocol["labels"] = labels_in_shares(condition, len(images), known, names)
            self._labels = renumbered(self._conditions, condition.class_names, names)
        self._real, self._train = ImageSet(images, chosen, labels), None
        if "nearest_neighbours" in self.metrics and dataset is not None:
            self._train = ImageSet(dataset.in_memory().examples, chosen)

    def on_epoch_end(self, epoch, logs=None):
        is_last = epoch + 1 == self.params.get("epochs")
        if epoch == 0 or (epoch + 1) % self.every == 0 or is_last:
            self._measure()
            if logs is not None:
                logs.update(self.figures())

    def figures(self) -> dict[str, float]:
        """The figures of the last measurement, by their logged names."""
        results = [logged(result) for result in self.results]
        return {self.prefix + name: value for figures in results for name, value in figures.items()}

    def _measure(self) -> None:
        images = self.model.sample(len(self._real), seed=self.seed, conditions=self._conditions)
        generated = ImageSet(images, self._real.extractor, self._labels)
        sets = Sets(generated, self._real, train=self._train, seed=self.seed)
        self.results = measure(sets, self.metrics, **self._protocol)
