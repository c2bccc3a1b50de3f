import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.networks import ConditioningAugmentation
from tests.helpers import assert_same, slow, weights_of

DIM = 8  # of the vectors
TINY = {"latent_dim": 6, "text_units": 4, "width": 2, "seed": 0}
LARGE = np.random.default_rng(0).uniform(-1, 1, (24, 16, 16, 1)).astype(np.float32)
SMALL = LARGE[:, ::2, ::2]
VECTORS = np.random.default_rng(1).standard_normal((24, DIM)).astype(np.float32)
ENCODER = kgz.encoders.Characters(DIM)
TEXT = "a red hat"


def first_stage(**options):
    return kgz.StackGAN.for_images((8, 8, 1), encoder=ENCODER, **{**TINY, **options})


def second_stage(first, **options):
    return kgz.StackGAN.for_images((16, 16, 1), first_stage=first, **{**TINY, "residual_blocks": 1, **options})


def trained(gan, images):
    gan.compile()
    gan.fit(images, VECTORS, batch_size=8, verbose=0)
    return gan


@pytest.fixture(scope="module")
def stages():
    """Both stages after an epoch, with averaged generators, and the first stage's weights before the second's epoch."""
    first = trained(first_stage(ema_decay=0.9, vocabulary=["a", "red", "hat"]), SMALL)
    before = [np.array(weight) for weight in first.weights]
    return first, trained(second_stage(first, ema_decay=0.9), LARGE), before


# ------------------------------------------------------------------------------------------------------ the first stage


def test_the_logged_loss_has_the_divergence_of_the_last_call_only():
    """Of the generator's, with interpolated texts too; not of the discriminator's turn, nor of an earlier step."""
    gan = first_stage(kl_weight=30.0, interpolation=True, text_dropout=0.0)
    gan.compile(*(keras.optimizers.SGD(0.0) for _ in range(2)), run_eagerly=True)
    [augmentation] = [layer for layer in gan.generator.layers if isinstance(layer, ConditioningAugmentation)]
    augmentation.dense.kernel.assign(np.random.default_rng(2).normal(0, 0.5, (DIM, 8)))
    earlier = 0.0
    for step in range(2):
        real, text = SMALL[:8], VECTORS[:8]
        _, *noises = gan.noise(3, 8)
        texts = np.concatenate([text, (text + np.roll(text, -1, axis=0)) / 2])
        fake = gan.generator([tf.concat(noises, axis=0), tf.constant(texts)], training=True)
        scores = np.array(gan.score(fake, tf.constant(texts)), np.float64)
        h = texts.astype(np.float64) * np.sqrt(DIM)  # scaled to a variance of 1
        mean, log_variance = np.split(h @ np.array(augmentation.dense.kernel), 2, axis=1)
        divergence = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)
        mean_of_steps = gan.train_on_batch(real, text, return_dict=True)["g_loss"]
        g_loss = mean_of_steps * (step + 1) - step * earlier
        assert g_loss == pytest.approx(np.log1p(np.exp(-scores)).mean() + 30 * divergence.mean(), rel=1e-4)
        earlier = g_loss


def test_texts_make_samples_that_the_seed_fixes(stages):
    first, _, _ = stages
    samples = first.sample(3, text=TEXT, seed=0)
    assert samples.shape == (3, 8, 8, 1)
    np.testing.assert_array_equal(samples, first.sample(3, text=TEXT, seed=0))
    assert np.abs(samples - first.sample(3, text=TEXT, seed=1)).max() > 0
    assert np.abs(samples - first.sample(3, text="a hat", seed=0)).max() > 0


# ----------------------------------------------------------------------------------------------------- the second stage


def test_only_the_refiner_is_trained(stages):
    first, second, before = stages
    assert_same(first.ema_generator.get_weights(), second.first_stage.get_weights())
    assert_same(before, weights_of(first))
    assert all(weight.trainable for weight in first.generator.trainable_variables)
    assert {id(weight) for weight in second.generator.trainable_variables} == {
        id(weight) for weight in second.refiner.trainable_variables
    }
    untrained = second_stage(first)
    moved = zip(untrained.refiner.trainable_variables, second.refiner.trainable_variables, strict=True)
    assert all(np.abs(np.array(a) - np.array(b)).max() > 0 for a, b in moved)


def test_the_first_stage_goes_on_to_train(stages):
    first, second, before = stages
    again = kgz.StackGAN.from_config(first.get_config())
    again.compile()
    again.set_weights(before)
    copied = second.first_stage.get_weights()
    again.fit(SMALL, VECTORS, batch_size=8, verbose=0)
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, weights_of(again), strict=True))
    assert_same(copied, second.first_stage.get_weights())


def test_both_stages_draw_the_same_picture_of_a_seed(stages):
    first, second, _ = stages
    noise = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    vectors = np.repeat(ENCODER.encode([TEXT]), 3, axis=0)
    pictures = first.sample_from(noise, text=TEXT)
    refined = second.ema_generator.layers[-1]([tf.constant(each) for each in (pictures, noise, vectors)])
    np.testing.assert_allclose(second.sample_from(noise, text=TEXT), refined, atol=1e-6)


def test_the_average_has_the_very_weights_of_the_first_stage(stages):
    _, second, _ = stages
    average, training = ([np.array(w) for w in m.weights] for m in (second.ema_generator, second.generator))
    same = [np.array_equal(a, b) for a, b in zip(average, training, strict=True)]
    fixed = {id(weight) for weight in second.first_stage.weights}
    assert same == [id(weight) in fixed for weight in second.generator.weights]


def test_the_words_and_the_encoder_are_those_of_the_first_stage(stages):
    first, second, _ = stages
    assert second.vocabulary == first.vocabulary == {"a", "red", "hat"}
    assert second.encoder is first.encoder
    with pytest.raises(InputError, match="encoder of the first stage"):
        second_stage(first, encoder=kgz.encoders.Encoder(ENCODER.run, "another", "1", DIM))


def optimizer_state(gan):
    return [np.array(v) for player in gan.players.values() for v in player.optimizer.variables]


def test_saved_and_loaded_goes_on_alike(stages, tmp_path):
    _, second, _ = stages
    state = [*weights_of(second), *optimizer_state(second)]
    second.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert_same(state, [*weights_of(again), *optimizer_state(again)])
    assert [w.path for w in again.refiner.trainable_variables] == [w.path for w in again.generator.trainable_variables]
    before = again.first_stage.get_weights()
    again.fit(LARGE, VECTORS, batch_size=8, verbose=0)
    assert_same(before, again.first_stage.get_weights())
    np.testing.assert_array_equal(
        second.sample(2, conditions=VECTORS[:2], seed=0),
        keras.saving.load_model(tmp_path / "gan.keras").sample(2, conditions=VECTORS[:2], seed=0),
    )


@pytest.mark.slow
def test_an_interrupted_second_stage_is_resumed_exactly(stages, tmp_path):
    first, _, _ = stages

    def run(*epochs):
        for number in epochs:
            gan = second_stage(first, ema_decay=0.9)
            gan.compile()
            snapshots = kgz.callbacks.Snapshots(tmp_path / str(len(epochs)))
            gan.fit(LARGE, VECTORS, batch_size=8, epochs=number, callbacks=[snapshots], verbose=0)
        return [*weights_of(gan), *optimizer_state(gan)]

    assert_same(run(2), run(1, 2))
    [newest, *_] = sorted((tmp_path / "1").iterdir(), reverse=True)
    assert_same(run(1, 2), [*weights_of(kgz.load(newest)), *optimizer_state(kgz.load(newest))])


def test_a_preset_has_both_stages(stages, tmp_path):
    _, second, _ = stages
    second.save_preset(tmp_path / "faces")
    again = kgz.load(tmp_path / "faces", with_discriminator=True)
    conditions = {"conditions": VECTORS[:2], "seed": 0}
    np.testing.assert_array_equal(second.sample(2, **conditions), again.sample(2, **conditions))
    assert len(optimizer_state(again)) == len(optimizer_state(second))


def test_exported_files_have_both_stages(stages, tmp_path):
    _, second, _ = stages
    assert second.export(tmp_path / "gan.onnx").difference < 1e-5


@pytest.mark.parametrize("form", ["run", "file", "generator"])
def test_a_first_stage_is_found_in_any_form(stages, tmp_path, form):
    first, _, _ = stages
    first.save(tmp_path / "gan.keras")
    given = {"run": tmp_path, "file": str(tmp_path / "gan.keras"), "generator": first.ema_generator}[form]
    second = second_stage(given, encoder=ENCODER)
    assert_same(first.ema_generator.get_weights(), second.first_stage.get_weights())


@pytest.mark.parametrize("stage", [1, slow(2)])
def test_two_replicas_make_the_updates_of_one(two_replicas, float64, stage):
    """The divergence weighs enough to be missed: replicas wait for each other within the generator's call."""

    def run(strategy):
        options = {"kl_weight": 20.0, "matching_aware": False, "interpolation": False}  # whose graphs are smaller
        with strategy.scope():
            gan = first_stage(**options)
            gan = second_stage(gan, **options) if stage == 2 else gan
            gan.compile(*(keras.optimizers.SGD(0.002) for _ in range(2)))
            random = np.random.default_rng(1)
            for weight in gan.generator.trainable_variables + gan.discriminator.trainable_variables:
                weight.assign(random.normal(0, 0.2, weight.shape))
        images = (SMALL if stage == 1 else LARGE).astype(np.float64)
        history = gan.fit(images, VECTORS.astype(np.float64), batch_size=8, verbose=0).history
        return [np.array(weight) for weight in gan.weights], history

    (one, logs_of_one), (two, logs_of_two) = run(tf.distribute.get_strategy()), run(two_replicas)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)
    np.testing.assert_allclose(logs_of_one["g_loss"], logs_of_two["g_loss"], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains(policy):
    keras.config.set_dtype_policy(policy)
    try:
        gan = second_stage(first_stage())
        gan.compile(run_eagerly=True)
        history = gan.fit(LARGE[:4], VECTORS[:4], batch_size=4, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["g_loss"]).all()


# ------------------------------------------------------------------------------------------------------------ recipes


@pytest.mark.slow
def test_both_stages_are_trained_by_recipes(tmp_path, monkeypatch):
    """By the path of the first stage's run, which later may be elsewhere."""
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(kgz.pictures.to_uint8(LARGE[:8])):
        Image.fromarray(image[..., 0]).save(tmp_path / "photos" / f"{number}.png")
        (tmp_path / "photos" / f"{number}.txt").write_text(f"{TEXT} {number}")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output

    options = "--batch-size 4 --epochs 1 --latent-dim 6 --text-units 4 --width 2 --channels 1"
    run("train", "stackgan", "--data", "photos", "--image-size", "8", "--out", "one", *options.split())
    options += " --first-stage one --residual-blocks 1"
    run("train", "stackgan", "--data", "photos", "--image-size", "16", "--out", "two", *options.split())
    assert kgz.training.Recipe.read("two/recipe.toml").model["first_stage"] == str(tmp_path / "one")
    run("train", "--resume", "two", "--epochs", "2")
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    averaged = kgz.load("elsewhere").sampler.get_weights()
    assert_same(averaged, kgz.load("two").first_stage.get_weights())
    monkeypatch.chdir("/")
    assert kgz.load(tmp_path / "two").sample(2, text=TEXT).shape == (2, 16, 16, 1)


# ------------------------------------------------------------------------------------------------------------ bad input


class Unbuilt(keras.Model):
    pass


def plain(outputs, *inputs):
    """A generator of the given shapes."""
    inputs = [keras.Input(shape) for shape in inputs]
    x = keras.layers.Concatenate()([keras.layers.Flatten(data_format="channels_last")(each) for each in inputs])
    return keras.Model(inputs, keras.layers.Reshape(outputs)(keras.layers.Dense(int(np.prod(outputs)))(x)))


def shared():
    noise, text = keras.Input((6,)), keras.Input((DIM,))
    x = keras.layers.Dense(64)(keras.layers.Concatenate()([noise, text]))
    return keras.Model([noise, text], keras.layers.Lambda(lambda x: keras.ops.reshape(x, (-1, 8, 8, 1)))(x))


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (lambda: 3, "as first_stage a trained text-to-image GAN.*Received: a int"),
        (Unbuilt, "Received: a Unbuilt that does not know its inputs"),
        (lambda: kgz.GAN.for_images((2,)), "noise and vectors.*Received: one with the inputs"),
        (lambda: plain((8, 8, 1), (6,), (8, 8, 1)), "noise and vectors.*Received: one with the inputs"),
        (lambda: plain((8, 8, 1), (6,), (5,)), r"pictures, noise and vectors, .*\(5,\)"),
        (lambda: plain((8, 8, 1), (7,), (DIM,)), r"\(7,\).*whose noise is latent_dim=7"),
        (lambda: plain((8, 8, 3), (6,), (DIM,)), r"1 channels.*Received: \(8, 8, 3\)"),
        (lambda: plain((32, 32, 1), (6,), (DIM,)), r"or 2, 4, 8 or 16 times smaller. Received: \(32, 32, 1\)"),
        (lambda: plain((64,), (6,), (DIM,)), r"multiples of 4.*Received: \(64,\)"),
        (lambda: "no such preset", "no such preset"),
    ],
)
def test_other_first_stages_are_refused(first, words):
    with pytest.raises(InputError, match=words):
        second_stage(first(), encoder=ENCODER)


def test_networks_without_a_second_stage_are_refused(stages):
    with pytest.raises(InputError, match="architecture 'stackgan'"):
        kgz.StackGAN.for_images((16, 16, 1), first_stage=stages[0], architecture="text_dcgan")


def test_a_generator_that_is_no_refiner_is_refused(stages):
    first, second, _ = stages
    with pytest.raises(InputError, match=r"Received: one of \[\(6,\), \(8,\)\]"):
        kgz.StackGAN(second.generator, second.discriminator, first_stage=first, encoder=ENCODER)
