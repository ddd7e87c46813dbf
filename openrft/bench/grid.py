"""A table of finished text, and how numbers are written in one."""

from __future__ import annotations

from dataclasses import dataclass

from openrft.bench.stats import Interval


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of finished text. A column whose title starts with `<` is set left."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    faint: frozenset[int] = frozenset()  # rows that are not arms: the baselines


def percent(value: float) -> str:
    """0.437 -> "43.7"."""
    return f"{100 * value:.1f}"


def share(found: Interval) -> str:
    """An accuracy with its interval: "43.7 [40.1, 47.3]"."""
    return f"{percent(found.value)} [{percent(found.low)}, {percent(found.high)}]"


def points(value: float) -> str:
    """0.034 -> "+3.4"; what rounds to nothing has no sign."""
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def interval(value: float, low: float, high: float) -> str:
    """A gain with its interval: "+3.4 [-0.2, +7.0]"."""
    return f"{points(value)} [{points(low)}, {points(high)}]"
