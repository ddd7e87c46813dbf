"""The one way a baseline changes: on purpose, whole, and never to a run that has failures."""

from __future__ import annotations

from pathlib import Path

from openrft.bench.outcomes import trouble
from openrft.bench.report import Report
from openrft.bench.report_file import FILE, locate, write
from openrft.errors import NotComparable, UnknownName


def can_compare(baseline: str) -> bool:
    """Whether there is a baseline already."""
    try:
        return locate(baseline).is_file()
    except UnknownName:
        return False


def bless_as(candidate: Report, baseline: str) -> Path:
    """Write the candidate as the baseline. Raises NotComparable if an arm of it has a failed or missing job."""
    tasks = [task.name for task in candidate.tasks]
    found = [line for arm in candidate.arms for line in trouble(candidate, arm.name, tasks)]
    if found or not candidate.results:
        why = found[0] if found else "it holds no result"
        raise NotComparable(f"the candidate cannot be a baseline: {why}.", "Rerun it until every job is finished.")
    path = locate(baseline) if can_compare(baseline) else Path(baseline)
    if path.is_dir() or path.suffix != ".json":
        path /= FILE
    write(candidate, path)
    return path
