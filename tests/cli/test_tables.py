"""What a terminal of 60, 80 and 120 columns shows, and what a pipe gets."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from openrft.bench.report import Report
from openrft.bench.score_table import Summary
from openrft.bench.summary import summarise
from openrft.cli.run_output import show_summary
from openrft.cli.wrapping import cut_line, wrap_line
from tests.bench import factories
from tests.cli.terminal import show_on_terminal

INTERVAL = re.compile(r"[-+]?\d+\.\d \[[^\]]*\]")
WARNING = re.compile(r"Left out, because.*--wide\s+shows\s+all\.", re.DOTALL)


@pytest.fixture(scope="module")
def report() -> Report:
    return factories.report(seeds=(0, 1), completions=3)


@pytest.fixture(scope="module")
def summary(report: Report) -> Summary:
    return summarise(report)


@pytest.fixture
def terminal(report: Report, summary: Summary, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines that a report is on a terminal of some width."""

    def show(width: int, wide: bool = False) -> list[str]:
        return show_on_terminal(monkeypatch, width, lambda: show_summary(report, summary, Console(), wide=wide))

    return show


@pytest.fixture
def piped(report: Report, summary: Summary, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> str:
    """What a pipe gets, however narrow the terminal is that it was started in."""
    monkeypatch.setenv("COLUMNS", "60")
    show_summary(report, summary, Console())
    text: str = capsys.readouterr().out
    return text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_longer_than_the_terminal_and_nothing_is_broken(
    terminal: Callable[..., list[str]], piped: str, width: int
) -> None:
    lines = terminal(width)
    assert max(map(len, lines)) <= width
    text = WARNING.sub("", "\n".join(lines))
    assert {word for word in text.split() if not word.startswith("─")} <= set(piped.split())  # every word is whole
    shown = {found for line in lines for found in INTERVAL.findall(line)}
    assert len(shown) > 15
    assert shown == set(INTERVAL.findall(piped))  # no interval is broken, and none is left out


def test_columns_are_left_out_in_the_stated_order_and_wide_shows_all(terminal: Callable[..., list[str]]) -> None:
    def heads(width: int, wide: bool = False) -> list[str]:
        return next(line for line in terminal(width, wide) if line.split()[:1] == ["arm"]).split()

    everything = ["arm", "accuracy", "over", "vanilla", "p", "unparsed", "seconds"]
    assert heads(120) == everything
    assert heads(90) == everything[:-1]
    assert heads(80) == everything[:-2]
    assert heads(60, wide=True) == everything


def test_a_pipe_gets_every_column(piped: str) -> None:
    (head,) = (line for line in piped.splitlines() if line.split()[:1] == ["arm"] and "seconds" in line)
    assert head.split() == ["arm", "accuracy", "over", "vanilla", "p", "unparsed", "seconds"]
    assert "Left out" not in piped
    assert "\x1b" not in piped


@given(st.text(alphabet="ab [+1.0, 2]", max_size=200), st.integers(8, 60))
def test_wrapping_loses_nothing_and_breaks_no_word(text: str, width: int) -> None:
    lines = wrap_line(text, width)
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(re.findall(r"[^\s]+ \[[^\]]*\]\S*|\S+", line)) <= 2 for line in lines)


def test_an_interval_stays_with_its_value() -> None:
    text = "Best arm: rl, 60.0% right, +30.0 [+21.0, +39.0] points over vanilla"
    assert wrap_line(text, 44) == ["Best arm: rl, 60.0% right,", "+30.0 [+21.0, +39.0] points over vanilla"]
    assert wrap_line("    indented words that go on", 16) == ["    indented", "    words that", "    go on"]


def test_a_cut_line_ends_after_a_whole_word() -> None:
    assert cut_line("explore reward 0.54", 19) == "explore reward 0.54"
    assert cut_line("explore reward 0.54", 18) == "explore reward …"
    assert cut_line("explore reward 0.54", 9) == "explore …"
    assert cut_line("explore reward 0.54", 8) == ""
