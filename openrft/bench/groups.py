"""Scores of the parts of a task that pools several leaf tasks: micro (items weigh the same), macro (leaf tasks do).

Which parts there are the task says (ItemRecord.groups): this file knows nothing of levels or domains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.measure import measure, measure_parts
from openrft.bench.outcomes import Runs
from openrft.bench.report import ItemRecord, Report, TaskRecord
from openrft.bench.scores import Group, GroupScore
from openrft.bench.stats import accuracy


def groups_of(report: Report, runs: Runs) -> Iterator[Group]:
    """For each task with several leaf tasks the whole, then its groups; a grouping into one group says nothing new."""
    for task in report.tasks:
        everything = (*task.items, *task.unscored)
        if len({item.task for item in everything}) < 2:
            continue
        yield _group(report, runs, task, "", "all", everything)
        for by in dict.fromkeys(by for item in everything for by in item.groups):
            names = sorted({item.groups.get(by, "other") for item in everything})
            for name in names if len(names) > 1 else ():
                members = [item for item in everything if item.groups.get(by, "other") == name]
                yield _group(report, runs, task, by, name, members)


def _group(report: Report, runs: Runs, task: TaskRecord, by: str, name: str, members: Sequence[ItemRecord]) -> Group:
    scored = {item.id for item in task.items} & {item.id for item in members}
    leaves: dict[str, set[str]] = {}
    for item in members:
        if item.id in scored:
            leaves.setdefault(item.task, set()).add(item.id)
    parts = [leaves[leaf] for leaf in sorted(leaves)]
    arms = tuple(_scores(report, runs, task, scored, parts)) if parts else ()
    return Group(task.name, by, name, len(parts), len(scored), len(members) - len(scored), arms)


def _scores(
    report: Report, runs: Runs, task: TaskRecord, scored: set[str], parts: Sequence[set[str]]
) -> Iterator[GroupScore]:
    micro, macro = measure(report, runs, (task,), scored), measure_parts(report, runs, task, parts)
    if micro is None or macro is None:
        return
    for at, arm in enumerate(micro.arms):
        yield GroupScore(arm, accuracy(micro.draws, at), accuracy(macro.draws, at))
