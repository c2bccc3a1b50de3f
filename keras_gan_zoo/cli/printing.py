"""What commands print alike: tables as plain columns, and values as JSON."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import click


def print_columns(rows: Iterable[Sequence[str]]) -> None:
    """Prints plain columns, so that nothing is truncated and lines can be searched; the first row has the headings."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(value: Any) -> None:
    """Prints plain values as JSON. Numbers that are not finite, which JSON has not, are null; dates are text."""
    click.echo(json.dumps(_finite(value), indent=2, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
