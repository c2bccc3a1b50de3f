"""The comparison of likelihoods: images are drawn, and the estimate is that of a model whose likelihood is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import keras_gan_zoo as kgz
from tests.benchmarks import vae_bound


def test_pixels_are_white_by_their_grey_level():
    grey = np.tile(np.array([[0], [51], [255]], np.uint8), (200, 28, 1, 1))
    first, second = (np.concatenate([*passed.as_numpy_iterator()]) for passed in [vae_bound.drawn(grey, seed=0)] * 2)
    assert {*np.unique(first)} == {-1, 1}
    np.testing.assert_allclose((first == 1).mean(axis=(0, 1, 3)), [0, 0.2, 1], atol=0.02)
    assert not np.array_equal(first, second)  # each pass draws again


@pytest.mark.parametrize("codes", [50, 70])  # computed in fifties
def test_a_decoder_that_ignores_its_code_has_a_known_likelihood(codes):
    """Any encoder will do then: all weights have p(x) as their mean, and with the prior's codes are equal to it."""
    vae = kgz.VAE.for_images((8, 8, 1), **{**vae_bound.NETWORKS, "units": 3, "latent_dim": 2}, seed=0)
    for weight in vae.autoencoder.weights:
        weight.assign(np.zeros(weight.shape))
    images = np.random.default_rng(0).choice([-1.0, 1.0], (130, 8, 8, 1)).astype(np.float32)
    estimate = vae_bound.negative_log_likelihood(vae, images, codes)
    assert estimate == pytest.approx(64 * math.log(2), rel=1e-5)


def test_importance_weights_correct_the_encoder():
    """The prior's codes, and those of an encoder that is far from it, give the same likelihood."""
    vae = kgz.VAE.for_images((8, 8, 1), **{**vae_bound.NETWORKS, "units": 6, "latent_dim": 2}, seed=0)
    images = np.random.default_rng(0).choice([-1.0, 1.0], (5, 8, 8, 1)).astype(np.float32)
    codes = vae.autoencoder.get_layer("encoder").get_layer("codes")
    codes.kernel.assign(np.zeros(codes.kernel.shape))
    estimates = []
    for mean, log_variance in ((0.0, 0.0), (0.7, 0.5)):
        codes.bias.assign([mean, mean, log_variance, log_variance])
        estimates.append(vae_bound.negative_log_likelihood(vae, images, 20_000))
    assert estimates[0] == pytest.approx(estimates[1], rel=2e-3)
    vae.compile()
    bound = vae.evaluate(images, verbose=0, return_dict=True)["loss"]
    assert estimates[1] < bound


def test_a_model_is_trained_and_measured(monkeypatch):
    monkeypatch.setattr(vae_bound, "NETWORKS", {**vae_bound.NETWORKS, "units": 4, "latent_dim": 2})
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28, 1), np.uint8)
    options = SimpleNamespace(epochs=1, codes=50)
    found = vae_bound.figures(images, images[:100], 0, options)
    assert 0 < found[vae_bound.NLL] < found[vae_bound.BOUND] + 1
