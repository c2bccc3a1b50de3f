"""Functions as extractors: a digest that is the same in every process, or one that says it is unknown."""

import functools
import gc
import subprocess
import sys

import numpy as np
import pytest

from keras_gan_zoo import metrics
from keras_gan_zoo.core import functions
from keras_gan_zoo.core.functions import digest_of
from keras_gan_zoo.errors import InputError

MODULE = '''
import numpy as np

def mean(images, axis=(1, 2)):
    """Brightness."""
    return images.mean(axis=axis)

one, other = lambda images: images[:, 0], lambda images: images[:, 1]
nested = (lambda images: (lambda row: row + 1)(images)); inner = (lambda: lambda row: row + 1)()
'''


def factory(value):
    return lambda images: images * value


def defaults(value):
    return lambda images, factor=value: images * factor


class Pool:
    def __init__(self, size):
        self.size = size

    def __call__(self, images):
        return images[:, :: self.size]

    def method(self, images):
        return self(images)


class Slotted:
    __slots__ = ()

    def __call__(self, images):
        return images


def test_the_digest_of_a_function_is_the_same_at_every_call_and_in_every_process(tmp_path, monkeypatch):
    (tmp_path / "extractors_of_mine.py").write_text(MODULE)
    names = ("mean", "one", "other", "nested", "inner")
    code = f"import extractors_of_mine as m; from keras_gan_zoo import metrics\nfor name in {names}: "
    code += "print(*(metrics.extractor(getattr(m, name)).sha256 for _ in range(3)))"
    elsewhere = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
    )
    assert elsewhere.returncode == 0, elsewhere.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    import extractors_of_mine

    here = [metrics.extractor(getattr(extractors_of_mine, name)).sha256 for name in names]
    assert [line.split() for line in elsewhere.stdout.splitlines()] == [[digest] * 3 for digest in here]
    assert len(set(here)) == len(names)
    assert {len(digest) for digest in here} == {64}


def test_results_by_one_function_compare_whoever_else_looks_at_it(images):
    """`marshal`, which the digest was made by, writes of each constant whether there is another reference to it."""

    def contrast(images):
        return images.std(axis=(1, 2)) * 1.75

    def measured():
        extractor = metrics.extractor(contrast)
        features = extractor(images)
        return metrics.frechet_distance(features[:20], features[20:]).under(**extractor.protocol)

    first, held = measured(), list(contrast.__code__.co_consts)
    assert measured() - first == pytest.approx(0)
    assert held


@pytest.mark.parametrize(
    ("found", "source"),
    [
        (lambda x: x + 1, "lambda x: x + 1"),
        ((lambda x: x, lambda x: x.T)[1], "lambda x: x.T"),
        ((lambda: lambda y: y * 2)(), "lambda y: y * 2"),
        ((lambda x: [(lambda y: y)(z) for z in x]), "lambda x: [(lambda y: y)(z) for z in x]"),
        (eval("lambda x: x"), None),
    ],
)
def test_of_a_lambda_its_own_source_is_read(found, source):
    if source is None:
        with pytest.raises(OSError, match="source"):
            functions._source(found)
    else:
        assert functions._source(found) == source


def test_where_columns_are_missing_several_lambdas_of_a_line_are_unknown(tmp_path):
    (tmp_path / "mine.py").write_text(MODULE + "alone = lambda images: images[:, 2]\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mine; from keras_gan_zoo.core import "
    code += "functions; print(*(functions.digest_of(f)[:7] == 'unknown' for f in (mine.one, mine.alone, mine.mean)))"
    found = subprocess.run([sys.executable, "-X", "no_debug_ranges", "-c", code], capture_output=True, text=True)
    assert found.stdout == "True False False\n", found.stderr


@pytest.mark.parametrize("make", [factory, defaults])
def test_plain_values_that_a_function_was_made_with_are_in_its_digest(make):
    assert digest_of(make(2)) == digest_of(make(2)) != digest_of(make(3))
    assert len(digest_of(make((2, "x", None)))) == 64
    arrays = [digest_of(make(np.ones(2))) for _ in range(2)]
    assert all(digest.startswith("unknown ") for digest in arrays)


UNKNOWN = {
    "an object": Pool(2),
    "a method": Pool(2).method,
    "a partial function": functools.partial(factory(2)),
    "a function of C": np.abs,
    "a function of Python's own": sorted,
    "another one": len,
    "an object without weak references": Slotted(),
    "a function without a file": eval("lambda images: images"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_is_unknown_equals_itself_alone(kind):
    function = UNKNOWN[kind]
    digest = digest_of(function)
    assert digest.startswith("unknown ")
    assert digest_of(function) == digest
    assert [other for other in UNKNOWN if digest_of(UNKNOWN[other]) == digest] == [kind]


def test_two_unknown_functions_are_not_taken_for_one():
    def measured(function):
        return metrics.Result("m", {"value": 1.0}, metrics.extractor(function).protocol)

    pools = Pool(2), Pool(3)
    assert measured(pools[0]) - measured(pools[0]) == 0
    assert measured(pools[0].method) - measured(pools[0].method) == 0
    with pytest.raises(InputError, match=r"sha256 unknown [0-9a-f]{8} and unknown [0-9a-f]{8}"):
        measured(pools[0]) - measured(pools[1])


def test_an_extractor_of_a_function_without_a_digest_has_that_of_its_source():
    def run(images):
        return {"features": images.mean(axis=(1, 2))}

    assert metrics.Extractor(run, "brightness").sha256 == digest_of(run)
    assert metrics.Extractor(run, "brightness", "none").sha256 == "none"


def test_marks_last_as_long_as_their_objects():
    pool = Pool(2)
    digest_of(pool)
    number = id(pool)
    assert number in functions._MARKS
    del pool
    gc.collect()
    assert number not in functions._MARKS
