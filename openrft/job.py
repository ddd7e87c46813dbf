"""An arm is a set of plugins. A job is one arm on one task with one seed, as plain data that a worker is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openrft.config.settings import Settings
from openrft.runtime.text import make_file_name
from openrft.tasks.task import DataRequest

VANILLA = "vanilla"  # the arm without plugins


@dataclass(frozen=True, slots=True)
class Arm:
    """A named set of plugins, in call order."""

    name: str
    plugins: tuple[str, ...] = ()
    policy: str | None = None  # a baseline that answers in place of the bench's policy
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # ^ stage or plugin -> option -> value, where the arm differs from the bench's settings


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that determines a result."""

    arm: Arm
    task: str  # a full task name
    seed: int
    policy: str  # what `openrft.open_policy` takes
    data: DataRequest = field(default_factory=DataRequest)
    settings: Settings = field(default_factory=Settings)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # plugin name -> its options

    def __str__(self) -> str:
        return f"{self.arm.name} on {self.task}, seed {self.seed}"


def format_job_name(arm: str, task: str, seed: int) -> str:
    """The job's name in the names of files and runs."""
    return make_file_name(f"{arm}--{task}--{seed}")
