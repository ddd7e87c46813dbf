"""A learned verifier in place of the grade: it learns from graded answers which words right answers have.

It is naive Bayes. A verifier with weights has an option of the type `openrft.WeightsPath` and loads it in the hook.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openrft
from openrft import FilePath, Reward, Rollout


class WordVerifier(openrft.Plugin):
    """The outcome reward is the probability that an answer is right. Test answers keep the task's own grade."""

    requires = ("rl",)
    rewards = ("outcome",)
    needs_gold = False  # best-of-n may score answers to new questions by it

    @dataclass(frozen=True)
    class Options:
        rollouts: FilePath = openrft.option(help="A file of graded answers: runs/NAME/rollouts/JOB.jsonl.")

    def __init__(self, options: Options) -> None:
        self._file: Path = openrft.expand_path(options.rollouts, "word-verifier.rollouts=")
        if not self._file.is_file():
            raise openrft.UsageError(
                f"word-verifier.rollouts={self._file} is not a file.", "Run `openrft bench` first."
            )
        self._log_odds: dict[str, float] = {}  # learned at the first call: no command should wait for it

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[Rollout]) -> list[Reward | None]:
        self._log_odds = self._log_odds or learn(json.loads(line) for line in self._file.open(encoding="utf-8"))
        return [Reward("word-verifier", "outcome", self._probability(r.completion.text)) for r in rollouts]

    def _probability(self, completion: str) -> float:
        total = sum(self._log_odds.get(word, 0.0) for word in set(completion.split()))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def learn(rows: Iterable[dict[str, Any]]) -> dict[str, float]:
    """The log odds of each word: how much more often right answers have it. Rows that nobody graded are left out."""
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for row in rows:
        if row["correct"] is not None:
            counts[row["correct"]].update(set(row["completion"]["text"].split()))
    words = counts[True] | counts[False]
    return {word: math.log((counts[True][word] + 1) / (counts[False][word] + 1)) for word in words}
