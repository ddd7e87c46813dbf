"""How answers of these kinds are to be written, for the instruction before every question."""

from __future__ import annotations

from collections.abc import Iterable

ASKED = {
    "choice": ("the letter of the right option", "where options are given"),
    "boolean": ("Yes or No", "for a yes/no question"),
    "number": ("the number alone", "where a number is asked for"),
    "text": ("the answer alone", "else"),
}


def instruction(kinds: Iterable[str]) -> str | None:
    """One instruction for all of a task's kinds of answer; None where the harness's own fits: options alone."""
    found = {*kinds}
    asked = [words for kind, words in ASKED.items() if kind in found]
    if found == {"choice"}:
        return None
    what = asked[0][0] if len(asked) == 1 else ", ".join(" ".join(words) for words in asked)
    return f"Reason step by step, one step per line. Put the final answer in \\boxed{{}} on the last line: {what}."
