"""Rows of the benchmark: from a JSON value to a Row whose parts have the right types, or a BadRow that says why not.

Knows the benchmark's form, V1 and V2. Does not judge the content: that is defects.py. A Shard holds rows of one file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openrft import escape_terminal
from openrft_sciknoweval.catalogue import domain_of
from openrft_sciknoweval.json_reader import BadRow, RowLocation

Kind = Literal["choice", "boolean", "text", "none"]
KINDS: dict[str, Kind] = {  # "none": a text that the row's own instruction describes
    "mcq-4-choices": "choice",
    "mcq-2-choices": "choice",
    "true_or_false": "boolean",
    "filling": "text",
    "relation_extraction": "none",
    "open-ended-qa": "none",
}
EXPECTED_OPTIONS = {"mcq-4-choices": 4, "mcq-2-choices": 2}  # how many a choice should have
_JSON_TYPES = {int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "an object"}
_YES_NO = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the benchmark. Of a choice's texts and labels only the types are sure, see `option_count`."""

    question: str
    type: str
    answer: str  # a boolean's is Yes or No; a choice's is empty
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    key: str  # a choice's gold label, one of `labels`; else empty
    prompt: str  # the row's own instruction, which asks for a bare answer
    domain: str | None
    level: str | None
    task: str
    subtask: str
    source: str
    defects: tuple[str, ...] | None = None  # names of known defects; None = not looked for yet

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    @property
    def position(self) -> int:
        """The index of a choice's gold option, by its label."""
        return self.labels.index(self.key)

    @property
    def gold(self) -> str:
        """The gold answer's text; a choice's is the option at its label's position, empty if there is none."""
        if self.kind != "choice":
            return self.answer
        return self.texts[self.position] if self.has_gold else ""

    @property
    def has_gold(self) -> bool:
        """False for a choice whose gold label has no text."""
        return self.kind != "choice" or self.position < len(self.texts)

    @property
    def gradable(self) -> bool:
        """False for a choice without a gold text, or with nothing to choose from."""
        return self.kind != "choice" or (self.has_gold and len(self.texts) > 1)


class BadRowError(Exception):
    """Raised inside the parser with the reason and the detail of a BadRow."""


def parse_row(value: Any) -> Row | BadRow:
    """The row, or what is wrong with it. Raises nothing on any JSON value."""
    if isinstance(value, BadRow):
        return value
    try:
        return _row(value)
    except BadRowError as bad:
        return BadRow(*bad.args)


def _row(value: Any) -> Row:
    if not isinstance(value, Mapping):
        raise BadRowError("not an object", "not a JSON object")
    kind = _type(value)
    question = _text(value, "question")
    if not question.strip():
        raise BadRowError("empty question", "the question is empty")
    texts, labels, key = _choices(value) if KINDS[kind] == "choice" else ((), (), "")
    answer = "" if KINDS[kind] == "choice" else _answer(value, kind)
    details = _object(value, "details")
    domain = _text(value, "domain", "")
    return Row(
        question,
        kind,
        answer,
        texts,
        labels,
        key,
        # Interned: the same few texts in thousands of rows.
        sys.intern(_text(_object(value, "prompt"), "default", "")),
        domain_of(domain) or domain or None,
        # Some third-party copies have the level on the top.
        sys.intern(_text(details, "level", "") or _text(value, "level", "")) or None,
        sys.intern(_text(details, "task", "")),
        sys.intern(_text(details, "subtask", "")),
        sys.intern(_text(details, "source", "")),
    )


def _type(value: Mapping[str, Any]) -> str:
    given = value.get("type")
    if isinstance(given, list) and len(given) == 1:  # V1 wraps some
        given = given[0]
    kind = _text({"type": given} if "type" in value else {}, "type")
    if kind not in KINDS:
        raise BadRowError("unknown type", f"unknown type {kind[:40]!r}, known are {', '.join(KINDS)}")
    return kind


def _choices(value: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    if "choices" not in value:
        raise BadRowError("missing field", "the field 'choices' is missing")
    choices = _object(value, "choices")
    texts, labels = _texts(choices, "text"), _texts(choices, "label")
    key = _text(value, "answerKey")
    if len(set(labels)) != len(labels):
        raise BadRowError("repeated label", f"the labels {_quote(labels)} repeat")
    if len(labels) < 2 or max(len(labels), len(texts)) > 26:
        many = max(len(labels), len(texts)) if len(labels) > 1 else len(labels)
        raise BadRowError("number of options", f"{many} options, where 2 to 26 can be lettered")
    if key not in labels:
        raise BadRowError("key not among labels", f"answerKey {key[:40]!r} is not among the labels {_quote(labels)}")
    return texts, labels, key


def _quote(labels: tuple[str, ...]) -> str:
    return escape_terminal(", ".join(labels)[:60])


def _answer(value: Mapping[str, Any], kind: str) -> str:
    answer = _text(value, "answer")
    if KINDS[kind] == "none":
        return answer
    if not answer.strip():
        raise BadRowError("empty answer", "the answer is empty")
    if kind != "true_or_false":
        return answer
    word = _YES_NO.get(answer.strip().rstrip(".").lower())
    if word is None:
        raise BadRowError("answer not Yes or No", f"the answer {answer[:40]!r} is neither Yes nor No")
    return word


def _object(value: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = value.get(field)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise BadRowError("wrong type", f"{field!r} is not an object")
    return found


def _texts(value: Mapping[str, Any], field: str) -> tuple[str, ...]:
    found = value.get(field)
    if not isinstance(found, list):
        raise BadRowError("missing field" if found is None else "wrong type", f"choices.{field} is not a list")
    return tuple(_clean(text, f"choices.{field}") for text in found)


def _text(value: Mapping[str, Any], field: str, default: str | None = None) -> str:
    found = value.get(field, default)
    if found is None and default is not None:
        return default
    if found is None:
        raise BadRowError("missing field", f"the field {field!r} is missing")
    return _clean(found, field)


def _clean(text: Any, field: str) -> str:
    if not isinstance(text, str):
        kind = _JSON_TYPES.get(type(text), "no text")
        raise BadRowError("wrong type", f"{field} holds {kind} where text is expected")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise BadRowError("encoding", f"{field} holds half a surrogate pair, which is not text") from fault
    return text


Part = Literal["train", "test"]
RowIterator = Iterator[tuple[RowLocation, Row | BadRow]]


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows of one file, of one config on the hub or of one file of a store, and what its place says about them.

    A field is None where only the rows can tell.
    """

    name: str  # as a person would look for it: a path, or the config on the hub
    rows: Callable[[], RowIterator]  # reads from the beginning each time it is called; raises DataError
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    part: Part | None = None
    published: bool = False  # in the place and by the name of a published file: known defects are expected
    bad: Mapping[str, int] = field(default_factory=dict)  # rows that were left out before, by reason
