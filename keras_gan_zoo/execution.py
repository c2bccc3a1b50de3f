"""Several training steps in one call into the graph, for players so small that the call costs as much as the step."""

import tensorflow as tf


def several_steps_function(model):
    """A `train_function` that runs up to `steps_per_execution` steps per call, and stops where the epoch ends.

    Keras' own would run past the end. The bits are those of one step at a time.
    """
    step = model.train_step
    if not model.run_eagerly:
        step = tf.function(step, autograph=False, jit_compile=model.jit_compile)

    def execute(iterator, limit):
        def body(done, batch):
            step(batch.get_value())
            more = done + 1 < limit
            return done + 1, tf.cond(more, iterator.get_next_as_optional, lambda: batch)

        first = iterator.get_next_as_optional()
        done, _ = tf.while_loop(
            lambda done, batch: (done < limit) & batch.has_value(), body, (tf.zeros_like(limit), first)
        )
        return done, {tracker.name: tracker.result() for tracker in model.metrics}

    if not model.run_eagerly:
        execute = tf.function(execute, autograph=False, reduce_retracing=True)

    def train_function(iterator):
        if not isinstance(iterator, tf.data.Iterator):  # train_on_batch
            return step(next(iterator))
        done, logs = execute(iterator, tf.constant(model.steps_left_to_execute()))
        if not done:
            raise StopIteration
        return logs

    return train_function
