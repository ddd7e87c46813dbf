"""Layouts in which people have their questions, recognised from the columns and said by `tasks show`.

Most layouts need no more than the names of columns. A layout stands here if its columns mean something that names alone
do not say: what numbers count from, which option is the right one, where the answer stands in a solution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from openrft import AnswerKind, escape_terminal
from openrft_questions.column_names import normalize_name
from openrft_questions.columns import Columns
from openrft_questions.layout_readers import (
    Convert,
    Fits,
    ask_for_cause,
    has_boxed_answers,
    has_boxes,
    has_chats,
    has_final_marks,
    has_numbers,
    has_stems,
    read_answer_box,
    read_box,
    read_final_mark,
    read_reply,
    read_scores,
    read_targets,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout."""

    name: str
    says: str  # how its rows are read, for `tasks show`
    columns: Mapping[str, str] = field(default_factory=dict)  # what its columns mean, by name; "": not read
    needs: tuple[str, ...] = ()  # further columns by which it is recognised
    fits: Fits | None = None  # whether the rows, too, are of this layout
    count_from: Literal[0, 1] | None = None
    kind: AnswerKind | None = None  # of every answer
    convert: Convert | None = None
    thousands: bool = False  # commas in its numbers stand for thousands
    keeps_fields: bool = False  # whether columns that are not read are kept in `Sample.meta`


def find_layout(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Layout | None:
    """The layout of a file with these columns and rows; None for one that has none of its own."""
    plain = {normalize_name(name): name for name in names}

    def find(name: str) -> list[Any]:
        own = plain[normalize_name(name)]
        return [row[own] for row in rows if row.get(own) not in (None, "")]

    for layout in LAYOUTS:
        required = {*map(normalize_name, layout.needs or layout.columns)}
        if required <= {*plain} and (layout.fits is None or (rows and layout.fits(find))):
            return layout
    return None


def describe_columns(columns: Columns) -> str:
    """How the columns of a file without a layout of its own are read."""
    said = []
    for meaning, words in (("question", "question"), ("passage", "passage"), ("answer", "answer"), ("index", "number")):
        names = columns.find(meaning)
        if names:
            said.append(f"{words} from {_join(names)}")
    options = [name for name, of in columns.meanings.items() if of == "options" or of.startswith("option ")]
    if options:
        said.append(f"options from {_join(options)}")
    wrong = columns.find("wrong")
    if wrong:
        said.append(f"wrong answers from {_join(wrong)}, mixed with the right one")
    further = {"rubric": "rubric", "tolerance": "tolerance", "relative_tolerance": "tolerance", "solution": "solution"}
    for meaning, words in further.items():
        if names := columns.find(meaning):
            said.append(f"{words} from {_join(names)}")
    return "own columns: " + ", ".join(said)


def _join(names: Sequence[str]) -> str:
    shown = [escape_terminal(name) for name in names[:8]]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


LAYOUTS = (
    Layout(
        "GPQA",
        "the right answer and three wrong ones, mixed",
        needs=("question", "correct_answer", "incorrect_answer_1", "incorrect_answer_2", "incorrect_answer_3"),
    ),
    Layout(
        "SciQ",
        "the right answer and three distractors, mixed; `support` stands before the question",
        needs=("question", "correct_answer", "distractor1"),
    ),
    Layout(
        "MedMCQA",
        "options opa to opd; cop is the right one's number",
        {"cop": "answer", "subject_name": "topic", "topic_name": "", "choice_type": ""},
        ("question", "opa", "opb", "cop"),
    ),
    Layout(
        "AQuA",
        "options without their letters; correct is a letter",
        needs=("question", "options", "correct", "rationale"),
    ),
    Layout(
        "LogiQA",
        "context before the query; correct_option counts from 0",
        {"query": "question", "correct_option": "answer"},
        ("query", "options", "correct_option"),
        count_from=0,
    ),
    Layout(
        "PubMedQA",
        "yes, no or maybe about the contexts before the question",
        {"final_decision": "answer", "long_answer": ""},
        ("question", "final_decision"),
    ),
    Layout(
        "TruthfulQA-MC",
        "the true choice and the false ones of mc1_targets, mixed",
        {"mc1_targets": "options", "mc2_targets": "", "type": ""},
        ("question", "mc1_targets"),
        convert=read_targets,
    ),
    Layout(
        "TruthfulQA",
        "best_answer and the incorrect ones, mixed",
        {"best_answer": "answer", "correct_answers": "", "best_incorrect_answer": "", "type": ""},
        ("question", "best_answer", "incorrect_answers"),
    ),
    Layout(
        "Open Trivia DB",
        "the right answer and the incorrect ones, mixed",
        {"type": "", "difficulty": ""},
        ("question", "correct_answer", "incorrect_answers", "difficulty"),
    ),
    Layout(
        "MMLU-Pro",
        "up to ten options; answer is a letter, and answer_index must agree with it",
        needs=("question", "options", "answer", "answer_index"),
    ),
    Layout(
        "MMLU",
        "choices, and the answer's number, counted from 0",
        needs=("question", "choices", "answer", "subject"),
        fits=has_numbers("answer"),
        count_from=0,
    ),
    Layout(
        "CommonsenseQA",
        "choices by label, answerKey is a label",
        needs=("question", "question_concept", "choices", "answerkey"),
    ),
    Layout("OpenBookQA", "choices by label, answerKey is a label", needs=("question_stem", "choices", "answerkey")),
    Layout("ARC", "choices by label, answerKey is a label", needs=("question", "choices", "answerkey")),
    Layout(
        "ARC",
        "the question's stem, choices by label, answerKey is a label",
        needs=("question", "answerkey"),
        fits=has_stems,
    ),
    Layout(
        "HellaSwag",
        "the beginning of a text and its endings; label counts from 0",
        {"ctx": "question", "endings": "options", "label": "answer", "activity_label": "topic", "split": ""},
        ("ctx", "endings", "label"),
        count_from=0,
    ),
    Layout(
        "PIQA",
        "a goal and two solutions; label counts from 0",
        {"goal": "question", "sol1": "option A", "sol2": "option B", "label": "answer"},
        count_from=0,
    ),
    Layout(
        "Social IQa",
        "context before the question, answers A to C; label counts from 1",
        {"answer_a": "option A", "answer_b": "option B", "answer_c": "option C", "label": "answer"},
        count_from=1,
    ),
    Layout(
        "COPA",
        "a premise before the question for its cause or its effect; label counts from 0",
        {"premise": "passage", "choice1": "option A", "choice2": "option B", "question": "question", "label": "answer"},
        count_from=0,
        convert=ask_for_cause,
    ),
    Layout(
        "WinoGrande",
        "a sentence with a blank and two options; answer is 1 or 2",
        {"sentence": "question"},
        ("sentence", "option1", "option2", "answer"),
    ),
    Layout(
        "GSM8K",
        "the number behind #### is the answer",
        needs=("question", "answer"),
        fits=has_final_marks,
        kind="number",
        convert=read_final_mark,
        thousands=True,
    ),
    Layout(
        "MATH",
        "the answer from the box in the solution, unless a column has it",
        {"problem": "question", "solution": "solution", "type": "topic"},
        ("problem", "solution"),
        fits=has_boxes,
        convert=read_box,
    ),
    Layout(
        "answers in boxes",
        "the answer from the box in the column answer",
        needs=("question", "answer"),
        fits=has_boxed_answers,
        convert=read_answer_box,
    ),
    Layout(
        "verl",
        "the last user turn of prompt is the question, reward_model.ground_truth the answer",
        {"prompt": "question", "reward_model": "answer", "ability": "topic"},
        ("prompt", "reward_model"),
        keeps_fields=True,
    ),
    Layout(
        "OpenAI's RFT",
        "the last user turn of messages is the question, with the turns before it above, reference_answer the answer",
        {"messages": "question", "reference_answer": "answer"},
        fits=has_chats("messages"),
        keeps_fields=True,
    ),
    Layout(
        "chat",
        "the last user turn is the question; the reply to it is the answer where no column has one",
        {"messages": "question"},
        fits=has_chats("messages"),
        convert=read_reply,
        keeps_fields=True,
    ),
    Layout(
        "ShareGPT",
        "the last user turn is the question; the reply to it is the answer where no column has one",
        {"conversations": "question"},
        fits=has_chats("conversations"),
        convert=read_reply,
        keeps_fields=True,
    ),
    Layout(
        "Alpaca",
        "input above the instruction; output is the answer",
        {"instruction": "question", "input": "passage", "output": "answer"},
        ("instruction", "output"),
    ),
    Layout(
        "BIG-bench",
        "options from target_scores, the right one scored highest",
        {"input": "question", "target_scores": "options", "target": ""},
        ("input", "target_scores"),
        convert=read_scores,
    ),
    Layout("Kaggle", "prompt, options A to E, answer is a letter", needs=("prompt", "a", "b", "answer")),
    Layout(
        "quiz export",
        "options 1, 2, ...; the correct answer is a number or a text",
        {"question_text": "question", "question_type": "", "correct_answer": "answer"},
        ("question_text", "option_1", "correct_answer"),
    ),
    Layout(
        "Kahoot",
        "answers 1, 2, ...; the correct answer is a number",
        needs=("question", "answer_1", "answer_2", "correct_answer"),
    ),
)
