"""The page of results: what the benchmark of variants measured, trained by the recipes of today's presets."""

import json

import pytest

from tests.benchmarks import variants


@pytest.fixture(scope="module")
def records():
    return json.loads(variants.RESULTS.read_text(encoding="utf-8"))


def test_page_is_what_the_benchmark_would_write(records):
    assert variants.PAGE.read_text(encoding="utf-8") == variants.page(records)


def test_every_row_was_trained_on_both_sets_by_three_seeds_and_one_budget(records):
    seen = {(record["row"], record["data"], record["seed"]) for record in records}
    assert seen >= {(row, data, seed) for row in variants.ROWS for data in variants.DATA for seed in range(3)}
    spent = [record["looks"][-1]["core_minutes"] for record in records]
    assert max(spent) < 1.05 * min(spent)


def test_rows_were_trained_by_the_recipes_of_the_presets_as_they_are(records):
    for record in records:
        assert record["recipe"] == variants.recipe_of(variants.ROWS[record["row"]]), record["row"]
