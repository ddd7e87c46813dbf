"""Placebo rewards: how much does RL gain when the reward says nothing about what is right? Compare real gains with it.

On some models a random reward raised accuracy by 21 points where the true one gave 29 (arXiv 2506.10947).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from openrft import LETTERS, Plugin, Reward, Rollout, Sample, hookimpl, option


class Placebo(Plugin):
    """The plugin `placebo`: it replaces the outcome reward."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """Which placebo."""

        kind: Literal["noise", "format", "shuffled"] = option(
            "noise",
            help="noise: a fair coin for each rollout. format: 1 if any answer was found. shuffled: each question has a"
            " label drawn at random, the same one throughout, and an answer earns 1 if it agrees with that label.",
        )
        share: float = option(
            1.0,
            help="Share of the questions that earn the placebo. The others earn their grade, as without this plugin.",
            ge=0,
            le=1,
        )

    requires = ("rl",)
    rewards = ("outcome",)

    def __init__(self, options: Options) -> None:
        self.options = options

    @hookimpl
    def reward(self, rollouts: Sequence[Rollout], seed: int) -> list[Reward | None]:
        """One outcome reward per rollout; None for an answer that earns its grade and has none."""
        coin = random.Random(seed)
        scores = [self._score(r, coin) for r in rollouts]  # all of them: the coin falls alike whatever the share
        earned = [s if self._is_placebo(r.sample) else score_grade(r) for r, s in zip(rollouts, scores, strict=True)]
        return [None if score is None else Reward("placebo", "outcome", score) for score in earned]

    def _is_placebo(self, sample: Sample) -> bool:
        """Whether the question earns the placebo. A question that does at one share does at every larger one."""
        return random.Random(f"placebo/{sample.root_id}").random() < self.options.share

    def _score(self, rollout: Rollout, coin: random.Random) -> float:
        if self.options.kind == "noise":
            return float(coin.random() < 0.5)
        if self.options.kind == "format" or rollout.answer is None:
            return float(rollout.answer is not None)
        return float(matches_random_label(rollout.sample, rollout.answer))


def score_grade(rollout: Rollout) -> float | None:
    """The strict grade as a reward: 1 if right, else 0, or the score of a partly right answer. None without a grade."""
    if rollout.score is not None:
        return rollout.score
    return None if rollout.correct is None else float(rollout.correct)


def matches_random_label(sample: Sample, answer: str) -> bool:
    """Whether `answer` agrees with the label drawn for this question. The gold answer plays no part in it.

    The draw is keyed by the original question (`Sample.root_id`), not by the step: a label that changed would be noise
    again. Questions with options and yes/no questions get one of their possible answers. Numbers and texts have no such
    list, so each answer to a question is right or wrong by a fair coin of its own.
    """
    labels = {"choice": tuple(LETTERS[: len(sample.options)]), "boolean": ("Yes", "No")}.get(sample.kind)
    if labels:
        return answer == random.Random(sample.root_id).choice(labels)
    return random.Random(f"{sample.root_id}/{_normalize(sample, answer)}").random() < 0.5


def _normalize(sample: Sample, answer: str) -> str:
    """Answers that mean the same in the same form: 1,000 and 1e3, "Zinc oxide." and "zinc  oxide"."""
    if sample.kind == "number":
        try:
            return str(float(answer.replace(",", "").replace("\u2212", "-")))
        except ValueError:
            pass
    return " ".join(answer.lower().split()).rstrip(".")
