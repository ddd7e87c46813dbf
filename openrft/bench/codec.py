"""Frozen dataclasses to plain JSON and back; every fault is named by where it stands in the file.

Knows types, not meanings: which names may occur where is report.py's business.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from openrft.errors import DataError


def encode(value: Any) -> Any:
    """`value` as plain JSON data. Truth values in a sequence become 0 and 1; a number that is not finite, null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [int(item) if isinstance(item, bool) else encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float)):
        return value
    return str(value)  # a path or a version object in the plan must not cost a finished run its report


def decode(kind: Any, value: Any, where: str) -> Any:
    """Rebuild a `kind` (a dataclass, a scalar, `tuple[X, ...]`, `Mapping[str, X]`, `X | None`) from JSON data.

    `where` is the file, or the path of `value` in it. Raises DataError for a missing field or a wrong type; a field
    that `kind` does not know is passed over, so that a later version may add some.
    """
    if kind is Any:
        return value
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else decode(inner[0], value, where)
    if is_dataclass(kind):
        return _record(typing.cast(type, kind), value, where)
    if origin is tuple:
        return tuple(decode(inner[0], item, f"{where}[{i}]") for i, item in enumerate(_typed(list, value, where)))
    if origin is not None:
        return {key: decode(inner[1], item, _under(where, key)) for key, item in _typed(dict, value, where).items()}
    if kind is bool and value in (0, 1):
        return bool(value)
    if kind is float and isinstance(value, int):  # a truth value too: it stands for 0 or 1
        return float(value)
    return _typed(kind, value, where)


def _record(kind: type, value: Any, where: str) -> Any:
    row = _typed(dict, value, where)
    hints = typing.get_type_hints(kind)
    known = {}
    for f in fields(kind):
        if f.name in row:
            known[f.name] = decode(hints[f.name], row[f.name], _under(where, f.name))
        elif f.default is MISSING and f.default_factory is MISSING:
            raise DataError(f"{where}: the field {f.name!r} is missing.", "Is this a whole OpenRFT report?")
    return kind(**known)


def _under(where: str, name: str) -> str:
    return f"{where}.{name}" if ": " in where else f"{where}: {name}"


def _typed(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DataError(f"{where}: {kind.__name__} expected, not {value!r:.60}.", "Is this a whole OpenRFT report?")
    return value
