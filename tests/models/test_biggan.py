"""BigGAN: what differs from GAN, a step worked out by hand, and standing statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.training.build import build, resolve
from tests.by_hand import SEED, SIZE, noise, players
from tests.helpers import assert_same, weights_of
from tests.residual import images_of_biggan, of_kind, with_random_weights

RATE = 0.1


def test_a_step_regularises_the_generator_after_two_of_the_discriminator(float64):
    """The columns of the generator's kernel are numbers a and b, whose inner product is a b: twice in the sum."""
    rng, weight = np.random.default_rng(1), 0.3
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with_random_weights([generator, discriminator])
    gan = kgz.BigGAN(generator, discriminator, orthogonal_regularization=weight, seed=SEED)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=True)
    (g, (*w, c)), w = players(gan), players(gan)[1][:2]
    real, (*first, last) = rng.normal(0, 0.5, (2 * SIZE, 2)), noise(0, 3)

    for minibatch, z in zip((real[::2], real[1::2]), first, strict=True):
        fake = z[:, None] * g[:2] + g[2:]
        up, down = 1.0 * (minibatch @ w + c < 1), 1.0 * (fake @ w + c > -1)  # of max(0, 1 - s), max(0, 1 + s)
        w = w + RATE * (np.mean(up[:, None] * minibatch, axis=0) - np.mean(down[:, None] * fake, axis=0))
        c = c + RATE * (np.mean(up) - np.mean(down))
    (a, b), penalty = g[:2], weight * 2 * (g[0] * g[1]) ** 2
    slope = weight * 4 * np.array([a * b**2, a**2 * b, 0, 0]) - np.concatenate([np.mean(last) * w, w])
    loss = -np.mean((last[:, None] * g[:2] + g[2:]) @ w + c)

    logs = gan.train_on_batch(real, return_dict=True)
    np.testing.assert_allclose(players(gan)[0], g - RATE * slope, rtol=1e-12)
    np.testing.assert_allclose(players(gan)[1], [*w, c], rtol=1e-12)
    assert logs["g_loss"] == pytest.approx(loss + penalty, rel=1e-6)
    plain = kgz.BigGAN(gan.generator, gan.discriminator, orthogonal_regularization=0, seed=SEED)
    plain.compile("sgd", "sgd")
    assert plain.evaluate(real, verbose=0) == gan.evaluate(real, verbose=0)


def tiny(shape=(8, 8, 1), **arguments):
    return kgz.BigGAN.for_images(shape, 4, **{"num_classes": 3, "width": 1, "embedding_dim": 4, "seed": 0, **arguments})


def test_all_kernels_of_the_generator_are_regularised_and_its_class_vectors_are_not(float64):
    gan = tiny(orthogonal_regularization=0.5)
    with_random_weights([gan.generator])
    layers = of_kind(gan.generator, (keras.layers.Dense, keras.layers.Conv2D))
    assert len(layers) == 1 + 4 + 3 + 1  # the first map, scales and offsets, the block, the image
    matrices = [np.array(layer.kernel).reshape(-1, layer.kernel.shape[-1]) for layer in layers]
    products = [matrix.T @ matrix for matrix in matrices]
    expected = 0.5 * sum(np.sum((each - np.diag(np.diag(each))) ** 2) for each in products)
    assert float(gan.generator_penalty()) == pytest.approx(expected, rel=1e-12)


def test_both_networks_are_normalised_spectrally_except_for_the_class_vectors():
    gan = tiny()
    for player in (gan.generator, gan.discriminator):
        plain = [layer for layer in player.layers if hasattr(layer, "kernel") or hasattr(layer, "embeddings")]
        plain = [layer for layer in plain if not isinstance(layer, keras.layers.SpectralNormalization)]
        assert [layer.name for layer in plain] == (["class_vectors"] if player is gan.generator else [])
    without = tiny(spectral_normalization=False)
    assert not of_wrapper(without.generator) + of_wrapper(without.discriminator)
    assert of_wrapper(kgz.BigGAN.for_images((2,), 4).generator)


def test_class_vectors_of_other_networks_are_neither_normalised_nor_regularised():
    """Those of the residual networks are matrices that one-hot labels are multiplied by: scales of 1, offsets of 0."""
    arguments = {"architecture": "resnet", "width": 4, "discriminator_width": 2, "num_classes": 3, "seed": 0}
    gan = kgz.BigGAN.for_images((8, 8, 1), 4, **arguments)
    noise, labels = tf.ones((4, 4)), tf.constant([0, 1, 2, 0])
    for _ in range(3):
        gan.generate(noise, labels, training=True)
    vectors = [layer for layer in gan.generator.layers if layer.name.startswith("class_vectors")]
    assert [layer.name.rpartition("_")[2] for layer in vectors] == ["ones", "zeros"] * 2
    for layer in vectors:
        np.testing.assert_array_equal(layer.kernel, np.full((3, 4), float(layer.name.endswith("ones"))))
    penalty = float(gan.generator_penalty())
    for layer in vectors:
        layer.kernel.assign(np.full((3, 4), 7.0))
    assert float(gan.generator_penalty()) == penalty
    judge = [layer for layer in gan.discriminator.layers if layer.weights]
    assert of_wrapper(gan.discriminator) == judge


def of_wrapper(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.SpectralNormalization)]


def test_the_defaults_are_the_papers():
    defaults = kgz.BigGAN.default_arguments((128, 128, 3))
    names = ("architecture", "attention", "loss", "discriminator_steps", "spectral_normalization", "ema_decay")
    assert [defaults[name] for name in names] == ["biggan", 64, "hinge", 2, True, 0.9999]
    assert defaults["orthogonal_regularization"] == 1e-4
    assert "attention" not in kgz.BigGAN.default_arguments((64, 64, 3))
    assert kgz.BigGAN.default_arguments((2,))["architecture"] == "mlp"
    recipe = kgz.training.Recipe("biggan", "digits", epochs=1, decay=0.5, model={"width": 1, "embedding_dim": 2})
    gan = build(*resolve(recipe))  # the rates are those before they fall
    for player, rate in (("generator", 5e-5), ("discriminator", 2e-4)):
        optimizer = gan.players[player].optimizer
        assert isinstance(optimizer, keras.optimizers.Adam)
        assert float(optimizer.learning_rate) == pytest.approx(rate)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.999)
    gan.compile()
    assert [float(player.optimizer.learning_rate) for player in gan.players.values()] == pytest.approx([5e-5, 2e-4])


# -------------------------------------------------------------------------------------------------- standing statistics


def normalizations(network):
    return of_kind(network, keras.layers.BatchNormalization)


def test_standing_statistics_are_means_over_batches_that_are_normalised_by_themselves(float64):
    gan = tiny()
    with_random_weights([gan.generator])
    gan.ema_generator.set_weights(gan.generator.get_weights())
    z, labels, moments = kgz.latent.truncated_noise(12, 4, 0.7, seed=5), np.arange(12) % 3, []

    def recorded(x):
        mean, variance = tf.nn.moments(x, (0, 1, 2))
        moments[-1].append((mean, variance))
        return (x - mean) / tf.sqrt(variance + 1e-3)

    for start in (0, 4, 8):
        moments.append([])
        images_of_biggan(gan.ema_generator, *(part[start : start + 4] for part in (z, labels)), (2, 2), recorded)
    before = weights_of(gan)
    gan.standing_statistics(batches=3, batch_size=4, seed=5, truncation=0.7)
    for layer, of_batches in zip(normalizations(gan.ema_generator), zip(*moments, strict=True), strict=True):
        mean, variance = np.mean(of_batches, axis=0)
        np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-9)

    paths = [variable.path for variable, old in zip(gan.weights, before, strict=True) if np.any(variable != old)]
    assert len(paths) == 2 * len(normalizations(gan.ema_generator))
    assert {path.split("/")[-1] for path in paths} == {"moving_mean", "moving_variance"}


def test_standing_statistics_follow_the_seed_not_what_was_before_nor_the_number_of_replicas(two_replicas):
    gan = tiny(seed=0)
    with two_replicas.scope():
        other = tiny(seed=0)
    gan.standing_statistics(batches=2, batch_size=4, seed=1)
    gan.standing_statistics(batches=2, batch_size=4, seed=2)
    first = weights_of(gan.sampler)
    other.standing_statistics(batches=2, batch_size=4, seed=2)
    assert_same(first, weights_of(other.sampler))
    other.standing_statistics(batches=2, batch_size=4, seed=3)
    assert any(not np.array_equal(a, b) for a, b in zip(first, weights_of(other.sampler), strict=True))


def test_every_model_with_batch_normalisation_has_standing_statistics():
    generator = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    gan = kgz.GAN(generator, keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    gan.standing_statistics(batches=2, batch_size=5)
    z = kgz.latent.truncated_noise(10, 3, seed=0).reshape(2, 5, 3)
    np.testing.assert_allclose(generator.layers[0].moving_mean, z.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(generator.layers[0].moving_variance, z.var(axis=1).mean(axis=0), rtol=1e-5)


def test_impossible_standing_statistics_are_refused():
    with pytest.raises(InputError, match="Expected a generator with layers of batch normalisation"):
        kgz.BigGAN.for_images((2,), architecture="mlp").standing_statistics()
    with pytest.raises(InputError, match=r"Expected batches to be a whole number of at least 1\. Received: 0"):
        tiny().standing_statistics(batches=0)
