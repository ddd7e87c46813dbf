"""What a rubric is, how it is written, and the score that its verdicts make.

A rubric is text with one criterion a line, or a JSON list:

    # of an answer about catalysis
    +2 names the catalyst          weighs 2
    [3] states the mechanism       weighs 3
    gives a temperature            weighs 1
    -1 claims a source that is not given      loses 1 where it is met

A sign or brackets must stand before a weight: `2 steps are named` is a criterion that weighs 1. Blank lines and lines
that begin with # are left out, and so are bullets and the numbers of a list (`- `, `* `, `1. `).

In JSON each entry is such a line or an object. Its text is called criterion, description or text; its weight points or
weight; its name title or name. These are the fields of HealthBench (arXiv 2505.08775: criterion, points) and of
Rubrics as Rewards (arXiv 2507.17746: title, description, weight). Other fields are not read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrft import DataError, UsageError
from openrft_graders.faults import describe_kind
from openrft_graders.finite import read_finite, show_value

MOST = 100  # criteria of a rubric: one reply has to answer all of them
SHOWN = 60  # characters of a criterion in a label
WRAPPINGS = ("rubric", "rubrics", "criteria")  # fields that hold the list in an object
_TEXTS = ("criterion", "description", "text")
_WEIGHTS = ("points", "weight")
_NAMES = ("title", "name")
_BULLET = re.compile(r"(?:[-*+\u2022\u2013]|\d{1,3}[.)])\s+")
_NUMBER = r"\d{1,6}(?:\.\d{1,6})?"
_WEIGHT = re.compile(rf"(?:([+\u2212-]{_NUMBER})|\[\s*([+\u2212-]?{_NUMBER})\s*\])(?:\s+|$)")
_JSON = re.compile(r"\s*(?:\{|\[\s*[\[{\"'\]])")  # a line may begin with a weight in brackets
_APART = re.compile(rf"[+\u2212-]\s+{_NUMBER}\s")  # a sign and a number: a weight, or a bullet and the text?
_ADVICE = "Write one criterion a line, such as `+2 names the catalyst`, or a JSON list."


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question that has the answer yes or no."""

    text: str  # one line
    weight: float = 1.0  # below 0: a fault, which loses points where it is met
    name: str = ""  # a short name, if the rubric gives one

    @property
    def label(self) -> str:
        """The weight with its sign, and the name or the beginning of the text."""
        words = self.name or self.text
        return f"{self.weight:+g} {words if len(words) <= SHOWN else words[: SHOWN - 3].rstrip() + '...'}"


@dataclass(frozen=True, slots=True)
class Rubric:
    """Criteria of one question or of a whole task, at least one of which has a positive weight."""

    criteria: tuple[Criterion, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """A label for each criterion, no two alike."""
        found: dict[str, None] = {}
        for criterion in self.criteria:
            label, number = criterion.label, 1
            while label in found:
                number += 1
                label = f"{criterion.label} ({number})"
            found[label] = None
        return tuple(found)

    def score(self, met: Sequence[bool]) -> float:
        """The weighted share of the criteria that are met, in [0, 1]. `met` has one verdict for each criterion.

        clip((weights of the met positive criteria - |weights| of the met negative ones) / sum of all positive weights,
        0, 1). This is HealthBench's score (arXiv 2505.08775). It cuts only the mean over answers at 0 and 1;
        here each answer is cut, because it earns a reward.
        """
        if len(met) != len(self.criteria):
            raise ValueError(f"{len(met)} verdicts on {len(self.criteria)} criteria")
        earned = math.fsum(c.weight for c, yes in zip(self.criteria, met, strict=True) if yes)
        possible = math.fsum(c.weight for c in self.criteria if c.weight > 0)
        return min(max(earned / possible, 0.0), 1.0)


def parse_rubric(value: Any, where: str = "the rubric") -> Rubric:
    """The rubric that a text or a JSON value states. Raises UsageError, beginning with `where`, that names the line."""
    if isinstance(value, str):
        value = _read_json_list(value, where)
    if isinstance(value, Mapping):
        found = [value[name] for name in WRAPPINGS if value.get(name) is not None]
        if len(found) != 1:
            raise UsageError(f"{where}: it is an object without a list of criteria in `rubric`.", _ADVICE)
        value = _read_json_list(found[0], where) if isinstance(found[0], str) else found[0]
    if isinstance(value, str):
        rows = [(f"line {i}", line) for i, line in enumerate(value.splitlines(), 1) if _is_criterion(line)]
        criteria = [_parse_line(line, f"{where}, {place}") for place, line in rows]
    elif isinstance(value, Sequence):
        criteria = [_parse_entry(entry, f"{where}, criterion {i}") for i, entry in enumerate(value, 1)]
    else:
        raise UsageError(f"{where}: it is {describe_kind(value)} and no rubric.", _ADVICE)
    return _check(criteria, where)


def read_rubric_file(path: Path) -> Rubric:
    """The rubric of a file: JSON, or text with one criterion a line. Raises DataError or UsageError."""
    text = _read_text(path)
    if path.suffix.lower() != ".json":
        return parse_rubric(text, str(path))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{path}: it is no JSON: {fault}.", "Lines of text belong into a file named .txt.") from fault
    return parse_rubric(value, str(path))


def is_rubric_file(path: Path) -> bool:
    """Whether a file holds a rubric and no grader: a JSON list, an object with one, or no JSON at all. Raises DataError
    for a file that cannot be read."""
    try:
        value = json.loads(_read_text(path))
    except (ValueError, RecursionError):
        return path.suffix.lower() != ".json"
    if isinstance(value, Mapping):
        return "type" not in value and any(name in value for name in WRAPPINGS)
    return isinstance(value, list)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as fault:
        raise DataError(f"{path}: it cannot be read: {fault.strerror or fault}.", "Give a text file.") from fault
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: it is no text in UTF-8.", "Give a text file.") from fault


def _read_json_list(text: str, where: str) -> Any:
    """The list or object that a cell holds; the text itself where it is none."""
    if not _JSON.match(text):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise UsageError(f"{where}: it begins like JSON and is none: {fault}.", _ADVICE) from fault


def _is_criterion(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _parse_line(line: str, where: str) -> Criterion:
    text = line.strip()
    if _APART.match(text):
        raise UsageError(
            f"{where}: {text[:SHOWN]!r} begins with a sign apart from its number.",
            "Write -2 for a weight. If the number belongs to the text, write a weight before it: +1 2 steps are named.",
        )
    if bullet := _BULLET.match(text):
        text = text[bullet.end() :]
    weight = 1.0
    if found := _WEIGHT.match(text):
        weight = float((found[1] or found[2]).replace("\u2212", "-"))
        text = text[found.end() :]
    return _make_criterion(text, weight, "", where)


def _parse_entry(entry: Any, where: str) -> Criterion:
    if isinstance(entry, str):
        return _parse_line(" ".join(entry.split()), where)
    if not isinstance(entry, Mapping):
        raise UsageError(f"{where}: it is {describe_kind(entry)}.", _ADVICE)
    text, weight, name = (_find_field(entry, names, where) for names in (_TEXTS, _WEIGHTS, _NAMES))
    if text is None and name is not None:
        text, name = name, None
    if not isinstance(text, str) or not isinstance(name, str | None):
        raise UsageError(f"{where}: it has no text.", f"Call it {_TEXTS[0]}.")
    if weight is None:
        weight = 1.0
    number = read_finite(weight)
    if number is None:
        raise UsageError(f"{where}: its weight is {show_value(weight)}.", "Write a number.")
    return _make_criterion(text, number, name or "", where)


def _find_field(entry: Mapping[str, Any], names: Sequence[str], where: str) -> Any:
    found = [name for name in names if entry.get(name) is not None]
    if len(found) > 1:
        raise UsageError(f"{where}: it has both {found[0]} and {found[1]}.", "Leave one out.")
    return entry[found[0]] if found else None


def _make_criterion(text: str, weight: float, name: str, where: str) -> Criterion:
    line, short = " ".join(text.split()), " ".join(name.split())
    if not any(letter.isalnum() for letter in line):
        raise UsageError(f"{where}: it has no text.", "Write what an answer must do behind the weight.")
    if not weight:
        raise UsageError(f"{where}: its weight is 0, so it would change nothing.", "Give it a weight or leave it out.")
    return Criterion(line, weight, short)


def _check(criteria: Sequence[Criterion], where: str) -> Rubric:
    if not criteria:
        raise UsageError(f"{where}: it has no criteria.", _ADVICE)
    if len(criteria) > MOST:
        raise UsageError(f"{where}: it has {len(criteria)} criteria.", f"A judge answers up to {MOST} in one reply.")
    texts = [criterion.text.casefold() for criterion in criteria]
    twice = next((c for c, text in zip(criteria, texts, strict=True) if texts.count(text) > 1), None)
    if twice:
        raise UsageError(f"{where}: the criterion {twice.text[:SHOWN]!r} stands in it twice.", "Leave one out.")
    if not any(criterion.weight > 0 for criterion in criteria):
        raise UsageError(
            f"{where}: no criterion has a positive weight, so no answer could earn anything.",
            "Say what a good answer does.",
        )
    return Rubric(tuple(criteria))
