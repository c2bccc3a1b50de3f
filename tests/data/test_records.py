"""Sets that stay in their files: in which order they come, what is held in memory, and what is refused."""

import io
import threading
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import keras_gan_zoo as kgz
from keras_gan_zoo import data
from keras_gan_zoo.data import on_disk
from keras_gan_zoo.data.contents import Contents
from keras_gan_zoo.data.listing import pictures_in
from keras_gan_zoo.data.records import RecordFiles
from keras_gan_zoo.data.shards import shards_of
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.state.identity import check_same
from tests import records
from tests.helpers import needs_tfds

N = 7
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 4, 4, 3), dtype=np.uint8)
LABELS = [0, 2, 1, 2, 0, 2, 1]


def png(pixels, size=None) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image if size is None else image.resize(size)).save(file, "PNG")
    return file.getvalue()


def examples(numbers, image="image", label="label") -> list[dict]:
    return [{image: png(PIXELS[number]), label: LABELS[number]} for number in numbers]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Three records, none, and four."""
    folder = tmp_path_factory.mktemp("shards")
    for number, part in enumerate((range(3), range(0), range(3, N))):
        records.write(folder / f"few.tfrecord-{number:05}-of-00003", examples(part))
    return folder


def both(shards):
    held, on_disk = data.load(shards), data.load(shards, memory_limit=0)
    assert (type(held), type(on_disk)) == (data.Dataset, RecordFiles)
    return held, on_disk


def taken(dataset, start, count) -> list[np.ndarray]:
    batches = dataset.batches(2, 5, start, with_conditions=True).take(count)
    return [part for batch in batches.as_numpy_iterator() for part in batch]


def test_shards_hold_their_pictures_and_labels_in_order(shards):
    held, on_disk = both(shards)
    for dataset in (held, on_disk, on_disk.in_memory()):
        np.testing.assert_array_equal(dataset[:].examples, PIXELS)
        assert dataset.labels.tolist() == LABELS
        assert (dataset.num_classes, dataset.name, dataset.example_shape) == (3, shards.name, (4, 4, 3))
    image, label = on_disk[-1]
    assert (image.tolist(), label) == (PIXELS[-1].tolist(), 1)


@pytest.mark.parametrize("quick", [0, 1e9])
def test_one_thread_and_several_read_the_same(shards, quick, monkeypatch):
    """Files that are read quickly are read by one, as threads would only wait for each other."""
    monkeypatch.setattr(on_disk, "QUICK", quick)
    _, dataset = both(shards)
    threads = set()

    def read_one(number):
        threads.add(threading.get_ident())
        time.sleep(0.01)
        return PIXELS[number]

    monkeypatch.setattr(dataset, "read_one", read_one)
    order = [*range(len(PIXELS))] * 12
    np.testing.assert_array_equal(dataset.read(order), PIXELS[order])
    assert (len(threads) == 1) == bool(quick)
    assert dataset.read([]).shape == (0, 4, 4, 3)


def test_batches_are_those_from_memory_and_go_on_exactly(shards):
    held, on_disk = both(shards)
    expected = taken(held, 0, 9)  # three epochs, each another permutation of all
    for found, wanted in zip(taken(on_disk, 0, 9), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(taken(on_disk, 4, 5), expected[8:], strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_run_may_go_on_from_the_disk(shards):
    """Same data, to the state of a run, and the same bits of the weights."""
    held, on_disk = both(shards)
    assert on_disk.described() == held.described()
    weights = []
    for dataset in (held, on_disk):
        gan = kgz.GAN.for_images((4, 4, 3), 2, architecture="mlp", units=3, depth=1, seed=0)
        gan.compile(run_eagerly=True)
        gan.fit(dataset, batch_size=2, epochs=2, verbose=0)
        weights.append(np.concatenate([np.ravel(each) for each in gan.get_weights()]))
    np.testing.assert_array_equal(*weights)


def test_a_run_that_began_with_windows_is_refused_with_the_difference(shards):
    on_disk = data.load(shards, memory_limit=0)
    began = {"examples": N, "shape": [4, 4, 3], "set": "few"}  # as earlier versions described TFDS beyond memory
    with pytest.raises(InputError, match=r'data\.set: "few" in the run, now null'):
        check_same({"data": began}, {"data": on_disk.described()})


def test_labels_are_read_once_and_only_when_they_are_asked_for(shards, monkeypatch):
    on_disk = data.load(shards, memory_limit=0)
    read, label = [], RecordFiles._label
    monkeypatch.setattr(RecordFiles, "_label", lambda self, number: read.append(number) or label(self, number))
    assert (on_disk.has_labels, on_disk.condition_shape, repr(on_disk)[:18]) == (True, (), "<RecordFiles shard")
    next(iter(on_disk.batches(2, 0)))
    assert read == []
    assert on_disk[2:4].labels.tolist() == [1, 2]
    assert read == [2, 3]
    assert Contents.of(on_disk).counts == (("0", 2), ("1", 2), ("2", 3))
    assert read[2:] == list(range(N))
    assert on_disk.labels is on_disk.labels


@pytest.mark.parametrize("name", ["few.tfrecord-00000-of-00003", "few.tfrecord-0000?-*"])
def test_one_file_or_a_pattern(shards, name, monkeypatch):
    assert len(data.load(shards / name)) == (3 if name.endswith("3") else N)
    monkeypatch.chdir(shards)
    assert data.located(name) == str(shards / name)
    with pytest.raises(InputError, match="Expected no split"):
        data.load(name, split="test")


def test_a_folder_of_pictures_stays_one(shards, tmp_path):
    (tmp_path / "few.tfrecord").write_bytes(b"")
    (tmp_path / "a.png").write_bytes(png(PIXELS[0]))
    assert shards_of(tmp_path) == []
    assert len(data.load(tmp_path)) == 1


def test_other_files_are_remarked_and_prepared_sets_are_loaded_by_name(tmp_path):
    records.write(tmp_path / "a.tfrecord", examples([0]))
    (tmp_path / "notes.txt").write_text("a", encoding="utf-8")
    assert data.load(tmp_path).remarks == ("Left out, because they are no TFRecord files, 1: notes.txt.",)
    (tmp_path / "dataset_info.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"a set of TensorFlow Datasets\. Load it by its name"):
        data.load(tmp_path)


@pytest.mark.parametrize("keys", [("image/encoded", "image/class/label"), ("image/encoded", "other")])
def test_keys(tmp_path, keys):
    records.write(tmp_path / "a.tfrecord", examples([0, 1], *keys))
    labels = data.load(tmp_path).labels
    assert labels is None if keys[1] == "other" else labels.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("features", "received"),
    [
        ({"picture": b"", "label": 1}, r"'label' \(int64_list\), 'picture' \(bytes_list\)"),
        ({"image": 3}, r"'image' \(int64_list\)"),
        ({"image": b"", "label": b"cat"}, r"'image' \(bytes_list\), 'label' \(bytes_list\)"),
        ({}, "no features"),
    ],
)
def test_other_keys_are_refused(tmp_path, features, received):
    records.write(tmp_path / "a.tfrecord", [features])
    with pytest.raises(InputError, match=rf"Expected tf.train.Example with an encoded.*a\.tfrecord with {received}"):
        data.load(tmp_path)


@pytest.mark.parametrize(
    ("example", "options", "message"),
    [
        (
            {"image": png(PIXELS[0], (5, 4))},
            {},
            r"a picture of \(4, 5\), unlike others; give image_size; in example 599 of the set",
        ),
        ({"image": png(PIXELS[0])}, {}, r"a picture in colour, unlike others; give channels; in example 599"),
        ({"image": b"no picture"}, {"image_size": 2}, r"a\.tfrecord .*in example 599 of the set"),
        ({"label": 1}, {"image_size": 2}, r"it has 0 values as its encoded image 'image'"),
    ],
)
def test_what_is_unlike_the_others_is_named_when_it_is_read(tmp_path, example, options, message):
    grey = {"image": png(PIXELS[0, ..., 0])}
    records.write(tmp_path / "a.tfrecord", [*[grey] * 599, example, grey])
    on_disk = data.load(tmp_path, memory_limit=0, **options)
    with pytest.raises(InputError, match=message):
        on_disk.read([0, 599])


def test_channels_and_size_are_those_that_are_asked_for(tmp_path):
    records.write(tmp_path / "a.tfrecord", [{"image": png(PIXELS[0], (5, 4))}, {"image": png(PIXELS[1])}])
    with pytest.raises(InputError, match=r"images of one size.*example 0 of \(4, 5\).*example 1 of \(4, 4\)"):
        data.load(tmp_path)
    grey = data.load(tmp_path, image_size=4, channels=1, memory_limit=0)
    np.testing.assert_array_equal(grey[1], np.asarray(Image.fromarray(PIXELS[1]).convert("L"))[..., None])


@pytest.mark.parametrize("place", [20, -10])
def test_damage_is_named(shards, tmp_path, place):
    content = bytearray((shards / "few.tfrecord-00000-of-00003").read_bytes())
    content[place] ^= 1
    (tmp_path / "a.tfrecord").write_bytes(content)
    with pytest.raises(InputError, match=r"whole TFRecord files.*a\.tfrecord \(wrong checksum; in example [02] of"):
        data.load(tmp_path)


@needs_tfds("mnist")
def test_tensorflow_datasets_beyond_memory_come_as_from_memory():
    split = "train[59_990:]+test[5:20]"
    held, on_disk = data.load("mnist", split=split), data.load("mnist", split=split, memory_limit=0)
    assert type(on_disk) is RecordFiles
    assert on_disk.described() == held.described()
    assert (on_disk.num_classes, on_disk.class_names) == (10, held.class_names)
    for found, wanted in zip(taken(on_disk, 3, 20), taken(held, 3, 20), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_listing_holds_little_more_than_names(tmp_path):
    for number in range(500):
        (tmp_path / f"{number:06}.png").touch()
    pictures_in(tmp_path)
    tracemalloc.start()
    listing = pictures_in(tmp_path)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [path.name for path in listing.paths[1:3]] == ["000001.png", "000002.png"]
    assert held < 100 * 500  # bytes; as paths they would be 470 each
    assert most < 150 * 500
