"""What a row's columns mean, and a cell's text. Columns that look like options and are not understood are refused:
a question asked without its options would be another question."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = {  # what a column may be called; `tasks show` tells which columns nobody reads
    "question": ("question", "problem"),
    "options": ("options", "choices"),
    "answer": ("answer", "answerkey", "answer_key", "correct_answer", "gold"),
    "type": ("type",),
    "split": ("split",),
    "topic": ("topic", "subject", "category"),
    "group": ("group",),
}
MAY_REPEAT = ("topic",)  # where a row has several of the names, the first is read
_OPTION = re.compile(r"(?:(?:option|choice|opt)[\W_]*([a-z]|\d{1,2})|\W*([a-z]))\W*")
_LIKE_AN_OPTION = re.compile(r"(?:op|ans|alternative|distractor|answer|[\W_])*(?:[a-z]|\d{1,2})\W*")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be used. `reason` is one of a few fixed words, for counting."""

    reason: str
    detail: str


class Bad(Exception):
    """A fault, on its way out of the parser."""


def cells_of(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """The cells by what they mean, those of options with a column each by label, and names of the others."""
    cells: dict[str, Any] = {}
    lettered: dict[str, Any] = {}
    ignored = []
    filled = {str(name): value for name, value in row.items() if value is not None and value != ""}
    for name, value in filled.items():
        meaning, option = meant(name), _OPTION.fullmatch(name.strip().lower())
        if meaning and meaning not in cells:
            cells[meaning] = value
        elif meaning and meaning not in MAY_REPEAT:
            both = " and ".join(other for other in filled if meant(other) == meaning)
            raise Bad("columns", f"two columns hold the {meaning}: {both}")
        elif option:
            label = (option.group(1) or option.group(2)).upper()
            if label in lettered:
                raise Bad("options", f"two columns hold option {label}")
            lettered[label] = value
        elif not meaning and _LIKE_AN_OPTION.fullmatch(name.strip().lower()):
            raise Bad("columns", f"the column {name!r} looks like an option: call it A, B, C, ... or something else")
        else:
            ignored.append(name)
    return cells, lettered, tuple(ignored)


def meant(name: str) -> str | None:
    """What a column of this name holds, if anybody reads it."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return next((meaning for meaning, names in COLUMNS.items() if plain in names), None)


def required(cells: Mapping[str, Any], name: str) -> str:
    """A cell that must hold something, as text."""
    if name not in cells:
        raise Bad(f"no {name}", f"there is no {name}")
    text = text_of(cells[name])
    if text is None:
        raise Bad(f"no {name}", f"the {name} is no text but {type(cells[name]).__name__}")
    if not text:
        raise Bad(f"no {name}", f"the {name} is empty")
    return text


def text_of(value: Any) -> str | None:
    """A text or number as text; None for anything else. Raises Bad for a text that cannot be written to a file."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            raise Bad("encoding", "it holds half a character (a lone surrogate)") from fault
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return str(value)


def spaced(text: str) -> str:
    """The text with spacing aside. Case stays: Co is not CO."""
    return " ".join(text.split())
