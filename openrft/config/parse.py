"""Read values into options: typed text, TOML values and JSON values. All faults are reported at once.

pydantic does the reading. It is imported when it is first needed, because `openrft --help` and plugins import this
module without needing it.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import operator
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from openrft.config.options import Option, get_declaration, get_default, get_types, list_fields
from openrft.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

T = TypeVar("T")

LARGEST_INTEGER = 2**63 - 1  # what seeds and tensors can hold
_UNIONS = (typing.Union, types.UnionType)
_CONTAINERS = (list, tuple, set, frozenset, dict, Mapping, Sequence)


def parse_options(options_class: type[T], owner: str, values: Mapping[str, Any]) -> tuple[T | None, list[str]]:
    """The options object and no faults; or None and every fault, each a sentence that names `owner.option`."""
    good, faults = parse_values(options_class, owner, values)
    fields = list_fields(options_class)
    faults += [f"{owner}.{n} must be set" for n, f in fields.items() if get_default(f) is MISSING and n not in values]
    if faults:
        return None, faults
    try:
        return options_class(**good), []
    except (ValueError, UsageError) as fault:  # a check of several options together, in __post_init__
        return None, [f"{owner}: {fault}"]


def parse_values(options_class: type, owner: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The valid values by option, in their declared types, and a fault for each other value."""
    from pydantic import ValidationError

    fields, kinds = list_fields(options_class), get_types(options_class)
    renamed = {old: name for name, field in fields.items() for old in get_declaration(field).renamed_from}
    good: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in values.items():
        if name in renamed and name not in fields:
            faults.append(f"{owner}.{name} is now called {owner}.{renamed[name]}")
        elif name not in fields:
            faults.append(f"{owner} has no option {name!r}; {suggest(name, fields)}")
        else:
            try:
                good[name] = _get_reader(options_class, name).validate_python(_read_text(value, kinds[name]))
            except ValidationError as fault:
                faults.append(f"{owner}.{name}{_merge_errors(fault, get_declaration(fields[name]))}")
            except ValueError as fault:
                faults.append(f"{owner}.{name}: {fault}")
    return good, faults


def dump_options(options: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
    """An options object as plain JSON values, which `parse_options` reads back; only those of `names`, if given."""
    from pydantic_core import to_jsonable_python

    return {
        name: to_jsonable_python(getattr(options, name))
        for name in (list_fields(type(options)) if names is None else names)
    }


def check_options_class(options_class: type) -> list[str]:
    """Faults of a declaration, each of which begins with the option's name: a type that cannot be set, limits for
    something other than a number, a default that its own type or limits refuse."""
    faults = []
    kinds = get_types(options_class)
    for name, field in list_fields(options_class).items():
        declared, default = get_declaration(field), get_default(field)
        try:
            _build_reader(kinds[name], declared)
        except TypeError as fault:
            faults.append(f"{name} {fault}")
            continue
        if declared.limits and not {int, float} & set(_list_members(kinds[name])):
            faults.append(f"{name} has limits ({declared.range}) and is not a number")
        elif default is not MISSING:
            wrong = parse_values(options_class, "", {name: default})[1]
            faults += [f"{name} has a wrong default: {fault.partition(': ')[2]}" for fault in wrong]
    return faults


def suggest(name: str, known: Iterable[str]) -> str:
    """A suggestion for an unknown name: the nearest name, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}."


def raise_faults(faults: Iterable[str]) -> None:
    """Raise one UsageError that lists all faults, each once; nothing if there are none."""
    faults = list(dict.fromkeys(faults))
    if len(faults) == 1:
        raise UsageError(faults[0])
    if faults:
        raise UsageError(f"{len(faults)} faults:\n" + "\n".join(f"  - {f}" for f in faults))


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


def describe_error(error: ErrorDetails, declared: Option | None = None) -> str:
    """A pydantic error as the end of a sentence that begins with the place: "0 is not at least 1"."""
    kind, context, shown = error["type"], error.get("ctx", {}), show_value(error["input"])
    if kind == "literal_error":
        return f"{shown} is none of {_list_choices(context['expected'], error['input'])}"
    if kind in _RANGES:
        limit = context[_RANGES[kind][0]]
        if abs(limit) >= LARGEST_INTEGER:
            return f"{shown} is too large"
        return f"{shown} is not {declared.range if declared and declared.limits else f'{_RANGES[kind][1]} {limit}'}"
    if kind == "missing":
        return "must be set"
    if kind.startswith("float") and type(error["input"]) is int:
        return f"{shown} is too large"
    if kind == "value_error":
        return str(context["error"])
    return f"{shown} {_MEANINGS.get(kind, _guess_meaning(kind)) or 'is refused: ' + error['msg']}"


def show_value(value: Any) -> str:
    """A value as it is quoted in a message: on one line, and cut if it is long."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python will write
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


_RANGES = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
_MEANINGS = {
    "finite_number": "is not a finite number",
    "int_parsing_size": "is too large",
    "recursion_loop": "is nested too deep",
}


def _guess_meaning(kind: str) -> str:
    """The meaning of a pydantic error about a type, from the beginning of its name."""
    words = {
        "int": "is not a whole number",
        "float": "is not a number",
        "bool": "is neither true nor false",
        "string": "is not text",
        "list": "is not a list",
        "tuple": "is not a list",
        "set": "is not a list",
        "dict": "is not a table",
        "mapping": "is not a table",
        "dataclass": "is not a table",
        "model": "is not a table",
    }
    return words.get(kind.split("_")[0], "")


def _list_choices(expected: str, given: Any) -> str:
    """pydantic's "'mean', 'min' or 'last'" as "mean, min, last", with the nearest one."""
    choices = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(str(given), choices, n=1, cutoff=0.5)
    return ", ".join(choices) + (f"; did you mean {near[0]}?" if near else "")


def _merge_errors(fault: Any, declared: Option) -> str:
    """All errors of one option's value. Each member of a union has its own."""
    errors = fault.errors(include_url=False)
    places = [format_place(part for part in e["loc"] if not _is_union_tag(part)) for e in errors]
    texts = dict.fromkeys(describe_error(e, declared) for e in errors)
    return f"{places[0]}: {' and '.join(texts)}"


def _is_union_tag(part: int | str) -> bool:
    return isinstance(part, str) and (part in ("int", "float", "bool", "str") or "[" in part)


def format_place(location: Iterable[int | str]) -> str:
    """The place in a nested value: `[0].name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


@functools.cache
def _get_reader(options_class: type, name: str) -> TypeAdapter[Any]:
    return _build_reader(get_types(options_class)[name], get_declaration(list_fields(options_class)[name]))


def _build_reader(kind: Any, declared: Option) -> TypeAdapter[Any]:
    """The validator of this type. Raises TypeError for a type that cannot be read from text or JSON."""
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(_annotate(kind, declared.limits))
    except PydanticUserError as fault:
        shown = str(kind).removeprefix("<class '").removesuffix("'>").replace("typing.", "")
        raise TypeError(f"has the type {shown}, which cannot be set") from fault


def _annotate(kind: Any, limits: Mapping[str, float]) -> Any:
    """The type with our rules: numbers are finite and not booleans, unions are tried in the written order, and fields
    of a nested dataclass keep their declared limits."""
    from pydantic import BeforeValidator, Field, PlainValidator

    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is int:
        bounds: dict[str, Any] = {"ge": -LARGEST_INTEGER, "le": LARGEST_INTEGER, **limits}
        return Annotated[int, Field(**bounds), BeforeValidator(_refuse_bool)]
    if kind is float:
        bounds = {"allow_inf_nan": False, **limits}
        return Annotated[float, Field(**bounds), BeforeValidator(_refuse_bool)]
    if origin is Annotated:
        return Annotated[(_annotate(parts[0], limits), *parts[1:])]
    if origin in _UNIONS:
        members: Any = functools.reduce(operator.or_, [_annotate(part, limits) for part in parts])
        several = len([part for part in parts if part is not type(None)]) > 1
        return Annotated[members, Field(union_mode="left_to_right")] if several else members
    if dataclasses.is_dataclass(kind):
        return Annotated[kind, PlainValidator(functools.partial(_parse_nested, typing.cast(type, kind)))]
    if origin in _CONTAINERS:
        return origin[tuple(part if part is Ellipsis else _annotate(part, {}) for part in parts)]
    return kind


def _parse_nested(kind: type, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"{show_value(value)} is not a table")
    found, faults = parse_options(kind, "", value)
    if faults:
        raise ValueError("; ".join(fault.removeprefix(".").strip() for fault in faults))
    return found


def _refuse_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    return value


def _read_text(value: Any, kind: Any) -> Any:
    """The meaning of typed text that pydantic would not recognise: none, JSON, or a choice that is not text."""
    if not isinstance(value, str):
        return value
    members = _list_members(kind)
    if type(None) in members and value.lower() == "none":
        return None
    for choice in (part for member in members for part in typing.get_args(member) if _is_literal(member)):
        if value == str(choice):
            return choice
    nested = [member for member in members if _is_nested(member)]
    if nested and (len(nested) == len([m for m in members if m is not type(None)]) or value.lstrip()[:1] in ("[", "{")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(f"{show_value(value)} is not JSON, such as [1, 2]") from None
    return value


def _list_members(kind: Any) -> list[Any]:
    """The member types of a type, without markers."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _list_members(parts[0])
    return [m for part in parts for m in _list_members(part)] if origin in _UNIONS else [kind]


def _is_literal(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal


def _is_nested(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) or (typing.get_origin(kind) or kind) in _CONTAINERS
