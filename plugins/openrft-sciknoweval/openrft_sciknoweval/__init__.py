"""SciKnowEval for OpenRFT: the plugin `sciknoweval`, which provides the task family of that name.

Nothing is read and nothing heavy is imported until a task is loaded.
"""

from openrft import hookimpl
from openrft_sciknoweval.family import SciKnowEvalFamily

__all__ = ["SciKnowEval"]


class SciKnowEval:
    """Provides `sciknoweval/...` tasks."""

    @hookimpl
    def tasks(self) -> SciKnowEvalFamily:
        return SciKnowEvalFamily()
