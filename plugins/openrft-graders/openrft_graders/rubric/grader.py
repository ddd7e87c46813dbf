"""The grader of the kind `rubric`: a judge's verdicts as a score, with one part for each criterion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openrft import Progress, UsageError
from openrft_graders.case import Case, Score
from openrft_graders.rubric.format import Rubric
from openrft_graders.rubric.judge import RubricJudge, Verdicts
from openrft_graders.rubric.judging import Judging, build_judging, find_rubric
from openrft_graders.template import Variable

THRESHOLD = 0.5  # of a score that counts as correct where the user says nothing: half of what can be earned


@dataclass(frozen=True, slots=True)
class RubricGrader:
    """Scores answers by the rubric of their row, or by one rubric for all."""

    judge: RubricJudge
    rubric: Rubric | None = None  # of rows without their own
    threshold: float = THRESHOLD
    range: tuple[float, float] = (0.0, 1.0)

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """A rubric has no templates."""
        return iter(())

    def find_fault(self, case: Case) -> str:
        """Why a row cannot be graded; empty if it can."""
        try:
            find_rubric(case.item, self.rubric)
        except UsageError as fault:
            return str(fault)
        return ""

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`. `Score.parts` has 1 or 0 for each criterion, by its label."""
        judgings: list[Judging | Score] = []
        for case in cases:
            try:
                judgings.append(build_judging(case, self.rubric))
            except UsageError as fault:
                judgings.append(Score(None, fault.message))
        asked = [judging for judging in judgings if isinstance(judging, Judging)]
        verdicts = iter(self.judge.ask(asked, progress))
        return [row if isinstance(row, Score) else to_score(row, next(verdicts)) for row in judgings]


def to_score(judging: Judging, verdicts: Verdicts) -> Score:
    """The score that verdicts make. No verdict gives no score."""
    if verdicts.met is None:
        return Score(None, verdicts.reason)
    parts = {label: Score(float(met)) for label, met in zip(judging.rubric.labels, verdicts.met, strict=True)}
    words = f"{sum(verdicts.met)} of {len(parts)} criteria are met"
    return Score(judging.rubric.score(verdicts.met), words, parts)
