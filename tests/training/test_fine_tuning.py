"""Training on: the weights of a preset in a model for the same classes, for others, and for more of them."""

import shutil

import numpy as np
import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.training import fine_tuning
from tests.equality import KINDS, TINY, build
from tests.helpers import assert_same, weights_of

CONDITIONAL = {kind: variant for kind, (variant, conditional) in KINDS.items() if conditional}


def saved(gan, tmp_path) -> str:
    gan.save_preset(tmp_path / "preset")
    return str(tmp_path / "preset")


def players(gan) -> list[np.ndarray]:
    return [*gan.generator.get_weights(), *gan.discriminator.get_weights()]


def test_the_same_classes_keep_all_weights(tmp_path):
    old, gan = (
        build("dcgan", True, class_names=["a", "b", "c"]),
        build("dcgan", True, class_names=["a", "b", "c"], seed=1),
    )
    fine_tuning.transfer_weights(gan, saved(old, tmp_path), lambda classes: pytest.fail("not needed"))
    assert_same(players(gan), players(old))


def test_another_variant_plays_its_own_game_with_the_networks(tmp_path):
    old = build("dcgan")
    alike = {"architecture": "dcgan", "discriminator_normalization": "batch"}
    gan = kgz.R3GAN.for_images((8, 8, 1), latent_dim=4, **TINY["dcgan"], **alike, seed=1)
    fine_tuning.transfer_weights(gan, saved(old, tmp_path), lambda classes: pytest.fail("not needed"))
    assert_same(players(gan), players(old))

    base = fine_tuning.base_of(from_preset="dcgan_cifar10")
    recipe = kgz.training.Recipe(**fine_tuning.changed(base, {"variant": "r3gan", "data": "cifar10"}))
    sizes = {"width": 32, "dropout": 0.0, "latent_dim": 100, "packing": 1, "spectral_normalization": False}
    assert recipe.model == {**alike, **sizes, "ema_decay": 0.999}
    assert not {"batch_size", "optimizer", "learning_rate"} & recipe.given().keys()


def test_without_labels_all_weights_are_kept_and_averages_begin_there(tmp_path):
    old, gan = build("wgan_gp"), build("wgan_gp", seed=1, ema_decay=0.9)
    fine_tuning.transfer_weights(gan, saved(old, tmp_path), lambda classes: pytest.fail("not needed"))
    assert_same(players(gan), players(old))
    assert_same(gan.ema_generator.get_weights(), old.generator.get_weights())


@pytest.mark.parametrize("kind", CONDITIONAL)
@pytest.mark.parametrize("packing", [1, 2])
def test_rows_of_other_classes_begin_anew(kind, packing, tmp_path):
    def make(classes, seed=1):
        return build(CONDITIONAL[kind], True, num_classes=classes, seed=seed, packing=packing)

    old, gan = make(3, seed=0), make(5)
    fresh = players(gan)
    anew = r"The classes are not those of .* generator/.*(kernel|embeddings), discriminator/.*kernel"
    with pytest.warns(UserWarning, match=anew):
        fine_tuning.transfer_weights(gan, saved(old, tmp_path), make)
    changed = 0
    for new, before, after in zip(fresh, players(old), players(gan), strict=True):
        if before.shape == after.shape:
            np.testing.assert_array_equal(after, before)
            continue
        changed += 1
        [axis] = np.flatnonzero(np.not_equal(before.shape, after.shape))
        per_class = (after.shape[axis] - before.shape[axis]) // 2
        assert per_class in (1, packing)
        others = before.shape[axis] - 3 * per_class
        kept, other = ([slice(None)] * axis + [part] for part in (slice(others), slice(others, None)))
        np.testing.assert_array_equal(after[tuple(kept)], before[tuple(kept)])
        np.testing.assert_array_equal(after[tuple(other)], new[tuple(other)])
    assert changed == (5 if CONDITIONAL[kind] == "sngan" else 2)  # one for each normalisation, and the projection's


def test_other_classes_of_the_same_number_begin_anew(tmp_path):
    def make(classes, names=None, seed=1):
        return build("dcgan", True, num_classes=classes, class_names=names, seed=seed)

    old, gan = make(2, ["cat", "dog"], seed=0), make(2, ["shoe", "bag"])
    fresh = gan.generator.weights[0].numpy()
    with pytest.warns(UserWarning, match="begins anew"):
        fine_tuning.transfer_weights(gan, saved(old, tmp_path), make)
    kernel = gan.generator.weights[0].numpy()
    np.testing.assert_array_equal(kernel[:4], old.generator.weights[0].numpy()[:4])  # of the noise
    np.testing.assert_array_equal(kernel[4:], fresh[4:])


@pytest.mark.parametrize(
    ("variant", "conditional", "arguments", "message"),
    [
        ("vae", False, {}, "Expected the networks generator and discriminator, as .* Received: autoencoder"),
        ("bigan", False, {}, "Expected the layers that the generator of .* Received others"),
        ("dcgan", True, {}, "Expected labels: False, as .* Received: True"),
        ("dcgan", False, {"latent_dim": 5}, r"Expected noise of shape \(4,\), as .* Received: \(5,\)"),
        ("dcgan", False, {"width": 8}, "Expected the layers that the generator of .* Received others"),
        ("dcgan", False, {"packing": 2}, "Expected the layers that the discriminator of"),
        ("dcgan", False, {"spectral_normalization": True}, "Expected the layers that the discriminator of"),
    ],
)
def test_other_networks_are_refused_untouched(variant, conditional, arguments, message, tmp_path):
    source = saved(build("dcgan"), tmp_path)
    gan = build(variant, conditional, **arguments)
    before = weights_of(gan)
    with pytest.raises(InputError, match=message):
        fine_tuning.transfer_weights(gan, source, lambda classes: build(variant, conditional, num_classes=classes))
    assert_same(before, weights_of(gan))


def test_other_examples_are_refused(tmp_path):
    source = saved(build("dcgan"), tmp_path)
    gan = kgz.DCGAN.for_images((12, 12, 3), latent_dim=4, width=4)
    with pytest.raises(InputError, match=r"examples of shape \(8, 8, 1\), as .* Received: \(12, 12, 3\)"):
        fine_tuning.transfer_weights(gan, source, None)


def test_a_recipe_begins_with_one_thing(tmp_path):
    recipe = kgz.training.Recipe("dcgan", "digits", epochs=3, model={"width": 8, "latent_dim": 5})
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    base = fine_tuning.base_of(tmp_path / "recipe.toml")
    assert kgz.training.Recipe(**base) == recipe
    changed = kgz.training.Recipe(**fine_tuning.changed(base, {"epochs": 4, "model": {"width": 16}}))
    assert (changed.data, changed.epochs, changed.model) == ("digits", 4, {"width": 16, "latent_dim": 5})
    with pytest.raises(InputError, match="Choose one"):
        fine_tuning.base_of(tmp_path / "recipe.toml", "conditional_gan_mnist")
    with pytest.raises(InputError, match="Expected the file of a recipe"):
        fine_tuning.base_of(tmp_path / "missing.toml")
    with pytest.raises(InputError, match="Did you mean 'conditional_gan_mnist'"):
        fine_tuning.base_of(preset="conditional_gan_mnits")
    assert fine_tuning.base_of() == {}


def test_another_architecture_leaves_the_sizes_of_networks_behind():
    base = fine_tuning.base_of(preset="conditional_gan_mnist")
    changes = {"data": "digits", "model": {"architecture": "dcgan", "width": 4}}
    recipe, dataset = kgz.training.resolve(kgz.training.Recipe(**fine_tuning.changed(base, changes)))
    defaults = kgz.ConditionalGAN.default_arguments(dataset.example_shape, "dcgan")
    assert recipe.model == {"latent_dim": 100, **defaults, "width": 4, "ema_decay": 0.999}
    assert kgz.training.build(recipe, dataset).conditional
    same = fine_tuning.changed(base, {"model": {"architecture": "conditional_dcgan"}})
    assert same == base


def test_a_preset_is_made_anew_by_all_and_trained_on_by_some_of_its_recipe():
    whole = fine_tuning.base_of(preset="conditional_gan_mnist")
    some = fine_tuning.base_of(from_preset="conditional_gan_mnist")
    assert (whole["data"], some["from_preset"]) == ("mnist", "conditional_gan_mnist")
    assert {"data", "epochs", "split", "seed"} & some.keys() == set()
    assert some["model"] == whole["model"]


def test_presets_without_recipe_are_for_python(tmp_path):
    with pytest.raises(InputError, match=r"which has none. In Python .* with_discriminator=True"):
        fine_tuning.base_of(from_preset=saved(build("dcgan"), tmp_path))


def test_a_run_on_other_classes_begins_with_the_presets_weights(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "two.npz", images=rng.integers(0, 255, (64, 28, 28, 1), np.uint8), labels=np.arange(64) % 2)
    base = fine_tuning.base_of(from_preset="conditional_gan_mnist")
    recipe = kgz.training.Recipe(**fine_tuning.changed(base, {"data": str(tmp_path / "two.npz"), "epochs": 1}))
    resolved, dataset = kgz.training.resolve(recipe)
    with pytest.warns(UserWarning, match="The classes are not those of conditional_gan_mnist"):
        gan = kgz.training.build(resolved, dataset)
    trained = kgz.load("conditional_gan_mnist", with_discriminator=True)
    pairs = list(zip(players(gan), players(trained), strict=True))
    assert sum(new.shape != old.shape for new, old in pairs) == 8  # every kernel takes the label
    assert all((new == old).all() for new, old in pairs if new.shape == old.shape)
    assert_same(gan.ema_generator.get_weights(), gan.generator.get_weights())
    assert kgz.training.Recipe.from_toml(resolved.to_toml()) == resolved


def test_a_run_on_other_images_leaves_no_folder(tmp_path):
    base = fine_tuning.base_of(from_preset="conditional_gan_mnist")
    recipe = kgz.training.Recipe(**fine_tuning.changed(base, {"data": "digits"}))
    with pytest.raises(InputError, match=r"examples of shape \(28, 28, 1\), as .* Received: \(16, 16, 1\)"):
        kgz.training.train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_without_the_preset_it_began_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gan = kgz.GAN.for_images((2,), latent_dim=3, generator_units=4, discriminator_units=2, pieces=1, seed=0)
    gan.save_preset("base")
    model = {"latent_dim": 3, "generator_units": 4, "discriminator_units": 2, "pieces": 1}
    recipe = kgz.training.Recipe("gan", "ring8", epochs=1, batch_size=50_000, from_preset="base", model=model)
    kgz.training.train(recipe, "run", verbose=0)
    shutil.rmtree("base")
    again, _ = kgz.training.resume("run", {"epochs": 2}, verbose=0)
    assert again.steps_done == 4
