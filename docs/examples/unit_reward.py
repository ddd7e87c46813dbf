"""Reward quantities by their units: a right value counts in any unit, and a right dimension alone earns a part."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import openrft
from openrft import Reward, Rollout, Task

# A number and a product of units: `9.81 m/s^2`, `3e8 m s^-1`. Nothing else reaches pint, which computes what it reads.
UNIT = r"[^\W\d_]+(?:\^-?\d)?"
QUANTITY = re.compile(rf"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d\d?)?)\s*({UNIT}(?:[ */]{UNIT})*)")


class UnitReward(openrft.Plugin):
    """The outcome reward of answers such as `9.81 m/s^2`. Test answers keep the task's own grade."""

    requires = ("rl",)
    rewards = ("outcome",)

    @dataclass(frozen=True)
    class Options:
        part: float = openrft.option(0.2, help="What a wrong value earns whose unit can be converted.", ge=0, lt=1)
        tolerance: float = openrft.option(0.01, help="How far a value may be off, as a part of the gold value.", gt=0)

    def __init__(self, options: Options) -> None:
        self.options = options
        if find_spec("pint") is None:
            raise openrft.UsageError("unit-reward needs the library pint.", "Install it: pip install pint.")

    @openrft.hookimpl
    def check_job(self, task: Task) -> list[str]:
        lacking = [sample.gold for sample in task.train if read_quantity(sample.gold) is None]
        return [f"unit-reward: the gold answer {lacking[0][:40]!r} is no number with a unit."] if lacking else []

    @openrft.hookimpl
    def reward(self, rollouts: Sequence[Rollout]) -> list[Reward | None]:
        return [Reward("unit-reward", "outcome", self._score(rollout)) for rollout in rollouts]

    def _score(self, rollout: Rollout) -> float:
        gold, found = read_quantity(rollout.sample.gold), read_quantity(openrft.final_answer(rollout.completion.text))
        if gold is None or found is None or not found.is_compatible_with(gold):
            return 0.0
        off = abs(found.to(gold.units).magnitude - gold.magnitude)
        return 1.0 if off <= self.options.tolerance * abs(gold.magnitude) else self.options.part


def read_quantity(text: str | None) -> Any:
    """The pint quantity that the whole text names; None if it names none."""
    from pint import PintError, application_registry

    with contextlib.suppress(PintError):
        read = QUANTITY.fullmatch(re.sub(r"[{}]", "", text or "").strip())
        return read and application_registry.Quantity(float(read[1]), read[2])
