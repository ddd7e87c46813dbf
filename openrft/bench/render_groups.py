"""The tables beside the arms': groups across tasks and of a pooled task, and what plugins measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.grid import Grid, percent, share
from openrft.bench.scores import Group, GroupScore, Summary


def grouped(summary: Summary, in_full: bool) -> Iterator[Grid]:
    """A table across tasks, and one for each pooled task. In full: a row for each group and arm, with intervals; else a
    column an arm."""
    for task in dict.fromkeys(group.task for group in summary.groups):
        groups = [group for group in summary.groups if group.task == task]
        title = f"{task} by group: micro (items weigh the same), macro (leaf tasks do)"
        yield _in_full(title, groups) if in_full or len(_arms(groups)) == 1 else _short(title, groups)


def further(summary: Summary) -> Grid:
    """What plugins measured; arms or metrics down, whichever are more."""
    names = list(summary.metrics)
    arms = list(dict.fromkeys(arm for by_arm in summary.metrics.values() for arm in by_arm))
    cells = {(name, arm): f"{value:.3f}" for name, by_arm in summary.metrics.items() for arm, value in by_arm.items()}
    if len(names) < len(arms):
        rows = tuple((arm, *(cells.get((name, arm), "") for name in names)) for arm in arms)
        return Grid("Further metrics", ("<arm", *names), rows)
    rows = tuple((name, *(cells.get((name, arm), "") for arm in arms)) for name in names)
    return Grid("Further metrics", ("<metric", *arms), rows)


def _in_full(title: str, groups: Sequence[Group]) -> Grid:
    columns = ("<group", "<arm", "leaf tasks", "items", "not scored", "micro", "macro")
    rows = []
    for group in groups:
        sizes = (str(group.leaves), str(group.items), str(group.unscored or ""))
        for score in group.arms:
            rows.append((_name(group), score.arm, *sizes, share(score.micro), share(score.macro)))
        if not group.arms:
            rows.append((_name(group), "", *sizes, "not scored" if not group.items else "", ""))
    return Grid(title, columns, tuple(rows))


def _short(title: str, groups: Sequence[Group]) -> Grid:
    arms = _arms(groups)
    rows = []
    for group in groups:
        found = {score.arm: score for score in group.arms}
        cells = [_both(found[arm]) if arm in found else _lack(group) for arm in arms]
        rows.append((_name(group), str(group.items), *cells))
    return Grid(title, ("<group", "items", *arms), tuple(rows))


def _arms(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(score.arm for group in groups for score in group.arms))


def _both(score: GroupScore) -> str:
    return f"{percent(score.micro.value)} / {percent(score.macro.value)}"


def _lack(group: Group) -> str:
    return "" if group.items else "not scored"


def _name(group: Group) -> str:
    return f"{group.by} {group.name}".strip()
