"""What a row's columns mean, and the text and the options that its cells hold.

A column that looks like an option and is not understood is refused: a question asked without its options would be
another question. Knows nothing of files or of gold answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openrft import LETTERS, escape_terminal

COLUMNS = {  # what a column may be called; `tasks show` lists the columns that are not read
    "question": ("question", "problem"),
    "options": ("options", "choices"),
    "answer": ("answer", "answerkey", "answer_key", "correct_answer", "gold"),
    "type": ("type",),
    "split": ("split",),
    "topic": ("topic", "subject", "category"),
    "group": ("group",),
}
MAY_REPEAT = ("topic",)  # where a row has several of the names, the first is read
Options = tuple[tuple[str, ...], tuple[str, ...]]  # texts, and the labels by which an answer may name them
_OPTION = re.compile(r"(?:(?:option|choice|opt)[\W_]*([a-z]|\d{1,2})|\W*([a-z]))\W*")
_LIKE_AN_OPTION = re.compile(r"(?:op|ans|alternative|distractor|answer|[\W_])*(?:[a-z]|\d{1,2})\W*")
_OWN_LABEL = re.compile(r"\(?([A-Z])[).:]\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class BadRow:
    """Why a row cannot be used. `reason` is one of a few fixed words, for counting."""

    reason: str
    detail: str


class BadRowError(Exception):
    """Raised inside the parser with the reason and the detail of a BadRow."""


def sort_columns(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """The cells by meaning, the options that have a column each by label, and the names of all other columns.

    Raises BadRowError.
    """
    cells: dict[str, Any] = {}
    lettered: dict[str, Any] = {}
    ignored = []
    filled = {str(name): value for name, value in row.items() if value is not None and value != ""}
    for name, value in filled.items():
        meaning, option = column_meaning(name), _OPTION.fullmatch(name.strip().lower())
        if meaning and meaning not in cells:
            cells[meaning] = value
        elif meaning and meaning not in MAY_REPEAT:
            both = " and ".join(escape_terminal(other) for other in filled if column_meaning(other) == meaning)
            raise BadRowError("columns", f"two columns hold the {meaning}: {both}")
        elif option:
            label = (option.group(1) or option.group(2)).upper()
            if label in lettered:
                raise BadRowError("options", f"two columns hold option {label}")
            lettered[label] = value
        elif not meaning and _LIKE_AN_OPTION.fullmatch(name.strip().lower()):
            detail = f"the column {name!r} looks like an option: call it A, B, C, ... or something else"
            raise BadRowError("columns", detail)
        else:
            ignored.append(name)
    return cells, lettered, tuple(ignored)


def column_meaning(name: str) -> str | None:
    """What a column of this name holds; None if it is not read."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return next((meaning for meaning, names in COLUMNS.items() if plain in names), None)


def require_text(cells: Mapping[str, Any], name: str) -> str:
    """The text of a cell that must not be empty. Raises BadRowError."""
    if name not in cells:
        raise BadRowError(f"no {name}", f"there is no {name}")
    text = to_text(cells[name])
    if text is None:
        raise BadRowError(f"no {name}", f"the {name} is no text but {type(cells[name]).__name__}")
    if not text:
        raise BadRowError(f"no {name}", f"the {name} is empty")
    return text


def to_text(value: Any) -> str | None:
    """A text or a number as text; None for anything else. Raises BadRowError for what no file can hold."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            raise BadRowError("encoding", "it holds half a character (a lone surrogate)") from fault
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        return str(value)
    except ValueError as fault:  # Python writes no integer of more than 4,300 digits
        raise BadRowError("number", "it holds a number of thousands of digits") from fault


def normalize_spaces(text: str) -> str:
    """The text with single spaces. Case stays: Co is not CO."""
    return " ".join(text.split())


def parse_options(value: Any, lettered: Mapping[str, Any]) -> Options:
    """The options' texts and labels, from any of the ways in which people write them.

    A column each (`lettered`), a list, an object by label, or `text` and `label`, in two lists or in an object each.
    Raises BadRowError.
    """
    if value is not None and value not in ([], {}) and lettered:
        names = ", ".join(sorted(lettered))
        raise BadRowError("options", f"there are options in one column and also in {names}")
    if lettered:
        return _check_options(*_options_from_columns(lettered))
    if value is None or value in ([], {}):
        return (), ()
    if isinstance(value, Mapping) and {"text", "label"} <= {*value}:
        return _check_options(value["text"], value["label"])
    if isinstance(value, Mapping):
        return _check_options(list(value.values()), list(value))
    if not isinstance(value, list):
        raise BadRowError("options", "the options are no list; in CSV give each a column of its own: A, B, C, ...")
    if all(isinstance(one, Mapping) and {"text", "label"} <= {*one} for one in value):
        return _check_options([one["text"] for one in value], [one["label"] for one in value])
    return _check_options(value, list(LETTERS[: len(value)]))


def _options_from_columns(lettered: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """Options with a column each, by letter from A or number from 0 or 1, without a gap."""
    names = sorted(lettered, key=lambda name: (len(name), name))
    first = int(names[0]) if names[0] in ("0", "1") else 0
    counted = [str(first + i) for i in range(len(names))]
    if names not in (list(LETTERS[: len(names)]), counted):
        detail = f"the columns {', '.join(names)} were taken for options, and there are gaps between"
        raise BadRowError("options", detail)
    return [lettered[name] for name in names], names


def _check_options(texts: Any, labels: Any) -> Options:
    if not isinstance(texts, list) or not isinstance(labels, list) or len(labels) != len(texts):
        raise BadRowError("options", "there are not as many labels as options")
    if not 2 <= len(texts) <= len(LETTERS):
        count = "only one option" if len(texts) == 1 else f"{len(texts)} options"
        raise BadRowError("options", f"there is {count}; from 2 to {len(LETTERS)} are possible")
    written = [str(text) if isinstance(text, bool) else to_text(text) for text in texts]
    named = [to_text(label) for label in labels]
    if not all(written) or not all(named):
        raise BadRowError("options", "an option is empty or no text")
    found = _strip_own_labels(list(map(str, written)))
    for what, those in (
        ("options", [*map(normalize_spaces, found)]),
        ("labels", [str(label).upper() for label in named]),
    ):
        twice = next((text for text in those if those.count(text) > 1), None)
        if twice is not None:
            raise BadRowError("options", f"two {what} are the same: {twice[:60]!r}")
    return tuple(found), tuple(str(label).upper() for label in named)


def _strip_own_labels(texts: Sequence[str]) -> list[str]:
    """Options that carry their own letters ("A. iron", "B. neon") without these; in another order they are refused."""
    own = [_OWN_LABEL.match(text) for text in texts]
    letters = [match.group(1) for match in own if match]
    if sorted(letters) != list(LETTERS[: len(texts)]):
        return list(texts)
    if letters != sorted(letters):
        raise BadRowError("options", f"the options carry letters of their own, in the order {', '.join(letters)}")
    return [text[match.end() :] for text, match in zip(texts, own, strict=True) if match]
