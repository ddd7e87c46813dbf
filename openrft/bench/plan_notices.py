"""What a user should know of a plan before it runs, one line each: what is other than it seems to be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openrft.job import Arm
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import describe_policy
from openrft.plugins.task_registry import load_task
from openrft.policies.description import PolicyDescription
from openrft.tasks.task import DataRequest, Task

MOST_TASKS = 8
SOLUTIONS = (
    "{task} has {count} worked solutions of its own, and they are not imitated. teacher.model=solutions imitates them,"
    " a step to each line."
)


def list_plan_notices(
    tasks: Sequence[str],
    arms: Sequence[Arm],
    policy: str,
    data: DataRequest,
    asked: Mapping[str, Any],
    plugins: PluginSet,
) -> Iterator[str]:
    """The notices. `asked`: the fields of DataRequest that the user gave."""
    trained = {spec: about for spec in dict.fromkeys((policy, *(arm.policy for arm in arms if arm.policy)))
               if (about := describe_policy(spec)) and about.trained_on}  # fmt: skip
    sizes = {side: asked[side] for side in ("train", "test") if isinstance(asked.get(side), int)}
    taught = [arm for arm in arms if "teacher" in arm.plugins and _imitates_a_model(arm, plugins)]
    if len(tasks) > MOST_TASKS:  # more than are kept: each would be read once more
        return
    for name in tasks if trained or sizes or taught else ():
        task = load_task(name, data)
        yield from _list_known(task, trained)
        yield from _list_smaller(task, sizes)
        if taught and (count := sum("solution" in sample.meta for sample in task.train)):
            yield SOLUTIONS.format(task=name, count=count)


def _list_known(task: Task, trained: Mapping[str, PolicyDescription]) -> Iterator[str]:
    for spec, about in trained.items():
        if known := sum(about.find_known(task.test)):
            yield (
                f"{spec} was trained on {known} of the {len(task.test)} test questions of {task.name}. It may know them"
                " by heart: its accuracy on new questions may be lower."
            )


def _list_smaller(task: Task, sizes: Mapping[str, int]) -> Iterator[str]:
    """A side of the split that has fewer questions than were asked for."""
    found = {"train": len(task.train), "test": len(task.test)}
    smaller = [f"{found[side]} of {size} {side} questions" for side, size in sizes.items() if found[side] < size]
    if smaller:
        yield f"{task.name} has fewer questions than were asked for: {' and '.join(smaller)}."


def _imitates_a_model(arm: Arm, plugins: PluginSet) -> bool:
    own = arm.overrides.get("teacher", {}).get("model") or plugins.options.get("teacher", {}).get("model", "self")
    return str(own) != "solutions" and bool({*plugins.trainers_for("imitate")} & {*arm.plugins})
