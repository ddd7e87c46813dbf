"""The plugin `prm`: every line of a completion is scored by a process reward model or an LLM judge.

This file knows what is scored and what is kept. It does not know how a model reads its input (formats/), how it is
loaded and run (checkpoint.py, scorer.py), what a judge is asked (judge.py) or what is done with the scores (the core).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cachetools import LRUCache

import openrft
from openrft_prm.groups import Group, Pair, Scorer, StepScores, flatten_scores, get_pair, group_pairs

if TYPE_CHECKING:
    from openrft_prm.judge import LLMJudge


class PRM(openrft.Plugin):
    """The plugin `prm`."""

    requires = ("rl",)
    rewards = ("process",)
    needs_gold = False

    @dataclass(frozen=True)
    class Options(openrft.ModelSettings):
        """What a user can set: `--set prm.NAME=VALUE`."""

        model: openrft.WeightsPath = openrft.option(
            "",
            help="The reward model: a shipped name (pocket/prm), a folder, a hub id, or openai:http://host/v1#model for"
            " a judge. It must be set.",
        )
        format: Literal["auto", "skywork", "qwen", "math-shepherd", "rlhflow", "two-label"] = openrft.option(
            "auto", help="How the checkpoint is read. auto: as its files say."
        )
        batch_tokens: int = openrft.option(
            8192, help="Tokens per forward pass, shared ones counted once; bounds memory.", ge=1
        )
        cache_size: int = openrft.option(
            65536,
            help="Scored questions, with their completions, that are kept for later steps; 0: none.",
            ge=0,
            renamed_from="remember",
        )
        judge_max_tokens: int = openrft.option(
            8192, help="Most tokens of a judge's reply, its thinking included.", ge=1
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.model.lower() in ("", "none"):
                raise openrft.UsageError(
                    "no process reward model is named.",
                    "Say which with --set prm.model=PATH (a folder, a hub id, pocket/prm, or openai:URL#MODEL), or"
                    " leave prm out of --plugins.",
                )

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cache: LRUCache[Group, list[StepScores]] = LRUCache(options.cache_size)
        self._is_judge = options.model.startswith("openai:")
        self._scorer: Scorer | None = None
        self._judge: LLMJudge | None = None
        if self._is_judge:
            from openrft_prm.judge import LLMJudge

            self._scorer = self._judge = LLMJudge(options.model, options.judge_max_tokens)
            return
        self._path = openrft.resolve_checkpoint(options.model)
        if Path(self._path).exists():
            # A wrong local checkpoint is refused before anything is trained; the trunk's weights are not read.
            from openrft_prm.scorer import check_checkpoint

            check_checkpoint(self._path, options.format)

    @openrft.hookimpl
    def check_job(self) -> list[str]:
        """The reward model must fit here."""
        return openrft.find_placement_faults(self._options.model, self._options, "prm")

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[openrft.Rollout]) -> openrft.HookResult[list[openrft.Reward | None]]:
        """One process reward per rollout, with `per_step` for the lines of its completion. The core aggregates it. None
        where a judge gave no scores."""
        pairs = [get_pair(rollout) for rollout in rollouts]
        scores, counts = self.score_steps(pairs)
        failed = self._judge.failed if self._judge else ()
        rewards = [
            None if pair in failed else openrft.Reward("prm", "process", per_step=steps)
            for pair, steps in zip(pairs, scores, strict=True)
        ]
        return openrft.HookResult(rewards, counts)

    def score_steps(self, pairs: Sequence[Pair]) -> tuple[list[StepScores], dict[str, int]]:
        """The scores in [0, 1] of the steps of each (problem, completion), and counts of what was done. No scores for
        one without steps, and for one on which a judge failed."""
        # A checkpoint reads a question's completions together, and the last bits of a score depend on which they are.
        # The cache holds whole groups, so that a run that was resumed gets the same bits.
        groups = group_pairs(pairs, together=not self._is_judge)
        new = [group for group in groups if group not in self._cache]
        fresh = dict(zip(new, self._score(new), strict=True))
        scores = [fresh[group] if group in fresh else self._cache[group] for group in groups]
        if self._options.cache_size:
            failed = self._judge.failed if self._judge else ()
            # A judge's groups have one completion. One that it failed on is asked about again.
            self._cache.update((group, own) for group, own in fresh.items() if (group[0], group[1][0]) not in failed)
        by_pair = flatten_scores(groups, scores)
        scored, empty = sum(len(texts) for _, texts in new), sum(p not in by_pair for p in pairs)
        counts = {"scored": scored, "repeated": len(pairs) - scored - empty, "no_steps": empty}
        if new and self._scorer:
            counts |= self._scorer.counts
        return [by_pair.get(pair, ()) for pair in pairs], counts

    def _score(self, groups: Sequence[Group]) -> list[list[StepScores]]:
        if not groups:
            return []
        if self._scorer is None:
            from openrft_prm.scorer import CheckpointScorer

            o = self._options
            self._scorer = CheckpointScorer(self._path, o.format, o.batch_tokens, o)
        scores = self._scorer.score(groups)
        failed = self._judge.failed if self._judge else ()
        for (problem, text), steps in flatten_scores(groups, scores).items():
            if len(steps) != len(openrft.split_steps(text)) and (problem, text) not in failed:
                raise openrft.OpenRFTError(
                    f"{len(steps)} scores for {len(openrft.split_steps(text))} steps of {text[:60]!r}."
                )
        return scores
