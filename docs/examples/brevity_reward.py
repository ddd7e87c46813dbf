"""Reward something besides the right answer: short completions. R = alpha * grade + (1 - alpha) * brevity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Reward, Rollout


class Brevity(openrft.Plugin):
    """1 up to a number of words, then less, in proportion. Test answers are graded as without it."""

    requires = ("rl",)
    rewards = ("process",)
    needs_gold = False  # best-of-n may score answers to new questions by it

    @dataclass(frozen=True)
    class Options:
        words: int = openrft.option(60, help="Number of words up to which a completion earns all of it.", ge=1)

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[Rollout]) -> list[Reward | None]:
        return [Reward("brevity", "process", self._score(rollout.completion.text)) for rollout in rollouts]

    def _score(self, completion: str) -> float:
        count = len(completion.split())
        return min(1.0, self.options.words / count) if count else 0.0  # an empty completion is not brief
