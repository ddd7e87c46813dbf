"""How often each criterion is met: what a report shows of a rubric beside the mean score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean

from openrft import Rollout
from openrft_graders.case import Score
from openrft_graders.grader import Grader, Multi
from openrft_graders.rubric.grader import RubricGrader

MOST_COMMON = 10  # criteria that are shown where each row has a rubric of its own
SHARED = 2  # questions that such a criterion must have


def find_rubric_graders(grader: Grader) -> dict[str, RubricGrader]:
    """The grader itself, or the graders of a formula, that work by a rubric. Several have their names in the formula;
    the only one has none."""
    parts = grader.graders if isinstance(grader, Multi) else {"": grader}
    found = {name: part for name, part in parts.items() if isinstance(part, RubricGrader)}
    return found if len(found) > 1 else dict(zip([""], found.values(), strict=False))


def measure_criteria(grader: Grader, rollouts: Sequence[Rollout], scores: Sequence[Score]) -> dict[str, float]:
    """The share of scored answers that meet each criterion, by the criterion's label. Where several rubrics are in a
    formula, the name of each stands before its labels.

    With one rubric for all, every criterion. With a rubric a row, the criteria that most questions share; none where
    each belongs to one question.
    """
    met: dict[str, list[float]] = defaultdict(list)
    questions: dict[str, set[str]] = defaultdict(set)
    sets: set[frozenset[str]] = set()
    named = len(find_rubric_graders(grader)) > 1
    for rollout, score in zip(rollouts, scores, strict=True):
        found = dict(_list_parts(grader, score, named)) if score.value is not None else {}
        if found:
            sets.add(frozenset(found))
        for label, value in found.items():
            met[label].append(value)
            questions[label].add(rollout.sample.root_id)
    shown = list(met)
    if len(sets) > 1:
        shared = [label for label in met if len(questions[label]) >= SHARED]
        shown = sorted(shared, key=lambda label: (-len(questions[label]), label))[:MOST_COMMON]
    return {label: fmean(met[label]) for label in shown}


def _list_parts(grader: Grader, score: Score, named: bool) -> Iterator[tuple[str, float]]:
    """The verdicts in a score, by label."""
    if isinstance(grader, Multi):
        for name, part in grader.graders.items():
            for label, value in _list_parts(part, score.parts[name], named) if name in score.parts else ():
                yield f"{name}: {label}" if named else label, value
    elif isinstance(grader, RubricGrader):
        yield from ((label, verdict.value) for label, verdict in score.parts.items() if verdict.value is not None)
