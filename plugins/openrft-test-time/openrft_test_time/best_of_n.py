"""The plugin `best-of-n`: of several completions, the one that a process reward model, a judge or another plugin's
reward scores highest, or a vote that its scores weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from openrft_prm import PRM

import openrft


class BestOfN(openrft.Plugin):
    """Best-of-n and weighted voting by a process reward model, an LLM judge or a plugin's reward, without training."""

    @dataclass(frozen=True)
    class Options(PRM.Options):
        """What a user can set: `--set best-of-n.NAME=VALUE`."""

        model: openrft.WeightsPath = openrft.option(
            "",
            help="The reward model: a shipped name (pocket/prm), a folder, a hub id, or openai:http://host/v1#model for"
            " a judge. Needed unless `reward` is set.",
        )
        completions: int = openrft.option(16, help="Completions for each answer.", ge=2)
        reward: openrft.RewardName = openrft.option(
            "",
            help="A plugin whose reward scores the completions in place of `model`, with the options that are set for"
            " it. It must not need the gold answer (`needs_gold`).",
        )
        rule: Literal["best", "vote"] = openrft.option(
            "best",
            help="best: the completion with the highest score. vote: the answer whose completions have the largest sum"
            " of scores.",
            source="best: arXiv 2305.20050; vote: arXiv 2211.14275",
        )
        aggregation: openrft.Aggregation = openrft.option(
            "min",
            help="How the scores of a completion's steps make one.",
            source="min, as in RL by default; arXiv 2305.20050 takes their product",
        )

        def __post_init__(self) -> None:
            """The model is checked by `check_job`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._prm: PRM | None = None
        self.completions_per_answer = options.completions
        self.answer_rule = options.rule

    @openrft.hookimpl
    def check_job(self) -> list[str]:
        """Checks that there is something that scores, and that a model's files can be read."""
        if self._options.reward:
            return []
        if self._options.model.lower() in ("", "none"):
            return [
                "nothing scores its completions. Name a process reward model with --set best-of-n.model=PATH (a folder,"
                " a hub id, pocket/prm, or openai:URL#MODEL), or a plugin's reward with --set best-of-n.reward=NAME."
            ]
        self._open()
        return []

    @openrft.hookimpl
    def weigh(
        self, candidates: Sequence[openrft.Candidates], rewards: Sequence[Sequence[openrft.Reward]] | None
    ) -> openrft.HookResult[list[list[float]]]:
        """The score of each completion, in [0, 1] by a model: that of its steps together. Without a step it is 0."""
        if rewards is not None:
            return openrft.HookResult(self._weigh_rewards(rewards))
        problems = [next(m for m in reversed(own.messages) if m["role"] == "user")["content"] for own in candidates]
        pairs = [(p, c.text) for p, own in zip(problems, candidates, strict=True) for c in own.completions]
        steps, counts = self._open().score_steps(pairs)
        scores = iter(openrft.aggregate_steps(own, self._options.aggregation) for own in steps)
        return openrft.HookResult([[next(scores) for _ in own.completions] for own in candidates], counts)

    def _weigh_rewards(self, rewards: Sequence[Sequence[openrft.Reward]]) -> list[list[float]]:
        """Rewards as weights. Where one is below 0, all are moved into (0, 1) in their order, for the rule best."""
        scores = [[self._read(reward) for reward in own] for own in rewards]
        lowest = min((score for own in scores for score in own), default=0.0)
        if lowest >= 0:
            return scores
        if self._options.rule == "vote":
            raise openrft.UsageError(
                f"{self._options.reward} gave the score {lowest:g}, and a vote weighs from 0 up.",
                "Use --set best-of-n.rule=best.",
            )
        return [[(1 + score / (1 + abs(score))) / 2 for score in own] for own in scores]

    def _read(self, reward: openrft.Reward) -> float:
        if reward.score is not None:
            return reward.score
        return openrft.aggregate_steps(reward.per_step, self._options.aggregation)

    def _open(self) -> PRM:
        self._prm = self._prm or PRM(self._options)
        return self._prm
