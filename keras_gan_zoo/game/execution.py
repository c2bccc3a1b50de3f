"""What one call into the graph does: one training step or several, or none where a run goes on within an epoch."""

import tensorflow as tf

from keras_gan_zoo.state.finiteness import is_finite
from keras_gan_zoo.state.snapshot import Snapshot


def steps_function(model):
    """A `train_function` that runs up to `steps_per_execution` steps per call, and stops where the epoch ends.

    Keras' own would run past the end, and where the data end moves random states before it notices. The bits are those
    of one step at a time.
    """
    step = model.train_step
    if not model.run_eagerly:
        step = tf.function(step, autograph=False, jit_compile=model.jit_compile)

    def execute(iterator, limit):
        def body(done, more, batch):
            step(batch.get_value())
            more = done + 1 < limit
            if model.is_guarded:  # so that the guard sees the first step that breaks
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
        done, logs = execute(iterator, tf.constant(model.steps_of_next_execution(model.steps_in_epoch)))
        if not done:
            raise StopIteration
        return logs

    return train_function


class BrokenEpoch:
    """Steps of an epoch that were done before the run was interrupted in it.

    Args:
        start: The snapshot that the run goes on from.
        batches_before: If their batches come once more, and must be read over: how many of earlier epochs come before
            them. None if the source begins where the run goes on.
    """

    def __init__(self, start: Snapshot, batches_before: int | None):
        self.start, self.batches_before, self.done = start, batches_before, 0

    def passes(self, model, iterator) -> bool:
        """Whether the next execution was done before, wholly; if it was done in part, that part is passed over."""
        wanted = model.steps_of_next_execution(self.done)
        steps = min(wanted, self.start.batch - self.done)
        if self.batches_before is not None:
            for _ in range(self.batches_before + steps):
                next(iterator)
            self.batches_before = 0
        if self.done == 0 and steps:
            self.start.put_back_metrics(model)
        self.done += steps
        return steps == wanted


def passing_over(model, execute):
    """A `train_function` that first passes over a broken epoch's steps, so that Keras counts and logs all of it."""

    def train_function(iterator):
        broken = model.broken_epoch
        is_passed = broken is not None and broken.passes(model, iterator)
        if broken is not None and broken.done == broken.start.batch:
            model.broken_epoch = None
        if is_passed:
            return _figures(model)
        try:
            return execute(iterator)
        except StopIteration:
            if broken is None:
                raise
            return _figures(model)  # the data end where the epoch broke: it was done

    return train_function


def _figures(model) -> dict:
    return {tracker.name: tracker.result() for tracker in model.metrics}
