"""One assertion of promptfoo: what is known of it, read with its path.

The types and fields are those of promptfoo's documentation ("Assertions & metrics"). An assertion of another type, and
code in JavaScript, is refused before anything runs.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrft_graders.faults import describe_kind, join, refuse, suggest
from openrft_graders.finite import read_finite, show_value
from openrft_graders.promptfoo.files import find_file, read_data, read_text

SET = "assert-set"
TEXT = (
    "contains",
    "icontains",
    "starts-with",
    "regex",
    "levenshtein",
    "rouge-n",
    "bleu",
    "gleu",
    "meteor",
    "llm-rubric",
)
LISTS = ("contains-any", "contains-all", "icontains-any", "icontains-all")
THRESHOLDS = {"similar": 0.75, "rouge-n": 0.75, "bleu": 0.5, "gleu": 0.5, "meteor": 0.5, "levenshtein": 5.0}
METRICS = {"similar": "cosine", "rouge-n": "rouge_1", "bleu": "bleu", "gleu": "gleu", "meteor": "meteor"}
TYPES = (*TEXT, *LISTS, "equals", "similar", "is-json", "contains-json", "python", SET)
_FIELDS = ("type", "value", "threshold", "weight", "metric", "provider", "config")
_OTHER_CODE = ("javascript", "ruby", "webhook")
_WRAPPER = """

def grade(sample, item):
    context = {{"vars": item["vars"], "config": {config!r}, "prompt": item["messages"][-1]["content"]}}
    found = {function}(sample["output_text"], context)
    if isinstance(found, dict):
        passed = found.get("pass", found.get("pass_", False))
        score = float(found.get("score", 1.0 if passed else 0.0))
    elif isinstance(found, bool):
        passed, score = found, float(found)
    else:
        score = float(found)
        passed = score >= {threshold!r} if {threshold!r} is not None else score > 0
    return min(max(score, 0.0), 1.0) + (2.0 if passed else 0.0)
"""
PASSED = 2.0  # what the wrapper adds to the score of what passes


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an answer must be. `value` is a text, a list of texts, a schema or Python source, by type."""

    type: str  # without not-
    negated: bool = False
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    parts: tuple[Assertion, ...] = field(default=())  # of a set

    def list_leaves(self) -> list[Assertion]:
        """The assertions of a set, or this one."""
        return [leaf for part in self.parts for leaf in part.list_leaves()] if self.type == SET else [self]


def parse_assertions(value: Any, path: str, folder: Path) -> tuple[Assertion, ...]:
    """A list of assertions. `folder` is that of the configuration, whose files they name. Raises UsageError."""
    if not isinstance(value, list) or not value:
        refuse(path, "it must be a list of assertions.", "Write [{type: equals, value: ...}].")
    return tuple(_parse(part, f"{path}[{index}]", folder) for index, part in enumerate(value))


def _parse(given: Any, path: str, folder: Path) -> Assertion:
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        refuse(join(path, "type"), "it is missing.", "Write {type: equals, value: ...}.")
    kind, negated = given["type"].removeprefix("not-"), given["type"].startswith("not-")
    kind = "similar" if kind == "similar:cosine" else kind
    if kind in _OTHER_CODE:
        refuse(join(path, "type"), f"{kind} is not run here.", "Write it in Python, with the type python.")
    if kind not in TYPES:
        refuse(join(path, "type"), f"assertions of the type {kind!r} are not known here.", suggest(kind, TYPES))
    known = ("type", "assert", "threshold", "weight", "metric") if kind == SET else _FIELDS
    for name in given:
        if name not in known:
            refuse(join(path, str(name)), f"it is not known here for {kind}.", suggest(str(name), known))
    threshold = _read_number(given, "threshold", path)
    weight = _read_number(given, "weight", path)
    weight = 1.0 if weight is None else weight
    if weight < 0:
        refuse(join(path, "weight"), f"it is {weight:g}.", "Write 0 or more.")
    if kind == SET:
        return Assertion(
            SET, negated, None, threshold, weight, parse_assertions(given.get("assert"), f"{path}.assert", folder)
        )
    threshold = THRESHOLDS.get(kind) if threshold is None else threshold
    value = _read_value(kind, given, join(path, "value"), folder, threshold)
    return Assertion(kind, negated, value, threshold, weight)


def _read_number(given: Mapping[str, Any], name: str, path: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    number = read_finite(value)
    if number is None:
        refuse(join(path, name), f"it is {show_value(value)}.", "Write a number.")
    return number


def _read_value(kind: str, given: Mapping[str, Any], path: str, folder: Path, threshold: float | None) -> Any:
    value = given.get("value")
    if kind == "python":
        return _read_python(value, given.get("config"), path, folder, threshold)
    if isinstance(value, str) and value.startswith("file://"):
        value = read_data(find_file(value, path, folder), path)
    if kind in ("is-json", "contains-json"):
        return _read_schema(value, path)
    if kind == "equals":
        return (
            value if isinstance(value, Mapping | Sequence) and not isinstance(value, str) else _read_text(value, path)
        )
    if kind in LISTS or (kind == "similar" and isinstance(value, list)):
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(parts, list) or not parts:
            refuse(path, "it must be a list of texts.")
        return [_read_text(part, f"{path}[{index}]") for index, part in enumerate(parts)]
    text = _read_text(value, path)
    if kind == "regex":
        import regex

        try:
            regex.compile(text)
        except regex.error as fault:
            refuse(path, f"it is no regular expression: {fault}.")
    return text


def _read_text(value: Any, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        refuse(path, f"it is {describe_kind(value)}, not a text.", "Write a text.")
    return str(value)


def _read_schema(value: Any, path: str) -> Any:
    import jsonschema

    if isinstance(value, str):
        value = read_data(value, path)
    if value is None:
        return None
    try:
        jsonschema.Draft202012Validator.check_schema(value)
    except jsonschema.SchemaError as fault:
        refuse(path, f"it is no JSON schema: {fault.message}.")
    return value


def _read_python(value: Any, config: Any, path: str, folder: Path, threshold: float | None) -> str:
    """The source of a python grader that computes what the assertion does."""
    if not isinstance(value, str) or not value.strip():
        refuse(path, "it must be Python: an expression, the lines of a function, or file://NAME.py.")
    function = "get_assert"
    if value.startswith("file://"):
        name, _, chosen = value.partition(".py:")
        function = chosen or function
        source = read_text(find_file(name + ".py" if chosen else value, path, folder), path)
    elif "\n" in value.strip():
        body = "\n".join("    " + line for line in value.splitlines())
        source = f"def get_assert(output, context):\n{body}"
    else:
        source = f"import json, math, re\n\ndef get_assert(output, context):\n    return {value.strip()}"
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as fault:
        refuse(path, f"it is no Python: {fault}.")
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
        refuse(path, f"it has no function {function}.", f"Write def {function}(output, context): ...")
    return source + _WRAPPER.format(config=config, function=function, threshold=threshold)
