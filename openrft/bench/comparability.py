"""Whether two reports measure the same thing, with every reason why not, and what was run otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from openrft.bench.ablation import list_effect_weights, read_ablation
from openrft.bench.outcomes import find_failures
from openrft.bench.report import ArmRecord, Report
from openrft.config.options import describe_options
from openrft.config.settings import STAGE_SETTINGS, choose_aggregation
from openrft.tasks.task import DataRequest


def find_obstacles(baseline: Report, candidate: Report, arms: Sequence[str], with_components: bool) -> list[str]:
    """Why `candidate` cannot be compared with `baseline` on these arms and the baseline's tasks. Empty = it can."""
    found = [*_tasks(baseline, candidate), *_arms(baseline, candidate, arms)]
    if not found:
        found += _jobs(baseline, candidate, arms)
    if with_components and not found:
        found += _ablations(baseline, candidate)
    return found


def find_shared_seeds(baseline: Report, candidate: Report, arm: str, task: str) -> list[int]:
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
            yield f"task {task.name}: {strange} test items are in one report only"
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
            yield from (f"{name}: {line}" for line in find_failures(report, arm, tasks))
    for task in tasks:
        for arm in arms:
            if not find_shared_seeds(baseline, candidate, arm, task):
                yield f"arm {arm}, task {task}: the reports share no seed"


def _ablations(baseline: Report, candidate: Report) -> Iterator[str]:
    theirs = list_effect_weights(read_ablation(candidate))
    for what, total in list_effect_weights(read_ablation(baseline)).items():
        if theirs.get(what) != total:
            yield f"{what} compares {' with '.join(total)} in the baseline; the candidate's plan does not"


ABSENT = "not set"


def describe_changes(baseline: Report, candidate: Report, arms: Collection[str]) -> str:
    """One line about the settings, options, versions and machine that differ; empty if none does.

    A version counts if both reports have it. The place of the rows does not count, because the test items are the same.
    An option that one report does not know yet counts as its default, which is what it did before.
    """
    before, after = (dict(_run_with(report, arms)) for report in (baseline, candidate))
    names, defaults = [*dict.fromkeys((*before, *after))], _list_defaults()
    found = [(name, *(side.get(name, ABSENT) for side in (before, after))) for name in names]
    found = [row for row in found if not (ABSENT in row and defaults.get(row[0]) in row[1:])]
    found += [(name, old, candidate.versions.get(name, old)) for name, old in baseline.versions.items()]
    told = [f"{name} {old} -> {new}" for name, old, new in found if not _same(old, new)]
    return f"Run otherwise than the baseline: {', '.join(told)}." if told else ""


def list_differences(first: Report, first_arm: ArmRecord, second: Report, second_arm: ArmRecord) -> list[str]:
    """What was run otherwise in two arms of any two reports, one line each: plugins, settings, data, versions, machine.

    Settings are those in effect for the arm. An option that one report does not know yet counts as its default.
    """
    both = {*first_arm.plugins} & {*second_arm.plugins}
    sides = [_describe_arm(report, arm, both) for report, arm in ((first, first_arm), (second, second_arm))]
    defaults, lines = _list_defaults(), []
    for name in dict.fromkeys((*sides[0], *sides[1])):
        old, new = (side.get(name, defaults.get(name, ABSENT)) for side in sides)
        if not _same(old, new) and not (ABSENT in (old, new) and name.startswith(VERSION)):
            lines.append(f"{name}: {old} in A, {new} in B")
    return lines


VERSION = "version of "


def _describe_arm(report: Report, arm: ArmRecord, plugins: Collection[str]) -> dict[str, str]:
    """Everything that may differ between two arms, as text. `plugins`: those whose options count, as both arms have
    them."""
    families = {task.name.split("/")[0] for task in report.tasks}
    owners = {*STAGE_SETTINGS, *plugins, *families, "data"}
    settings = {name: value for name, value in _run_with(report, ()) if "." not in name or name.split(".")[0] in owners}
    for owner, values in arm.overrides.items():
        settings |= dict(_flat(owner, values)) if owner in owners else {}
    found = {"plugins": ", ".join(arm.plugins) or "none", **settings}
    if arm.policy:
        found["policy"] = arm.policy
    return found | {f"{VERSION}{name}": version for name, version in report.versions.items()}


def _list_defaults() -> dict[str, str]:
    """The default of every option of the core as text, under the name that a user types."""
    owners = {**STAGE_SETTINGS, "data": DataRequest}
    return {f"{owner}.{o.name}": str(o.default) for owner, kind in owners.items() for o in describe_options(kind)}


def _run_with(report: Report, arms: Collection[str]) -> Iterator[tuple[str, str]]:
    """Every setting as text, under the name that a user types. So an option typed as 160 equals the default 160."""
    plan = report.plan
    yield "policy", str(plan.get("policy", ABSENT))
    yield from _flat("data", {key: value for key, value in plan.get("data", {}).items() if key != "data"})
    for owner, values in (*plan.get("settings", {}).items(), *plan.get("options", {}).items()):
        if owner == "explore" and "aggregation" in values:  # none in a plan stands for the aggregation in use
            values = {**values, "aggregation": choose_aggregation(values["aggregation"], values.get("credit"))}
        yield from _flat(owner, values)
    for arm in report.arms:
        if arm.name in arms:
            for owner, values in arm.overrides.items():
                yield from _flat(f"{arm.name}: {owner}", values)
    yield from ((key, str(report.machine.get(key) or "none")) for key in ("system", "gpu"))


def _same(old: str, new: str) -> bool:
    """Whether two values are equal as numbers (1e-4 and 0.0001) or as text."""
    with contextlib.suppress(ValueError):
        return float(old) == float(new)
    return old == new


def _flat(owner: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((f"{owner}.{option}", str(value)) for option, value in values.items())
