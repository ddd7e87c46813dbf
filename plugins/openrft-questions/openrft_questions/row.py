"""From one row to a labelled question, or a Fault that says what is wrong with it. Guesses no answer."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from openrft import Sample
from openrft_questions.files import SIDES, Side

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = {  # what a column may be called; `tasks show` tells which ones nobody reads
    "question": ("question", "problem"),
    "options": ("options", "choices"),
    "answer": ("answer", "answerkey", "answer_key", "gold"),
    "type": ("type",),
    "split": ("split",),
    "topic": ("topic", "subject", "category"),
    "group": ("group",),
}
KINDS = ("choice", "boolean", "number", "text")
LONGEST = 200  # characters of an answer that is compared as a whole
_OPTION = re.compile(r"(?:option|choice)?[ _]?([a-z])", re.IGNORECASE)  # "A", "option_b", "Choice C"
_LETTER = re.compile(r"\(?([A-Za-z])[).]?")
_NUMBER = re.compile(r"[-+\u2212]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_YES_NO = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be used. `reason` is one of a few fixed words, for counting."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Found:
    """A row that can be used."""

    sample: Sample
    side: Side | None  # None: the row does not say
    ignored: tuple[str, ...]  # its columns that nobody reads


class _Bad(Exception):
    """A fault, on its way out of the parser."""


def parse(row: Mapping[str, Any], task: str, side: Side | None = None) -> Found | Fault:
    """The question of a row of the leaf task `task`. `side`: that of the file, which the row must not gainsay."""
    try:
        return _parse(row, task, side)
    except _Bad as bad:
        return Fault(*bad.args)


def _parse(row: Mapping[str, Any], task: str, side: Side | None) -> Found:
    cells, lettered, ignored = _columns(row)
    question = _text(cells, "question")
    options, labels = _options(cells.get("options"), lettered)
    kind = _kind(cells, options)
    answer = _choice(cells, options, labels) if kind == "choice" else _answer(cells, kind)
    meta: dict[str, Any] = {}
    if "topic" in cells:
        meta["topic"] = _text(cells, "topic")
    if "group" in cells:
        meta["kin"] = [f"group:{_text(cells, 'group')}"]
    sample = Sample(question, answer, options, cast(Any, kind), task, meta=meta)
    return Found(sample, _side(cells, side), ignored)


def _columns(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """The cells by what they mean, those of options with a column each by letter, and names of the others."""
    cells: dict[str, Any] = {}
    lettered: dict[str, Any] = {}
    ignored = []
    for name, value in row.items():
        if value is None or value == "":
            continue
        plain = str(name).strip().lower()
        meant = next((meaning for meaning, names in COLUMNS.items() if plain in names), None)
        option = _OPTION.fullmatch(plain)
        if meant:
            if meant in cells:
                raise _Bad("columns", f"two columns hold the {meant}: {' and '.join(_called(row, meant))}")
            cells[meant] = value
        elif option:
            lettered[option.group(1).upper()] = value
        else:
            ignored.append(str(name))
    return cells, lettered, tuple(ignored)


def _called(row: Mapping[str, Any], meaning: str) -> list[str]:
    return [str(name) for name in row if str(name).strip().lower() in COLUMNS[meaning]]


def _text(cells: Mapping[str, Any], name: str) -> str:
    """A cell that must hold something, as text."""
    if name not in cells:
        raise _Bad(f"no {name}", f"there is no {name}")
    text = _written(cells[name])
    if text is None:
        raise _Bad(f"no {name}", f"the {name} is no text but {type(cells[name]).__name__}")
    if not text:
        raise _Bad(f"no {name}", f"the {name} is empty")
    return text


def _written(value: Any) -> str | None:
    """A text or number as text; None for anything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return str(value)


def _options(value: Any, lettered: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The options' texts and labels: a column each, a list, an object by label, or `text` and `label` side by side."""
    if value is not None and lettered:
        raise _Bad("options", f"options stand in one column and, apart, in {', '.join(sorted(lettered))}")
    if lettered:
        value = dict(sorted(lettered.items()))
        if "".join(value) != LETTERS[: len(value)]:
            raise _Bad("options", f"there are options {', '.join(value)}, and none between")
    if value is None:
        return (), ()
    if isinstance(value, str) and value.startswith(("[", "{")):  # JSON in a cell of CSV
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, Mapping) and {"text", "label"} <= {*value}:
        texts, labels = value["text"], value["label"]
    elif isinstance(value, Mapping):
        texts, labels = list(value.values()), list(value)
    else:
        texts, labels = value, None
    if not isinstance(texts, list):
        raise _Bad("options", "the options are no list; in CSV give each a column of its own: A, B, C, ...")
    labels = list(LETTERS[: len(texts)]) if labels is None else labels
    return _checked(texts, labels)


def _checked(texts: Sequence[Any], labels: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not isinstance(labels, list) or len(labels) != len(texts):
        raise _Bad("options", "there are not as many labels as options")
    if not 2 <= len(texts) <= len(LETTERS):
        raise _Bad("options", f"there are {len(texts)} options; from 2 to {len(LETTERS)} are possible")
    written, named = [_written(text) for text in texts], [_written(label) for label in labels]
    if not all(written) or not all(named):
        raise _Bad("options", "an option is empty or no text")
    for what, found in (("options", [_plain(str(text)) for text in written]), ("labels", [*map(str, named)])):
        twice = next((text for text in found if found.count(text) > 1), None)
        if twice is not None:
            raise _Bad("options", f"two {what} are the same: {twice[:60]!r}")
    return tuple(map(str, written)), tuple(map(str, named))


def _kind(cells: Mapping[str, Any], options: Sequence[str]) -> str:
    """The kind of answer: as the row says, else choice where there are options, else as the answer looks."""
    if "type" in cells:
        kind = str(cells["type"]).strip().lower()
        if kind not in KINDS:
            raise _Bad("type", f"the type {kind[:40]!r} is none of {', '.join(KINDS)}")
        if (kind == "choice") != bool(options):
            raise _Bad("type", f"the type is {kind}, and there are {len(options) or 'no'} options")
        return kind
    if options:
        return "choice"
    if isinstance(cells.get("answer"), bool):
        return "boolean"
    answer = _text(cells, "answer")
    if answer.lower() in _YES_NO:
        return "boolean"
    return "number" if _NUMBER.fullmatch(answer) else "text"


def _choice(cells: Mapping[str, Any], options: Sequence[str], labels: Sequence[str]) -> str:
    """The gold option's letter, from its label or its whole text, if it can mean only one of them."""
    answer = _text(cells, "answer")
    bare = _LETTER.fullmatch(answer)
    said = {answer, answer.upper(), bare.group(1).upper() if bare else answer}
    by_label = {i for i, label in enumerate(labels) if label in said}
    by_text = {i for i, text in enumerate(options) if _plain(text) == _plain(answer)}
    found = by_label | by_text
    if len(found) == 1:
        return LETTERS[found.pop()]
    if found:
        raise _Bad("answer", f"the answer {answer[:60]!r} is one option's label and another one's text")
    advice = "; a number could count from 0 or from 1: write the letter" if answer.isdigit() else ""
    raise _Bad("answer", f"the answer {answer[:60]!r} is neither a label nor the text of an option{advice}")


def _answer(cells: Mapping[str, Any], kind: str) -> str:
    """The gold answer where there are no options."""
    value = cells.get("answer")
    answer = ("No", "Yes")[value] if isinstance(value, bool) else _text(cells, "answer")
    if kind == "boolean":
        if answer.lower() not in _YES_NO:
            raise _Bad("answer", f"the type is boolean, and the answer {answer[:60]!r} is not Yes, No, True or False")
        return _YES_NO[answer.lower()]
    if kind == "number" and not _NUMBER.search(answer):
        raise _Bad("answer", f"the type is number, and the answer {answer[:60]!r} holds none")
    if len(answer) > LONGEST or "\n" in answer:
        raise _Bad("answer", f"the answer has {len(answer)} characters: give what is to be in the box, without reasons")
    return answer


def _side(cells: Mapping[str, Any], side: Side | None) -> Side | None:
    if "split" not in cells:
        return side
    said = str(cells["split"]).strip().lower()
    found = next((name for name in SIDES if name == said), None)
    if found is None:
        raise _Bad("split", f"the split {said[:40]!r} is neither train nor test")
    if side and found != side:
        raise _Bad("split", f"the row says {found}, and its file is called {side}")
    return found


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
