"""SciKnowEval for OpenRFT: the plugin `sciknoweval`, which provides the task family of that name.

Nothing is read and nothing heavy is imported until a task is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from openrft import FilePath, Grade, OutputPath, Plugin, Progress, Rollout, WeightsPath, expand_path, hookimpl, option
from openrft_sciknoweval.family import SciKnowEvalFamily
from openrft_sciknoweval.grading import form_of
from openrft_sciknoweval.judge import Judge, Verdict
from openrft_sciknoweval.metrics import compute_judge_metrics, compute_metrics
from openrft_sciknoweval.similarity import NameEmbedder, is_installed, open_embedder

__all__ = ["SciKnowEval"]
DEFAULT_SIMILARITY = "minilm"


class SciKnowEval(Plugin):
    """Provides `sciknoweval/...` tasks, grades what no rule can grade, and adds the benchmark's own metrics."""

    changes_nothing_alone = True  # it measures and changes nothing

    @dataclass(frozen=True, slots=True)
    class Options:
        """How answers are scored that are no option, number or word."""

        judge: WeightsPath | None = option(
            None, help="A policy that judges, such as openai:URL#MODEL; none: judged answers are not scored."
        )
        verdicts: OutputPath = option("runs/verdicts.jsonl", help="The file that keeps the judge's verdicts.")
        replay: FilePath | None = option(
            None,
            help="A file of kept verdicts to use in place of `verdicts`. The judge is never asked; a missing verdict is"
            " an error.",
        )
        similarity: Literal["exact", "minilm"] | WeightsPath | None = option(
            None,
            help="How alike the names in relations are: exact, minilm, a folder or hub id, or a word2vec file. none:"
            " minilm where it is installed. The score with names compared letter for letter is always given.",
        )

        def __post_init__(self) -> None:
            for name in ("judge", "verdicts", "replay", "similarity"):
                if getattr(self, name) is not None and not getattr(self, name).strip():
                    raise ValueError(f"{name} is empty; leave it out to have the default")
            if self.replay and not self.judge:
                raise ValueError("replay needs judge: verdicts are kept under the judge's name")

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or self.Options()
        o = self._options
        name = "verdicts" if o.replay is None else "replay"
        verdicts = expand_path(o.replay or o.verdicts, f"sciknoweval.{name}=")
        self._judge = Judge(o.judge, verdicts, o.replay is not None) if o.judge else None
        self._embedder = open_embedder(o.similarity) if o.similarity else None
        self._judged: list[tuple[Rollout, Verdict | None]] = []

    @hookimpl
    def tasks(self) -> SciKnowEvalFamily:
        return SciKnowEvalFamily()

    @hookimpl
    def grade(self, rollouts: Sequence[Rollout], progress: Progress | None) -> list[Grade] | None:
        self._judged = []
        if self._judge is None:
            return None
        verdicts = self._judge.collect_verdicts(rollouts, progress)
        both = list(zip(rollouts, verdicts, strict=True))
        self._judged = [(rollout, verdict) for rollout, verdict in both if verdict is None or not verdict.failure]
        return [_to_grade(rollout, verdict) for rollout, verdict in both]

    @hookimpl
    def evaluate(self, rollouts: Sequence[Rollout]) -> dict[str, float]:
        embedders: list[NameEmbedder | None] = [None]
        if any(form_of(rollout.sample) == "relations" for rollout in rollouts):
            by_default = self._options.similarity is None and is_installed(DEFAULT_SIMILARITY)
            embedder = open_embedder(DEFAULT_SIMILARITY) if by_default else self._embedder
            embedders += [embedder] if embedder else []
        return dict(compute_metrics(rollouts, embedders)) | dict(compute_judge_metrics(self._judged))


def _to_grade(rollout: Rollout, verdict: Verdict | None) -> Grade:
    """A verdict as a Grade. An empty answer, and one whose verdict could not be read, has the lowest mark. Where the
    server failed there is no score."""
    if verdict and verdict.failure:
        return Grade(rollout.answer, None, reason=verdict.failure)
    score = (verdict.score if verdict else 0.0) or 0.0
    return Grade(rollout.answer, score == 1, score)
