"""The theory page is run from top to bottom: its asserts hold, it prints what it shows, and it draws its pictures."""

import re
from pathlib import Path

import pytest

from tests import notebooks

PAGE = Path(__file__).parent.parent / "docs" / "theory.md"
TEXT = PAGE.read_text()
SHOWN = re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", TEXT)


PRINTED = re.findall(r"^```python\n.*?^```\n(?:\n```text\n(.*?)^```\n)?", TEXT, flags=re.M | re.S)


@pytest.mark.slow
def test_every_statement_of_the_page_holds(tmp_path):
    _, *cells = notebooks.executed((PAGE.parent / "notebooks" / "theory.ipynb").read_text(), tmp_path)  # makes a folder
    assert [notebooks.printed(cell) for cell in cells] == PRINTED
    assert notebooks.pictures(cells) == len(SHOWN)
    assert {f"images/{path.name}" for path in (tmp_path / "images").iterdir()} == set(SHOWN)


def test_the_pictures_of_the_page_are_there():
    assert len(SHOWN) == len(set(SHOWN)) > 0
    for picture in SHOWN:
        assert (PAGE.parent / picture).stat().st_size < 60_000, picture
