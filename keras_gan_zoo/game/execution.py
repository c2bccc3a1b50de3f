"""What one call into the graph does: one training step or several, or none where a run is resumed within an epoch."""

import tensorflow as tf

from keras_gan_zoo.state.finiteness import is_finite
from keras_gan_zoo.state.snapshot import Snapshot


def steps_function(model, is_guarded: bool):
    """A `train_function` that runs up to `steps_per_execution` steps per call, and stops where the epoch ends.

    Keras' own would run past the end, and where the data end moves random states before it notices. The bits are those
    of one step at a time. A guarded execution ends with the first step that leaves the finite numbers.
    """
    step = model.train_step
    if not model.run_eagerly:
        step = tf.function(step, autograph=False, jit_compile=model.jit_compile)

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
        execute = tf.function(execute, autograph=False, reduce_retracing=True)

    def train_function(iterator):
        if model.steps_per_execution == 1 or not isinstance(iterator, tf.data.Iterator):  # the latter: train_on_batch
            return step(next(iterator))
        done, logs = execute(iterator, tf.constant(model.session.steps_of_next_execution(model.steps_in_epoch)))
        if not done:
            raise StopIteration
        return logs

    return train_function


class InterruptedEpoch:
    """The epoch that a run is resumed in, of which some steps were done before.

    Args:
        start: The snapshot that the run is resumed from.
        batches_before: If the source of batches begins anew, and done ones must be read and thrown away: how many
            batches of earlier epochs come before those of this one. None if the source begins where the run is resumed.
    """

    def __init__(self, start: Snapshot, batches_before: int | None):
        self.start, self.batches_before, self.done = start, batches_before, 0

    def skip(self, model, iterator) -> bool:
        """Whether all steps of the next execution were done before; if only some were, those are skipped."""
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
        """Whether all steps that were done before are skipped."""
        return self.done == self.start.batch


def skip_done_steps(model, execute):
    """A `train_function` that skips the steps of a broken epoch, so that Keras counts and logs a whole one."""

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
            return _figures(model)  # the data end where the epoch broke: it was done

    return train_function


def _figures(model) -> dict:
    return {tracker.name: tracker.result() for tracker in model.metrics}
