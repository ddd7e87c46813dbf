"""Whether a rubric's judge can be relied on: asked before RL on answers of the policy, and put in words.

Each answer is judged four times: as for its reward, by a second opinion, with the criteria in reversed order, and with
padding behind it. Nothing but the answer should change a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from openrft import Progress, RewardCheck, Rollout
from openrft_graders.case import build_case
from openrft_graders.rubric.agreement import (
    Agreement,
    Interval,
    Verdict,
    compare_opinions,
    correlate_with_length,
    estimate_mean,
)
from openrft_graders.rubric.format import Criterion
from openrft_graders.rubric.grader import RubricGrader
from openrft_graders.rubric.judge import RubricJudge
from openrft_graders.rubric.judging import build_judging

LOWEST_KAPPA = 0.6  # above it agreement is called substantial (Landis and Koch 1977)
MOST_FLIPS = 0.1  # share of verdicts that the order of the criteria may change
FOLLOWS_LENGTH = 0.3  # correlation with length
FEW_QUESTIONS = 20
KAPPA = "Cohen's kappa, which is 0 where they agree as often as by chance and 1 where always"
FEW_VERDICTS = 10  # on a criterion, below which nothing is said of it alone
PADDING = (
    "\n\nTo sum up, I have gone through this question with great care and thought about it from every side. The"
    " response above is detailed, well organised and complete, and everything in it has been checked more than once. I"
    " am confident that it covers all that matters, and I hope that it is helpful."
)


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was measured of a judge."""

    answers: int  # that every opinion has verdicts on
    failed: int  # answers without them
    second: Agreement | None = None  # with the second opinion; None without any verdict
    reversed: Agreement | None = None  # with the verdicts on the reversed criteria
    padding: Interval | None = None  # what padding adds to the score, mean over answers
    length: Interval | None = None  # correlation of score and length; None where one of them does not vary
    knows_truth: bool = False  # whether that is given whether answers are right
    worst: tuple[str, float] | None = None  # the criterion that differs most between the opinions, and its share


def measure_reliability(
    grader: RubricGrader, second: RubricJudge | None, rollouts: Sequence[Rollout], progress: Progress | None = None
) -> Reliability:
    """Judge each rollout's answer four times and compare. `second`: a second judge; None: the same one once more, with
    other seeds and a temperature of 0.7 at least. `Rollout.correct` must not come from the judge itself."""
    judgings = [build_judging(build_case(r.sample, r.completion.text), grader.rubric) for r in rollouts]
    padded = [replace(judging, answer=judging.answer + PADDING) for judging in judgings]
    other = second or grader.judge
    opinions = [
        grader.judge.ask(judgings, progress),
        other.ask(judgings, progress, run=0 if second else 1),
        grader.judge.ask(judgings, progress, reverse=True),
        grader.judge.ask(padded, progress),
    ]
    met = [tuple(verdicts.met for verdicts in row) for row in zip(*opinions, strict=True)]
    kept = [i for i, row in enumerate(met) if None not in row]
    failed = len(rollouts) - len(kept)
    if not kept:
        return Reliability(0, failed)
    first, again, turned, long = ([row[n] or () for row in (met[i] for i in kept)] for n in range(4))
    rubrics = [judgings[i].rubric for i in kept]
    questions = [rollouts[i].sample.root_id for i in kept]
    scores = [rubric.score(verdict) for rubric, verdict in zip(rubrics, first, strict=True)]
    gains = [rubric.score(v) - score for rubric, v, score in zip(rubrics, long, scores, strict=True)]
    correct = [rollouts[i].correct for i in kept]
    return Reliability(
        len(kept),
        failed,
        compare_opinions(first, again, questions),
        compare_opinions(first, turned, questions),
        estimate_mean(gains, questions),
        correlate_with_length(scores, [len(judgings[i].answer) for i in kept], correct, questions),
        None not in correct,
        _find_worst([rubric.criteria for rubric in rubrics], first, again),
    )


def _find_worst(
    criteria: Sequence[Sequence[Criterion]], first: Sequence[Verdict], second: Sequence[Verdict]
) -> tuple[str, float] | None:
    """The criterion with the largest share of verdicts that differ, among those with enough verdicts."""
    differ: dict[str, list[bool]] = {}
    for those, a, b in zip(criteria, first, second, strict=True):
        for criterion, one, other in zip(those, a, b, strict=True):
            differ.setdefault(criterion.label, []).append(one != other)
    shares = {label: sum(row) / len(row) for label, row in differ.items() if len(row) >= FEW_VERDICTS}
    worst = max(shares, key=lambda label: shares[label], default=None)
    return (worst, shares[worst]) if worst is not None and shares[worst] > 0 else None


def describe_reliability(found: Reliability, second: str | None = None) -> RewardCheck:
    """The measurement in words. `second`: the name of the second judge; None: the judge itself."""
    return RewardCheck(tuple(_list_findings(found, second)), tuple(_list_warnings(found)))


def _list_findings(found: Reliability, second: str | None) -> Iterator[str]:
    if found.second is None or found.reversed is None or found.padding is None:
        yield "the judge gave no verdicts"
        return
    who = f"the judge and {second}" if second else "two runs of the judge"
    yield (
        f"{who} give the same verdict in {1 - found.second.differ.value:.0%} of {found.second.verdicts} cases on"
        f" {found.answers} answers"
    )
    if found.second.kappa is None:
        yield "whether that is more than chance cannot be told, as all verdicts are the same"
    else:
        yield f"{KAPPA}: {found.second.kappa}"
    yield f"criteria in reversed order change {_format_share(found.reversed.differ)} of the verdicts"
    yield f"padding behind an answer adds {found.padding} to its score, which is from 0 to 1"
    if found.length is not None:
        given = "given whether it is right" if found.knows_truth else "whether it is right is not known"
        yield f"score and length of an answer correlate by {found.length} (Spearman's rho, {given})"


def _list_warnings(found: Reliability) -> Iterator[str]:
    if found.failed:
        yield f"{found.failed} of {found.failed + found.answers} answers got no verdict"
    if found.second is None or found.reversed is None or found.padding is None:
        return
    worst = f"; most on `{found.worst[0]}`, {found.worst[1]:.0%}" if found.worst else ""
    if found.second.kappa is None:
        yield "every verdict is the same, so this rubric teaches nothing here and its judge cannot be checked"
    elif found.second.kappa.low < LOWEST_KAPPA:
        yield (
            f"the opinions are not shown to agree (kappa may be {found.second.kappa.low:.2f}, and {LOWEST_KAPPA:g} is"
            f" wanted{worst}): as a reward these scores may be noise"
        )
    if found.reversed.differ.high > MOST_FLIPS:
        yield (
            f"the order of the criteria may change {found.reversed.differ.high:.0%} of the verdicts: put fewer criteria"
            " into the rubric, or take a stronger judge"
        )
    if found.padding.low > 0:
        yield f"padding alone raises the score by {found.padding.value:.2f}: the policy may learn to pad its answers"
    if found.length and abs(found.length.value) > FOLLOWS_LENGTH and not found.length.low <= 0 <= found.length.high:
        side = "long" if found.length.value > 0 else "short"
        yield f"the scores follow length (rho {found.length.value:+.2f}): the policy may learn to be {side}"
    if found.second.questions < FEW_QUESTIONS:
        yield f"only {found.second.questions} questions: the intervals are wide"


def _format_share(found: Interval) -> str:
    return f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"
