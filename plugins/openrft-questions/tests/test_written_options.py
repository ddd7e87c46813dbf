"""Options in the many ways in which people write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows


def read(path: Path, rows: Sequence[Mapping[str, Any]], name: str = "own.jsonl") -> list[Sample]:
    (path / name).write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return list(load_all_rows("questions/own", DataRequest(data=str(path / name))).train)


def golds(samples: Sequence[Sample]) -> list[tuple[tuple[str, ...], str]]:
    """The options of each question, and the text of the right one."""
    return [(s.options, s.options["ABCDEF".index(s.answer)]) for s in samples]


IRON, NEON = (("iron", "neon", "argon"), "iron"), (("iron", "neon", "argon"), "neon")


@pytest.mark.parametrize(
    ("names", "answers"),
    [
        (("choice", "choice.1", "choice.2"), ("A", "B")),  # as pandas names columns of one name
        (("ア", "イ", "ウ"), ("ア", "イ")),
        (("甲", "乙", "丙"), ("甲", "乙")),
        (("Вариант А", "Вариант Б", "Вариант В"), ("А", "Б")),
        (("Antwortoption A", "Antwortoption B", "Antwortoption C"), ("A", "B")),
        (("Möglichkeit 1", "Möglichkeit 2", "Möglichkeit 3"), ("iron", "neon")),  # unknown, and the answers stand there
    ],
)
def test_columns_of_options(tmp_path: Path, names: Sequence[str], answers: Sequence[str]) -> None:
    cells = dict(zip(names, IRON[0], strict=True))
    rows = [{"question": f"Which {i}?", **cells, "answer": answer} for i, answer in enumerate(answers)]
    assert golds(read(tmp_path, rows)) == [IRON, NEON]


@pytest.mark.parametrize(
    ("options", "answers"),
    [
        (["①iron", "②neon", "③argon"], ("①", "②")),
        ([{"key": "A", "value": "iron"}, {"key": "B", "value": "neon"}, {"key": "C", "value": "argon"}], ("A", "B")),
        ({"A": "iron", "B": "neon", "C": "argon", "D": ""}, ("A", "B")),
        ({"iron": 1, "neon": 0, "argon": 0}, ("iron", "neon")),
        ("a ) iron , b ) neon , c ) argon", ("a", "b")),
        (["iron", "neon", "argon"], ("A iron", "B neon")),
        (["iron", "neon", "argon"], ("Iron.", "NEON")),
    ],
)
def test_options_in_one_cell(tmp_path: Path, options: Any, answers: Sequence[str]) -> None:
    rows = [{"question": f"Which {i}?", "options": options, "answer": answer} for i, answer in enumerate(answers)]
    assert golds(read(tmp_path, rows)) == [IRON, NEON]


def test_an_option_says_that_it_is_right(tmp_path: Path) -> None:
    options = [
        {"text": "iron", "correct": False},
        {"text": "neon", "correct": True},
        {"text": "argon", "correct": False},
    ]
    assert golds(read(tmp_path, [{"question": "Which?", "options": options}])) == [NEON]


def test_objects_that_were_taken_apart(tmp_path: Path) -> None:
    row = {"question": "Which?", "choices.text": "['iron', 'neon', 'argon']", "choices.label": "['A', 'B', 'C']"}
    assert golds(read(tmp_path, [{**row, "answer": "B"}])) == [NEON]


def test_scores_of_options(tmp_path: Path) -> None:
    row = {"input": "Which?", "target_scores": {"iron": 0, "neon": 1, "argon": 0}}
    assert golds(read(tmp_path, [row])) == [NEON]
    with pytest.raises(DataError, match="target_scores has 2 options with the highest score"):
        read(tmp_path, [{"input": "Which?", "target_scores": {"iron": 1, "neon": 1}}])


@pytest.mark.parametrize(
    "written",
    ["\nAnswer Choices: (A) iron (B) neon (C) argon", "\nA. iron\nB. neon\nC. argon", " A) iron B) neon C) argon"],
)
def test_options_that_stand_in_the_question_too_are_asked_once(tmp_path: Path, written: str) -> None:
    row = {"question": f"Which is a gas?{written}", "options": [*IRON[0]], "answer": "B"}
    (sample,) = read(tmp_path, [row])
    assert (sample.question, *golds([sample])) == ("Which is a gas?", NEON)
    letters = {**row, "options": ["A", "B", "C"]}
    (sample,) = read(tmp_path, [letters])
    assert (sample.question, *golds([sample])) == ("Which is a gas?", NEON)


def test_pairs_are_no_labels(tmp_path: Path) -> None:
    pairs = ("A - B", "B - C", "C - A")
    rows = [{"question": "Which edge?", "A": pairs[0], "B": pairs[1], "C": pairs[2], "answer": "B"}]
    assert golds(read(tmp_path, rows)) == [(pairs, "B - C")]


@pytest.mark.parametrize("further", ["N°", "Q", "P"])
def test_a_letter_that_counts_or_weighs_is_no_option(tmp_path: Path, further: str) -> None:
    row = {further: 1, "question": "Which?", "A": "iron", "B": "neon", "C": "argon", "answer": "B"}
    assert golds(read(tmp_path, [row])) == [NEON]
    open_row = {further: 1, "question": "Which noble gas is lightest?", "answer": "helium"}
    assert [s.answer for s in read(tmp_path, [open_row])] == ["helium"]


@pytest.mark.parametrize("stem", ["annotator", "run_", "step", "hint", "prediction_"])
def test_columns_that_only_repeat_the_answer_are_no_options(tmp_path: Path, stem: str) -> None:
    rows = [
        {"question": f"Which {i}?", f"{stem}1": "iron", f"{stem}2": "neon", "answer": answer}
        for i, answer in enumerate(("iron", "neon"))
    ]
    assert [(s.options, s.answer) for s in read(tmp_path, rows)] == [((), "iron"), ((), "neon")]


def test_steps_that_end_in_the_answer_are_no_options(tmp_path: Path) -> None:
    words = ("ab", "bb")
    rows = [{"question": f"Which {word}?", "x 1": "think", "x 2": word, "answer": word} for word in words]
    assert [(s.options, s.answer) for s in read(tmp_path, rows)] == [((), "ab"), ((), "bb")]


def test_labels_and_texts_of_forms(tmp_path: Path) -> None:
    options = [{"label": "iron", "value": "a"}, {"label": "neon", "value": "b"}, {"label": "argon", "value": "c"}]
    assert golds(read(tmp_path, [{"question": "Which?", "options": options, "answer": "b"}])) == [NEON]
    named = {"option_a": "True", "option_b": "False"}
    assert read(tmp_path, [{"question": "Which?", "options": named, "answer": "True"}])[0].options == ("True", "False")


def test_words_before_options_stay(tmp_path: Path) -> None:
    row = {"question": "Tom may pick one of the options:\nA. walk\nB. wait", "answer": "B"}
    assert read(tmp_path, [row])[0].question == "Tom may pick one of the options:"


def test_a_gap_between_options_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the columns A, B, D were taken for options, and there are gaps"):
        read(tmp_path, [{"question": "Which?", "A": "iron", "B": "neon", "D": "argon", "answer": "B"}])
