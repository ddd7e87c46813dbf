"""A table of text cells, and numbers as text. What draws tables (terminal, Markdown, page) starts from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openrft.bench.statistics import Interval


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text cells. A column whose title starts with `<` is left-aligned."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    faint: frozenset[int] = frozenset()  # rows that are not arms: the baselines
    dropped_first: tuple[str, ...] = ()  # columns that a narrow terminal leaves out, in this order
    keys: int = 1  # the first columns, which say what a row is about

    def without_empty_columns(self) -> TextTable:
        """The table without columns that say nothing in any row."""
        return self.with_columns([n for n in range(len(self.columns)) if any(row[n] for row in self.rows)])

    def with_columns(self, numbers: Sequence[int]) -> TextTable:
        """The table with these columns only, in this order."""
        columns, *rows = (tuple(row[n] for n in numbers) for row in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=tuple(rows))


def format_percent(value: float) -> str:
    """0.437 -> "43.7"."""
    return f"{100 * value:.1f}"


def format_accuracy(found: Interval) -> str:
    """An accuracy with its interval: "43.7 [40.1, 47.3]"."""
    return f"{format_percent(found.value)} [{format_percent(found.low)}, {format_percent(found.high)}]"


def format_points(value: float) -> str:
    """0.034 -> "+3.4"; what rounds to zero has no sign."""
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def format_gain(value: float, low: float, high: float) -> str:
    """A gain with its interval: "+3.4 [-0.2, +7.0]"."""
    return f"{format_points(value)} [{format_points(low)}, {format_points(high)}]"
