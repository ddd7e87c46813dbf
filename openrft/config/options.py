"""Options as frozen dataclasses: from typed text or TOML values to validated fields, all faults reported at once."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from openrft.errors import UsageError

T = TypeVar("T")


def parse_options(kind: type[T], owner: str, values: Mapping[str, Any]) -> tuple[T | None, list[str]]:
    """The options object and no faults, or None and every fault found, each a sentence naming `owner.option`."""
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    faults: list[str] = []
    good: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=3, cutoff=0.5)
            known = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(fields) or 'none'}."
            faults.append(f"{owner} has no option {name!r}; {known}")
            continue
        try:
            good[name] = coerce(value, hints[name])
        except ValueError as fault:
            faults.append(f"{owner}.{name}: {fault}")
    faults += [f"{owner}.{name} must be set" for name, f in fields.items() if _required(f) and name not in values]
    if faults:
        return None, faults
    try:
        return kind(**good), []
    except (ValueError, UsageError) as fault:  # a range check in __post_init__
        return None, [f"{owner}: {fault}"]


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def coerce(value: Any, hint: Any) -> Any:
    """`value` (text, or already typed) as the annotated type. Raises ValueError that says what is expected."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        for choice in arguments:
            if value == choice or (isinstance(value, str) and value == str(choice)):
                return choice
        near = difflib.get_close_matches(str(value), [str(a) for a in arguments], n=1, cutoff=0.5)
        tail = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{value!r} is none of {', '.join(map(str, arguments))}{tail}")
    if origin in (typing.Union, types.UnionType):
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        inner = [a for a in arguments if a is not type(None)]
        return coerce(value, inner[0])
    if hint is bool:
        return _bool(value)
    if hint in (int, float):
        return _number(value, hint)
    if hint is str:
        if isinstance(value, str):
            return value
        raise ValueError(f"{value!r} is not text")
    raise ValueError(f"options of type {hint} cannot be set from the command line")


def is_settable(hint: Any) -> bool:
    """Whether `coerce` knows this type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        return len(inner) == 1 and is_settable(inner[0])
    return origin is typing.Literal or hint in (bool, int, float, str)


def _bool(value: Any) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() in words:
        return words[str(value).lower()]
    raise ValueError(f"{value!r} is neither true nor false")


def _number(value: Any, kind: type) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{value!r} is not {'a whole number' if kind is int else 'a number'}") from None
    if not math.isfinite(number):  # nan slips through every range check, as it is neither below nor above
        raise ValueError(f"{value!r} is not a finite number")
    if kind is int and isinstance(value, float) and value != number:
        raise ValueError(f"{value!r} is not a whole number")
    return number


def raise_faults(faults: Iterable[str]) -> None:
    """Raise one UsageError that lists all faults; nothing if there are none."""
    faults = list(faults)
    if len(faults) == 1:
        raise UsageError(faults[0])
    if faults:
        raise UsageError(f"{len(faults)} faults in the options:\n" + "\n".join(f"  - {f}" for f in faults))


def parse_assignments(pairs: Iterable[str]) -> dict[str, dict[str, str]]:
    """`["prm.model=pocket/prm", "explore.steps=50"]` -> nested; values stay text. Raises UsageError."""
    nested: dict[str, dict[str, str]] = {}
    faults = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        owner, dot, option = name.strip().partition(".")
        if not (equals and dot and owner and option):
            faults.append(f"--set {pair!r} is not OWNER.OPTION=VALUE (for example explore.steps=50).")
            continue
        nested.setdefault(owner, {})[option] = value.strip()
    raise_faults(faults)
    return nested
