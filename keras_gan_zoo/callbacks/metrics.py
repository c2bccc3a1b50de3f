"""Metrics of samples while a GAN trains: in the logs, and for a stopping criterion."""

from collections.abc import Iterable

import numpy as np

from keras_gan_zoo.bounds import check_count
from keras_gan_zoo.callbacks.stateful import Stateful
from keras_gan_zoo.checks import check_seed
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.metrics.evaluation import Seen, Sets, check_metrics, measure
from keras_gan_zoo.metrics.features import extractor as as_extractor
from keras_gan_zoo.metrics.features import shipped


class Metrics(Stateful):
    """Measures samples after an epoch; callbacks after this one, such as a log file or `Stopping`, see the figures.

    Samples are those of `gan.sample`: of the averaged generator where there is one, always from the same noise. In
    epochs without a measurement the last figures are logged again.

    Args:
        metrics: Names, keys of `metrics.METRICS`. One with a single value is logged under its own name, such as
            `frechet_distance`; others under those of their figures, such as `precision` and `recall`.
        real: Images to compare with, an array or a `data.Dataset`; by default those that are trained on.
        extractor: What gives the features, see `metrics.extractor`; by default the shipped classifier of the data set.
        n: Number of samples, and of real images.
        every: Epochs from measurement to measurement.
        seed: Of the noise, and of the choice of real images.

    Raises:
        InputError: For unknown metrics and options out of range; by `fit`, if there are no real images, or no
            extractor is known for them.

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
    ):
        super().__init__()
        self.metrics = check_metrics(metrics)
        check_count("n", n, low=2)
        check_count("every", every)
        self.real, self.extractor, self.n, self.every, self.seed = real, extractor, n, every, check_seed(seed)
        self.results: list = []

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data, if it knows them."""
        if self.real is not None:
            dataset = self.real if isinstance(self.real, Dataset) else Dataset(self.real)
        if dataset is None:
            raise InputError(
                "Expected arrays or a data.Dataset to compare samples with. Received: another source of batches. Pass "
                "Metrics(real=images)."
            )
        if len(dataset.example_shape) != 3 or dataset.example_shape != self.model.example_shape:
            raise InputError(
                f"Expected real images {self.model.example_shape} to compare samples with. Received: {dataset}."
            )
        chosen = as_extractor(self.extractor or default_extractor(dataset))
        with_labels = dataset.has_labels and self.model.conditional
        batch = next(iter(dataset.batches(min(self.n, len(dataset)), seed=self.seed, with_labels=with_labels)))
        images, labels = (part.numpy() for part in batch) if with_labels else (batch.numpy(), None)
        self._real = Seen(images, chosen, labels)
        self._look()  # says before any training what cannot be measured

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or "figures" not in self.state:
            self.state["figures"] = self._look()
        if logs is not None:
            logs.update(self.state["figures"])

    def _look(self) -> dict[str, float]:
        n = len(self._real)
        labels = np.arange(n) % self.model.num_classes if self.model.conditional else None
        generated = Seen(self.model.sample(n, labels=labels, seed=self.seed), self._real.extractor, labels)
        sets = Sets(generated, self._real, train=self._real, seed=self.seed)
        self.results = measure(sets, self.metrics, seed=self.seed)
        return {name: value for result in self.results for name, value in figures(result).items()}


def figures(result) -> dict[str, float]:
    """What is logged of a result: its value under the metric's name, or several figures under their own."""
    if "value" in result.values:
        return {result.metric: float(result.value)}
    return {name: float(value) for name, value in result.values.items()}


def default_extractor(dataset: Dataset) -> str:
    """The shipped classifier of a data set by its name."""
    name = dataset.name.split("[")[0]
    if name not in shipped():
        raise InputError(
            f"Expected an extractor for {dataset.name!r}, which has no classifier of its own; {', '.join(shipped())} "
            "have. Received: none. Give one: extractor='pixels', 'inception', a Keras model or a function."
        )
    return name
