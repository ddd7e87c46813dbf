"""JUnit XML, which CI services show beside a change: one suite for each task, or one for the gate.

The format is that of Ant's JUnit task, which GitHub's, GitLab's and Jenkins' readers share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from openrft.bench.gate_result import INCONCLUSIVE, REGRESSION, GateResult
from openrft.bench.report import Report, mean_accuracy
from openrft.bench.score_table import Summary
from openrft.bench.text_table import format_gain, format_percent
from openrft.runtime.text import escape_terminal

Outcome = Literal["passed", "failure", "error"]
OUTCOMES: Mapping[str, Outcome] = {REGRESSION: "failure", INCONCLUSIVE: "error"}  # all others passed


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the result."""

    name: str
    outcome: Outcome = "passed"
    message: str = ""  # why it did not pass, in one line
    told: str = ""  # what else is known, such as the numbers
    seconds: float = 0.0


def format_gate_junit(result: GateResult) -> str:
    """The gate as one suite: a case for each comparison. Only a pass succeeds.

    A regression is a failure. What is inconclusive or cannot be compared is an error.
    """
    cases = [Case("the reports can be compared", "error", why, "\n".join(result.why)) for why in result.why[:1]]
    for row in result.rows:
        numbers = f"difference {format_gain(row.difference, row.low, row.high)} points"
        outcome = OUTCOMES.get(row.verdict, "passed")
        message = "" if outcome == "passed" else f"{row.verdict}: {numbers}, margin {100 * result.margin:g} points"
        cases.append(Case(row.what, outcome, message, " ".join(filter(None, (numbers, row.settle)))))
    return format_junit({"openrft gate": cases}, {"verdict": result.verdict, "margin": f"{result.margin:g}"})


def format_report_junit(report: Report, summary: Summary) -> str:
    """A report as one suite for each task: a case for each job. A job that failed is an error."""
    suites = {f"openrft {task.name}": list(_list_jobs(report, task.name)) for task in report.tasks}
    lines = summary.conclusion.lines
    return format_junit(suites, {f"conclusion.{n}": line for n, line in enumerate(lines, 1)})


def _list_jobs(report: Report, task: str) -> Iterator[Case]:
    for result in (result for result in report.results if result.task == task):
        level = mean_accuracy(result)
        told = "no item is scored" if level is None else f"{format_percent(level)}% right of {len(result.items)} items"
        seconds = sum(stage.seconds for stage in result.stages if not stage.reused)
        yield Case(f"{result.arm}, seed {result.seed}", told=told, seconds=seconds)
    for failure in (failure for failure in report.failures if failure.task == task):
        yield Case(f"{failure.arm}, seed {failure.seed}", "error", failure.error, failure.details)


def format_junit(suites: Mapping[str, Sequence[Case]], properties: Mapping[str, str]) -> str:
    """Suites of cases as XML. `properties` are in the first suite."""
    root = ElementTree.Element("testsuites")
    for number, (name, cases) in enumerate(suites.items()):
        counts = {kind: sum(case.outcome == kind for case in cases) for kind in ("failure", "error")}
        sizes = {"tests": len(cases), "failures": counts["failure"], "errors": counts["error"], "skipped": 0}
        total = {"time": f"{sum(case.seconds for case in cases):.3f}"}
        suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(name), **_as_text(sizes), **total})
        if not number and properties:
            listed = ElementTree.SubElement(suite, "properties")
            for key, value in properties.items():
                ElementTree.SubElement(listed, "property", {"name": key, "value": _clean(value)})
        for case in cases:
            _add_case(suite, name, case)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _add_case(suite: ElementTree.Element, classname: str, case: Case) -> None:
    named = {"name": _clean(case.name), "classname": _clean(classname), "time": f"{case.seconds:.3f}"}
    element = ElementTree.SubElement(suite, "testcase", named)
    if case.outcome != "passed":
        trouble = ElementTree.SubElement(element, case.outcome, {"message": _clean(case.message)})
        trouble.text = _clean(case.told)
    elif case.told:
        ElementTree.SubElement(element, "system-out").text = _clean(case.told)


def _as_text(sizes: Mapping[str, int]) -> dict[str, str]:
    return {key: str(value) for key, value in sizes.items()}


def _clean(text: str) -> str:
    """Text that XML may hold: no control characters and no half surrogate pairs, which no escape makes legal."""
    return escape_terminal(text, keep_newlines=True).replace("\ufffe", "").replace("\uffff", "")
