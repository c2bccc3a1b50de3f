"""The workers of one job: which of them writes, values that they must agree on, and errors when one is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_gan_zoo.core.keras_internals import spans_several_processes
from keras_gan_zoo.errors import InputError, WorkerLostError


def is_multi_worker(used: tf.distribute.Strategy) -> bool:
    """Whether the replicas run in several processes."""
    return isinstance(used, tf.distribute.MultiWorkerMirroredStrategy) and spans_several_processes(used)


def is_chief(used: tf.distribute.Strategy) -> bool:
    """Whether this process writes files: it is the only one, or the first of several."""
    return used.extended.should_checkpoint


def check_agreement(used: tf.distribute.Strategy, name: str, value: int) -> None:
    """Raises an `InputError` in every worker unless all have the same value; `name` describes it in the message."""
    if not is_multi_worker(used):
        return

    values = _gather(used, tf.constant([value], tf.int64))
    if len(set(values)) > 1:
        listed = ", ".join(f"worker {worker}: {value}" for worker, value in enumerate(values))
        raise InputError(
            f"Expected all workers to start from the same {name}. Received: {listed}. Give them one folder on a shared "
            "disk, or copy the chief's to the others. Nothing was trained."
        )


def broadcast_from_chief(used: tf.distribute.Strategy, value: float) -> float:
    """Returns the chief's value in every worker. Decisions need this, because values differ by rounding."""
    return _gather(used, tf.constant([value], tf.float64))[0] if is_multi_worker(used) else value


def _gather(used: tf.distribute.Strategy, value: tf.Tensor) -> list:
    """The values of all workers, the chief's first. Every worker must call this, and waits for the others."""

    return used.experimental_local_results(used.run(_gathered, args=(value,)))[0].numpy().tolist()


@tf.function
def _gathered(value: tf.Tensor) -> tf.Tensor:
    own = tf.identity(value)  # on the device of this replica
    return tf.distribute.get_replica_context().all_gather(own, axis=0)


@contextmanager
def name_lost_workers(used: tf.distribute.Strategy) -> Iterator[None]:
    """Replaces the network error after the loss of a worker by a `WorkerLostError` that names the worker."""
    try:
        yield
    except tf.errors.OpError as error:
        if not is_multi_worker(used) or not re.search(r"[Cc]ollective|unhealthy|Socket|onnect", str(error)):
            raise
        named = set(re.findall(r"/job:worker/replica:\d+/task:(\d+)", str(error)))
        own = tf.distribute.cluster_resolver.TFConfigClusterResolver().task_id
        lost = sorted(named - {str(own)}, key=int)
        which = f"worker {', '.join(lost)}" if lost else "another worker"
        raise WorkerLostError(
            f"Lost {which} of this job ({type(error).__name__}). Stop the others, then resume with all of "
            "them: they continue from the last snapshot."
        ) from error
