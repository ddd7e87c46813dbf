"""Whether two reports measure the same thing, and if not, every reason why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.components import isolated, ladder_of
from openrft.bench.outcomes import trouble
from openrft.bench.report import Report


def obstacles(baseline: Report, candidate: Report, arms: Sequence[str], with_components: bool) -> list[str]:
    """Why `candidate` cannot be held against `baseline` on these arms and the baseline's tasks. Empty = it can."""
    found = [*_tasks(baseline, candidate), *_arms(baseline, candidate, arms)]
    if not found:
        found += _jobs(baseline, candidate, arms)
    if with_components and not found:
        found += _ladders(baseline, candidate)
    return found


def shared_seeds(baseline: Report, candidate: Report, arm: str, task: str) -> list[int]:
    """Seeds with which both reports finished the arm on the task."""
    done = [{r.seed for r in report.results if r.arm == arm and r.task == task} for report in (baseline, candidate)]
    return sorted(done[0] & done[1])


def _tasks(baseline: Report, candidate: Report) -> Iterator[str]:
    theirs = {task.name: task for task in candidate.tasks}
    for task in baseline.tasks:
        other = theirs.get(task.name)
        if other is None:
            yield f"the candidate has no task {task.name}"
            continue
        ours = {item.id for item in task.items}
        if not ours:
            yield f"task {task.name}: none of its test items is scored in the baseline"
        strange = len(ours ^ {item.id for item in other.items})
        if strange:
            yield f"task {task.name}: {strange} test items stand in one report only"
        elif task.hash != other.hash:
            yield f"task {task.name}: the instruction or the grading differs"
    if not baseline.tasks:
        yield "the baseline has no task"


def _arms(baseline: Report, candidate: Report, arms: Sequence[str]) -> Iterator[str]:
    theirs = {arm.name: set(arm.plugins) for arm in candidate.arms}
    for arm in baseline.arms:
        if arm.name not in arms:
            continue
        if arm.name not in theirs:
            yield f"the candidate has no arm {arm.name}"
        elif theirs[arm.name] != set(arm.plugins):
            sets = [", ".join(sorted(plugins)) or "no plugin" for plugins in (set(arm.plugins), theirs[arm.name])]
            yield f"arm {arm.name} means {sets[0]} in the baseline and {sets[1]} in the candidate"
    if not arms:
        yield "the baseline has no arm"


def _jobs(baseline: Report, candidate: Report, arms: Sequence[str]) -> Iterator[str]:
    tasks = [task.name for task in baseline.tasks]
    for name, report in (("baseline", baseline), ("candidate", candidate)):
        for arm in arms:
            yield from (f"{name}: {line}" for line in trouble(report, arm, tasks))
    for task in tasks:
        for arm in arms:
            if not shared_seeds(baseline, candidate, arm, task):
                yield f"arm {arm}, task {task}: the reports share no seed"


def _ladders(baseline: Report, candidate: Report) -> Iterator[str]:
    theirs = isolated(ladder_of(candidate))
    for what, total in isolated(ladder_of(baseline)).items():
        if theirs.get(what) != total:
            yield f"{what} compares {' with '.join(total)} in the baseline; the candidate's plan does not"
