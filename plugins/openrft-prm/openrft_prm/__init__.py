"""Process rewards: every line of a completion scored by a process reward model or an LLM judge.

This file knows what is scored and how often. It does not know how a model reads its input (formats/), how a
checkpoint is loaded (checkpoint.py, scorer.py) or what is done with the scores (the core).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import openrft
from openrft_prm.groups import Group, Scorer, Steps, grouped, pair_of
from openrft_prm.recent import Recent


class PRM:
    """The plugin `prm`."""

    needs = ("rl",)

    @dataclass(frozen=True)
    class Options:
        """What a user can set: `--set prm.NAME=VALUE`."""

        model: str = ""  # a shipped name (pocket/prm), a folder, a hub id, or openai:http://host/v1#model for a judge
        format: Literal["auto", "skywork", "qwen", "math-shepherd", "rlhflow", "two-label"] = "auto"  # how it is read
        batch_tokens: int = 8192  # tokens a forward, shared ones once; bounds memory
        device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: a GPU if there is one
        dtype: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: float32 on CPU, bfloat16 on a GPU
        remember: int = 65536  # scored questions with their completions kept for later steps; 0 = none
        judge_parallel: int = 8  # requests in flight to a judge

        def __post_init__(self) -> None:
            if not self.model:
                raise openrft.UsageError(
                    "no process reward model is named.",
                    "Say which with --set prm.model=PATH (a folder, a hub id, pocket/prm, or openai:URL#MODEL).",
                )
            if self.batch_tokens < 1 or self.judge_parallel < 1 or self.remember < 0:
                raise ValueError("batch_tokens and judge_parallel must be at least 1, remember at least 0")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.counts: dict[str, int] = {}  # of the last call: completions scored, repeated, without a step
        self._known: Recent[Group, list[Steps]] = Recent(options.remember)
        self._scorer: Scorer | None = None
        self._path = options.model
        self._judges = options.model.startswith("openai:")
        if not self._judges:
            self._path = openrft.checkpoint_path(options.model)
            self._refuse_early()

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[openrft.Rollout]) -> list[openrft.Reward]:
        """One process reward a rollout, `per_step` for the lines of its completion; the core aggregates."""
        pairs = [pair_of(rollout) for rollout in rollouts]
        # A checkpoint reads a question's completions together, and the last bits of a score depend on which they
        # are: what is remembered is the group, so that a run that was resumed gets the same bits.
        groups = grouped(pairs, together=not self._judges)
        wanted = [group for group in groups if group not in self._known]
        fresh = dict(zip(wanted, self._score(wanted), strict=True))
        scores = {g: fresh[g] if g in fresh else self._known.get(g, []) for g in groups}
        self._known.update(fresh)
        by_pair = {
            (problem, text): steps
            for (problem, texts), rows in scores.items()
            for text, steps in zip(texts, rows, strict=True)
        }
        scored, empty = sum(len(texts) for _, texts in wanted), sum(p not in by_pair for p in pairs)
        self.counts = {"scored": scored, "repeated": len(pairs) - scored - empty, "no_steps": empty}
        if wanted and self._scorer:
            self.counts |= self._scorer.counts
        return [openrft.Reward("prm", "process", per_step=by_pair.get(p, ())) for p in pairs]

    def _refuse_early(self) -> None:
        """A wrong local checkpoint is refused before anything is trained; the trunk's weights are not read."""
        if Path(self._path).exists():
            from openrft_prm.scorer import refuse_early

            refuse_early(self._path, self.options.format)

    def _score(self, groups: Sequence[Group]) -> list[list[Steps]]:
        if not groups:
            return []
        if self._scorer is None:
            self._scorer = self._open()
        scores = self._scorer.score(groups)
        for (_, texts), rows in zip(groups, scores, strict=True):
            for text, steps in zip(texts, rows, strict=True):
                if len(steps) != len(openrft.steps_of(text)):
                    raise openrft.OpenRFTError(
                        f"{len(steps)} scores for {len(openrft.steps_of(text))} steps of {text[:60]!r}."
                    )
        return scores

    def _open(self) -> Scorer:
        if self._judges:
            from openrft_prm.judge import Judge

            return Judge(self._path, self.options.judge_parallel)
        from openrft_prm.scorer import CheckpointScorer

        o = self.options
        return CheckpointScorer(self._path, o.format, o.batch_tokens, o.device, o.dtype)
