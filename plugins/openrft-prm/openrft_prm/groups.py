"""What a scorer is asked: a problem with the completions that are scored together. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from openrft import Rollout, split_steps

Pair = tuple[str, str]  # (problem, completion)
Group = tuple[str, tuple[str, ...]]  # (problem, its distinct completions in order)
StepScores = tuple[float, ...]  # a score in [0, 1] for each step of a completion (`openrft.split_steps`)


class Scorer(Protocol):
    """Scores the steps of completions: a process reward model or an LLM judge."""

    counts: dict[str, int]  # what the last call counted, such as steps that were not read

    def score(self, groups: Sequence[Group]) -> list[list[StepScores]]:
        """The step scores of each completion of each group, in order."""
        ...


def get_pair(rollout: Rollout) -> Pair:
    """The problem as the policy read it, without demonstrations (the last user turn), and what it wrote."""
    return [m for m in rollout.messages if m["role"] == "user"][-1]["content"], rollout.completion.text


def group_pairs(pairs: Iterable[Pair], together: bool) -> list[Group]:
    """The distinct pairs that have steps: by problem if they are read together, else each alone.

    Completions are sorted, so that a group is the same in whatever order it was drawn, and neighbours begin alike.
    """
    distinct = [pair for pair in dict.fromkeys(pairs) if split_steps(pair[1])]
    if not together:
        return [(problem, (text,)) for problem, text in distinct]
    by_problem: dict[str, list[str]] = {}
    for problem, text in distinct:
        by_problem.setdefault(problem, []).append(text)
    return [(problem, tuple(sorted(texts))) for problem, texts in by_problem.items()]


def flatten_scores(groups: Sequence[Group], scores: Sequence[Sequence[StepScores]]) -> dict[Pair, StepScores]:
    """The step scores of each pair; `scores` as `Scorer.score` returns them for `groups`."""
    return {
        (problem, text): steps
        for (problem, texts), rows in zip(groups, scores, strict=True)
        for text, steps in zip(texts, rows, strict=True)
    }
