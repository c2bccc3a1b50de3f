"""Data are let go as soon as they are no longer used: nothing waits for Python's collection of circles."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from tests.helpers import slow

LENGTH = 97  # of no other array


class Array(np.ndarray):
    """An array whose end can be noticed."""


@pytest.fixture
def without_collections():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def examples(length=LENGTH):
    images = np.random.default_rng(0).integers(0, 256, (length, 8, 8, 1), dtype=np.uint8)
    return images.view(Array)


def tensors() -> list:
    """The tensors that hold as many examples, as long as anything refers to them."""
    # By type: to ask some objects for their class, as isinstance does, makes their libraries warn.
    held = (each for each in gc.get_objects() if issubclass(type(each), tf.Tensor) and hasattr(each, "numpy"))
    return [each for each in held if each.shape.rank and each.shape[0] == LENGTH]


USES = {
    "fit": lambda gan, x: gan.fit(x, batch_size=8, verbose=0),
    "fit a data set": lambda gan, x: gan.fit(kgz.data.Dataset(x), batch_size=8, verbose=0),
    "validate": lambda gan, x: gan.fit(examples(16), batch_size=8, validation_data=x, verbose=0),
    "evaluate": lambda gan, x: gan.evaluate(x, verbose=0),
    "measure": lambda gan, x: gan.fit(
        x,
        batch_size=8,
        verbose=0,
        callbacks=[kgz.callbacks.Metrics(["nearest_neighbours"], extractor="pixels", n=20)],
    ),
    "watch": lambda gan, x: gan.fit(
        x, batch_size=8, verbose=0, callbacks=[kgz.callbacks.CollapseAlarm(n=8), kgz.callbacks.NaNGuard(retries=1)]
    ),
    "batches": lambda gan, x: next(iter(kgz.data.Dataset(x).batches(8, seed=0))),
    "some": lambda gan, x: kgz.data.Dataset(x).some(8, seed=0),
}


@pytest.mark.parametrize("use", [slow(use) if use == "watch" else use for use in USES])
def test_examples_end_with_their_last_use(shared, without_collections, use):
    gan, images = shared("dcgan"), examples()
    alive = weakref.ref(images)
    USES[use](gan, images)
    assert not tensors()
    del images
    assert alive() is None


def test_examples_end_after_an_error(shared, without_collections):
    gan, images = shared("dcgan"), examples()
    alive = weakref.ref(images)

    def fail(epoch, logs):
        raise KeyError(epoch)

    with pytest.raises(KeyError):
        gan.fit(images, batch_size=8, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fail)])
    del images
    assert alive() is None
    assert not tensors()


@pytest.mark.slow
def test_conditions_and_labels_too(shared, without_collections):
    gan, images = shared("conditional_gan", True), examples()
    labels = (np.arange(LENGTH) % gan.num_classes).view(Array)
    alive = weakref.ref(labels)
    gan.fit(images, labels, batch_size=8, verbose=0)
    del labels
    assert alive() is None
    assert not tensors()


def test_samples_are_not_kept(shared, without_collections):
    samples = shared("dcgan").sample(LENGTH)
    alive = weakref.ref(samples)
    del samples
    assert alive() is None
    assert not tensors()
