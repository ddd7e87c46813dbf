"""Grade: how right every answer is, in training and in evaluation alike. The hook is called only here.

The task's own rule comes first. A plugin then grades every answer, or those that the rule leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real

from openrft.errors import PluginError
from openrft.grading.grade import Grade, apply_grade
from openrft.plugins.errors import check_list
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import find_plugin
from openrft.runtime.progress import Progress
from openrft.runtime.ranks import compute_once
from openrft.stages.context import JobContext, StageStats
from openrft.tasks.task import Task
from openrft.types import Rollout


def grade_rollouts(context: JobContext, rollouts: Sequence[Rollout], stats: StageStats) -> list[Rollout]:
    """The rollouts with their grades. What a server failed to answer has none."""
    graded = compute_once(lambda: grade_by_rule(context.task, rollouts))  # a slow formula may end in time or not
    return call_grade_hooks(context.plugins, graded, context.training_task, context.progress, stats)


def grade_by_rule(task: Task, rollouts: Sequence[Rollout]) -> list[Rollout]:
    """The rollouts with the grades of the task's own rule."""
    return [apply_grade(r, task.grade(r.sample, r.completion.text)) if is_answered(r) else r for r in rollouts]


def call_grade_hooks(
    plugins: PluginSet, rollouts: Sequence[Rollout], task: Task, progress: Progress, stats: StageStats
) -> list[Rollout]:
    """`rollouts`, which the task's rule has graded, with the grades of the plugins.

    The plugin that grades all answers is asked about all of them. If there is none, or it returns None, the first of
    the others that returns grades is asked about those that are open. Raises PluginError, which names the plugin, for
    a missing list, a wrong number of grades or a score outside [0, 1].
    """
    everything = plugins.grading("all")
    if everything and (found := _ask(plugins, everything, rollouts, is_answered, task, progress, stats)) is not None:
        return found
    rest = _ask(plugins, plugins.grading("open"), rollouts, is_open, task, progress, stats)
    return list(rollouts) if rest is None else rest


def is_answered(rollout: Rollout) -> bool:
    """Whether there is an answer to grade, which may be empty."""
    return rollout.completion.finish_reason != "error"


def is_open(rollout: Rollout) -> bool:
    """Whether the answer has no grade yet, although there is an answer."""
    return rollout.correct is None and is_answered(rollout)


def _ask(
    plugins: PluginSet,
    names: Sequence[str],
    rollouts: Sequence[Rollout],
    concerns: Callable[[Rollout], bool],
    task: Task,
    progress: Progress,
    stats: StageStats,
) -> list[Rollout] | None:
    """The rollouts with the grades of the first of `names` that returns any; None if none does."""
    asked = [r for r in rollouts if concerns(r)]
    if not (asked and names):
        return None
    found = plugins.call_first("grade", among=names, rollouts=asked, task=task, progress=progress)
    if found is None:
        return None
    name, result = found
    stats.add_result(name, result)
    grades = check_list(name, "grade", Grade, result.value)
    if len(grades) != len(asked):
        raise PluginError(f"{find_plugin(name)} gave {len(grades)} grades for {len(asked)} answers.")
    each = iter([_check_grade(name, rollout, grade) for rollout, grade in zip(asked, grades, strict=True)])
    return [apply_grade(r, next(each)) if concerns(r) else r for r in rollouts]


def _check_grade(name: str, rollout: Rollout, grade: Grade) -> Grade:
    """The grade with plain Python values; those of numpy are accepted. Raises PluginError that says what is wrong."""
    correct, score = grade.correct, grade.score
    if not (grade.answer is None or isinstance(grade.answer, str)):
        fault, advice = f"the answer is a {type(grade.answer).__name__}", "Give what was read as a text, or None."
    elif not (correct is None or correct in (True, False)):
        fault, advice = f"correct is {correct!r}", "Give True, False or None; a share of the mark is a score."
    elif not (score is None or isinstance(score, Real)):
        fault, advice = f"the score is a {type(score).__name__}", "Give a number from 0 to 1, or None."
    elif score is not None and not 0 <= score <= 1:  # nan is outside, too
        fault, advice = f"the score is {score}, which is not in [0, 1]", "Give the share of the highest mark."
    else:
        plain = None if score is None else float(score)
        return replace(grade, correct=None if correct is None else bool(correct), score=plain)
    raise PluginError(f"{find_plugin(name)} in grade, sample {rollout.sample.id}: {fault}.", advice)
