"""From one JSON value to a Row whose parts have the right types, or a Fault that says what is wrong with it.

Knows the benchmark's form, V1 and V2. Does not judge the content: that is defects.py.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openrft_sciknoweval.catalogue import domain_of
from openrft_sciknoweval.reading import Fault

Kind = Literal["choice", "boolean", "text", "none"]
KINDS: dict[str, Kind] = {  # "none": a text that the row's own instruction describes
    "mcq-4-choices": "choice",
    "mcq-2-choices": "choice",
    "true_or_false": "boolean",
    "filling": "text",
    "relation_extraction": "none",
    "open-ended-qa": "none",
}
OPTIONS = {"mcq-4-choices": 4, "mcq-2-choices": 2}  # how many a choice should have
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
        """A choice's gold option by its label, from 0."""
        return self.labels.index(self.key)

    @property
    def gold(self) -> str:
        """The gold answer's text; a choice's by position of its label, empty if no text stands there."""
        if self.kind != "choice":
            return self.answer
        return self.texts[self.position] if self.has_gold else ""

    @property
    def has_gold(self) -> bool:
        """False for a choice whose gold label stands for no text."""
        return self.kind != "choice" or self.position < len(self.texts)

    @property
    def gradable(self) -> bool:
        """False for a choice without a gold text, or with nothing to choose from."""
        return self.kind != "choice" or (self.has_gold and len(self.texts) > 1)


class _Bad(Exception):
    """A fault, on its way out of the parser."""


def parse(value: Any) -> Row | Fault:
    """The row, or what is wrong with it. Raises nothing on any JSON value."""
    if isinstance(value, Fault):
        return value
    try:
        return _row(value)
    except _Bad as bad:
        return Fault(*bad.args)


def _row(value: Any) -> Row:
    if not isinstance(value, Mapping):
        raise _Bad("not an object", "not a JSON object")
    kind = _type(value)
    question = _text(value, "question")
    if not question.strip():
        raise _Bad("empty question", "the question is empty")
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
    said = value.get("type")
    if isinstance(said, list) and len(said) == 1:  # V1 wraps some
        said = said[0]
    kind = _text({"type": said} if "type" in value else {}, "type")
    if kind not in KINDS:
        raise _Bad("unknown type", f"unknown type {kind[:40]!r}, known are {', '.join(KINDS)}")
    return kind


def _choices(value: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    if "choices" not in value:
        raise _Bad("missing field", "the field 'choices' is missing")
    choices = _object(value, "choices")
    texts, labels = _texts(choices, "text"), _texts(choices, "label")
    key = _text(value, "answerKey")
    if len(set(labels)) != len(labels):
        raise _Bad("repeated label", f"the labels {', '.join(labels)[:60]} repeat")
    if len(labels) < 2 or max(len(labels), len(texts)) > 26:
        many = max(len(labels), len(texts)) if len(labels) > 1 else len(labels)
        raise _Bad("number of options", f"{many} options, where 2 to 26 can be lettered")
    if key not in labels:
        raise _Bad("key not among labels", f"answerKey {key[:40]!r} is not among the labels {', '.join(labels)[:60]}")
    return texts, labels, key


def _answer(value: Mapping[str, Any], kind: str) -> str:
    answer = _text(value, "answer")
    if KINDS[kind] == "none":
        return answer
    if not answer.strip():
        raise _Bad("empty answer", "the answer is empty")
    if kind != "true_or_false":
        return answer
    word = _YES_NO.get(answer.strip().rstrip(".").lower())
    if word is None:
        raise _Bad("answer not Yes or No", f"the answer {answer[:40]!r} is neither Yes nor No")
    return word


def _object(value: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = value.get(field)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _Bad("wrong type", f"{field!r} is not an object")
    return found


def _texts(value: Mapping[str, Any], field: str) -> tuple[str, ...]:
    found = value.get(field)
    if not isinstance(found, list):
        raise _Bad("missing field" if found is None else "wrong type", f"choices.{field} is not a list")
    return tuple(_clean(text, f"choices.{field}") for text in found)


def _text(value: Mapping[str, Any], field: str, default: str | None = None) -> str:
    found = value.get(field, default)
    if found is None and default is not None:
        return default
    if found is None:
        raise _Bad("missing field", f"the field {field!r} is missing")
    return _clean(found, field)


def _clean(text: Any, field: str) -> str:
    if not isinstance(text, str):
        raise _Bad("wrong type", f"{field} holds a {type(text).__name__} where text must stand")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise _Bad("encoding", f"{field} holds half a surrogate pair, which is not text") from fault
    return text
