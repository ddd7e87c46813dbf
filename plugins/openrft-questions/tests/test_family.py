"""Files of questions, as users write them, become tasks; what cannot be used is refused with its place."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrft import DataError, DataRequest, Sample, UsageError
from openrft.plugins.task_registry import load_all_rows, load_task, select_tasks
from openrft.testing import check_family

CSV = """question,A,B,C,answer,Topic,Source
Which is a metal?,iron,neon,argon,a,metals,book
Which is a gas?,iron,neon,,NEON,gases,book
"Is ""neon"", a gas, inert?",,,,true,gases,book
How many grams are 2.5 kg?,,,,2500,,book
Which element has the symbol Fe?,,,,iron,metals,book
,,,,,,
"""


def request(path: Path, train: int = 100, test: int = 100, **more: object) -> DataRequest:
    return DataRequest(train, test, data=str(path), **more)  # type: ignore[arg-type]


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def all_of(path: Path, name: str = "questions/all") -> list[Sample]:
    task = load_all_rows(name, request(path))
    assert task is not None
    return [*task.train, *task.test]


def test_a_csv_of_every_kind_of_answer(tmp_path: Path) -> None:
    found = all_of(write(tmp_path / "mine.csv", CSV))
    assert [(s.kind, s.answer, s.options) for s in found] == [
        ("choice", "A", ("iron", "neon", "argon")),
        ("choice", "B", ("iron", "neon")),
        ("boolean", "Yes", ()),
        ("number", "2500", ()),
        ("text", "iron", ()),
    ]
    assert found[2].question == 'Is "neon", a gas, inert?'
    assert [s.meta.get("topic") for s in found] == ["metals", "gases", "gases", None, "metals"]
    assert {s.task for s in found} == {"questions/mine"}
    assert found[4].meta["row"] == "mine.csv line 6"
    task = load_task("questions/mine", request(tmp_path / "mine.csv"))
    assert (len(task.train), len(task.test)) == (3, 2)
    assert task.notes["columns_ignored"] == ["Source"]
    assert "the number alone where a number is asked for" in task.instruction
    right = {"choice": "\\boxed{B}", "number": "\\boxed{2500.3}", "text": "\\boxed{ Iron }", "boolean": "\\boxed{yes}"}
    assert all(task.grade(s, right[s.kind]).correct for s in found[1:])


def test_choices_alone_are_asked_as_the_harness_asks(tmp_path: Path) -> None:
    rows = "\n".join(["question,A,B,answer", *(f"question {i}?,x{i},y{i},B" for i in range(9))])
    task = load_task("questions/q", request(write(tmp_path / "q.csv", rows)))
    assert task.instruction == load_task("pocket/L1/valence", DataRequest(2, 2)).instruction


@pytest.mark.parametrize("mark", [";", "\t"])
def test_spreadsheets_write_other_marks_and_a_byte_order_mark(tmp_path: Path, mark: str) -> None:
    text = "\ufeff" + CSV.replace('"Is ""neon"", a gas, inert?"', "Is neon inert?").replace(",", mark)
    (tmp_path / "mine.csv").write_text(text, "utf-8", newline="\r\n")
    assert [s.answer for s in all_of(tmp_path / "mine.csv")] == ["A", "B", "Yes", "2500", "iron"]


def test_chemistry_needs_its_capitals(tmp_path: Path) -> None:
    rows = "question,A,B,answer\nName c1ccccc1,CO,Co,CO\nName C1CCCCC1,CO,Co,B\n"
    found = all_of(write(tmp_path / "q.csv", rows))
    assert [(s.answer, s.meta["defects"]) for s in found] == [("A", []), ("B", [])]


@pytest.mark.parametrize(
    "whole",
    [
        [{"question": "q?", "answer": "4"}],
        {"data": [{"question": "q?", "answer": "4"}]},
        {"title": "quiz", "tags": ["a", "b"], "questions": [{"question": "q?", "answer": "4"}]},
        {"question": ["q?"], "answer": ["4"]},
        {"17": {"question": "q?", "answer": "4"}},
        {"question": "q?", "answer": "4"},
    ],
)
def test_rows_in_an_object_of_json(tmp_path: Path, whole: object) -> None:
    (sample,) = all_of(write(tmp_path / "q.json", json.dumps(whole)))
    assert (sample.question, sample.answer) == ("q?", "4")


def test_json_keeps_the_digits_of_its_decimals_and_refuses_a_key_twice(tmp_path: Path) -> None:
    text = '[{"question": "q?", "answer": 2.00}, {"question": "r?", "answer": 3, "topic": NaN}]'
    assert [s.answer for s in all_of(write(tmp_path / "q.json", text))] == ["2.00", "3"]
    write(tmp_path / "twice.jsonl", '{"question": "q?", "answer": 1, "answer": 2}')
    with pytest.raises(DataError, match=r"line 1: not JSON .the key 'answer' occurs twice in an object"):
        load_task("questions/twice", request(tmp_path / "twice.jsonl"))


cell = st.text("abc ,;\"'\n\tÄ≤0.", min_size=1).map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.lists(st.tuples(cell, cell, cell), min_size=1, unique=True), st.data())
def test_csv_and_json_hold_the_same_questions(tmp_path_factory: pytest.TempPathFactory, rows, data) -> None:  # type: ignore[no-untyped-def]
    from openrft_questions.sources import find_source, read_file

    folder = tmp_path_factory.mktemp("same")
    table = [{"question": q, "A": a, "B": b, "answer": "A"} for q, a, b in rows]
    with (folder / "q.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["question", "A", "B", "answer"])
        writer.writeheader()
        writer.writerows(table)
    (folder / "q.json").write_text(json.dumps(table), "utf-8")
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, table)), "utf-8")
    found = [
        [one.row for one in read_file(find_source(str(folder / name)).files[0], DataRequest()).rows]
        for name in ("q.csv", "q.json", "q.jsonl")
    ]
    assert found[0] == found[1] == found[2] == table


def test_bad_rows_are_refused_with_their_lines_or_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "q.csv", 'question,A,B,answer\nq?,x,y,A\n"two\nlines?",x,y,C\nr?,x,y,B,more\ns?,x,y,B\n')
    with pytest.raises(DataError) as refused:
        load_task("questions/q", request(path))
    assert f"{path}: line 3: the answer 'C' is neither" in str(refused.value)
    assert "; line 5: more cells than there are columns" in str(refused.value)
    task = load_task("questions/q", request(path, skip_bad_rows=True))
    assert (len(task.train), len(task.test)) == (1, 1)
    assert task.notes["bad_rows"] == {"answer": 1, "cells": 1}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("q.csv", b"question,answer\nq?,\xcc\xea\xf1\xee\n", "line 2: not UTF-8"),
        ("q.csv", b"question,answer,answer\nq?,1,2\n", "two columns are called 'answer'"),
        ("q.csv", b'question,answer\n"q?,1\n', "not CSV"),
        ("q.csv", b"question,answer\n", "has no rows"),
        ("q.json", b'[{"question": ', "not JSON"),
        ("q.json", b"[]", "has no rows"),
        ("q.json", b"[1]", "row 1: not a JSON object"),
        ("q.jsonl", b'{"question": "q?", "answer": "4"}\n{"question"\n', "line 2: not JSON"),
        ("q.csv", b"\n\nquestion,answer\n\nq?,4\nr?,\n", "line 6: there is no answer"),
        ("q.csv", b'question,answer\nq?,4\n"two\nlines"",5\n', "line 3: not CSV"),
        ("q.csv", b"sep=;\nquestion;answer\nq?;\n", "line 3: there is no answer"),
        ("q.csv", b"words,answer\nq?,4\n", "no column is called question; there are words, answer"),
        ("q.json", b'{"question": {"0": "q?"}, "answer": {"0": 4}}', "no list of rows"),
        ("q.txt", b"q?", "not a file of questions by its name"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=why) as refused:
        load_task("questions/all", request(tmp_path / name))
    assert name in str(refused.value)


def numbered(count: int, **more: object) -> str:
    rows = [{"question": f"what is {i}?", "answer": str(i), **more} for i in range(count)]
    return "\n".join(map(json.dumps, rows))


def test_a_folder_is_a_task_a_file_and_all_together(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", numbered(20))
    write(tmp_path / "two.jsonl", numbered(60, topic="t"))
    assert select_tasks("questions/*", str(tmp_path)) == ["questions/one", "questions/two"]
    assert select_tasks("questions", str(tmp_path)) == ["questions/all"]
    pooled = load_task("questions/all", request(tmp_path, train=20, test=20))
    assert len(pooled.test) == 20
    assert [s.task for s in pooled.test].count("questions/one") == 5  # in proportion
    assert len(load_task("questions/one", request(tmp_path)).train) == 10
    write(tmp_path / "two.csv", "question,answer\nq?,4\n")
    with pytest.raises(DataError, match="several files called two"):
        select_tasks("questions/one", str(tmp_path))


def test_sides_by_another_name_are_not_mixed(tmp_path: Path) -> None:
    write(tmp_path / "chem_train.jsonl", numbered(20))
    write(tmp_path / "chem_test.jsonl", numbered(20))
    with pytest.raises(DataError, match=r"chem_test\.jsonl is one side of a split by its name"):
        select_tasks("questions", str(tmp_path))


def test_names_may_hold_the_marks_of_globs(tmp_path: Path) -> None:
    path = write(tmp_path / "chem [v2].jsonl", numbered(9))
    assert select_tasks("questions/chem [v2]", str(path)) == ["questions/chem [v2]"]
    write(tmp_path / "All.jsonl", numbered(9))
    assert select_tasks("questions", str(tmp_path / "All.jsonl")) == ["questions/All"]


def test_a_split_in_the_files_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "chem"
    folder.mkdir()
    write(folder / "train.jsonl", numbered(30))
    write(folder / "test.csv", "question,answer\nhow many?,4\n")
    write(folder / "notes.csv", "a,b\n")
    task = load_task("questions/chem", request(folder, train=12))
    assert (len(task.train), [s.question for s in task.test]) == (12, ["how many?"])
    assert task.notes["files_left_out"] == ["notes.csv"]
    column = write(tmp_path / "q.csv", "question,answer,split\nq?,1,train\nr?,2,test\ns?,3,Train\n")
    task = load_task("questions/q", request(column))
    assert ({s.question for s in task.train}, {s.question for s in task.test}) == ({"q?", "s?"}, {"r?"})
    write(column, "question,answer,split\nq?,1,train\nr?,2,\n")
    with pytest.raises(DataError, match=r"q\.csv line 3 does not"):
        load_task("questions/q", request(column, skip_bad_rows=True))
    write(column, "question,answer,split\nq?,1,train\nr?,2,train\n")
    with pytest.raises(DataError, match="no row is test"):
        load_task("questions/q", request(column, test=3))


def test_a_leakage_group_stays_on_one_side_of_a_drawn_split(tmp_path: Path) -> None:
    rows = [{"question": f"what is {i}?", "answer": str(i), "group": str(i // 5)} for i in range(40)]
    rows += [{**row, "question": row["question"].upper()} for row in rows[:20]]
    path = write(tmp_path / "q.json", json.dumps(rows))
    for seed in range(5):
        task = load_task("questions/q", request(path, train=30, test=20, seed=seed))
        sides = [{s.meta["leakage_groups"][0] for s in side} for side in (task.train, task.test)]
        assert sides[0]
        assert not sides[0] & sides[1]
        assert not any(task.notes["overlaps"].values())
    alone = write(tmp_path / "one.json", json.dumps([{**row, "group": "g"} for row in rows]))
    with pytest.raises(DataError, match="up to 60 have to stay together"):
        load_task("questions/one", request(alone))


def test_repeated_and_contradicting_rows_are_counted(tmp_path: Path) -> None:
    rows = "question,answer\nq?,4\nq?,4\nr?,5\nr?,6\ns?,7\nt?,8\n"
    path = write(tmp_path / "q.csv", rows)
    task = load_task("questions/q", request(path))
    assert task.notes["defects_kept"] == {"conflicting_gold": 2, "exact_duplicate": 1}
    clean = load_all_rows("questions/q", request(path, clean=True))
    assert clean is not None
    assert [s.question for s in clean.train] == ["q?", "s?", "t?"]


def test_without_data_it_says_what_to_give() -> None:
    with pytest.raises(UsageError, match="Name a CSV, JSON, Excel or Parquet file of yours with --data"):
        load_task("questions/all", DataRequest())
    with pytest.raises(DataError, match="there is no such file or folder"):
        load_task("questions/all", DataRequest(data="nowhere.csv"))


def test_the_commands_take_it_by_its_short_name(tmp_path: Path, openrft: Callable[..., str]) -> None:
    path = write(tmp_path / "mine.csv", CSV)
    assert re.search("columns not read +Source", openrft("tasks", "show", "questions", "--data", path))
    asked = [
        "evaluate",
        "--task",
        "questions",
        "--data",
        path,
        "--policy",
        "baseline:majority-answer",
        "--out",
        tmp_path,
    ]
    openrft(*asked, "--json")


@pytest.fixture
def openrft(run_openrft: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., str]:
    """What the command prints; it must succeed."""

    def run(*arguments: object) -> str:
        done = run_openrft(*map(str, arguments))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_options_that_explain_rows_are_part_of_the_plan(tmp_path: Path, openrft: Callable[..., str]) -> None:
    lines = ["words,A,B,key,topic", *(f"{i}?,x,y,{1 + i % 2},{'st'[i % 3 > 0]}" for i in range(30))]
    path = write(tmp_path / "q.csv", "\n".join(lines))
    reading = ["--data", path, "--map", "question=words", "--map", "answer=key", "--count-from", 1]
    shown = openrft("tasks", "show", "questions", *reading)
    assert re.search(r"layout +own columns: question from words, answer from key, options from A, B\n", shown)
    assert re.search(r"answers +15 A, 15 B\n", shown)
    policy = ["--policy", "baseline:majority-answer", "--out", tmp_path]
    openrft("evaluate", "--task", "questions", *reading, *policy, "--name", "one")
    plan = json.loads((tmp_path / "one" / "plan.json").read_text())
    assert (plan["data"]["columns"], plan["data"]["count_from"]) == ("question=words,answer=key", 1)
    openrft("bench", "--plan", tmp_path / "one" / "plan.json", "--out", tmp_path, "--name", "two")
    one, two = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two"))
    assert one["tasks"] == two["tasks"]
    assert "topic s" in (tmp_path / "one" / "report.md").read_text()


def test_it_is_a_family_as_the_harness_wants_it(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", numbered(50))
    check_family("questions", "questions/q", request(path, train=20, test=20))
    check_family("questions", "questions/all", request(path, train=20, test=20, seed=1))
