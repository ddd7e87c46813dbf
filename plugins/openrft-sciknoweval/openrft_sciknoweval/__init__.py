"""SciKnowEval for OpenRFT: the plugin `sciknoweval`, which provides the task family of that name.

Nothing is read and nothing heavy is imported until a task is loaded.
"""

from collections.abc import Sequence

from openrft import Rollout, hookimpl
from openrft_sciknoweval.family import SciKnowEvalFamily
from openrft_sciknoweval.metrics import metrics

__all__ = ["SciKnowEval"]


class SciKnowEval:
    """Provides `sciknoweval/...` tasks; named in an arm, it also adds the benchmark's own metrics."""

    support = True  # it measures and changes nothing

    @hookimpl
    def tasks(self) -> SciKnowEvalFamily:
        return SciKnowEvalFamily()

    @hookimpl
    def evaluate(self, rollouts: Sequence[Rollout]) -> dict[str, float]:
        return metrics(rollouts)
