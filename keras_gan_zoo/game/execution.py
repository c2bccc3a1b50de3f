"""The executions of a `fit`: how many steps each call of the graph runs, and what callbacks see of it.

Keras' loop always counts single steps here. The first call for a step runs an execution of one or several steps, which
the loop then only counts, so that an execution can have any length: it ends with the epoch, with the data, and where a
callback looks.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from keras_gan_zoo.callbacks.looks import looks_at_each_step, steps_to_look
from keras_gan_zoo.callbacks.side_outputs import original, tolerated
from keras_gan_zoo.core.tracing import counted_alone
from keras_gan_zoo.state.finiteness import is_finite
from keras_gan_zoo.state.snapshot import Snapshot

ITERATORS = (tf.data.Iterator, tf.distribute.DistributedIterator)


@contextmanager
def counted_singly(model) -> Iterator[None]:
    """Within this context, Keras' loops count each step, whatever the number of steps per execution."""
    given, model.steps_per_execution = model.steps_per_execution, 1
    try:
        yield
    finally:
        model.steps_per_execution = given


@contextmanager
def reads_to_the_end(steps: int | None) -> Iterator[None]:
    """Within this context, data may end, unless a number of steps was asked for.

    Keras warns of the end of all data whose length it did not know.
    """
    with warnings.catch_warnings():
        if steps is None:
            warnings.filterwarnings("ignore", "Your input ran out of data")
        yield


class TrainFunction:
    """What Keras' `fit` and `train_on_batch` call for a step.

    Args:
        model: The model.
        one: Runs one step of an iterator, and returns its figures.
        several: Runs up to a number of steps, and returns how many there were, and the figures of the last.
        is_guarded: Whether `several` ends with the first step that produces NaN or infinity.
    """

    def __init__(self, model, one: Callable, several: Callable | None, is_guarded: bool):
        self.model, self.one, self.several, self.is_guarded = model, one, several, is_guarded

    def __call__(self, iterator) -> dict:
        session = self.model.session  # None in a loop of the user's own
        if session is None or not isinstance(iterator, ITERATORS):  # the latter by `train_on_batch` in a callback
            return self.one(iterator)
        return session.executions.step(iterator, self)

    def run(self, iterator, limit: int, most: int) -> tuple[int, dict]:
        """An execution of at most `limit` steps: their number, and the figures of the last.

        If none takes more than one, the loop is not even traced; otherwise it runs single steps too.
        """
        if most == 1 or self.several is None:
            return 1, self.one(iterator)
        done, figures = self.several(iterator, tf.constant(limit))
        if not done:
            raise StopIteration
        # Read once, not in each counted step.
        return int(done), {name: value.numpy() for name, value in figures.items()}


def steps_functions(model, is_guarded: bool) -> tuple[Callable, Callable | None]:
    """`one` and `several` of a `TrainFunction`, for one replica; there is no loop over eager steps.

    Keras' own loop would advance random states before it notices that the data have ended. Results are bitwise
    identical to those of single steps.
    """
    if model.run_eagerly:
        return lambda iterator: model.train_step(next(iterator)), None
    step = tf.function(counted_alone(model.train_step), autograph=False, jit_compile=model.jit_compile)

    def several(iterator, limit):
        def body(done, more, _, batch):
            figures = step(batch.get_value())
            more = done + 1 < limit
            if is_guarded:
                more &= tf.reduce_all(list(is_finite(model).values()))
            return done + 1, more, figures, tf.cond(more, iterator.get_next_as_optional, lambda: batch)

        figures = step.get_concrete_function(iterator.element_spec).structured_outputs
        none_yet = tf.nest.map_structure(lambda figure: tf.zeros(figure.shape, figure.dtype), figures)
        done, _, figures, _ = tf.while_loop(
            lambda done, more, figures, batch: more & batch.has_value(),
            body,
            (tf.zeros_like(limit), tf.constant(True), none_yet, iterator.get_next_as_optional()),
        )
        return done, figures

    return (
        lambda iterator: step(next(iterator)),
        tf.function(counted_alone(several), autograph=False),
    )


class ExecutionLength:
    """The number of steps per execution that we choose: as many as take a tenth of a second.

    They spend little time on dispatching, and neither a progress bar nor an interruption waits long. The first
    execution has a single step, because it also traces the graph.
    """

    SECONDS = 0.1

    def __init__(self, most: int):
        self.most, self.steps = most, 1

    def adapt(self, steps: int, seconds: float) -> None:
        """Changes the number after an execution of `steps`."""
        if seconds > self.SECONDS:
            self.steps = max(1, self.steps // 2)
        elif steps == self.steps and seconds < self.SECONDS / 2:
            self.steps = min(2 * self.steps, self.most)


class Executions(keras.callbacks.CallbackList):
    """The executions of one `fit` of Keras, and its callbacks, which see each execution once, with its true steps.

    Args:
        callbacks: The callbacks. Keras' progress bar is added, unless it is to be silent.
        verbose: As in `keras.Model.fit`, which must itself be silent.
        most: The largest number of steps per execution.
        is_given: Whether `most` is the user's choice: then other executions are shorter only where an epoch ends.
        interrupted: The epoch in which a run is resumed; None for none.

    Attributes:
        interrupted: As above, until the finished steps of that epoch are skipped; then None.
        is_whole: Whether the last step was finished; False after an error in it.
    """

    def __init__(self, callbacks: list, verbose, most: int, is_given: bool, interrupted: "InterruptedEpoch | None"):
        self._verbose, self._is_given, self.interrupted = verbose, is_given, interrupted
        self._most = most if is_given or not any(map(looks_at_each_step, callbacks)) else 1
        self._chosen = ExecutionLength(self._most)
        self._length: int | None = None  # of an epoch; None if it ends where the data end
        self._done = self._counted = 0  # steps of this epoch: run or skipped, and counted by Keras
        self.is_whole = True
        has_bar = any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in map(original, callbacks))
        super().__init__(callbacks, add_progbar=verbose != 0 and not has_bar)
        self.callbacks = [tolerated(callback) for callback in self.callbacks]

    def set_params(self, params):
        self._length = params.get("steps")
        super().set_params({**params, "verbose": self._verbose} if params else params)

    def on_epoch_begin(self, epoch, logs=None):
        if self._length is None and self._done:
            self._length = self._done + 1  # Keras' loop goes no further, should later epochs have more data
        self._done = self._counted = 0
        super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)  # not a copy: Keras' history, which comes later, sees what they add

    def on_train_batch_begin(self, batch, logs=None):
        self._is_due = self._counted == self._done
        if self._is_due:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        if self._is_due:
            super().on_train_batch_end(self._done - 1, logs)

    def step(self, iterator, function: TrainFunction) -> dict:
        """Runs an execution, or counts a step of the last one; returns its figures."""
        if self._counted == self._done:
            steps = self._skip(iterator) or self._run(iterator, function)
            self._done += steps
        self._counted += 1
        return self._figures

    def _skip(self, iterator) -> int:
        """Skips steps that were done before the interruption, if any are left; returns their number."""
        interrupted = self.interrupted
        if interrupted is None:
            return 0
        steps = interrupted.skip(self.model, iterator, self._limit())
        if interrupted.is_over:
            self.interrupted = None
        self._figures = self.model.get_metrics_result()
        return steps

    def _run(self, iterator, function: TrainFunction) -> int:
        began = time.monotonic()
        try:
            steps, self._figures = function.run(iterator, self._limit(), self._most)
        except (StopIteration, tf.errors.OutOfRangeError):  # the data end
            raise
        except Exception:
            self.is_whole = False
            raise
        self._chosen.adapt(steps, time.monotonic() - began)
        return steps

    def _limit(self) -> int:
        """The largest number of steps of the next execution."""
        left = [] if self._length is None else [self._length - self._done]
        if self._is_given:
            return min([self._most - self._done % self._most, *left])
        looks = filter(None, map(steps_to_look, self.callbacks))
        return min([self._most if self.interrupted else self._chosen.steps, *looks, *left])


class InterruptedEpoch:
    """The epoch in which a run is resumed: some of its steps were done before the interruption.

    Args:
        start: The snapshot that the run is resumed from.
        batches_before: If the source of batches restarts, so that the batches of finished steps must be read and
            discarded: the number of batches of earlier epochs. None if the source starts where the run is resumed.
    """

    def __init__(self, start: Snapshot, batches_before: int | None):
        self.start, self.batches_before, self.done = start, batches_before, 0

    def skip(self, model, iterator, limit: int) -> int:
        """Skips steps that were done before, at most `limit` at once; returns their number."""
        steps = min(limit, self.start.batch - self.done)
        if self.batches_before is not None:
            for _ in range(self.batches_before + steps):
                next(iterator)
            self.batches_before = 0
        if self.done == 0 and steps:
            self.start.restore_metrics(model)
        self.done += steps
        return steps

    @property
    def is_over(self) -> bool:
        """Whether all finished steps have been skipped."""
        return self.done == self.start.batch
