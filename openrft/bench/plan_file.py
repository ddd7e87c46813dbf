"""Write a plan to plan.json and read it back. Every fault of an edited plan is reported with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from openrft.bench.ablation import AblationPlan
from openrft.bench.plan import BenchPlan, check_policy, check_weights
from openrft.bench.plan_options import coerce_arms, coerce_options, list_used_plugins
from openrft.bench.seed_rule import SeedRule
from openrft.config.documents import dump_document, read_fields
from openrft.config.parse import LARGEST_INTEGER, parse_options, raise_faults, suggest
from openrft.config.settings import STAGE_SETTINGS, parse_stage_settings
from openrft.errors import OpenRFTError, UsageError
from openrft.job import Arm
from openrft.plugins import registry
from openrft.runtime.text import check_name
from openrft.tasks.task import DataRequest

PLAN_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class _PlanFile:
    """The shape of the file. The contents of data, settings and options are read like options."""

    tasks: tuple[str, ...]
    arms: tuple[Arm, ...]
    seeds: tuple[Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)], ...]
    policy: str
    data: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Mapping[str, Any]]
    ablation: AblationPlan
    notices: tuple[str, ...]
    seed_rule: SeedRule | None = None


def plan_to_json(plan: BenchPlan) -> dict[str, Any]:
    """The plan as plain data, which `plan_from_json` reads back."""
    plain: dict[str, Any] = dump_document(plan)
    return plain


def plan_from_json(row: Any) -> BenchPlan:
    """Rebuild a plan written by `plan_to_json`. Raises UsageError that lists every fault with its place."""
    if not isinstance(row, Mapping):
        raise UsageError("not a plan.", "Give a plan.json that a bench wrote.")
    found, faults = read_fields(_PlanFile, row, "forbid")
    tasks, arms, options = (found.get(name, ()) for name in ("tasks", "arms", "options"))
    faults += _find_contradictions(found)
    stages = found.get("settings", {})
    settings, more = parse_stage_settings(stages)
    faults += [f"settings.{n} is not known; {suggest(n, STAGE_SETTINGS)}" for n in stages if n not in STAGE_SETTINGS]
    faults += [f"settings: {fault}" for fault in more]
    data, more = parse_options(DataRequest, "data", found.get("data", {}))
    faults += more
    used = list_used_plugins(tasks, arms, options or {})
    if {"arms", "tasks"} <= found.keys():
        faults += [f"options.{name}: no arm has a plugin of that name" for name in options if name not in used]
    installed = registry.list_plugins()
    faults += [f"unknown plugin: {name!r}; {suggest(name, installed)}" for name in used if name not in installed]
    known = [name for name in used if name in installed]
    coerced, more = coerce_options(dict(options), known)
    faults += [f"options: {fault}" for fault in more]
    arms, more = coerce_arms(arms, settings, coerced, "arms[{number}] ({arm.name})")
    raise_faults(faults + more)
    assert data is not None
    check_policy(found["policy"])
    for arm in arms:
        if arm.policy is not None:
            check_policy(arm.policy)
    check_weights(arms, coerced)
    return BenchPlan(**{**found, "arms": arms, "data": data, "settings": settings, "options": coerced})


def read_plan(path: Path) -> BenchPlan:
    """Read the plan.json that --plan names. Raises UsageError, which names the file."""
    try:
        return plan_from_json(json.loads(path.read_text("utf-8-sig")))
    except OSError as fault:
        raise UsageError(f"--plan {path}: {fault.strerror}.") from fault
    except RecursionError as fault:
        raise UsageError(f"--plan {path}: nested too deep.", "Give a plan.json that a bench wrote.") from fault
    except ValueError as fault:
        raise UsageError(f"--plan {path}: not JSON ({fault}).", "Is the file cut short?") from fault
    except OpenRFTError as fault:
        fault.message = f"--plan {path}: {fault.message}"
        raise


def _find_contradictions(found: Mapping[str, Any]) -> list[str]:
    """Faults that only an edited plan can have, such as a task that is listed twice."""
    arms: Sequence[Arm] = found.get("arms", ())
    names = [arm.name for arm in arms]
    faults = [f"{what} is empty" for what in ("tasks", "arms", "seeds") if what in found and not found[what]]
    tasks, seeds = found.get("tasks", ()), found.get("seeds", ())
    faults += [f"tasks[{i}]: {task!r} is not FAMILY/NAME" for i, task in enumerate(tasks) if "/" not in task]
    for what, values in (("tasks", tasks), ("seeds", seeds), ("arms", names)):
        twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
        faults += [f"{what}: {value!r} is listed {values.count(value)} times" for value in twice]
    for number, name in enumerate(names):
        try:
            check_name(name, f"arms[{number}]:")
        except UsageError as fault:
            faults.append(fault.message)
    ablation: AblationPlan | None = found.get("ablation")
    if ablation and arms:
        ends = {"vanilla": ablation.vanilla, "base": ablation.base, "full": ablation.full}
        faults += [f"ablation.{end}: there is no arm {name!r}" for end, name in ends.items() if name not in names]
    return faults
