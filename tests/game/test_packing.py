"""Packing, PacGAN's: the discriminator judges several examples at once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, linear, noise, players, sigmoid, softplus
from tests.equality import PAIRS, classes_of, conditions_of, given, tiny_networks
from tests.helpers import FEW_KINDS, assert_same, weights_of

RATE = 0.1


def packed_linear(**arguments):
    """The discriminator u x + v y + c of a pack (x, y), the generator a z + b."""
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    discriminator.set_weights([np.array([[-0.4], [0.6]]), np.array([0.3])])
    gan = kgz.GAN(linear("g", 0.7, 0.2), discriminator, packing=2, seed=SEED, **arguments)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    return gan


# --------------------------------------------------------------------------------------------------------------- packs


@pytest.mark.parametrize("shape", [(5,), (4, 6, 3), (7, 2)], ids=str)
@pytest.mark.parametrize("m", [2, 3])
def test_consecutive_examples_are_joined_along_the_last_axis(shape, m):
    gan = kgz.GAN.for_images((2,), 3, packing=m, generator_units=2, discriminator_units=2)
    values = np.random.default_rng(0).standard_normal((6, *shape))
    packs = np.array(gan._packed(tf.constant(values)))
    np.testing.assert_array_equal(packs, np.concatenate([values[i::m] for i in range(m)], axis=-1))


def test_labels_of_a_pack_stand_side_by_side():
    gan = kgz.GAN.for_images((2,), 3, packing=2, generator_units=2, discriminator_units=2)
    np.testing.assert_array_equal(gan._packed(tf.constant([0, 1, 2, 3, 4, 5])), [[0, 1], [2, 3], [4, 5]])
    assert gan._packed(None) is None


@pytest.mark.parametrize("architecture", PAIRS)
def test_the_discriminator_takes_m_times_the_channels_and_m_conditions(architecture):
    def pair(packing):
        arguments = {**tiny_networks(architecture), "num_classes": classes_of(architecture), "packing": packing}
        return kgz.networks.ARCHITECTURES[architecture]((8, 8, 3), **arguments)

    (generator, alone), (of_packed, packed) = pair(1), pair(2)
    assert of_packed.output_shape == generator.output_shape
    expected = [(None, 2) if one.ndim == 1 else (*one.shape[:-1], 2 * one.shape[-1]) for one in alone.inputs]
    assert [two.shape for two in packed.inputs] == expected


def test_each_example_of_a_pack_has_its_label():
    gan = kgz.GAN.for_images((2,), 3, num_classes=3, architecture="mlp", packing=2, units=4, depth=1, seed=0)
    kernel = next(layer for layer in gan.discriminator.layers if layer.weights).kernel
    assert kernel.shape == (2 * 2 + 2 * 3, 4)
    out = gan.discriminator.layers[-1]
    out.set_weights([np.ones((4, 1)), np.zeros(1)])
    rows = np.zeros((10, 4))
    rows[4:] = [[1], [2], [3], [10], [20], [30]]  # labels 0, 1, 2 of the first example, then of the second
    kernel.assign(rows)
    scores = gan.score(tf.zeros((4, 2)), tf.constant([0, 2, 2, 1]))
    np.testing.assert_array_equal(scores, [[4 * (1 + 30)], [4 * (3 + 20)]])


def test_a_pack_must_fit_the_discriminator():
    with pytest.raises(InputError, match=r"3 packed along the last axis. Received: a generator of \(1,\).*of \(2,\)"):
        kgz.GAN(linear("g", 0.7, 0.2), packed_linear().discriminator, packing=3)
    with pytest.raises(InputError, match=r"a generator of \(1,\) and a discriminator of \(2,\)"):
        kgz.GAN(linear("g", 0.7, 0.2), packed_linear().discriminator)


@pytest.mark.parametrize("packing", [0, -1, 1.5, None, "2"])
def test_impossible_packs_are_refused(packing):
    with pytest.raises(InputError, match="Expected packing to be a whole number of at least 1"):
        kgz.GAN(linear("g", 0.7, 0.2), linear("d", 0.7, 0.2), packing=packing)


@pytest.mark.parametrize("packing", [0, -1, 1.5])
def test_impossible_packs_are_refused_by_for_images(packing):
    with pytest.raises(InputError, match="packing"):
        kgz.GAN.for_images((2,), packing=packing)


# ------------------------------------------------------------------------------------------------------------ the step


@pytest.mark.parametrize("simultaneous", [False, True], ids=["in turn", "at once"])
def test_a_step_descends_the_loss_of_packs(float64, simultaneous):
    gan = packed_linear(simultaneous=simultaneous)
    data = np.random.default_rng(0).standard_normal((SIZE, 1))
    (a, b), (u, v, c) = players(gan)
    draws = noise(0, 1 if simultaneous else 2)
    real, z, last = data.reshape(-1, 2), draws[0].reshape(-1, 2), draws[-1].reshape(-1, 2)
    fake = a * z + b
    real_slope, fake_slope = -sigmoid(-(real @ [u, v] + c)), sigmoid(fake @ [u, v] + c)
    d_loss = np.mean(softplus(-(real @ [u, v] + c))) + np.mean(softplus(fake @ [u, v] + c))
    slopes = np.mean(real_slope[:, None] * real, axis=0) + np.mean(fake_slope[:, None] * fake, axis=0)
    moved = np.array([*([u, v] - RATE * slopes), c - RATE * (np.mean(real_slope) + np.mean(fake_slope))])
    judge = np.array([u, v, c]) if simultaneous else moved
    pull = sigmoid(-((a * last + b) @ judge[:2] + judge[2]))  # -dL_G / ds
    logs = gan.train_on_batch(data, return_dict=True)
    np.testing.assert_allclose(players(gan)[1], moved, rtol=1e-12)
    np.testing.assert_allclose(
        players(gan)[0],
        [a + RATE * np.mean(pull * (last @ judge[:2])), b + RATE * np.mean(pull * judge[:2].sum())],
        rtol=1e-12,
    )
    assert logs["d_loss"] == pytest.approx(d_loss, rel=1e-6)


def test_packs_of_one_are_no_packs():
    def trained(**arguments):
        gan = kgz.GAN.for_images((2,), 3, generator_units=4, discriminator_units=2, seed=0, **arguments)
        gan.compile("adam", "adam", run_eagerly=True)
        gan.fit(np.random.default_rng(0).standard_normal((16, 2)), batch_size=4, verbose=0)
        return weights_of(gan)

    assert_same(trained(), trained(packing=1))


@pytest.mark.parametrize(("variant", "conditional"), FEW_KINDS)
def test_every_variant_packs(variant, conditional, tiny, images, labels):
    gan = tiny(variant, conditional, compiled=False, packing=2)
    gan.compile("adam", "adam", run_eagerly=True)
    kernels = [gan.generator.trainable_variables[0], gan.discriminator.trainable_variables[0]]
    before = [np.array(kernel) for kernel in kernels]
    batch = given(type(gan), images, conditions_of(type(gan), labels, conditional))
    history = gan.fit(*batch, batch_size=40, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert not any(np.array_equal(a, b) for a, b in zip(before, kernels, strict=True))


def test_packing_survives_saving(tmp_path):
    gan = kgz.GAN.for_images((2,), 3, generator_units=4, discriminator_units=2, packing=3)
    gan.save(tmp_path / "gan.keras")
    assert keras.saving.load_model(tmp_path / "gan.keras").packing == 3


# ---------------------------------------------------------------------------------------------------------- whole packs


def test_minibatches_of_broken_packs_are_refused(images):
    gan = packed_linear()
    with pytest.raises(InputError, match=r"divisible by packing=2. Received: minibatches of 5 examples"):
        gan.fit(np.zeros((20, 1)), batch_size=5, verbose=0)
    with pytest.raises(InputError, match=r"divisible by packing=2. Received: minibatches of 5 examples"):
        gan.fit(
            tf.data.Dataset.from_tensor_slices(np.zeros((20, 1), np.float32)).batch(5, drop_remainder=True), verbose=0
        )
    gan = packed_linear(discriminator_steps=3)
    with pytest.raises(InputError, match=r"packing=2. Received: minibatches of 3 examples"):
        gan.fit(np.zeros((36, 1)), batch_size=9, verbose=0)


@pytest.mark.parametrize("batch_size", [4, 5, 9, 2])
def test_evaluation_leaves_out_what_makes_no_whole_pack(float64, batch_size):
    gan = packed_linear()
    gan.generator.set_weights([np.zeros((1, 1)), np.array([0.5])])  # the noise of evaluation does not matter
    data = np.random.default_rng(0).standard_normal((10, 1))
    batches = [data[i : i + batch_size] for i in range(0, 10, batch_size)]
    real = np.concatenate([batch[: len(batch) // 2 * 2].reshape(-1, 2) for batch in batches])
    d_loss = np.mean(softplus(-(real @ [-0.4, 0.6] + 0.3))) + softplus(0.5 * 0.2 + 0.3)
    logs = gan.evaluate(data, batch_size=batch_size, return_dict=True, verbose=0)
    assert logs["d_loss"] == pytest.approx(d_loss, rel=1e-6)
    assert logs["g_loss"] == pytest.approx(softplus(-(0.5 * 0.2 + 0.3)), rel=1e-6)


@pytest.mark.parametrize("variant", ["gan", "wgan"])
def test_a_last_batch_without_any_pack_is_harmless(variant, tiny, images, labels):
    gan = tiny(variant, conditional=True, packing=2)
    logs = gan.evaluate(images, labels, batch_size=39, return_dict=True, verbose=0)  # then one of 1
    assert logs == gan.evaluate(images[:38], labels[:38], batch_size=38, return_dict=True, verbose=0)
    assert np.isfinite(list(logs.values())).all()
