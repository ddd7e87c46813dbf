"""The line of a dry run that forecasts memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openrft.cli.printing import print_text

if TYPE_CHECKING:
    from openrft.bench.plan import BenchPlan


def print_memory(plan: BenchPlan, workers: int) -> str:
    """Print what the plan's largest job needs, or why that is not known. Returns the sentence; empty without a model.

    Raises UsageError for weights that do not fit and for a device that is not there.
    """
    from openrft.bench.memory import describe_memory, forecast_memory
    from openrft.errors import CheckpointError

    if not plan.needs_models:
        return ""
    try:
        line = describe_memory(forecast_memory(plan), workers)
    except CheckpointError as fault:
        line = f"the memory is not known: {fault.message}"
    if line:
        print_text(f"forecast: {line}", err=True)
    return line
