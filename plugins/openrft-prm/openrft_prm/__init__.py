"""Process rewards: every line of a completion scored by a process reward model or an LLM judge.

This file knows what is scored and how often. It does not know how a model reads its input (formats/), how a
checkpoint is loaded (checkpoint.py, scorer.py) or what is done with the scores (the core).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import openrft
from openrft_prm.recent import Recent

if TYPE_CHECKING:
    from openrft_prm.fitness import Fitness

Pair = tuple[str, str]  # (problem, completion)


class Scorer(Protocol):
    """Something that judges the steps of completions."""

    counts: dict[str, int]  # what is worth knowing of the last call, such as steps that were not read

    def score(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        """For each (problem, completion) one score in [0, 1] a step (`openrft.steps_of`), in order."""
        ...


class PRM:
    """The plugin `prm`."""

    needs = ("rl",)

    @dataclass(frozen=True)
    class Options:
        """What a user can set: `--set prm.NAME=VALUE`."""

        model: str = ""  # a shipped name (pocket/prm), a folder, a hub id, or openai:http://host/v1#model for a judge
        format: Literal["auto", "skywork", "qwen", "math-shepherd", "rlhflow", "two-label"] = "auto"  # how it is read
        batch_tokens: int = 8192  # tokens a forward, padding included; bounds memory
        device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: a GPU if there is one
        dtype: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: float32 on CPU, bfloat16 on a GPU
        remember: int = 65536  # scored (problem, completion) pairs kept for later steps; 0 = none
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
        self._known: Recent[Pair, tuple[float, ...]] = Recent(options.remember)
        self._scorer: Scorer | None = None
        self._path = options.model
        if not options.model.startswith("openai:"):
            self._path = openrft.checkpoint_path(options.model)
            self._refuse_early()

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[openrft.Rollout]) -> list[openrft.Reward]:
        """One process reward a rollout, `per_step` for the lines of its completion; the core aggregates."""
        pairs = [problem_and_completion(rollout) for rollout in rollouts]
        wanted = list(dict.fromkeys(p for p in pairs if p not in self._known and openrft.steps_of(p[1])))
        fresh = dict(zip(wanted, self._score(wanted), strict=True))
        known = {p: fresh[p] if p in fresh else self._known.get(p, ()) for p in dict.fromkeys(pairs)}
        self._known.update(fresh)
        empty = sum(not known[p] for p in pairs)
        self.counts = {"scored": len(fresh), "repeated": len(pairs) - len(fresh) - empty, "no_steps": empty}
        if wanted and self._scorer:
            self.counts |= self._scorer.counts
        return [openrft.Reward("prm", "process", per_step=known[p]) for p in pairs]

    def fitness(self, rollouts: Sequence[openrft.Rollout]) -> Fitness:
        """Whether this PRM can tell right from wrong on graded rollouts; they need not be scored yet."""
        from openrft_prm.fitness import fitness

        rewards = self.reward(rollouts)
        return fitness([replace(r, rewards=(w,)) for r, w in zip(rollouts, rewards, strict=True)])

    def fingerprint(self) -> str:
        """Changes when the scores may change: the judge's address, or a digest of the checkpoint's content."""
        from openrft_prm.checkpoint import Checkpoint

        return self._path if self._path.startswith("openai:") else Checkpoint.open(self._path).fingerprint()

    def _refuse_early(self) -> None:
        """A wrong local checkpoint is refused before anything is trained; only its headers are read."""
        from openrft_prm.checkpoint import Checkpoint
        from openrft_prm.formats import detect

        if Path(self._path).exists():
            detect(Checkpoint.open(self._path), self.options.format)

    def _score(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        if not pairs:
            return []
        if self._scorer is None:
            self._scorer = self._open()
        scores = self._scorer.score(pairs)
        for (_, completion), steps in zip(pairs, scores, strict=True):
            if len(steps) != len(openrft.steps_of(completion)):
                raise openrft.OpenRFTError(
                    f"{len(steps)} scores for {len(openrft.steps_of(completion))} steps of {completion[:60]!r}."
                )
        return scores

    def _open(self) -> Scorer:
        if self._path.startswith("openai:"):
            from openrft_prm.judge import Judge

            return Judge(self._path, self.options.judge_parallel)
        from openrft_prm.scorer import CheckpointScorer

        o = self.options
        return CheckpointScorer(self._path, o.format, o.batch_tokens, o.device, o.dtype)


def problem_and_completion(rollout: openrft.Rollout) -> Pair:
    """The question as the policy read it, without demonstrations (the last user turn), and what it wrote."""
    return rollout.messages[-1]["content"], rollout.completion.text
