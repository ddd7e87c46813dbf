"""From a study and a request to benches: every combination of levels as an arm, and a bench for each set of rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from openrft.bench.plan import BenchPlan, BenchRequest, make_plan
from openrft.config.options import list_fields
from openrft.config.parse import parse_assignments, show_value
from openrft.errors import UnknownName, UsageError
from openrft.job import VANILLA
from openrft.studies.catalog import DATA, STUDIES, Axis, Level, Study, vary
from openrft.tasks.task import DataRequest


@dataclass(frozen=True, slots=True)
class Point:
    """A combination of levels: an arm of one of the benches."""

    labels: tuple[str, ...]  # of its level on each axis
    arm: str
    bench: int


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What a study runs."""

    study: Study
    points: tuple[Point, ...]
    benches: tuple[BenchPlan, ...]
    suffixes: tuple[str, ...]  # of the benches' names; empty for a single one
    reference: str  # the arm that every combination is compared with


def find_study(name: str) -> Study:
    """The study of this name. Raises UnknownName."""
    if name not in STUDIES:
        raise UnknownName("study", name, STUDIES)
    return STUDIES[name]


def replace_values(study: Study, given: Sequence[str]) -> Study:
    """The study with the levels of --values AXIS=V,V. Raises UsageError for an axis that is not one of its own."""
    axes = {axis.name: axis for axis in study.axes}
    for text in given:
        name, equals, listed = text.partition("=")
        values = list(dict.fromkeys(value.strip() for value in listed.split(",") if value.strip()))
        if not equals or not values:
            raise UsageError(f"--values {show_value(text)} is not AXIS=VALUE,VALUE.", "For example alpha=0.5,0.9.")
        if name not in axes:
            raise UnknownName(f"axis of the study {study.name}", name, axes)
        if not axes[name].option:
            raise UsageError(f"--values {name}: its levels are not the values of one option.", "They stay as they are.")
        axes[name] = vary(name, axes[name].option, values)
    return replace(study, axes=tuple(axes.values()))


def make_study_plan(study: Study, asked: BenchRequest) -> StudyPlan:
    """The benches. `asked` says which tasks, rows, policy, seeds and settings they share. Raises UsageError."""
    _refuse_varied(study, asked)
    rows: dict[tuple[str, ...], list[str]] = {}  # the data options of a bench -> its arms
    points = []
    for levels in itertools.product(*(axis.levels for axis in study.axes)):
        data = tuple(a for level in levels for a in level.assignments if a.startswith(DATA))
        arms = rows.setdefault(data, [f"{name}={','.join(plugins)}" for name, plugins in study.beside])
        name = name_point(study.axes, levels)
        arms.append(f"{name}={','.join(_list_parts(study, levels))}")
        points.append(Point(tuple(level.label for level in levels), name, list(rows).index(data)))
    benches = []
    for data, arms in rows.items():
        values = {**asked.data, **_parse_data(data)}
        benches.append(make_plan(replace(asked, arms="none", extra=tuple(arms), data=values)))
    several = len(rows) > 1
    suffixes = tuple("-".join(a.removeprefix(DATA).replace("=", "-") for a in data) if several else "" for data in rows)
    shared = set.intersection(*({arm.name for arm in bench.arms} for bench in benches))
    reference = study.reference if study.reference in shared else VANILLA  # --values may have left it out
    return StudyPlan(study, tuple(points), tuple(benches), suffixes, reference)


def name_point(axes: Sequence[Axis], levels: Sequence[Level]) -> str:
    """An arm's name, such as "alpha-0.3-f-min". Levels of the rows are left out: the bench has them."""
    named = [
        f"{axis.name}-{level.label}"
        for axis, level in zip(axes, levels, strict=True)
        if not axis.option.startswith(DATA)
    ]
    return "-".join(named).replace("/", "-").replace(" ", "-")


def _list_parts(study: Study, levels: Sequence[Level]) -> list[str]:
    plugins = dict.fromkeys((*study.plugins, *(name for level in levels for name in level.plugins)))
    options = [a for level in levels for a in level.assignments if not a.startswith(DATA)]
    return [*plugins, *options]


def _parse_data(assignments: Sequence[str]) -> dict[str, Any]:
    """Fields of DataRequest. They are text here; the plan gives them their types."""
    return parse_assignments(assignments).get(DATA.rstrip("."), {})


def _refuse_varied(study: Study, asked: BenchRequest) -> None:
    """Refuse a setting that the study itself varies: it would be ignored."""
    varied = {a.partition("=")[0] for axis in study.axes for level in axis.levels for a in level.assignments}
    given = {f"{owner}.{option}" for owner, options in asked.values.items() for option in options}
    given |= {f"{DATA}{name}" for name in asked.data if name in list_fields(DataRequest)}
    if both := sorted(varied & given):
        raise UsageError(f"the study {study.name} varies {', '.join(both)} itself.", "Leave it out, or use --values.")
