"""Grade by a rule of your own: the share of wanted words in an answer. The gold answer lists them: `tin; zinc`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Grade, Rollout, Sample


class Keywords(openrft.Plugin):
    """Grades every answer, in training and in evaluation, in place of the task's own rule."""

    grades = "all"

    @dataclass(frozen=True)
    class Options:
        needed: float = openrft.option(1.0, help="Share of the words from which an answer is right.", gt=0, le=1)

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def grade(self, rollouts: Sequence[Rollout]) -> list[Grade]:
        return [self._grade(rollout.sample, rollout.completion.text) for rollout in rollouts]

    def _grade(self, sample: Sample, completion: str) -> Grade:
        answer = openrft.strip_thinking(completion).strip()
        if not answer:
            return Grade(None, False, 0.0, reason="no answer")
        words = [word.strip() for word in sample.gold.split(";")]
        missing = [word for word in words if word.casefold() not in answer.casefold()]
        share = 1 - len(missing) / len(words)
        return Grade(answer, share >= self.options.needed, share, reason=f"lacks {', '.join(missing) or 'nothing'}")
