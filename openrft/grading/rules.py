"""When two numbers or expressions count as equal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec

from openrft.errors import UsageError


@dataclass(frozen=True, slots=True)
class GradingRules:
    """Settings of the comparison of numbers and expressions. Raises UsageError for values that make no sense."""

    relative_tolerance: float | None = None  # None: half a unit of the gold answer's last digit
    convert_units: bool = False  # whether 5 cm equals 0.05 m; needs the library pint

    def __post_init__(self) -> None:
        given = self.relative_tolerance
        if given is not None and (not math.isfinite(given) or given < 0):
            raise UsageError(f"a tolerance of {given} is refused.", "Give 0 or more, such as 0.01 for one percent.")
        if self.convert_units and find_spec("pint") is None:
            raise UsageError("converting units needs the library pint.", "Install it: pip install pint.")


DEFAULT_RULES = GradingRules()
