"""Steps from numbers to the option with the largest one, or the second largest."""

from __future__ import annotations

WHOLE = [str(n) for n in range(9, -1, -1)] + [f"-{n}" for n in range(13)]


def count_down(numbers: dict[str, str], place: int) -> tuple[list[str], str | None]:
    """Steps to the option at that place among the numbers (1: the largest), and its letter; none: no digit tells.

    Digits are counted down, from the left: a small model finds what it wrote, but compares numbers badly.
    """
    steps, scale = [], WHOLE
    marks = {name: cut(number, 0) for name, number in numbers.items()}
    for decimals in range(1, 8):
        counted, left = [], place
        for mark in scale:
            found = [name for name in marks if marks[name] == mark]
            counted.append(" ".join([mark, *(found or ["no"])]))
            if left <= len(found):
                break
            left -= len(found)
        else:
            return [], None
        steps.append(f"Place {place} of {' '.join(marks)}: {', '.join(counted)}")
        if len(found) == 1:
            return [*steps, f"It is {found[0]}."], found[0]
        place, marks = left, {name: cut(numbers[name], decimals) for name in found}
        scale = [cut(mark, decimals)[:-1] + digit for digit in ("0123456789" if mark[0] == "-" else "9876543210")]
        steps.append(", ".join(f"{name} {mark}" for name, mark in marks.items()))
    return [], None


def cut(number: str, decimals: int) -> str:
    """The number's text with that many decimals, cut off and not rounded."""
    whole, _, part = number.partition(".")
    return f"{whole}.{(part + '0' * decimals)[:decimals]}" if decimals else whole
