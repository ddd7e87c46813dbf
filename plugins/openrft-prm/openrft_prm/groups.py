"""What is asked of a scorer: a question with the completions that are scored together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from openrft import Rollout, steps_of

Pair = tuple[str, str]  # (problem, completion)
Group = tuple[str, tuple[str, ...]]  # (problem, its distinct completions in order)
Steps = tuple[float, ...]  # a score in [0, 1] for each step of a completion (`openrft.steps_of`)


class Scorer(Protocol):
    """Something that judges the steps of completions."""

    counts: dict[str, int]  # what is worth knowing of the last call, such as steps that were not read

    def score(self, groups: Sequence[Group]) -> list[list[Steps]]:
        """For each group and each of its completions, in order."""
        ...


def pair_of(rollout: Rollout) -> Pair:
    """The question as the policy read it, without demonstrations (the last user turn), and what it wrote."""
    return [m for m in rollout.messages if m["role"] == "user"][-1]["content"], rollout.completion.text


def grouped(pairs: Iterable[Pair], together: bool) -> list[Group]:
    """The distinct pairs that have steps: by question if they are read together, else each alone.

    Sorted, so that a group is the same in whatever order it was drawn, and neighbours begin alike.
    """
    distinct = [pair for pair in dict.fromkeys(pairs) if steps_of(pair[1])]
    if not together:
        return [(problem, (text,)) for problem, text in distinct]
    found: dict[str, list[str]] = {}
    for problem, text in distinct:
        found.setdefault(problem, []).append(text)
    return [(problem, tuple(sorted(texts))) for problem, texts in found.items()]
