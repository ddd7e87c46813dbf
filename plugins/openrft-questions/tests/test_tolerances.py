"""How far from the gold answer a number may be: columns of a file that say so, and what is graded by them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from openrft import DataError, DataRequest, Sample, UsageError, grade
from openrft.plugins.task_registry import load_all_rows


def read(
    path: Path, column: str, cells: Sequence[str], answer: str = "300", columns: str | None = None
) -> list[Sample]:
    """The samples of a file of one question to each cell of the column."""
    file = path / "own.csv"
    with file.open("w", newline="") as out:
        write = csv.writer(out).writerow
        write(["question", "answer", column])
        for number, cell in enumerate(cells):
            write([f"At how many kelvin does compound {number} boil?", answer, cell])
    return list(load_all_rows("questions/own", DataRequest(data=str(file), columns=columns)).train)


def is_right(sample: Sample, answer: str) -> bool:
    return grade(sample, rf"\boxed{{{answer}}}").correct is True


@pytest.mark.parametrize(
    ("column", "cell", "right", "wrong"),
    [
        ("tolerance", "2", ("298", "302", "300"), ("297.9", "302.1")),
        ("Tolerance", "± 0.5", ("300.5",), ("300.51",)),
        ("tol", "+/-2", ("302",), ("303",)),
        ("tolerance", "5%", ("285", "315"), ("284", "316")),
        ("tolerance", "5 percent", ("315",), ("316",)),
        ("Tolerance (%)", "5", ("315",), ("316",)),
        ("tolerance_percent", "5", ("315",), ("316",)),
        ("relative_tolerance", "0.05", ("315",), ("316",)),
        ("abs_tol", "2", ("302",), ("303",)),
        ("tolerance", "2,5", ("302.5",), ("302.6",)),
        ("tolerance", "1e-1", ("300.1",), ("300.2",)),
        ("tolerance", "0", ("300", "300.0"), ("300.4",)),
        ("tolerance", "", ("300.4",), ("301",)),  # the rule for all: half a unit of the last digit
    ],
)
def test_a_row_says_how_far_an_answer_may_be(
    tmp_path: Path, column: str, cell: str, right: Sequence[str], wrong: Sequence[str]
) -> None:
    sample = read(tmp_path, column, [cell, "0.3", "0.4"])[0]
    assert [answer for answer in right if not is_right(sample, answer)] == []
    assert [answer for answer in wrong if is_right(sample, answer)] == []


@pytest.mark.parametrize(
    ("answer", "right", "wrong"),
    [
        ("9.81 ± 0.02", ("9.79", "9.83"), ("9.78", "9.84")),
        ("9.8 +/- 0.1 K", ("9.7 K", "9.9"), ("9.6 K",)),
        (r"$9.8 \pm 0.1$", ("9.9",), ("10",)),
        ("(25 ± 3) %", ("28%", "22%"), ("29%",)),
        ("300 K ± 2 K", ("302 K",), ("303 K",)),
        ("300 K ± 5%", ("315 K",), ("316 K",)),
    ],
)
def test_a_measured_value_has_its_uncertainty_as_tolerance(
    tmp_path: Path, answer: str, right: Sequence[str], wrong: Sequence[str]
) -> None:
    sample = read(tmp_path, "note", [""], answer=answer)[0]
    assert sample.kind == "number"
    assert [answer for answer in right if not is_right(sample, answer)] == []
    assert [answer for answer in wrong if is_right(sample, answer)] == []


@pytest.mark.parametrize(
    "answer",
    [
        "3 ± 2",
        "85 ± 2%",
        "(6.02 ± 0.01) × 10^23",
        "(6.67 ± 0.02)e-11 N",
        "1.5 ± 0.5",
        "1.5+-0.1",
        "x = 3 ± 0.5",
        "300 K ± 2 C",
    ],
)
def test_what_may_mean_something_else_is_met_as_it_is_written(tmp_path: Path, answer: str) -> None:
    sample = read(tmp_path, "note", [""], answer=answer)[0]
    assert (sample.answer, "tolerance" in sample.meta) == (answer, False)


def test_the_distance_is_in_the_unit_of_the_answer(tmp_path: Path) -> None:
    sample = read(tmp_path, "tolerance", ["2 K", "3 K"], answer="300 K")[0]
    assert is_right(sample, "302 K")
    assert is_right(sample, "302")
    assert not is_right(sample, "301 m")


def test_a_number_that_is_the_same_everywhere_may_be_a_share(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as fault:
        read(tmp_path, "tolerance", ["0.05", "0.05"])
    assert "--map tolerance=tolerance" in str(fault.value)
    assert "for 5% of the answer say --map tolerance= --tolerance 0.05" in str(fault.value)
    said = read(tmp_path, "tolerance", ["0.05", "0.05"], columns="tolerance=tolerance")
    assert said[0].meta["tolerance"] == {"absolute": 0.05}
    assert "tolerance" not in read(tmp_path, "tolerance", ["0.05", "0.05"], columns="tolerance=")[0].meta
    assert read(tmp_path, "atol", ["0.05", "0.05"])[0].meta["tolerance"] == {"absolute": 0.05}


@pytest.mark.parametrize(
    ("column", "cell"), [("tolerance", "-1"), ("tolerance", "1,000"), ("tolerance", "2 or 3"), ("rtol", "5")]
)
def test_what_is_no_tolerance_is_refused_with_its_row(tmp_path: Path, column: str, cell: str) -> None:
    with pytest.raises(DataError, match=r"line 2: .*write 0.*5%"):
        read(tmp_path, column, [cell, "0.2"])


def test_a_column_about_something_else_is_not_read(tmp_path: Path) -> None:
    samples = read(tmp_path, "tolerance", ["drought", "frost", "none of type 2"])
    assert "tolerance" not in samples[0].meta
