"""Scores by group of a task that pools several leaf tasks, and by group across the tasks of a report: micro (items
weigh the same) and macro (leaf tasks weigh the same).

The task names the groups (ItemRecord.groups). This file knows nothing of levels or domains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.outcomes import Runs, collect_outcomes, collect_over_tasks, collect_task_parts
from openrft.bench.report import ItemRecord, Report, TaskRecord
from openrft.bench.scores import Group, GroupScore
from openrft.bench.statistics import estimate_accuracy

Members = list[tuple[TaskRecord, list[ItemRecord]]]  # the tasks that have items in a group, with these items


def score_groups(report: Report, runs: Runs) -> Iterator[Group]:
    """All items and their groups: first across tasks, if the items of several tasks have groups, then for each task
    with several leaf tasks. A grouping into a single group is left out."""
    grouped = [task for task in report.tasks if any(item.groups for item in _items(task))]
    if len(grouped) > 1:
        grouped.sort(key=lambda task: task.name)  # so that the order of --task changes no number
        for by, name, members in _groups([(task, _items(task)) for task in grouped]):
            yield _across(report, runs, f"{len(grouped)} tasks", by, name, members)
    for task in report.tasks:
        if len({item.task for item in _items(task)}) > 1:
            for by, name, members in _groups([(task, _items(task))]):
                yield _group(report, runs, task, by, name, members[0][1])


def _items(task: TaskRecord) -> list[ItemRecord]:
    return [*task.items, *task.unscored]


def _groups(tasks: Members) -> Iterator[tuple[str, str, Members]]:
    """The grouping, the group's name, and its members."""
    yield "", "all", tasks
    everything = [item for _, items in tasks for item in items]
    for by in dict.fromkeys(by for item in everything for by in item.groups):
        names = sorted({item.groups.get(by, "other") for item in everything})
        for name in names if len(names) > 1 else ():
            own = [(task, [item for item in items if item.groups.get(by, "other") == name]) for task, items in tasks]
            yield by, name, [(task, items) for task, items in own if items]


def _group(report: Report, runs: Runs, task: TaskRecord, by: str, name: str, members: Sequence[ItemRecord]) -> Group:
    parts = _parts(task, members)
    scored = {i for part in parts for i in part}
    arms = tuple(_scores(report, runs, task, scored, parts)) if parts else ()
    return Group(task.name, by, name, len(parts), len(scored), len(members) - len(scored), arms)


def _parts(task: TaskRecord, members: Sequence[ItemRecord]) -> list[set[str]]:
    """The scored members of each leaf task."""
    scored = {item.id for item in task.items} & {item.id for item in members}
    leaves: dict[str, set[str]] = {}
    for item in members:
        if item.id in scored:
            leaves.setdefault(item.task, set()).add(item.id)
    return [leaves[leaf] for leaf in sorted(leaves)]


def _scores(
    report: Report, runs: Runs, task: TaskRecord, scored: set[str], parts: Sequence[set[str]]
) -> Iterator[GroupScore]:
    micro, macro = collect_outcomes(report, runs, (task,), scored), collect_task_parts(report, runs, task, parts)
    if micro is None or macro is None:
        return
    for at, arm in enumerate(micro.arms):
        yield GroupScore(arm, estimate_accuracy(micro.draws, at), estimate_accuracy(macro.draws, at))


def _across(report: Report, runs: Runs, tasks: str, by: str, name: str, members: Members) -> Group:
    """A group across several tasks. An item in two tasks counts in each, because each was trained for it."""
    parts = [(task, _parts(task, items)) for task, items in members]
    parts = [(task, own) for task, own in parts if own]
    items = sum(len(part) for _, own in parts for part in own)
    arms = tuple(_scores_across(report, runs, parts)) if parts else ()
    leaves = sum(len(own) for _, own in parts)
    return Group(tasks, by, name, leaves, items, sum(len(of) for _, of in members) - items, arms)


def _scores_across(
    report: Report, runs: Runs, parts: Sequence[tuple[TaskRecord, Sequence[set[str]]]]
) -> Iterator[GroupScore]:
    micro, macro = (collect_over_tasks(report, runs, parts, weigh_items) for weigh_items in (True, False))
    if micro is None or macro is None:
        return
    for at, arm in enumerate(micro[0]):
        yield GroupScore(arm, estimate_accuracy(micro[1], at), estimate_accuracy(macro[1], at))
