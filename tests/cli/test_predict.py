"""New questions answered from files, the command line and standard input."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.cli.source import find_format
from openrft.errors import DataError, OpenRFTError
from openrft.policies.description import PolicyDescription, write_description
from openrft.types import Sample, identify_question

ROWS = """question,A,B,C,D,answer
Which element has the highest density?,iron,osmium,lead,gold,B
Which gas is lightest?,helium,hydrogen,neon,argon,
How many moles are 36.0 g of water?,,,,,2.00
"""
SHORT = ("--set", "evaluate.max_tokens=80")  # as long as the answers that the policy ends by itself


@pytest.fixture
def new(tmp_path):
    file = tmp_path / "new.csv"
    file.write_text(ROWS)
    return file


def test_every_row_is_answered_and_those_with_a_label_are_scored(run_openrft, new, tmp_path):
    done = run_openrft("predict", "--data", "new.csv", "--out", "answers.csv", "--reasoning", *SHORT)
    assert done.returncode == 0, done.stderr
    assert "of 2 questions with a label are right" in done.stdout
    rows = list(csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text())))
    assert [row["question"] for row in rows] == [line.split(",")[0] for line in ROWS.splitlines()[1:]]
    assert [row["given answer"] for row in rows] == ["B", "", "2.00"]
    assert [row["correct"] for row in rows][1] == ""
    for row in rows[:2]:
        assert row["answer"] in ("A", "B", "C", "D")
        assert float(row["agreement"]) in (0.333, 0.667, 1.0)
        assert row["reasoning"]
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv", "answers.csv"}  # nothing half-written is left


def test_each_row_fills_the_same_columns(run_openrft, tmp_path):
    """Though the first rows lack some of the cells that later ones have. Answers take the place of no column."""
    rows = [{"question": f"What is {i} + 1?", "Answer": str(i + 1)} for i in range(9)]
    rows += [{"id": "last", "given Answer": "ten", **rows[0]}]
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run_openrft("predict", "--data", "new.jsonl", "--out", "-", "--samples", "1", *SHORT)
    assert done.returncode == 0, done.stderr
    read = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["given Answer"] for row in read] == [row["Answer"] for row in rows]
    assert [(row["id"], row["given given Answer"]) for row in read] == [("", "")] * 9 + [("last", "ten")]
    assert not any(None in row or None in row.values() for row in read)  # as many cells as columns
    assert all(row["tokens"].isdigit() for row in read)


def test_the_same_seed_gives_the_same_answers_in_any_format(run_openrft, new, tmp_path):
    for out, anew in (("a.jsonl", False), ("b.csv", True)):
        assert (
            run_openrft("predict", "--data", "new.csv", "--out", out, "--samples", "2", *SHORT, anew=anew).returncode
            == 0
        )
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "b.csv").read_text())))
    assert [line["answer"] or "" for line in lines] == [row["answer"] for row in rows]


def test_a_stopped_command_goes_on(run_openrft, fork_server, tmp_path):
    question = "Which of case {} is larger?,{},{}\n"
    (tmp_path / "many.csv").write_text("question,A,B\n" + "".join(question.format(i, i, i + 1) for i in range(20)))
    arguments = ("predict", "--data", "many.csv", "--samples", "1", *SHORT)
    assert run_openrft(*arguments, "--out", "whole.jsonl").returncode == 0
    whole = (tmp_path / "whole.jsonl").read_text().splitlines()
    code = (
        "import sys\n"
        "from openrft.cli import predictions_file as file\n"
        "write = file.PredictionsOutput.write\n"
        "def stop(self, asked, found):\n"
        "    write(self, asked, found)\n"
        "    raise KeyboardInterrupt\n"
        "file.PredictionsOutput.write = stop\n"
        "from openrft.cli import main\n"
        f"sys.argv = ['openrft', *{arguments!r}, '--out', 'answers.jsonl']\n"
        "main()\n"
    )
    stopped = fork_server.run(["-c", code], tmp_path)
    assert stopped.returncode == 130, stopped.stderr
    assert not (tmp_path / "answers.jsonl").exists()
    done = run_openrft(*arguments, "--out", "answers.jsonl")
    assert "8 of 20 questions were answered before; going on." in done.stderr
    assert (tmp_path / "answers.jsonl").read_text().splitlines() == whole


def test_another_policy_does_not_go_on_from_what_is_kept(run_openrft, tiny, new, tmp_path):
    (tmp_path / "answers.csv.part").write_text('{"key": "other"}\n{"answer": "A"}\n')
    done = run_openrft("predict", "--policy", str(tiny), "--data", "new.csv", "--out", "answers.csv", "--samples", "1",
                       "--set", "evaluate.max_tokens=4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "before" not in done.stderr
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 4


def test_questions_that_the_policy_was_trained_on_are_told_of(run_openrft, tiny, tmp_path):
    rows = [Sample(f"Which is larger than {i}?", "B", (f"{i}", f"{i + 1}")) for i in range(4)]
    about = PolicyDescription("sft", ("sft",), 0, "questions/all", "pocket", "0", "Think.", {}, {}, 3, "0", 1)
    shutil.copytree(tiny, tmp_path / "own")
    write_description(tmp_path / "own", replace(about, trained_on=tuple(map(identify_question, rows[:3]))))
    lines = [f"{row.question},{row.options[0]},{row.options[1]},B" for row in rows]
    (tmp_path / "new.csv").write_text("\n".join(["question,A,B,answer", *lines]))
    done = run_openrft("predict", "--policy", "own", "--data", "new.csv", "--out", "a.csv", "--samples", "1",
                       "--set", "evaluate.max_tokens=4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3 of the questions are among those that the policy was trained on. Of the others" in done.stdout
    assert "with a label 0 of 1 are right." in done.stdout


def test_one_question_and_standard_input(run_openrft, tmp_path):
    done = run_openrft("predict", "Which is larger?", "--option", "3", "--option", "5", *SHORT)
    assert done.returncode == 0, done.stderr
    assert "Agreement: " in done.stdout or "no answer could be read" in done.stdout
    piped = run_openrft("predict", "--data", "-", "--out", "-", *SHORT, stdin=ROWS)
    assert piped.returncode == 0, piped.stderr
    assert len(list(csv.DictReader(io.StringIO(piped.stdout)))) == 3
    assert "of 2 questions with a label are right" in piped.stderr


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"question\tA\n", ".csv"),
        (b'\xef\xbb\xbf[\n {"question": "?"}]', ".json"),
        (b'{"question": "?"}\n{"question": "!"}', ".jsonl"),
        (b'{"question": "?", "options": ["a", "b"]}', ".jsonl"),
        (b'{"data": [{"question": "?"}]}', ".json"),
        (b'{\n "data": []}', ".json"),
        (gzip.compress(b'{"question": "?"}\n', mtime=0), ".jsonl.gz"),
        (gzip.compress(b"question\n?", mtime=0)[:12], ".csv.gz"),
        (b"PK\x03\x04...", ".xlsx"),
        (b"PAR1...", ".parquet"),
        (b"", ".csv"),
    ],
    ids=["tab-csv", "list", "json-lines", "one-row", "data-key", "data-key-lines", "gzip", "gzip-cut", "zip", "parquet",
         "empty"],
)  # fmt: skip
def test_standard_input_holds_a_file_of_any_format(content, suffix):
    assert find_format(content) == suffix


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], "the QUESTION is empty"),
        (["what \udcff is"], "QUESTION 'what \\udcff is' is not text in UTF-8"),
        (["q", "--option", "a", "--option", "\udcff"], "--option '\\udcff' is not text in UTF-8"),
        ([__file__], "is a file. For the questions in it say --data"),
        (["q", "--kind", "choice"], "--kind choice needs the options of QUESTION"),
        (["q", "--kind", "text", "--option", "a"], "a QUESTION with options is a choice"),
        (["q", "--plugins", "icl"], "--plugins icl: it does not choose answers"),
        (["q", "--plugins", "best-of-n", "--set", "best-of-n.model=./no-prm"],
         "best-of-n.model: './no-prm' is neither a folder"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked_is_refused(arguments, words):
    fault = CliRunner().invoke(cli, ["predict", *arguments], standalone_mode=False).exception
    assert isinstance(fault, OpenRFTError)
    assert words in str(fault)


def test_a_question_beyond_the_context_has_an_error_and_the_others_are_answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long, words = "many words " * 3000, "the question is longer than the policy's context"
    (tmp_path / "long.csv").write_text(f"question\nHow much is 3 + 4?\n{long}\nHow much is 4 + 5?\n")
    done = CliRunner().invoke(cli, ["predict", "--data", "long.csv", "--out", "a.csv", *SHORT])
    assert done.exit_code == 0, done.output
    assert f"1 got no answer: {words}" in done.output
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["error"] for row in rows] == ["", words, ""]
    assert [row["completions"] == "0" for row in rows] == [False, True, False]
    alone = CliRunner().invoke(cli, ["predict", long, *SHORT]).exception
    assert isinstance(alone, DataError)
    assert str(alone).startswith(f"{words}. Shorten it")


def test_a_conversation_ends_with_its_input(run_openrft):
    asked = "How much is 3 + 4?\nAnd 5 more?\n\n"
    talk = run_openrft("predict", "--ask", "--set", "evaluate.max_tokens=4", stdin=asked)
    assert talk.returncode == 0, talk.stderr
    assert talk.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "exactly one is needed"),
        (("q", "--ask"), "exactly one is needed"),
        (("--data", "new.csv"), "--data needs --out"),
        (("--data", "new.csv", "--out", "a.xlsx"), "unknown kind of file"),
        (("--data", "new.csv", "--out", "new.csv"), "the file exists"),
        (("--data", "new.csv", "--out", "a.csv", "--set", "rl.lr=1"), "settings of evaluate and policy alone"),
        (("--data", "bad.csv", "--out", "a.csv"), "bad.csv"),
        (("--data", "none.csv", "--out", "a.csv"), "none.csv"),
    ],
)
def test_bad_input_is_one_line(run_openrft, new, tmp_path, arguments, words):
    (tmp_path / "bad.csv").write_text("question,A,B\nWhich?,1,2\n,1,2\n")
    done = run_openrft("predict", *arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "a.csv").exists()
