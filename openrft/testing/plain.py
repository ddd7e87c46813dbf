"""Results of hooks as plain JSON data, and whether two are equal up to rounding."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any


def to_plain(value: Any) -> Any:
    """Dataclasses and mappings as dicts, sequences as lists, numpy's numbers as Python's. What is left is its repr."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, Set):
        return sorted(map(repr, value))
    if isinstance(value, Sequence):
        return [to_plain(one) for one in value]
    return to_plain(value.item()) if hasattr(value, "item") else repr(value)


def is_same(a: Any, b: Any, tolerance: float = 1e-5) -> bool:
    """Whether plain data is the same; numbers may differ by `tolerance`, relative or absolute."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_same(a[key], b[key], tolerance) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(is_same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) or isinstance(b, float):
        numbers = isinstance(a, int | float) and isinstance(b, int | float)
        return numbers and math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    return bool(a == b)
