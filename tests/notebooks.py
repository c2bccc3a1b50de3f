"""Notebooks, run from top to bottom by nbconvert as by a user, and what they show."""

import json
from pathlib import Path

from tests.helpers import process


def executed(notebook: str, folder: Path) -> list[dict]:
    """The cells of code of a notebook, run in a folder, with their outputs. An error in a cell is one here."""
    (folder / "given.ipynb").write_text(notebook, encoding="utf-8")
    options = ["--to", "notebook", "--execute", "--output", "run.ipynb"]
    process("-m", "nbconvert", *options, "given.ipynb", cwd=folder)
    cells = json.loads((folder / "run.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def printed(cell: dict, name: str = "stdout") -> str:
    """What a cell printed."""
    streams = [output for output in cell["outputs"] if output["output_type"] == "stream" and output["name"] == name]
    return "".join("".join(stream["text"]) for stream in streams)


def pictures(cells: list[dict]) -> int:
    """The number of pictures that the cells show."""
    outputs = [output for cell in cells for output in cell["outputs"]]
    return sum("image/png" in output.get("data", {}) for output in outputs)
