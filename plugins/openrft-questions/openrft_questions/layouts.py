"""Layouts in which people have their questions, recognised from the columns and said by `tasks show`.

Most layouts need no more than the names of columns. A layout stands here if its columns mean something that names alone
do not say: what numbers count from, which option is the right one, where the answer stands in a solution.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from openrft import AnswerKind, escape_terminal, final_answer
from openrft_questions.cells import is_chat, last_reply, parse_cell, to_text
from openrft_questions.columns import Cells, Columns, normalize_name
from openrft_questions.table import BadRowError

FindCells = Callable[[str], list[Any]]  # the filled cells of the column with this normalised name
Fits = Callable[[FindCells], bool]
Convert = Callable[[Cells], None]  # changes the cells of a row; raises BadRowError
_WHOLE = re.compile(r"-?\d+(?:\.0+)?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout."""

    name: str
    says: str  # how its rows are read, for `tasks show`
    columns: Mapping[str, str] = field(default_factory=dict)  # what its columns mean, by normalised name; "": not read
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
        own = plain[name]
        return [row[own] for row in rows if row.get(own) not in (None, "")]

    for layout in LAYOUTS:
        required = {*layout.needs} or {*layout.columns}
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
    if rubric := columns.find("rubric"):
        said.append(f"rubric from {_join(rubric)}")
    return "own columns: " + ", ".join(said)


def _join(names: Sequence[str]) -> str:
    shown = [escape_terminal(name) for name in names[:8]]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _has_numbers(name: str) -> Fits:
    """Whether every cell of the column is a whole number."""

    def check(find: FindCells) -> bool:
        cells = find(name)
        return bool(cells) and all(map(_is_whole, cells))

    return check


def _is_whole(cell: Any) -> bool:
    if isinstance(cell, (bool, list, Mapping)):
        return False
    return isinstance(cell, int) or _WHOLE.fullmatch(str(cell)) is not None


def _has_final_marks(find: FindCells) -> bool:
    """Whether the answers of GSM8K end in #### and a number."""
    cells = find("answer")
    return bool(cells) and all(isinstance(cell, str) and "####" in cell for cell in cells)


def _has_boxes(find: FindCells) -> bool:
    cells = find("solution")
    return bool(cells) and any(isinstance(cell, str) and "\\boxed" in cell for cell in cells)


def _has_stems(find: FindCells) -> bool:
    """Whether questions are objects with a stem, as in the first files of ARC."""
    return all(isinstance(cell, Mapping) and "stem" in cell for cell in find("question"))


def _has_chats(name: str) -> Fits:
    return lambda find: any(is_chat(parse_cell(cell)) for cell in find(name))


def _read_final_mark(cells: Cells) -> None:
    text = to_text(cells.values.get("answer")) or ""
    reasons, mark, answer = text.rpartition("####")
    if not mark or not answer.strip():
        raise BadRowError("answer", "there is no #### with a number behind it")
    cells.values["answer"] = answer.strip()
    cells.values["solution"] = reasons.strip()


def _read_box(cells: Cells) -> None:
    """The answer from the box in a solution, unless the row has the answer itself."""
    solution = to_text(cells.values.get("solution")) or ""
    if "answer" not in cells.values:
        found = final_answer(solution) if "\\boxed" in solution else None
        if not found:
            raise BadRowError("answer", "the solution has no \\boxed{} with the answer in it")
        cells.values["answer"] = found
    given = cells.values["answer"]
    text = to_text(given) or ""
    thousands = re.sub(r"(?<=\d)(?:\{,\}|,)(?=\d{3}(?!\d))", "", text.replace("\\!", ""))
    if re.fullmatch(r"\d{1,3}(?:(?:\{,\}|,(?:\\!)?)\d{3})+", text.replace("\\!", "")):
        cells.values["answer"] = text = thousands
    cells.values.setdefault("kind", "number" if _NUMBER.fullmatch(text) else "expression")


def _read_targets(cells: Cells) -> None:
    """The right and the wrong choices of TruthfulQA's mc1_targets."""
    targets = parse_cell(cells.values.pop("options", None))
    if not isinstance(targets, Mapping) or not {"choices", "labels"} <= {*targets}:
        raise BadRowError("options", "mc1_targets has no choices and labels")
    choices, labels = targets["choices"], targets["labels"]
    if not isinstance(choices, list) or not isinstance(labels, list) or len(choices) != len(labels):
        raise BadRowError("options", "mc1_targets has not as many labels as choices")
    right = [choice for choice, label in zip(choices, labels, strict=True) if str(label) in ("1", "True")]
    if len(right) != 1:
        raise BadRowError("answer", f"mc1_targets has {len(right)} right choices; it must be one")
    cells.values["answer"] = right[0]
    cells.wrong += [choice for choice, label in zip(choices, labels, strict=True) if str(label) not in ("1", "True")]


def _read_reply(cells: Cells) -> None:
    """The answer of a conversation that ends in it, where no column has the answer."""
    turns = parse_cell(cells.values.get("question"))
    if "answer" not in cells.values and is_chat(turns):
        reply = last_reply(turns)
        if reply:
            cells.values["answer"] = reply


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
        convert=_read_targets,
    ),
    Layout(
        "TruthfulQA",
        "best_answer and the incorrect ones, mixed",
        {"best_answer": "answer", "correct_answers": "", "type": ""},
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
        fits=_has_numbers("answer"),
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
        fits=_has_stems,
    ),
    Layout(
        "HellaSwag",
        "the beginning of a text and its endings; label counts from 0",
        {"ctx": "question", "endings": "options", "label": "answer", "activity_label": "topic"},
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
        {"answera": "option A", "answerb": "option B", "answerc": "option C", "label": "answer"},
        count_from=1,
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
        fits=_has_final_marks,
        kind="number",
        convert=_read_final_mark,
        thousands=True,
    ),
    Layout(
        "MATH",
        "the answer from the box in the solution, unless a column has it",
        {"problem": "question", "solution": "solution", "type": "topic"},
        ("problem", "solution"),
        fits=_has_boxes,
        convert=_read_box,
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
        fits=_has_chats("messages"),
        keeps_fields=True,
    ),
    Layout(
        "chat",
        "the last user turn is the question; the reply to it is the answer where no column has one",
        {"messages": "question"},
        fits=_has_chats("messages"),
        convert=_read_reply,
        keeps_fields=True,
    ),
    Layout(
        "Alpaca",
        "input above the instruction; output is the answer",
        {"instruction": "question", "input": "passage", "output": "answer"},
        ("instruction", "output"),
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
