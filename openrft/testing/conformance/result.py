"""What one check of a plugin found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "not run", "warning", "fault"]  # from best to worst
ORDER: tuple[Verdict, ...] = ("ok", "not run", "warning", "fault")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a check found, with what to do about it."""

    finding: str  # a sentence without its full stop
    advice: str = ""  # a sentence; empty if the finding says it
    verdict: Verdict = "fault"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the table."""

    check: str
    verdict: Verdict
    finding: str  # what was found, or what was tried if nothing is wrong
    advice: str = ""


def summarize(check: str, problems: Iterable[Problem], tried: str) -> CheckResult:
    """All problems of a check in one line, with the worst verdict. `tried`: what to say if there is none."""
    found = list(dict.fromkeys(problems))
    if not found:
        return CheckResult(check, "ok", tried)
    worst = max((problem.verdict for problem in found), key=ORDER.index)
    advice = dict.fromkeys(problem.advice for problem in found if problem.advice)
    return CheckResult(check, worst, "; ".join(problem.finding for problem in found), " ".join(advice))
