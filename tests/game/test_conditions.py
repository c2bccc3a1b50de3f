"""Networks that take vectors or pictures, from data to exported files; and those of which one takes no condition."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data
from keras_gan_zoo.callbacks import CollapseAlarm, SamplePictures
from keras_gan_zoo.cli import main
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.onnx_file import OnnxFile

layers = keras.layers
SHAPE, LATENT = (4, 4, 1), 3
DRAW = np.random.default_rng(0)
IMAGES = DRAW.uniform(-1, 1, (24, *SHAPE)).astype(np.float32)
CONDITIONS = {
    (5,): DRAW.normal(size=(24, 5)).astype(np.float32),
    SHAPE: DRAW.integers(0, 256, (24, *SHAPE), dtype=np.uint8),
}


def dense(units: int, seed: int, **options):
    return layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed), **options)


def generator(condition, noise: bool = True):
    given = [keras.Input((LATENT,), name="noise")] if noise else []
    given += [] if condition is None else [keras.Input(condition, name="condition")]
    flat = [layers.Flatten()(part) for part in given]
    x = layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return keras.Model(given, layers.Reshape(SHAPE)(dense(16, 0, activation="tanh")(x)))


def discriminator(condition, maps: bool = False):
    given = [keras.Input(SHAPE), *([] if condition is None else [keras.Input(condition)])]
    if maps:
        x = layers.Concatenate()(given) if len(given) > 1 else given[0]
        return keras.Model(given, layers.Conv2D(1, 2, 2, kernel_initializer=keras.initializers.GlorotUniform(1))(x))
    flat = [layers.Flatten()(part) for part in given]
    x = layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return keras.Model(given, dense(1, 1)(x))


def model(condition, discriminators="same", noise: bool = True, maps: bool = False, **options):
    judged = condition if discriminators == "same" else discriminators
    gan = kgz.GAN(generator(condition, noise), discriminator(judged, maps), seed=0, **options)
    gan.compile("adam", "adam", steps_per_execution=1)
    return gan


def weights_of(gan) -> list[np.ndarray]:
    return [np.array(weight) for weight in gan.weights]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


KINDS = pytest.mark.parametrize("shape", CONDITIONS, ids=["vectors", "pictures"])


@KINDS
def test_fits_whatever_the_source(shape):
    """Arrays, a data.Dataset and a tf.data.Dataset of the same batches move the weights alike."""
    given = CONDITIONS[shape]
    fitted = []
    for source in ((IMAGES, given), (data.Dataset(IMAGES, conditions=given),), None):
        gan = model(shape, ema_decay=0.9)
        source = source or (tf.data.Dataset.from_tensor_slices((IMAGES, given)).batch(8),)
        batch = {"batch_size": 8} if source[0] is IMAGES or isinstance(source[0], data.Dataset) else {}
        history = gan.fit(*source, **batch, shuffle=False, epochs=2, verbose=0).history
        assert np.isfinite(list(history.values())).all()
        fitted.append(weights_of(gan))
        assert np.isfinite(gan.evaluate(*source, verbose=0)).all()
    assert_same(fitted[0], fitted[1])
    for a, b in zip(fitted[0], fitted[2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@KINDS
def test_samples_depend_on_the_condition(shape):
    gan, given = model(shape), CONDITIONS[shape]
    one = gan.sample(3, seed=0, conditions=given[0])
    each = gan.sample(3, seed=0, conditions=given[:3])
    np.testing.assert_array_equal(one[0], each[0])
    assert not np.array_equal(one[1], each[1])
    assert gan.condition.shape == shape
    assert gan.conditional
    assert not gan.has_classes
    noise = np.random.default_rng(0).standard_normal((3, LATENT), dtype=np.float32)
    np.testing.assert_array_equal(gan.sample_from(noise, conditions=given[:3]), each)
    assert kgz.latent.walk(gan, 2, 4, conditions=given[:2]).shape == (2, 4, *SHAPE)
    for wrong, message in (
        ({}, "expects conditions"),
        ({"labels": 1}, "Received: labels"),
        ({"labels": 1, "conditions": given[0]}, "Received: several"),
        ({"conditions": given[:2]}, "one for each sample"),
    ):
        with pytest.raises(InputError, match=message):
            gan.sample(3, **wrong)
    with pytest.raises(InputError, match="a conditional model to morph"):
        kgz.latent.class_morph(gan, 0, 1, 3, noise)


@KINDS
def test_inversion_finds_noise_under_the_condition(shape):
    gan, given = model(shape), CONDITIONS[shape]
    samples = gan.sample(3, seed=5, conditions=given[:3])
    found = gan.invert(samples, conditions=given[:3], steps=100, restarts=2, prior=0)
    assert found.error.max() < 0.02
    with pytest.raises(InputError, match="Expected the conditions of the examples"):
        gan.invert(samples)


@pytest.mark.parametrize(
    ("shape", "noise"),
    [
        ((5,), True),
        (SHAPE, False),
        pytest.param((5,), False, marks=pytest.mark.slow),
        pytest.param(SHAPE, True, marks=pytest.mark.slow),
    ],
    ids=["vectors and noise", "pictures alone", "vectors alone", "pictures and noise"],
)
def test_exported_files_compute_the_same(shape, noise, tmp_path):
    gan, given = model(shape, noise=noise), CONDITIONS[shape]
    for path in ("generator.onnx", "saved_model", "generator.tflite"):
        assert gan.export(tmp_path / path).difference < 1e-5  # each is run by its own runtime and compared
    exported = OnnxFile(tmp_path / "generator.onnx")
    assert exported.condition.shape == shape
    ours, theirs = (each.sample(3, seed=1, conditions=given[:3]) for each in (gan, exported))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@KINDS
def test_a_loaded_model_goes_on_alike(shape, tmp_path):
    gan, given = model(shape), CONDITIONS[shape]
    gan.fit(IMAGES, given, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = kgz.load(tmp_path / "gan.keras")
    for each in (gan, again):
        each.fit(IMAGES, given, batch_size=8, verbose=0)
    assert_same(weights_of(gan), weights_of(again))
    gan.save_preset(tmp_path / "preset")
    preset = kgz.load(tmp_path / "preset", with_discriminator=True)
    assert_same([gan.sample(2, seed=0, conditions=given[:2])], [preset.sample(2, seed=0, conditions=given[:2])])


@KINDS
def test_callbacks_sample_with_conditions_of_the_data(shape, tmp_path):
    gan, given = model(shape), CONDITIONS[shape]
    alarm = CollapseAlarm(n=8)
    gan.fit(IMAGES, given, batch_size=8, verbose=0, callbacks=[alarm, SamplePictures(tmp_path)])
    assert 0 < alarm.state["diversity"] <= 2
    assert (tmp_path / "epoch_0001.png").exists()


@pytest.mark.parametrize("maps", [False, True], ids=["one score", "a map of scores"])
@pytest.mark.parametrize(
    ("of_generator", "of_discriminator", "noise"),
    [(SHAPE, None, True), (None, SHAPE, True), (SHAPE, SHAPE, False), (SHAPE, None, False)],
    ids=["blind discriminator", "blind generator", "translator", "translator, blind discriminator"],
)
def test_either_player_may_go_without(of_generator, of_discriminator, noise, maps):
    gan = model(of_generator, of_discriminator, noise, maps, r1=0.1)
    given = CONDITIONS[SHAPE]
    before = weights_of(gan)
    history = gan.fit(IMAGES, given, batch_size=8, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert sum(not np.array_equal(a, b) for a, b in zip(before, weights_of(gan), strict=True)) >= 4
    assert np.isfinite(gan.evaluate(IMAGES, given, verbose=0)).all()
    with pytest.raises(InputError, match="because the networks take them"):
        gan.fit(IMAGES, batch_size=8, verbose=0)
    assert (gan.latent_shape is None) == (not noise)
    conditions = None if of_generator is None else given[:2]
    samples = gan.sample(2, seed=0, conditions=conditions)
    assert samples.shape == (2, *SHAPE)
    if not noise:
        np.testing.assert_array_equal(samples, gan.sample(2, conditions=conditions))
        with pytest.raises(InputError, match="takes no noise"):
            gan.sample(2, conditions=conditions, truncation=1.0)
        with pytest.raises(InputError, match="Expected a generator that takes noise"):
            gan.invert(samples, conditions=conditions)


def test_packs_hold_the_conditions_of_all_their_examples():
    def packed(condition):
        x, c = keras.Input((4, 4, 2)), keras.Input((*condition[:-1], condition[-1] * 2))
        flat = layers.Concatenate()([layers.Flatten()(x), layers.Flatten()(c)])
        return keras.Model([x, c], dense(1, 1)(flat))

    for shape, given in CONDITIONS.items():
        gan = kgz.GAN(generator(shape), packed(shape), packing=2, seed=0)
        gan.compile()
        assert np.isfinite(gan.fit(IMAGES, given, batch_size=8, verbose=0).history["d_loss"]).all()


def test_networks_of_other_conditions_are_refused():
    with pytest.raises(InputError, match=r"the same condition.*a generator of \(5,\) and a discriminator of \(4,\)"):
        kgz.GAN(generator((5,)), discriminator((4,)))
    with pytest.raises(InputError, match="Expected a condition of integers"):
        kgz.GAN(generator((2, 2)), discriminator(None))


def test_data_of_another_kind_are_refused_on_every_path():
    gan = model((5,))
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, np.zeros((24, 4), np.float32))).batch(8)
    with pytest.raises(InputError, match=r"Expected vectors \(5,\) as conditions.* Received: vectors \(4,\)"):
        gan.fit(batches, verbose=0)
    with pytest.raises(InputError, match=r"Received: classes \(\)"):
        gan.fit(IMAGES, np.arange(24), batch_size=8, verbose=0)
    with pytest.raises(InputError, match=r"Received: pictures \(4, 4, 1\)"):
        gan.evaluate(IMAGES, CONDITIONS[SHAPE], verbose=0)
    with pytest.raises(InputError, match="labels or conditions"):
        data.Dataset(IMAGES, np.arange(24), conditions=CONDITIONS[(5,)])


def test_files_of_arrays_may_hold_conditions(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.zeros((24, 4, 4), np.uint8), conditions=CONDITIONS[(5,)])
    dataset = data.load(tmp_path / "set.npz")
    assert dataset.condition_shape == (5,)
    assert dataset.labels is None
    model((5,)).fit(dataset, batch_size=8, verbose=0)
    other = data.Dataset(dataset.examples, conditions=CONDITIONS[(5,)] + 1)
    assert other.described() != dataset.described()


def test_the_command_line_samples_with_conditions_of_a_file(tmp_path):
    gan, given = model((5,)), CONDITIONS[(5,)]
    gan.save(tmp_path / "gan.keras")
    gan.export(tmp_path / "gan.onnx")
    np.save(tmp_path / "given.npy", given[:6])
    np.save(tmp_path / "one.npy", given[0])

    def sample(source, *arguments):
        out = tmp_path / "samples.npz"
        command = ["sample", str(tmp_path / source), *map(str, arguments), "-o", str(out)]
        result = CliRunner().invoke(main, command)
        if result.exit_code:
            return result.output
        return np.load(out)["images"]

    expected = gan.sample(6, seed=0, conditions=given[:6])
    for source in ("gan.keras", "gan.onnx"):
        np.testing.assert_allclose(sample(source, "--conditions", tmp_path / "given.npy"), expected, atol=1e-5)
        one = sample(source, "--conditions", tmp_path / "one.npy", "-n", 6)
        np.testing.assert_allclose(one[0], expected[0], atol=1e-5)
    assert "expects conditions, because the networks take vectors (5,)" in sample("gan.keras")
    assert "Expected no --label" in sample("gan.keras", "--label", 1)
    (tmp_path / "text.npy").write_text("no numbers")
    for wrong in ("text.npy", "missing.npy", "samples.npz"):
        assert "Expected a .npy file of numbers" in sample("gan.keras", "--conditions", tmp_path / wrong)


def test_texts_have_a_row_each(tmp_path, monkeypatch):
    images = np.zeros((20, 8, 8, 3), np.uint8)
    faces = kgz.data.CaptionedDataset(images, [f"text {number}" for number in range(20)])
    gan = kgz.TextToImageGAN.for_images((8, 8, 3), 4, width=4, seed=0)
    gan.compile(run_eagerly=True)
    seen = []
    monkeypatch.setattr(type(gan), "sample", lambda self, n, **given: seen.append(given) or np.zeros((n, 8, 8, 3)))
    gan.fit(faces, batch_size=20, verbose=0, callbacks=[kgz.callbacks.SamplePictures(tmp_path, n=15)])
    vectors = seen[0]["conditions"]
    assert vectors.shape == (16, 512)
    with Image.open(tmp_path / "epoch_0001.png") as picture:
        assert picture.height == pytest.approx(4 * picture.width, rel=0.05)  # eight rows of two
    np.testing.assert_array_equal(vectors, np.repeat(vectors[::2], 2, axis=0))
    assert len(np.unique(vectors, axis=0)) == 8
    assert all(any(np.array_equal(v, text) for text in gan.encoder.encode(faces.texts())) for v in vectors)
