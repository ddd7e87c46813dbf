"""The plugin `vote`: the answer that most of several completions give (self-consistency)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import openrft


class Vote(openrft.Plugin):
    """Self-consistency: each answer is that of most of several completions (arXiv 2203.11171)."""

    @dataclass(frozen=True)
    class Options:
        """What a user can set: `--set vote.NAME=VALUE`."""

        completions: int = openrft.option(
            16, help="Completions for each answer. More cost more tokens and gain less and less.", ge=2
        )
        weight: Literal["equal", "likelihood"] = openrft.option(
            "equal",
            help="What a completion's vote weighs. equal: one. likelihood: the mean probability of its tokens, as the"
            " policy gives it (exp of the mean log-probability).",
            source="arXiv 2203.11171, section 2: equal votes do as well as weighted ones",
        )

    def __init__(self, options: Options) -> None:
        self._options = options
        self.completions_per_answer = options.completions

    @openrft.hookimpl
    def check_job(self, settings: openrft.Settings, policy_spec: str) -> list[str]:
        """Checks that the policy gives log-probabilities if they are the weights."""
        if self._options.weight != "likelihood":
            return []
        cut = policy_spec.startswith("vllm:") and settings.evaluate.top_p < 1
        if not policy_spec.startswith(("openai:", "baseline:")) and not cut:
            return []
        where = " at evaluate.top_p below 1" if cut else ""
        return [f"vote.weight=likelihood: {policy_spec} gives no log-probabilities{where}. Use vote.weight=equal."]

    @openrft.hookimpl
    def weigh(self, candidates: Sequence[openrft.Candidates]) -> list[list[float]]:
        """1 for each completion, or its likelihood per token."""
        weigh = _compute_likelihood if self._options.weight == "likelihood" else _count_one
        return [[weigh(completion) for completion in own.completions] for own in candidates]


def _count_one(completion: openrft.Completion) -> float:
    return 1.0


def _compute_likelihood(completion: openrft.Completion) -> float:
    """exp of the mean log-probability of the tokens, in [0, 1]."""
    if not completion.logprobs:
        raise openrft.UsageError(
            "this policy gives no log-probabilities, so completions have no likelihood.", "Use vote.weight=equal."
        )
    return math.exp(math.fsum(completion.logprobs) / len(completion.logprobs))
