"""How well a trained model judges steps of questions that it was not trained on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from openrft_prm.groups import grouped
from openrft_prm.labels import Labelled
from openrft_prm.scorer import CheckpointScorer


@dataclass(frozen=True, slots=True)
class Exam:
    """What came out."""

    questions: int
    steps: int
    right: int  # steps with a label of at least one half
    auroc: float | None  # of scores against labels, steps of all questions together; None without both kinds


def held_out(rows: Sequence[Labelled], share: float, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """(rows to learn from, rows to be examined on); no question stands on both sides, and at least one is learnt."""
    questions = list(dict.fromkeys(row.prompt for row in rows))
    count = min(round(share * len(questions)), len(questions) - 1)
    chosen = set(random.Random(seed).sample(questions, count))
    return [r for r in rows if r.prompt not in chosen], [r for r in rows if r.prompt in chosen]


def examine(model: str, rows: Sequence[Labelled]) -> Exam:
    """Score the rows with the checkpoint as a run would."""
    pairs = [(row.prompt, "\n".join(row.steps)) for row in rows]
    groups = grouped(pairs, together=True)
    scores = CheckpointScorer(model, "auto", 8192).score(groups)
    found = {(g[0], text): s for g, row in zip(groups, scores, strict=True) for text, s in zip(g[1], row, strict=True)}
    judged = [
        (score, label >= 0.5)
        for pair, row in zip(pairs, rows, strict=True)
        for score, label in zip(found[pair], row.labels, strict=True)
    ]
    right, wrong = [s for s, good in judged if good], [s for s, good in judged if not good]
    return Exam(len({row.prompt for row in rows}), len(judged), len(right), auroc(right, wrong))


def auroc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """The chance that a right step outscores a wrong one, ties counting half; None without both."""
    from scipy.stats import mannwhitneyu

    if not right or not wrong:
        return None
    return float(mannwhitneyu(right, wrong).statistic) / (len(right) * len(wrong))
