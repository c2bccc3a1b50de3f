"""Degradations of pictures, and data whose sources they make."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from keras_gan_zoo import data
from keras_gan_zoo.core import registry
from keras_gan_zoo.data import Downscaled, Edges, Greyed, Masked
from keras_gan_zoo.data.degradations import as_degradation
from keras_gan_zoo.data.streamed import StreamedDataset
from keras_gan_zoo.errors import InputError

ALL = [Downscaled(4), Masked((1, 2, 3, 4)), Masked((3, 4)), Greyed(), Edges()]


def pictures(n=6, shape=(16, 16, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def photo(side=128) -> np.ndarray:
    return load_sample_images().images[0][:side, :side]


def as_levels(batch) -> np.ndarray:
    return np.round((np.array(batch) + 1) * 127.5).astype(np.uint8)


# -------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_downscaling_is_pillows_bicubic_but_for_roundings(factor):
    side = 128 // factor
    ours = Downscaled(factor)(photo()).astype(int)
    pillows = np.array(Image.fromarray(photo()).resize((side, side), Image.Resampling.BICUBIC)).astype(int)
    assert ours.shape == (side, side, 3)
    assert np.abs(ours - pillows).max() <= 2  # Pillow rounds twice
    assert np.abs(ours - pillows).mean() < 0.15


def test_downscaling_by_hand():
    """Keys' weights at distances of 0.25, 0.75, 1.25 and 1.75 are 0.867, 0.227, -0.070 and -0.023; their sum is 1."""
    bright = np.full((16, 16, 1), 100, np.uint8)
    bright[:, 8] = 200
    assert Downscaled(2)(bright)[3, :, 0].tolist() == [100, 100, 99, 111, 143, 96, 100, 100]


def test_grey_is_pillows():
    greys = Greyed()(photo())[..., 0].astype(int)
    pillows = np.array(Image.fromarray(photo()).convert("L")).astype(int)
    assert np.abs(greys - pillows).max() <= 1
    assert (greys == pillows).mean() > 0.999


def test_holes_are_where_they_should_be():
    holed = Masked((1, 2, 3, 4))(pictures())
    is_hole = np.zeros((16, 16), bool)
    is_hole[1:4, 2:6] = True
    assert (holed[:, is_hole] == 128).all()
    np.testing.assert_array_equal(holed[:, ~is_hole], pictures()[:, ~is_hole])


def test_random_holes_have_one_size_and_all_places():
    white = np.full((2000, 5, 6, 1), 255, np.uint8)
    holes = (Masked((3, 4))(white, seed=1) == 128)[..., 0]
    assert (holes.sum(axis=(1, 2)) == 12).all()
    places = [(hole.any(axis=1).argmax(), hole.any(axis=0).argmax()) for hole in holes]
    counts = np.unique(places, axis=0, return_counts=True)[1]
    assert len(counts) == 3 * 3
    assert counts.min() > 150  # 222 are expected
    assert all(
        hole[row : row + 3, column : column + 4].all() for hole, (row, column) in zip(holes, places, strict=True)
    )
    np.testing.assert_array_equal(holes, (Masked((3, 4))(white, seed=1) == 128)[..., 0])
    assert (holes != (Masked((3, 4))(white, seed=2) == 128)[..., 0]).any()


def test_edges_are_dark_where_a_channel_jumps():
    half = np.zeros((1, 8, 8, 3), np.uint8)
    half[:, :, 4:, 1] = 32  # an eighth of the range: Sobel's gradient is 4 * 32 / 255
    edges = Edges()(half)[0, :, :, 0]
    expected = np.full((8, 8), 255)
    expected[:, 3:5] = round(255 * (1 - 4 * 32 / 255))
    np.testing.assert_array_equal(edges, expected)
    half[:, :, 4:, 0] = 64
    assert Edges()(half)[0, 0, 3, 0] == 0


# --------------------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize("degradation", ALL, ids=repr)
def test_arrays_tensors_and_single_pictures_become_the_same(degradation):
    ours = degradation(pictures(), 3)
    assert (ours.dtype, ours.shape[1:]) == (np.uint8, degradation.source_shape((16, 16, 3)))
    np.testing.assert_array_equal(ours, degradation(tf.constant(pictures()), 3))
    np.testing.assert_array_equal(ours[0], degradation(pictures(1)[0], 3) if degradation.draws == 0 else ours[0])
    floats = degradation(pictures().astype(np.float32) / 127.5 - 1, 3)
    assert (floats.dtype, floats.min() >= -1, floats.max() <= 1) == (np.float32, True, True)
    np.testing.assert_array_equal(ours, as_levels(floats))
    traced = tf.function(lambda batch: degradation(batch, 3))
    np.testing.assert_allclose(traced(pictures()), ours.astype(int), atol=1)


@pytest.mark.parametrize("degradation", ALL, ids=repr)
def test_keras_saves_them(degradation):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(degradation)))
    assert keras.saving.deserialize_keras_object(config) == degradation == as_degradation(config)
    assert as_degradation(degradation) is degradation
    assert as_degradation(str(degradation)) == degradation


def test_every_name_has_a_degradation():
    given = {"downscaled": "downscaled:2", "masked": "masked:3,4"}
    made = {name: as_degradation(given.get(name, name)) for name in registry.DEGRADATIONS}
    assert list(made.values()) == [Downscaled(2), Masked((3, 4)), Greyed(), Edges()]


# ---------------------------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("degradation", ALL, ids=repr)
def test_sources_are_made_batch_by_batch(degradation):
    dataset = data.degraded(data.Dataset(pictures()), degradation)
    made = degradation(pictures())
    assert dataset.condition_shape == made.shape[1:]
    np.testing.assert_array_equal(dataset.sources, made)
    np.testing.assert_array_equal(dataset.targets, pictures())
    np.testing.assert_array_equal(dataset[2:4].conditions, made[2:4])
    np.testing.assert_array_equal(dataset[5][1], made[5])
    batches = list(dataset.batches_in_order(4, with_conditions=True))
    np.testing.assert_array_equal(np.concatenate([as_levels(sources) for _, sources in batches]), made)
    np.testing.assert_array_equal(np.concatenate([as_levels(targets) for targets, _ in batches]), pictures())
    targets, sources = next(iter(dataset.batches(6, 0, with_conditions=True)))
    np.testing.assert_array_equal(targets, next(iter(dataset.batches(6, 0))))
    if degradation.draws == 0:
        np.testing.assert_array_equal(as_levels(sources), degradation(as_levels(targets)))


def test_random_holes_are_a_function_of_the_seed_and_the_step():
    def holes(seed, start=0):
        dataset = data.degraded(data.Dataset(np.zeros((4, 8, 8, 1), np.uint8)), Masked((4, 4)), seed)
        batches = dataset.batches(2, 5, start_step=start, with_conditions=True).take(8 - start)
        return np.stack([as_levels(sources) for _, sources in batches])

    np.testing.assert_array_equal(holes(0)[3:], holes(0, start=3))
    assert len({hole.tobytes() for hole in holes(0).reshape(-1, 64)}) > 8
    assert (holes(0) != holes(1)).any()


def test_folders_that_are_read_batch_by_batch_have_the_same_sources(tmp_path):
    for number, picture in enumerate(pictures()):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    whole, read = (data.degraded(data.load(tmp_path, memory_limit=limit), Downscaled(2)) for limit in (2**20, 0))
    np.testing.assert_array_equal(whole.sources, read.sources)
    np.testing.assert_array_equal(whole[1:3].sources, read[1:3].sources)
    for ours, theirs in zip(whole.batches_in_order(4, True), read.batches_in_order(4, True), strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_streams_have_sources_too():
    examples = tf.data.Dataset.from_tensor_slices(pictures())
    dataset = data.degraded(StreamedDataset(examples, 6, (16, 16, 3), name="stream"), Greyed())
    assert dataset.is_streamed
    np.testing.assert_array_equal(dataset.sources, Greyed()(pictures()))
    np.testing.assert_array_equal(dataset[3:5].sources, Greyed()(pictures()[3:5]))


def test_captions_and_labels_give_way_to_sources():
    labelled = data.Dataset(pictures(), [0, 1] * 3, class_names=["cat", "dog"])
    dataset = data.degraded(data.CaptionedDataset(labelled, list("abcdef")), Greyed())
    assert (dataset.labels, dataset.num_classes, dataset.has_labels) == (None, None, False)
    assert repr(dataset) == "<DegradedDataset arrays: 6 x (16, 16, 3), conditions (16, 16, 1)>"


def test_other_degradations_are_other_data():
    dataset = data.Dataset(pictures())
    described = data.degraded(dataset, Downscaled(2)).described()
    assert described == {**dataset.described(), "degradation": "Downscaled(factor=2)"}
    assert data.degraded(dataset, "downscaled:2").in_memory().described() == described
    darker = data.degraded(dataset, Greyed()).with_examples(pictures() // 2)
    np.testing.assert_array_equal(darker.sources, Greyed()(pictures() // 2))


# --------------------------------------------------------------------------------------------------------------- wrong


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Downscaled(1), "Expected factor to be a whole number of at least 2. Received: 1"),
        (lambda: Masked((0, 0, 4)), "Expected a region .top, left, height, width.*Received: .0, 0, 4."),
        (lambda: Masked((0, 0, 0, 4)), "at least one pixel large"),
        (lambda: Masked((-1, 0, 4, 4)), "whole pixels from 0. Received: .-1, 0, 4, 4."),
        (lambda: Masked(4), "Expected a region .*Received: 4"),
        (lambda: as_degradation("blurred"), "blurred"),
        (lambda: as_degradation("downscaled"), "such as 'downscaled:4'. Received: 'downscaled'"),
        (lambda: as_degradation("masked:a,b"), "such as 'masked:8,8,16,16'. Received: 'masked:a,b'"),
        (lambda: as_degradation("greyed:2"), "such as 'greyed'. Received: 'greyed:2'"),
        (lambda: as_degradation(Greyed), "Expected a degradation, such as .*Received: a Greyed. Create one"),
    ],
)
def test_wrong_arguments_are_refused(made, message):
    with pytest.raises(InputError, match=message):
        made()


@pytest.mark.parametrize(
    ("degradation", "shape", "message"),
    [
        (Downscaled(4), (30, 32, 3), "divided by 4.*Received: .30, 32.. Choose another factor.*image_size=.28, 32."),
        (Downscaled(3), (32, 32, 3), "image_size=30"),
        (Masked((0, 0, 16, 16)), (16, 16, 3), "covers everything"),
        (Masked((16, 16)), (16, 16, 3), "covers everything"),
        (Masked((8, 8, 9, 2)), (16, 16, 3), "inside the pictures.*reaches row 17 and column 10"),
        (Masked((17, 1)), (16, 16, 3), "inside the pictures"),
        (Greyed(), (16, 16, 1), "3 channels, to make them grey. Received: 1 channels"),
        (Edges(), (16, 16, 4), "1 or 3 channels"),
        (Greyed(), (2,), "Expected pictures .height, width, channels. to degrade. Received: examples of shape"),
    ],
)
def test_data_that_do_not_fit_are_refused_before_anything_is_read(degradation, shape, message):
    is_vector = len(shape) == 1
    dataset = data.Dataset(np.zeros((2, *shape), np.float32 if is_vector else np.uint8))
    with pytest.raises(InputError, match=message):
        data.degraded(dataset, degradation)


def test_floats_of_another_range_are_refused():
    with pytest.raises(InputError, match=r"Expected float images in \[-1, 1\]"):
        Greyed()(pictures().astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("first", ["data.Greyed()", "data.degraded(data.load('avatars'), 'greyed')"])
def test_models_are_registered_though_a_degradation_comes_first(first):
    code = f"from keras_gan_zoo import data; {first}; import keras"
    code += "; print(keras.saving.get_registered_object('keras_gan_zoo>DCGAN'))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "DCGAN" in result.stdout, result.stderr
