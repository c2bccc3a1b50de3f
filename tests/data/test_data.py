import base64
import io
import logging
import os
import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import requests
import tensorflow as tf
from PIL import Image

from keras_gan_zoo import data, pictures
from keras_gan_zoo.core import registry
from keras_gan_zoo.data.packed import SETS
from keras_gan_zoo.data.streamed import StreamedDataset
from keras_gan_zoo.errors import InputError
from tests.helpers import needs_tfds


def numbered(n=10):
    """n images (4, 4, 1), each of one grey level: its index."""
    return np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)


def indices_in(batch) -> list[int]:
    return [round(float(image[0, 0, 0] + 1) * 127.5) for image in batch]


def epochs(dataset, batch_size, seed, count, start_step=0):
    batches = iter(dataset.batches(batch_size, seed, start_step))
    steps = len(dataset) // batch_size
    return [[i for _ in range(steps) for i in indices_in(next(batches))] for _ in range(count)]


# ------------------------------------------------------------------------------------------------------------- batches


def test_an_epoch_is_a_permutation_and_each_is_another():
    first, second = epochs(data.Dataset(numbered()), 5, seed=0, count=2)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second != list(range(10))


def test_order_is_a_function_of_seed_and_step():
    dataset = data.Dataset(numbered())
    first, second = epochs(dataset, 5, seed=0, count=2)
    assert epochs(dataset, 5, seed=0, count=1, start_step=2) == [second]
    assert epochs(dataset, 5, seed=1, count=1) != [first]


def test_what_an_epoch_leaves_over_another_takes():
    seen = {i for epoch in epochs(data.Dataset(numbered()), 4, seed=0, count=20) for i in epoch}
    assert seen == set(range(10))


def test_batches_are_normalised_floats_with_their_labels():
    dataset = data.Dataset(numbered() * 25, np.arange(10))
    images, labels = next(iter(dataset.batches(4, 0, with_conditions=True)))
    assert images.dtype == tf.float32
    assert images.shape == (4, 4, 4, 1)
    np.testing.assert_allclose(images[:, 0, 0, 0], labels.numpy() * 25 / 127.5 - 1, rtol=1e-6)
    assert dataset.examples.dtype == np.uint8


def test_in_order_gives_every_example_once():
    batches = list(data.Dataset(numbered(), np.arange(10)).batches_in_order(4, with_conditions=True))
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    assert [int(label) for _, labels in batches for label in labels] == list(range(10))


# -------------------------------------------------------------------------------------------------------------- arrays


def test_grey_images_get_a_channel():
    assert data.Dataset(np.zeros((3, 8, 8), np.uint8)).example_shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (np.full((2, 4, 4, 1), np.nan, np.float32), "finite.*example 0"),
        (np.full((2, 4, 4, 1), 255.0, np.float32), r"\[-1, 1\].*127\.5"),
        (np.zeros((2, 4, 4, 1), np.int64), r"int64.*astype\('uint8'\)"),
        (np.zeros((0, 4, 4, 1), np.uint8), r"at least one example\. Received: none, .* \(0, 4, 4, 1\)"),
        (np.zeros(5, np.float32), r"\(5,\)"),
    ],
)
def test_arrays_that_cannot_be_examples_are_refused(examples, message):
    with pytest.raises(InputError, match=message):
        data.Dataset(examples)


def test_the_first_bad_example_is_named():
    examples = np.zeros((9, 2), np.float32)
    examples[4, 1] = np.inf
    with pytest.raises(InputError, match="first in example 4"):
        data.Dataset(examples)


def test_images_that_look_like_zero_to_one_are_pointed_out():
    with pytest.warns(UserWarning, match=r"2 \* images - 1"):
        data.Dataset(np.full((2, 4, 4, 1), 0.5, np.float32))


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros((2, 5), int), np.zeros(2, float), np.array([0, -1])])
def test_labels_of_another_form_are_refused(labels):
    with pytest.raises(InputError, match="one integer label"):
        data.Dataset(numbered(2), labels)


def test_a_column_of_labels_is_accepted():
    assert data.Dataset(numbered(2), np.array([[0], [4]])).num_classes == 5


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_files_of_arrays(tmp_path, suffix):
    path = tmp_path / f"set{suffix}"
    if suffix == ".npy":
        np.save(path, numbered())
    else:
        np.savez(path, images=numbered(), labels=np.arange(10))
    dataset = data.load(path)
    np.testing.assert_array_equal(dataset.examples, numbered())
    assert (dataset.labels is None) == (suffix == ".npy")
    assert data.load(str(path), image_size=8).example_shape == (8, 8, 1)


def test_broken_and_misnamed_arrays_are_named(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK nonsense")
    np.savez(tmp_path / "other.npz", pictures=numbered())
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"broken.npz"):
        data.load(tmp_path / "broken.npz")
    with pytest.raises(InputError, match=r"named 'images'.*pictures"):
        data.load(tmp_path / "other.npz")
    with pytest.raises(InputError, match=r"objects.npy"):
        data.load(tmp_path / "objects.npy")
    with pytest.raises(InputError, match="does not exist"):
        data.load(tmp_path / "missing.npy")


# ------------------------------------------------------------------------------------------------------------- folders


@pytest.fixture
def folder(tmp_path):
    for name, level in (("cats", 10), ("dogs", 200)):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.fromarray(np.full((12, 16, 3), level + i, np.uint8)).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_sub_folders_are_classes(folder):
    dataset = data.load(folder)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.examples[:, 0, 0, 0].tolist() == [10, 11, 12, 200, 201, 202]
    assert dataset.example_shape == (12, 16, 3)


def test_resized_and_cropped_at_the_centre(tmp_path):
    pixels = np.zeros((10, 30), np.uint8)
    pixels[:, 10:20] = 255  # the middle third
    Image.fromarray(pixels).save(tmp_path / "a.png")
    dataset = data.load(tmp_path, image_size=10)
    assert dataset.example_shape == (10, 10, 1)
    assert dataset.examples.min() == 255


def test_images_of_several_sizes_need_a_size(folder):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "dogs" / "small.png")
    with pytest.raises(InputError, match=r"small\.png of \(8, 8\).*image_size"):
        data.load(folder)
    assert data.load(folder, image_size=(8, 12)).example_shape == (8, 12, 3)


@pytest.mark.parametrize(("mode", "channels"), [("L", 3), ("RGBA", 3), ("P", 3)])
def test_modes_are_joined(folder, mode, channels):
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).convert(mode).save(folder / "cats" / "other.png")
    assert data.load(folder).example_shape == (12, 16, channels)


@pytest.mark.parametrize("damage", [b"", b"not an image", None])
def test_a_corrupt_image_among_good_ones_is_named(folder, damage):
    path = folder / "dogs" / "1.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(InputError, match=r"dogs.1\.png"):
        data.load(folder)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match="PNG or JPEG"):
        data.load(tmp_path)


def test_images_beside_class_folders_are_refused(folder):
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).save(folder / "stray.png")
    with pytest.raises(InputError, match="Received: both"):
        data.load(folder)


def test_folders_beyond_memory_are_read_batch_by_batch(folder):
    held, streamed = data.load(folder), data.load(folder, memory_limit=0)
    assert type(streamed) is not type(held)
    assert (len(streamed), streamed.example_shape) == (len(held), held.example_shape)
    for a, b in zip(
        held.batches(3, 0, with_conditions=True).take(4),
        streamed.batches(3, 0, with_conditions=True).take(4),
        strict=True,
    ):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    assert [len(batch) for batch in streamed.batches_in_order(4)] == [4, 2]
    for index in (2, -1):
        np.testing.assert_array_equal(held[index][0], streamed[index][0])
        assert held[index][1] == streamed[index][1]
    np.testing.assert_array_equal(held[4:1:-2].examples, streamed[4:1:-2].examples)
    np.testing.assert_array_equal(held[[3, 0]].labels, streamed[[3, 0]].labels)


def test_a_data_set_gives_single_examples_and_parts():
    digits, images = data.load("digits"), np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4)
    image, label = digits[3]
    assert (image.shape, label) == ((16, 16, 1), digits.labels[3])
    threes = digits[digits.labels == 3]
    assert set(threes.labels) == {3}
    assert (len(digits[:7]), digits[:7].class_names, repr(digits[:7])[:17]) == (
        7,
        digits.class_names,
        "<Dataset digits: ",
    )
    np.testing.assert_array_equal(data.Dataset(images)[-1], images[-1][..., None])
    np.testing.assert_array_equal(data.load("ring8")[:9].centers, data.load("ring8").centers)
    for index in (len(digits), -len(digits) - 1, "three", 1.5, None, True, [0, len(digits)], np.zeros((1, 1), int)):
        with pytest.raises(IndexError, match=r"from -1797 to 1796, a slice, or an array of numbers\. Received: "):
            digits[index]
    with pytest.raises(InputError):
        digits[3:3]


def test_a_streamed_data_set_reads_only_what_is_asked_for():
    read = []

    def noted(number):
        read.append(int(number))
        return np.full((8, 8, 1), number, np.uint8)

    numbers = tf.data.Dataset.range(100)
    examples = numbers.map(lambda n: tf.ensure_shape(tf.numpy_function(noted, [n], tf.uint8), (8, 8, 1)))
    streamed = StreamedDataset(examples, 100, (8, 8, 1), name="numbers")
    assert streamed[7][0, 0, 0] == streamed[-93][0, 0, 0] == 7
    assert streamed[9:3:-3].examples[:, 0, 0, 0].tolist() == [9, 6]
    assert max(read) <= 9
    assert streamed[[5, 50]].examples[:, 0, 0, 0].tolist() == [5, 50]
    assert max(read) <= 50
    with pytest.raises(IndexError, match="Received: 100"):
        streamed[100]
    with pytest.raises(InputError, match="at least one of 100"):
        streamed[5:5]


def test_a_notebook_shows_facts_and_some_examples():
    digits, faces = data.load("digits"), data.load("avatars", split="test")
    shown = digits._repr_html_()
    assert "<td>examples</td><td>1,797</td>" in shown
    assert "<td>0, 1, 2, 3, 4, 5, 6, 7, 8, 9</td>" in shown
    assert faces.captions[0][0] in faces._repr_html_()
    png = base64.b64decode(re.search(r'base64,([^"]+)"', shown)[1])
    some = digits.examples[np.linspace(0, 1796, 16).astype(int)]
    with Image.open(io.BytesIO(png)) as picture:
        np.testing.assert_array_equal(np.array(picture), np.array(pictures.grid(some)))
    assert "<img" in data.load("ring8")._repr_html_()
    assert "<img" not in data.Dataset(np.zeros((3, 5), "float32"))._repr_html_()


# ------------------------------------------------------------------------------------------------------- embedded sets


def test_digits():
    dataset = data.load("digits")
    assert (len(dataset), dataset.example_shape, dataset.num_classes) == (1797, (16, 16, 1), 10)
    assert dataset.examples.max() == 255
    assert dataset.examples[:, 0].max() == 0  # a margin
    assert data.load("digits", image_size=28).example_shape == (28, 28, 1)


@pytest.fixture(scope="module")
def letters() -> dict[str, data.Dataset]:
    return {split: data.load("letters", split=split) for split in ("train", "test")}


def test_letters_of_all_classes_are_equally_many(letters):
    for split, count in {"train": 11_388, "test": 1898}.items():
        assert (letters[split].examples.shape, letters[split].examples.dtype) == ((count, 32, 32, 3), np.uint8)
        assert np.bincount(letters[split].labels).tolist() == [count // 26] * 26
        assert "".join(letters[split].class_names) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert zlib.crc32(letters["test"].examples[:100].tobytes()) == 411202729
    assert data.load("letters", split="test[:3]", image_size=16, channels=1).example_shape == (16, 16, 1)


def test_letters_have_two_colours_that_differ_in_luma(letters):
    luma = letters["test"].examples.reshape(1898, -1, 3) @ np.float32([0.299, 0.587, 0.114])
    assert np.ptp(luma, axis=1).min() >= 0.35 * 0.8 * 255 - 1  # of thin letters, which nowhere fill a pixel
    with np.load(SETS / "letters.npz") as file:
        levels, (background, letter) = file["levels"][0].repeat(2, axis=1), file["colours"][0].astype(float)
    shares = np.where(np.arange(32) % 2, levels % 16, levels // 16)[..., None] / 15
    first = letters["train"].examples[0]
    np.testing.assert_array_equal(first, np.rint(background + shares * (letter - background)))


def test_families_of_fonts_are_in_one_split_and_credited():
    with np.load(SETS / "letters.npz") as file:
        families, is_test = file["families"], file["splits"][::26] == 1
    assert not set(families[is_test]) & set(families[~is_test])
    rows = [line.split("\t") for line in (SETS / "letters.txt").read_text(encoding="utf-8").splitlines()[1:]]
    assert {(family, split) for family, split, *_ in rows} == {
        (family, "test" if test else "train") for family, test in zip(families.tolist(), is_test, strict=True)
    }
    assert all(owner for _, _, _, owner, _ in rows)
    assert f"{sum(len(row[4].split(', ')) for row in rows)} fonts" in registry.DATA_SETS["letters"].authors


@pytest.mark.parametrize(("name", "modes", "std"), [("ring8", 8, 0.01), ("grid25", 25, 0.05)])
def test_mixtures_have_the_stated_modes(name, modes, std):
    dataset = data.load(name)
    assert dataset.centers.shape == (modes, 2)
    assert len(np.unique(dataset.centers, axis=0)) == modes
    offsets = dataset.examples - dataset.centers[dataset.labels]
    assert offsets.std() == pytest.approx(std, rel=0.02)
    assert np.bincount(dataset.labels).min() > 0.9 * len(dataset) / modes


def test_swiss_roll_is_scaled():
    points = data.load("swiss_roll").examples
    assert points.shape == (100_000, 2)
    assert 1 < np.abs(points).max() < 2.2


# ------------------------------------------------------------------------------------------------- TensorFlow Datasets


@pytest.mark.parametrize("name", ["fashion_mnits", "digit"])
def test_unknown_names_get_close_ones(name):
    with pytest.raises(InputError, match=r"Unknown data set.*Did you mean '(fashion_mnist|digits)'"):
        data.load(name)


def test_paths_that_do_not_exist_are_not_taken_for_names(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        data.load(tmp_path / "nowhere")


def test_sets_without_images_are_refused():
    with pytest.raises(InputError, match="plain images"):
        data.load("ag_news_subset")


@needs_tfds("fashion_mnist")
def test_tfds_by_name():
    dataset = data.load("fashion_mnist", split="test")
    assert (len(dataset), dataset.example_shape, dataset.examples.dtype) == (10_000, (28, 28, 1), np.uint8)
    assert dataset.class_names[9] == "Ankle boot"
    assert np.bincount(dataset.labels).tolist() == [1000] * 10
    with pytest.raises(InputError, match=r"test \(10,000 examples\).*Received: 'validation'"):
        data.load("fashion_mnist", split="validation")


@needs_tfds("cifar10")
def test_tfds_parts_are_what_tfds_reads():
    import tensorflow_datasets as tfds

    split = "train[10:20]+test[5:9]"
    ours, theirs = data.load("cifar10", split=split), tfds.as_numpy(tfds.load("cifar10", split=split, batch_size=-1))
    np.testing.assert_array_equal(ours.examples, theirs["image"])
    np.testing.assert_array_equal(ours.labels, theirs["label"])


@needs_tfds("mnist")
@pytest.mark.parametrize("damage", ["truncated", "overwritten", "one bit of a label"])
def test_tfds_damaged_files_are_named(tmp_path, monkeypatch, damage):
    import tensorflow_datasets as tfds

    prepared = Path(tfds.builder("mnist").data_dir)
    folder = tmp_path / "mnist" / prepared.name
    shutil.copytree(prepared, folder)
    (file,) = folder.glob("mnist-test*")
    content = file.read_bytes()
    label = content.index(b"label", 5000) + 15  # behind the name, what encloses the value
    damaged = {
        "truncated": content[:5000],
        "overwritten": content[:5000] + bytes(200) + content[5200:],
        "one bit of a label": content[:label] + bytes([content[label] ^ 1]) + content[label + 1 :],
    }
    file.write_bytes(damaged[damage])
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError, match=r"whole file of mnist.*mnist-test.*near example 1\d"):
        data.load("mnist", split="test")


@needs_tfds("mnist")
def test_tfds_resized():
    assert data.load("mnist", split="test[:20]", image_size=32).examples.shape == (20, 32, 32, 1)


def test_a_streamed_data_set_has_an_order_of_seed_and_step():
    held = data.load("digits")[:50]
    examples = tf.data.Dataset.from_tensor_slices((held.examples, held.labels))
    streamed = StreamedDataset(examples, 50, (16, 16, 1), name="few", class_names=held.class_names)

    def labels(seed, start, count):
        batches = streamed.batches(10, seed, start, with_conditions=True).take(count)
        return [label for _, batch in batches for label in batch.numpy().tolist()]

    first = labels(0, 0, 10)
    assert first == labels(0, 0, 10) != labels(1, 0, 10)
    assert sorted(first[:50]) == sorted(held.labels.tolist()) == sorted(first[50:])
    assert first[:50] != first[50:]
    assert first[70:] == labels(0, 7, 3)
    in_order = [
        label for _, batch in streamed.batches_in_order(8, with_conditions=True) for label in batch.numpy().tolist()
    ]
    assert in_order == held.labels.tolist()
    assert (streamed.num_classes, streamed.has_labels) == (10, True)
    unshuffled = next(iter(streamed.batches(10, 0, shuffle=False)))
    np.testing.assert_allclose(unshuffled, held.examples[:10] / 127.5 - 1, atol=1e-6)


def test_a_failed_download_says_where_to_put_the_set_and_nothing_else(monkeypatch, caplog):
    import tensorflow_datasets as tfds

    retries = logging.getLogger("urllib3.connectionpool")

    def offline(self):
        retries.warning("Retrying")
        raise ConnectionError("no route to host")

    monkeypatch.setattr(requests, "head", lambda host, timeout: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    with pytest.raises(InputError, match="TFDS_DATA_DIR"):
        data.load("mnist")
    assert not caplog.records
    retries.warning("Retrying")
    assert len(caplog.records) == 1


@pytest.mark.parametrize("size", [0, (8,), (8, 8, 8), (-1, 4), 8.0, True, "8", "88", (8, "8"), (8.5, 8)])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(InputError, match="image_size"):
        data.load("digits", image_size=size)


def test_suffixes_of_arrays_may_be_in_capitals(tmp_path):
    with (tmp_path / "IMAGES.NPY").open("wb") as file:
        np.save(file, np.zeros((3, 8, 8, 1), np.uint8))
    assert len(data.load(tmp_path / "IMAGES.NPY")) == 3
    assert not data.has_splits(tmp_path / "IMAGES.NPY")


def test_sizes_of_numpy_are_sizes():
    assert data.load("digits", image_size=np.int64(8)).example_shape == (8, 8, 1)
    assert data.load("digits", image_size=np.array([8, 4])).example_shape == (8, 4, 1)


@pytest.mark.parametrize("split", [3, None])
def test_a_split_is_a_name(split):
    with pytest.raises(InputError, match="Expected a split by name"):
        data.load("mnist", split=split)


def test_two_classes_of_one_name_are_refused():
    with pytest.raises(InputError, match="Received: 'a' twice"):
        data.Dataset(np.zeros((2, 8, 8, 1), np.uint8), [0, 1], class_names=["a", "a"])


def test_path_likes_are_paths(tmp_path):
    np.save(tmp_path / "a.npy", numbered())

    class Like(os.PathLike):
        def __fspath__(self):
            return str(tmp_path / "a.npy")

    assert len(data.load(Like())) == 10


def test_what_cannot_be_resized_is_said(tmp_path):
    np.save(tmp_path / "floats.npy", np.zeros((3, 8, 8, 1), np.float32) - 1)
    for name in (tmp_path / "floats.npy", "ring8"):
        with pytest.raises(InputError, match="Leave image_size out"):
            data.load(name, image_size=16)


def test_a_damaged_archive_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8))
    whole = (tmp_path / "a.npz").read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:200] + bytes(100) + whole[300:]):
        (tmp_path / "a.npz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.npz"):
            data.load(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["", "~nobody/images", None, 3])
def test_names_that_mean_no_place_are_refused(name):
    with pytest.raises(InputError, match="path without ~"):
        data.load(name)


def test_local_sets_have_no_splits():
    with pytest.raises(InputError, match="no split"):
        data.load("digits", split="test")


def test_a_streamed_image_that_breaks_is_named(folder):
    import keras_gan_zoo as kgz

    streamed = data.load(folder, image_size=8, memory_limit=0)
    (folder / "cats" / "0.png").write_bytes(b"broken since")
    gan = kgz.DCGAN.for_images((8, 8, 3), latent_dim=2, width=2)
    gan.compile()
    with pytest.raises(InputError, match=r"cats.0\.png"):
        gan.fit(streamed, batch_size=6, verbose=0)


def test_transparent_images_are_put_on_a_background(tmp_path):
    images = np.zeros((2, 4, 4, 4), np.uint8)
    images[0, ..., :] = (200, 100, 0, 255)
    images[1, ..., :] = (200, 100, 0, 51)  # a fifth
    np.savez(tmp_path / "rgba.npz", images=images, labels=[1, 0], path=["a", "b"])
    assert data.load(tmp_path / "rgba.npz").example_shape == (4, 4, 4)
    found = data.load(tmp_path / "rgba.npz", background="#0A141E")
    assert found.examples[:, 0, 0].tolist() == [[200, 100, 0], [48, 36, 24]]
    assert found.labels.tolist() == [1, 0]
    assert data.load(tmp_path / "rgba.npz", background="white", image_size=8).example_shape == (8, 8, 3)
    with pytest.raises(InputError, match="Expected a colour, such as 'black'"):
        data.load(tmp_path / "rgba.npz", background="blakc")
    with pytest.raises(InputError, match="uint8 images with transparency"):
        data.load("digits", background="black")


def test_folders_of_transparent_images_too(tmp_path):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / "opaque.png")
    found = data.load(tmp_path, background="black")
    assert found.examples[:, 0, 0].tolist() == [[0, 0, 0], [1, 2, 3]]
    streamed = data.load(tmp_path, background="black", memory_limit=1)
    np.testing.assert_array_equal(streamed.in_memory().examples, found.examples)


@pytest.mark.parametrize(
    ("name", "near"),
    [("MNIST", "mnist"), ("Digits", "digits"), ("phtos", "photos"), ("Photos", "photos"), ("facs.npz", "faces.npz")],
)
def test_unknown_names_get_near_names_and_folders(tmp_path, monkeypatch, name, near):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "faces.npz").write_bytes(b"")
    with pytest.raises(InputError, match=f"Did you mean '{near}'") as caught:
        data.load(name)
    assert "names." not in str(caught.value)


def test_a_name_like_nothing_is_said_to_be_neither_set_nor_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Unknown data set 'xqzzy', and no such folder") as caught:
        data.load("xqzzy")
    assert "Did you mean" not in str(caught.value)


def test_wrong_paths_get_near_ones(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos.zip").write_bytes(b"")
    with pytest.raises(InputError, match=r"phtos, which does not exist\. Did you mean '.*/photos'\?"):
        data.load(tmp_path / "phtos")
    with pytest.raises(InputError, match=r"photos\.zip, a file of another kind"):
        data.load(tmp_path / "photos.zip")
    with pytest.raises(InputError, match=r"does not exist\. Check the path"):
        data.load(tmp_path / "no" / "where")


def test_places_are_absolute_and_names_stay_names(tmp_path, monkeypatch):
    (tmp_path / "beside" / "photos").mkdir(parents=True)
    (tmp_path / "digits").mkdir()
    np.save(tmp_path / "a.npy", numbered())
    monkeypatch.chdir(tmp_path)
    found = {name: data.located(name, tmp_path / "beside") for name in ("digits", "mnist", "a.npy", "photos", "no.npz")}
    assert found == {
        "digits": "digits",
        "mnist": "mnist",
        "a.npy": str(tmp_path / "a.npy"),
        "photos": str(tmp_path / "beside" / "photos"),
        "no.npz": "no.npz",
    }


def test_without_a_network_a_set_that_must_be_downloaded_fails_at_once(monkeypatch):
    import tensorflow_datasets as tfds

    def offline(host, timeout):
        raise requests.ConnectionError

    def download(self):
        raise AssertionError("it would try again for minutes")

    monkeypatch.setattr(requests, "head", offline)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", download)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    with pytest.raises(InputError, match=r"no answer from .*storage\.googleapis\.com.*TFDS_DATA_DIR") as caught:
        data.load("kmnist")
    assert "\n" not in str(caught.value)


def test_a_set_that_is_not_prepared_gives_its_error_alone(tmp_path, monkeypatch, caplog):
    import tensorflow_datasets as tfds

    def offline(host, timeout):
        raise requests.ConnectionError

    builder = tfds.builder("kmnist", data_dir=tmp_path)
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
    monkeypatch.setattr(requests, "head", offline)
    with pytest.raises(InputError, match="TFDS_DATA_DIR"):
        data.load("kmnist")
    assert not caplog.records
