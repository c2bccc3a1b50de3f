"""What every variant promises to Keras' users, conditional or not."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from tests.equality import CLASSES, conditions_of, given, sampled
from tests.helpers import CONTRACT_KINDS, FEW_KINDS, assert_same, weights_of

each_kind = pytest.mark.parametrize(("variant", "conditional"), CONTRACT_KINDS)
few_kinds = pytest.mark.parametrize(("variant", "conditional"), FEW_KINDS)


@pytest.fixture
def gan(shared, variant, conditional):
    return shared(variant, conditional)


@pytest.fixture
def batch(images, labels, variant, conditional):
    kind = kgz.VARIANTS[variant]
    return given(kind, images, conditions_of(kind, labels, conditional))


@each_kind
def test_train_step_is_its_own(gan):
    assert type(gan).train_step is not keras.Model.train_step


@each_kind
def test_fit_logs_finite_losses(gan, batch):
    history = gan.fit(*batch, batch_size=8, epochs=2, verbose=0).history
    assert {"d_loss", "g_loss"} <= set(history)
    assert np.isfinite(list(history.values())).all()
    assert int(gan.step) == 10


@each_kind
def test_steps_move_every_weight_of_both_players(tiny, variant, conditional, batch):
    gan = tiny(variant, conditional, compiled=False)
    gan.compile("adam", "adam", run_eagerly=True)  # of whose steps none is too small to be seen
    before = [np.array(v) for v in gan.trainable_variables]
    gan.fit(*(part[:24] for part in batch), batch_size=8, verbose=0)
    still = [v.path for v, b in zip(gan.trainable_variables, before, strict=True) if np.array_equal(v.numpy(), b)]
    cancels = isinstance(
        gan.adversarial_loss, kgz.losses.Wasserstein
    )  # as does any offset that real and generated scores share
    assert still == (["scores/bias"] if cancels else [])


@each_kind
@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_each_player_moves_by_its_own_optimizer_only(tiny, variant, conditional, batch, frozen):
    gan = tiny(variant, conditional, compiled=False)
    moving, still = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.0)
    gan.compile(*((still, moving) if frozen == "generator" else (moving, still)), run_eagerly=True)
    gan.train_on_batch(*batch)  # after which WGAN's weights are within their bounds
    other = gan.discriminator if frozen == "generator" else gan.generator
    before, other_before = weights_of_trainable(getattr(gan, frozen)), weights_of_trainable(other)
    gan.train_on_batch(*batch)
    assert_same(before, weights_of_trainable(getattr(gan, frozen)))
    assert any(not np.array_equal(a, b) for a, b in zip(other_before, weights_of_trainable(other), strict=True))


def weights_of_trainable(player):
    return [np.array(v) for v in player.trainable_variables]


@few_kinds
def test_same_seed_same_weights_other_seed_others(tiny, variant, conditional, batch):
    def trained(seed):
        gan = tiny(variant, conditional, compiled=False, seed=seed)
        gan.compile(run_eagerly=True)
        gan.fit(*(part[:24] for part in batch), batch_size=8, epochs=2, verbose=0)
        return weights_of(gan)

    first = trained(1)
    assert_same(first, trained(1))
    assert any(not np.array_equal(a, b) for a, b in zip(first, trained(2), strict=True))


@few_kinds
def test_several_steps_per_execution_give_the_same_bits(tiny, variant, conditional, batch):
    def trained(steps):
        gan = tiny(variant, conditional, compiled=False)
        gan.compile(steps_per_execution=steps)
        history = gan.fit(*batch, batch_size=8, epochs=2, verbose=0).history  # 5 steps an epoch
        return [*weights_of(gan), history["d_loss"], history["g_loss"]]

    one = trained(1)
    assert_same(one, trained(3))
    assert_same(one, trained(32))


@each_kind
def test_samples(gan):
    of_seven, of_three = sampled(gan, 7), sampled(gan, 3)
    samples = gan.sample(7, seed=0, **of_seven)
    assert samples.shape == (7, 8, 8, 1)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() <= 1
    np.testing.assert_array_equal(samples, gan.sample(7, seed=0, **of_seven))
    np.testing.assert_allclose(samples[:3], gan.sample(3, seed=0, **of_three), atol=1e-6)
    if gan.latent_shape is not None:
        assert not np.array_equal(samples, gan.sample(7, seed=1, **of_seven))
        assert not np.array_equal(gan.sample(7, **of_seven), gan.sample(7, **of_seven))


@few_kinds
def test_sampling_in_pieces_is_sampling(gan):
    n = kgz.data.BATCH_SIZE + 3
    many = gan.sample(n, seed=0, **sampled(gan, n))
    assert len(many) == n
    np.testing.assert_allclose(many[:3], gan.sample(3, seed=0, **sampled(gan, 3)), atol=1e-6)


@each_kind
def test_predict_takes_noise(gan):
    noise = np.random.default_rng(0).standard_normal((5, 4), dtype=np.float32)
    conditions = conditions_of(type(gan), np.arange(5) % CLASSES, gan.conditional)
    inputs = noise if conditions is None else [noise, conditions] if gan.latent_shape else conditions
    np.testing.assert_allclose(gan.predict(inputs, verbose=0), gan.sampler(inputs, training=False), atol=1e-6)
    np.testing.assert_allclose(gan.predict(inputs, verbose=0), gan.sample(5, seed=0, **sampled(gan, 5)), atol=1e-6)


@each_kind
def test_evaluate_gives_both_losses_and_updates_nothing(gan, batch):
    before = weights_of(gan)
    losses = gan.evaluate(*batch, batch_size=16, return_dict=True, verbose=0)
    assert {"d_loss", "g_loss"} <= set(losses)
    assert losses == gan.evaluate(*batch, batch_size=16, return_dict=True, verbose=0)
    assert_same(before, weights_of(gan))


@few_kinds
def test_validation_data_are_evaluated_each_epoch(gan, batch):
    history = gan.fit(*batch, batch_size=8, epochs=2, validation_data=batch, verbose=0).history
    assert {"val_d_loss", "val_g_loss"} <= set(history)
    final = gan.evaluate(*batch, batch_size=8, return_dict=True, verbose=0)
    assert history["val_d_loss"][-1] == pytest.approx(final["d_loss"], rel=1e-5)


@each_kind
def test_saved_and_loaded_is_the_same(gan, batch, tmp_path):
    gan.fit(*batch, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert type(again) is type(gan)
    networks = ("generator", "discriminator")
    first, second = ({k: v for k, v in model.get_config().items() if k not in networks} for model in (gan, again))
    assert first == second
    assert_same(weights_of(gan), weights_of(again))
    for name in ("generator_optimizer", "discriminator_optimizer"):
        assert_same(
            [np.array(v) for v in getattr(gan, name).variables], [np.array(v) for v in getattr(again, name).variables]
        )
    np.testing.assert_array_equal(*(model.sample(5, seed=0, **sampled(gan, 5)) for model in (gan, again)))


@few_kinds
def test_saved_and_loaded_goes_on_alike(gan, batch, tmp_path):
    gan.fit(*batch, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    for model in (gan, again):  # Dropout's masks go on too
        model.fit(*batch, batch_size=8, verbose=0)
    assert_same(weights_of(gan), weights_of(again))


@few_kinds
def test_takes_tf_data(gan, batch):
    dataset = tf.data.Dataset.from_tensor_slices(batch if len(batch) == 2 else batch[0]).batch(8, drop_remainder=True)
    gan.fit(dataset, epochs=2, verbose=0)
    assert int(gan.step) == 10
    gan.evaluate(dataset, verbose=0)


@each_kind
def test_labels_are_needed_where_the_networks_take_them(gan, images, labels, conditional):
    if gan.takes_texts:
        with pytest.raises(InputError, match=r"Expected captions, or vectors \(512,\)"):
            gan.fit(images, batch_size=8, verbose=0)
    elif gan.takes_pictures and (isinstance(gan, kgz.CycleGAN) or gan.degradation() is None):
        with pytest.raises(InputError, match=r"Expected (pairs|two sets) of pictures"):
            gan.fit(images, batch_size=8, verbose=0)
    elif conditional:
        with pytest.raises(InputError, match="Expected labels"):
            gan.fit(images, batch_size=8, verbose=0)
        with pytest.raises(InputError, match="from 0 to 2"):
            gan.fit(images, labels + 1, batch_size=8, verbose=0)
    elif gan.takes_pictures:
        gan.fit(images, batch_size=8, verbose=0)  # of which it makes sources
    else:
        gan.fit(images, labels, batch_size=8, verbose=0)  # ignored, as Keras' users expect


@each_kind
def test_wrong_shapes_are_refused_before_training(gan, images, labels, conditional):
    conditions = conditions_of(type(gan), labels, conditional)
    wrong = given(type(gan), np.repeat(images, 3, axis=-1), conditions)
    with pytest.raises(InputError, match=r"\(8, 8, 1\)\. Received: \(8, 8, 3\)"):
        gan.fit(*wrong, batch_size=8, verbose=0)
    with pytest.raises(InputError, match=r"\(8, 8, 1\)\. Received: \(8, 8, 3\)"):
        gan.train_on_batch(*wrong)


@few_kinds
def test_mixed_float16_moves_like_float32(tiny, variant, conditional, batch):
    def moved(policy):
        keras.config.set_dtype_policy(policy)
        try:
            gan = tiny(variant, conditional, compiled=False)
            optimizers = [keras.optimizers.SGD(0.1) for _ in range(2)]
            if policy == "mixed_float16":  # a scale at which the very first step does not overflow
                optimizers = [keras.optimizers.LossScaleOptimizer(o, initial_scale=128) for o in optimizers]
            gan.compile(*optimizers)
            for layer in gan.generator.layers + gan.discriminator.layers:
                layer.rate = 0.0  # Dropout draws other masks in other precisions
            rng = np.random.default_rng(0)
            for weight in gan.trainable_variables:
                spread = min(0.3, math.prod(weight.shape[:-1]) ** -0.5)  # sums of many inputs must not overflow
                weight.assign(rng.normal(0, spread, weight.shape))
            before = [np.array(v) for v in gan.trainable_variables]
            gan.train_on_batch(*batch)
            return np.concatenate(
                [(np.array(v) - b).ravel() for v, b in zip(gan.trainable_variables, before, strict=True)]
            )
        finally:
            keras.config.set_dtype_policy("float32")

    full, half = moved("float32"), moved("mixed_float16")
    assert np.linalg.norm(half - full) < 0.05 * np.linalg.norm(full)
