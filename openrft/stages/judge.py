"""Judge: the answers that the task's grader leaves open, in evaluation and in RL. The hook is called only here."""

from __future__ import annotations

from openrft.errors import PluginError
from openrft.grading.grade import Grade, apply_grade
from openrft.plugins.errors import check_list
from openrft.plugins.registry import find_plugin
from openrft.stages.context import JobContext, StageStats
from openrft.types import Rollout


def judge_open_answers(context: JobContext, rollouts: list[Rollout], stats: StageStats) -> list[Rollout]:
    """The rollouts, with those that the task's grader left open graded by the first plugin that judges them."""
    waiting = [r for r in rollouts if is_open(r)]
    if not waiting:
        return rollouts
    found = context.plugins.call_first("judge", rollouts=waiting, task=context.training_task, progress=context.progress)
    if found is None:
        return rollouts
    name, result = found
    stats.add_result(name, result)
    verdicts = check_list(name, "judge", Grade, result.value)
    if len(verdicts) != len(waiting):
        raise PluginError(f"{find_plugin(name)} judged {len(verdicts)} of {len(waiting)} answers.")
    each = iter(verdicts)
    return [apply_grade(r, next(each)) if is_open(r) else r for r in rollouts]


def is_open(rollout: Rollout) -> bool:
    """Whether the answer has no grade yet, although there is an answer."""
    return rollout.correct is None and rollout.completion.finish_reason != "error"
