"""What the columns of a file mean, by their names and by `--map`. Knows nothing of what cells hold.

A column that looks like an option and is not understood is refused: a question asked without its options would be
another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openrft import LETTERS, UsageError, escape_terminal
from openrft_questions.table import BadRowError, find_repeated

COLUMNS = {  # what a column may be called; `tasks show` lists the columns that are not read
    "question": ("question", "problem"),
    "options": ("options", "choices"),
    "answer": ("answer", "answerkey", "answer_key", "correct_answer", "gold"),
    "kind": ("kind", "type"),
    "split": ("split",),
    "topic": ("topic", "subject", "category"),
    "group": ("group",),
    "passage": ("context", "passage", "support", "article", "paragraph"),
    "accepted": ("accepted", "accepted_answers", "acceptable_answers", "aliases"),
    "rubric": ("rubric", "rubrics"),
    "index": ("answer_index", "answer_idx", "correct_index", "correct_answer_index", "correct_idx", "answer_letter"),
}
FALLBACKS = {  # further names, read only where a file has none of the names above
    "question": (
        *("question_stem", "stem", "question_text", "problem_text", "query", "prompt", "messages", "input"),
        *("frage", "aufgabe", "pregunta", "domanda", "pergunta"),
    ),
    "options": ("endings", "candidates", "answer_choices", "answer_options", "possible_answers", "mc1_targets"),
    "answer": (
        *("correct", "correct_option", "correct_choice", "correct_answers", "right_answer", "best_answer", "answers"),
        *("answer_text", "final_answer", "expected_answer", "gold_answer", "gold_label", "label", "cop", "target"),
        *("reference_answer", "reference", "final_decision", "ground_truth", "reward_model"),
        *("answer_number", "antwort", "r\u00e9ponse", "reponse", "respuesta", "risposta", "resposta"),
    ),
    "kind": ("answer_type", "question_type"),
    "topic": ("subject_name", "high_level_domain", "domain", "subdomain", "subfield", "discipline", "field"),
    "passage": ("background", "story", "ctx", "body", "contexts"),
}
WEAKEST = {"answer": ("solution", "output")}  # read only where a file has none of those names either
MAY_REPEAT = ("topic", "kind")  # where a row has several of the names, the first is read
MEANINGS = (*COLUMNS, "wrong")
_SUFFIX = re.compile(r"\s+[-\u2013]\s+(?:max \d+ \w+|choose at least one)$")  # Kahoot's own in column names
_OPTION = re.compile(
    r"(?:(?:option|choice|opt|op|ans|answer|alternative|sol|ending)[\W_]*([a-z]|\d{1,2})|\W*([a-z]))\W*"
)
_LIKE_AN_OPTION = re.compile(r"(?:op|ans|alternative|answer|[\W_])*(?:[a-z]|\d{1,2})\W*")
_WRONG = re.compile(
    r"(?:in_?correct|wrong|false|dist?ractors?)(?:_?(?:answer|option|choice)s?)?(?:_?(?:\d{1,2}|[a-z]))?"
)


def normalize_name(name: str) -> str:
    """The name of a column as names are compared: without case, marks and advice on how to fill it."""
    plain = _SUFFIX.sub("", name.strip().lower())
    return re.sub(r"[\s.-]+", "_", plain.removesuffix("(s)"))


def means_question(name: str) -> bool:
    """Whether a column of this name may hold the question."""
    return normalize_name(name) in (*COLUMNS["question"], *FALLBACKS["question"])


def parse_map(text: str | None, further: Iterable[str] = ()) -> dict[str, str]:
    """What `--map question=prompt,answer=gold` says: by meaning the column's name, "" for one that is not to be read.

    `further`: meanings that only this command knows. A letter means this option. Raises UsageError.
    """
    known = (*MEANINGS, *further)
    if not text:
        return {}
    pattern = re.compile(rf"(?:^|,)\s*({'|'.join(map(re.escape, known))}|[A-Z])\s*=")
    begins = list(pattern.finditer(text or ""))
    if text and (not begins or begins[0].start()):
        raise UsageError(
            f"--map {text[:60]!r}: not MEANING=COLUMN.",
            f"The meanings are {', '.join(known)}, and A, B, C for options.",
        )
    twice = find_repeated([found.group(1) for found in begins])
    if twice is not None:
        raise UsageError(f"--map gives {twice} twice.", "Give each meaning one column.")
    ends = [*(found.start() for found in begins[1:]), len(text)]
    return {found.group(1): text[found.end() : end].strip() for found, end in zip(begins, ends, strict=True)}


@dataclass(slots=True)
class Cells:
    """The cells of a row by what they mean; empty ones are left out."""

    values: dict[str, Any] = field(default_factory=dict)  # by meaning
    lettered: dict[str, Any] = field(default_factory=dict)  # options that have a column each, by label
    wrong: list[Any] = field(default_factory=list)  # wrong answers that have a column each
    passages: list[Any] = field(default_factory=list)  # what stands before the question
    extra: dict[str, Any] = field(default_factory=dict)  # by the meaning that a command asked for


@dataclass(slots=True)
class Columns:
    """What the columns of one file mean."""

    meanings: dict[str, str]  # by name; options as "option A"; "" for a column that is not read
    extra: frozenset[str] = frozenset()  # meanings that a command asked for
    given: frozenset[str] = frozenset()  # meanings that --map says

    @property
    def ignored(self) -> list[str]:
        """The columns that are not read."""
        return [name for name, meaning in self.meanings.items() if not meaning]

    def find(self, meaning: str) -> list[str]:
        """The columns with this meaning."""
        return [name for name, of in self.meanings.items() if of == meaning]

    @property
    def has_options(self) -> bool:
        """Whether any column holds options."""
        return any(m in ("options", "wrong") or m.startswith("option ") for m in self.meanings.values())

    def sort(self, row: Mapping[str, Any]) -> Cells:
        """The cells of a row by meaning. Raises BadRowError."""
        cells = Cells()
        for name, value in row.items():
            meaning = self.meanings.get(str(name), "")
            if not meaning or is_empty(value):
                continue
            if meaning in self.extra:
                cells.extra.setdefault(meaning, value)
            elif meaning == "wrong":
                cells.wrong.append(value)
            elif meaning == "passage":
                cells.passages.append(value)
            elif meaning.startswith("option "):
                label = meaning.removeprefix("option ")
                if label in cells.lettered:
                    raise BadRowError("options", f"two columns hold option {label}")
                cells.lettered[label] = value
            elif meaning == "like an option":
                detail = f"the column {name!r} looks like an option: call it A, B, C, ... or something else"
                raise BadRowError("columns", detail)
            elif meaning not in cells.values:
                cells.values[meaning] = value
            elif meaning not in MAY_REPEAT:
                both = [escape_terminal(other) for other in row if self.meanings.get(str(other)) == meaning]
                advice = f"say --map {meaning}=NAME"
                raise BadRowError("columns", f"two columns hold the {meaning}: {' and '.join(both)}; {advice}")
        return cells


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing. NaN is what pandas writes for an empty cell."""
    return value is None or (isinstance(value, str) and not value) or (isinstance(value, float) and value != value)


def assign_columns(
    names: Sequence[str],
    given: Mapping[str, str],
    of_layout: Mapping[str, str],
    extra: Mapping[str, Sequence[str]],
) -> Columns:
    """What the columns called `names` mean.

    `given`: what --map says. `of_layout`: what the file's layout says, by normalised name, "" for not read. `extra`:
    further meanings with the names of their columns. Raises UsageError for a column of --map that is not there.
    """
    plain = {name: normalize_name(name) for name in names}
    mapped = _find_mapped(plain, given)
    taken = {*given, *(of_layout[name] for name in plain.values() if name in of_layout)}
    wanted = {
        normalize_name(name): meaning for meaning, those in extra.items() if meaning not in given for name in those
    }
    own = {name: meaning for meaning, those in COLUMNS.items() if meaning not in taken for name in those}
    present = {own.get(name) for name in plain.values() if name not in wanted} | taken
    spare = {name: meaning for meaning, those in FALLBACKS.items() if meaning not in present for name in those}
    present |= {spare.get(name) for name in plain.values() if name not in wanted}
    spare |= {name: meaning for meaning, those in WEAKEST.items() if meaning not in present for name in those}
    found: dict[str, str] = {}
    for name, of in plain.items():
        known = (mapped.get(name), of_layout.get(of), wanted.get(of), own.get(of), spare.get(of))
        meaning = next((one for one in known if one is not None), None)
        found[name] = _option_meaning(name, given) if meaning is None else meaning
    for meaning in MAY_REPEAT:  # the first of the names, in the order in which they are listed above
        those = [name for name, of in found.items() if of == meaning]
        order = (*COLUMNS[meaning], *FALLBACKS.get(meaning, ()))
        for name in sorted(those, key=lambda name: order.index(plain[name]) if plain[name] in order else -1)[1:]:
            found[name] = ""
    return Columns(found, frozenset(extra), frozenset(given))


def _find_mapped(plain: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The meaning of each column that --map names. Raises UsageError."""
    found: dict[str, str] = {}
    for meaning, column in given.items():
        if not column:
            continue
        name = column if column in plain else next((n for n, of in plain.items() if of == normalize_name(column)), None)
        if name is None:
            shown = ", ".join(map(escape_terminal, list(plain)[:30]))
            raise UsageError(
                f"--map {meaning}={escape_terminal(column)}: there is no such column.", f"There are {shown}."
            )
        found[name] = f"option {meaning}" if meaning in LETTERS else meaning
    return found


def _option_meaning(name: str, given: Mapping[str, str]) -> str:
    """The meaning of a column that holds an option or a wrong answer; "" for one that is not read."""
    lower = _SUFFIX.sub("", name.strip().lower())
    option = _OPTION.fullmatch(lower)
    if any(meaning in LETTERS for meaning in given) and option:
        return ""  # the options are those that --map names
    if option:
        return f"option {(option.group(1) or option.group(2)).upper()}"
    if "wrong" not in given and _WRONG.fullmatch(normalize_name(name)):
        return "wrong"
    return "like an option" if _LIKE_AN_OPTION.fullmatch(lower) else ""
