"""The table of accuracy against tokens: a vote over k completions, and a perfect choice among them."""

from __future__ import annotations

from collections.abc import Iterator

from openrft.bench.curves import CurvePoint
from openrft.bench.score_table import Summary
from openrft.bench.text_table import TextTable, format_accuracy


def build_curve_table(summary: Summary, in_full: bool) -> Iterator[TextTable]:
    """Every point. In short: all completions of the first arm, of the best one and of those that choose among them.
    Nothing without points."""
    shown = [point for point in summary.curves if in_full or _is_shown(point, summary)]
    if shown:
        title = "More completions: a vote over k (maj@k), and a perfect choice among k (pass@k)"
        columns = ("<arm", "k", "tokens a question", "maj@k", "rm@k", "weighted@k", "pass@k")
        yield TextTable(title, columns, tuple(map(_row, shown)), keys=2).without_empty_columns()


def _is_shown(point: CurvePoint, summary: Summary) -> bool:
    most = max(other.completions for other in summary.curves if other.arm == point.arm)
    scored = [(row.accuracy.value, row.arm) for row in summary.overall.arms if row.accuracy]
    return point.completions == most and (
        point.chosen or point.arm in (summary.overall.arms[0].arm, max(scored, default=(0.0, ""))[1])
    )


def _row(point: CurvePoint) -> tuple[str, ...]:
    measured = (point.maj_at, point.rm_at, point.weighted_at, point.pass_at)
    cells = [format_accuracy(found) if found else "" for found in measured]
    tokens = f"{point.tokens:,.0f}" if point.tokens else ""  # a server may not count them
    return (point.arm, str(point.completions), tokens, *cells)
