"""The log of a run: a CSV file with a row per epoch, which `callbacks.Log` writes."""

import csv
import math
import os
from collections.abc import Iterable

from keras_gan_zoo.core.reading import Kind

LOG = Kind("log", "the log of a run, a CSV file whose first column is epoch", "Resume the run: its log is restored.")
LIMIT, GREATEST = 2**31, 1e100  # of epochs, and of figures: those of float32 are below 1e39
NOT_LOGGED = "NA"  # in the column of a figure, in a row of an epoch that has none


def rows_in(lines: Iterable[str], separator: str = ",") -> dict[int, dict[str, str]]:
    """The complete rows of a log by their epochs, counted from 0, as text.

    Raises:
        ValueError: If the lines are no log.
        csv.Error: If they are no CSV.

    Example:
        >>> rows_in(["epoch,g_loss\\n", "0,0.7\\n", "1,0.6"])  # the last row may have been cut within a number
        {0: {'epoch': '0', 'g_loss': '0.7'}}
    """
    whole = [line for line in lines if line.endswith("\n")]
    reader = csv.DictReader(whole, delimiter=separator, strict=True)
    if (reader.fieldnames or ["epoch"])[0] != "epoch":
        raise ValueError("its first column is not epoch")
    return {int(row["epoch"]): row for row in reader if None not in row and None not in row.values()}


@LOG.reader
def read(path: str | os.PathLike) -> dict[int, dict[str, float | None]]:
    """The figures of each epoch, counted from 0, in the order of the file; None for those that it has not.

    Raises:
        InputError: If it is not a log; the message names it.
        OSError: If the machine cannot read it.
    """
    with LOG.border(path):
        text = LOG.content(path).decode("utf-8")
        if (
            text.partition(",")[0] != "epoch"
        ):  # `rows_in` takes a heading that is cut for one that is still to be written
            raise ValueError("its first column is not epoch")
        rows = {epoch: _figures(row) for epoch, row in rows_in(text.splitlines(keepends=True)).items()}
        if not all(0 <= epoch < LIMIT for epoch in rows):
            raise ValueError("it has a number of an epoch that no run has")
        return rows


def _figures(row: dict[str, str]) -> dict[str, float | None]:
    return {name: None if text == NOT_LOGGED else _figure(text) for name, text in row.items() if name != "epoch"}


def _figure(text: str) -> float:
    value = float(text)
    if math.isfinite(value) and abs(value) > GREATEST:
        raise ValueError(f"{text} is no figure of a run")
    return value
