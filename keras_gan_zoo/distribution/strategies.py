"""Strategies by name."""

import os

import tensorflow as tf

from keras_gan_zoo.core.reading import Kind
from keras_gan_zoo.errors import InputError, unknown

TF_CONFIG = Kind("TF_CONFIG", "TF_CONFIG to be JSON with a cluster", "gan-zoo launch sets it.")
TFConfigClusterResolver = tf.distribute.cluster_resolver.TFConfigClusterResolver

STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "multi_worker", "tpu")


@TF_CONFIG.reader
def strategy(name: str = "auto") -> tf.distribute.Strategy:
    """A `tf.distribute` strategy by name, to build and compile a model in.

    Args:
        name: `"cpu"` or `"gpu"`, one device. `"mirrored"`, all GPUs of this machine, or its logical CPUs if it has
            none. `"multi_worker"`, the processes listed in the environment variable TF_CONFIG; call this before
            anything else is done with TensorFlow. `"tpu"`, the TPU that TensorFlow finds; it follows TensorFlow's
            documentation and was never run. `"auto"`, the first of these that is available: several workers, a TPU,
            several GPUs, a GPU, the CPU.

    Raises:
        InputError: If there is no such strategy, no such device, or TF_CONFIG describes no workers.

    Example:
        ```python
        strategy = kgz.distribution.strategy("mirrored")
        with strategy.scope():
            gan = kgz.DCGAN.for_images((28, 28, 1))
            gan.compile()
        gan.fit(images, batch_size=256)   # the global batch: each replica takes its part
        ```
    """
    if name not in STRATEGIES:
        raise unknown("strategy", name, STRATEGIES)
    if name == "auto":
        name = _fitting_name()
    if name == "multi_worker":
        _check_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu_strategy()
    if name == "cpu":
        return tf.distribute.OneDeviceStrategy("/CPU:0") if _devices("GPU") else tf.distribute.get_strategy()
    gpus = _devices("GPU")
    if name == "gpu" and not gpus:
        raise InputError("Expected a GPU that TensorFlow can use. Received: none. Choose cpu, or install its drivers.")
    if name == "gpu":
        return tf.distribute.OneDeviceStrategy("/GPU:0")
    return tf.distribute.MirroredStrategy(gpus or _devices("CPU"))


def check_supported(used: tf.distribute.Strategy) -> None:
    """Raises an `InputError`, with the reason, for a strategy that Keras' `fit` cannot work with."""
    if isinstance(used, (tf.distribute.ParameterServerStrategy, tf.distribute.experimental.ParameterServerStrategy)):
        raise InputError(
            "Expected a strategy that keeps replicas in step. Received: ParameterServerStrategy, which Keras 3 cannot "
            "feed, and whose stale gradients a two-player game does not survive. Use distribution.strategy('mirrored') "
            "or 'multi_worker'."
        )


def _fitting_name() -> str:
    cluster = _cluster()
    if len(cluster.get("worker", ())) + len(cluster.get("chief", ())) > 1:
        return "multi_worker"
    if os.environ.get("TPU_NAME"):
        return "tpu"
    gpus = len(_devices("GPU"))
    return "mirrored" if gpus > 1 else "gpu" if gpus else "cpu"


def _devices(kind: str) -> list[str]:
    return [device.name for device in tf.config.list_logical_devices(kind)]


def _cluster() -> dict:
    text = os.environ.get("TF_CONFIG", "{}")
    with TF_CONFIG.border(repr(text[:200])):
        if not text.lstrip().startswith("{"):  # the resolver would report that there is no cluster
            raise TypeError("it is no object")
        return TFConfigClusterResolver().cluster_spec().as_dict()


def _check_cluster() -> None:
    cluster = _cluster()
    if "ps" in cluster:
        raise InputError(
            "Expected workers only in TF_CONFIG. Received: parameter servers (ps), which Keras 3 cannot use."
        )
    if not _contains_own_task(cluster):
        raise InputError(
            'Expected TF_CONFIG such as {"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": '
            f'"worker", "index": 0}}}}. Received: {os.environ.get("TF_CONFIG", "none")}. gan-zoo launch sets it for '
            "several processes on one machine."
        )


def _contains_own_task(cluster: dict) -> bool:
    """Whether the cluster contains this process' own task, as TF_CONFIG names it."""
    resolver = TFConfigClusterResolver()
    try:
        kind, index = resolver.task_type, resolver.task_id
        return index is not None and 0 <= index < len(cluster.get(kind, ()))
    except (AttributeError, OverflowError, TypeError, ValueError):  # the task is no object, or the index no number
        return False


def _tpu_strategy() -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
    except (ValueError, OSError, tf.errors.OpError) as error:
        raise InputError(f"Expected a TPU that TensorFlow finds. Received: none ({error}). Set TPU_NAME.") from error
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)
