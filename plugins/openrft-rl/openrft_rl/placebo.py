"""Placebo rewards: what does RL gain when the reward carries no information? An arm to hold real gains against.

On some models a random reward raised accuracy by 21 points where the true one gave 29 (arXiv 2506.10947).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import openrft
from openrft import Reward, Rollout


class Placebo:
    """Replaces the outcome reward."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """Which placebo."""

        kind: Literal["noise", "format", "shuffled"] = "noise"
        # ^ noise: a fair coin a rollout; format: 1 if any answer was found; shuffled: each question's gold answer is
        #   replaced by one of its other options, the same one throughout

    needs = ("rl",)
    rewards = ("outcome",)

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[Rollout], seed: int) -> list[Reward]:
        coin = random.Random(seed)
        return [Reward("placebo", "outcome", self._score(r, coin)) for r in rollouts]

    def _score(self, rollout: Rollout, coin: random.Random) -> float:
        if self.options.kind == "noise":
            return float(coin.random() < 0.5)
        if self.options.kind == "format":
            return float(rollout.answer is not None)
        others = [chr(65 + i) for i in range(len(rollout.sample.options)) if chr(65 + i) != rollout.sample.answer]
        # Keyed by the question, not by the step: a wrong label that changed would be noise again.
        return float(bool(others) and rollout.answer == random.Random(rollout.sample.root).choice(others))
