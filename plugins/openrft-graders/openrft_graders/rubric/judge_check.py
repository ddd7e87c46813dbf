"""The check of a rubric's judge before RL: on which answers, by whom, and what is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openrft import HookResult, Progress, RewardCheck, Rollout
from openrft_graders.model_graders import SharedPolicy
from openrft_graders.rubric.grader import RubricGrader
from openrft_graders.rubric.judge import RubricJudge

if TYPE_CHECKING:
    from openrft_graders.rubric.reliability import Reliability


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """How a judge is checked."""

    graders: Mapping[str, RubricGrader]  # by name; the only one has none
    second_judge: str | None  # a policy; None: the judge itself once more
    answers: int  # at most; 0: no check

    def run(self, rollouts: Sequence[Rollout], progress: Progress) -> HookResult[RewardCheck] | None:
        """The findings and warnings in words, and the numbers as metrics. None without answers to check."""
        from openrft_graders.rubric.reliability import describe_reliability, measure_reliability

        chosen = choose_answers(rollouts, self.answers)
        if not chosen:
            return None
        findings: list[str] = []
        warnings: list[str] = []
        metrics: dict[str, float] = {}
        for name, grader in self.graders.items():
            second = RubricJudge(SharedPolicy(self.second_judge), grader.judge.sampling) if self.second_judge else None
            found = measure_reliability(grader, second, chosen, progress)
            check = describe_reliability(found, self.second_judge)
            findings += [f"{name}: {words}" if name else words for words in check.findings]
            warnings += [f"{name}: {words}" if name else words for words in check.warnings]
            metrics |= {f"{name}.{number}" if name else number: value for number, value in _list_numbers(found).items()}
        return HookResult(RewardCheck(tuple(findings), tuple(warnings)), metrics=metrics)


def choose_answers(rollouts: Sequence[Rollout], count: int) -> list[Rollout]:
    """`count` written answers: one of each question, then a second one of each, and so on."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int]] = []
    for i, rollout in enumerate(rollouts):
        if rollout.completion.is_written:
            ranked.append((seen[rollout.sample.id], i))
            seen[rollout.sample.id] += 1
    return [rollouts[i] for _, i in sorted(ranked)[:count]]


def _list_numbers(found: Reliability) -> dict[str, float]:
    numbers = {"judge_failed": float(found.failed)}
    if found.second is not None and found.second.kappa is not None:
        numbers |= {"kappa": found.second.kappa.value, "kappa_low": found.second.kappa.low}
    if found.reversed is not None:
        numbers["order_flips"] = found.reversed.differ.value
    if found.padding is not None:
        numbers["padding_gain"] = found.padding.value
    if found.length is not None:
        numbers["length_rho"] = found.length.value
    return numbers
