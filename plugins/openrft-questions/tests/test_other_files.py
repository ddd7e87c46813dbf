"""Files as other programs and languages write them: other encodings, decimal commas, splits in one object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows, load_task

ROWS = [{"question": f"Which is {i}?", "A": f"a{i}", "B": f"b{i}", "answer": "AB"[i % 2]} for i in range(10)]


def load(path: Path, **more: Any) -> list[Sample]:
    task = load_all_rows(f"questions/{path.stem}", DataRequest(data=str(path), **more))
    assert task is not None
    return [*task.train, *task.test]


def test_decimal_commas_in_a_file_with_tabs(tmp_path: Path) -> None:
    def answers(*texts: str, encoding: str = "utf-8") -> list[str]:
        lines = "\n".join(f"{i}?\t{text}" for i, text in enumerate(texts))
        (tmp_path / "q.tsv").write_text(f"question\tanswer\n{lines}\n", encoding)
        return [s.answer for s in load(tmp_path / "q.tsv")]

    assert answers("0,5", "3", "1,234") == ["0.5", "3", "1.234"]  # as Excel writes "Unicode text"
    assert answers("-1,25 kg", "7", encoding="utf-16") == ["-1.25 kg", "7"]
    for texts in (("1,234", "5"), ("0,5", "0.25"), ("0,5", "1,234,567")):
        with pytest.raises(DataError, match="could stand for thousands or decimals"):
            answers(*texts)


def test_text_of_western_europe_that_is_not_utf_8_is_read_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes("question,answer\nWo?,Köln\nWie?,müde\nWer?,Zoë\nWas?,Öl\n".encode("latin-1"))
    assert [s.answer for s in load(path)] == ["Köln", "müde", "Zoë", "Öl"]
    task = load_task("questions/q", DataRequest(data=str(path)))
    assert task.notes["warnings"][0].startswith(f"{path}, line 2: not UTF-8; read as Windows-1252 (Latin-1).")
    assert caplog.text.count("not UTF-8") == 1
    for content in (
        "question,answer\nq?,москва\n".encode("cp1251"),
        b"question,answer\nq\xff?,K\xc3\xb6ln\n",
        b"\x00\xff,",
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match="not UTF-8"):
            load(path)


def test_a_json_object_of_splits(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    parts = {"train": ROWS[:4], "validation": ROWS[4:7], "test": ROWS[7:]}
    path.write_text(json.dumps(parts), "utf-8")
    task = load_task("questions/q", DataRequest(data=str(path)))
    assert {s.meta["row"] for s in task.test} == {f"q.json test row {n}" for n in (1, 2, 3)}
    assert len(task.train) == 4
    assert len(load(path, split="validation")) == 3
    path.write_text(json.dumps({"train": ROWS[:4], "validation": ROWS[4:7]}), "utf-8")
    with pytest.raises(DataError, match=r"has the splits train, validation\. Name one or two with --split"):
        load(path)


@pytest.mark.parametrize("pair", ["WAHR/FALSCH", "vrai/faux", "Verdadero/Falso", "sí/no", "да/нет", "是/否"])
def test_yes_and_no_in_other_languages(tmp_path: Path, pair: str) -> None:
    path, (yes, no) = tmp_path / "q.csv", pair.split("/")
    path.write_text(f"question,answer\na?,{yes}\nb?,{no}\nc?,{yes}\n", "utf-8")
    assert [(s.answer, s.kind) for s in load(path)] == [("Yes", "boolean"), ("No", "boolean"), ("Yes", "boolean")]
    path.write_text(f"question,answer\na?,{yes}\nb?,Eisen\n", "utf-8")
    assert load(path)[0].kind == "text"  # one word among others


def test_a_split_that_is_the_same_in_every_row_divides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(json.dumps({**row, "split": "validation"}) for row in ROWS), "utf-8")
    assert len(load(path)) == 10
    path.write_text("\n".join(json.dumps({**row, "split": "dev" if i else "x"}) for i, row in enumerate(ROWS)), "utf-8")
    with pytest.raises(DataError, match="the split 'x' is neither train nor test: say --split NAME"):
        load(path)


def test_a_point_beside_decimal_commas_is_refused_if_it_could_stand_for_thousands(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("question;answer\na?;0,5\nb?;1.500\n")
    with pytest.raises(DataError, match=r"line 3: the point in '1\.500' could stand for thousands or decimals"):
        load(path)
    path.write_text("question;answer\na?;1.234,5\nb?;0.25\n")
    assert [s.answer for s in load(path)] == ["1234.5", "0.25"]
    for alone in ("question;answer\na?;2\nb?;1.500\n", "question;answer\na?;2\nb?;1.500.000\n"):
        path.write_text(alone)
        with pytest.raises(DataError, match=r"line 3: the points? in '1\.500.*thousands"):
            load(path)
    path.write_text("question;answer\na?;2.5\nb?;1.500\n")
    assert [s.answer for s in load(path)] == ["2.5", "1.500"]
    path.write_text("question;answer;accepted\na?;2;2,5\nb?;7;\n")
    assert [s.accepted for s in load(path)] == [("2.5",), ()]


def test_a_json_backslash_that_was_not_doubled_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "What is $\\alpha$?", "answer": "5"}\n')
    with pytest.raises(DataError, match="write each backslash twice"):
        load(path)


def test_merged_cells_of_a_workbook_hold_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ("A title", None, None),
        ("context", "question", "answer"),
        ("Iron rusts.", "What rusts?", "iron"),
        (None, "What does it do?", "rusting"),
        (None, "What is rust?", "iron oxide"),
        ("Tin does not.", "What does not?", "tin"),
    ):
        book.active.append(row)
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("A3:A5")
    book.save(tmp_path / "q.xlsx")
    assert [s.question.partition("\n\n")[0] for s in load(tmp_path / "q.xlsx")] == ["Iron rusts."] * 3 + [
        "Tin does not."
    ]
