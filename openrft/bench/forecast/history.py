"""What stages cost on this machine before: read from a store, and matched to the stages that a bench will run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from openrft.bench.forecast.walk import PlannedStage, describe_shape
from openrft.runtime.machine import count_threads, identify_machine
from openrft.runtime.paid.usage import Usage


@dataclass(frozen=True, slots=True)
class PastStage:
    """A finished stage and what it cost."""

    stage: str
    policy: str
    task: str
    plugins: tuple[str, ...]
    shape: str  # see `describe_shape`
    threads: int | None  # of PyTorch
    units: int
    calls: int  # batches that the units come in
    seconds: float  # without the loading of the policy
    load_seconds: float  # 0: it was loaded before
    tokens: int
    usage: tuple[Usage, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """The cost of one unit of a stage, and how like the past stages are that it is taken from."""

    seconds: float
    tokens: float
    usage: tuple[Usage, ...]  # of one past stage
    usage_units: int  # to which `usage` belongs
    stages: int  # that it is taken from
    likeness: str

    @property
    def is_like(self) -> bool:
        """Whether the past stages had the same settings."""
        return self.likeness.startswith("same settings")


# How like a past stage is, the best first: what must be equal besides the stage, the policy and the machine.
LIKENESS = {
    "same settings": ("plugins", "shape", "task", "threads"),
    "same settings, other task": ("plugins", "shape", "threads"),
    "same settings, other number of threads": ("plugins", "shape"),
    "same plugins, other settings": ("plugins",),
    "other plugins": (),
}


def read_history(root: Path) -> list[PastStage]:
    """The finished stages of a store whose seconds were measured on a machine like this one."""
    machine = identify_machine()
    return [past for file in sorted(root.glob("*/*/cost.json")) for past in _read(file, machine)]


def _read(file: Path, machine: str) -> Iterator[PastStage]:
    """The stage of a `cost.json`; none if it is damaged, was measured elsewhere or is of a version that kept less."""
    inputs_file = file.with_name("inputs.json")
    try:
        cost = json.loads(file.read_text("utf-8"))
        work = cost.get("work")
        if not work or work["machine"] != machine or not work["units"]:
            return
        inputs: dict[str, Any] = json.loads(inputs_file.read_text("utf-8"))
        found = PastStage(
            file.parts[-3],
            work["policy"],
            work["task"],
            tuple(name for name, *_ in inputs.get("plugins", [])),
            describe_shape(inputs),
            work["threads"],
            work["units"],
            work["calls"],
            max(cost["seconds"] - work["load_seconds"], 0.0),
            work["load_seconds"],
            cost["tokens"],
            tuple(Usage(**row) for row in cost.get("usage", ())),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # it says nothing, and harms nothing
        return
    yield found


def find_rate(planned: PlannedStage, history: Sequence[PastStage], threads: int) -> Rate | None:
    """The median cost of one unit over the past stages that are most like this one; None without any."""
    known = [past for past in history if (past.stage, past.policy) == (planned.stage, planned.policy)]
    own = {"plugins": planned.plugins, "shape": planned.shape, "task": planned.task, "threads": threads}
    for likeness, equal in LIKENESS.items():
        like = [past for past in known if all(getattr(past, name) == own[name] for name in equal)]
        if like:
            paid = max(like, key=lambda past: sum(usage.replies for usage in past.usage))
            return Rate(
                median(past.seconds / past.units for past in like),
                median(past.tokens / past.units for past in like),
                paid.usage,
                paid.units,
                len(like),
                likeness,
            )
    return None


def find_load_seconds(policy: str, history: Iterable[PastStage]) -> tuple[float, float]:
    """Seconds to open a policy: the first time in a process, which imports what it needs, and later. 0: not known."""
    found = [past.load_seconds for past in history if past.policy == policy and past.load_seconds]
    return (max(found), median(found)) if found else (0.0, 0.0)


def count_worker_threads(workers: int) -> int:
    """The threads of PyTorch in each of a bench's workers; those of this process if it runs the jobs itself."""
    if workers > 1:
        return max(1, (os.cpu_count() or 1) // workers)
    return count_threads() or 1
