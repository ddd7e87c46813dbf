"""Answers judged over their column: numbers of options, several right answers, sentences, and columns by weak names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from openrft_questions.golds import unpack_answer

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows, load_task

OPTIONS = (
    ["iron", "neon", "sulfur", "iodine"],
    ["gold", "argon", "lead", "tin"],
    ["salt", "sand", "mercury", "ice"],
    ["mud", "clay", "chalk", "radium"],
)


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def read(path: Path, **more: Any) -> tuple[list[Sample], str]:
    task = load_all_rows(f"questions/{path.name.split('.')[0]}", DataRequest(data=str(path), **more))
    assert task is not None
    return [*task.train, *task.test], task.notes["layout"]


def test_numbers_that_count_options_are_judged_by_the_column(tmp_path: Path) -> None:
    def answers(*numbers: object, **more: Any) -> list[str]:
        given = [{"question": f"{i}?", "choices": OPTIONS[i], "answer": n} for i, n in enumerate(numbers)]
        return [s.answer for s in read(write(tmp_path / "q.jsonl", given), **more)[0]]

    assert answers(0, 3, 1, 2) == list("ADBC")
    assert answers(4, 1, 2, 2) == list("DABB")
    assert answers("1.0", "0.0") == list("BA")
    assert answers(1, 2, count_from=0) == list("BC")
    assert answers(1, 2, count_from=1) == list("AB")
    with pytest.raises(DataError, match="could count from 0 or from 1, or be an option's text: say --count-from 0"):
        answers(1, 2, 3)
    with pytest.raises(DataError, match="numbers count from 0 in some rows and from 1 in others: say --count-from"):
        answers(0, 4)
    with pytest.raises(DataError, match="line 2: the answer 4, counted from 0, is none of 4 options"):
        answers(0, 4, count_from=0)
    labelled = [{"question": f"{i}?", "option1": "x", "option2": "y", "label": i % 2} for i in range(4)]
    assert [s.answer for s in read(write(tmp_path / "r.jsonl", labelled))[0]] == list("ABAB")
    texts = [{"question": f"{i}?", "choices": ["7", "12", "9"], "answer": n} for i, n in enumerate(("12", "7", "9"))]
    assert [s.answer for s in read(write(tmp_path / "t.jsonl", texts))[0]] == list("BAC")
    unsure = [{"question": f"{i}?", "choices": ["1", "2", "3"], "answer": "2"} for i in range(3)]
    with pytest.raises(DataError, match="or be an option's text"):
        read(write(tmp_path / "u.jsonl", unsure))
    contradicting = [
        {"question": f"{i}?", "options": OPTIONS[i], "answer": "ABCD"[i], "answer_index": min(i, 2)} for i in range(4)
    ]
    with pytest.raises(DataError, match="line 4: the answer is D, and another column says '2'"):
        read(write(tmp_path / "c.jsonl", contradicting))


def test_several_right_answers(tmp_path: Path) -> None:
    given = [
        {"question": "a?", "answer": ["iron", "Fe"]},
        {"question": "b?", "answer": "iron | Fe"},
        {"question": "c?", "answer": "iron", "aliases": "Fe|ferrum"},
        {"question": "d?", "answer": {"value": "iron", "aliases": ["Fe", "iron"]}},
        {"question": "e?", "answer": {"text": ["iron", "Fe"], "answer_start": [3, 5]}},
        {"question": "f?", "answer": "P(A|B)"},
    ]
    found, _ = read(write(tmp_path / "q.jsonl", given))
    assert [(s.answer, s.accepted) for s in found] == [
        ("iron", ("Fe",)),
        ("iron", ("Fe",)),
        ("iron", ("Fe", "ferrum")),
        ("iron", ("Fe",)),
        ("iron", ("Fe",)),
        ("P(A|B)", ()),
    ]


@pytest.mark.parametrize("written", ["[1, 5]", "[1,5]", "{1, 2}", "[3]", "[0.5, 1]"])
def test_an_interval_a_vector_or_a_set_is_one_answer(written: str) -> None:
    assert unpack_answer(written) == (written, [])
    assert unpack_answer('["4", "four"]') == unpack_answer(["4", "four"]) == ("4", ["four"])
    assert unpack_answer([1, 5]) == (1, [5])  # a list of the file itself


def test_the_answer_of_a_worked_solution_may_be_an_interval(tmp_path: Path) -> None:
    rows = [
        {"problem": f"{i}?", "solution": rf"So $\boxed{{[1,{i}]}}$.", "level": "1", "type": "Algebra"} for i in range(4)
    ]
    samples, _ = read(write(tmp_path / "m.jsonl", rows))
    assert sorted(sample.answer for sample in samples) == [f"[1,{i}]" for i in range(4)]
    assert not any(sample.accepted for sample in samples)


def test_a_sentence_as_gold_answer_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    long = "Because the atoms of helium are far lighter than those of air."
    path = write(
        tmp_path / "q.jsonl", [{"question": f"{i}?", "answer": a} for i, a in enumerate((long, "iron", "tin"))]
    )
    (warning,) = load_task("questions/q", DataRequest(data=str(path))).notes["warnings"]
    assert warning.startswith("1 of 3 gold answers are sentences (q.jsonl line 1)")
    assert "judge" in warning
    assert warning in caplog.text


def test_prose_of_several_lines_is_for_a_judge(tmp_path: Path) -> None:
    essay = "The rate rises with temperature.\n" * 20
    given = [{"question": f"{i}?", "answer": f"{i}: {essay}"} for i in range(2)]
    found, _ = read(write(tmp_path / "q.jsonl", given))
    assert [s.answer for s in found] == [f"{i}: {essay}".strip() for i in range(2)]
    assert (
        "2 of 2 gold answers"
        in load_task("questions/q", DataRequest(data=str(tmp_path / "q.jsonl"))).notes["warnings"][0]
    )


def test_names_that_mean_less_give_way(tmp_path: Path) -> None:
    """`solution` and `output` are the answer only where nothing else is. MATH may have its topics in `subject`."""
    given = [{"problem": f"{i}?", "solution": rf"so \boxed{{{i}}}", "answer": str(i), "subject": "s"} for i in range(3)]
    found, said = read(write(tmp_path / "q.jsonl", given))
    assert (said.split(":")[0], [s.answer for s in found], found[0].meta["topic"]) == ("MATH", ["0", "1", "2"], "s")
    both = [
        {"question": f"{i}?", "solution": "long", "final_answer": [f"${i}$"], "domain": ["a", "b"]} for i in range(3)
    ]
    found, _ = read(write(tmp_path / "r.jsonl", both))
    assert [(s.kind, s.answer, s.meta["topic"]) for s in found] == [("number", f"${i}$", "a") for i in range(3)]
    alpaca = [
        {"instruction": "Name it.", "input": "A metal.", "output": "iron"},
        {"instruction": "And?", "output": "tin"},
    ]
    found, said = read(write(tmp_path / "a.jsonl", alpaca))
    assert (said.split(":")[0], [s.question for s in found]) == ("Alpaca", ["A metal.\n\nName it.", "And?"])
    bars = [{"question": f"{i}?", "answer": "a", "incorrect": "b | c"} for i in range(3)]
    assert sorted(read(write(tmp_path / "b.jsonl", bars))[0][0].options) == ["a", "b", "c"]
