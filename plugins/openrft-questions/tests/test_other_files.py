"""Files as other programs and languages write them: other encodings, decimal commas, splits in one object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
