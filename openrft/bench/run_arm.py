"""What a user calls an arm of a run by: RUN:ARM, where a run is a name, a folder or a report.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openrft.bench.locate import locate_report
from openrft.bench.report import Report, read_report
from openrft.errors import UnknownName


@dataclass(frozen=True, slots=True)
class RunArm:
    """A report, its path, and one of its arms."""

    typed: str  # the run, as it was typed
    report: Report
    folder: Path
    arm: str | None  # None: none was named


def find_run_arm(text: str) -> RunArm:
    """The run and the arm that RUN or RUN:ARM names. A run's name may hold a colon. Raises UnknownName for either."""
    at = len(text)
    while True:
        try:
            path = locate_report(text[:at])
            break
        except UnknownName:
            at = text.rfind(":", 0, at)
            if at <= 0:
                if ":" in text:
                    locate_report(text[: text.rfind(":")])  # names the runs that are near
                raise
    report, arm = read_report(path), text[at + 1 :] or None
    if arm is not None:
        check_arm(report, arm)
    return RunArm(text[:at], report, path.parent, arm)


def check_arm(report: Report, arm: str) -> str:
    """The arm's name. Raises UnknownName, with the nearest names, if the report does not have it."""
    names = [record.name for record in report.arms]
    if arm not in names:
        raise UnknownName(f"arm of {report.name}", arm, names)
    return arm
