"""Curves as inline SVG, drawn by hand: axes, grid, lines, bands of a deviation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 352, 8, 186  # of the axes
COLOURS = 8  # in the page's style; more series have them again, with dashes
MOST_POINTS = 400  # of a curve: there are not more pixels


@dataclass(frozen=True)
class Series:
    """A curve.

    Args:
        name: Its name in the legend.
        points: (x, y) by rising x. The line is broken where y is not finite.
        band: (x, low, high) by rising x, if a range is to be drawn.
        number: Its number among the series of all charts, from 0, which decides its colour.
    """

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    number: int = 0


@dataclass(frozen=True)
class Axis:
    """From values to pixels.

    Example:
        >>> axis = Axis.of([1, 3], 0, 100)
        >>> axis.pixel(2), axis.ticks
        (50.0, [1.0, 1.5, 2.0, 2.5, 3.0])
    """

    low: float
    high: float
    start: int
    end: int
    is_whole: bool = False

    @classmethod
    def of(cls, values: Sequence[float], start: int, end: int, is_whole: bool = False) -> Axis:
        """The axis from the least to the greatest value; a single one is in its middle."""
        low, high = min(values), max(values)
        if high - low <= max(1e-12 * max(abs(low), abs(high)), 1e-100):
            around = 1.0 if is_whole or abs(low) < 1e-90 else abs(low) / 10
            low, high = low - around, high + around
        return cls(low, high, start, end, is_whole)

    def pixel(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    @property
    def step(self) -> float:
        """Between ticks: 1, 2 or 5 times a power of 10, for three to seven of them."""
        raw = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
        return max(1.0, step) if self.is_whole else step

    @property
    def ticks(self) -> list[float]:
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [number * self.step + 0.0 for number in range(first, last + 1)]

    def label(self, tick: float) -> str:
        """A tick as text, with as many digits as tell it from the next one."""
        if self.step >= 1e5 or self.step < 1e-4:
            return f"{tick:.3g}"
        return f"{tick:,.{max(0, -math.floor(math.log10(self.step) + 1e-9))}f}"


def chart(title: str, series: Sequence[Series], has_legend: bool = True) -> str:
    """A figure with a chart, its title and its legend, in HTML; empty if no value is finite.

    Args:
        title: What the values are. They are drawn by epochs.
        series: The curves.
        has_legend: Whether the names of the series are below the chart.

    Example:
        >>> chart("g_loss", [Series("one", [(1, 0.5), (2, 0.25)])], has_legend=False).count('class="line')
        1
    """
    values = [y for each in series for _, y in each.points if math.isfinite(y)]
    values += [y for each in series for _, *both in each.band for y in both if math.isfinite(y)]
    if not values:
        return ""
    x = Axis.of([x for each in series for x, _ in each.points], LEFT, RIGHT, is_whole=True)
    y = Axis.of(values, BOTTOM, TOP)
    bands = "".join(_band(each, x, y) for each in series)
    lines = "".join(_line(each, x, y) for each in series)
    drawn = f"{_axes(x, y)}{bands}{lines}"
    legend = "".join(map(_key, series)) if has_legend else ""
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)} by epoch">{drawn}</svg>'
        f'<ul class="legend">{legend}</ul></figure>'
    )


def _axes(x: Axis, y: Axis) -> str:
    grid = [f"M{LEFT},{y.pixel(tick)}H{RIGHT}" for tick in y.ticks]
    numbers = [_text(LEFT - 5, y.pixel(tick) + 4, y.label(tick), "end") for tick in y.ticks]
    numbers += [_text(x.pixel(tick), BOTTOM + 15, x.label(tick), "middle") for tick in x.ticks]
    marks = [f"M{x.pixel(tick)},{BOTTOM}v4" for tick in x.ticks]
    name = _text((LEFT + RIGHT) / 2, HEIGHT - 4, "epoch", "middle")
    axes = f"M{LEFT},{TOP}V{BOTTOM}H{RIGHT}"
    lines = f'<path class="grid" d="{"".join(grid)}"/><path class="axis" d="{axes}{"".join(marks)}"/>'
    return f"{lines}{''.join(numbers)}{name}"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(series: Series, x: Axis, y: Axis) -> str:
    parts = _unbroken(_thinned(series.points))
    name, style = escape(series.name), _style(series.number)
    dots = [f'<circle class="{style}" cx="{x.pixel(a)}" cy="{y.pixel(b)}" r="3"/>' for [(a, b)] in _single(parts)]
    path = "".join(_path(part, x, y) for part in parts if len(part) > 1)
    line = f'<path class="line {style}" d="{path}"><title>{name}</title></path>' if path else ""
    return line + "".join(dots)


def _band(series: Series, x: Axis, y: Axis) -> str:
    band = _thinned(series.band)
    if len(band) < 2:
        return ""
    around = [(a, high) for a, _, high in band] + [(a, low) for a, low, _ in reversed(band)]
    return f'<path class="band {_style(series.number)}" d="{_path(around, x, y)}Z"/>'


def _path(points: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    return "M" + "L".join(f"{x.pixel(a)},{y.pixel(b)}" for a, b in points)


def _unbroken(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The parts of a curve between values that are not finite."""
    parts: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if math.isfinite(point[1]):
            parts[-1].append(point)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def _single(parts: list[list[tuple[float, float]]]) -> list[list[tuple[float, float]]]:
    return [part for part in parts if len(part) == 1]


def _thinned(points: Sequence) -> Sequence:
    """At most `MOST_POINTS`, evenly chosen, with the last one."""
    step = -(-len(points) // MOST_POINTS)
    return points if step < 2 else [*points[:-1:step], points[-1]]


def _key(series: Series) -> str:
    line = f'<svg viewBox="0 0 24 8" aria-hidden="true"><path class="line {_style(series.number)}" d="M0,4H24"/></svg>'
    return f"<li>{line}{escape(series.name)}</li>"


def _style(number: int) -> str:
    """The classes of a series: its colour and, after the last colour, its dashes."""
    dashes = number // COLOURS
    return f"c{number % COLOURS}" + (f" d{min(dashes, 3)}" if dashes else "")
