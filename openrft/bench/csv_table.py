"""The table of arms as CSV, with plain numbers, for spreadsheets and other programs: all that the tables of arms on a
terminal and in report.md show of an arm."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from openrft.bench.score_table import ArmScore, ScoreTable, Summary
from openrft.bench.statistics import Interval
from openrft.runtime.text import escape_terminal

ENDS = ("", "_low", "_high")
COLUMNS = (
    "arm",
    "plugins",
    "seeds",
    *("accuracy", "low", "high"),
    *(f"over_vanilla{end}" for end in ENDS),
    "p",
    *(f"form{end}" for end in ENDS),
    *(f"ability{end}" for end in ENDS),
    "unparsed",
    "tokens",
    "seconds",
    "reused_seconds",
    *(f"cleaned{end}" for end in ENDS),
    *(f"lenient{end}" for end in ENDS),
    "unread",
    *(f"right_of_read{end}" for end in ENDS),
    *(f"at_stop{end}" for end in ENDS),
    "trouble",
)


def format_csv(summary: Summary) -> str:
    """One row for each arm, then one for each rule without a model. Accuracies are shares from 0 to 1, p is after Holm,
    `at_stop` is the accuracy that a stopped arm had reached, and what is not known is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_describe_arm, summary.overall.arms))
    writer.writerows(_describe_rules(summary.overall))
    return out.getvalue()


def _describe_arm(row: ArmScore) -> dict[str, object]:
    gain = row.delta
    level = row.accuracy
    found: dict[str, object] = {
        "arm": _plain(row.arm),
        "plugins": " ".join(row.plugins),
        "seeds": row.seeds,
        **({"accuracy": level.value, "low": level.low, "high": level.high} if level else {}),
        "unparsed": row.unparsed,
        "unread": row.unparsed_in_both,
        "tokens": row.tokens,
        "seconds": round(row.seconds, 3),
        "reused_seconds": round(row.reused_seconds, 3),
        "trouble": escape_terminal("; ".join(row.trouble)),
        **_name_ends("cleaned", row.cleaned),
        **_name_ends("lenient", row.lenient),
        **_name_ends("right_of_read", row.right_of_readable),
        **_name_ends("at_stop", row.at_stop),
    }
    if gain:
        change = Interval(gain.value, gain.low, gain.high)
        found |= _name_ends("over_vanilla", change) | {"p": gain.p if gain.adjusted is None else gain.adjusted}
        found |= _name_ends("form", gain.form) | _name_ends("ability", gain.ability)
    return found


def _name_ends(name: str, found: Interval | None) -> dict[str, object]:
    """The three columns of an estimate with its interval; none without one."""
    if found is None:
        return {}
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _describe_rules(table: ScoreTable) -> Iterator[dict[str, object]]:
    rules = [(rule.name, rule.accuracy) for rule in table.baselines]
    if table.chance is not None:
        rules.append(("chance", table.chance))
    for name, accuracy in rules:
        yield {"arm": f"no model: {name}", "accuracy": accuracy}


def _plain(name: str) -> str:
    """The name, such that a spreadsheet does not take it for a formula."""
    return escape_terminal(f"'{name}" if name.startswith(("=", "+", "-", "@")) else name)
