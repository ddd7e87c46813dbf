"""Numbers in JSON, which can be larger than any that a computer calculates with."""

from __future__ import annotations

import math

LONGEST = 40  # characters of a wrong value that are shown


def read_finite(value: object) -> float | None:
    """A number as a float; None for what is no number, and for one that is not finite or beyond the range of floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def show_value(value: object) -> str:
    """A wrong value as it is quoted in a message: cut if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
