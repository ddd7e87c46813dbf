"""Templates: text with `{{ item.rows[0].name }}` and `{{ sample.output_text }}` in it.

A variable is a namespace and a path: names behind dots, indexes or quoted names in brackets. Nothing is executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openrft_graders.case import SAMPLE_FIELDS, Case
from openrft_graders.faults import describe_kind, refuse

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STEP = re.compile(r"""\s*(?:\.\s*([A-Za-z_][\w-]*)|\[\s*(?:(\d{1,9})|"([^"]*)"|'([^']*)')\s*\])""")
_NAMESPACE = re.compile(r"\s*([A-Za-z_]\w*)")


class MissingValue(Exception):
    """A variable that a case does not have. `namespace` is item or sample."""

    def __init__(self, namespace: str, words: str) -> None:
        super().__init__(words)
        self.namespace = namespace


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a template."""

    text: str  # as it is written, without the braces
    namespace: str  # item or sample
    steps: tuple[str | int, ...]

    def find(self, case: Case) -> Any:
        """The value in a case. Raises MissingValue."""
        value: Any = case.item if self.namespace == "item" else case.sample
        for step in self.steps:
            try:
                value = value[step] if isinstance(step, int) == isinstance(value, list | tuple) else None
            except (KeyError, IndexError, TypeError):
                value = None
            if value is None:
                break
        if value is None:
            where = "the row" if self.namespace == "item" else "the answer"
            raise MissingValue(self.namespace, f"{where} has no {self.text}")
        return value


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: texts and variables in turn."""

    parts: tuple[str | Variable, ...]

    @property
    def variables(self) -> Iterator[Variable]:
        """Its variables, in order."""
        return (part for part in self.parts if isinstance(part, Variable))

    def render(self, case: Case) -> str:
        """The text for a case. A value that is no text is written as JSON. Raises MissingValue."""
        return "".join(part if isinstance(part, str) else write_value(part.find(case)) for part in self.parts)


def write_value(value: Any) -> str:
    """A value as text: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parse_template(text: object, path: str) -> Template:
    """Raises UsageError, which begins with `path`, for what is no template."""
    if not isinstance(text, str):
        refuse(path, f"it is {describe_kind(text)}, not a text.", "Write a text; it may have {{ item.NAME }} in it.")
    parts: list[str | Variable] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        parts += [text[at : match.start()], _parse_variable(match[1], path)]
        at = match.end()
    rest = text[at:]
    if "{{" in rest:
        refuse(path, "a {{ is not closed.", "Write }} behind the variable.")
    parts.append(rest)
    return Template(tuple(part for part in parts if part != ""))


def _parse_variable(text: str, path: str) -> Variable:
    written = text.strip()
    match = _NAMESPACE.match(text)
    shown = "{{ " + written + " }}"
    if not match or match[1] not in ("item", "sample"):
        refuse(path, f"{shown} begins with neither item nor sample.", "Write {{ item.NAME }} or {{ sample.NAME }}.")
    steps: list[str | int] = []
    at = match.end()
    while step := _STEP.match(text, at):
        name, index, *quoted = step.groups()
        steps.append(int(index) if index is not None else next(n for n in (name, *quoted) if n is not None))
        at = step.end()
    if text[at:].strip():
        refuse(
            path, f"{shown} cannot be read from {text[at:].strip()[:20]!r} on.", "Write item.a.b[0].c, or item['a b']."
        )
    if not steps:
        refuse(path, f"{shown} names no variable.", f"Write {{{{ {match[1]}.NAME }}}}.")
    if match[1] == "sample" and steps[0] not in SAMPLE_FIELDS:
        known = ", ".join(SAMPLE_FIELDS)
        refuse(path, f"{shown}: an answer has no {steps[0]!r} here.", f"It has {known}.")
    return Variable(written, match[1], tuple(steps))
