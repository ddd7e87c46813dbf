"""The table of arms as CSV, with plain numbers, for spreadsheets and other programs."""

from __future__ import annotations

import csv
import io

from openrft.bench.score_table import ArmScore, Summary
from openrft.runtime.text import escape_terminal

COLUMNS = (
    "arm",
    "plugins",
    "seeds",
    "accuracy",
    "low",
    "high",
    "over_vanilla",
    "over_vanilla_low",
    "over_vanilla_high",
    "p",
    "form",
    "ability",
    "unparsed",
    "tokens",
    "seconds",
)


def format_csv(summary: Summary) -> str:
    """One row for each arm. Accuracies are shares from 0 to 1, p is after Holm, and what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, summary.overall.arms))
    return out.getvalue()


def _row(row: ArmScore) -> list[object]:
    level, gain = row.accuracy, row.delta
    score = [level.value, level.low, level.high] if level else [None] * 3
    change = (
        [gain.value, gain.low, gain.high, gain.p if gain.adjusted is None else gain.adjusted] if gain else [None] * 4
    )
    parts = [part.value if part else None for part in ((gain.form, gain.ability) if gain else (None, None))]
    cost = [row.unparsed, row.tokens, round(row.seconds, 3)]
    return [_plain(row.arm), " ".join(row.plugins), row.seeds, *score, *change, *parts, *cost]


def _plain(name: str) -> str:
    """The name, such that a spreadsheet does not take it for a formula."""
    return escape_terminal(f"'{name}" if name.startswith(("=", "+", "-", "@")) else name)
