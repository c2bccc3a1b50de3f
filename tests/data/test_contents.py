"""What is said of a data set before it is trained on."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan_zoo import data
from keras_gan_zoo.data.contents import Contents
from keras_gan_zoo.data.streamed import StreamedDataset


def varied(*shape, low=0, high=255):
    return np.linspace(low, high, num=int(np.prod(shape))).reshape(shape).astype(np.uint8)


def of(examples, labels=None, **arguments):
    return Contents.of(data.Dataset(examples, labels, **arguments))


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        (varied(6, 8, 8, low=3), "6 images of shape (8, 8, 1), grey, uint8 from 3 to 255"),
        (varied(6, 8, 8, 3), "6 images of shape (8, 8, 3), colour, uint8 from 0 to 255"),
        (varied(6, 8, 8, 4), "6 images of shape (8, 8, 4), colour with alpha, uint8 from 0 to 255"),
        (varied(6, 8, 8, 7), "6 images of shape (8, 8, 7), uint8 from 0 to 255"),
        (varied(6, 8, 8, 3) / 127.5 - 1, "6 images of shape (8, 8, 3), colour, float32 from -1 to 1"),
        (np.arange(6000) / np.ones((2, 1)), "2 examples of shape (6000,), float32 from 0 to 5999"),
        (np.arange(2600).reshape(1300, 2) / 7, "1,300 examples of shape (2,), float32 from 0 to 371.3"),
    ],
)
def test_number_shape_channels_and_range(examples, said):
    assert of(examples).values == said


@pytest.mark.parametrize(
    ("labels", "names", "said", "doubts"),
    [
        (None, None, "", []),
        ([0, 1, 0, 1], ["cat", "dog"], "2 of 2 examples each", []),
        ([0] * 4 + [1] * 5, None, "2 of 4 to 5 examples each", []),
        ([0] * 3 + [1], ["cat", "dog"], "2: cat 75%, dog 25%", []),
        (
            [1, 2, 1, 2],
            None,
            "3: 0 0%, 1 50%, 2 50%",
            ["1 of 3 classes without an example: 0."],
        ),
        (
            [0] * 990 + [1] * 10,
            ["cat", "dog"],
            "2: cat 99%, dog 1%",
            ["Unbalanced classes: 990 examples of cat, 10 of dog. Rare classes are learned badly."],
        ),
        ([*range(12), 3, 3], None, "12; fewest examples in 0: 1, most in 3: 3", []),
        (
            [0] * 7 + [19] * 90,
            None,
            "20; fewest examples in 1: 0, most in 19: 90",
            [
                "18 of 20 classes without an example: 1, 2, 3, 4, 5 and 13 more.",
                "Unbalanced classes: 90 examples of 19, 7 of 0. Rare classes are learned badly.",
            ],
        ),
    ],
)
def test_classes_and_their_shares(labels, names, said, doubts):
    contents = of(varied(4 if labels is None else len(labels), 4, 4), labels, class_names=names)
    assert (contents.classes, list(contents.doubts)) == (said, doubts)


@pytest.mark.parametrize(
    ("examples", "doubt"),
    [
        (np.zeros((5, 4, 4), np.uint8), "All 5 examples are 0 everywhere"),
        (np.full((5, 4, 4), 255, np.uint8), "All 5 examples are 255 everywhere"),
        (np.full((5, 4, 4, 3), -1.0), "All 5 examples are -1 everywhere"),
        (np.full((5, 2), 0.5), "All 5 examples are 0.5 everywhere"),
        (np.tile(varied(1, 4, 4), (5, 1, 1)), "All 5 examples are the same"),
        (np.tile([[0.0, 1.0]], (5, 1)), "All 5 examples are the same"),
        (varied(5, 4, 4) // 200, "Values from 0 to 1 are pictures almost without contrast. Scale them to 0 to 255."),
        (varied(5, 4, 4) / 1e4 - 1, "Values from -1 to -0.9745 are pictures almost without contrast"),
    ],
)
def test_data_from_which_nothing_is_learned(examples, doubt):
    [said] = of(examples).doubts
    assert said.startswith(doubt)


@pytest.mark.parametrize("examples", [varied(1, 4, 4), varied(5, 4, 4), np.array([[0.0, 1.0], [0.0, 2.0]])])
def test_data_that_are_well(examples):
    assert of(examples).doubts == ()


def test_alpha_and_other_conditions():
    clear = varied(5, 4, 4, 4)
    clear[..., 3] = 255
    contents = of(clear, conditions=np.ones((5, 3)))
    assert (contents.alpha, contents.condition_shape) == ((255, 255), (3,))
    assert of(varied(5, 4, 4, 3)).alpha is None


def test_a_folder_that_is_not_in_memory_is_not_read_whole(tmp_path):
    for number in range(7):
        Image.new("L", (4, 4), 30 * number).save(tmp_path / f"{number}.png")
    folder = data.load(tmp_path, memory_limit=0)
    assert folder.glimpse(3)[:, 0, 0, 0].tolist() == [0, 90, 180]
    assert len(folder.glimpse()) == 7  # each once


@pytest.mark.parametrize("has_labels", [True, False])
def test_a_streamed_set_is_not_read_whole(has_labels):
    read = []

    def examples():
        for number in range(10_000):
            read.append(number)
            image = np.full((4, 4, 1), number % 256, np.uint8)
            yield (image, np.int32(0)) if has_labels else image

    image = tf.TensorSpec((4, 4, 1), tf.uint8)
    spec = (image, tf.TensorSpec((), tf.int32)) if has_labels else image
    names = ("cat", "dog") if has_labels else None
    source = tf.data.Dataset.from_generator(examples, output_signature=spec)
    contents = Contents.of(StreamedDataset(source, 10_000, (4, 4, 1), name="stream", class_names=names))
    assert contents.values.endswith("grey, uint8 from 0 to 255 in 256 of them")
    assert contents.classes == ("2; their shares are unknown, because the set is not read whole" if has_labels else "")
    assert len(read) < 1000
