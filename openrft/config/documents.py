"""Frozen dataclasses as JSON documents and back: plans, reports and the results of stages.

A document is read strictly: text is never read as a number. Every fault is reported with its place.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, TypeAdapter
from pydantic_core import ErrorDetails, SchemaValidator, ValidationError, to_jsonable_python

from openrft.config.options import get_default, get_types, list_fields
from openrft.config.parse import describe_error, format_place, suggest

T = TypeVar("T")

Extra = Literal["forbid", "ignore"]  # what to do with fields that a dataclass does not have


def _read_flag(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


# Truth values as 0 and 1, which keeps reports of thousands of completions short.
Flags = Annotated[
    tuple[Annotated[bool, BeforeValidator(_read_flag)], ...], PlainSerializer(lambda flags: list(map(int, flags)))
]


OMIT_EMPTY = Field(exclude_if=lambda value: not value)  # in Annotated: the field is written only if it holds something


def dump_document(value: Any) -> Any:
    """A dataclass as plain JSON data. A number that is not finite becomes null. Other objects become text."""
    # Text, because a path or a version object in the plan must not cost a finished run its report.
    plain = _adapt(typing.cast(Any, type(value))).dump_python(value, mode="json", fallback=str, warnings=False)
    return to_jsonable_python(plain, inf_nan_mode="null")


def read_document(kind: type[T], data: Any, extra: Extra) -> tuple[T | None, list[str]]:
    """A `kind` from plain JSON data and no faults; or None and every fault, each of which begins with its place."""
    good, faults = read_fields(kind, data, extra)
    return (None, faults) if faults else (kind(**good), [])


def read_fields(kind: type, data: Any, extra: Extra) -> tuple[dict[str, Any], list[str]]:
    """The valid fields of a `kind`, and every fault of the others."""
    if not isinstance(data, Mapping):
        return {}, [f"{type(data).__name__} in place of a table of {', '.join(list_fields(kind))}"]
    fields, good = list_fields(kind), dict[str, Any]()
    faults: list[str] = []
    for name, reader in _build_readers(kind).items():
        if name in data:
            try:
                good[name] = reader.validate_python(data[name], extra=extra)
            except ValidationError as fault:
                faults += _describe_faults(kind, name, fault.errors(include_url=False))
        elif get_default(fields[name]) is dataclasses.MISSING:
            faults.append(f"{name} is missing")
    if extra == "forbid":
        faults += [f"{name} is not known; {suggest(name, fields)}" for name in data if name not in fields]
    return good, faults


def read_value(kind: Any, data: Any, extra: Extra) -> tuple[Any, list[str]]:
    """Like `read_document`, for any type, such as a tuple of dataclasses."""
    try:
        return _build_reader(kind).validate_python(data, extra=extra), []
    except ValidationError as fault:
        return None, list(_describe_faults(kind, "", fault.errors(include_url=False)))


def _describe_faults(kind: Any, name: str, errors: list[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        location = (name, *error["loc"]) if name else error["loc"]
        place = format_place(location).removeprefix(".")
        if error["type"] == "missing":
            yield f"{place} is missing"
        elif error["type"] == "unexpected_keyword_argument":
            yield f"{place} is not known; {suggest(str(location[-1]), _list_fields_at(kind, location[:-1]))}"
        else:
            yield f"{place}: {describe_error(error)}"


def _list_fields_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The fields of the dataclass at this place of a document."""
    for part in location:
        while typing.get_origin(kind) is Annotated:
            kind = typing.get_args(kind)[0]
        if dataclasses.is_dataclass(kind):
            kind = get_types(typing.cast(type, kind))[str(part)]
        else:  # the type of an entry is the first argument of a list, and the last of a mapping
            kind = typing.get_args(kind)[0 if isinstance(part, int) else -1]
    return list(list_fields(typing.cast(type, kind))) if dataclasses.is_dataclass(kind) else []


@functools.cache
def _adapt(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@functools.cache
def _build_readers(kind: type) -> dict[str, SchemaValidator]:
    kinds = get_types(kind)
    return {name: _build_reader(kinds[name]) for name in list_fields(kind)}


@functools.cache
def _build_reader(kind: Any) -> SchemaValidator:
    return SchemaValidator(_make_strict(_adapt(kind).core_schema))


def _make_strict(schema: Any) -> Any:
    """Strict about numbers, text and booleans only. A list is read as a tuple, and an object as a dataclass."""
    if isinstance(schema, list):
        return [_make_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _make_strict(part) for key, part in schema.items()}
    return {**strict, "strict": True} if schema.get("type") in ("int", "float", "bool", "str") else strict
