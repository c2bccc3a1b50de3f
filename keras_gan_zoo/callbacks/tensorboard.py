"""TensorBoard: figures, learning rates, pictures of samples and scores, also of a run that is resumed."""

import os
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_gan_zoo.callbacks.drawing import Drawing
from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.data import Dataset

SCORED = 256  # real examples, and as many generated ones
FILES = "events.out.tfevents.*"
OF_EPOCHS = "epoch_"  # how the names of figures begin whose steps are epochs
OF_STEPS = ("batch_", "samples", "scores/")  # and of what belongs to the model's steps


class TensorBoard(Drawing):
    """Writes what a GAN is judged by for TensorBoard: `tensorboard --logdir logs`.

    - Figures of each epoch, by epochs: losses and metrics as `epoch_d_loss`, in `train` and, where they begin with
      `val_`, in `validation`; and the players' learning rates, `epoch_learning_rate_generator`.
    - Samples, always from the same noise, as `SamplePictures` draws them, by the model's steps; and histograms of the
      raw scores, `scores/real` and `scores/generated`, of 256 examples of the data and of as many generated ones. Of
      models without a discriminator, and where data are no arrays and no `data.Dataset`, there are no scores; of models
      that make neither images nor points of the plane, no samples.
    - With `every_steps`, these and the figures also within epochs, by the model's steps, as `batch_d_loss`. As in Keras
      they are means since the epoch began.

    With `Snapshots` beside it, what an interrupted run wrote after its last snapshot is removed when it is resumed,
    because it comes again: each figure is there once. Where the folder cannot be written, a warning says so, and
    training goes on. Of several workers, the chief writes.

    Histograms of weights, the graph and profiles are written by `keras.callbacks.TensorBoard`, into another folder.

    Args:
        log_dir: Folder; it is created if necessary.
        every: Number of epochs between pictures and histograms. Figures are written after each epoch.
        every_steps: If given, everything is also written within epochs, whenever the model's steps are a multiple of
            this.
        n: Number of samples, as in `SamplePictures`.
        seed: Seed of the noise, and of the choice of examples.

    Raises:
        InputError: If an interval is not a whole number of at least 1.

    Example:
        ```python
        gan.fit(images, epochs=20, callbacks=[kgz.callbacks.TensorBoard("logs", every_steps=500)])
        ```
    """

    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        every: int = 1,
        every_steps: int | None = None,
        n: int | None = None,
        seed: int = 0,
    ):
        super().__init__(n, seed, None, every, every_steps)
        self.log_dir = Path(log_dir)
        self._scored: tuple | None = None

    @property
    def side_output(self) -> str:
        """Without the files, a `fit` goes on."""
        return str(self.log_dir)

    def begin(self, dataset: Dataset | None) -> None:
        """Called by `fit` with its data, or None. Examples to score are taken from them."""
        super().begin(dataset)
        self._scored = None
        if dataset is not None and hasattr(self.model, "scores"):
            packing = self.model.packing
            n = min(SCORED, len(dataset)) // packing * packing
            self._scored = dataset.some(n, self.seed, self.model.data_condition is not None)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._writers, self._has_begun, self._written = {}, False, -1
        if self._looks:
            self._earlier = sorted(self.log_dir.glob(f"*/{FILES}"))
            self._writer("train")  # now, so that its file tells when training began

    def on_epoch_begin(self, epoch, logs=None):
        session = self.model.session
        if self._looks and not self._has_begun and (session.snapshots or session.executions.interrupted):
            self._written = _forget_after(self._earlier, epoch, self.model.steps_done)
        self._has_begun = True

    def on_epoch_end(self, epoch, logs=None):
        if self._looks:
            figures = {**(logs or {}), **self._learning_rates()}
            held_out = {name for name in figures if name.startswith("val_")}
            self._write_figures("train", {name: figures[name] for name in figures if name not in held_out}, epoch)
            if held_out:
                parts = {name.removeprefix("val_"): figures[name] for name in figures if name in held_out}
                self._write_figures("validation", parts, epoch)
        super().on_epoch_end(epoch, logs)

    def after_steps(self, step, logs):
        if step > self._written:
            self._write_figures("train", {**logs, **self._learning_rates()}, step, "batch_")
        self._write_model(step)

    def after_epoch(self, epoch, logs):
        self._write_model(self.model.steps_done)

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write_figures(self, part: str, figures: dict, step: int, prefix: str = OF_EPOCHS) -> None:
        with self._writer(part).as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(prefix + name, float(np.mean(value)))  # of several workers, an array of one
        self._writer(part).flush()

    def _write_model(self, step: int) -> None:
        """Samples and scores, unless those of this step are there: it may end an epoch, or be that of a resumed run."""
        if step <= self._written:
            return
        with self._writer("train").as_default(step):
            if self.draws:
                picture = np.asarray(self.draw())
                tf.summary.image("samples", picture.reshape(1, *picture.shape[:2], -1))
            if self._scored is not None:
                scores = self.model.scores(*self._scored, seed=self.seed)
                for name, values in zip(("real", "generated"), scores, strict=True):
                    tf.summary.histogram(f"scores/{name}", values)
        self._writer("train").flush()
        self._written = step

    def _learning_rates(self) -> dict:
        players = self.model.players.items()
        rates = {name: keras.ops.convert_to_numpy(player.optimizer.learning_rate) for name, player in players}
        return {f"learning_rate_{name}": rate for name, rate in rates.items()}

    def _writer(self, part: str):
        if part not in self._writers:
            self._writers[part] = tf.summary.create_file_writer(str(self.log_dir / part))
        return self._writers[part]


def _forget_after(files: list[Path], epoch: int, step: int) -> int:
    """Removes from files what belongs to an epoch from this one on, or to later steps; returns the last step left."""
    last = -1
    for file in files:
        kept, is_whole = [], True
        for event in _events(file):
            steps = {_axis(value.tag) for value in event.summary.value}
            is_later = (OF_EPOCHS in steps and event.step >= epoch) or (OF_STEPS in steps and event.step > step)
            is_whole = is_whole and not is_later
            if not is_later:
                kept.append(event)
                last = max(last, event.step if OF_STEPS in steps else -1)
        if not is_whole:
            _replace(file, kept)
    return last


def _axis(tag: str):
    """What the steps of a summary are: epochs, steps of the model, or, where others wrote it, unknown."""
    return next((axis for axis in (OF_EPOCHS, OF_STEPS) if tag.startswith(axis)), None)


def _events(file: Path) -> Iterator:
    """The events of a file, up to where it was cut off."""
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            yield tf.compat.v1.Event.FromString(record)
    except tf.errors.DataLossError:
        return


def _replace(file: Path, events: list) -> None:
    with written_beside(file) as beside, tf.io.TFRecordWriter(str(beside)) as writer:
        for event in events:
            writer.write(event.SerializeToString())
