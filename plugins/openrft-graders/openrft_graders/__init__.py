"""Graders in OpenAI's format and rubrics for every task, as evaluation and as reward: the plugin `graders`.

Nothing heavy is imported until a grader needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from openrft import Grade, HookResult, Plugin, Progress, Reward, RewardCheck, Rollout, Task, UsageError, hookimpl
from openrft_graders.options import GraderOptions

if TYPE_CHECKING:
    from openrft_graders.grading import RolloutGrader

__all__ = ["Graders"]

NAME_ONE = (
    "Say which with --set graders.grader=FILE, or name a rubric with graders.rubric=FILE and its judge with"
    " graders.judge=MODEL. The judge alone takes the rubric of each row."
)


class Graders(Plugin):
    """Grades by a grader of the user's: what the task's own grader leaves open, and what training earns."""

    rewards = ("outcome",)
    Options = GraderOptions

    def __init__(self, options: GraderOptions | None = None) -> None:
        self._options = options or GraderOptions()
        self._opened: RolloutGrader | None = None
        if options is not None and options.names_grader:
            from openrft_graders.grading import open_grader

            self._opened = open_grader(options, "graders")

    @property
    def _grader(self) -> RolloutGrader:
        if self._opened is None:
            raise UsageError("no grader is named.", NAME_ONE)
        return self._opened

    @hookimpl
    def check_job(self, task: Task) -> list[str]:
        if self._opened is None:
            return [f"no grader is named. {NAME_ONE}"]
        return self._opened.check_rows(task.train)

    @hookimpl
    def reward(self, rollouts: Sequence[Rollout]) -> HookResult[list[Reward | None]]:
        """The grader's value as the outcome reward; none for an answer that it could not score."""
        return self._grader.reward(rollouts)

    @hookimpl
    def check_reward(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[RewardCheck] | None:
        """Whether a rubric's judge can be relied on; nothing for other graders."""
        return self._grader.check_judge(rollouts, progress)

    @hookimpl
    def judge(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[list[Grade]]:
        return self._grader.judge(rollouts, progress)

    @hookimpl
    def evaluate(self, rollouts: Sequence[Rollout]) -> HookResult[dict[str, float]]:
        """The mean value of the test answers and the share that passes, over those that were scored."""
        return self._grader.measure(rollouts)
