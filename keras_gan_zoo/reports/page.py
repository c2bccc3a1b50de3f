"""The page of a report: one HTML file with everything in it, which allows no script but its own.

What comes from a run folder is text that others may have written, names included, so it is escaped wherever it stands.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from keras_gan_zoo.core.files import written_beside
from keras_gan_zoo.core.reading import exists
from keras_gan_zoo.core.remote import RemotePath
from keras_gan_zoo.core.run_files import NEIGHBOURS_FILE, SCORES_FILE
from keras_gan_zoo.core.version import __version__
from keras_gan_zoo.errors import InputError
from keras_gan_zoo.reports.comparison import SEED, Comparison, Group, Table, as_text, compare
from keras_gan_zoo.reports.curves import MOST_POINTS, Series, chart
from keras_gan_zoo.reports.frames import Frame, address_of, frames_of
from keras_gan_zoo.reports.runs import Run

MOST_FRAMES, FEWEST_FRAMES = 30, 4  # pictures of samples: in a page, and of each of many runs


def write(folders: Iterable[str | os.PathLike | RemotePath], path: str | os.PathLike) -> Comparison:
    """Writes the report on runs: one HTML file that needs no other.

    Args:
        folders: Folders of runs, which may still train.
        path: The file.

    Returns:
        What the page shows.

    Raises:
        InputError: If one is not the folder of a run, or is named twice; or there is something else than a file at
            `path`.
        OSError: If it cannot be written.

    Example:
        ```python
        kgz.reports.write(["runs/dcgan_digits"], "report.html")
        ```
    """
    comparison = compare(folders)
    page = html_of(comparison)
    with written_beside(path) as beside:
        beside.write_text(page, encoding="utf-8")
    return comparison


def html_of(comparison: Comparison) -> str:
    """The page on runs, as text."""
    names = comparison.names
    title = names[0] if len(names) == 1 else f"{len(names)} runs"
    sections = [
        *(_tables(comparison)),
        _section("Curves", _curves(comparison)),
        _section("Samples", _samples(comparison)),
        _section("Scores", _scores(comparison)),
        _section("Nearest training images", _neighbours(comparison)),
        _section("Recipe" if len(names) == 1 else "Recipes", _recipes(comparison)),
    ]
    style, script = (_part(name) for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="faint">Written by keras_gan_zoo {__version__}.</p>\n'
        f"{_remarks(comparison)}{''.join(sections)}<script>{script}</script>\n</body>\n</html>\n"
    )


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>\n" if content else ""


def _remark(text: str) -> str:
    return f'<p class="remark">{escape(text)}</p>\n'


def _remarks(comparison: Comparison) -> str:
    return "".join(
        _remark(remark if len(comparison.runs) == 1 else f"{name}: {remark}")
        for name, run in zip(comparison.names, comparison.runs, strict=True)
        for remark in run.remarks
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    headings = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    top = f"<thead><tr>{headings}</tr></thead>\n" if head else ""
    return f'<div class="scroll"><table class="{kind}">\n{top}<tbody>\n{lines}</tbody></table></div>\n'


def _tables(comparison: Comparison) -> list[str]:
    return [_section(table.title, _as_html(table, len(comparison.runs))) for table in comparison.tables()]


def _as_html(table: Table, runs: int) -> str:
    """A table; of a single run, with a row for each heading, so that it suits a narrow screen."""
    if runs > 1:
        return _table(table.head, table.rows, "wide")
    return _table((), list(zip(table.head, table.rows[0], strict=True))[1:])


def _curves(comparison: Comparison) -> str:
    several = len(comparison.runs) > 1
    charts = "".join(chart(name, series, several or len(series) > 1) for name, series in charts_of(comparison).items())
    longest = max((run.epochs for run in comparison.runs), default=0)
    step = -(-longest // MOST_POINTS)
    notes = [
        f"Of long curves, one epoch in {step} is drawn." if step > 1 else "",
        "Of runs that differ by the seed alone, lines are means, and bands one sample standard deviation to both sides."
        if comparison.groups
        else "",
    ]
    said = "".join(f'<p class="faint">{note}</p>\n' for note in notes if note)
    return f'{said}<div class="charts">\n{charts}</div>' if charts else ""


def charts_of(comparison: Comparison) -> dict[str, list[Series]]:
    """The curves of each chart: losses of a single run share one; runs that differ by the seed have a common curve."""
    if len(comparison.runs) == 1:
        figures = comparison.runs[0].figures
        losses = [name for name in figures if name.removeprefix("val_").endswith("loss")]
        alone = {name: [name] for name in figures if name not in losses}
        titles = {**({"losses" if len(losses) > 1 else losses[0]: losses} if losses else {}), **alone}
        return {
            title: [Series(name, figures[name].points, number=number) for number, name in enumerate(names)]
            for title, names in titles.items()
        }
    return {figure: _series(comparison, figure) for figure in comparison.figures}


def _series(comparison: Comparison, figure: str) -> list[Series]:
    """The curves of a figure; those of a run, or of a group, have one number in all charts."""
    grouped = {run.folder for group in comparison.groups for run in group.runs}
    alone = [pair for pair in zip(comparison.names, comparison.runs, strict=True) if pair[1].folder not in grouped]
    means = [_mean(group, figure, number) for number, group in enumerate(comparison.groups)]
    others = [
        Series(name, run.figures[figure].points, number=number)
        for number, (name, run) in enumerate(alone, len(means))
        if figure in run.figures
    ]
    return [*(mean for mean in means if mean.points), *others]


def _mean(group: Group, figure: str, number: int) -> Series:
    curve = group.curve(figure)
    return Series(
        f"{group.name or 'mean'} ({len(group.runs)} seeds)",
        [(epoch, mean) for epoch, mean, _ in curve],
        [(epoch, mean - spread, mean + spread) for epoch, mean, spread in curve],
        number,
    )


def _for_each(comparison: Comparison, contents: list[str]) -> str:
    """What there is of each run, under its name if there are several."""
    pairs = [(name, content) for name, content in zip(comparison.names, contents, strict=True) if content]
    if len(contents) == 1 or not pairs:
        return "".join(content for _, content in pairs)
    parts = "".join(f"<div>\n<h3>{escape(name)}</h3>\n{content}</div>\n" for name, content in pairs)
    return f'<div class="runs">\n{parts}</div>'


def _samples(comparison: Comparison) -> str:
    most = max(FEWEST_FRAMES, MOST_FRAMES // len(comparison.runs))
    found = _for_each(comparison, [_frames(*frames_of(run.folder, most)) for run in comparison.runs])
    return found or '<p class="faint">No pictures: none were drawn yet, or the examples are vectors.</p>'


def _frames(frames: list[Frame], remarks: list[str]) -> str:
    said = "".join(map(_remark, remarks))
    if not frames:
        return said
    *before, last = [f'<img src="{frame.address}" alt="{escape(frame.label)}"' for frame in frames]
    pictures = "".join([*(f"{picture} hidden>\n" for picture in before), f"{last}>\n"])
    if not before:
        return f'{said}{pictures}<p class="faint">{escape(frames[0].label)}</p>\n'
    slider = f'<input type="range" min="0" max="{len(before)}" value="{len(before)}" aria-label="time">'
    label = f"<label>{slider}<output>{escape(frames[-1].label)}</output></label>"
    return f'{said}<div class="frames">\n{label}\n{pictures}</div>\n'


def _scores(comparison: Comparison) -> str:
    found = [_measured(run) for run in comparison.runs]
    how = f"shown here if gan-zoo evaluate has written {SCORES_FILE} and {NEIGHBOURS_FILE} into the folder of the run"
    return _for_each(comparison, found) or f'<p class="faint">Not measured. Scores are {how}.</p>'


def _measured(run: Run) -> str:
    if run.scores is None:
        return ""
    table = _table(("figure", "samples", "real images"), run.scores.rows)
    return f'{table}<p class="faint">{escape(run.scores.protocol)}</p>\n'


def _neighbours(comparison: Comparison) -> str:
    found = _for_each(comparison, [_sheet(run) for run in comparison.runs])
    said = "Each sample is beside the nearest training images; the likeliest copies come first."
    return f'<p class="faint">{said}</p>\n{found}' if found else ""


def _sheet(run: Run) -> str:
    file = run.folder / NEIGHBOURS_FILE
    if not exists(file):
        return ""
    try:
        return f'<img src="{address_of(file)}" alt="samples and their nearest training images">\n'
    except InputError as error:
        return _remark(str(error))


def _recipes(comparison: Comparison) -> str:
    tables = [_table((), [(name, as_text(value)) for name, value in run.recipe.items()]) for run in comparison.runs]
    if len(tables) == 1:
        return tables[0]
    same = "the seed" if set(comparison.differences) == {SEED} else ", ".join(comparison.differences)
    said = f"They differ in {same}." if same else "They are the same."
    folded = [
        f"<details><summary>{escape(name)}</summary>\n{table}</details>\n"
        for name, table in zip(comparison.names, tables, strict=True)
    ]
    return f"<p>{escape(said)}</p>\n{''.join(folded)}"
