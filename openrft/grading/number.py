"""Numbers in answers: how they are read, and when two are equal."""

from __future__ import annotations

import math
import re

from openrft.types import Sample

_NUMBER = re.compile(r"[-+\u2212]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def read_number(sample: Sample, raw: str) -> str | None:
    """The first number in the answer, as it is written."""
    found = _NUMBER.search(raw)
    return found.group(0) if found else None


def is_same_number(read: str, gold: str) -> bool:
    """Equal within half a unit of the gold answer's last digit, so 3.14159 matches a gold of 3.14."""
    found = _NUMBER.search(gold)
    if not found:
        return False
    text = found.group(0).replace(",", "").replace("\u2212", "-")
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    try:
        unit = 10.0 ** (int(exponent or 0) - digits)
    except OverflowError:  # a gold larger than any float: nothing equals it
        return False
    value = float(read.replace(",", "").replace("\u2212", "-"))
    # The last factor keeps the tolerance's own rounding from deciding a tie.
    return math.isfinite(value) and abs(value - float(text)) <= 0.5 * unit * (1 + 1e-9)
