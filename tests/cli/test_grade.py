"""`openrft grade`: both readings of completions from a file, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.errors import OpenRFTError

METALS = {"question": "Which?", "kind": "choice", "options": ["iron", "osmium"], "answer": "B"}
ROWS = [
    {**METALS, "completion": "\\boxed{B}"},
    {**METALS, "completion": "\\boxed{A}"},
    {"question": "How far?", "kind": "number", "options": [], "answer": "0.5", "completion": "The answer is 1/2."},
    {"question": "How far?", "kind": "number", "options": [], "answer": "0.5", "completion": "I do not know."},
    {"question": "What?", "kind": "text", "answer": "water", "accepted": ["H2O"], "completion": "\\boxed{H_2O}"},
]  # fmt: skip


def run(*arguments, stdin=None):
    """The exit code and what was printed; a failure's one line instead."""
    done = CliRunner().invoke(cli, ["grade", *map(str, arguments)], input=stdin, standalone_mode=False)
    if isinstance(done.exception, OpenRFTError):
        return done.exception.exit_code, str(done.exception)
    if done.exception:
        raise done.exception
    return 0, done.stdout


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def test_json_has_a_verdict_for_every_row_and_totals(rows):
    code, printed = run(rows, "--json")
    found = json.loads(printed)
    assert code == 0
    assert [row["strict"] for row in found["rows"]] == [True, False, True, False, True]
    assert [row["answer"] for row in found["rows"]] == ["B", "A", "1/2", None, "H_2O"]
    assert [row["row"] for row in found["rows"]] == [f"answers.jsonl line {n}" for n in (1, 2, 3, 4, 5)]
    assert found["totals"]["rows"] == 5
    assert found["totals"]["strict"] == {"right": 3, "wrong": 1, "unread": 1}
    assert {kind: counts["strict"]["right"] for kind, counts in found["kinds"].items()} == {
        "choice": 1,
        "number": 1,
        "text": 1,
    }
    assert found["skipped"] == []


def test_the_table_counts_by_kind_and_reading(rows):
    lines = run(rows)[1].splitlines()
    counts = {line.split()[0]: [int(cell) for cell in line.split()[1:4]] for line in lines if line[:6].strip() in
              ("all", "choice", "number", "text")}  # fmt: skip
    assert counts == {"choice": [2, 1, 1], "number": [2, 1, 0], "text": [1, 1, 0], "all": [5, 3, 1]}


@pytest.mark.parametrize(
    ("show", "shown"),
    [("wrong", [2]), ("unread", [4]), ("all", [1, 2, 3, 4, 5]), ("none", [])],
)
def test_show_lists_rows(rows, show, shown):
    lines = run(rows, "--show", show)[1].splitlines()
    assert [line.split(" (")[0] for line in lines if line.startswith("answers.jsonl")] == [
        f"answers.jsonl line {number}" for number in shown
    ]


def test_what_the_file_expects_is_compared(tmp_path):
    path = tmp_path / "mine.jsonl"
    mine = [{**row, "strict": strict} for row, strict in zip(ROWS, [True, True, True, False, None], strict=True)]
    path.write_text("\n".join(map(json.dumps, mine)))
    printed = run(path, "--show", "none")[1]
    assert "3 of 4 rows are graded as the file expects." in printed
    assert "mine.jsonl line 2 (choice, gold B): \\boxed{A}" in printed
    assert "wrong A" in printed
    assert "the file expects right" in printed
    assert json.loads(run(path, "--json")[1])["unexpected"] == ["mine.jsonl line 2"]


def test_csv_with_a_column_for_each_option_other_names_and_standard_input():
    text = 'problem;A;B;gold;response\nWhich?;iron;osmium;B;"I say\n\\boxed{B}"\n'
    code, printed = run("-", "--json", stdin=text)
    assert code == 0
    assert json.loads(printed)["rows"][0]["strict"] is True
    assert json.loads(run("-", "--json", stdin="\n".join(map(json.dumps, ROWS)))[1])["totals"]["rows"] == 5
    code, printed = run("-", "--map", "completion=said", "--json", stdin="answer,said\n4,\\boxed{4}\n")
    row = json.loads(printed)["rows"][0]
    assert (row["row"], row["kind"], row["gold"]) == ("stdin.csv line 2", "number", "4")
    assert (row["answer"], row["strict"], row["lenient_answer"], row["lenient"]) == ("4", True, "4", True)


def test_completions_may_be_chats_or_blank(tmp_path):
    path = tmp_path / "chats.jsonl"
    said = [
        [{"role": "user", "content": "\\boxed{5}"}, {"role": "assistant", "content": "\\boxed{4}"}],
        {"role": "assistant", "content": "\\boxed{4}"},
        ["\\boxed{4}", "\\boxed{5}"],
        "",
    ]
    path.write_text("\n".join(json.dumps({"question": "q", "answer": "4", "completion": one}) for one in said))
    assert [row["answer"] for row in json.loads(run(path, "--json")[1])["rows"]] == ["4", "4", "4", None]


def test_tolerance(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("answer,completion\n100,\\boxed{101}\n")
    assert json.loads(run(path, "--json")[1])["rows"][0]["strict"] is False
    assert json.loads(run(path, "--json", "--tolerance", "0.02")[1])["rows"][0]["strict"] is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("question,answer\nq,4\n", "no column holds completions; there are question, answer"),
        ("question,completion\nq,4\n", "no column is called answer"),
        ("", "standard input has no rows"),
        ('answer,completion\n4,"\n', "standard input, line 2: not CSV"),
        ("answer,completion\n4,4\n,5\n", "stdin.csv line 3: there is no answer. Fix these rows, or leave them out"),
        ("\x00\x01", "standard input"),
    ],
)
def test_refusals_are_one_line_and_name_file_and_row(text, says):
    code, printed = run("-", stdin=text)
    assert code == 2
    assert says in printed
    assert "/tmp" not in printed


def test_bad_rows_can_be_left_out():
    code, printed = run("-", "--skip-bad-rows", stdin="answer,completion\n4,\\boxed{4}\n,5\n")
    assert code == 0
    assert "Left out 1 row: stdin.csv line 3: there is no answer." in printed


def test_text_from_the_file_cannot_obey_the_terminal():
    row = {"question": "q", "answer": "x\x1b[31m", "kind": "text", "completion": "\\boxed{\x1b[31m\u202e}"}
    printed = run("-", "--show", "all", stdin=json.dumps(row))[1] + run("-", "--json", stdin=json.dumps(row))[1]
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_neither_torch_nor_transformers_is_imported(rows):
    code = (
        "import sys; from openrft.cli import cli; cli.main(['grade', sys.argv[1]], standalone_mode=False);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(rows)], capture_output=True, text=True, check=True)
    loaded = {*done.stdout.splitlines()[-1].split()}
    assert "openrft" in loaded
    assert not loaded & {"torch", "transformers", "datasets", "scipy", "peft"}
