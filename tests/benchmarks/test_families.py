"""The mixture of Gaussians and the neighbours of codes, by hand."""

import numpy as np

import keras_gan_zoo as kgz
from tests.benchmarks.families import Mixture, accuracy_of_neighbours, features_before_codes


def test_one_gaussian_on_all_components_has_mean_and_covariance_of_the_images():
    random = np.random.default_rng(0)
    mixing = np.array([[0.2, 0, 0, 0], [0.1, 0.1, 0, 0], [0, 0, 0.05, 0], [0.1, 0, 0, 0.1]])
    images = (random.normal(size=(4000, 4)) @ mixing).reshape(-1, 2, 2, 1)
    samples = Mixture(images, components=4, gaussians=1).sample(4000, seed=1)
    assert samples.shape == (4000, 2, 2, 1)
    assert samples.dtype == np.float32
    flat = [each.reshape(-1, 4) for each in (images, samples)]
    np.testing.assert_allclose(flat[0].mean(axis=0), flat[1].mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(flat[0].T), np.cov(flat[1].T), atol=0.005)


def test_neighbours_of_codes():
    train, labels = np.array([[0.0], [1.0], [5.0]]), np.array([0, 1, 2])
    assert accuracy_of_neighbours(train, labels, np.array([[0.4], [0.6], [9.0], [2.9]]), np.array([0, 1, 2, 2])) == 0.75


def test_features_are_what_codes_are_made_of():
    gan = kgz.BiGAN.for_images((8, 8, 1), 3, width=2, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8)
    kernel, bias = gan.generator.get_layer("encoder").get_layer("codes").get_weights()
    found = features_before_codes(gan)(images) @ kernel + bias
    np.testing.assert_allclose(found, gan.encode(images), rtol=1e-5, atol=1e-6)
