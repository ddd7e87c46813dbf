"""Every format of files holds the same questions; what is cut short, missing or ambiguous is refused in one line."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_questions.sources import find_source, read_file

from openrft import DataError, DataRequest, Sample, UsageError
from openrft.plugins.task_registry import load_all_rows, load_task, select_tasks

Rows = Sequence[dict[str, str]]
ROWS = [
    {"question": f"Which is {i}?", "A": f"a{i}", "B": f"b{i}", "answer": "AB"[i % 2], "topic": "xy"[i // 5]}
    for i in range(10)
]


def write_csv(path: Path, rows: Rows, delimiter: str = ",", encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_gzip(path: Path, rows: Rows) -> None:
    inner = path.with_name(path.stem)
    WRITERS[inner.name](inner, rows)
    path.write_bytes(gzip.compress(inner.read_bytes()))


def write_workbook(path: Path, rows: Rows, sheet: str = "Quiz", **more: Rows) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, own in {sheet: rows, **more}.items():
        page = book.create_sheet(title)
        page.append(list(own[0]))
        for row in own:
            page.append(list(row.values()))
            for cell in page[page.max_row]:
                cell.data_type = "s" if cell.value else "n"  # "=1" is a text here, no formula
    book.save(path)


def write_columns(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps({name: [row[name] for row in rows] for name in rows[0]}), "utf-8")


WRITERS: dict[str, Callable[[Path, Rows], None]] = {
    "a.csv": write_csv,
    "b.csv": lambda path, rows: write_csv(path, rows, ";"),
    "c.csv": lambda path, rows: write_csv(path, rows, "\t", "utf-16"),
    "d.tsv": lambda path, rows: write_csv(path, rows, "\t", "utf-8-sig"),
    "e.json": lambda path, rows: path.write_text(json.dumps(rows), "utf-8") and None,
    "f.jsonl": lambda path, rows: path.write_text("\n".join(map(json.dumps, rows)), "utf-8") and None,
    "g.json": lambda path, rows: path.write_text(json.dumps({"version": 1, "data": rows}), "utf-8") and None,
    "h.json": write_columns,
    "i.xlsx": write_workbook,
    "j.parquet": lambda path, rows: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path),
    "k": lambda path, rows: datasets.Dataset.from_list(list(rows)).save_to_disk(path),
    "a.csv.gz": write_gzip,
    "e.json.gz": write_gzip,
    "f.jsonl.gz": write_gzip,
    "i.xlsx.gz": write_gzip,
    "j.parquet.gz": write_gzip,
}


@pytest.fixture(autouse=True)
def _no_bars() -> None:
    datasets.disable_progress_bars()


def load(path: Path, **more: Any) -> list[Sample]:
    (name,) = select_tasks("questions/*", str(path))
    task = load_all_rows(name, DataRequest(data=str(path), **more))
    assert task is not None
    return [*task.train, *task.test]


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_holds_the_same_questions(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name, ROWS)
    found = load(tmp_path / name)
    assert [(s.question, s.options, s.answer, s.meta["topic"]) for s in found] == [
        (row["question"], (row["A"], row["B"]), row["answer"], row["topic"]) for row in ROWS
    ]
    assert found[1].task == f"questions/{name.split('.')[0]}"
    assert load_task(found[0].task, DataRequest(data=str(tmp_path / name))).notes["groups"] == ["topic"]


# Characters of which each format has to take care; a cell of Excel holds no control characters.
cell = st.text("ab=1,;\t\"'\n|{[]Ä≤ .", min_size=1).map(str.strip).filter(bool)


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("b.csv", "c.csv")])
@settings(max_examples=15)
@given(rows=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=4))
def test_rows_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, name: str, rows: Any) -> None:
    table = [{"question": question, "A": a, 'Some, "name"': b} for question, a, b in rows]
    path = tmp_path_factory.mktemp("same") / name
    WRITERS[name](path, table)
    assert [one.row for one in read_file(find_source(str(path)).files[0], DataRequest()).rows] == table


def test_numbers_keep_their_meaning_in_every_format(tmp_path: Path) -> None:
    numbers = [0.5, 12.0, 0.1, 3e-7]
    pyarrow.parquet.write_table(
        pyarrow.table({"question": list("abcd"), "answer": pyarrow.array(numbers, pyarrow.float32())}),
        tmp_path / "q.parquet",
    )
    assert [s.answer for s in load(tmp_path / "q.parquet")] == ["0.5", "12.0", "0.1", "3e-07"]
    pyarrow.parquet.write_table(
        pyarrow.table({"question": list("abc"), "answer": [1.0, None, 3.0]}), tmp_path / "r.parquet"
    )
    assert [s.answer for s in load(tmp_path / "r.parquet", skip_bad_rows=True)] == ["1", "3"]
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (["question", "answer"], ["a", 0.1 + 0.2], ["b", 12], ["c", 0.85], ["d", "1,5"]):
        page.append(row)
    page["B4"].number_format = "0.0%"
    book.save(tmp_path / "s.xlsx")
    with pytest.raises(DataError, match=r"s.xlsx: sheet Sheet row 5: the comma in '1,5' could stand for"):
        load(tmp_path / "s.xlsx")
    assert [s.answer for s in load(tmp_path / "s.xlsx", skip_bad_rows=True)] == ["0.3", "12", "85%"]


def test_decimal_commas_in_a_file_with_semicolons(tmp_path: Path) -> None:
    def answers(*texts: str) -> list[str]:
        lines = "\n".join(f"{i}?;{text}" for i, text in enumerate(texts))
        (tmp_path / "q.csv").write_text(f"question;answer\n{lines}\n", "utf-8")
        return [s.answer for s in load(tmp_path / "q.csv")]

    assert answers("0,5", "3", "-1,25 kg", "1,008") == ["0.5", "3", "-1.25 kg", "1.008"]
    assert answers("1,234,567", "2,500.5", "3,000") == ["1234567", "2500.5", "3000"]
    with pytest.raises(DataError, match="the comma in '0,5' could stand for thousands or decimals"):
        answers("1,234,567", "0,5")


def test_sheets(tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    write_workbook(path, ROWS[:6], "One", Two=ROWS[6:])
    with pytest.raises(DataError, match=r"q\.xlsx has several sheets: One, Two\. Name one with --sheet\."):
        load(path)
    assert [s.question for s in load(path, sheet="two")] == [row["question"] for row in ROWS[6:]]
    with pytest.raises(DataError, match=r"q\.xlsx has no sheet 'Three'; it has One, Two"):
        load(path, sheet="Three")
    write_workbook(path, ROWS[:6], "Train", test=ROWS[6:], notes=[{"x": "y"}])
    task = load_task("questions/q", DataRequest(data=str(path)))
    assert (len(task.train), len(task.test), task.test[0].meta["row"]) == (6, 4, "q.xlsx sheet test row 2")
    write_csv(tmp_path / "q.csv", ROWS)
    with pytest.raises(UsageError, match=r"q\.csv has no sheets"):
        load(tmp_path / "q.csv", sheet="One")


def test_a_title_above_the_columns_and_a_date_in_a_cell_of_excel(tmp_path: Path) -> None:
    import datetime

    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (["My quiz"], [], ["Question", "Answer"], ["a?", 1], ["b?", datetime.date(2026, 4, 3)], ["c?", 3]):
        page.append(row)
    book.save(tmp_path / "q.xlsx")
    with pytest.raises(DataError, match="sheet Sheet row 5: Excel made a date of it: format the cells as text"):
        load(tmp_path / "q.xlsx")
    assert [s.answer for s in load(tmp_path / "q.xlsx", skip_bad_rows=True)] == ["1", "3"]


def test_splits_of_a_saved_data_set(tmp_path: Path) -> None:
    parts = {"train": ROWS[:5], "validation": ROWS[5:8], "test": ROWS[8:]}
    saved = datasets.DatasetDict({name: datasets.Dataset.from_list(list(rows)) for name, rows in parts.items()})
    saved.save_to_disk(tmp_path / "quiz")
    data = str(tmp_path / "quiz")
    own = load_task("questions/quiz", DataRequest(data=data))
    assert (len(own.train), len(own.test)) == (5, 2)
    other = load_task("questions/quiz", DataRequest(data=data, split="test:validation"))
    assert (len(other.train), len(other.test)) == (2, 3)
    assert {s.meta["row"] for s in other.test} == {f"quiz validation row {i}" for i in (1, 2, 3)}
    assert len(load(tmp_path / "quiz", split="validation")) == 3
    with pytest.raises(DataError, match="quiz has no split 'dev'; there are train, validation, test"):
        load(tmp_path / "quiz", split="dev")
    hidden = datasets.Dataset.from_list([{**row, "answer": ""} for row in ROWS[:2]])
    datasets.DatasetDict({**saved, "test": hidden}).save_to_disk(tmp_path / "hidden")
    with pytest.raises(DataError, match=r"hidden: no row of test has an answer\. Name another split: --split train:v"):
        load(tmp_path / "hidden", skip_bad_rows=True)
    del saved["test"]
    saved.save_to_disk(tmp_path / "two")
    with pytest.raises(DataError, match=r"two has the splits train, validation\. Name one or two with --split"):
        load(tmp_path / "two")


def test_splits_of_a_column(tmp_path: Path) -> None:
    parts = ["dev", "main", "main", "test"]
    write_csv(tmp_path / "q.csv", [{**row, "split": part} for row, part in zip(ROWS, parts, strict=False)])
    with pytest.raises(DataError, match="line 2: the split 'dev' is neither train nor test: say --split NAME"):
        load(tmp_path / "q.csv")
    task = load_task("questions/q", DataRequest(data=str(tmp_path / "q.csv"), split="main:dev"))
    assert (len(task.train), [s.question for s in task.test]) == (2, ["Which is 0?"])
    assert [s.question for s in load(tmp_path / "q.csv", split="test")] == ["Which is 3?"]
    write_csv(tmp_path / "r.csv", ROWS)
    with pytest.raises(UsageError, match="has no splits, and no column `split`"):
        load(tmp_path / "r.csv", split="test")


def test_a_number_that_names_an_option_needs_options(tmp_path: Path) -> None:
    write_csv(tmp_path / "q.csv", [{"question": f"{i}?", "label": str(i % 2)} for i in range(4)])
    with pytest.raises(DataError, match="line 2: the answer 0 looks like the number of an option, and there are none"):
        load(tmp_path / "q.csv")
    assert {s.kind for s in load(tmp_path / "q.csv", kind="number")} == {"number"}


def test_classes_are_read_by_their_names(tmp_path: Path) -> None:
    features = datasets.Features(
        {"question": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = [{"question": f"{i}?", "label": i % 2} for i in range(4)]
    datasets.Dataset.from_list(rows, features=features).save_to_disk(tmp_path / "q")
    assert [(s.kind, s.answer) for s in load(tmp_path / "q")] == [("boolean", "No"), ("boolean", "Yes")] * 2


def test_a_data_set_in_several_files(tmp_path: Path) -> None:
    folder = tmp_path / "quiz"
    folder.mkdir()
    for name, rows in (("train-00000-of-00002", ROWS[:3]), ("train-00001-of-00002", ROWS[3:6]), ("test", ROWS[6:])):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"{name}.parquet")
    task = load_task("questions/quiz", DataRequest(data=str(folder)))
    assert (len(task.train), len(task.test)) == (6, 4)


def test_columns_by_option(tmp_path: Path) -> None:
    rows = [{"text": f"{i}?", "first, one": "x", "second": "y", "hint": "h", "right": "x", "a": "n"} for i in range(3)]
    write_csv(tmp_path / "q.csv", rows)
    columns = "question=text,A=first, one,B=second, answer=right"
    (sample, *_) = load(tmp_path / "q.csv", columns=columns)
    assert (sample.question, sample.options, sample.answer) == ("0?", ("x", "y"), "A")
    for wrong, why in (
        ("question=words", "--map question=words: there is no such column. There are text, first, one"),
        ("questions=text", "not MEANING=COLUMN. The meanings are question, options, answer"),
        ("text", "not MEANING=COLUMN"),
        ("question=text,answer=right,question=hint", "--map gives question twice."),
    ):
        with pytest.raises(UsageError, match=why.replace(".", r"\.")):
            load(tmp_path / "q.csv", columns=wrong)
    both = [{"prompt": "p?", "query": f"{i}?", "target": "4", "label": "5"} for i in range(3)]
    write_csv(tmp_path / "r.csv", both)
    with pytest.raises(DataError, match="two columns hold the question: prompt and query; say --map question=NAME"):
        load(tmp_path / "r.csv")
    assert [s.answer for s in load(tmp_path / "r.csv", columns="question=query,answer=label")] == ["5", "5", "5"]


@pytest.mark.parametrize("kind", ["number", "text", "expression"])
def test_the_kind_of_every_answer_by_option(tmp_path: Path, kind: str) -> None:
    write_csv(tmp_path / "q.csv", [{"question": f"{i}?", "answer": str(i)} for i in range(3)])
    assert {s.kind for s in load(tmp_path / "q.csv", kind=kind)} == {kind}
    write_csv(tmp_path / "r.csv", [{**row, "kind": "expression"} for row in ({"question": "q?", "answer": "x+1"},)])
    assert [s.kind for s in load(tmp_path / "r.csv")] == ["expression"]


def test_the_kind_is_judged_by_the_column(tmp_path: Path) -> None:
    def kinds(*answers: str) -> str:
        write_csv(tmp_path / "q.csv", [{"question": f"{i}?", "answer": a} for i, a in enumerate(answers)])
        return " ".join(s.kind for s in load(tmp_path / "q.csv"))

    assert kinds("85%", "12 kg", "3/4", "1.5e-3 M", "~7", "$5") == "number " * 5 + "number"
    assert kinds("12", "3/4", "7") == "number number number"
    assert kinds("iron", "12 kg", "blue") == "text text text"
    assert kinds("iron", "lead", "No", "H") == "text text text text"  # symbols of elements
    assert kinds("yes", "no", "True") == "boolean boolean boolean"
    with pytest.raises(DataError, match="line 2: the answer is the letter A, without options"):
        kinds("A", "C", "B")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("q.csv.gz", gzip.compress(b"question,answer\nq?,4\n" * 100)[:40], "not a whole gzip file"),
        ("q.csv.gz", b"question,answer\nq?,4\n", "not a whole gzip file"),
        ("q.xlsx", b"PK\x03\x04" + b"\0" * 50, "not a workbook that can be read"),
        ("q.xlsx", b"question,answer\n", "not a workbook that can be read"),
        ("q.parquet", b"PAR1" + b"\0" * 50 + b"PAR1", "not a whole Parquet file"),
        ("q.json", b'{"question": ["a?", "b?"], "answer": ["x"]}', "the columns are not equally long"),
        ("q.csv", "question,answer\nq?,4\n".encode("utf-16")[:-1], "not UTF-16"),
        ("q.json", b'{"data": []}', "has no rows"),
    ],
    ids=range(8),  # a gzip file holds the time
)
def test_a_file_that_is_cut_short_or_another_says_so(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=why) as refused:
        load(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("keep", [0, 100, 400])
def test_a_saved_data_set_that_is_cut_short(tmp_path: Path, keep: int) -> None:
    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "q")
    (file,) = (tmp_path / "q").glob("*.arrow")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataError, match="q: not a whole data set"):
        load(tmp_path / "q")


@pytest.mark.parametrize("name", ["i.xlsx", "j.parquet", "k", "a.csv.gz"])
def test_no_flipped_byte_breaks_a_reader(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path, ROWS)
    file = next(path.glob("*.arrow")) if path.is_dir() else path
    whole, draw = file.read_bytes(), random.Random(0)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(draw.randint(1, 6)):
            broken[draw.randrange(len(whole))] = draw.randrange(256)
        file.write_bytes(bytes(broken))
        with contextlib.suppress(DataError):
            load(path, skip_bad_rows=True)
