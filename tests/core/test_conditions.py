"""Conditions of every kind: what is read off an input, what samples and data may be given."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_gan_zoo.core.conditions import (
    MOST_CLASSES,
    Condition,
    check_num_classes,
    checked_conditions,
    labels_like,
    labels_to_sample,
    renumbered,
)
from keras_gan_zoo.errors import InputError

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1), dtype=np.uint8)


def taken(shape, dtype="float32"):
    return SimpleNamespace(shape=(None, *shape), dtype=dtype)


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (taken((), "int32"), "classes"),
        (taken((1,), "int32"), "classes"),
        (taken((5,)), "vectors"),
        (taken((4, 4, 1)), "pictures"),
    ],
)
def test_the_kind_is_read_off_the_input(tensor, kind):
    assert Condition.from_input(tensor).kind == kind


@pytest.mark.parametrize("tensor", [taken((5,), "int32"), taken((4, 4)), taken((None, None, 3)), taken((1, 2, 3, 4))])
def test_inputs_of_no_kind_are_refused(tensor):
    with pytest.raises(InputError, match="Expected a condition of integers"):
        Condition.from_input(tensor)


def test_one_for_all_or_one_for_each():
    vector = Condition((2,))
    np.testing.assert_array_equal(vector.to_sample(3, [1, 2]), np.float32([[1, 2]] * 3))
    np.testing.assert_array_equal(vector.to_sample(2, [[1, 2], [3, 4]]), np.float32([[1, 2], [3, 4]]))
    picture = Condition((4, 4, 1))
    np.testing.assert_allclose(picture.to_sample(3, PICTURES), PICTURES / 127.5 - 1, atol=1e-6)
    assert picture.to_sample(5, PICTURES[0]).shape == (5, 4, 4, 1)
    assert Condition((), 3, ("a", "b", "c")).to_sample(2, ["c", "a"]).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("condition", "values", "message"),
    [
        (Condition((2,)), None, r"expects conditions, because the networks take vectors \(2,\)\. Received: none"),
        (Condition((2,)), np.zeros((4, 2)), r"conditions of shape \(2,\), or \(3, 2\).* Received: \(4, 2\)"),
        (Condition((2,)), [0, np.nan], "finite conditions"),
        (Condition((2,)), ["a", "b"], "arrays of numbers"),
        (Condition((4, 4, 1)), np.full((4, 4, 1), 2.0), r"in \[-1, 1\], or uint8\. Received: values from 2 to 2"),
        (Condition((), 3), 3, "from 0 to 2"),
    ],
)
def test_other_conditions_are_refused(condition, values, message):
    with pytest.raises(InputError, match=message):
        condition.to_sample(3, values)


def test_conditions_of_data():
    assert checked_conditions([0, 1, 2], 3).dtype == np.int32
    assert checked_conditions(np.arange(3)[:, None], 3).shape == (3,)
    assert checked_conditions(np.eye(3), 3).dtype == np.float32
    assert checked_conditions(PICTURES, 3) is PICTURES  # they stay uint8 until they are in a batch
    assert checked_conditions(PICTURES[..., 0], 3).shape == (3, 4, 4, 1)
    for values, message in (
        (np.zeros(3), r"one integer label.*Received: float64 from 0.0 to 0.0. Whole numbers: labels.astype\('int64'\)"),
        (["a", "b", "c"], r"one integer label.*Received: text. Number the names: np.unique\(labels"),
        ([b"a", b"b", b"c"], "one integer label.*Received: text"),
        ([["a"], ["b"], ["c"]], "one integer label.*Received: text"),
        (["a", "b", None], "one integer label.*Received: text"),
        ([None, None, None], "one integer label.*Received: object"),
        ([[0], [0, 1], [2]], "a list of values of different shapes"),
        ({"a": 1}, "Expected an array. Received: a dict"),
        ([0, 1], "one integer label for each of 3 examples. Received: 2"),
        ([True, False, True], "one integer label.*Received: bool"),
        ([0, -1, 1], "one integer label.*from -1 to 1. Renumber"),
        (np.eye(4), "one condition for each of 3 examples"),
        (np.zeros((3, 2, 2, 2, 2)), "one condition for each of 3 examples"),
        (np.full((3, 2), np.inf), "finite conditions"),
        (np.full((3, 4, 4, 1), 3.0), r"in \[-1, 1\]"),
    ):
        with pytest.raises(InputError, match=message):
            checked_conditions(values, 3)


def test_data_without_the_condition_are_refused():
    for condition, shape, message in (
        (Condition((2,)), None, r"Expected conditions, vectors \(2,\), because the networks take them"),
        (Condition((2,)), (), r"Expected vectors \(2,\) as conditions.* Received: classes \(\)"),
        (Condition((), 3), (3,), r"Received: vectors \(3,\)\. One-hot labels: labels\.argmax"),
        (Condition((), 3), (1,), r"Received: vectors \(1,\)\. Whole numbers: labels\.astype"),
        (Condition((), 3), None, "Expected labels, because the networks take them"),
    ):
        with pytest.raises(InputError, match=message):
            condition.check_data(None, shape)


def test_conditions_to_try_a_network_with():
    assert Condition((), 3).draw(5, seed=0).tolist() == [0, 1, 2, 0, 1]
    vectors, pictures = Condition((500,)).draw(40, seed=2), Condition((20, 25, 1)).draw(40, seed=2)
    assert (vectors.shape, pictures.shape) == ((40, 500), (40, 20, 25, 1))
    assert vectors.dtype == pictures.dtype == np.float32
    for values, spread in ((vectors, 1), (pictures, 1 / np.sqrt(3))):  # normal, and uniform from -1 to 1
        assert abs(values.mean()) < 0.02
        assert values.std() == pytest.approx(spread, rel=0.02)
    assert np.abs(pictures).max() <= 1
    np.testing.assert_array_equal(vectors, Condition((500,)).draw(40, seed=2))
    for other in (Condition((500,)).draw(40, seed=3), np.random.default_rng(2).standard_normal((40, 500), np.float32)):
        assert not np.array_equal(vectors, other)


def test_pictures_may_reach_both_ends_of_their_range():
    ends = np.array([-1, 1], np.float32).reshape(1, 2, 1)
    np.testing.assert_array_equal(Condition((1, 2, 1)).to_sample(1, ends), ends[None])


def test_one_float_is_a_class_where_the_number_of_classes_is_known():
    assert Condition.from_input(taken((1,)), num_classes=3).is_class
    assert Condition.from_input(taken((1,))) == Condition((1,))


# ----------------------------------------------------------------------------------- classes as real examples have them


@pytest.mark.parametrize("classes", [1, 2, 3, 7, 10])
def test_equal_shares_are_the_classes_in_turn(classes):
    for n in (1, 2, 5, 10, 64, 99, 1000):
        labels, are_all = labels_like(n, np.repeat(np.arange(classes), 6), classes)
        np.testing.assert_array_equal(labels, labels_to_sample(n, None, classes, None))
        assert are_all


def test_classes_have_the_shares_of_the_real_ones():
    real = np.repeat(np.arange(5), [900, 60, 0, 30, 10])
    np.testing.assert_array_equal(np.bincount(labels_like(1000, real, 5)[0]), np.bincount(real))
    # 49.5, 3.3, 0, 1.65 and 0.55
    assert np.bincount(labels_like(55, real, 5)[0], minlength=5).tolist() == [49, 3, 0, 2, 1]
    labels, _ = labels_like(1000, np.random.default_rng(0).permutation(real), 5)
    for part in np.split(labels, 10):  # each part is like the whole
        assert abs(np.bincount(part, minlength=5) - [90, 6, 0, 3, 1]).max() <= 1


def test_classes_are_found_by_their_names():
    labels, are_all = labels_like(8, [0, 0, 0, 1], 3, ["cat", "dog", "eel"], ["eel", "cat"])
    assert (np.bincount(labels, minlength=3).tolist(), are_all) == ([2, 0, 6], True)
    labels, are_all = labels_like(8, [0, 0, 0, 1], 2, ["cat", "dog"], ["eel", "cat"])
    assert (labels.tolist(), are_all) == ([0] * 8, False)
    labels, are_all = labels_like(8, [0, 0, 0, 1], 2, ["cat", "dog"], ["eel", "fox"])
    assert (labels.tolist(), are_all) == ([], False)


def test_classes_that_a_model_does_not_have_are_left_out():
    labels, are_all = labels_like(6, [0, 1, 1, 5], 2)
    assert (np.bincount(labels).tolist(), are_all) == ([2, 4], False)
    labels, are_all = labels_like(4, [0, 1, 1, 5], None)  # of an unknown number of classes
    assert (np.bincount(labels).tolist(), are_all) == ([1, 2, 0, 0, 0, 1], True)


def test_only_names_that_are_used_must_be_known():
    assert renumbered(np.array([2, 0]), ["cat", "dog", "eel"], ["eel", "cat"]).tolist() == [0, 1]
    assert renumbered(np.array([2, 1]), ["cat", "dog", "eel"], ["eel", "cat"]) is None


@pytest.mark.parametrize("num_classes", [3, None])
@pytest.mark.parametrize("label", [2**31, 2**32, -1, 2**64 - 1, 10**30, 1.5, 1e30])
def test_a_class_that_no_int32_holds_is_not_another_one(num_classes, label):
    with pytest.raises(InputError, match="Expected integer labels from 0 to"):
        Condition((), num_classes).to_sample(2, label)


def test_a_number_of_classes_is_bounded():
    check_num_classes(MOST_CLASSES)
    with pytest.raises(InputError, match=r"at most 1048576.*Received: 10000000000"):
        check_num_classes(10**10)
