"""Two replicas with half the batch each against one with all of it: the same weights, in float64 with SGD."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import distribution
from keras_gan_zoo.distribution import replicas, workers
from keras_gan_zoo.errors import InputError, WorkerLostError
from tests import equality
from tests.helpers import slow


@pytest.fixture
def assert_equal_updates(two_replicas, float64):
    def check(make, optimizers=equality.sgd):
        gan, before, logs_of_one = equality.trained(tf.distribute.get_strategy(), make, optimizers)
        one = [weight.numpy() for weight in gan.weights]
        gan, _, logs_of_two = equality.trained(two_replicas, make, optimizers)
        assert gan.steps_done == equality.STEPS
        assert max(np.abs(a - b).max() for a, b in zip(before, one, strict=True)) > 1e-3  # something moved
        for a, b in zip(one, gan.weights, strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=0, atol=1e-12)
        for name, values in logs_of_one.items():
            np.testing.assert_allclose(values, logs_of_two[name], rtol=1e-6, err_msg=name)

    return check


# A step with labels and one with a penalty on slopes; dcgan is below, with options.
FAST_KINDS = [("conditional_gan", True), ("wgan_gp", False)]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=name, marks=[] if kind in FAST_KINDS else [pytest.mark.slow])
        for name, kind in equality.KINDS.items()
    ],
)
def test_two_replicas_make_the_updates_of_one(assert_equal_updates, kind):
    assert_equal_updates(lambda: equality.build(*kind))


OPTIONS = {
    "k=3": {"discriminator_steps": 3},
    "simultaneous": {"simultaneous": True},
    "packing, k=2": {"packing": 2, "discriminator_steps": 2},
    "r1 and r2": {"r1": 0.1, "r2": 0.1, "discriminator_normalization": "none"},
    "r1 through batch normalisation": {"r1": 0.1},
    "relativistic": {"loss": "relativistic"},
    "relativistic average": {"loss": "relativistic_average"},
    "dropout, k=2, average": {"dropout": 0.3, "discriminator_steps": 2, "ema_decay": 0.9},
    "spectral normalisation": {"spectral_normalization": True, "discriminator_normalization": "none"},
}
FAST = ("r1 through batch normalisation", "dropout, k=2, average")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=name, marks=[] if name in FAST else [pytest.mark.slow])
        for name, options in OPTIONS.items()
    ],
)
def test_what_mixes_examples_sees_those_of_all_replicas(assert_equal_updates, options):
    assert_equal_updates(lambda: equality.build("dcgan", **options))


CLIPS = {"clipnorm": 0.01, "clipvalue": 1e-3, "global_clipnorm": 0.01}


@pytest.mark.parametrize("scaled", [slow(False), True], ids=["plain", "loss scale"])
@pytest.mark.parametrize("clip", [slow("clipnorm"), slow("clipvalue"), "global_clipnorm"])
def test_clipping_and_loss_scales_see_the_gradient_of_all_replicas(assert_equal_updates, clip, scaled):
    def clipped():
        optimizers = [keras.optimizers.SGD(0.5, **{clip: CLIPS[clip]}) for _ in range(2)]
        if scaled:
            optimizers = [keras.optimizers.LossScaleOptimizer(o, initial_scale=8.0) for o in optimizers]
        return optimizers

    assert_equal_updates(lambda: equality.build("dcgan"), clipped)


def test_an_infinity_on_one_replica_is_seen_by_all(two_replicas):
    """Keras alone looks at the first replica only, and writes the infinity of the second into the weights."""
    with two_replicas.scope():
        weight = tf.Variable(1.0)
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=8.0)
        optimizer.build([weight])

    @tf.function
    def step():
        def of_replica():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            gradient = tf.where(replica == 1, np.inf, 1.0)
            optimizer.apply(replicas.clip_globally([gradient], optimizer), [weight])

        two_replicas.run(of_replica)

    step()
    assert [part.numpy() for part in two_replicas.experimental_local_results(weight)] == [1.0, 1.0]
    assert float(optimizer.dynamic_scale.numpy()) == 4.0


def test_keras_own_random_layers_differ_between_replicas(two_replicas):
    with two_replicas.scope():
        noisy = keras.Sequential(
            [keras.Input((5,)), keras.layers.GaussianNoise(1.0, seed=0), keras.layers.Dropout(0.5)]
        )
        replicas.prepare(noisy)
    run = tf.function(lambda: two_replicas.run(lambda: noisy(tf.ones((4, 5)), training=True)))
    first, second = (part.numpy() for part in two_replicas.experimental_local_results(run()))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, two_replicas.experimental_local_results(run())[0].numpy())


def test_evaluation_takes_batches_that_leave_a_replica_without_examples(two_replicas, images):
    def evaluated(strategy):
        with strategy.scope():
            gan = equality.build("dcgan")
            gan.compile()
        return gan.evaluate(images[:17], batch_size=16, verbose=0, return_dict=True)

    one, two = evaluated(tf.distribute.get_strategy()), evaluated(two_replicas)
    assert one == pytest.approx(two, rel=1e-2)  # the last batch has other noise


def test_a_run_goes_on_with_another_number_of_replicas(two_replicas, images, tmp_path):
    def fit(strategy, epochs):
        with strategy.scope():
            gan = equality.build("dcgan", dropout=0.3)
            gan.compile()
        gan.fit(images, batch_size=8, epochs=epochs, verbose=0, callbacks=[kgz.callbacks.Snapshots(tmp_path)])
        return gan

    fit(two_replicas, 1)
    gan = fit(tf.distribute.get_strategy(), 2)
    assert gan.steps_done == 10
    assert fit(two_replicas, 3).steps_done == 15


@pytest.mark.parametrize(
    ("batch_size", "options", "message"),
    [
        (9, {}, "divisible by the number of replicas, 2. Received: 9"),
        (6, {"discriminator_steps": 2}, "discriminator_steps=2 on each of 2 replicas. Received: batches of 3"),
        (6, {"packing": 2}, "packing=2 on each of 2 replicas. Received: minibatches of 3"),
    ],
)
def test_batches_that_replicas_cannot_share_are_refused(two_replicas, images, batch_size, options, message):
    with two_replicas.scope():
        gan = equality.build("dcgan", **options)
        gan.compile()
    with pytest.raises(InputError, match=message):
        gan.fit(images, batch_size=batch_size, verbose=0)


def test_models_from_outside_the_scope_are_refused(two_replicas, images):
    gan = equality.build("dcgan")
    with two_replicas.scope(), pytest.raises(InputError, match="built outside"):
        gan.compile()
    gan.compile()
    with two_replicas.scope(), pytest.raises(InputError, match="built outside"):
        gan.fit(images, batch_size=8, verbose=0)


@pytest.mark.slow
def test_compiling_outside_the_scope_is_compiling_in_it(two_replicas, images):
    with two_replicas.scope():
        gan = equality.build("dcgan")
    gan.compile()
    gan.fit(images, batch_size=8, verbose=0)
    assert gan.steps_done == 5


# --- strategies by name


def test_names_of_strategies(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert distribution.strategy("auto").num_replicas_in_sync == 1
    assert distribution.strategy("cpu").num_replicas_in_sync == 1
    with pytest.raises(InputError, match="Did you mean 'mirrored'"):
        distribution.strategy("mirored")
    with pytest.raises(InputError, match="Expected a GPU"):
        distribution.strategy("gpu")
    with pytest.raises(InputError, match="Expected a TPU"):
        distribution.strategy("tpu")


def test_mirrored_takes_the_logical_cpus_where_there_is_no_gpu(monkeypatch):
    asked = []
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", asked.append)  # a second real one would collide
    distribution.strategy("mirrored")
    assert [name.rpartition("device:")[2] for name in asked[0]] == ["CPU:0", "CPU:1"]


WORKERS = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "TF_CONFIG such as .* Received: none"),
        ("{", "to be JSON"),
        ("[]", "to be JSON"),
        ("3", "to be JSON"),
        ('{"cluster": null}', "to be JSON"),
        ('{"cluster": {"worker": 2}}', "to be JSON"),
        (json.dumps({"cluster": WORKERS}), "TF_CONFIG such as"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}), "TF_CONFIG such as"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": -1}}), "TF_CONFIG such as"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": "first"}}), "TF_CONFIG such as"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}}), "TF_CONFIG such as"),
        (json.dumps({"cluster": WORKERS, "task": None}), "TF_CONFIG such as"),
        (json.dumps({"cluster": {**WORKERS, "ps": ["c:3"]}, "task": {"type": "ps", "index": 0}}), "parameter servers"),
    ],
)
def test_clusters_that_cannot_be_are_refused(monkeypatch, config, message):
    if config is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match=message):
        distribution.strategy("multi_worker")


def test_several_workers_are_found_by_themselves(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 1}}))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: "several")
    assert distribution.strategy("auto") == "several"


@pytest.mark.parametrize("config", ["{", "[]", '{"cluster": null}'])
def test_auto_refuses_a_cluster_that_cannot_be_read(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match="to be JSON"):
        distribution.strategy("auto")


def test_parameter_servers_are_refused_with_the_reason():
    with pytest.raises(InputError, match="stale gradients"):
        distribution.check_supported(object.__new__(tf.distribute.experimental.ParameterServerStrategy))


def test_network_errors_of_several_workers_name_the_lost_one(monkeypatch, two_replicas):
    monkeypatch.setattr(workers, "is_multi_worker", lambda used: used is two_replicas)
    unhealthy = "The following tasks are unhealthy:\n/job:worker/replica:0/task:1\nThe tasks have crashed."
    with pytest.raises(WorkerLostError, match=r"Lost worker 1 of this job .*then resume"), lost(two_replicas):
        raise tf.errors.UnavailableError(None, None, unhealthy)
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 1}}))
    with pytest.raises(WorkerLostError, match=r"Lost another worker of this job"), lost(two_replicas):
        raise tf.errors.UnavailableError(None, None, unhealthy)
    with pytest.raises(tf.errors.UnavailableError), lost(tf.distribute.get_strategy()):
        raise tf.errors.UnavailableError(None, None, unhealthy)
    with pytest.raises(tf.errors.InvalidArgumentError), lost(two_replicas):
        raise tf.errors.InvalidArgumentError(None, None, "shapes do not fit")


def lost(strategy):
    return distribution.lost_workers_named(strategy)
