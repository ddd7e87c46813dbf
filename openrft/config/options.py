"""Declared options: what a field of an options dataclass means, may be and was called before.

Holds declarations alone, so that plugins can import it at no cost; parse.py reads values into them.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Annotated, Any, TypeVar

T = TypeVar("T")

_KEY = "openrft"  # where a field's metadata holds its Option


@dataclasses.dataclass(frozen=True, slots=True)
class PathMarker:
    """Marks an option that names something outside its plugin."""

    names: str  # "weights", "file", "output" or "reward"


WeightsPath = Annotated[str, PathMarker("weights")]  # a policy or model: a shipped name, a folder, a hub id, a server
FilePath = Annotated[str, PathMarker("file")]  # a file or a folder that is read
OutputPath = Annotated[str, PathMarker("output")]  # a file or a folder that the plugin writes: no result depends on it
RewardName = Annotated[str, PathMarker("reward")]  # another plugin, whose rewards the hook `weigh` is given


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """What is declared of one option besides its type and default."""

    help: str = ""  # one sentence or two: what it does, its unit
    source: str = ""  # where the default comes from, such as "paper, section 3"
    ge: float | None = None  # at least
    gt: float | None = None  # above
    le: float | None = None  # at most
    lt: float | None = None  # below
    renamed_from: tuple[str, ...] = ()  # names it had before: they are refused, and the message names the new one

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by their names here."""
        named = {"ge": self.ge, "gt": self.gt, "le": self.le, "lt": self.lt}
        return {name: limit for name, limit in named.items() if limit is not None}

    @property
    def range(self) -> str:
        """The limits in words, such as "at least 1" or "between 0 and 1"; empty without limits."""
        if set(self.limits) == {"ge", "le"}:
            return f"between {self.ge:g} and {self.le:g}"
        words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
        return " and ".join(f"{words[name]} {limit:g}" for name, limit in self.limits.items())


@typing.overload
def option(
    default: T,
    *,
    help: str,
    source: str = ...,
    ge: float | None = ...,
    gt: float | None = ...,
    le: float | None = ...,
    lt: float | None = ...,
    renamed_from: str | tuple[str, ...] = ...,
) -> T: ...


@typing.overload
def option(
    *,
    help: str,
    source: str = ...,
    ge: float | None = ...,
    gt: float | None = ...,
    le: float | None = ...,
    lt: float | None = ...,
    renamed_from: str | tuple[str, ...] = ...,
) -> Any: ...


def option(
    default: Any = MISSING,
    *,
    help: str,
    source: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    renamed_from: str | tuple[str, ...] = (),
) -> Any:
    """Declare a field of an options dataclass.

        @dataclass(frozen=True)
        class Options:
            lr: float = openrft.option(3e-5, help="Learning rate of the policy.", source="paper, section 3", gt=0)

    Without a default the option must be set. `ge`, `gt`, `le` and `lt` limit a number: at least, above, at most, below.
    `source` says where the default comes from. `renamed_from`: a name that the option had before.
    """
    old = (renamed_from,) if isinstance(renamed_from, str) else renamed_from
    metadata = {_KEY: Option(help, source, ge, gt, le, lt, old)}
    if isinstance(default, (list, dict, set)):  # each object gets its own copy
        return dataclasses.field(default_factory=lambda: copy.copy(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def get_declaration(field: dataclasses.Field[Any]) -> Option:
    """What `option` declared of a field; an empty declaration for a plain field."""
    found: Option = field.metadata.get(_KEY, Option())
    return found


def list_fields(options_class: type) -> dict[str, dataclasses.Field[Any]]:
    """The fields that can be set, by name."""
    return {f.name: f for f in dataclasses.fields(options_class) if f.init}


def get_types(options_class: type) -> dict[str, Any]:
    """The annotated type of each field, markers included."""
    return typing.get_type_hints(options_class, include_extras=True)


def get_default(field: dataclasses.Field[Any]) -> Any:
    """The default; MISSING if the option must be set."""
    return field.default_factory() if field.default_factory is not MISSING else field.default


def find_path_options(options_class: type) -> dict[str, PathMarker]:
    """The options that name weights or files, by their type: WeightsPath or FilePath, `| None` or in a list too."""
    kinds = get_types(options_class)
    found = {name: _find_marker(kinds[name]) for name in list_fields(options_class)}
    return {name: marker for name, marker in found.items() if marker is not None}


def find_named_paths(options_class: type, values: Mapping[str, Any]) -> list[tuple[str, PathMarker, str]]:
    """The weights and files that these values name, each with its option. Words that the type lists are no paths."""
    kinds, found = get_types(options_class), []
    for name, marker in find_path_options(options_class).items():
        value = values.get(name)
        for path in value if isinstance(value, list | tuple) else [value]:
            if isinstance(path, str) and path and path not in _list_words(kinds[name]):
                found.append((name, marker, path))
    return found


def _list_words(kind: Any) -> list[Any]:
    """What a type lists word by word: "light" of `Literal["light"] | WeightsPath`."""
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    return [word for part in typing.get_args(kind) for word in _list_words(part)]


def _find_marker(kind: Any) -> PathMarker | None:
    if typing.get_origin(kind) is Annotated:
        inner, *extras = typing.get_args(kind)
        return next((e for e in extras if isinstance(e, PathMarker)), None) or _find_marker(inner)
    return next((m for part in typing.get_args(kind) if (m := _find_marker(part)) is not None), None)


def describe_type(kind: Any) -> str:
    """A type in words: "a whole number", "one of mean, min"."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        marker = _find_marker(kind)
        if marker is None:
            return describe_type(parts[0])
        return {"weights": "a name or path of weights", "reward": "the name of a plugin"}.get(marker.names, "a path")
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if part is type(None) else describe_type(part) for part in parts)
    if origin in (list, tuple, set, frozenset) and parts:
        return f"a list, each {describe_type(parts[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return words.get(kind) or (kind.__name__ if isinstance(kind, type) and not parts else str(kind))


@dataclasses.dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option as users see it."""

    name: str
    type: str  # in words
    default: Any  # None for an option that must be set
    must_be_set: bool
    range: str  # in words; empty without limits
    help: str
    source: str  # of the default


def describe_options(options_class: type) -> list[OptionInfo]:
    """Every option of the class, in the order of its fields."""
    kinds, rows = get_types(options_class), []
    for name, field in list_fields(options_class).items():
        declared, default = get_declaration(field), get_default(field)
        must_be_set = default is MISSING
        kind = describe_type(kinds[name])
        shown = None if must_be_set else default
        rows.append(OptionInfo(name, kind, shown, must_be_set, declared.range, declared.help, declared.source))
    return rows


def format_value(value: Any) -> str:
    """A value as users type it behind --set: none, true, 0.5, text, a list as JSON."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value) if isinstance(value, (bool, int, float, list, tuple, dict)) else str(value)
