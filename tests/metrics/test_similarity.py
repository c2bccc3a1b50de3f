"""The similarity of translations to their targets, in NumPy and from `gan-zoo evaluate`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import InputError, metrics
from keras_gan_zoo.callbacks import Metrics
from keras_gan_zoo.metrics.similarity import as_targets


def test_similarity_is_that_of_tensorflow_and_of_the_formulas():
    random = np.random.default_rng(0)
    targets = random.integers(0, 256, (3, 20, 16, 3), np.uint8)
    made = np.clip(targets + random.integers(-40, 40, targets.shape), 0, 255).astype(np.uint8)
    found = metrics.similarity(made, targets)
    difference = (made.astype(float) - targets) / 127.5
    assert found.l1 == pytest.approx(np.abs(difference).mean(), rel=1e-12)
    assert found.psnr == pytest.approx(10 * np.log10(4 / np.square(difference).mean()), rel=1e-12)
    assert found.ssim == pytest.approx(tf.image.ssim(made, targets, 255).numpy().mean(), rel=1e-6)


def test_equal_pictures_and_small_ones():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), np.uint8)
    same = metrics.similarity(pictures / 127.5 - 1, pictures)  # floats are rounded to 8 bits
    assert (same.l1, same.ssim, same.protocol["window"]) == (0, pytest.approx(1), 6)
    assert np.isnan(same.psnr)
    with pytest.raises(InputError, match=r"\(2, 6, 8, 3\) and \(2, 6, 8, 1\)"):
        metrics.similarity(pictures, pictures[..., :1])


def test_sources_are_compared_in_the_shape_of_their_targets():
    grey = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    assert (as_targets(grey, (4, 4, 3)) == grey).all()
    colour = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    enlarged = Image.fromarray(colour[1]).resize((8, 8), Image.Resampling.BICUBIC)
    assert (as_targets(colour, (8, 8, 3))[1] == np.asarray(enlarged)).all()
    assert as_targets(np.zeros((1, 4, 4, 11), np.uint8), (4, 4, 3)) is None


def test_evaluate_measures_translators_on_held_out_pairs():
    """A generator that repeats pixels, whose answers are known; the sources are made as in training."""
    inputs = keras.Input((8, 8, 3), name="condition")
    generator = keras.Model(inputs, keras.layers.UpSampling2D()(inputs))
    _, judge = kgz.networks.srresnet_pair((16, 16, 3), scale=2, width=4, residual_blocks=1)
    model = kgz.SRGAN(generator, judge, seed=0)
    report = metrics.evaluate(model, "avatars", n=60)
    [ours], [real] = report.generated, report.reference

    targets = kgz.data.load("avatars", split="test").examples
    targets = targets[np.random.default_rng(0).permutation(len(targets))[:60]]
    small = kgz.data.Downscaled(2)(targets)
    expected = metrics.similarity(small.repeat(2, 1).repeat(2, 2), targets).values
    floor = metrics.similarity(as_targets(small, (16, 16, 3)), targets).values
    assert ours.values == {**expected, **{f"source_{name}": value for name, value in floor.items()}}
    assert np.isnan(list(real.values.values())).all()
    assert ("  l1", f"{expected['l1']:.5g}", "-") in report.rows()


def test_other_images_have_no_similarity(tmp_path):
    avatars = kgz.data.load("avatars", split="test[:64]")
    with pytest.raises(InputError, match=r"Expected translations .* for similarity\. Received: other images"):
        metrics.evaluate(avatars.examples, "avatars", metrics=["similarity"], n=32)
    gan = kgz.DCGAN.for_images((16, 16, 3), width=4, seed=0)
    gan.compile()
    with pytest.raises(InputError, match=r"Expected translations .* for similarity\."):
        gan.fit(avatars, callbacks=[Metrics(["similarity"], n=32)], verbose=0)


def test_pix2pix_refuses_sets_that_are_no_pairs():
    model = kgz.Pix2Pix.for_images((16, 16, 3), width=4, seed=0)
    model.compile()
    with pytest.raises(InputError, match=r"whose sources and targets do not belong together\. Train CycleGAN"):
        model.fit(kgz.data.load("avatars,peeps", image_size=16), verbose=0)
