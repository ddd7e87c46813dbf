"""How a grader is refused: the error begins with the path of the field that is wrong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import NoReturn

from openrft import UsageError


def refuse(path: str, message: str, advice: str = "") -> NoReturn:
    """Raise a UsageError that begins with the path of the field, such as `graders.accuracy.input`."""
    raise UsageError(f"{path}: {message}" if path else message[:1].upper() + message[1:], advice)


def join(path: str, name: str) -> str:
    """The path of a field inside another."""
    return f"{path}.{name}" if path else name


def describe_kind(value: object) -> str:
    """What a JSON value is, in words: `a text`, `null`."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "an object" if isinstance(value, Mapping) else "a list"


def suggest(name: str, known: Iterable[str]) -> str:
    """Advice for a name that is not among the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(names)}."
