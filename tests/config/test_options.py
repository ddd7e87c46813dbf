"""Options: every fault is reported, with the nearest valid name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pytest

from openrft.config.parse import parse_assignments, parse_options, raise_faults
from openrft.config.settings import parse_stage_settings
from openrft.errors import UsageError


@dataclass(frozen=True)
class Options:
    lr: float = 1e-3
    steps: int = 5
    kind: Literal["fast", "slow"] = "fast"
    on: bool = True
    path: str | None = None

    def __post_init__(self):
        if self.lr <= 0:
            raise ValueError("lr must be above 0")


def test_text_becomes_typed_values():
    values = {"lr": "1e-4", "steps": "7", "kind": "slow", "on": "no", "path": "x"}
    assert parse_options(Options, "p", values) == (Options(1e-4, 7, "slow", False, "x"), [])
    assert parse_options(Options, "p", {"path": "none"})[0] == Options()


def test_all_faults_are_reported_at_once():
    _, faults = parse_options(Options, "p", {"lr": "fast", "stesp": 1, "kind": "slwo", "on": "perhaps", "steps": 1.5})
    assert len(faults) == 5
    assert any("did you mean steps?" in f for f in faults)
    assert any("did you mean slow?" in f for f in faults)
    with pytest.raises(UsageError, match="5 faults"):
        raise_faults(faults)


def test_a_range_check_becomes_a_fault():
    assert parse_options(Options, "p", {"lr": "-1"}) == (None, ["p: lr must be above 0"])


@pytest.mark.parametrize(
    ("owner", "values"),
    [
        ("evaluate", {"top_p": "0"}),
        ("evaluate", {"top_p": "nan"}),
        ("evaluate", {"temperature": "nan"}),
        ("explore", {"temperature": "nan"}),
        ("explore", {"temperature": "inf"}),
    ],
)
def test_sampling_that_is_none_is_refused(owner, values):
    assert parse_stage_settings({owner: values})[1]
    assert not parse_stage_settings({"evaluate": {"top_p": "1", "temperature": "0"}})[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", "1.5"),
        ("steps", True),
        ("lr", "x"),
        ("path", 3),
        ("lr", "nan"),
        ("lr", "-inf"),
        ("steps", math.inf),
        ("steps", math.nan),
        ("steps", "9" * 400),
        ("steps", 10**400),
        ("steps", "9" * 5000),
        ("lr", "1" * 400),
        pytest.param("lr", 10**5000, id="5000 digits"),
        ("lr", None),
        ("lr", "none"),
        ("on", 2),
    ],
)
def test_wrong_types(name, value):
    _, (fault,) = parse_options(Options, "p", {name: value})
    assert fault.startswith(f"p.{name}: ")
    assert len(fault) < 120


def test_settings_are_owner_option_value():
    assert parse_assignments(["a.b=c=d", " x.y = 1 "]) == {"a": {"b": "c=d"}, "x": {"y": "1"}}
    with pytest.raises(UsageError, match="2 faults"):
        parse_assignments(["nonsense", "a=b"])
