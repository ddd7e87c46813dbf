"""When two numbers or expressions count as equal."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.util import find_spec

from openrft.errors import UsageError
from openrft.types import Sample


@dataclass(frozen=True, slots=True)
class GradingRules:
    """Settings of the comparison of numbers and expressions. Raises UsageError for values that make no sense."""

    relative_tolerance: float | None = None  # None: half a unit of the gold answer's last digit
    convert_units: bool = False  # whether 5 cm equals 0.05 m; needs the library pint
    absolute_tolerance: float | None = None  # in the gold answer's unit; goes before the relative one

    def __post_init__(self) -> None:
        for given in (self.relative_tolerance, self.absolute_tolerance):
            if given is not None and (not math.isfinite(given) or given < 0):
                raise UsageError(f"a tolerance of {given} is refused.", "Give 0 or more, such as 0.01 for one percent.")
        if self.convert_units and find_spec("pint") is None:
            raise UsageError("converting units needs the library pint.", "Install it: pip install pint.")

    def for_sample(self, sample: Sample) -> GradingRules:
        """The rules with the sample's own tolerance, `meta["tolerance"]`, where it has one: {"absolute": 0.5}, in the
        gold answer's unit, or {"relative": 0.05}."""
        own = sample.meta.get("tolerance")
        if not own:
            return self
        return replace(self, absolute_tolerance=own.get("absolute"), relative_tolerance=own.get("relative"))


DEFAULT_RULES = GradingRules()
