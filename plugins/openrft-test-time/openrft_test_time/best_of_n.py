"""The plugin `best-of-n`: of several completions, the one that a process reward model or a judge scores highest, or a
vote that its scores weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from openrft_prm import PRM

import openrft


class BestOfN(openrft.Plugin):
    """Best-of-n and weighted voting by a process reward model or an LLM judge, without training."""

    @dataclass(frozen=True)
    class Options(PRM.Options):
        """What a user can set: `--set best-of-n.NAME=VALUE`."""

        completions: int = openrft.option(16, help="Completions for each answer.", ge=2)
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
        """Checks that there is a model, and that its files can be read."""
        if self._options.model.lower() in ("", "none"):
            return [
                "no process reward model is named. Say which with --set best-of-n.model=PATH (a folder, a hub id,"
                " pocket/prm, or openai:URL#MODEL)."
            ]
        self._open()
        return []

    @openrft.hookimpl
    def weigh(self, candidates: Sequence[openrft.Candidates]) -> openrft.HookResult[list[list[float]]]:
        """The score of each completion, in [0, 1]: that of its steps together. Without a step it is 0."""
        problems = [next(m for m in reversed(own.messages) if m["role"] == "user")["content"] for own in candidates]
        pairs = [(p, c.text) for p, own in zip(problems, candidates, strict=True) for c in own.completions]
        steps, counts = self._open().score_steps(pairs)
        scores = iter(openrft.aggregate_steps(own, self._options.aggregation) for own in steps)
        return openrft.HookResult([[next(scores) for _ in own.completions] for own in candidates], counts)

    def _open(self) -> PRM:
        self._prm = self._prm or PRM(self._options)
        return self._prm
