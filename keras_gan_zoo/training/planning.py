"""What a run will do, said before it starts: its data, its steps, its time, and what is likely to disappoint."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_gan_zoo import callbacks
from keras_gan_zoo.callbacks.pace import Pace, time_left
from keras_gan_zoo.core.registry import variant
from keras_gan_zoo.data import Dataset
from keras_gan_zoo.data.contents import Contents
from keras_gan_zoo.distribution.workers import is_multi_worker
from keras_gan_zoo.training.build import STEPS, build, resolve
from keras_gan_zoo.training.recipe import Recipe

FEW_STEPS = 1000  # digits of 16 x 16 are noise after 50 steps, strokes after 200, and most are digits after 1,000
WIDTH = 100


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run will do. `print(plan)` shows it in a few lines.

    Args:
        recipe: The recipe, with all defaults filled in.
        contents: What its data hold.
        steps_done: Steps that the run has done before.
        steps_per_second: As measured; None if it is unknown.
    """

    recipe: Recipe
    contents: Contents
    steps_done: int = 0
    steps_per_second: float | None = None

    @property
    def steps_per_epoch(self) -> int:
        return self.contents.examples // self.recipe.batch_size

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.recipe.epochs

    @property
    def steps_left(self) -> int:
        return max(0, self.steps - self.steps_done)

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time that the steps left will take; None if the pace is unknown."""
        return None if self.steps_per_second is None else self.steps_left / self.steps_per_second

    def __str__(self) -> str:
        rows = [
            ("data", f"{self.contents.name}: {self.contents.values}"),
            ("alpha", self._alpha()),
            ("classes", self._classes()),
            ("captions", self._captions()),
            *(("note", remark) for remark in self.contents.remarks),
            ("steps", self._steps()),
        ]
        lines = [_row(heading, text) for heading, text in rows if text]
        if self.steps_per_second is not None:
            lines.append(time_left(self.steps_left, self.steps_per_second, " left" if self.steps_done else ""))
        return "\n".join([*lines, *(_row("Warning:", text) for text in self.warnings())])

    def warnings(self) -> list[str]:
        """What is likely to disappoint, in sentences."""
        doubts = list(self.contents.doubts)
        if self.steps < FEW_STEPS and self.recipe.from_preset is None:
            enough = math.ceil(FEW_STEPS / self.steps_per_epoch)
            number = "1 step" if self.steps == 1 else f"{self.steps:,} steps"
            doubts.append(
                f"Only {number}: before about {FEW_STEPS:,}, samples of such models are noise, or hardly recognisable. "
                f"Pass epochs={enough}, or leave it out for about {STEPS:,} steps."
            )
        return doubts

    def _alpha(self) -> str:
        if self.recipe.background is not None:
            return f"composed on {self.recipe.background}"
        if self.contents.alpha is None:
            return ""
        low, high = self.contents.alpha
        values = f"{low:.4g} everywhere" if low == high else f"from {low:.4g} to {high:.4g}"
        remedy = "; background='white' puts it on white" if self.contents.shape[-1] == 4 else ""
        return f"kept as the last channel, {values}{remedy}"

    def _classes(self) -> str:
        contents = self.contents
        if contents.condition_shape is not None:
            return f"none; each example has a condition {contents.condition_shape}"
        if contents.num_classes is None or self.recipe.conditional:
            return contents.classes
        return f"{contents.classes}; not used without conditional=True"

    def _captions(self) -> str:
        captions, takes_texts = self.contents.captions, variant(self.recipe.variant).takes_texts
        return f"such as {captions[0]!r}{'' if takes_texts else '; not trained on'}" if captions else ""

    def _steps(self) -> str:
        recipe, plural = self.recipe, "" if self.recipe.epochs == 1 else "s"
        per_epoch = f"{self.steps_per_epoch:,} per epoch x {recipe.epochs:,} epoch{plural} = {self.steps:,}"
        done = f", of which {self.steps_done:,} are done and {self.steps_left:,} left" if self.steps_done else ""
        early = "; stops earlier where its recipe says so" if recipe.stop_by or recipe.stop_on_collapse else ""
        return f"{per_epoch}{done}; batches of {recipe.batch_size:,}{early}"


def plan(recipe: Recipe) -> Plan:
    """What training by a recipe would do. A few steps are trained to measure their time; nothing is kept of them.

    Args:
        recipe: The recipe; defaults are filled in.

    Raises:
        InputError: If the recipe does not fit the data, as `train` would raise it.

    Example:
        ```python
        print(kgz.training.plan(kgz.training.Recipe("dcgan", "digits")))
        ```
    """
    recipe, dataset = resolve(recipe)
    gan = build(recipe, dataset)
    # Several workers would not end at the same step.
    pace = None if is_multi_worker(tf.distribute.get_strategy()) else _steps_per_second(gan, dataset, recipe)
    return Plan(recipe, Contents.of(dataset), steps_per_second=pace)


def announcing(recipe: Recipe, dataset: Dataset, announce: Callable | None, verbose) -> list[keras.callbacks.Callback]:
    """The callbacks that say what a run will do: by `announce`, or printed unless `verbose` is 0."""
    if announce is None and verbose == 0:
        return []
    announcement = Announcement(Plan(recipe, Contents.of(dataset)), announce or print)
    return [announcement, *([callbacks.TimeLeft()] if verbose != 0 else [])]


class Announcement(keras.callbacks.Callback):
    """Calls a function with the plan of a run, before its first step; not if there is no step left to train."""

    side_output = "its plan"

    def __init__(self, plan: Plan, announce: Callable[[Plan], object]):
        super().__init__()
        self.plan, self.announce, self._is_done = plan, announce, False

    def on_epoch_begin(self, epoch, logs=None):
        if not self._is_done:
            self.announce(dataclasses.replace(self.plan, steps_done=self.model.steps_done))
            self._is_done = True


def _steps_per_second(gan: keras.Model, dataset: Dataset, recipe: Recipe) -> float | None:
    """The pace of the first steps, which train the model."""
    stopwatch = _Stopwatch()
    gan.fit(dataset, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=[stopwatch], verbose=0)
    return stopwatch.pace.steps_per_second


class _Stopwatch(keras.callbacks.Callback):
    """Ends training as soon as its pace is known."""

    def steps_to_look(self) -> None:
        """Any step will do: the pace is that of executions."""

    def on_train_begin(self, logs=None):
        self.pace = Pace(self.model.steps_done)

    def on_train_batch_end(self, batch, logs=None):
        self.pace.look(self.model.steps_done)
        self.model.stop_training = self.pace.is_known


def _row(heading: str, text: str) -> str:
    return textwrap.fill(f"{heading:<9} {text}", WIDTH, subsequent_indent=" " * 10, break_on_hyphens=False)
