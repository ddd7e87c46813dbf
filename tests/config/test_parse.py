"""Values into options: text, TOML and JSON values through one function; every fault at once, in words."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import openrft
from openrft.config.options import (
    FilePath,
    OutputPath,
    PathMarker,
    WeightsPath,
    describe_options,
    find_named_paths,
    find_path_options,
    get_declaration,
    get_types,
    list_fields,
    option,
)
from openrft.config.parse import check_options_class, dump_options, parse_options
from openrft.config.settings import STAGE_SETTINGS
from openrft.plugins.registry import list_plugins, load_declaration
from openrft.tasks.task import DataRequest


class Strange:
    """Not to be written as text."""


@dataclass(frozen=True)
class Range:
    low: int = option(0, help="Least.", ge=0)
    high: float | None = None


@dataclass(frozen=True)
class Options:
    rate: float = option(0.1, help="A share.", gt=0, le=1, renamed_from=("speed", "pace"))
    count: int | None = option(None, help="How many.", ge=1)
    mode: Literal["auto", 5] | float = "auto"
    either: int | str = 3
    names: list[str] = option(["a"], help="Names.")
    pair: tuple[int, ...] = ()
    table: dict[str, float] | None = None
    within: Range = Range()
    on: bool = True
    text: str = ""


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("rate", "1e-1", 0.1),
        ("rate", "0.1", 0.1),
        ("rate", 1, 1.0),
        ("count", "none", None),
        ("count", "None", None),
        ("count", " 7 ", 7),
        ("mode", "5", 5),
        ("mode", "0.5", 0.5),
        ("either", "12", 12),
        ("either", "twelve", "twelve"),
        ("names", '["x", "y"]', ["x", "y"]),
        ("names", ["x"], ["x"]),
        ("pair", "[1, 2]", (1, 2)),
        ("table", '{"a": 1}', {"a": 1.0}),
        ("table", "none", None),
        ("within", '{"low": 2, "high": 3}', Range(2, 3.0)),
        ("within", {"low": 2}, Range(2)),
        ("on", "no", False),
        ("text", "none", "none"),
        ("text", "[1]", "[1]"),
    ],
)
def test_typed_text_and_typed_values_become_the_same(name: str, given: Any, value: Any) -> None:
    found, faults = parse_options(Options, "p", {name: given})
    assert faults == []
    assert getattr(found, name) == value
    assert type(getattr(found, name)) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("rate", 0, "0 is not above 0 and at most 1"),
        ("rate", "x", "'x' is not a number"),
        ("rate", "nan", "'nan' is not a finite number"),
        ("rate", True, "True is not a number"),
        ("rate", "none", "'none' is not a number"),
        ("count", 0, "0 is not at least 1"),
        ("count", "1.5", "'1.5' is not a whole number"),
        ("count", 10**30, f"{10**30} is too large"),
        ("mode", "aut", "'aut' is none of auto, 5; did you mean auto? and 'aut' is not a number"),
        ("either", [], "[] is not a whole number and [] is not text"),
        ("names", "[1", "'[1' is not JSON, such as [1, 2]"),
        ("names", '"x"', "'x' is not a list"),
        ("pair", '[1, "x"]', "p.pair[1]: 'x' is not a whole number"),
        ("pair", "[" * 100_000, "is not JSON"),
        ("table", "[1]", "[1] is not a table"),
        ("within", '{"low": -1}', "low: -1 is not at least 0"),
        ("within", '{"lo": 1}', "has no option 'lo'; did you mean low?"),
        ("on", "perhaps", "'perhaps' is neither true nor false"),
        ("text", 3, "3 is not text"),
        ("speed", 1, "p.speed is now called p.rate"),
        ("tabel", 1, "p has no option 'tabel'; did you mean table?"),
    ],
)
def test_a_fault_names_the_option_the_value_and_what_is_allowed(name: str, given: Any, fault: str) -> None:
    found, faults = parse_options(Options, "p", {name: given})
    assert found is None
    assert len(faults) == 1
    assert fault in faults[0]
    assert faults[0].startswith("p")
    assert len(faults[0]) < 160


def test_all_faults_are_found_at_once() -> None:
    wrong = {"rate": 7, "count": "x", "names": 1, "pace": 2, "unheard": 3}
    assert len(parse_options(Options, "p", wrong)[1]) == 5


def test_options_of_types_or_limits_that_make_no_sense_are_found() -> None:
    @dataclass(frozen=True)
    class Odd:
        late: Strange | None = None
        label: str = option("x", help="Text.", ge=1)
        share: float = option(2.0, help="A share.", le=1)
        fine: int = 1

    late, label, share = check_options_class(Odd)
    assert late.startswith("late has the type ")
    assert late.endswith(", which cannot be set")
    assert label == "label has limits (at least 1) and is not a number"
    assert "share has a wrong default" in share
    assert "2.0 is not at most 1" in share


def test_paths_are_found_by_their_type() -> None:
    @dataclass(frozen=True)
    class Paths:
        model: Literal["self"] | WeightsPath = "self"
        judge: WeightsPath | None = None
        table: FilePath = ""
        log: OutputPath = "log.jsonl"
        files: tuple[FilePath, ...] = ()
        title: str = ""

    weights, file, output = (PathMarker(names) for names in ("weights", "file", "output"))
    assert find_path_options(Paths) == {"model": weights, "judge": weights, "table": file, "log": output, "files": file}
    given = {"model": "self", "judge": "./j", "table": "", "log": "l", "title": "t"}
    assert find_named_paths(Paths, given) == [("judge", weights, "./j"), ("log", output, "l")]
    assert find_named_paths(Paths, {"model": "./m", "judge": None}) == [("model", weights, "./m")]
    assert find_named_paths(Paths, {"files": ["a", "b"]}) == [("files", file, "a"), ("files", file, "b")]


def test_the_face_has_what_plugins_declare_options_with() -> None:
    assert openrft.option is option
    assert (openrft.WeightsPath, openrft.FilePath, openrft.OutputPath) == (WeightsPath, FilePath, OutputPath)


OWNED = {
    "data": DataRequest,
    **STAGE_SETTINGS,
    **{name: load_declaration(name).Options for name in list_plugins() if load_declaration(name).Options},
}


@pytest.mark.parametrize("owner", OWNED)
def test_every_option_of_ours_is_declared_with_help(owner: str) -> None:
    assert check_options_class(OWNED[owner]) == []
    for info in describe_options(OWNED[owner]):
        assert info.help.endswith(".") or info.help.endswith("'") or info.help.endswith("..."), f"{owner}.{info.name}"


def values_of(kind: Any, field: dataclasses.Field[Any]) -> st.SearchStrategy[Any]:
    """Values that the option accepts, within its limits."""
    limits = get_declaration(field).limits
    text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    whole = st.integers(max(-(2**63) + 1, math.ceil(low) if low is not None else -(2**63) + 1), 2**63 - 1)
    number = st.floats(
        low, high, allow_nan=False, allow_infinity=False, exclude_min="gt" in limits, exclude_max="lt" in limits
    )
    plain = {bool: st.booleans(), int: whole, float: number, str: text, type(None): st.none()}
    members = _members(kind)
    return st.one_of(*(plain[m] if m in plain else st.sampled_from(m.__args__) for m in members))


def _members(kind: Any) -> list[Any]:
    if getattr(kind, "__metadata__", None):
        return _members(kind.__origin__)
    args = getattr(kind, "__args__", ())
    return [m for arg in args for m in _members(arg)] if args and "Union" in type(kind).__name__ else [kind]


@pytest.mark.parametrize("owner", OWNED)
@given(data=st.data())
def test_what_is_dumped_is_read_back_the_same(owner: str, data: st.DataObject) -> None:
    options_class = OWNED[owner]
    kinds = get_types(options_class)
    fields = list_fields(options_class)
    given = data.draw(st.fixed_dictionaries({}, optional={n: values_of(kinds[n], f) for n, f in fields.items()}))
    found, faults = parse_options(options_class, owner, given)
    if found is None:  # what the options say together does not fit: a rule of several options
        assert all(fault.startswith(f"{owner}: ") for fault in faults)
        return
    assert parse_options(options_class, owner, dump_options(found)) == (found, [])
    typed = {name: str(value) for name, value in dump_options(found).items()}
    optional = {name for name, kind in kinds.items() if type(None) in _members(kind)}
    if all(value is None or typed[n].lower() != "none" for n, value in dump_options(found).items() if n in optional):
        assert parse_options(options_class, owner, typed) == (found, [])
