"""Two sets without pairs: the order of their streams, where they come from, and what is refused."""

import itertools

import numpy as np
import pytest

from keras_gan_zoo import data
from keras_gan_zoo.data.streamed import StreamedDataset
from keras_gan_zoo.errors import InputError


def numbered(n, shape=(8, 8, 1)):
    """Pictures that tell their number by their colour."""
    return np.broadcast_to(np.arange(n, dtype=np.uint8).reshape(-1, 1, 1, 1), (n, *shape)).copy()


def numbers(batches, count):
    """The numbers of targets and of sources in some batches."""
    rows = [
        [np.rint((part.numpy()[:, 0, 0, 0] + 1) * 127.5).astype(int) for part in batch]
        for batch in itertools.islice(batches, count)
    ]
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def stream(n, m, batch_size, count, start_step=0, seed=3, **options):
    dataset = data.unpaired(numbered(n), numbered(m))
    return numbers(dataset.batches(batch_size, seed, start_step, with_conditions=True, **options), count)


@pytest.mark.parametrize(("n", "m", "batch_size"), [(5, 7, 1), (4, 7, 2), (3, 10, 5), (1, 6, 4)])
def test_every_epoch_of_each_set_has_all_its_pictures(n, m, batch_size):
    targets, sources = stream(n, m, batch_size, count=3 * n * m)
    for values, length in ((targets, m), (sources, n)):
        epochs = values[: len(values) // length * length].reshape(-1, length)
        assert (np.sort(epochs, axis=1) == np.arange(length)).all()
        if length > 2:
            assert len({tuple(epoch) for epoch in epochs}) > 1


def test_sets_of_one_size_are_shuffled_independently():
    targets, sources = stream(40, 40, 8, count=5)
    assert sorted(targets) == sorted(sources) == list(range(40))
    assert (targets == sources).mean() < 0.2


def test_the_order_is_a_function_of_seed_and_step():
    whole = stream(5, 7, 2, count=9)
    for part, later in zip(whole, stream(5, 7, 2, count=4, start_step=5), strict=True):
        np.testing.assert_array_equal(part[10:], later)
    assert not np.array_equal(whole, stream(5, 7, 2, count=9, seed=4))
    targets, sources = stream(3, 5, 2, count=4, shuffle=False)
    assert (targets.tolist(), sources.tolist()) == ([0, 1, 2, 3, 4, 0, 1, 2], [0, 1, 2, 0, 1, 2, 0, 1])


def test_in_order_the_smaller_set_begins_again():
    dataset = data.unpaired(numbered(3), numbered(5))
    targets, sources = numbers(dataset.batches_in_order(2, with_conditions=True), None)
    assert (targets.tolist(), sources.tolist()) == ([0, 1, 2, 3, 4], [0, 1, 2, 0, 1])
    assert dataset.examples[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert dataset.conditions[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1]
    example, condition = dataset[4]
    assert (example[0, 0, 0], condition[0, 0, 0]) == (4, 1)


def test_both_sets_are_described():
    described = data.unpaired(numbered(3), numbered(5)).described()
    assert described == data.unpaired(numbered(3), numbered(5)).described()
    for sources, targets in ((numbered(3) + 1, numbered(5)), (numbered(3), numbered(5) + 1)):
        assert data.unpaired(sources, targets).described()["checksum"] != described["checksum"]


def test_two_names_with_a_comma_are_two_sets(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", numbered(3))
    np.save(tmp_path / "b.npy", numbered(5, (12, 12, 1)))
    monkeypatch.chdir(tmp_path)
    dataset = data.load("a.npy,b.npy", image_size=8, channels=3)
    assert (len(dataset), dataset.example_shape, dataset.condition_shape) == (5, (8, 8, 3), (8, 8, 3))
    assert (dataset.source_set.name, dataset.target_set.name) == ("a", "b")
    assert data.located("a.npy,b.npy") == f"{tmp_path}/a.npy,{tmp_path}/b.npy"
    assert data.located("digits,mnist") == "digits,mnist"
    assert not data.has_splits("digits,mnist")
    np.save(tmp_path / "a,b.npy", numbered(2))
    assert len(data.load("a,b.npy")) == 2


def test_folders_need_not_fit_into_memory(tmp_path):
    from PIL import Image

    for side, n in (("a", 3), ("b", 4)):
        (tmp_path / side).mkdir()
        for number, picture in enumerate(numbered(n)):
            Image.fromarray(picture[..., 0]).save(tmp_path / side / f"{number}.png")
    dataset = data.unpaired(tmp_path / "a", tmp_path / "b", memory_limit=1)
    targets, sources = numbers(dataset.batches(2, 0, with_conditions=True), 6)
    assert (sorted(targets), sorted(sources)) == (sorted([*range(4)] * 3), sorted([*range(3)] * 4))


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (numbered(3)[:0], numbered(3), "pictures on both sides, the sources as an array.* Received: none"),
        (numbered(3), numbered(3)[:0], "pictures on both sides, the targets as an array.* Received: none"),
        (numbered(3), None, "the targets as an array.* Received: none. Pass both"),
        (iter(()), numbered(3), "the sources as an array.* Received: a tuple_iterator"),
        (numbered(3), "ring8", "Expected pictures on both sides. Received: <Dataset ring8"),
    ],
)
def test_what_is_missing_or_no_picture_is_refused(sources, targets, message):
    with pytest.raises(InputError, match=message):
        data.unpaired(sources, targets)


def test_a_set_that_streams_is_refused():
    streamed = StreamedDataset(None, 10, (8, 8, 1), name="large")
    streamed._examples = type("Examples", (), {"element_spec": None})()
    with pytest.raises(InputError, match="Expected pictures that can be read in any order on both sides"):
        data.unpaired(streamed, numbered(3))


def test_one_name_beside_a_comma_is_refused():
    with pytest.raises(InputError, match=r"two data sets with a comma between them\. Received: 'digits,'"):
        data.load("digits,")
