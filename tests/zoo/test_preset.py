"""Models as presets and back: every variant, and every byte."""

import dataclasses
import io
import json
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError, NotFiniteError
from keras_gan_zoo.export import exporting
from keras_gan_zoo.export.generator import Generator
from keras_gan_zoo.zoo import archive, cards, preset
from tests.equality import build, sampled
from tests.helpers import CONTRACT_KINDS, assert_same, weights_of, zipped


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A conditional DCGAN with an averaged generator, after two steps, and its preset."""
    gan = build("dcgan", conditional=True, ema_decay=0.5)
    gan.compile(run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype(np.float32)
    gan.fit(images, np.arange(32) % 3, batch_size=16, verbose=0)
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    gan.save_preset(folder, description="Noise", licence="CC0-1.0")
    return folder, gan


@pytest.fixture
def saved(trained, tmp_path):
    """A copy of the preset to do anything with, and the model, which nothing is to be done with."""
    folder, gan = trained
    return Path(shutil.copytree(folder, tmp_path / "tiny")), gan


@pytest.mark.parametrize(("variant", "conditional"), CONTRACT_KINDS)
def test_every_variant_comes_back(variant, conditional, tiny, tmp_path):
    gan = tiny(variant, conditional)
    card = gan.save_preset(tmp_path / "preset")
    again = kgz.load(tmp_path / "preset", with_discriminator=True)
    assert type(again) is type(gan)
    assert (card.variant, card.name, card.stored_as) == (variant, "preset", "float32")
    assert card.parameters == {
        "generator": gan.generator.count_params(),
        "discriminator": gan.discriminator.count_params(),
    }
    assert_same(gan.generator.get_weights(), again.generator.get_weights())
    assert_same(gan.discriminator.get_weights(), again.discriminator.get_weights())
    assert again.get_compile_config() == gan.get_compile_config()
    expected, found = gan.get_config(), again.get_config()
    assert {name: found[name] for name in found if name not in ("generator", "discriminator")} == {
        name: expected[name] for name in expected if name not in ("generator", "discriminator")
    }
    np.testing.assert_array_equal(*(model.sample(4, seed=0, **sampled(gan, 4)) for model in (gan, again)))
    written = {path.name for path in (tmp_path / "preset").iterdir()} - {cards.PICTURE}
    assert written == {*cards.FILES, cards.CARD_FILE, cards.README}


def test_what_is_kept_is_the_averaged_generator(saved):
    folder, gan = saved
    again = kgz.load(folder)
    assert any((a != b).any() for a, b in zip(gan.generator.get_weights(), gan.sampler.get_weights(), strict=True))
    for network in (again.generator, again.ema_generator):
        assert_same(network.get_weights(), gan.ema_generator.get_weights())


def test_golden_samples_are_pixels_of_what_was_read_back(saved):
    folder, gan = saved
    golden = preset.find(folder).golden()
    assert (golden.dtype, golden.shape) == (np.uint8, (4, 8, 8, 1))
    np.testing.assert_array_equal(golden, kgz.pictures.to_uint8(gan.sample(4, seed=0)))


def test_vectors_have_golden_floats(tmp_path):
    gan = kgz.GAN.for_images((2,), latent_dim=3, seed=0)
    gan.save_preset(tmp_path / "points")
    np.testing.assert_array_equal(preset.find(tmp_path / "points").golden(), gan.sample(4, seed=0))


def test_half_is_smaller_and_said(saved, tmp_path):
    folder, gan = saved
    card = gan.save_preset(tmp_path / "half", half=True)
    assert card.stored_as == "float16"
    assert (tmp_path / "half" / "generator.npz").stat().st_size < 0.8 * (folder / "generator.npz").stat().st_size
    again = kgz.load(tmp_path / "half")
    expected = [weights.astype(np.float16).astype(np.float32) for weights in gan.sampler.get_weights()]
    assert_same(again.generator.get_weights(), expected)
    np.testing.assert_array_equal(
        preset.find(tmp_path / "half").golden(), kgz.pictures.to_uint8(again.sample(4, seed=0))
    )
    again.ema_generator.set_weights([weights + 1e6 for weights in gan.sampler.get_weights()])
    with pytest.raises(InputError, match="that float16 can hold"):
        again.save_preset(tmp_path / "large", half=True)
    assert not (tmp_path / "large").exists()


@pytest.mark.parametrize(
    ("dtype", "stored_as"), [("float64", "float64"), ("bfloat16", "float32"), ("float16", "float16")]
)
def test_other_types_of_numbers_come_back_as_they_were(dtype, stored_as, tmp_path):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        gan = kgz.GAN.for_images((2,), latent_dim=3, seed=0)
    finally:
        keras.config.set_dtype_policy(policy)
    assert gan.save_preset(tmp_path / "points").stored_as == stored_as
    again = kgz.load(tmp_path / "points", with_discriminator=True)
    for player in ("generator", "discriminator"):
        expected, found = (getattr(model, player).get_weights() for model in (gan, again))
        assert {weights.dtype.name for weights in found} == {dtype}
        assert_same(expected, found)
    np.testing.assert_array_equal(again.sample(4, seed=0), gan.sample(4, seed=0))
    assert gan.save_preset(tmp_path / "half", half=True).stored_as == "float16"
    kgz.load(tmp_path / "half")


@pytest.mark.parametrize("name", cards.FILES)
@pytest.mark.parametrize("with_discriminator", [False, True])
def test_one_flipped_bit_is_noticed(saved, name, with_discriminator):
    folder, _ = saved
    whole = (folder / name).read_bytes()
    for position in (0, len(whole) // 2, len(whole) - 1):
        content = bytearray(whole)
        content[position] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} of the preset tiny with SHA-256.*the file was changed"):
            kgz.load(folder, with_discriminator)


@pytest.mark.parametrize("name", cards.FILES)
def test_a_missing_file_is_noticed(saved, name):
    folder, _ = saved
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"Expected {name} of the preset tiny"):
        kgz.load(folder)


def test_nothing_is_parsed_before_it_was_checked(saved, monkeypatch):
    folder, _ = saved
    (folder / "generator.npz").write_bytes(b"other")
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("parsed"))
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("parsed"))
    with pytest.raises(InputError, match=r"generator\.npz"):
        kgz.load(folder)


@pytest.mark.parametrize(
    "arrays",
    [
        {"0": np.zeros(3)},
        {"0": np.array([None])},
        {"0": np.zeros((2, 4)), "1": np.zeros(2)},
        {"0": np.zeros(10**6)},
        {"other": np.zeros((2, 3))},
    ],
    ids=["shape", "pickle", "too many", "too large", "name"],
)
def test_weights_of_another_form_are_refused(arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    with pytest.raises(InputError, match="Expected the weights of a net, array by array"):
        archive.unpack(content.getvalue(), [np.zeros((2, 3))], "a net")


def test_without_discriminator_there_is_no_training(saved, images, tmp_path):
    folder, _ = saved
    gan = kgz.load(folder)
    labels = np.arange(40) % 3
    gan.save(tmp_path / "lacking.keras")
    for lacking in (gan, kgz.load(tmp_path / "lacking.keras")):
        before = weights_of(lacking)
        for train in (
            lambda lacking=lacking: lacking.fit(images, labels, verbose=0),
            lambda lacking=lacking: lacking.evaluate(images, labels, verbose=0),
            lambda lacking=lacking: lacking.train_on_batch(images, labels),
            lambda lacking=lacking: lacking.test_on_batch(images, labels),
            lambda lacking=lacking: lacking.save_weights(tmp_path / "lacking.weights.h5"),
        ):
            with pytest.raises(InputError, match="Load it with_discriminator=True"):
                train()
        assert_same(before, weights_of(lacking))
    assert not (tmp_path / "lacking.weights.h5").exists()


def test_with_discriminator_training_goes_on(saved, images):
    folder, original = saved
    gan = kgz.load(folder, with_discriminator=True)
    assert gan.class_names == original.class_names
    before = weights_of(gan.discriminator)
    gan.fit(images, np.arange(40) % 3, batch_size=20, verbose=0)
    assert any((a != b).any() for a, b in zip(before, weights_of(gan.discriminator), strict=True))


def test_a_preset_without_discriminator(saved, tmp_path):
    _, gan = saved
    card = gan.save_preset(tmp_path / "small", with_discriminator=False)
    assert set(card.files) == {"generator.npz", "config.json", "golden.npz"}
    sampler = kgz.load(tmp_path / "small")
    with pytest.raises(InputError, match="was saved without"):
        kgz.load(tmp_path / "small", with_discriminator=True)
    with pytest.raises(InputError, match="one that was loaded without"):
        sampler.save_preset(tmp_path / "again", with_discriminator=True)
    sampler.save_preset(tmp_path / "again")
    np.testing.assert_array_equal(kgz.load(tmp_path / "again").sample(3, seed=1), gan.sample(3, seed=1))


@pytest.fixture
def shipped_apart(saved, tmp_path, monkeypatch):
    """A preset of the package without its discriminator, the folder that has it, and the model."""
    folder, gan = saved
    card = preset.Preset.from_folder(folder).card
    shutil.copytree(folder, tmp_path / "package" / "tiny")
    (tmp_path / "package" / "tiny" / cards.DISCRIMINATOR).unlink()
    monkeypatch.setattr(cards, "FOLDERS", tmp_path / "package")
    monkeypatch.setattr(cards, "shipped", lambda: {"tiny": card})
    monkeypatch.delenv(archive.WEIGHTS, raising=False)
    monkeypatch.chdir(tmp_path / "package")
    (tmp_path / "elsewhere").mkdir()
    shutil.move(folder, tmp_path / "elsewhere" / "tiny")
    return preset.Preset.from_name("tiny"), tmp_path / "elsewhere", gan


def test_a_large_discriminator_is_read_only_when_it_is_needed(shipped_apart, monkeypatch):
    found, elsewhere, gan = shipped_apart
    np.testing.assert_array_equal(
        found.model().sample(3, seed=1, labels=[0, 1, 2]), gan.sample(3, seed=1, labels=[0, 1, 2])
    )
    assert len(found.golden()) == 4
    with pytest.raises(InputError, match=r"does not come with the package.* Set KERAS_GAN_ZOO_WEIGHTS"):
        found.model(with_discriminator=True)
    for place in (str(elsewhere), elsewhere.as_uri(), elsewhere.as_uri() + "/"):
        monkeypatch.setenv(archive.WEIGHTS, place)
        again = found.model(with_discriminator=True)
        assert_same(gan.discriminator.get_weights(), again.discriminator.get_weights())


def test_a_large_discriminator_must_be_the_one_of_the_card(shipped_apart, monkeypatch):
    found, elsewhere, _ = shipped_apart
    file = elsewhere / "tiny" / cards.DISCRIMINATOR
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    for place in (str(elsewhere), elsewhere.as_uri()):
        monkeypatch.setenv(archive.WEIGHTS, place)
        with pytest.raises(InputError, match="SHA-256"):
            found.model(with_discriminator=True)
    file.unlink()
    monkeypatch.setenv(archive.WEIGHTS, str(elsewhere))
    with pytest.raises(InputError, match=r"Expected tiny/discriminator.npz in .*no such file"):
        found.model(with_discriminator=True)


def test_paper_licence_and_data_go_on_with_the_weights(saved, tmp_path):
    folder, _ = saved
    gan = kgz.load(folder)
    known = {"paper": "Radford et al., 2015", "data": {"name": "noise", "licence": "CC BY-SA 3.0"}}
    gan.origin = dataclasses.replace(gan.origin, card=dataclasses.replace(gan.origin.card, **known))
    card = gan.save_preset(tmp_path / "same", description="Again")
    assert (card.paper, card.data, card.licence) == (known["paper"], known["data"], "CC0-1.0")
    assert (card.parent, card.description) == ("tiny", "Again")
    assert kgz.load(tmp_path / "same").origin.card == card
    gan.ema_generator.weights[0].assign(gan.ema_generator.weights[0] * 1.5)
    card = gan.save_preset(folder, licence="MIT")
    assert card.data == {**known["data"], "then": "trained on, with data that this card does not know"}
    assert (card.paper, card.licence, card.parent) == (known["paper"], "MIT", "")  # no parent of its own


def test_saving_replaces_a_preset_and_nothing_else(saved, tmp_path):
    folder, gan = saved
    gan.save_preset(folder, description="Again")
    assert preset.find(folder).card.description == "Again"
    (folder / "mine.txt").write_text("mine")
    for place in (folder, folder / "mine.txt", tmp_path / "no" / "folder"):
        with pytest.raises(InputError):
            gan.save_preset(place)
    with pytest.raises(InputError, match="letters, digits"):
        gan.save_preset(tmp_path / "two words")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]
    assert (folder / "mine.txt").read_text() == "mine"


def test_not_finite_weights_and_unknown_classes_are_refused(tiny, tmp_path):
    class Mine(kgz.GAN):
        pass

    gan = tiny("gan")
    mine = Mine(gan.generator, gan.discriminator)
    with pytest.raises(InputError, match="Received: a Mine"):
        mine.save_preset(tmp_path / "mine")
    gan.generator.weights[0].assign(np.full(gan.generator.weights[0].shape, np.nan))
    with pytest.raises(NotFiniteError):
        gan.save_preset(tmp_path / "broken")
    assert not list(tmp_path.iterdir())


def test_a_class_that_the_preset_is_not_of_is_named(saved):
    folder, _ = saved
    with pytest.raises(InputError, match=r"Expected a WGAN. Received: .*, which is a DCGAN. Call DCGAN.from_preset"):
        kgz.WGAN.from_preset(folder)
    assert isinstance(kgz.DCGAN.from_preset(folder), kgz.DCGAN)
    assert isinstance(kgz.GAN.from_preset(folder), kgz.DCGAN)  # which is one


def test_the_card_and_the_model_belong_together(saved):
    folder, _ = saved
    text = (folder / cards.CARD_FILE).read_text()
    (folder / cards.CARD_FILE).write_text(text.replace('"dcgan"', '"wgan"'))
    with pytest.raises(InputError, match=r"Expected a WGAN in tiny\. Received: a DCGAN"):
        kgz.load(folder)
    (folder / cards.CARD_FILE).write_text(text.replace('"dcgan"', '"dcgna"'))
    with pytest.raises(InputError, match="Did you mean 'dcgan'"):
        kgz.load(folder)


def test_a_model_that_keras_cannot_rebuild_is_an_error_of_ours(saved):
    folder, _ = saved
    found = preset.find(folder)
    config = found.read("config.json").replace(b'"Dense"', b'"Dance"')
    card = dataclasses.replace(found.card, files={**found.card.files, "config.json": archive.sha256_of(config)})
    broken = preset.Preset(card, lambda name: config if name == "config.json" else found.read(name))
    with pytest.raises(InputError, match="that Keras can rebuild in tiny"):
        broken.model()


def test_code_in_a_config_is_not_run(tmp_path):
    """Keras deserialises no lambda of a stranger."""
    noise = keras.Input((2,))
    generator = keras.Model(noise, keras.layers.Lambda(lambda x: x)(keras.layers.Dense(2)(noise)))
    examples = keras.Input((2,))
    gan = kgz.GAN(generator, keras.Model(examples, keras.layers.Dense(1)(examples)))
    with pytest.raises(InputError, match="that Keras can rebuild"):
        gan.save_preset(tmp_path / "code")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("prefix", ["", "tiny/"])
def test_an_archive_is_read_without_unpacking_it(saved, tmp_path, prefix):
    folder, gan = saved
    archive = zipped(folder, tmp_path / "tiny.zip", prefix)
    before = set(tmp_path.rglob("*"))
    np.testing.assert_array_equal(kgz.load(archive).sample(2, seed=0), gan.sample(2, seed=0))
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    ["../generator.npz", "/generator.npz", "a/../generator.npz", "a/b/generator.npz", "run.py", "C:\\config.json"],
)
def test_paths_in_archives_that_lead_elsewhere_are_refused(saved, tmp_path, name):
    folder, _ = saved
    archive = zipped(folder, tmp_path / "evil.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, b"evil")
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="nothing but a preset's files"):
        kgz.load(archive)
    assert set(tmp_path.rglob("*")) == before


def test_bombs_are_refused_before_they_are_unpacked(saved, tmp_path, monkeypatch):
    folder, _ = saved
    bomb = zipped(folder, tmp_path / "bomb.zip")
    with zipfile.ZipFile(bomb) as opened:
        size = sum(info.file_size for info in opened.infolist())
    monkeypatch.setattr(archive, "LIMIT", size)
    kgz.load(bomb)
    monkeypatch.setattr(archive, "LIMIT", size - 1)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(InputError, match="unpacked"):
        kgz.load(bomb)


def test_archives_of_something_else_are_refused(saved, tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(InputError, match=r"Expected a preset: the folder .* a .zip of it. Received: .*text.zip"):
        kgz.load(tmp_path / "text.zip")
    folder, _ = saved
    (folder / cards.CARD_FILE).unlink()
    with pytest.raises(InputError, match="which has none"):
        kgz.load(zipped(folder, tmp_path / "bare.zip"))


def test_an_export_names_the_preset_that_its_weights_are_of(saved, tmp_path):
    import onnx

    folder, original = saved
    gan = kgz.load(folder)
    gan.export(tmp_path / "g.onnx", metadata={"note": "mine"})
    facts = {entry.key: entry.value for entry in onnx.load(tmp_path / "g.onnx").metadata_props}
    assert (facts["preset"], facts["licence"], facts["note"]) == ("tiny", "CC0-1.0", "mine")
    assert facts["weights_sha256"] == gan.origin.weights_sha256

    assert exporting._origin(original, Generator.from_model(original)) == {}
    gan.ema_generator.weights[0].assign(gan.ema_generator.weights[0] * 1.5)
    assert exporting._origin(gan, Generator.from_model(gan)) == {}  # trained on: no longer the preset


@keras.saving.register_keras_serializable("tests")
class Forgetful(keras.layers.Layer):
    """Multiplies by a factor that its configuration lacks."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {"name": self.name}


def test_what_would_come_back_as_something_else_is_not_saved(tmp_path):
    noise = keras.Input((2,))
    generator = keras.Model(noise, Forgetful(5.0)(keras.layers.Dense(3)(noise)))
    examples = keras.Input((3,))
    gan = kgz.GAN(generator, keras.Model(examples, keras.layers.Dense(1)(examples)))
    with pytest.raises(InputError, match="the same samples when it is read back"):
        gan.save_preset(tmp_path / "preset")
    assert not list(tmp_path.iterdir())


def test_a_global_policy_does_not_round_what_a_model_takes(saved):
    folder, gan = saved
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        again = kgz.load(folder)
    finally:
        keras.config.set_dtype_policy(policy)
    np.testing.assert_array_equal(again.sample(4, seed=0), gan.sample(4, seed=0))
