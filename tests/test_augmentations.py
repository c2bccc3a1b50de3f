"""Differentiable augmentation: its changes in NumPy, what is changed alike, and what cannot be changed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan_zoo as kgz
from keras_gan_zoo import augmentations
from keras_gan_zoo.errors import InputError
from tests.equality import build, trained

EVERY = "colour,translation,cutout"
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(-1, 1, (40, 16, 24, 3)).astype(np.float32)
NUMBERS = RANDOM.uniform(0, 1, (3, 40)).astype(np.float32)
NUMBERS[:, 0], NUMBERS[:, 1] = 0, 1 - 2**-23  # the smallest and the largest that are drawn


def changed(name: str, draws: int) -> np.ndarray:
    return augmentations.AUGMENTATIONS[name](tf.constant(IMAGES), *map(tf.constant, NUMBERS[:draws])).numpy()


def test_colour():
    for image, found, (brightness, saturation, contrast) in zip(IMAGES, changed("colour", 3), NUMBERS.T, strict=True):
        bright = image + brightness - 0.5
        grey = bright.mean(axis=-1, keepdims=True)
        coloured = grey + 2 * saturation * (bright - grey)
        expected = coloured.mean() + (0.5 + contrast) * (coloured - coloured.mean())
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_translation():
    """By up to 2 of 16 rows and 3 of 24 columns."""
    for image, found, (down, right) in zip(IMAGES, changed("translation", 2), NUMBERS[:2].T, strict=True):
        down, right = int(down * 5) - 2, int(right * 7) - 3
        padded = np.pad(image, ((2, 2), (3, 3), (0, 0)))
        np.testing.assert_array_equal(found, padded[2 - down : 18 - down, 3 - right : 27 - right])


def test_cutout():
    """Of 8 rows and 12 columns, where they are within the image."""
    for image, found, (row, column) in zip(IMAGES, changed("cutout", 2), NUMBERS[:2].T, strict=True):
        row, column = int(row * 17), int(column * 25)
        expected = image.copy()
        expected[max(0, row - 4) : row + 4, max(0, column - 6) : column + 6] = 0
        np.testing.assert_array_equal(found, expected)


def test_halves_are_rounded_up():
    """As in the released code: 20 pixels are moved by up to 3, and 5 have a hole of 3."""
    numbers = tf.constant([1 - 2**-23])
    moved = augmentations.translation(tf.ones((1, 20, 20, 1)), numbers, numbers).numpy()
    assert moved.sum() == (20 - 3) ** 2
    middle = tf.constant([0.5])
    assert augmentations.cutout(tf.ones((1, 5, 5, 1)), middle, middle).numpy().sum() == 5 * 5 - 3 * 3


def test_changes_follow_each_other():
    numbers = [tf.constant(RANDOM.uniform(size=40).astype(np.float32)) for _ in range(5)]
    found = augmentations.augmented(tf.constant(IMAGES), "cutout, colour", numbers)
    in_turn = augmentations.colour(augmentations.cutout(tf.constant(IMAGES), *numbers[:2]), *numbers[2:])
    np.testing.assert_array_equal(found, in_turn)
    assert augmentations.draws_of(EVERY) == 7


@pytest.fixture
def gan():
    gan = build("dcgan", augmentation=EVERY, packing=2)
    gan.compile(run_eagerly=True)
    return gan


def test_what_the_discriminator_sees_in_training(gan, images, monkeypatch):
    """Real and generated images are changed alike in a step, and otherwise in the next; those of `evaluate` are not."""
    seen = []

    def watched(examples, augmentation, numbers):
        seen.append((augmentation, np.array(numbers)))
        return examples * 0

    monkeypatch.setattr(augmentations, "augmented", watched)
    gan.fit(images[:16], batch_size=8, verbose=0)
    assert {augmentation for augmentation, _ in seen} == {EVERY}
    first, second = seen[:3], seen[3:]  # real and generated for the discriminator, generated for the generator
    for step in (first, second):
        assert all(np.array_equal(numbers, step[0][1]) for _, numbers in step)
        assert step[0][1].shape == (7, 8)
    assert not np.array_equal(first[0][1], second[0][1])
    gan.evaluate(images, batch_size=8, verbose=0)
    assert len(seen) == 6


def test_gradients_reach_the_generator_through_the_changes(gan, images):
    with tf.GradientTape() as tape:
        fake = gan.generate(*gan.noise(1, 8), None)
        loss = tf.reduce_sum(gan.score(fake, None))
    gradients = tape.gradient(loss, [fake, *gan.generator.trainable_variables])
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


@pytest.mark.slow
def test_one_replica_equals_two(two_replicas, float64):
    def make():
        return build("dcgan", augmentation=EVERY, r1=0.5)

    (one, before, _), (two, _, _) = trained(tf.distribute.get_strategy(), make), trained(two_replicas, make)
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-12)
    assert any(not np.array_equal(a, b.numpy()) for a, b in zip(before, one.weights, strict=True))


@pytest.mark.parametrize("variant", ["bigan", "conditional_gan"])
def test_models_of_parts_and_with_labels_take_it(variant):
    """The shape of what they make is that of a part of a network."""
    augmented = build(variant, variant == "conditional_gan", augmentation="translation", ema_decay=0.9)
    assert augmented.get_config()["augmentation"] == "translation"


def test_it_is_saved(gan, tmp_path):
    gan.save(tmp_path / "gan.keras")
    assert keras.saving.load_model(tmp_path / "gan.keras").augmentation == EVERY
    assert "augmentation" not in build("gan").get_config()  # so that earlier snapshots are those of the same model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build("gan", augmentation="color"), "Unknown augmentation 'color'.* Did you mean 'colour'"),
        (lambda: build("gan", augmentation=""), "Unknown augmentation ''"),
        (lambda: build("gan", augmentation=["colour"]), r"names with commas .* Received: \['colour'\]"),
        (lambda: kgz.GAN.for_images((2,), augmentation=EVERY), r"Expected images .* Received: \(2,\)"),
        (lambda: build("pix2pix", augmentation="colour"), "pairs of pictures, which must be changed together"),
    ],
)
def test_what_cannot_be_changed_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
