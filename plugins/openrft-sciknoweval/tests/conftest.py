"""Rows of our own making in the benchmark's form, and folders of them. None is taken from the benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openrft_sciknoweval import SciKnowEval

from openrft import DataRequest, Task

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def no_default_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests on made-up rows must not see the real ones."""
    if "real_data" not in request.keywords:
        monkeypatch.delenv("OPENRFT_SCIKNOWEVAL_DATA", raising=False)


@pytest.fixture
def choice() -> Callable[..., Row]:
    def make(number: int = 0, **changes: Any) -> Row:
        row = {
            "prompt": {"default": "Directly give the answer."},
            "question": f"Which of these is {number} plus one?",
            "choices": {"text": [str(number + k) for k in (3, 1, 2, 4)], "label": ["A", "B", "C", "D"]},
            "answerKey": "B",
            "type": "mcq-4-choices",
            "domain": "Material",
            "details": {"level": "L3", "task": "adding", "subtask": "adding_one", "source": "made up"},
            "answer": "",
        }
        return {**row, **changes}

    return make


@pytest.fixture
def other(choice: Callable[..., Row]) -> Callable[..., Row]:
    """A row of a type without options."""

    def make(kind: str, question: str, answer: str, **changes: Any) -> Row:
        empty = {"choices": {"text": [], "label": []}, "answerKey": "", "type": kind}
        return choice(**{**empty, "question": question, "answer": answer, **changes})

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, list[Any]], Path]:
    """Write values to a file below the test's folder: JSON Lines, or an array for `.json`; return the folder."""

    def to_file(name: str, values: list[Any]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(values) if path.suffix == ".json" else "".join(json.dumps(v) + "\n" for v in values)
        path.write_text(text, encoding="utf-8")
        return tmp_path

    return to_file


@pytest.fixture
def load() -> Callable[..., Task]:
    """Load a task of the family by its name, from a folder or file."""

    def task(name: str, data: Path | None, **asked: Any) -> Task:
        return SciKnowEval().tasks().load(name, DataRequest(data=None if data is None else str(data), **asked))

    return task


@pytest.fixture
def rows() -> Callable[..., list[Row]]:
    """Rows that `make` makes, numbered from `start`."""

    def made(make: Callable[..., Row], count: int = 12, start: int = 0, **changes: Any) -> list[Row]:
        return [make(number, **changes) for number in range(start, start + count)]

    return made
