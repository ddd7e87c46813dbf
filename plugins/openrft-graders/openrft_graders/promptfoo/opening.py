"""Opens what the assertions of a configuration need: metrics, a judge, the sandbox."""

from __future__ import annotations

from pathlib import Path

from openrft import Sampling, UsageError
from openrft_graders.promptfoo.assertion import METRICS
from openrft_graders.promptfoo.config import load_assertions, read_config
from openrft_graders.promptfoo.grader import AssertionGrader
from openrft_graders.rubric.grader import RubricGrader
from openrft_graders.rubric.judge import RubricJudge
from openrft_graders.settings import GraderSettings, open_pool, share_policy
from openrft_graders.text_metrics import open_metric


def open_assertions(path: Path, settings: GraderSettings) -> AssertionGrader:
    """The grader of a configuration. Raises UsageError for what cannot be read, or is not installed or named."""
    rows = read_config(path)
    types = {leaf.type for row in rows for part in load_assertions(row) for leaf in part.list_leaves()}
    metrics = {
        kind: open_metric(METRICS[kind], settings.embedder, settings.synonyms, settings.plugin)
        for kind in sorted(types & set(METRICS))
    }
    rubric = None
    if "llm-rubric" in types:
        if settings.judge is None:
            raise UsageError(
                f"{path}: it has llm-rubric, and no judge is named.",
                f"Say which with --set {settings.plugin}.judge=openai:http://127.0.0.1:8000/v1#model.",
            )
        judge = RubricJudge(share_policy(settings.judge, settings), Sampling(temperature=0.0, max_tokens=2048))
        rubric = RubricGrader(judge)
    threshold = 1.0 if settings.pass_threshold is None else settings.pass_threshold
    return AssertionGrader(metrics, rubric, open_pool(settings) if "python" in types else None, threshold)
