from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from openrft.bench.gate import compare_reports
from openrft.bench.junit import Case, format_gate_junit, format_junit, format_report_junit
from openrft.bench.report import Failure
from openrft.bench.summary import summarise
from tests.bench import factories


def test_only_a_pass_is_green() -> None:
    report = factories.report()
    (suite,) = ElementTree.fromstring(format_gate_junit(compare_reports(report, report, 0.02)))
    assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("0", "0", "9")
    noisy = compare_reports(report, factories.report(noise=1), 0.02)
    (suite,) = ElementTree.fromstring(format_gate_junit(noisy))
    assert noisy.verdict == "inconclusive"
    assert suite.get("errors") == str(sum(row.verdict == "inconclusive" for row in noisy.rows))
    (suite,) = ElementTree.fromstring(format_gate_junit(compare_reports(report, factories.report(seeds=(5,)), 0.02)))
    (case,) = suite.iter("testcase")
    (error,) = case.iter("error")
    assert error.get("message") == "arm vanilla, task toy/L1/sums: the reports share no seed"


def test_a_report_has_a_suite_for_each_task_and_a_case_for_each_job() -> None:
    """Each job takes 6 s; the RL of every arm but rl (5 s) was reused."""
    report = factories.report(tasks=[factories.task(), factories.task("toy/L1/more")])
    failure = Failure("rl", "toy/L1/sums", 0, "boom \x1b[31m", "failures/rl.txt")
    kept = tuple(r for r in report.results if (r.arm, r.task) != ("rl", "toy/L1/sums"))
    report = replace(report, results=kept, failures=(failure,))
    first, second = ElementTree.fromstring(format_report_junit(report, summarise(report)))
    assert (first.get("name"), first.get("tests"), first.get("errors")) == ("openrft toy/L1/sums", "5", "1")
    assert (second.get("name"), second.get("tests"), second.get("errors")) == ("openrft toy/L1/more", "5", "0")
    assert second.get("time") == "10.000"
    (error,) = first.iter("error")
    assert (error.get("message"), error.text) == ("boom \\x1b[31m", "failures/rl.txt")
    assert next(first.iter("property")).get("value") == summarise(report).conclusion.lines[0]


def test_hostile_text_stays_text() -> None:
    name = "<a href='x'>]]> & \x00 \ud800 \uffff \u202e"
    (suite,) = ElementTree.fromstring(format_junit({name: [Case(name, "error", name, name)]}, {"p": name}))
    assert "<a href='x'>]]> & \\x00 \\ud800" in (next(suite.iter("testcase")).get("name") or "")
