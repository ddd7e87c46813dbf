"""Rows and jobs of OpenAI's reinforcement fine-tuning as tasks: the plugin `openai-rft`.

Its task leaves every answer open, and this plugin grades it with the grader of the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from openrft import Grade, HookResult, Plugin, Progress, RewardCheck, Rollout, Task, TaskFamily, hookimpl
from openrft_graders.options import GraderOptions

if TYPE_CHECKING:
    from openrft_graders.grading import RolloutGrader

__all__ = ["OpenAIRFT"]


class OpenAIRFT(Plugin):
    """Gives the family `openai-rft`, and grades its answers."""

    changes_nothing_alone = True  # it measures and changes nothing
    Options = GraderOptions

    def __init__(self, options: GraderOptions | None = None) -> None:
        self._grader: RolloutGrader | None = None
        if options is not None and options.names_grader:
            from openrft_graders.grading import open_grader

            self._grader = open_grader(options, "openai-rft")

    @hookimpl
    def tasks(self) -> TaskFamily:
        from openrft_graders.rft.family import RFTFamily

        return RFTFamily()

    @hookimpl
    def check_job(self, task: Task) -> list[str]:
        if not task.name.startswith("openai-rft/"):
            return []
        if self._grader is None:
            return ["no grader is named: say which with --set openai-rft.grader=JOB.json."]
        return self._grader.check_rows(task.train)

    @hookimpl
    def check_reward(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[RewardCheck] | None:
        """Whether the judge of a rubric can be relied on; nothing for other graders."""
        return self._grader.check_judge(rollouts, progress) if self._grader else None

    @hookimpl
    def grade(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[list[Grade]] | None:
        return self._grader.grade(rollouts, progress) if self._grader else None

    @hookimpl
    def evaluate(self, rollouts: Sequence[Rollout]) -> HookResult[dict[str, float]]:
        """The mean value of the test answers, and the shares that pass and that are valid JSON of the schema."""
        return self._grader.measure(rollouts) if self._grader else HookResult({})
