"""VAE: its bound and its step against closed forms, both likelihoods, and what all models of this package do."""

import contextlib
import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError, NotFiniteError
from tests.by_hand import SEED, SIZE, derivative, noise
from tests.helpers import assert_same, weights_of

RATE = 0.1
# Of N(c x + d, exp(f x + h)), from which a code z is drawn, and of a z + b, around which the decoder expects x.
WEIGHTS = (-0.5, 0.1, 0.2, -0.3, 0.7, 0.2)
X = np.random.default_rng(0).standard_normal((SIZE, 1))


def dense(name, kernel, bias, **options):
    layer = keras.layers.Dense(len(bias), **options)
    network = keras.Sequential([keras.Input((len(kernel),)), layer], name=name)
    layer.set_weights([np.array(kernel), np.array(bias)])
    return network


def linear_vae(weights=WEIGHTS, **arguments):
    c, d, f, h, a, b = weights
    parts = {"encoder": dense("e", [[c, f]], [d, h]), "decoder": dense("d", [[a]], [b])}
    return kgz.VAE(kgz.networks.joined("autoencoder", **parts), **{"seed": SEED, **arguments})


def compiled(run_eagerly=True, **arguments):
    model = linear_vae(**arguments)
    model.compile(keras.optimizers.SGD(RATE), run_eagerly=run_eagerly)
    return model


# ------------------------------------------------------------------------------------------------------------ the bound


def terms(weights, z, stddev):
    """The reconstruction and the divergence, written out for one number."""
    (c, d, f, h, a, b), x = weights, X[:, 0]
    mean, variance = c * x + d, np.exp(f * x + h)
    made = a * (mean + np.sqrt(variance) * z) + b
    density = np.exp(-((x - made) ** 2) / (2 * stddev**2)) / np.sqrt(2 * np.pi * stddev**2)
    return -np.mean(np.log(density)), np.mean((mean**2 + variance - 1 - np.log(variance)) / 2)


@pytest.mark.parametrize("stddev", [1.0, 0.5])
def test_a_step_descends_the_bound(float64, stddev):
    model = compiled(stddev=stddev)
    [z] = noise(0, 1)
    gradient = derivative(lambda weights: sum(terms(weights, z, stddev)), WEIGHTS)
    logged = model.train_on_batch(X, return_dict=True)
    c, d, f, h, a, b = np.array(WEIGHTS) - RATE * gradient
    expected = [np.array([[c, f]]), np.array([d, h]), np.array([[a]]), np.array([b])]
    for weight, value in zip(model.autoencoder.weights, expected, strict=True):
        np.testing.assert_allclose(weight.numpy(), value, rtol=1e-10)
    reconstruction, kl = terms(WEIGHTS, z, stddev)
    expected = {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}
    assert logged == pytest.approx(expected, rel=1e-6)


def test_evaluate_gives_the_bound_on_noise_of_its_own(float64):
    model = compiled(stddev=0.5)
    before = weights_of(model)
    figures = model.evaluate(X, batch_size=SIZE, return_dict=True, verbose=0)
    reconstruction, kl = terms(WEIGHTS, noise(-1, 1)[0], 0.5)
    assert figures == pytest.approx({"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}, rel=1e-6)
    assert_same(before, weights_of(model))


def test_with_the_exact_posterior_the_bound_is_the_likelihood(float64):
    """x = a z + b + s e is of N(b, t), and z given x of N(a (x - b) / t, s^2 / t), for t = a^2 + s^2.

    The bound is then the likelihood itself, on average over the noise: of which there is much.
    """
    a, b, s = 0.7, 0.2, 0.5
    total = a**2 + s**2
    model = compiled(weights=(a / total, -a * b / total, 0.0, math.log(s**2 / total), a, b), stddev=s)
    x = np.repeat([[-0.9], [0.4], [1.3]], 20_000, axis=0)
    likelihood = np.mean((x - b) ** 2 / (2 * total) + math.log(2 * math.pi * total) / 2)
    assert model.evaluate(x, batch_size=len(x), verbose=0, return_dict=True)["loss"] == pytest.approx(
        likelihood, abs=0.01
    )


def test_the_bernoulli_likelihood_is_that_of_pixels_as_probabilities():
    """Also where the decoder is certain: then a wrong pixel costs much, but not infinitely much."""
    model = kgz.VAE.for_images((8, 8, 1), latent_dim=2, width=2, likelihood="bernoulli", seed=0)
    random = np.random.default_rng(0)
    images, made = random.choice([-1.0, 1.0], (3, 8, 8, 1)), random.uniform(-0.9, 0.9, (3, 8, 8, 1))
    found = model.log_likelihood(tf.constant(images), tf.constant(made))
    chances = np.where(images > 0, (made + 1) / 2, (1 - made) / 2)  # of what is seen
    np.testing.assert_allclose(found, np.log(chances).sum(axis=(1, 2, 3)), rtol=1e-6)
    certain = tf.constant(np.ones((1, 1, 1, 1), np.float32))
    assert float(model.log_likelihood(certain, certain)[0]) == pytest.approx(0, abs=1e-6)
    assert float(model.log_likelihood(-certain, certain)[0]) == pytest.approx(math.log(1e-7), rel=0.02)


# ---------------------------------------------------------------------------------------------------------------- codes


def test_codes_are_means_and_samples_are_means_too(tmp_path):
    """Also of what is saved: the file and the preset, with or without the discriminator that there is not."""
    model = compiled(stddev=0.5)
    c, d, _, _, a, b = WEIGHTS
    model.save(tmp_path / "vae.keras")
    card = model.save_preset(tmp_path / "preset", description="Linear")
    assert card.parameters == {"generator": 6}
    presets = [kgz.load(tmp_path / "preset", with_discriminator=whole) for whole in (False, True)]
    for each in (model, kgz.load(tmp_path / "vae.keras"), *presets):
        np.testing.assert_allclose(each.encode(X), c * X + d, atol=1e-6)
        np.testing.assert_allclose(each.reconstruct(X), a * (c * X + d) + b, atol=1e-6)
        np.testing.assert_allclose(each.sample_from(X), a * X + b, atol=1e-6)
        np.testing.assert_array_equal(each.sample(3, seed=1), model.sample(3, seed=1))
        assert (each.likelihood, each.stddev, each.seed) == ("gaussian", 0.5, SEED)
        each.evaluate(X, verbose=0)  # of which each is capable


# ---------------------------------------------------------------------------------------- trained as all models are


def trained(folder, stop=None):
    vae = compiled()
    snapshots = kgz.callbacks.Snapshots(folder, every_steps=1)
    interrupting = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (
            (_ for _ in ()).throw(KeyboardInterrupt) if vae.steps_done == stop else None
        )
    )
    examples = np.random.default_rng(1).standard_normal((20, 1)).astype(np.float32)
    with contextlib.suppress(KeyboardInterrupt):
        vae.fit(examples, batch_size=4, epochs=3, verbose=0, callbacks=[snapshots, interrupting])
    return vae


def test_an_interrupted_run_is_resumed_to_the_bit(tmp_path):
    whole = trained(tmp_path / "whole")
    trained(tmp_path / "killed", stop=7)  # within the second epoch
    resumed = trained(tmp_path / "killed")
    assert whole.steps_done == resumed.steps_done == 15
    assert_same(weights_of(whole), weights_of(resumed))


def test_the_guard_says_what_broke():
    model = compiled()
    with pytest.raises(NotFiniteError, match="Step 1: not finite any more: loss of the autoencoder"):
        model.fit(X * 1e30, batch_size=SIZE, verbose=0, callbacks=[kgz.callbacks.NaNGuard()])


def test_it_is_trained_by_a_recipe(tmp_path):
    sizes = {"architecture": "vae_mlp", "units": 4, "latent_dim": 3, "likelihood": "bernoulli"}
    vae, folder = kgz.training.train(
        kgz.training.Recipe("vae", "digits", epochs=1, batch_size=900, model=sizes), tmp_path / "run", verbose=0
    )
    assert (vae.steps_done, vae.likelihood) == (1, "bernoulli")
    again = kgz.load(folder)
    np.testing.assert_array_equal(again.sample(3, seed=0), vae.sample(3, seed=0))
    with pytest.raises(InputError, match="no 'conditional', because vae takes only noise, not classes"):
        kgz.training.train(kgz.training.Recipe("vae", "digits", conditional=True), tmp_path / "labels", verbose=0)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_perceptrons_have_hidden_layers_as_deep_as_asked(depth):
    [autoencoder] = kgz.networks.vae_mlp_networks((2,), latent_dim=3, units=5, depth=depth)
    kernels = [[weight.shape for weight in autoencoder.get_layer(part).weights[::2]] for part in ("encoder", "decoder")]
    sizes = [2, *[5] * depth, 6], [3, *[5] * depth, 2]
    assert kernels == [[*itertools.pairwise(each)] for each in sizes]


def test_the_default_optimizer_is_adam():
    assert float(kgz.VAE.paper_optimizer().learning_rate) == pytest.approx(1e-3)


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"likelihood": "bernouli"}, "Unknown likelihood 'bernouli'.*Did you mean 'bernoulli'"),
        ({"likelihood": "bernoulli"}, r"Expected images for likelihood='bernoulli'.*Received: examples \(1,\)"),
        ({"stddev": 0}, "Expected stddev"),
        ({"seed": -1}, "seed from 0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        linear_vae(**arguments)


def test_networks_that_are_no_parts_or_do_not_meet_are_refused():
    decoder = dense("d", [[1.0]], [0.0])
    with pytest.raises(InputError, match="Expected an autoencoder of the parts encoder and decoder"):
        kgz.VAE(decoder)
    with pytest.raises(InputError, match=r"two numbers, a mean and a log variance.*\(1,\). Received: \(1,\) to \(1,\)"):
        kgz.VAE(kgz.networks.joined("autoencoder", encoder=dense("d", [[1.0]], [0.0]), decoder=decoder))
    with pytest.raises(InputError, match="Expected an architecture of the parts encoder and decoder, such as 'vae'"):
        kgz.VAE.for_images((8, 8, 1), architecture="bigan")
    with pytest.raises(InputError, match=r"Unknown argument of VAE\.for_images 'r1'"):
        kgz.VAE.for_images((8, 8, 1), r1=0.1)
    with pytest.raises(
        InputError, match=r"Expected no stddev with likelihood='bernoulli', which has none. Received: 0.1"
    ):
        kgz.VAE.for_images((8, 8, 1), width=2, likelihood="bernoulli", stddev=0.1)
