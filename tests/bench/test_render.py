from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from openrft.bench.gate import compare_reports
from openrft.bench.group_tables import build_group_tables
from openrft.bench.markdown import format_markdown
from openrft.bench.page.document import build_page
from openrft.bench.report import ArmRecord, Failure
from openrft.bench.score_table import Group, GroupScore
from openrft.bench.statistics import Interval
from openrft.bench.summary import summarise
from openrft.bench.text_table import format_gain, format_points
from openrft.cli.run_output import show_gate_result, show_summary
from openrft.config.documents import dump_document
from tests.bench import factories


def printed(report: object, **options: object) -> str:
    out = io.StringIO()
    console = Console(file=out, **options)  # type: ignore[arg-type]
    show_summary(report, summarise(report), console, per_task=True)  # type: ignore[arg-type]
    return out.getvalue()


def test_points_have_a_sign_unless_they_are_nothing() -> None:
    assert [format_points(x) for x in (0.034, -0.2, 0.0001, -0.0001)] == ["+3.4", "-20.0", "0.0", "0.0"]
    assert format_gain(0.034, -0.002, 0.07) == "+3.4 [-0.2, +7.0]"


def test_a_pipe_gets_every_character() -> None:
    report = factories.report(
        seeds=(0, 1, 2), completions=3, tasks=[factories.task(), factories.task("toy/L1/" + "long" * 9)]
    )
    text = printed(report, width=80)
    assert "…" not in text
    assert "\x1b" not in text
    for line in ("rl+prm+icl", "no model: majority answer", "Shapley value", "longlonglong"):
        assert line in text
    summary = summarise(report)
    row = next(r for r in summary.overall.arms if r.arm == "rl")
    assert row.delta is not None
    assert format_gain(row.delta.value, row.delta.low, row.delta.high) in text
    assert all(note in text.splitlines() for note in summary.notes)


def test_a_column_that_says_nothing_is_left_out() -> None:
    """With one training seed there is no p."""
    one, two = (printed(factories.report(seeds=seeds), width=80) for seeds in ((0,), (0, 1)))
    headers = [[line.split() for line in text.splitlines() if line.split()[:1] == ["plugin"]] for text in (one, two)]
    assert headers[0] == [["plugin", "add-one", "leave-one-out", "Shapley", "value"]]
    assert headers[1] == [["plugin", "add-one", "p", "leave-one-out", "p", "Shapley", "value", "p"]]


def test_a_narrow_terminal_folds_and_cuts_nothing() -> None:
    text = printed(factories.report(), width=60, force_terminal=True)
    assert "…" not in text


def test_the_next_command_can_be_copied_from_a_narrow_terminal() -> None:
    report = replace(factories.report(), name="a-run-with-a-name-that-is-longer-than-a-narrow-terminal")
    command = summarise(report).conclusion.command
    assert len(command) > 40
    assert f"Next: {command}" in printed(report, width=40, force_terminal=True, no_color=True).splitlines()


def test_a_name_is_not_markup() -> None:
    report = factories.report({"vanilla": 0.5, "[red]x[/red]": 0.5})
    assert "[red]x[/red]" in printed(report)


def test_a_failed_arm_is_shown_as_failed() -> None:
    report = factories.report()
    failure = Failure("rl", "toy/L1/sums", 0, "boom")
    kept = tuple(r for r in report.results if r.arm != "rl")
    text = printed(replace(report, results=kept, failures=(failure,)))
    assert any(line.split()[:2] == ["rl", "failed"] for line in text.splitlines())
    assert "No score: rl failed on toy/L1/sums, seed 0: boom" in text
    assert "No add-one, Shapley value of prm, icl: rl failed." in text


def test_a_plugin_that_fails_in_several_arms_is_said_once() -> None:
    report = factories.report()
    arms = [name for name in factories.ARMS if "prm" in name]
    failures = tuple(
        Failure(arm, "toy/L1/sums", 0, "plugin 'prm' raised ValueError.", f"failures/{arm}.txt") for arm in arms
    )
    kept = tuple(r for r in report.results if r.arm not in arms)
    text = " ".join(printed(replace(report, results=kept, failures=failures)).split())
    assert text.count("plugin 'prm' raised ValueError") == 1
    assert (
        "No score: rl+prm, rl+prm+icl failed on toy/L1/sums, seed 0: plugin 'prm' raised ValueError"
        " (details: failures/rl+prm.txt, ...)." in text
    )


def test_markdown_has_every_table_and_caveat() -> None:
    report = factories.report(tasks=[factories.task(), factories.task("toy/L1/more")])
    summary = summarise(report)
    text = format_markdown(report, summary)
    assert text.startswith("# toy\n")
    assert text.count("## ") == 4
    assert all(f"- {note}" in text for note in summary.notes)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 2


def test_a_bar_in_a_name_does_not_break_markdown() -> None:
    report = factories.report({"a|b": 0.5})
    assert "a\\|b" in format_markdown(replace(report, arms=(ArmRecord("a|b", ()),)), summarise(report))


def test_a_verdict_is_shown_with_what_would_settle_it() -> None:
    out = io.StringIO()
    show_gate_result(compare_reports(factories.report(), factories.report(noise=1), 0.02), Console(file=out, width=80))
    assert "inconclusive" in out.getvalue()
    assert "would settle it" in out.getvalue()
    assert out.getvalue().splitlines()[-1] == "gate: inconclusive"
    narrow = io.StringIO()
    verdict = compare_reports(factories.report(), factories.report(noise=1), 0.02)
    show_gate_result(verdict, Console(file=narrow, width=60, force_terminal=True))
    text = " ".join(narrow.getvalue().split())
    assert "the terminal has 60 columns: baseline, candidate. --wide shows all." in text


def test_shapley_values_of_a_full_lattice_are_in_every_form(tmp_path: Path) -> None:
    report = factories.report(seeds=(0, 1, 2))
    summary = summarise(report)
    found = summary.components[0].gains["shapley"]
    shown = f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
    for text in (format_markdown(report, summary), build_page(report, summary, tmp_path).html):
        assert "Shapley value" in text
        assert shown in text
    gains = dump_document(summary)["components"][0]["gains"]["shapley"]
    assert (gains["value"], gains["low"], gains["high"]) == (found.value, found.low, found.high)


def test_a_group_table_with_one_row_is_left_out() -> None:
    level = Interval(0.5, 0.4, 0.6)
    scores = tuple(GroupScore(arm, level, level) for arm in ("vanilla", "rl"))
    groups = [Group("toy/L1", by, name, 1, 60, 0, scores) for by, name in (("", "all"), ("level", "L1"))]
    summary = summarise(factories.report({"vanilla": 0.5}))
    assert list(build_group_tables(replace(summary, groups=tuple(groups[:1])), in_full=False)) == []
    (table,) = build_group_tables(replace(summary, groups=tuple(groups)), in_full=False)
    assert [row[0] for row in table.rows] == ["all", "level L1"]
