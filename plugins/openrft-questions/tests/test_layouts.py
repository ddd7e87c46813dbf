"""Layouts in which people have their questions, with rows of our own: each is recognised, said, and read right."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows

CASES = Path(__file__).parents[4] / "shared" / "cases" / "files"
Q = ("Which is a metal?", "Which is a gas?", "Which is a liquid?", "Which glows?")
OPTIONS = (
    ["iron", "neon", "sulfur", "iodine"],
    ["gold", "argon", "lead", "tin"],
    ["salt", "sand", "mercury", "ice"],
    ["mud", "clay", "chalk", "radium"],
)
GOLD = "ABCD"


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def read(path: Path, **more: Any) -> tuple[list[Sample], str]:
    task = load_all_rows(f"questions/{path.name.split('.')[0]}", DataRequest(data=str(path), **more))
    assert task is not None
    return [*task.train, *task.test], task.notes["layout"]


def rows(**columns: Any) -> list[dict[str, Any]]:
    """Four rows; a column is a function of the row's number, or the same in every row."""
    return [{name: of(i) if callable(of) else of for name, of in columns.items()} for i in range(4)]


def option(j: int) -> Callable[[int], str]:
    return lambda i: OPTIONS[i][j]


def wrong_one(j: int) -> Callable[[int], str]:
    return lambda i: wrong(i)[j]


def wrong(i: int) -> list[str]:
    return [text for j, text in enumerate(OPTIONS[i]) if j != i]


CHOICE_LAYOUTS = {
    "MMLU": rows(question=Q.__getitem__, subject="s", choices=OPTIONS.__getitem__, answer=lambda i: i),
    "ARC": rows(
        id="r",
        question=Q.__getitem__,
        choices=lambda i: {"text": OPTIONS[i], "label": list("1234" if i % 2 else "ABCD")},
        answerKey=lambda i: str(i + 1) if i % 2 else GOLD[i],
    ),
    "ARC ": rows(
        id="r",
        question=lambda i: {
            "stem": Q[i],
            "choices": [{"text": t, "label": x} for t, x in zip(OPTIONS[i], GOLD, strict=True)],
        },
        answerKey=GOLD.__getitem__,
    ),
    "OpenBookQA": rows(
        question_stem=Q.__getitem__,
        choices=lambda i: {"text": OPTIONS[i], "label": list(GOLD)},
        answerKey=GOLD.__getitem__,
    ),
    "CommonsenseQA": rows(
        question=Q.__getitem__,
        question_concept="c",
        choices=lambda i: {"label": list(GOLD), "text": OPTIONS[i]},
        answerKey=GOLD.__getitem__,
    ),
    "MedMCQA": rows(
        question=Q.__getitem__,
        **{f"op{x}": option(j) for j, x in enumerate("abcd")},
        cop=lambda i: i,
        choice_type="single",
        subject_name="t",
    ),
    "MMLU-Pro": rows(
        question_id=lambda i: i,
        question=Q.__getitem__,
        options=OPTIONS.__getitem__,
        answer=GOLD.__getitem__,
        answer_index=lambda i: i,
        category="c",
    ),
    "AQuA": rows(
        question=Q.__getitem__,
        options=lambda i: [f"{x}){t}" for x, t in zip(GOLD, OPTIONS[i], strict=True)],
        rationale="so",
        correct=GOLD.__getitem__,
    ),
    "Kaggle": rows(
        id=lambda i: i,
        prompt=Q.__getitem__,
        **{x: option(j) for j, x in enumerate(GOLD)},
        answer=GOLD.__getitem__,
    ),
    "quiz export": rows(
        **{"Question Text": Q.__getitem__, "Question Type": "Multiple Choice"},
        **{f"Option {j + 1}": option(j) for j in range(4)},
        **{"Correct Answer": lambda i: i + 1, "Time in seconds": 30},
    ),
    "Kahoot": rows(
        **{"Question - max 120 characters": Q.__getitem__},
        **{f"Answer {j + 1} - max 75 characters": option(j) for j in range(4)},
        **{"Time limit (sec)": 20, "Correct answer(s) - choose at least one": lambda i: i + 1},
    ),
    "HellaSwag": rows(ctx=Q.__getitem__, endings=OPTIONS.__getitem__, label=str, activity_label="a"),
    "own columns": rows(question=Q.__getitem__, choices=OPTIONS.__getitem__, label=lambda i: float(i)),
}


@pytest.mark.parametrize("layout", CHOICE_LAYOUTS)
def test_a_layout_of_choices(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "q.jsonl"
    found, said = read(write(path, CHOICE_LAYOUTS[layout]))
    assert [(s.question, s.options, s.answer) for s in found] == [(Q[i], tuple(OPTIONS[i]), GOLD[i]) for i in range(4)]
    assert said.startswith(f"{layout.strip()}: ")
    with (tmp_path / "r.csv").open("w", newline="", encoding="utf-8") as file:  # lists as Python shows them
        writer = csv.DictWriter(file, list(CHOICE_LAYOUTS[layout][0]))
        writer.writeheader()
        writer.writerows(CHOICE_LAYOUTS[layout])
    again, _ = read(tmp_path / "r.csv")
    assert [(s.options, s.answer) for s in again] == [(s.options, s.answer) for s in found]


MIXED_LAYOUTS = {
    "GPQA": rows(
        **{"Record ID": "r", "Question": Q.__getitem__, "Correct Answer": lambda i: OPTIONS[i][i]},
        **{f"Incorrect Answer {j + 1}": wrong_one(j) for j in range(3)},
        Subdomain="Chemistry",
    ),
    "SciQ": rows(
        question=Q.__getitem__,
        **{f"distractor{j + 1}": wrong_one(j) for j in range(3)},
        correct_answer=lambda i: OPTIONS[i][i],
        support="",
    ),
    "TruthfulQA-MC": rows(
        question=Q.__getitem__,
        mc1_targets=lambda i: {"choices": [OPTIONS[i][i], *wrong(i)], "labels": [1, 0, 0, 0]},
        mc2_targets=lambda i: {"choices": ["x", "y"], "labels": [1, 1]},
    ),
    "TruthfulQA": rows(
        type="Adversarial",
        question=Q.__getitem__,
        best_answer=lambda i: OPTIONS[i][i],
        correct_answers=lambda i: [OPTIONS[i][i], "this"],
        incorrect_answers=wrong,
    ),
    "Open Trivia DB": rows(
        type="multiple",
        difficulty="easy",
        category="c",
        question=Q.__getitem__,
        correct_answer=lambda i: OPTIONS[i][i],
        incorrect_answers=wrong,
    ),
    "own columns": rows(
        question=Q.__getitem__,
        answer=lambda i: OPTIONS[i][i],
        **{f"wrong_{j + 1}": wrong_one(j) for j in range(3)},
    ),
}


@pytest.mark.parametrize("layout", MIXED_LAYOUTS)
def test_a_layout_with_the_right_answer_first_is_mixed_by_its_content(tmp_path: Path, layout: str) -> None:
    found, said = read(write(tmp_path / "q.jsonl", MIXED_LAYOUTS[layout]))
    assert said.startswith(f"{layout}: ")
    assert [(s.question, sorted(s.options), s.gold) for s in found] == [
        (Q[i], sorted(OPTIONS[i]), OPTIONS[i][i]) for i in range(4)
    ]
    assert len({s.answer for s in found}) > 1
    backwards, _ = read(write(tmp_path / "r.jsonl", MIXED_LAYOUTS[layout][::-1]))
    assert [s.options for s in backwards[::-1]] == [s.options for s in found]


def test_the_place_of_the_right_answer_is_not_its_first(tmp_path: Path) -> None:
    """Of 400 questions each letter is right about 100 times: a policy learns no place."""
    many = [{"question": f"{i}?", "answer": "a", "wrong_1": "b", "wrong_2": "c", "wrong_3": "d"} for i in range(400)]
    letters = [s.answer for s in read(write(tmp_path / "q.jsonl", many))[0]]
    assert all(70 < letters.count(letter) < 130 for letter in "ABCD")


def test_passages_stand_before_the_question(tmp_path: Path) -> None:
    logiqa = rows(context="All is one.", query=Q.__getitem__, options=OPTIONS.__getitem__, correct_option=lambda i: i)
    found, said = read(write(tmp_path / "logiqa.jsonl", logiqa))
    assert said.startswith("LogiQA: ")
    assert (found[1].question, found[1].answer) == ("All is one.\n\nWhich is a gas?", "B")
    sciq = [{**row, "support": "Read this."} for row in MIXED_LAYOUTS["SciQ"]]
    assert read(write(tmp_path / "sciq.jsonl", sciq))[0][0].question == "Read this.\n\nWhich is a metal?"
    nested = rows(question="q?", context={"title": ["t"], "sentences": [["One.", "Two."], ["Three."]]}, answer=str)
    assert read(write(tmp_path / "n.jsonl", nested))[0][0].question == "One. Two.\n\nThree.\n\nq?"
    kept, _ = read(tmp_path / "n.jsonl", columns="passage=")
    assert kept[0].question == "q?"


def test_yes_no_and_maybe_are_three_options_of_every_row(tmp_path: Path) -> None:
    decisions = ["yes", "no", "maybe", "yes"]
    given = rows(
        question=Q.__getitem__, context={"contexts": ["One.", "Two."], "labels": ["A", "B"]}, long_answer="long"
    )
    pubmed = [{**row, "final_decision": decision} for row, decision in zip(given, decisions, strict=True)]
    found, said = read(write(tmp_path / "q.jsonl", pubmed))
    assert said.startswith("PubMedQA: ")
    assert [(s.options, s.answer) for s in found] == [(("yes", "no", "maybe"), letter) for letter in "ABCA"]
    assert found[0].question == "One.\n\nTwo.\n\nWhich is a metal?"
    truth = [{"question": f"{i}?", "answer": word} for i, word in enumerate(("True", "False", "Unknown", True))]
    found, _ = read(write(tmp_path / "t.jsonl", truth))
    assert [(s.options, s.answer) for s in found] == [(("true", "false", "unknown"), letter) for letter in "ABCA"]
    plain = [{**row, "final_decision": "no" if row["final_decision"] == "maybe" else "yes"} for row in pubmed]
    assert {s.kind for s in read(write(tmp_path / "p.jsonl", plain))[0]} == {"boolean"}


def test_the_number_behind_the_mark_of_gsm8k(tmp_path: Path) -> None:
    given = [{"question": f"{n}?", "answer": f"It is <<{n}>>.\n#### {n}"} for n in ("6", "1,234", "-3", "2,000,000")]
    found, said = read(write(tmp_path / "q.jsonl", given))
    assert said.startswith("GSM8K: ")
    assert [(s.kind, s.answer) for s in found] == [("number", n) for n in ("6", "1234", "-3", "2000000")]
    assert found[0].meta["solution"] == "It is <<6>>."


def test_the_box_in_a_solution_of_math(tmp_path: Path) -> None:
    boxes = ("42", r"\frac{1}{2}", "1,234", "x^2+1")
    given = [
        {"problem": f"{b}?", "level": "Level 1", "type": "Algebra", "solution": rf"So $\boxed{{{b}}}$."} for b in boxes
    ]
    found, said = read(write(tmp_path / "q.jsonl", given))
    assert said.startswith("MATH: ")
    assert [(s.kind, s.answer) for s in found] == [
        ("number", "42"),
        ("expression", r"\frac{1}{2}"),
        ("number", "1234"),
        ("expression", "x^2+1"),
    ]
    assert {s.meta["topic"] for s in found} == {"Algebra"}
    with pytest.raises(DataError, match=r"line 1: the solution has no \\boxed"):
        read(write(tmp_path / "r.jsonl", [{**given[0], "solution": "So."}, given[1]]))


def test_conversations(tmp_path: Path) -> None:
    system = {"role": "developer", "content": "You know metals."}
    user = {"role": "user", "content": [{"type": "text", "text": "Which is liquid?"}]}
    first = {"messages": [system, user], "reference_answer": "mercury", "source": {"page": 3}}
    second = {
        "messages": [
            {"role": "user", "content": "Hello."},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": "Which rusts?"},
        ],
        "reference_answer": "iron",
    }
    found, said = read(write(tmp_path / "q.jsonl", [first, second]))
    assert said.startswith("OpenAI's RFT: ")
    assert [(s.question, s.answer) for s in found] == [
        ("You know metals.\n\nWhich is liquid?", "mercury"),
        ("User: Hello.\n\nAssistant: Hi.\n\nWhich rusts?", "iron"),
    ]
    assert found[0].meta["fields"] == {"source": {"page": 3}}
    reply = {"role": "assistant", "content": "tin"}
    found, said = read(write(tmp_path / "c.jsonl", [{"messages": [system, user, reply]}]))
    assert (said.split(":")[0], found[0].answer) == ("chat", "tin")
    verl = {"data_source": "x", "prompt": [user], "reward_model": {"style": "rule", "ground_truth": "72"}}
    found, said = read(write(tmp_path / "v.jsonl", [verl]))
    assert (said.split(":")[0], found[0].answer, found[0].kind) == ("verl", "72", "number")
    with pytest.raises(DataError, match="the conversation has no turn of a user"):
        read(write(tmp_path / "n.jsonl", [{"messages": [system], "reference_answer": "x"}]))


@pytest.mark.skipif(not CASES.is_dir(), reason="the files that people have are not on this machine")
def test_files_that_people_have() -> None:
    for path in sorted(CASES.iterdir()):
        found, said = read(path)
        assert len(found) == 6, path.name
        assert said
        if found[0].question.endswith("Which gas is lightest?") and "pubmed" not in path.name:
            assert [s.gold for s in found] == ["hydrogen", "mercury", "acetic", "Jupiter", "pancreas", "thymine"]
