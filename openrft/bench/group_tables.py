"""Scores by group of items (level, domain, leaf task), and what plugins measured, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.score_table import Group, GroupScore, Summary
from openrft.bench.text_table import TextTable, format_accuracy, format_percent


def build_group_tables(summary: Summary, in_full: bool) -> Iterator[TextTable]:
    """A table across tasks, and one for each pooled task. In full, there is a row with intervals for each group and
    arm; otherwise one column per arm."""
    for task in dict.fromkeys(group.task for group in summary.groups):
        groups = [group for group in summary.groups if group.task == task]
        title = f"{task} by group: micro (items weigh the same), macro (leaf tasks do)"
        table = _in_full(title, groups) if in_full or len(_list_arms(groups)) == 1 else _short(title, groups)
        if len(table.rows) > 1:  # a single row repeats the table of arms
            yield table


def build_metric_table(summary: Summary) -> TextTable:
    """What plugins measured. Rows are arms or metrics, whichever are more."""
    names = list(summary.metrics)
    arms = list(dict.fromkeys(arm for by_arm in summary.metrics.values() for arm in by_arm))
    cells = {(name, arm): f"{value:.3f}" for name, by_arm in summary.metrics.items() for arm, value in by_arm.items()}
    if len(names) < len(arms):
        rows = tuple((arm, *(cells.get((name, arm), "") for name in names)) for arm in arms)
        return TextTable("Further metrics", ("<arm", *names), rows)
    rows = tuple((name, *(cells.get((name, arm), "") for arm in arms)) for name in names)
    return TextTable("Further metrics", ("<metric", *arms), rows)


def _in_full(title: str, groups: Sequence[Group]) -> TextTable:
    columns = ("<group", "<arm", "leaf tasks", "items", "not scored", "micro", "macro")
    rows = []
    for group in groups:
        sizes = (str(group.leaves), str(group.items), str(group.unscored or ""))
        for score in group.arms:
            rows.append((_name(group), score.arm, *sizes, format_accuracy(score.micro), format_accuracy(score.macro)))
        if not group.arms:
            rows.append((_name(group), "", *sizes, "not scored" if not group.items else "", ""))
    return TextTable(title, columns, tuple(rows), dropped_first=("not scored", "leaf tasks", "items"), keys=2)


def _short(title: str, groups: Sequence[Group]) -> TextTable:
    arms = _list_arms(groups)
    rows = []
    for group in groups:
        found = {score.arm: score for score in group.arms}
        cells = [_both(found[arm]) if arm in found else _explain_missing(group) for arm in arms]
        rows.append((_name(group), str(group.items), *cells))
    return TextTable(title, ("<group", "items", *arms), tuple(rows), keys=2)


def _list_arms(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(score.arm for group in groups for score in group.arms))


def _both(score: GroupScore) -> str:
    return f"{format_percent(score.micro.value)} / {format_percent(score.macro.value)}"


def _explain_missing(group: Group) -> str:
    return "" if group.items else "not scored"


def _name(group: Group) -> str:
    return f"{group.by} {group.name}".strip()
