"""Writes docs/notebooks: the theory page and the tutorials as notebooks, without outputs. python docs/site/notebooks.py

The page and the scripts are the only sources; a test compares.
"""

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parent.parent
FOLDER = DOCS / "notebooks"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", flags=re.M | re.S)  # and what it prints
LEFT_OUT = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n|^</?(?:details|summary).*\n", flags=re.M)  # a cell shows its picture
SAVED = re.compile(r'^save\(figure, "(\w+)"\)\n\Z', flags=re.M)
SHOWN = "\nimport IPython\n\nIPython.display.Image({!r})\n"


def of_page(markdown: str) -> str:
    """The notebook of a page: its text, and a cell for each block of Python."""
    cells, end = [code("from pathlib import Path\n\nPath('images').mkdir(exist_ok=True)")], 0
    for block in BLOCK.finditer(markdown):
        cells += [text(markdown[end : block.start()])]
        picture = SAVED.search(block[1])
        cells += [code(block[1] + (SHOWN.format(f"images/theory_{picture[1]}.png") if picture else ""))]
        end = block.end()
    return notebook([*cells, text(markdown[end:])])


def of_script(name: str, source: str, arguments: Sequence[str] = ()) -> str:
    """The notebook of a script: its docstring, a cell for each of its paragraphs, and the picture that it writes.

    Args:
        name: Of the script and its picture.
        source: The script.
        arguments: What it is given on the command line.
    """
    docstring = ast.get_docstring(ast.parse(source))
    body = source.partition('"""\n\n')[2].replace("parse_args()", f"parse_args({[*arguments]})")
    paragraphs = re.split(r"\n\n+(?!from |import )(?=\S)", body)
    return notebook([text(docstring), *map(code, paragraphs), code(SHOWN.format(f"{name}.png"))])


def text(source: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": LEFT_OUT.sub("", source).strip()}


def code(source: str) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": source.strip(), "outputs": [], "execution_count": None}


def notebook(cells: list[dict]) -> str:
    """The file, with numbered cells."""
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells) if cell["source"]]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    content = {"cells": numbered, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def all_of_them() -> dict[str, str]:
    """The notebooks, by their names."""
    scripts = {
        path.stem: of_script(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((DOCS / "tutorials").glob("*.py"))
    }
    return {"theory": of_page((DOCS / "theory.md").read_text(encoding="utf-8")), **scripts}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in all_of_them().items():
        (FOLDER / f"{name}.ipynb").write_text(content, encoding="utf-8")
