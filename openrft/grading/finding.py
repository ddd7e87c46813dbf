"""What a reader makes of one piece of text: an answer, a refusal with its reason, or nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was read in one piece of text."""

    answer: str | None = None
    reason: str = ""  # why there is no answer, in a few words for people
    is_refused: bool = False  # the text speaks of the answer, but gives none: no text before it is asked


NOTHING = Finding(None, "no answer in it")


def refuse(reason: str) -> Finding:
    """The finding for a text that mentions an answer but does not decide on one, with the reason."""
    return Finding(None, reason, True)
