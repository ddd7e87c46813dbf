"""Cells of workbooks whose look says more than their value: raised digits, formats, formulas."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows


def read(path: Path, answers: list[Any], formats: tuple[str, ...] = ()) -> list[Sample]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["question", "answer"])
    for number, answer in enumerate(answers, 2):
        sheet.cell(number, 1, f"What is x in case {number}?")
        sheet.cell(number, 2, answer)
        if formats:
            sheet.cell(number, 2).number_format = formats[number - 2]
    book.save(path / "own.xlsx")
    return list(load_all_rows("questions/own", DataRequest(data=str(path / "own.xlsx"))).train)


def raise_marked(path: Path) -> None:
    """Raise what stands behind ^ in the texts of a workbook, as spreadsheets write it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    raised = r'<r><t>\1</t></r><r><rPr><vertAlign val="superscript"/><sz val="11"/></rPr><t>\2</t></r>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, re.sub(r"<t[^<>]*>([^<>^]*)\^([^<>^]*)</t>", raised, text))


def test_raised_digits_are_powers(tmp_path: Path) -> None:
    read(tmp_path, answers := ["10^5", "6.02 x 10^23", "2.5 m s^-1", "7"])
    raise_marked(tmp_path / "own.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "own.xlsx").active
    assert sheet is not None
    assert sheet["B2"].value == "105"  # what stands there for who does not look
    found = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.xlsx"))).train
    assert [sample.answer for sample in found] == answers


def test_the_format_of_a_number_is_part_of_it(tmp_path: Path) -> None:
    formats = ("0%", "0%", '0.0" kg"', '0" points"', "0.00", '#,##0" m/s"')
    found = read(tmp_path, [1, 0.25, 2.5, 12, 3.25, 1200], formats)
    assert [sample.answer for sample in found] == ["100%", "25%", "2.5 kg", "12", "3.25", "1200 m/s"]


def test_lines_above_the_column_names_are_a_title(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (("School: North", "Date: May 4"), (), ("question", "answer", "points"), ("1 + 1?", "2", 5)):
        book.active.append(row)
    book.save(tmp_path / "own.xlsx")
    found = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.xlsx"))).train
    assert [(sample.question, sample.answer) for sample in found] == [("1 + 1?", "2")]


def test_formulas_without_a_value_and_errors_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 3: a formula without its value: open the file in a spreadsheet, and sa"):
        read(tmp_path, ["4", "=2+3"])
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["question", "answer"])
    book.active.append(["x?", "#N/A"])
    book.active["B2"].data_type = "e"
    book.save(tmp_path / "bad.xlsx")
    with pytest.raises(DataError, match="the formula has the error #N/A"):
        load_all_rows("questions/bad", DataRequest(data=str(tmp_path / "bad.xlsx")))
