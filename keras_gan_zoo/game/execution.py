"""The `train_function` of a model: one or several steps per call, and none for steps that a resumed run had done."""

import tensorflow as tf

from keras_gan_zoo.core.tracing import counted_alone
from keras_gan_zoo.state.finiteness import is_finite
from keras_gan_zoo.state.snapshot import Snapshot


def steps_function(model, is_guarded: bool):
    """A `train_function` that runs up to `steps_per_execution` steps per call, and stops where the epoch ends.

    Keras' own function would run past the end of the epoch, and would advance random states before it notices that the
    data have ended. Results are bitwise identical to those of single steps. A guarded execution ends with the first
    step that produces NaN or infinity.
    """
    step = model.train_step
    if not model.run_eagerly:
        step = tf.function(counted_alone(step), autograph=False, jit_compile=model.jit_compile)

    def execute(iterator, limit):
        def body(done, more, batch):
            step(batch.get_value())
            more = done + 1 < limit
            if is_guarded:
                more &= tf.reduce_all(list(is_finite(model).values()))
            return done + 1, more, tf.cond(more, iterator.get_next_as_optional, lambda: batch)

        first = iterator.get_next_as_optional()
        done, _, _ = tf.while_loop(
            lambda done, more, batch: more & batch.has_value(), body, (tf.zeros_like(limit), tf.constant(True), first)
        )
        return done, _figures(model)

    if not model.run_eagerly:
        execute = tf.function(counted_alone(execute), autograph=False, reduce_retracing=True)

    def train_function(iterator):
        if model.steps_per_execution == 1 or not isinstance(
            iterator, tf.data.Iterator
        ):  # train_on_batch passes another iterator
            return step(next(iterator))
        done, logs = execute(iterator, tf.constant(model.session.steps_of_next_execution(model.steps_in_epoch)))
        if not done:
            raise StopIteration
        return logs

    return train_function


class InterruptedEpoch:
    """The epoch in which a run is resumed: some of its steps were done before the interruption.

    Args:
        start: The snapshot that the run is resumed from.
        batches_before: If the source of batches restarts, so that the batches of finished steps must be read and
            discarded: the number of batches of earlier epochs. None if the source starts where the run is resumed.
    """

    def __init__(self, start: Snapshot, batches_before: int | None):
        self.start, self.batches_before, self.done = start, batches_before, 0

    def skip(self, model, iterator) -> bool:
        """Skips those steps of the next execution that were done before; returns whether these are all of its steps."""
        wanted = model.session.steps_of_next_execution(self.done)
        steps = min(wanted, self.start.batch - self.done)
        if self.batches_before is not None:
            for _ in range(self.batches_before + steps):
                next(iterator)
            self.batches_before = 0
        if self.done == 0 and steps:
            self.start.restore_metrics(model)
        self.done += steps
        return steps == wanted

    @property
    def is_over(self) -> bool:
        """Whether all finished steps have been skipped."""
        return self.done == self.start.batch


def skip_done_steps(model, execute):
    """A `train_function` that skips the finished steps of an interrupted epoch, which Keras then counts and logs."""

    def train_function(iterator):
        session = model.session
        interrupted = None if session is None else session.interrupted_epoch
        is_skipped = interrupted is not None and interrupted.skip(model, iterator)
        if interrupted is not None and interrupted.is_over:
            session.interrupted_epoch = None
        if is_skipped:
            return _figures(model)
        try:
            return execute(iterator)
        except StopIteration:
            if interrupted is None:
                raise
            return _figures(model)  # the data end where the epoch was interrupted: it was complete

    return train_function


def _figures(model) -> dict:
    return {tracker.name: tracker.result() for tracker in model.metrics}
