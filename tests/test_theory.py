"""The theory page is run from top to bottom: its asserts hold, it prints what it shows, and it draws its pictures."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "theory.md"
TEXT = PAGE.read_text()
SHOWN = re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", TEXT)


def blocks():
    """(code, line of the page it starts on, what it is said to print) of each block of Python."""
    for match in re.finditer(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", TEXT, flags=re.M | re.S):
        yield match[1], TEXT.count("\n", 0, match.start(1)), match[2] or ""


@pytest.mark.slow
def test_every_statement_of_the_page_holds(tmp_path, monkeypatch, capsys):
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "theory"}
    for code, line, printed in blocks():
        exec(compile("\n" * line + code, PAGE, "exec"), namespace)  # a failure names the line of the page
        assert capsys.readouterr().out == printed, f"{PAGE.name} shows other figures after line {line}"
    drawn = {f"images/{path.name}" for path in (tmp_path / "images").iterdir()}
    assert drawn == set(SHOWN)


def test_the_pictures_of_the_page_are_there():
    assert len(SHOWN) == len(set(SHOWN)) > 0
    for picture in SHOWN:
        assert (PAGE.parent / picture).stat().st_size < 60_000, picture
