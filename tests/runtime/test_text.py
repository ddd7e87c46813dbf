"""Text from outside is shown as text."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from openrft.bench.markdown import format_markdown
from openrft.bench.summary import summarise
from openrft.cli.run_output import show_summary
from openrft.runtime.files import read_jsonl, write_atomic, write_jsonl
from openrft.runtime.text import escape_markdown, escape_terminal, format_code
from tests.bench import factories

HOSTILE = "x[/red]|<script>\n\x1b[2J\u202e\udcff`](y)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rl+prm, 0.5 [0.1, 0.9] \u00e9 \u4e2d \U0001f600\u200d", None),
        ("no\u00a0break\u3000wide", None),
        ("a\x1b[2Jb\x07\x9b", "a\\x1b[2Jb\\x07\\x9b"),
        ("a\r\nb\tc\u2028", "a\\r\\nb\\tc\\u2028"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_terminal_obeys_nothing(text: str, shown: str | None) -> None:
    once = escape_terminal(text)
    assert once == (text if shown is None else shown)
    assert escape_terminal(once) == once


def test_newlines_stay_where_text_has_lines() -> None:
    assert escape_terminal("a\nb\x1b", keep_newlines=True) == "a\nb\\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rl+prm, 43.7 [40.1, 47.3], p <.001, a < b & c, final_speed, -2.0", None),
        ("a|b", "a\\|b"),
        ("<script>x</script> &lt;", "&lt;script>x&lt;/script> &amp;lt;"),
        ("`code` *x* _y_ ~~z~~", "\\`code\\` \\*x\\* \\_y\\_ \\~\\~z\\~\\~"),
        ("![i](u) [l][m] [n]: o", "![i\\](u) [l\\][m] [n\\]: o"),
        ("# h", "\\# h"),
        ("a\\|b\\", "a\\\\\\|b\\\\"),
        ("a\n\n# b", "a\\n\\n# b"),
    ],
)
def test_markdown_draws_nothing(text: str, shown: str | None) -> None:
    assert escape_markdown(text) == (text if shown is None else shown)


def test_code_is_fenced_by_more_backticks_than_it_holds() -> None:
    assert format_code("openrft bench") == "`openrft bench`"
    assert format_code("a``b\nc`") == "``` a``b\\nc` ```"


def test_a_report_shows_hostile_names_as_text() -> None:
    report = factories.report({"vanilla": 0.5, HOSTILE: 0.5})
    page = format_markdown(report, summarise(report))
    assert "<script>" not in page.replace(format_code(report.command), "")
    assert not [line for line in page.splitlines() if not line.isprintable()]
    rows = [line for line in page.splitlines() if line.startswith("| x[/red]")]
    table = page[: page.index(rows[0])].rpartition("## ")[2].splitlines()[2]
    assert rows
    assert rows[0].replace("\\|", "").count("|") == table.count("|")
    out = io.StringIO()
    show_summary(report, summarise(report), Console(file=out, width=200, force_terminal=True, no_color=True))
    assert "x[/red]|<script>\\n\\x1b[2J\\u202e\\udcff`](y)" in out.getvalue()


def test_halves_of_surrogate_pairs_are_written_and_read_back(tmp_path: Path) -> None:
    rows = [{"question": "a\udcff\u00e9"}]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    assert list(read_jsonl(tmp_path / "rows.jsonl")) == rows
    write_atomic(tmp_path / "one.json", json.dumps(rows, ensure_ascii=False))
    assert json.loads((tmp_path / "one.json").read_text("utf-8")) == rows
