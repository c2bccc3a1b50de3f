"""Captions as conditions of training: which are drawn, and when."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data
from keras_gan_zoo.data.encoded import EncodedDataset
from keras_gan_zoo.data.streamed import StreamedDataset
from keras_gan_zoo.encoders import as_encoder
from keras_gan_zoo.errors import InputError

CAPTIONS = [("one",), ("two", "two more"), ("three", "three more", "three again"), ("one",)]


def encoded(seed=0, captions=CAPTIONS):
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    return EncodedDataset(data.CaptionedDataset(images, captions), as_encoder("characters"), seed)


def pairs(batches):
    """The number of each image, and its vector."""
    for images, vectors in batches.as_numpy_iterator():
        yield from zip(np.round((images[:, 0, 0, 0] + 1) * 127.5).astype(int), vectors, strict=True)


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_step_draws_one_of_an_images_captions(shuffle):
    dataset, encode = encoded(), as_encoder("characters").encode
    meant = {(i, text): encode([text])[0] for i, texts in enumerate(CAPTIONS) for text in texts}
    found = set()
    for number, vector in pairs(dataset.batches(2, 0, with_conditions=True, shuffle=shuffle).take(60)):
        [text] = [text for (i, text), known in meant.items() if i == number and np.array_equal(known, vector)]
        found.add((number, text))
    assert found == set(meant)


def test_what_is_drawn_depends_on_the_seed_and_the_step_alone():
    def vectors(seed, start=0):
        batches = encoded(seed).batches(2, 5, start_step=start, with_conditions=True).take(12 - start)
        return np.stack([vector for _, vector in pairs(batches)])

    np.testing.assert_array_equal(vectors(0), vectors(0))
    np.testing.assert_array_equal(vectors(0)[14:], vectors(0, start=7))
    assert not np.array_equal(vectors(0), vectors(1))


def test_which_are_drawn_is_independent_of_the_noise():
    gan = kgz.GAN.for_images((4, 4, 1), 1, architecture="mlp", units=2, depth=1, seed=0)
    dataset, second = encoded(captions=[("a", "b")] * 4), as_encoder("characters").encode(["b"])[0]
    vectors = [vectors for _, vectors in dataset.batches(4, 0, with_conditions=True).take(200).as_numpy_iterator()]
    drawn = np.array([(each == second).all(axis=1) for each in vectors])
    noise = np.array([gan.noise(1, 4, step=step)[0][:, 0] for step in range(200)])
    correlations = np.corrcoef(drawn.T, noise.T)[:4, 4:]
    assert np.abs(correlations).max() < 0.3  # the deviation of chance is 0.07


def test_in_order_it_is_the_first_caption():
    dataset = encoded()
    first = as_encoder("characters").encode([texts[0] for texts in CAPTIONS])
    np.testing.assert_array_equal(dataset.conditions, first)
    numbers, vectors = zip(*pairs(dataset.batches_in_order(3, True)), strict=True)
    assert numbers == (0, 1, 2, 3)
    np.testing.assert_array_equal(vectors, first)
    assert dataset.condition_shape == (512,)


def test_other_captions_are_other_data():
    described = encoded().described()
    assert described == encoded(seed=1).described()
    assert described != encoded(captions=[("one",), ("two",), ("three",), ("four",)]).described()
    assert described["encoder"] == as_encoder("characters").digest


def test_pictures_that_are_read_batch_by_batch_are_refused():
    examples = tf.data.Dataset.from_tensor_slices(np.zeros((2, 4, 4, 1), np.uint8))
    streamed = StreamedDataset(examples, 2, (4, 4, 1), name="few")
    captioned = data.CaptionedDataset(streamed, ["a", "b"])
    with pytest.raises(InputError, match="Expected captions of images that can be read in any order"):
        EncodedDataset(captioned, as_encoder("characters"))


def test_a_folder_is_read_when_it_is_needed(tmp_path):
    for number in range(3):
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(tmp_path / f"{number}.png")
        (tmp_path / f"{number}.txt").write_text(f"number {number}", encoding="utf-8")
    dataset = EncodedDataset(data.load(tmp_path, memory_limit=0), as_encoder("characters"))
    assert dataset.glimpse().shape == dataset.read([0, 1, 2]).shape == (3, 4, 4, 1)
    assert dataset[1:].conditions.shape == (2, 512)
