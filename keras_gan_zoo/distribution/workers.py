"""The workers of one job: which of them writes, what they must agree on, and which of them is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_gan_zoo.core.keras_internals import spans_several_processes
from keras_gan_zoo.errors import InputError, WorkerLostError


def is_multi_worker(used: tf.distribute.Strategy) -> bool:
    """Whether the replicas are in several processes."""
    return isinstance(used, tf.distribute.MultiWorkerMirroredStrategy) and spans_several_processes(used)


def is_chief(used: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files: the only one, or the first of several."""
    return used.extended.should_checkpoint


def check_agreement(used: tf.distribute.Strategy, name: str, value: int) -> None:
    """Raises an `InputError` in every worker unless all have the same value; the name says what it is."""
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
    """The chief's value in every worker: what all decide by must be one number, and theirs differ by rounding."""
    return _gather(used, tf.constant([value], tf.float64))[0] if is_multi_worker(used) else value


def _gather(used: tf.distribute.Strategy, value: tf.Tensor) -> list:
    """The values of all workers, the chief's first; each of them must call this, and waits for the others."""

    def gather():
        return tf.distribute.get_replica_context().all_gather(value, axis=0)

    return used.experimental_local_results(used.run(tf.function(gather)))[0].numpy().tolist()


@contextmanager
def name_lost_workers(used: tf.distribute.Strategy) -> Iterator[None]:
    """Turns the network error of a job that lost a worker into a `WorkerLostError` that says which."""
    try:
        yield
    except tf.errors.OpError as error:
        if not is_multi_worker(used) or not re.search(r"[Cc]ollective|unhealthy|Socket|onnect", str(error)):
            raise
        named = set(re.findall(r"/job:worker/replica:\d+/task:(\d+)", str(error)))
        own = tf.distribute.cluster_resolver.TFConfigClusterResolver().task_id
        found = sorted(named - {str(own)}, key=int)
        which = f"worker {', '.join(found)}" if found else "another worker"
        raise WorkerLostError(
            f"Lost {which} of this job ({type(error).__name__}). Stop the others, then start all of them again with "
            "--resume: they go on from the last snapshot."
        ) from error
