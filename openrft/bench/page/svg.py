"""The parts of a plot as SVG text: an axis, lines, marks. Colours are classes of page.css, so they follow the mode.

All numbers are written by this file and all texts are escaped, so a plot is safe in a page whatever its labels hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from openrft.runtime.text import escape_html

COLOURS = 7  # of Okabe and Ito's palette, which colour-blind people can tell apart; then dashes begin


@dataclass(frozen=True, slots=True)
class Scale:
    """From values in [low, high] to a length on the page."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + share * (self.end - self.start), 1)


def choose_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    unit = 10 ** math.floor(math.log10(span / count))
    step = next((m * unit for m in (1, 2, 5, 10) if span / (m * unit) <= count), 10 * unit)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 10) + 0.0 for n in range(first, math.floor(high / step + 1e-9) + 1)]


def format_tick(value: float) -> str:
    """A number of at most four digits, with k for thousands."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:g}"


def draw_text(x: float, y: float, text: str, where: str = "start", kind: str = "") -> str:
    """`where`: start, middle or end; `kind`: a class."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{where}" class="{kind}">{escape_html(text)}</text>'


def draw_line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>'


def draw_path(points: Sequence[tuple[float, float]], series: int, title: str) -> str:
    """A line through the points, in the colour and dash of a series."""
    way = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{way}" class="{style_series(series)}"><title>{escape_html(title)}</title></polyline>'


def style_series(number: int) -> str:
    """The classes of a series: its colour, and a dash if the colours are used up."""
    return f"line c{number % COLOURS} d{number // COLOURS % 4}"


def draw_axes(x: Scale, y: Scale, x_ticks: Sequence[float], y_ticks: Sequence[float], x_title: str) -> str:
    """Grid lines with numbers at the left and below."""
    parts = []
    for tick in y_ticks:
        parts.append(draw_line(x.start, y(tick), x.end, y(tick), "grid"))
        parts.append(draw_text(x.start - 6, y(tick) + 4, format_tick(tick), "end", "tick"))
    for tick in x_ticks:
        parts.append(draw_line(x(tick), y.start, x(tick), y.start + 4, "axis"))
        parts.append(draw_text(x(tick), y.start + 17, format_tick(tick), "middle", "tick"))
    parts.append(draw_line(x.start, y.start, x.end, y.start, "axis"))
    parts.append(draw_text(x.end, y.start + 32, x_title, "end", "label"))
    return "".join(parts)


def wrap_figure(title: str, width: float, height: float, body: str, note: str = "") -> str:
    """A plot with its title, to be read aloud by its title."""
    name = escape_html(title)
    more = f'<p class="note">{escape_html(note)}</p>' if note else ""
    return (
        f'<figure><figcaption>{name}</figcaption><svg viewBox="0 0 {width:g} {height:g}" role="img"'
        f' aria-label="{name}">{body}</svg>{more}</figure>'
    )
