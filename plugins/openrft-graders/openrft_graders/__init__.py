"""Graders in OpenAI's format and rubrics for every task, as evaluation and as reward: the plugin `graders`.

Nothing heavy is imported until a grader needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from openrft import (
    Grade,
    HookResult,
    Plugin,
    Progress,
    Reward,
    RewardCheck,
    Rollout,
    Task,
    UsageError,
    hookimpl,
    option,
)
from openrft_graders.options import GraderOptions

if TYPE_CHECKING:
    from openrft_graders.grading import RolloutGrader

__all__ = ["Graders"]

NAME_ONE = (
    "Say which with --set graders.grader=FILE, or name a rubric with graders.rubric=FILE and its judge with"
    " graders.judge=MODEL. The judge alone takes the rubric of each row."
)


class Graders(Plugin):
    """Grades by a grader of the user's, in training and in evaluation; or rewards by it in training alone."""

    grades: Literal["all", "open", "none"] = "all"  # __init__ sets what the options say

    @dataclass(frozen=True, slots=True)
    class Options(GraderOptions):
        """A grader, and what it is used for."""

        grades: Literal["all", "open", "none"] = option(
            "all",
            help="Which answers it grades, in training and in evaluation. open: those that the task's own rule leaves"
            " open. none: it only rewards them in RL, and the task's rule grades them.",
        )

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or self.Options()
        self.grades = self._options.grades
        self.rewards = ("outcome",) if self.grades == "none" else ()
        self._opened: RolloutGrader | None = None
        if options is not None and options.names_grader:
            from openrft_graders.grading import open_grader

            self._opened = open_grader(options, "graders")
        self.needs_gold = self._opened is None or self._opened.needs_gold

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
        """The grader's value as the outcome reward, with grades=none; none for an answer that it could not score."""
        return self._grader.reward(rollouts)

    @hookimpl
    def check_reward(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[RewardCheck] | None:
        """Whether a rubric's judge can be relied on; nothing for other graders."""
        return self._grader.check_judge(rollouts, progress)

    @hookimpl
    def grade(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[list[Grade]]:
        return self._grader.grade(rollouts, progress)

    @hookimpl
    def evaluate(self, rollouts: Sequence[Rollout]) -> HookResult[dict[str, float]]:
        """The mean value of the test answers and the share that passes, over those that were scored."""
        return self._grader.measure(rollouts)
