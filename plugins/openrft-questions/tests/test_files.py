"""Files and paths that nobody would write on purpose: refused in words, within a second or two, or read as text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from openrft_questions.sources import find_source, read_file
from openrft_questions.table import Located

from openrft import DataError, DataRequest, UsageError
from openrft.plugins.task_registry import load_all_rows, load_task, select_tasks

GOOD = [json.dumps({"question": f"what is {i}?", "answer": str(i)}) for i in range(6)]


def request(path: Path, **more: bool) -> DataRequest:
    return DataRequest(data=str(path), **more)  # type: ignore[arg-type]


def read_rows(path: Path) -> list[Located]:
    return read_file(find_source(str(path)).files[0], request(path)).rows


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize(
    ("row", "bad"),
    [
        ('{"question": "q?", "answer": NUMBER}', 1),
        ('{"question": NUMBER, "answer": "4"}', 0),
        ('{"question": "q?", "options": [NUMBER, 2], "answer": "B"}', 0),
    ],
)
def test_an_integer_of_hundreds_of_digits_is_text_or_a_bad_row(tmp_path: Path, digits: int, row: str, bad: int) -> None:
    rows = [*GOOD, row.replace("NUMBER", "9" * digits)]
    for name, text in (("q.jsonl", "\n".join(rows)), ("q.json", f"[{','.join(rows)}]")):
        (tmp_path / name).write_text(text)
        task = load_task("questions/q", request(tmp_path / name, skip_bad_rows=True))
        assert len(task.train) + len(task.test) == 7 - bad
        assert task.notes["bad_rows"] == ({"answer": 1} if bad else {})
    if bad:
        with pytest.raises(DataError, match=rf"q\.jsonl: line 7: the answer has {digits} characters"):
            load_task("questions/q", request(tmp_path / "q.jsonl"))


def test_a_hundred_thousand_columns_take_a_second_or_two(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(100_000)]
    cells = ",".join(["x"] * len(names))
    (tmp_path / "wide.csv").write_text(
        "\n".join([",".join(["question,answer", *names]), f"q?,4,{cells}", f"r?,5,{cells}"])
    )
    (tmp_path / "twice.csv").write_text(",".join([*names, names[-1]]))
    (tmp_path / "wide.json").write_text(
        json.dumps([{"question": q, "answer": 4, **dict.fromkeys(names, 1)} for q in "qr"])
    )
    (tmp_path / "twice.json").write_text("{" + ",".join(f'"{name}": 1' for name in [*names, names[-1]]) + "}")
    began = time.process_time()
    for name in ("wide.csv", "wide.json"):
        assert len(load_task("questions/wide", request(tmp_path / name)).notes["columns_ignored"]) == 100_000
    for name in ("twice.csv", "twice.json"):
        with pytest.raises(DataError, match="'c99999'"):
            read_rows(tmp_path / name)
    assert time.process_time() - began < 10  # it was minutes


def test_names_of_columns_reach_no_terminal_as_they_are(tmp_path: Path) -> None:
    """Control characters and half a surrogate pair are shown as escapes."""
    rows = [row.replace("{", '{"\\ud800\\u001b[31m": 1, ', 1) for row in GOOD]
    (tmp_path / "q.jsonl").write_text("\n".join(rows))
    task = load_task("questions/q", request(tmp_path / "q.jsonl"))
    assert task.notes["columns_ignored"] == [r"\ud800\x1b[31m"]
    (tmp_path / "none.csv").write_text("pr\x1bompt,answer\nq?,4\n")
    with pytest.raises(DataError, match=r"there are pr\\x1bompt, answer"):
        load_task("questions/none", request(tmp_path / "none.csv"))


@pytest.mark.parametrize("path", ["x" * 300, "a/" * 3000, "~nosuchuser/x", "a\0b", "nowhere.csv"])
def test_paths_that_cannot_be_are_refused(path: str) -> None:
    with pytest.raises(DataError, match="Name a CSV, JSON, Excel or Parquet file"):
        find_source(path)
    advice = "Name a CSV" if path == "nowhere.csv" else "--data"
    with pytest.raises((DataError, UsageError), match=advice):
        select_tasks("questions", path)


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    for text in ("\n".join(GOOD), "\n".join(GOOD[:4])):
        path.write_text(text)
        assert len(read_rows(path)) == text.count("\n") + 1


@pytest.mark.parametrize(
    "above", ["Biology test\n", "Biology test;;\n\n", "# made in May; by A. B.\n# for class 9\n", "\nTest\nClass 9\n\n"]
)
def test_titles_above_the_column_names_are_not_read(tmp_path: Path, above: str) -> None:
    (tmp_path / "q.csv").write_text(f"{above}question;answer;topic\nLightest?;H2;gas\nHeaviest?;Os;metal\n")
    request = DataRequest(data=str(tmp_path / "q.csv"))
    task = load_all_rows("questions/q", request)
    assert task
    assert [(sample.question, sample.answer) for sample in task.train] == [("Lightest?", "H2"), ("Heaviest?", "Os")]
    last = above.count("\n") + 3
    assert task.train[1].meta["row"] == f"q.csv line {last}"
    if above.strip():
        assert f"above the column names in line {last - 2} is not read" in task.notes["warnings"][0]
