"""SciKnowEval for OpenRFT: the plugin `sciknoweval`, which provides the task family of that name.

Nothing is read and nothing heavy is imported until a task is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from openrft import Rollout, hookimpl
from openrft_sciknoweval.answering import core_grade, form
from openrft_sciknoweval.family import SciKnowEvalFamily
from openrft_sciknoweval.judge import Judge
from openrft_sciknoweval.metrics import judged_metrics, metrics
from openrft_sciknoweval.similarity import Similarity, available, open_similarity
from openrft_sciknoweval.verdicts import Verdict

__all__ = ["SciKnowEval"]
DEFAULT = "minilm"


class SciKnowEval:
    """Provides `sciknoweval/...` tasks, judges what no rule can grade, and adds the benchmark's own metrics."""

    support = True  # it measures and changes nothing

    @dataclass(frozen=True, slots=True)
    class Options:
        """How answers are scored that are no option, number or word."""

        judge: str | None = None  # a policy, such as openai:URL#MODEL; without one judged answers are not scored
        verdicts: str = "runs/verdicts.jsonl"  # where the judge's verdicts are kept
        replay: bool = False  # never ask the judge: a verdict that is not kept is an error
        similarity: str | None = None  # of names in relations: exact, minilm, a folder or hub id, a word2vec file
        # ^ None = minilm where it is installed. The score with names compared letter for letter is always given

        def __post_init__(self) -> None:
            if self.replay and not self.judge:
                raise ValueError("replay needs judge: verdicts are kept under the judge's name")

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or self.Options()
        o = self._options
        self._judge = Judge(o.judge, Path(o.verdicts).expanduser(), o.replay) if o.judge else None
        self._similarity = open_similarity(o.similarity) if o.similarity else None
        self._judged: list[tuple[Rollout, Verdict | None]] = []

    @hookimpl
    def tasks(self) -> SciKnowEvalFamily:
        return SciKnowEvalFamily()

    @hookimpl
    def judge(self, rollouts: Sequence[Rollout], progress: Any) -> list[Any] | None:
        self._judged = []
        if self._judge is None:
            return None
        verdicts = self._judge.verdicts(rollouts, progress)
        self._judged = list(zip(rollouts, verdicts, strict=True))
        return [_grade(rollout, verdict) for rollout, verdict in self._judged]

    @hookimpl
    def evaluate(self, rollouts: Sequence[Rollout]) -> dict[str, float]:
        similarities: list[Similarity | None] = [None]
        if any(form(rollout.sample) == "relations" for rollout in rollouts):
            by_default = self._options.similarity is None and available(DEFAULT)
            similar = open_similarity(DEFAULT) if by_default else self._similarity
            similarities += [similar] if similar else []
        return dict(metrics(rollouts, similarities)) | dict(judged_metrics(self._judged))


def _grade(rollout: Rollout, verdict: Verdict | None) -> Any:
    """An empty answer, and one whose verdict could not be read, has the lowest mark; metrics.py counts the latter."""
    score = (verdict.score if verdict else 0.0) or 0.0
    return replace(core_grade(rollout.sample, ""), answer=rollout.answer, correct=score == 1, score=score)
