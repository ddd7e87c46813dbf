"""What some layouts need beyond names: how their rows are told from others, and how their cells become question and
answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from openrft import final_answer
from openrft_questions.cells import is_chat, last_reply, parse_cell, to_text
from openrft_questions.columns import Cells
from openrft_questions.kinds import spells_number, strip_thousands
from openrft_questions.table import BadRowError

FindCells = Callable[[str], list[Any]]  # the filled cells of the column with this name
Fits = Callable[[FindCells], bool]
Convert = Callable[[Cells], None]  # changes the cells of a row; raises BadRowError
_WHOLE = re.compile(r"-?\d+(?:\.0+)?")
_FINAL = re.compile(r"\S\s*####[ \t]*\S")
_MATHEMATICS = re.compile(r"[\\^_=+*/<>\d]")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def has_numbers(name: str) -> Fits:
    """Whether every cell of the column is a whole number."""

    def check(find: FindCells) -> bool:
        cells = find(name)
        return bool(cells) and all(map(_is_whole, cells))

    return check


def _is_whole(cell: Any) -> bool:
    if isinstance(cell, (bool, list, Mapping)):
        return False
    return isinstance(cell, int) or _WHOLE.fullmatch(str(cell)) is not None


def has_final_marks(find: FindCells) -> bool:
    """Whether the answers of GSM8K, or most of them, end in #### and a number."""
    cells = find("answer")
    return 2 * sum(isinstance(cell, str) and _FINAL.search(cell) is not None for cell in cells) >= max(len(cells), 1)


def has_boxes(find: FindCells) -> bool:
    cells = find("solution")
    return bool(cells) and any(isinstance(cell, str) and "\\boxed" in cell for cell in cells)


def has_boxed_answers(find: FindCells) -> bool:
    """Whether most answers are solutions with the answer in a box."""
    cells = find("answer")
    return 2 * sum(isinstance(cell, str) and "\\boxed" in cell for cell in cells) > len(cells)


def has_stems(find: FindCells) -> bool:
    """Whether questions are objects with a stem, as in the first files of ARC."""
    return all(isinstance(cell, Mapping) and "stem" in cell for cell in find("question"))


def has_chats(name: str) -> Fits:
    return lambda find: any(is_chat(parse_cell(cell)) for cell in find(name))


def read_final_mark(cells: Cells) -> None:
    text = to_text(cells.values.get("answer")) or ""
    reasons, mark, answer = text.rpartition("####")
    if not mark and spells_number(strip_thousands(text)):
        return
    if not mark or not answer.strip():
        raise BadRowError("answer", "there is no #### with a number behind it")
    cells.values["answer"] = answer.strip()
    cells.values["solution"] = reasons.strip()


def read_box(cells: Cells) -> None:
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


def read_answer_box(cells: Cells) -> None:
    """The answer from its box, and the rest as its solution."""
    if "\\boxed" in (text := to_text(cells.values.get("answer")) or ""):
        cells.values.setdefault("solution", text)
        del cells.values["answer"]
        given, cells.values["solution"] = cells.values["solution"], text
        read_box(cells)
        cells.values["solution"] = given
        is_mathematics = _MATHEMATICS.search(str(cells.values["answer"])) is not None
        if cells.lettered or cells.wrong or "options" in cells.values or not is_mathematics:
            cells.values.pop("kind", None)


def read_targets(cells: Cells) -> None:
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


def read_scores(cells: Cells) -> None:
    """The options of BIG-bench, with their scores, and the one that is scored highest."""
    scores = parse_cell(cells.values.pop("options", None))
    if (
        not isinstance(scores, Mapping)
        or not scores
        or not all(_NUMBER.fullmatch(str(score)) for score in scores.values())
    ):
        raise BadRowError("options", "target_scores is no object with a number for each option")
    highest = max(float(score) for score in scores.values())
    right = [option for option, score in scores.items() if float(score) == highest]
    if len(right) != 1:
        raise BadRowError("answer", f"target_scores has {len(right)} options with the highest score; it must be one")
    cells.values["options"], cells.values["answer"] = list(scores), right[0]


def ask_for_cause(cells: Cells) -> None:
    """COPA's question in words: its files have one word for it."""
    asked = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}
    given = str(cells.values.get("question", ""))
    cells.values["question"] = asked.get(given.strip().lower(), given)


def read_reply(cells: Cells) -> None:
    """The answer of a conversation that ends in it, where no column has the answer."""
    turns = parse_cell(cells.values.get("question"))
    if "answer" not in cells.values and is_chat(turns):
        reply = last_reply(turns)
        if reply:
            cells.values["answer"] = reply
