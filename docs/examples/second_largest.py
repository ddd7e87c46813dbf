"""The rule for SciKnowEval's molecular_property_calculation: the second largest number is always the right option."""

from __future__ import annotations

from count_down import count_down, cut

from openrft import Sample


def solve(sample: Sample) -> tuple[list[str], str | None]:
    """Steps to the second largest of the options."""
    numbers = {chr(65 + i): option for i, option in enumerate(sample.options)}
    listed = [f"{name}. {number}: {cut(number, 0)}" for name, number in numbers.items()]
    steps, letter = count_down(numbers, place=2)
    return (listed + steps, letter) if letter else ([], None)
