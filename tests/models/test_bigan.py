"""BiGAN: what a step computes, its codes, what is saved of it, and what is refused."""

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.by_hand import SEED, SIZE, derivative, linear, noise, players, softplus
from tests.helpers import assert_same, weights_of

RATE = 0.1
PLAYER, JUDGE = (0.7, 0.2, -0.5, 0.1), (-0.4, 0.6, 0.3)  # G(z) = 0.7 z + 0.2, E(x) = -0.5 x + 0.1; u x + v code + w
X = np.random.default_rng(0).standard_normal((SIZE, 1))


def judge(weights=JUDGE, activation=None, shape=(1,), code=(1,)):
    inputs = [keras.Input(shape), keras.Input(code)]
    layer = keras.layers.Dense(1, activation=activation)
    network = keras.Model(inputs, layer(keras.layers.Concatenate()(inputs)))
    if weights is not None:
        layer.set_weights([np.reshape(weights[:2], (2, 1)), np.array(weights[2:])])
    return network


def joined(**parts):
    parts = {"generator": linear("g", *PLAYER[:2]), "encoder": linear("e", *PLAYER[2:]), **parts}
    return kgz.networks.joined("generator", **parts)


def compiled(**arguments):
    model = kgz.BiGAN(joined(), judge(), seed=SEED, **arguments)
    model.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=True)
    return model


# ------------------------------------------------------------------------------------------------------------- the step


def scores(player, judging, z):
    """Of the examples with their codes, and of what is made of noise with the noise."""
    (a, b, c, d), (u, v, w), x = player, judging, X[:, 0]
    return u * x + v * (c * x + d) + w, u * (a * z + b) + v * z + w


def logistic(real, fake):
    return np.mean(softplus(-real)) + np.mean(softplus(fake))


def squares(real, fake):
    return np.mean((real - 1) ** 2) / 2 + np.mean(fake**2) / 2


LOSSES = pytest.mark.parametrize(
    ("name", "loss", "r1"),
    [("non_saturating", logistic, 0.0), ("minimax", logistic, 0.0), ("least_squares", squares, 0.5)],
)


@LOSSES
def test_a_step_moves_both_players_from_the_same_scores(float64, name, loss, r1):
    model = compiled(loss=name, r1=r1)
    [z] = noise(0, 1)

    def d_loss(judging):
        return loss(*scores(PLAYER, judging, z)) + r1 / 2 * judging[0] ** 2  # u is the slope at every example

    def g_loss(player):
        return loss(*scores(player, JUDGE, z)[::-1])  # the labels are exchanged

    logged = model.train_on_batch(X, return_dict=True)
    moved = [player - RATE * derivative(f, player) for f, player in ((g_loss, PLAYER), (d_loss, JUDGE))]
    for player, expected in zip(players(model), moved, strict=True):
        np.testing.assert_allclose(player, expected, rtol=1e-12)
    assert logged == pytest.approx({"d_loss": d_loss(JUDGE), "g_loss": g_loss(PLAYER)}, rel=1e-6)


@LOSSES
def test_evaluate_gives_the_losses_on_noise_of_its_own(float64, name, loss, r1):
    model = compiled(loss=name, r1=r1, ema_decay=0.5)
    before = weights_of(model)
    figures = model.evaluate(X, batch_size=SIZE, return_dict=True, verbose=0)
    real, fake = scores(PLAYER, JUDGE, noise(-1, 1)[0])
    assert figures == pytest.approx({"d_loss": loss(real, fake), "g_loss": loss(fake, real)}, rel=1e-6)
    assert_same(before, weights_of(model))


def test_the_default_optimizer_is_the_papers():
    adam = kgz.BiGAN.paper_optimizer()
    assert (float(adam.learning_rate), adam.beta_1) == (pytest.approx(2e-4), 0.5)


# ---------------------------------------------------------------------------------------------------------------- codes


def test_codes_and_reconstructions_are_those_of_the_averages(tmp_path):
    """Also of what is saved: the file and the preset have the encoder."""
    model = compiled(ema_decay=0.5)
    a, b, c, d = average = np.array((2.0, -1.0, 0.5, 0.25))
    model.ema_generator.set_weights(
        [part.reshape(shape) for part, shape in zip(average, 2 * ((1, 1), (1,)), strict=True)]
    )
    codes = c * X + d
    model.save(tmp_path / "bigan.keras")
    model.save_preset(tmp_path / "preset", description="Linear")
    for each in (model, kgz.load(tmp_path / "bigan.keras"), kgz.load(tmp_path / "preset")):
        np.testing.assert_allclose(each.encode(X), codes, atol=1e-6)
        np.testing.assert_allclose(each.reconstruct(X), a * codes + b, atol=1e-6)
        np.testing.assert_allclose(each.sample_from(codes), a * codes + b, atol=1e-6)


def test_pictures_are_encoded_in_pieces_and_as_uint8():
    model = kgz.BiGAN.for_images((8, 8, 1), latent_dim=3, width=2, joint_units=4, seed=0)
    pictures = np.random.default_rng(0).integers(0, 256, (kgz.data.BATCH_SIZE + 3, 8, 8, 1), np.uint8)
    codes = model.encode(pictures)
    assert (codes.shape, codes.dtype) == ((len(pictures), 3), np.float32)
    np.testing.assert_allclose(codes[-3:], model.encode(pictures[-3:] / 127.5 - 1), atol=1e-6)
    assert model.reconstruct(pictures[:2]).shape == (2, 8, 8, 1)
    with pytest.raises(InputError, match=r"\(8, 8, 1\). Received: \(8, 8, 3\)"):
        model.encode(np.repeat(pictures, 3, axis=-1))
    with pytest.raises(InputError, match=r"Expected examples \(n, 8, 8, 1\)\. Received: a single one"):
        model.encode(pictures[0])


# ------------------------------------------------------------------------------------------------------------- refusals


def test_networks_that_are_no_parts_or_do_not_meet_are_refused():
    wide = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    with pytest.raises(InputError, match="Expected a generator of the parts generator and encoder"):
        kgz.BiGAN(linear("g", 1.0, 0.0), judge())
    with pytest.raises(InputError, match=r"Expected an encoder from \(1,\) to \(1,\).*Received: \(1,\) to \(2,\)"):
        kgz.BiGAN(joined(encoder=wide), judge())
    with pytest.raises(InputError, match=r"discriminator of \(2,\) and \(2,\) with packing=2"):
        kgz.BiGAN(joined(), judge(), packing=2)
    with pytest.raises(InputError, match=r"a discriminator of \(1,\) and \(1,\).*and \(1,\), with 1 outputs"):
        kgz.BiGAN(joined(), linear("d", 1.0, 0.0))
    with pytest.raises(InputError, match="raw scores"):
        kgz.BiGAN(joined(), judge(None, activation="sigmoid"))
    with pytest.raises(InputError, match="Expected no num_classes, because BiGAN takes no classes"):
        kgz.BiGAN(joined(), judge(), num_classes=10)
    with pytest.raises(
        InputError, match="Expected an architecture of the parts generator and encoder, such as 'bigan'"
    ):
        kgz.BiGAN.for_images((8, 8, 1), architecture="dcgan")
    with pytest.raises(InputError, match="Expected an architecture of one generator without parts, such as 'maxout'"):
        kgz.GAN.for_images((8, 8, 1), architecture="bigan")
