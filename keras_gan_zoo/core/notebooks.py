"""What objects look like in a notebook: HTML with pictures inside, which loads nothing from elsewhere."""

import base64
import html
import io
import sys
from collections.abc import Iterable

from PIL import Image


def is_notebook() -> bool:
    """Whether this process runs the cells of a notebook. IPython is not imported for the question."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None  # which a terminal with IPython has not


def image_tag(picture: Image.Image) -> str:
    """A picture as an HTML element.

    Example:
        >>> image_tag(Image.new("L", (1, 1)))[:32]
        '<img src="data:image/png;base64,'
    """
    file = io.BytesIO()
    picture.save(file, "png")
    return f'<img src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'


def table(rows: Iterable[Iterable], headings: Iterable = ()) -> str:
    """Rows of text as an HTML table.

    Example:
        >>> table([("a", "1 < 2")])
        '<table><tr><td>a</td><td>1 &lt; 2</td></tr></table>'
    """
    lines = [("th", headings), *(("td", row) for row in rows)]
    return f"<table>{''.join(_row(kind, cells) for kind, cells in lines)}</table>"


def _row(kind: str, cells: Iterable) -> str:
    listed = "".join(f"<{kind}>{html.escape(str(cell))}</{kind}>" for cell in cells)
    return f"<tr>{listed}</tr>" if listed else ""
