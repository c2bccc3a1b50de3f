"""SNGAN: what differs from GAN, and a step worked out for a discriminator of one kernel."""

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.by_hand import SEED, SIZE, noise, players

RATE = 0.1


def normalised_kernels(gan):
    return [layer for layer in gan.discriminator.layers if isinstance(layer, keras.layers.SpectralNormalization)]


def test_a_step_normalises_the_kernel_and_descends_from_there(float64):
    """A kernel of one column has one singular value, its length, which one power iteration finds exactly."""
    rng = np.random.default_rng(1)
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    for player in (generator, discriminator):
        player.set_weights([rng.normal(0, 2, weight.shape) for weight in player.weights])
    discriminator = kgz.networks.spectrally_normalized(discriminator, seed=0)
    gan = kgz.SNGAN(generator, discriminator, discriminator_steps=1, seed=SEED)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=True)
    g, (*w, c) = players(gan)[0], np.concatenate([np.ravel(each) for each in discriminator.trainable_weights])
    real, z = rng.normal(0, 0.5, (SIZE, 2)), noise(0, 2)
    fake = z[0][:, None] * g[:2] + g[2:]

    w /= np.linalg.norm(w)
    real_slope, fake_slope = -1.0 * (real @ w + c < 1), 1.0 * (fake @ w + c > -1)  # of max(0, 1 - s), max(0, 1 + s)
    assert 0 < np.count_nonzero([real_slope, fake_slope]) < 2 * SIZE
    w = w - RATE * (np.mean(real_slope[:, None] * real, axis=0) + np.mean(fake_slope[:, None] * fake, axis=0))
    c = c - RATE * (np.mean(real_slope) + np.mean(fake_slope))
    w /= np.linalg.norm(w)
    g = g + RATE * np.concatenate([np.mean(z[1]) * w, w])  # up the mean score

    gan.train_on_batch(real)
    np.testing.assert_allclose(players(gan)[0], g, rtol=1e-10)
    trained = np.concatenate([np.ravel(each) for each in discriminator.trainable_weights])
    np.testing.assert_allclose(trained, [*w, c], rtol=1e-10)


def test_the_defaults_are_the_papers():
    defaults = kgz.SNGAN.default_arguments((8, 8, 1))
    found = [defaults[name] for name in ("architecture", "discriminator_steps", "spectral_normalization")]
    assert found == ["resnet", 5, True]
    assert kgz.SNGAN.default_arguments((2,))["architecture"] == "mlp"
    optimizer = kgz.SNGAN.paper_optimizer()
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(2e-4)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.9)


@pytest.mark.parametrize(("shape", "kernels"), [((8, 8, 1), 9), ((2,), 4)], ids=str)
def test_every_kernel_of_its_discriminator_is_normalised(shape, kernels):
    narrow = {"width": 4, "discriminator_width": 4} if len(shape) == 3 else {}
    gan = kgz.SNGAN.for_images(shape, 3, num_classes=2, **narrow)
    assert type(gan.adversarial_loss) is kgz.losses.Hinge
    assert len(normalised_kernels(gan)) == kernels
    others = [layer for layer in gan.discriminator.layers if layer.weights and layer not in normalised_kernels(gan)]
    assert not others
    assert not normalised_kernels(kgz.SNGAN.for_images(shape, 3, spectral_normalization=False, **narrow))


def test_other_variants_normalise_their_residual_discriminator_if_asked_to():
    arguments = {"architecture": "resnet", "width": 4, "discriminator_width": 4}
    assert not normalised_kernels(kgz.WGANGP.for_images((8, 8, 1), 3, **arguments))
    assert normalised_kernels(kgz.GAN.for_images((8, 8, 1), 3, spectral_normalization=True, **arguments))
